"""The recordings that the tests without a server use are what Odoo answers, but for times."""

import json
import re

import pytest

from tests.contract.foreign.odoo_recordings import FILE, Recording, record
from tests.contract.foreign.odoo_server import OdooDatabase

pytestmark = pytest.mark.foreign


def without_times(recording: Recording) -> Recording:
    found: Recording = json.loads(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>", json.dumps(recording)))
    return found


async def test_odoo_is_asked_and_answers_as_recorded(odoo_database: OdooDatabase) -> None:
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    assert without_times(await record(odoo_database)) == without_times(kept)
