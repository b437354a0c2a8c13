"""A crew gets no more new orders in seven days than its version says: the riskiest cases go out, the others wait."""

import asyncio
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.admission import GIVES_WAY, WEEK, CrewBound
from domain.assets import Criticality
from domain.cases import ClosedAs, Decision, Phase
from domain.stops import StoppableAction
from domain.work_orders import WorkOrderStatus
from millwright.audit.verifying import verify
from tests.support.attached_order import draft_for, theirs
from tests.support.crew_plant import CREW, CrewPlant

HOUR = timedelta(hours=1)
B, C, D = Criticality.B, Criticality.C, Criticality.D
MACHINES = {"a1": Criticality.A, "b1": B, "b2": B, "c1": C, "c2": C, "d1": D, "d2": D, "d3": D, "d4": D, "d5": D}
WAITS = "its turn: new orders of crew mechanical in 7 days: at most 2"


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> CrewPlant:
    """A plant whose crew gets two new orders in seven days."""
    made = CrewPlant(storage_engine, MACHINES)
    await made.prepare(2)
    return made


async def acts(plant: CrewPlant, kind: str) -> list[tuple[object, ...]]:
    """The figures of the acts of a kind, in their order."""
    told = "body::json -> 'detail'"
    return await plant.rows(
        f"SELECT c.asset, {told} ->> 'used', {told} ->> 'rank', {told} ->> 'waiting', "
        f"{told} -> 'admission' ->> 'exempt' FROM acts a JOIN cases c ON a.subject = 'case/' || c.id "
        "WHERE kind = :kind ORDER BY a.id",
        kind=kind,
    )


async def test_without_a_bound_every_order_goes_out_and_nothing_is_recorded_of_a_crew(
    storage_engine: AsyncEngine,
) -> None:
    plant = CrewPlant(storage_engine, MACHINES)
    await plant.prepare(None)
    await plant.step(*await plant.break_down("b1", "c1", "d1"))
    assert plant.ordered == ["b1", "c1", "d1"]
    assert await plant.rows("SELECT count(*) FROM admissions") == [(0,)]


async def test_the_third_order_of_a_week_waits_until_the_first_counts_no_more(plant: CrewPlant) -> None:
    b1, c1, d1 = await plant.break_down("b1", "c1", "d1")
    began = plant.clock.now()
    await plant.step(b1)
    plant.clock.time += HOUR
    await plant.step(c1, d1)
    view = await plant.view(d1)
    assert plant.ordered == ["b1", "c1"]
    assert (view.waiting_for, view.lane, view.draft, view.waiting_until) == (WAITS, None, None, None)
    assert await plant.due_at(d1) == began + WEEK
    plant.clock.time = began + WEEK
    await plant.step(d1)
    assert plant.ordered == ["b1", "c1", "d1"]
    assert (await plant.view(d1)).waiting_for != WAITS


async def test_the_riskiest_of_those_that_wait_goes_out_whoever_looks_first(plant: CrewPlant) -> None:
    first = await plant.break_down("d1", "d2")
    began = plant.clock.now()
    await plant.step(*first)
    d3, c1, b1 = await plant.break_down("d3", "c1", "b1", hours=3)
    await plant.step(d3, c1, b1)
    assert await acts(plant, "order-awaits-turn") == [
        ("d3", "2", "1", "1", None),
        ("c1", "2", "1", "2", None),
        ("b1", "2", "1", "3", None),
    ]
    plant.clock.time = began + WEEK
    await plant.step(d3, c1)
    assert await plant.due_at(d3) == began + WEEK + GIVES_WAY
    await plant.step(b1)
    assert plant.ordered == ["b1", "c1", "d1", "d2"]
    assert await acts(plant, "order-admitted") == [
        ("d1", "0", "1", "1", None),
        ("d2", "1", "1", "1", None),
        ("c1", "0", "2", "3", None),
        ("b1", "1", "1", "2", None),
    ]


async def test_a_case_that_looks_again_and_again_is_recorded_once_as_waiting(plant: CrewPlant) -> None:
    await plant.step(*await plant.break_down("b1", "b2", "c1"))
    waits = plant.case_of["c1"]
    plant.clock.time += HOUR
    await plant.step(waits, waits)
    assert await acts(plant, "order-awaits-turn") == [("c1", "2", "1", "1", None)]
    told = await plant.rows("SELECT kind FROM acts WHERE kind = 'case-waits' AND subject = :s", s=f"case/{waits}")
    assert len(told) == 1


async def test_what_holds_a_machine_or_a_person_asked_for_goes_out_and_is_counted(plant: CrewPlant) -> None:
    await plant.step(*await plant.break_down("b1", "b2", "c1", "d1"))
    await plant.accept(plant.case_of["d1"])
    [a1] = await plant.break_down("a1")
    await plant.step(plant.case_of["d1"], a1, plant.case_of["c1"])
    assert plant.ordered == ["a1", "b1", "b2", "d1"]
    assert (await acts(plant, "order-admitted"))[2:] == [("d1", "2", "2", "2", "person"), ("a1", "3", "1", "2", "hold")]
    # Four are out: two of them must count no more before another one goes.
    plant.clock.time += WEEK - HOUR
    await plant.step(plant.case_of["c1"])
    assert plant.ordered == ["a1", "b1", "b2", "d1"]


async def test_an_order_that_the_planner_cancels_counts_no_more_and_wakes_those_that_wait(plant: CrewPlant) -> None:
    await plant.step(*await plant.break_down("b1", "b2", "c1"))
    waits = plant.case_of["c1"]
    plant.cmms.people_close(plant.case_of["b1"], None, cancelled=True)
    await plant.poll()
    assert await plant.due_at(waits) == plant.clock.now()
    await plant.step(waits)
    assert plant.ordered == ["b1", "b2", "c1"]


async def test_a_cancelled_order_that_is_read_by_its_own_case_wakes_those_that_wait(plant: CrewPlant) -> None:
    await plant.step(*await plant.break_down("b1", "b2", "c1"))
    b1, waits = plant.case_of["b1"], plant.case_of["c1"]
    plant.cmms.people_close(b1, None, cancelled=True)
    await plant.storage.cases.record_order(b1, plant.cmms.orders[b1], plant.clock.now() + HOUR)
    assert await plant.due_at(waits) == plant.clock.now()


async def test_an_admitted_case_that_ends_without_an_order_counts_no_more(plant: CrewPlant) -> None:
    b1, b2, c1 = await plant.break_down("b1", "b2", "c1")
    bound = CrewBound(crew=CREW, new_orders=2, consequence=False)
    assert await plant.storage.admissions.ask(b1, bound, None) is None
    await plant.step(b2, c1)
    assert plant.ordered == ["b2"]
    no = Decision(approved=False, by="pat", reason="not now", at=plant.clock.now())
    await plant.storage.cases.record_decision(b1, no)
    await plant.storage.cases.close(b1, ClosedAs.REJECTED)
    assert await plant.due_at(c1) == plant.clock.now()
    await plant.step(c1)
    assert plant.ordered == ["b2", "c1"]


async def test_an_order_that_is_found_after_its_case_has_ended_counts_again_and_those_that_wait_look_again(
    plant: CrewPlant,
) -> None:
    b1, b2, c1, d1 = await plant.break_down("b1", "b2", "c1", "d1")
    bound = CrewBound(crew=CREW, new_orders=2, consequence=False)
    assert await plant.storage.admissions.ask(b1, bound, None) is None
    cases, view = plant.storage.cases, await plant.view(b1)
    await cases.intend_order(b1, "fake", draft_for(view, view.cmms_asset or ""), None, None)
    no = Decision(approved=False, by="pat", reason="not now", at=plant.clock.now())
    await cases.record_decision(b1, no)
    await cases.close(b1, ClosedAs.REJECTED)
    await plant.step(b2, c1, d1)
    assert plant.ordered == ["b2", "c1"]
    assert await plant.due_at(d1) == plant.clock.now() + WEEK
    plant.clock.time += HOUR
    order = theirs(view, "1224", plant.clock.now(), ())
    found = {"ref": order.ref.model_copy(update={"system": "fake", "key": b1}), "status": WorkOrderStatus.COMPLETED}
    await cases.record_order(b1, order.model_copy(update=found), plant.clock.now())
    assert await plant.due_at(d1) == plant.clock.now()
    view = await plant.view(b1)
    assert (view.phase, view.order is not None) == (Phase.CLOSED, True)
    assert (await verify(plant.engine)).findings == ()


async def test_asking_again_after_a_kill_takes_no_second_turn(plant: CrewPlant) -> None:
    b1, b2 = await plant.break_down("b1", "b2")
    bound = CrewBound(crew=CREW, new_orders=2, consequence=False)
    for _ in range(3):
        assert await plant.storage.admissions.ask(b1, bound, None) is None
    await plant.step(b1, b2)
    assert plant.ordered == ["b1", "b2"]
    assert len(await acts(plant, "order-admitted")) == 2


async def test_nobody_gives_way_to_a_case_that_waits_for_something_else(plant: CrewPlant) -> None:
    first = await plant.break_down("d1", "d2")
    began = plant.clock.now()
    await plant.step(*first)
    b1, d3 = await plant.break_down("b1", "d3", hours=3)
    await plant.step(b1, d3)
    stop, _ = await plant.storage.policies.stops.stop(StoppableAction.ORDER, "olaf", "stocktaking")
    plant.clock.time = began + WEEK
    await plant.step(b1)
    await plant.storage.policies.stops.lift(stop, "grace", "all is counted")
    [d4] = await plant.break_down("d4", hours=9)
    await plant.step(d3, d4)
    assert plant.ordered == ["d1", "d2", "d3", "d4"]


async def test_eight_cases_at_once_get_two_turns_and_the_two_riskiest_get_the_next(plant: CrewPlant) -> None:
    names = ["d1", "d2", "d3", "d4", "d5", "c1", "c2", "b1"]
    cases = await plant.break_down(*names)
    began = plant.clock.now()
    await plant.step_at_once(cases)
    assert len(plant.ordered) == 2
    # Of equals the case with the lower id goes first.
    waiting = sorted(set(names) - set(plant.ordered), key=lambda name: (name[0], plant.case_of[name]))
    plant.clock.time = began + WEEK
    for _ in range(3):
        # Whoever gives way looks again.
        await plant.step_at_once([case for name, case in plant.case_of.items() if name not in plant.ordered])
        plant.clock.time += GIVES_WAY
    found = await acts(plant, "order-admitted")
    assert sorted(str(row[0]) for row in found[2:]) == sorted(waiting[:2])


async def test_whatever_happens_at_once_the_audit_counts_the_same(plant: CrewPlant) -> None:
    cases = await plant.break_down(*MACHINES)
    for hour in range(4):
        for case in list(plant.cmms.orders)[hour::3]:
            plant.cmms.people_close(case, None, cancelled=True)
        await asyncio.gather(plant.poll(), plant.step_at_once(cases), plant.accept(cases[hour + 5]))
        plant.clock.time += WEEK / 2
    assert len(await acts(plant, "order-admitted")) > len(MACHINES) / 2
    assert (await verify(plant.engine)).findings == ()


async def test_cases_without_a_site_have_a_crew_of_their_own(plant: CrewPlant, database_url: str) -> None:
    b1, b2, c1, d1, d2 = await plant.break_down("b1", "b2", "c1", "d1", "d2")
    with psycopg.connect(database_url, autocommit=True) as somebody:
        somebody.execute("UPDATE cases SET site = NULL WHERE id = ANY(%s)", ([c1, d1, d2],))
    bound = CrewBound(crew=CREW, new_orders=2, consequence=False)
    asked = [await plant.storage.admissions.ask(case, bound, None) for case in (b1, b2, c1, d1, d2)]
    assert asked == [None] * 4 + [plant.clock.now() + WEEK]


async def test_a_bound_of_another_crew_keeps_nobody_back(plant: CrewPlant) -> None:
    await plant.step(*await plant.break_down("b1", "b2", "c1"))
    bound = CrewBound(crew="robotics", new_orders=1, consequence=False)
    assert await plant.storage.admissions.ask(plant.case_of["c1"], bound, None) is None
