"""A walk-down and the hold of a case on the sandbox's SAP Digital Manufacturing, with their storage."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.progress import CaseRef
from domain.cases import CaseView, Lane
from domain.holds import PlacementState
from domain.production import HoldMethod, PlaceResult
from domain.walk_downs import WalkDownState
from sandbox.naming import equipment_id
from tests.contract.sap_dm_plant import SapDmPlant, SapDmShop
from tests.support.holding_case import HoldingCase
from tests.support.walk_downs import EQUIPMENT


@pytest.fixture
async def press() -> AsyncIterator[SapDmPlant]:
    """The machine of the cases; an SFC is in work."""
    assert equipment_id(1) == EQUIPMENT
    shop = SapDmShop(names=[EQUIPMENT])
    await shop.server.start()
    plant = await shop.working(EQUIPMENT)
    yield plant
    await plant.leave()
    await shop.server.stop()


@pytest.fixture
async def case(press: SapDmPlant, storage_engine: AsyncEngine, database_url: str) -> HoldingCase:
    """A case that asks for a hold on that machine."""
    made = HoldingCase(storage_engine, database_url)
    made.served["fake"] = press.connector(clock=made.clock)
    await made.prepare()
    return made


def states(view: CaseView) -> list[PlacementState]:
    assert view.hold is not None
    return [placement.state for placement in view.hold.placements]


async def test_a_machine_that_was_proved_is_held_whole_for_a_case_until_a_person_lets_it_run(
    case: HoldingCase, press: SapDmPlant
) -> None:
    proof, own = await case.walk_down(), press.sfc()
    assert proof.state is WalkDownState.PROVED, proof.words
    view = await case.hold()
    assert view.hold is not None
    assert view.hold.words.startswith(f"in effect: job {own}, all SFCs was read as held at")
    assert [each.plan.method for each in view.hold.placements] == [HoldMethod.PAUSE, HoldMethod.BLOCK]
    assert {each.plan.target for each in view.hold.placements} == {proof.target}
    assert press.holds()[1:] == [(case.case, True), (case.case, True)]
    # The step finds its own hold again, and places no further one.
    assert len(states(await case.later())) == 2
    await press.resume_by_hand()
    overruled = await case.later()
    assert overruled.hold is not None
    assert overruled.hold.overruled_at is not None
    assert [held for _, held in press.holds()] == [False, False, False]


async def test_nothing_is_held_for_a_case_before_the_machine_was_proved(case: HoldingCase, press: SapDmPlant) -> None:
    view = await case.hold()
    assert view.lane is Lane.PRODUCTION
    assert "hold prove" in (view.waiting_for or "")
    assert press.holds() == []


async def test_two_workers_at_once_hold_a_machine_once(case: HoldingCase, press: SapDmPlant) -> None:
    await case.walk_down()
    press.misbehave("sfcs_in_work", "status_500")
    assert states(await case.hold()) == []
    case.clock.time += timedelta(hours=2)
    await asyncio.gather(*(case.steps.ensure_hold(CaseRef(case=case.case)) for _ in range(2)))
    view = await case.later()
    assert [state for state in states(view) if state.live] == [PlacementState.IN_EFFECT] * 2
    assert press.holds()[1:] == [(case.case, True), (case.case, True)]


async def test_a_worker_that_dies_between_the_act_and_the_record_leaves_nothing_doubled_and_a_person_is_asked(
    case: HoldingCase, press: SapDmPlant
) -> None:
    await case.walk_down()
    press.misbehave("sfcs_in_work", "status_500")
    await case.hold()
    holds, mes = case.storage.holds, case.served["fake"]
    hold = await holds.read(case.case)
    assert hold is not None
    plan = await mes.plan_hold(EQUIPMENT, hold.key)
    await holds.intend_placement(hold.key, plan, case.case)
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    # Here the worker is killed: nobody records it.
    view = await case.later()
    assert states(view) == [PlacementState.UNPROVEN, PlacementState.IN_EFFECT]
    assert "cannot be proved that the hold is ours" in (view.waiting_for or "")
    assert press.holds()[1:] == [(case.case, True), (case.case, True)]


async def test_a_person_who_lets_one_part_run_has_overruled_the_hold_and_the_other_part_is_shown(
    case: HoldingCase, press: SapDmPlant
) -> None:
    await case.walk_down()
    await case.hold()
    await press.shop.server.release_by_hand(press.rows()[1])
    view = await case.later()
    assert view.hold is not None
    assert view.hold.overruled_at is not None
    assert states(view) == [PlacementState.OVERRULED, PlacementState.IN_EFFECT]
    assert [held for _, held in press.holds()] == [False, False, True]


@pytest.mark.parametrize("operation", ["hold", "change_status"])
async def test_an_answer_that_was_lost_is_shown_to_a_person_and_the_call_is_not_made_again(
    case: HoldingCase, press: SapDmPlant, operation: str
) -> None:
    await case.walk_down()
    press.misbehave(operation, "commit_then_drop")
    await case.hold()
    view = await case.later()
    assert PlacementState.UNPROVEN in states(view)
    assert "cannot be proved that the hold is ours" in (view.waiting_for or "")
    keys = [key for key, _ in press.holds()]
    assert len(keys) == len(set(keys)) + keys.count(case.case) - 1 <= 3


async def test_a_hold_of_which_one_part_is_refused_is_partial_and_a_person_is_told(
    case: HoldingCase, press: SapDmPlant
) -> None:
    await case.walk_down()
    press.misbehave("change_status", "refuse_field", {"field": "status", "code": "x", "message": "no such scope"})
    view = await case.hold()
    assert view.hold is not None
    assert view.hold.words.startswith("partial: job all SFCs is not held, so the machine may run")
    assert "no such scope" in (view.waiting_for or "")
    again = await case.later()
    assert again.hold is not None
    assert again.hold.words.startswith("in effect")
