"""The audit counts the new orders of each crew again, here and offline, and names each order beyond the bound."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.admission import WEEK, Admission, Exemption
from domain.assets import Criticality
from domain.work_orders import WorkOrderDraft
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from tests.support.crew_plant import CREW, SITE, CrewPlant
from tests.support.forging import forge
from tests.support.plant import START

B, C, D = Criticality.B, Criticality.C, Criticality.D
MACHINES = {"a1": Criticality.A, "b1": B, "b2": B, "c1": C, "d1": D}


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> CrewPlant:
    """Two orders are out, which is all that the crew gets, and the cases of c1 and d1 wait."""
    made = CrewPlant(storage_engine, MACHINES)
    await made.prepare(2)
    await made.step(*await made.break_down("b1", "b2"))
    made.clock.time += timedelta(hours=1)
    await made.step(*await made.break_down("d1", "c1", hours=3))
    return made


async def findings(plant: CrewPlant, directory: Path) -> list[str]:
    """What is found here, which is also found in an export."""
    found = sorted(f"{each.kind}: {each.where}: {each.what}" for each in (await verify(plant.engine)).findings)
    await export(plant.engine, directory)
    assert sorted(f"{each.kind}: {each.where}: {each.what}" for each in offline_verify.verify(directory)) == found
    return found


async def admit(plant: CrewPlant, machine: str, *, used: int, bound: int = 2, exempt: Exemption | None = None) -> str:
    """Somebody who has the database lets a waiting order out, and chains an act for it; gives the case."""
    case, now = plant.case_of[machine], plant.clock.now()
    [[asked_at]] = await plant.rows("SELECT asked_at FROM admissions WHERE case_id = :case", case=case)
    told = Admission(crew=CREW, site=SITE, bound=bound, asked_at=asked_at, admitted_at=now, exempt=exempt)
    detail: dict[str, object] = {"admission": told, "used": used, "rank": 1, "waiting": 2}
    await forge(plant.engine, case, now, ("order-admitted", "millwright", detail))
    return case


def store(database_url: str, case: str, plant: CrewPlant, *, bound: int = 2, exempt: str | None = None) -> None:
    """The row that belongs to it."""
    with psycopg.connect(database_url, autocommit=True) as somebody:
        somebody.execute(
            "UPDATE admissions SET admitted_at = %s, bound = %s, exempt = %s WHERE case_id = %s",
            (plant.clock.now(), bound, exempt, case),
        )


async def test_a_sound_record_has_no_finding(plant: CrewPlant, tmp_path: Path) -> None:
    await plant.step(*await plant.break_down("a1", hours=5))
    plant.cmms.people_close(plant.case_of["b1"], None, cancelled=True)
    await plant.poll()
    await plant.accept(plant.case_of["d1"])
    await plant.step(plant.case_of["d1"], plant.case_of["c1"])
    plant.clock.time += WEEK
    await plant.step(plant.case_of["c1"])
    assert plant.ordered == ["a1", "b1", "b2", "c1", "d1"]
    assert await findings(plant, tmp_path) == []


async def test_an_order_beyond_the_bound_is_named(plant: CrewPlant, database_url: str, tmp_path: Path) -> None:
    store(database_url, case := await admit(plant, "c1", used=2), plant)
    said = "its order was admitted beyond the bound: crew mechanical had 2 of 2 new orders"
    assert await findings(plant, tmp_path) == [f"order: case {case}: {said}"]


async def test_an_altered_count_is_named(plant: CrewPlant, database_url: str, tmp_path: Path) -> None:
    store(database_url, case := await admit(plant, "c1", used=1), plant)
    assert await findings(plant, tmp_path) == [
        f"order: case {case}: crew mechanical had 2 new orders in seven days when the case asked, and not 1",
        f"order: case {case}: its order was admitted beyond the bound: crew mechanical had 2 of 2 new orders",
    ]


async def test_a_bound_that_no_version_states_is_named(plant: CrewPlant, database_url: str, tmp_path: Path) -> None:
    store(database_url, case := await admit(plant, "c1", used=2, bound=9), plant, bound=9)
    said = "its version does not give crew mechanical 9 new orders"
    assert await findings(plant, tmp_path) == [f"order: case {case}: {said}"]


@pytest.mark.parametrize("exempt", Exemption)
async def test_an_exemption_without_a_ground_is_named(
    plant: CrewPlant, database_url: str, tmp_path: Path, exempt: Exemption
) -> None:
    store(database_url, case := await admit(plant, "c1", used=2, exempt=exempt), plant, exempt=exempt)
    said = f"its order is exempt as `{exempt}`, for which the acts give no ground"
    assert await findings(plant, tmp_path) == [f"order: case {case}: {said}"]


async def test_an_order_that_asked_for_no_turn_is_named(plant: CrewPlant, tmp_path: Path) -> None:
    case = plant.case_of["c1"]
    draft = WorkOrderDraft(
        key=case,
        asset="c1",
        asset_external_id="M-c1",
        asset_attributes={},
        summary="The signal has shifted.",
        paragraphs=("Seen by two.",),
        failure_mode="LOO",
        priority=3,
        released=False,
        reported_at=START,
    )
    await plant.storage.cases.intend_order(case, "fake", draft, None, None)
    said = "its order went out, and was not among the new orders of crew mechanical"
    assert await findings(plant, tmp_path) == [f"order: case {case}: {said}"]


@pytest.mark.parametrize(
    "change",
    ["crew = 'robotics'", "site = NULL", "bound = 9", "asked_at = '2015-01-01Z'", "admitted_at = '2015-01-15Z'"],
)
async def test_an_altered_row_is_named(plant: CrewPlant, database_url: str, tmp_path: Path, change: str) -> None:
    case = plant.case_of["c1"]
    with psycopg.connect(database_url, autocommit=True) as somebody:
        somebody.execute(f"UPDATE admissions SET {change} WHERE case_id = %s".encode(), (case,))
    assert await findings(plant, tmp_path) == [f"case: case {case}: admission is not as recorded"]


async def test_a_removed_row_is_named(plant: CrewPlant, database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as somebody:
        somebody.execute("DELETE FROM admissions WHERE admitted_at IS NOT NULL")
    found = await findings(plant, tmp_path)
    assert found == sorted(f"case: case {plant.case_of[name]}: admission is not as recorded" for name in ("b1", "b2"))
