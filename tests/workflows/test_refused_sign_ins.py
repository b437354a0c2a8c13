"""A case whose CMMS refuses our sign-in: no secret is in the engine's history, in the record, or in the log."""

import logging
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from domain.cases import Lane
from domain.keys import case_workflow_id
from millwright.connector_trial.secret_forms import forms_of
from millwright.runtime.setting_files import SecretInFile
from tests.support.http_connectors import RIGHT, WAYS_IN, Vendor, WayIn
from tests.support.plant import code, deviation
from tests.workflows.fake_plant import FakePlant

SENT = "Birch-Signal-8830"
WAYS = {"maximo", "sap_pm", "atlas", "rest by client credentials"}


def whole_record(url: str) -> str:
    """Every row of every table, as text."""
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = (connection.execute(f'SELECT t::text FROM "{name}" t'.encode()).fetchall() for (name,) in names)
        return "\n".join(str(row[0]) for each in rows for row in each)


@pytest.mark.parametrize("way", [way for way in WAYS_IN if way.name in WAYS], ids=lambda way: way.name)
async def test_a_refused_sign_in_leaves_no_secret_behind(
    way: WayIn, plant: FakePlant, database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "secret"
    file.write_text(SENT)
    vendor = Vendor(right=RIGHT)
    cmms = way.connected(vendor.client(), SecretInFile(file, "MILLWRIGHT_CMMS__SECRET_FILE"))
    await plant.stop_worker()
    plant.systems = replace(plant.systems, cmms={"fake": cmms})  # type: ignore[dict-item]  # it is a Cmms too
    plant.start_worker()
    await plant.take(code(1), deviation(2))
    case = await plant.case()
    assert case.lane is Lane.PLANNER
    assert "(HTTP 401" in (case.waiting_for or "")
    assert 401 in [status for _, status in vendor.asked]
    history = await plant.client.get_workflow_handle(case_workflow_id(case.id)).fetch_history()
    told = [history.to_json(), whole_record(database_url), caplog.text, repr(case)]
    assert all(case.id in text for text in told[:2])
    assert [form for form in forms_of([SENT]) for text in told if form in text] == []
