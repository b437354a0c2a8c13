"""The page on the sandbox tells every fault that each server can show, and every request that it answers."""

import re
from pathlib import Path

import pytest

from sandbox import control
from sandbox.bus import misbehaviour as bus
from sandbox.faults import KINDS
from sandbox.jobcontrol import misbehaviour as jobcontrol
from sandbox.maximo import misbehaviour as maximo
from sandbox.sap_dm import misbehaviour as sap_dm
from sandbox.sap_dm.operations import OPERATIONS
from sandbox.twins import request_gate as twins

_PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
_SHOWN = {
    bus.TARGET: bus.KINDS,
    twins.TARGET: twins.KINDS,
    maximo.TARGET: maximo.SHOWN,
    jobcontrol.TARGET: jobcontrol.KINDS,
    sap_dm.TARGET: KINDS,
}
_ROW = re.compile(r"^\| `(\w+)` \|.*\| *(●?) \| *(●?) \| *(●?) \| *(●?) \| *(●?) \|$", re.MULTILINE)
_TARGETS = ("bus", "twins", "maximo", "jobcontrol", "sap_dm")


@pytest.mark.parametrize("target", _TARGETS)
def test_the_table_of_faults_marks_what_each_server_can_show(target: str) -> None:
    column = _TARGETS.index(target)
    marked = {row[0] for row in _ROW.findall(_PAGE) if row[1 + column]}
    assert marked == set(_SHOWN[target])


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"(?:GET|POST|DELETE)[, A-Z]* (/[a-z]+)", control.__doc__ or "")))
)
def test_every_request_of_the_control_api_is_told(path: str) -> None:
    assert re.search(rf"`(GET|POST|DELETE) {path}`", _PAGE)


def test_every_operation_of_the_other_mes_is_told() -> None:
    (row,) = re.findall(r"^\| `sap_dm` \| (`token`.*) \|$", _PAGE, re.MULTILINE)
    assert re.findall(r"`(\w+)`", row) == [each.name for each in OPERATIONS]
