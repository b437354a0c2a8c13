"""A machine is held only by a proof: of this system, this equipment, and the server that serves it now."""

from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.cases import CaseView, Lane
from domain.errors import ActionRequired, NotProved
from domain.holds import PlacementState
from domain.ports import Mes
from domain.production import JobState
from domain.walk_downs import WalkDownState
from millwright.audit.verifying import verify
from millwright.storage.scheduling import due
from tests.support.holding_case import HoldingCase
from tests.workflows.fake_mes import FakeMes


@pytest.fixture
async def bench(storage_engine: AsyncEngine, database_url: str) -> HoldingCase:
    made = HoldingCase(storage_engine, database_url)
    await made.prepare()
    return made


def waits_for_production(bench: HoldingCase, view: CaseView, *words: str) -> None:
    assert (bench.mes.acts, bench.mes.state) == ([], JobState.RUNNING)
    assert view.lane is Lane.PRODUCTION
    assert [each for each in words if each not in (view.waiting_for or "")] == []


async def test_a_machine_that_nobody_proved_is_not_held_and_production_reads_what_to_run(bench: HoldingCase) -> None:
    view = await bench.hold()
    waits_for_production(bench, view, "nobody has proved what a hold on EQ-001 stops", "`millwright hold prove EQ-001`")
    assert (await verify(bench.engine)).findings == ()


async def test_a_machine_that_is_proved_is_held(bench: HoldingCase) -> None:
    await bench.prove()
    view = await bench.hold()
    assert bench.mes.acts == [f"hold {bench.case}"]
    assert view.hold is not None
    assert view.hold.placements[0].plan.target == bench.mes.target
    assert (await verify(bench.engine)).findings == ()


async def test_a_proof_wakes_the_case_that_waits_for_it(bench: HoldingCase) -> None:
    await bench.hold()
    async with bench.engine.connect() as connection:
        before = await due.generation(connection, f"case/{bench.case}")
    await bench.prove()
    async with bench.engine.connect() as connection:
        assert await due.generation(connection, f"case/{bench.case}") > before
    view = await bench.hold()
    assert (bench.mes.acts, view.lane) == ([f"hold {bench.case}"], None)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("certificate", "its certificate was none and is cdcd"),
        ("application_uri", "its application URI was urn:fake and is cdcd"),
        ("namespace", "its namespace was urn:fake:machines and is cdcd"),
        ("receiver", "its receiver was R1 and is cdcd"),
    ],
)
async def test_a_changed_server_suspends_the_proof_and_says_what_changed(
    bench: HoldingCase, part: str, words: str
) -> None:
    proof = await bench.prove()
    bench.mes.target = bench.mes.target.model_copy(update={part: "cd" * 4})
    waits_for_production(bench, await bench.hold(), words, "`millwright hold prove EQ-001`")
    assert await bench.state(proof) is WalkDownState.SUSPENDED
    assert (await verify(bench.engine)).findings == ()


async def test_a_suspended_proof_counts_again_once_its_own_server_is_back(bench: HoldingCase) -> None:
    proof, own = await bench.prove(), bench.mes.target
    bench.mes.target = own.model_copy(update={"certificate": "cd" * 32})
    await bench.hold()
    bench.mes.target = own
    await bench.later()
    assert (await bench.state(proof), bench.mes.acts) == (WalkDownState.PROVED, [f"hold {bench.case}"])
    assert (await verify(bench.engine)).findings == ()


async def test_another_walk_down_proves_the_changed_server(bench: HoldingCase) -> None:
    proof = await bench.prove()
    bench.mes.target = bench.mes.target.model_copy(update={"certificate": "cd" * 32})
    await bench.hold()
    bench.clock.time += timedelta(seconds=1)
    await bench.prove()
    await bench.later()
    assert await bench.state(proof) is WalkDownState.ENDED
    assert bench.mes.acts == [f"hold {bench.case}"]


async def test_a_proof_that_was_withdrawn_counts_no_more(bench: HoldingCase) -> None:
    await bench.storage.walk_downs.withdraw(await bench.prove(), "petra", "the press was moved")
    waits_for_production(bench, await bench.hold(), "nobody has proved")


async def test_a_server_that_changes_between_plan_and_call_holds_nothing(bench: HoldingCase) -> None:
    await bench.prove()
    own, plan_hold = bench.mes.target, bench.mes.plan_hold

    class Exchanged(FakeMes):
        """The server is exchanged just after it was asked."""

    mes = Exchanged(bench.clock)

    async def planned(equipment: str, key: str) -> object:
        plan = await plan_hold(equipment, key)
        mes.target = own.model_copy(update={"certificate": "cd" * 32})
        return plan

    mes.plan_hold = planned  # type: ignore[method-assign, assignment]
    bench.mes = mes
    bench.served["fake"] = cast(Mes, mes)
    waits_for_production(bench, await bench.hold(), "another server than planned")
    mes.plan_hold = FakeMes.plan_hold.__get__(mes)  # type: ignore[method-assign]
    view = await bench.later()
    waits_for_production(bench, view, "its certificate was none")
    assert view.hold is not None
    assert [each.state for each in view.hold.placements] == [PlacementState.VOID]


async def test_a_hold_that_was_placed_before_goes_on_and_is_released_as_before(bench: HoldingCase) -> None:
    proof = await bench.prove()
    await bench.hold()
    await bench.storage.walk_downs.withdraw(proof, "petra", "the press was moved")
    bench.mes.target = bench.mes.target.model_copy(update={"certificate": "cd" * 32})
    view = await bench.later()
    assert view.hold is not None
    assert view.hold.placements[0].state is PlacementState.IN_EFFECT
    assert view.lane is None


@pytest.mark.parametrize(
    "change",
    [
        "state = 'proved', ended_at = NULL, reason = NULL",
        "equipment = 'EQ-001', key = 'WDAAAAAAAA', state = 'proved', ended_at = NULL, reason = NULL",
    ],
)
async def test_a_proof_that_somebody_put_into_the_table_holds_nothing(bench: HoldingCase, change: str) -> None:
    proof = await bench.prove()
    await bench.storage.walk_downs.withdraw(proof, "petra", "the press was moved")
    bench.alter(f"UPDATE walk_downs SET {change}")
    plan = await bench.mes.plan_hold("EQ-001", bench.case)
    await bench.storage.holds.claim(bench.case, "fake", "EQ-001", unasked=True)
    with pytest.raises(ActionRequired, match=r"as recorded|in the record"):
        await bench.storage.holds.intend_placement(bench.case, plan, bench.case)
    assert (await bench.hold()).lane is Lane.PLANNER
    assert bench.mes.acts == []


async def test_a_plan_of_an_earlier_build_names_no_target_and_is_not_placed(bench: HoldingCase) -> None:
    await bench.prove()
    plan = (await bench.mes.plan_hold("EQ-001", bench.case)).model_copy(update={"target": None})
    await bench.storage.holds.claim(bench.case, "fake", "EQ-001", unasked=True)
    with pytest.raises(NotProved):
        await bench.storage.holds.intend_placement(bench.case, plan, bench.case)
