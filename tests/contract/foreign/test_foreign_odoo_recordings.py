"""The recordings that the tests without a server use are what Odoo answers, but for times."""

import json
import re

import pytest

from tests.contract import odoo_mrp_questions, odoo_questions, odoo_scenes
from tests.contract.foreign import odoo_cmms_recordings
from tests.contract.foreign.odoo_recordings import FILE, answers, record
from tests.contract.foreign.odoo_server import OdooDatabase, OdooServer
from tests.contract.odoo_scenes import Recording

pytestmark = pytest.mark.foreign


def without_times(recording: Recording) -> Recording:
    found: Recording = json.loads(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>", json.dumps(recording)))
    return found


async def test_odoo_is_asked_and_answers_as_recorded(odoo_database: OdooDatabase) -> None:
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    assert without_times(await record(odoo_database)) == without_times(kept)


async def test_odoo_answers_further_questions_as_recorded(odoo_server: OdooServer) -> None:
    assert await answers(odoo_server.copy()) == odoo_mrp_questions.recorded()


async def test_odoo_maintenance_is_asked_and_answers_as_recorded(odoo_server: OdooServer) -> None:
    kept = json.loads(odoo_scenes.FILE.read_text(encoding="utf-8"))
    recorded = await odoo_cmms_recordings.scenes(odoo_server.copy())
    assert without_times(recorded) == without_times(kept)


async def test_odoo_maintenance_answers_further_questions_as_recorded(odoo_server: OdooServer) -> None:
    answers = await odoo_cmms_recordings.answers(odoo_server.copy())
    assert answers == odoo_questions.recorded()
