"""People see on the command line which failures were missed, and say what doubtful work was."""

import asyncio

import pytest

from domain.instances import SiteInstances
from domain.maintenance_history import MaintenanceHistory, WorkDone, WorkKind
from millwright.bootstrap import open_storage
from millwright.settings import Settings
from millwright.storage.maintenance.readings import MaintenanceHistoryStore
from tests.cli.conftest import Millwright
from tests.support.held_machine import add_people
from tests.support.plant import PUMP, register


@pytest.fixture
def plant(millwright: Millwright, database_url: str) -> Millwright:
    """Two orders of people, of which the CMMS does not say what had failed."""
    settings = Settings.model_validate({"home": millwright.home, "database_url": database_url})

    async def prepare() -> None:
        async with open_storage(settings) as storage:
            await storage.register.keep(register(), "tests")
            await add_people(storage)
            store = MaintenanceHistoryStore(storage.engine, storage.clock, SiteInstances(otherwise="maximo"))
            now = storage.clock.now()
            work = tuple(WorkDone(record=each, done_at=now, kind=WorkKind.CORRECTIVE) for each in ("78", "77"))
            await store.record_reading("maximo", now, {PUMP: MaintenanceHistory(read_at=now, work=work)})

    asyncio.run(prepare())
    return millwright


def test_a_planner_confirms_and_denies_doubtful_work_and_the_failure_is_listed(plant: Millwright) -> None:
    assert {work["record"] for work in plant.json("missed", "doubtful")} == {"77", "78"}
    assert "Of 2 orders nobody knows yet whether something had failed" in plant.says("missed", "list")
    acting = ("--reason", "the seal leaked", "--key", "planner")
    confirmed = plant.says("missed", "confirm", "maximo", "77", "--asset", PUMP, "--mode", "PDE", "--round", *acting)
    assert confirmed == f"paul said of order 77: PDE of {PUMP}.\n"
    assert plant.says("missed", "deny", "maximo", "78", *acting) == "paul said of order 78: no failure.\n"
    assert plant.says("missed", "doubtful") == "No work is doubtful.\n"
    shown = plant.says("missed", "list")
    assert "people and cases saw 1 failures; 0 of them were monitored (coverage 0.00)" in shown
    assert "recall unknown" in shown
    assert plant.json("missed", "list")["listed"][0]["found_by"] == "round"
