"""Planners look on the command line at the crews and at the cases that wait for their turn."""

import asyncio
import json
from pathlib import Path

import pytest

from domain.assets import Criticality
from millwright.bootstrap import open_storage
from millwright.settings import Settings
from tests.cli.conftest import Millwright
from tests.support.crew_plant import CrewPlant
from tests.support.ingress import NOW, set_clock

MACHINES = {"b1": Criticality.B, "c1": Criticality.C, "d1": Criticality.D}


@pytest.fixture
def plant(millwright: Millwright, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CrewPlant:
    """A plant whose crew gets one new order in seven days; two cases wait."""
    set_clock(tmp_path, NOW)
    clock = f"file:{tmp_path / 'clock'}"
    monkeypatch.setenv("MILLWRIGHT_CLOCK", clock)
    settings = Settings.model_validate({"home": millwright.home, "database_url": database_url, "clock": clock})

    async def done() -> CrewPlant:
        async with open_storage(settings) as storage:
            made = CrewPlant(storage.engine, MACHINES)
            made.clock.time = NOW
            await made.prepare(1)
            await made.step(*await made.break_down("b1"))
            await made.step(*await made.break_down("d1", "c1", hours=3))
            return made

    return asyncio.run(done())


def test_it_lists_the_crew_and_who_waits_the_riskiest_first(millwright: Millwright, plant: CrewPlant) -> None:
    said = millwright.says("capacity")
    assert "crew mechanical of BEDFORD: 1 of 1 new orders in 7 days; the next one can go out at " in said
    assert said.index(plant.case_of["c1"]) < said.index(plant.case_of["d1"])
    [crew] = json.loads(millwright.says("capacity", "--json"))
    assert [each["asset"] for each in crew["next"]] == ["c1", "d1"]
    assert "its turn: new orders of crew mechanical in 7 days: at most 1" in " ".join(
        millwright.says("case", "show", plant.case_of["c1"]).split()
    )
    assert millwright("audit", "verify").exit_code == 0


def test_without_a_bound_it_says_so(millwright: Millwright) -> None:
    assert millwright.says("capacity") == "No crew whose new orders are bounded got one in the last seven days.\n"
