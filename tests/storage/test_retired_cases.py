"""Cases of assets that have left the plant: they can still be read and counted, and nothing new is held for them."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from domain.assets import PlantRegister
from domain.autonomy import AutonomyKey, AutonomyTerms
from domain.errors import ActRejected, Unavailable
from domain.stops import StoppableAction
from domain.suppression import shelving_limits
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.holds import HoldStore
from millwright.storage.events.register import RegisterStore
from millwright.storage.policies.autonomy import AutonomyStore
from millwright.storage.policies.stops import StopStore
from millwright.storage.policies.version_states import VersionStates
from millwright.storage.reporting.case_lists import case_page, whole_case
from millwright.storage.reporting.condition import read_lines
from millwright.storage.reporting.history import read_history
from millwright.storage.suppression.suppressions import PlannedWindow, SuppressionStore
from tests.support.judged_plant import Plant
from tests.support.plant import LINE, MOTOR, PUMP, START, code, deviation, register, register_elsewhere
from tests.support.policy_people import PolicyPeople

MACHINE = "machine-001"


@pytest.fixture
async def plant(plant: Plant) -> Plant:
    await plant.take(code(1), deviation(2))
    return plant


@pytest.fixture
async def case(plant: Plant) -> str:
    """The case of the pump, whose machine has left the plant."""
    await RegisterStore(plant.engine, plant.clock).retire([MACHINE], "pat", "scrapped")
    ((case,),) = await plant.rows("SELECT id FROM cases")
    return str(case)


def cases_of(plant: Plant) -> CaseStore:
    return CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))


async def test_a_case_of_a_retired_asset_is_read_with_its_asset_machine_and_names_as_they_were(
    plant: Plant, case: str
) -> None:
    view, _ = await cases_of(plant).view(case)
    assert (view.asset.name, view.machine.name) == ("Machine 1 component 1", "Machine 1")
    assert (view.cmms_asset, view.cmms_attributes, view.mes_equipment) == (
        "M001-COMP1",
        {"siteid": "BEDFORD"},
        "EQ-001",
    )
    assert (view.twin, view.machine_twin) == (PUMP, MACHINE)
    assert (view.context.asset_class, view.context.codes, view.retired_at) == ("pump", 1, plant.clock.now())


async def test_names_that_ended_before_the_retirement_are_not_the_cases(plant: Plant) -> None:
    store = RegisterStore(plant.engine, plant.clock)
    whole = register()
    moved = tuple(
        alias.model_copy(update={"asset": MOTOR}) if alias.external_id == "M001-COMP1" else alias
        for alias in whole.aliases
    )
    await store.keep(whole.model_copy(update={"aliases": moved}), "tests")
    plant.clock.time += timedelta(hours=1)
    await store.retire([MACHINE], "pat", "scrapped")
    ((case,),) = await plant.rows("SELECT id FROM cases")
    view, _ = await cases_of(plant).view(str(case))
    assert (view.cmms_asset, view.mes_equipment) == (None, "EQ-001")


async def test_a_case_of_an_asset_that_is_back_has_the_names_of_now(plant: Plant, case: str) -> None:
    plant.clock.time += timedelta(hours=1)
    whole = register()
    renamed = tuple(
        alias.model_copy(update={"external_id": "M001-NEW"}) if alias.external_id == "M001-COMP1" else alias
        for alias in whole.aliases
    )
    await RegisterStore(plant.engine, plant.clock).keep(whole.model_copy(update={"aliases": renamed}), "tests")
    view, _ = await cases_of(plant).view(case)
    assert (view.cmms_asset, view.retired_at) == ("M001-NEW", None)


async def test_evidence_of_an_asset_that_is_back_takes_the_withdrawal_back(plant: Plant, case: str) -> None:
    plant.clock.time += timedelta(hours=1)
    await RegisterStore(plant.engine, plant.clock).keep(register(), "tests")
    await plant.take(deviation(3))
    assert await plant.rows("SELECT id, withdraw, closed_as FROM cases") == [(case, None, None)]


async def test_lists_and_the_whole_case_still_show_it(plant: Plant, case: str) -> None:
    page = await case_page(plant.engine, state="open", lane=None, asset=MACHINE, line=LINE, after=None, limit=10)
    assert [seen.id for seen in page] == [case]
    whole = await whole_case(plant.engine, case)
    assert whole.case.withdraw == f"{PUMP} was retired on 2015-01-15 06:00 UTC by pat: scrapped"
    assert [act.actor for act in whole.story if act.kind == "case-called-off"] == ["pat"]
    assert await read_lines(plant.engine, plant.clock.now()) == (2, (LINE,), ())


async def test_no_hold_is_claimed_for_a_machine_that_has_left(plant: Plant, case: str) -> None:
    with pytest.raises(Unavailable, match="EQ-001 was retired on 2015-01-15 06:00 UTC"):
        await HoldStore(plant.engine, plant.clock).claim(case, "mes", "EQ-001", unasked=True)
    assert await plant.rows("SELECT FROM holds") == []


async def test_a_kill_switch_for_a_class_stops_the_work_on_its_retired_machines_too(plant: Plant, case: str) -> None:
    await PolicyPeople(plant.engine, plant.clock).arrive()
    other = tuple(asset.model_copy(update={"asset_class": "pump"}) for asset in register_elsewhere().assets)
    pumps = PlantRegister(assets=other, aliases=(), observables=())
    await RegisterStore(plant.engine, plant.clock).keep(pumps, "tests")
    await StopStore(plant.engine, plant.clock).stop(StoppableAction.ORDER, "emil", "a drill", asset_class="pump")
    assert await cases_of(plant).stop_reason(case, StoppableAction.ORDER) is not None


async def test_what_was_found_on_a_machine_counts_for_autonomy_after_it_has_left(plant: Plant, case: str) -> None:
    async with plant.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO outcomes (case_id, outcome, cancelled, found_at, body) "
                "VALUES (:case, 'confirmed', false, now(), '{}')"
            ),
            {"case": case},
        )
    autonomy = AutonomyStore(plant.engine, plant.clock)
    key = AutonomyKey("rotating-equipment", "pump", "PDE")
    assert await autonomy.keys() == [key]
    assert (await autonomy.record(key, AutonomyTerms(enforce=True, automatic=False))).confirmed == 1


async def test_a_backtest_knows_the_components_and_events_of_retired_machines(plant: Plant, case: str) -> None:
    async with read_history(plant.engine) as history:
        assert [component.id for component in await history.components()] == [PUMP, MOTOR]
        faults = [fault async for fault in history.faults(plant.clock.now())]
    assert [(fault.asset, len(fault.rows)) for fault in faults] == [(PUMP, 2)]


async def test_what_was_in_force_for_a_retired_asset_and_its_line_can_be_asked(plant: Plant, case: str) -> None:
    states = VersionStates(plant.engine)
    now = plant.clock.now() + timedelta(days=1)
    assert (await states.in_force(now, now, asset=PUMP)).active == plant.digests["1.1.0"]
    assert (await states.in_force(now, now, line=LINE)).active == plant.digests["1.1.0"]


async def test_a_retired_asset_is_not_shelved_and_a_calendar_that_names_it_is_refused_with_the_date(
    plant: Plant, case: str
) -> None:
    limits = shelving_limits("A=PT8H,B=P7D,C=P7D,D=P7D")
    store = SuppressionStore(plant.engine, plant.clock, limits, timedelta(days=14))
    words = r"asset: machine-001 was retired on 2015-01-15 06:00 UTC \(leave it out\)"
    with pytest.raises(ActRejected, match=words):
        await store.shelve(MACHINE, None, timedelta(hours=1), "ines", "noise")
    window = PlannedWindow(
        asset=MACHINE, from_at=START, until_at=START + timedelta(hours=8), reason="overhaul", source="cal-1"
    )
    with pytest.raises(ActRejected, match=words):
        await store.keep_windows([window], "ines")
