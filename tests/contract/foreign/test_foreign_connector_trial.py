"""`millwright connector try odoo`, run as a person runs it, on a real Odoo."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from millwright.connector_trial.behaviours import BEHAVIOURS
from tests.contract.foreign.odoo_cmms_plant import OdooCmmsPlant

pytestmark = pytest.mark.foreign

_PATIENCE = 280
_OPEN = "SELECT count(*) FROM maintenance_request WHERE name LIKE 'Millwright connector trial%%' AND NOT archive"
_MADE = "SELECT count(*) FROM maintenance_request WHERE name LIKE 'Millwright connector trial%%'"


def tried(plant: OdooCmmsPlant, project_root: Path, **settings: str) -> tuple[int, Any]:
    """The exit code and the report of the command."""
    given = {
        "MILLWRIGHT_ODOO_DATABASE": plant.database.name,
        "MILLWRIGHT_ODOO_API_KEY": plant.secrets[0],
        "PYTHONPATH": str(project_root),
        **settings,
    }
    command = [sys.executable, "-m", "millwright", "connector", "try", "odoo", "--url", plant.database.url, "--json"]
    ended = subprocess.run(
        command,
        env=os.environ | given,
        cwd=project_root,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert plant.secrets[0] not in ended.stdout + ended.stderr
    return ended.returncode, orjson.loads(ended.stdout)


def test_every_behaviour_of_the_connector_is_seen_on_a_real_odoo(
    odoo_cmms_plant: OdooCmmsPlant, project_root: Path
) -> None:
    code, report = tried(odoo_cmms_plant, project_root, MILLWRIGHT_ODOO_APPROVED_STAGE="Approved")
    assert [each for each in report["behaviours"] if each["outcome"] == "failed"] == []
    assert (code, report["passed"], report["left_over"]) == (0, len(BEHAVIOURS), [])
    assert odoo_cmms_plant.database.rows(_OPEN) == [(0,)]
    assert odoo_cmms_plant.database.rows(_MADE)[0][0] > len(BEHAVIOURS) / 2


def test_a_site_where_no_request_waits_has_fewer(stock_odoo_cmms_plant: OdooCmmsPlant, project_root: Path) -> None:
    code, report = tried(stock_odoo_cmms_plant, project_root)
    outcomes = {each["behaviour"]: each["outcome"] for each in report["behaviours"]}
    assert [name for name, outcome in outcomes.items() if outcome == "not_applicable"] == [
        "releasing_twice_releases_once",
        "releasing_request_lost",
        "releasing_answer_lost",
    ]
    assert (code, report["failed"], report["left_over"]) == (0, 0, [])
    assert stock_odoo_cmms_plant.database.rows(_OPEN) == [(0,)]
