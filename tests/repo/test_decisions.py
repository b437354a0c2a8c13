"""The decisions: their pages, the checks they name, and those checks that have no better place."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from activities.judging import JudgeLine
from activities.machine_states import ReadStates
from activities.order_changes import PollSystem
from activities.progress import CaseRef
from activities.walk_downs import WalkDownRef
from domain.anomaly import Anomaly, AnomalyKind
from domain.keys import case_id
from domain.model import Model
from workflows.connector_poll import Poll
from workflows.line_watch import Line

_ROOT = Path(__file__).resolve().parents[2]
_PAGES = sorted((_ROOT / "docs" / "decisions").glob("*.md"))
_SECTIONS = ["Context", "Decision", "Consequences", "Enforced by"]
_NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_pages_are_numbered_without_a_gap() -> None:
    assert [page.name[:4] for page in _PAGES] == [f"{number:04d}" for number in range(1, len(_PAGES) + 1)]


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.stem)
def test_a_page_has_its_number_date_and_sections(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert re.search(r"^(Accepted|Superseded by \d{4}), \d{4}-\d\d-\d\d\.$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == _SECTIONS


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.stem)
def test_a_page_names_a_check_that_exists(page: Path) -> None:
    enforced = page.read_text(encoding="utf-8").partition("## Enforced by")[2]
    named = _NAMED_TEST.findall(enforced)
    assert named
    for file, test in named:
        source = _ROOT / file
        assert source.exists(), file
        assert not test or f"def {test}(" in source.read_text(encoding="utf-8"), f"{file}::{test}"


@pytest.mark.parametrize(
    "shape", [Line, CaseRef, Poll, JudgeLine, PollSystem, ReadStates, WalkDownRef], ids=lambda shape: shape.__name__
)
def test_a_workflow_is_told_names_and_no_events(shape: type[Model]) -> None:
    assert set(shape.model_fields) <= {"line", "case", "system", "interval", "walk_down"}


@pytest.mark.parametrize("source", sorted((_ROOT / "workflows").glob("*.py")), ids=lambda source: source.stem)
def test_no_workflow_waits_by_a_timer_of_the_engine(source: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    waits = [(call.func.attr, call) for call in calls if isinstance(call.func, ast.Attribute)]
    assert [call.lineno for name, call in waits if name in ("sleep", "wait_for", "timeout")] == []
    conditions = [call for name, call in waits if name == "wait_condition"]
    assert [call.lineno for call in conditions if call.keywords or len(call.args) > 1] == []


def test_a_case_id_comes_from_its_opening_event_and_fits_ten_characters() -> None:
    opened = case_id("machine-001-comp1", "PDE", "twins/machine-001", "4711")
    assert opened == case_id("machine-001-comp1", "PDE", "twins/machine-001", "4711")
    assert re.fullmatch(r"MW[A-Z2-7]{8}", opened)
    others = {
        case_id("machine-001-comp2", "PDE", "twins/machine-001", "4711"),
        case_id("machine-001-comp1", "VIB", "twins/machine-001", "4711"),
        case_id("machine-001-comp1", "PDE", "twins/machine-002", "4711"),
        case_id("machine-001-comp1", "PDE", "twins/machine-001", "4712"),
        case_id("machine-001-comp1", "PDE", "twins/machine-001", "4711", attempt=1),
    }
    assert len(others | {opened}) == 6


def test_of_one_instant_codes_are_judged_before_deviations() -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    code, deviation = (
        Anomaly(kind=kind, asset="machine-001-comp1", failure_mode="PDE", at=at, detector="any")
        for kind in (AnomalyKind.CODE, AnomalyKind.DEVIATION)
    )
    earlier = deviation.model_copy(update={"at": at.replace(hour=11)})
    assert earlier.order("z") < code.order("z") < deviation.order("a")
