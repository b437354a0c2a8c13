"""A case on the real engine and the real database: what planners, technicians and vendors may do to it."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowHandle

from domain.assets import Criticality
from domain.cases import ClosedAs, Lane, Phase
from domain.errors import ActionRequired, ActRejected, Refused, Unavailable
from domain.holds import HoldStatus
from domain.keys import case_workflow_id
from domain.outcomes import OutcomeClass
from domain.production import READY_TO_RUN
from domain.work_orders import OrderRejection, WorkOrderStatus
from tests.support.plant import PUMP, alarm_by_hand, code, deviation
from tests.workflows.fake_plant import FakePlant
from workflows.maintenance_case import MaintenanceCase


def away(retry_after: timedelta | None = None) -> Unavailable:
    return Unavailable("503 Service Unavailable", system="fake", operation="create-work-order", retry_after=retry_after)


async def confirmed_fault(plant: FakePlant) -> None:
    await plant.take(code(1), deviation(2))


def handle_of(plant: FakePlant, case: str) -> WorkflowHandle[MaintenanceCase, None]:
    return plant.client.get_workflow_handle_for(MaintenanceCase.run, case_workflow_id(case))


async def ended(plant: FakePlant, case: str) -> None:
    """Waits until a case's workflow has ended: storage is told a moment before."""
    async with asyncio.timeout(30):
        await handle_of(plant, case).result()


async def test_a_confirmed_fault_becomes_one_released_order(plant: FakePlant) -> None:
    await confirmed_fault(plant)
    case = await plant.case()
    assert list(plant.cmms.orders) == [case.id]
    assert case.order is not None
    assert case.order.status is WorkOrderStatus.APPROVED
    assert case.waiting_for == f"the technician to do {case.order.ref.id}"


async def test_the_way_to_an_order_takes_two_calls_and_one_local_step(plant: FakePlant) -> None:
    await confirmed_fault(plant)
    events = (await handle_of(plant, (await plant.case()).id).fetch_history()).events
    called = [
        each.activity_task_scheduled_event_attributes.activity_type.name
        for each in events
        if each.HasField("activity_task_scheduled_event_attributes")
    ]
    assert called == ["propose-work", "ensure-order"]
    assert len([each for each in events if each.HasField("marker_recorded_event_attributes")]) == 1


async def test_a_completed_order_tells_the_twin_makes_a_label_and_closes_the_case(plant: FakePlant) -> None:
    await confirmed_fault(plant)
    plant.cmms.people_close((await plant.case()).id, "REPAIRED")
    await plant.hint()
    case = await plant.case()
    assert (case.closed_as, case.outcome, case.labelled) == (ClosedAs.DONE, OutcomeClass.CONFIRMED, True)
    assert plant.twins.told[PUMP]["lastCaseId"] == case.id
    await ended(plant, case.id)


async def test_a_cancelled_order_closes_the_case_without_a_label(plant: FakePlant) -> None:
    await confirmed_fault(plant)
    why = OrderRejection(reason="no budget", by="PLANNER")
    plant.cmms.people_close((await plant.case()).id, None, cancelled=True, rejection=why)
    await plant.hint()
    case = await plant.case()
    assert (case.closed_as, case.labelled) == (ClosedAs.CANCELLED, False)
    assert case.order is not None
    assert case.order.rejection == why


async def test_a_critical_machine_is_held_before_the_order_and_released_on_the_word_of_production(
    plant: FakePlant,
) -> None:
    await plant.use(Criticality.A)
    await confirmed_fault(plant)
    case = await plant.case()
    assert plant.mes.acts == [f"hold {case.id}"]
    plant.cmms.people_close(case.id, "REPAIRED")
    await plant.hint()
    await plant.pass_time(timedelta(days=2))
    waiting = await plant.case()
    assert (plant.mes.acts, waiting.phase) == ([f"hold {case.id}"], Phase.AWAITING_RELEASE)
    await plant.release(case.id)
    assert plant.mes.acts == [f"hold {case.id}", f"release {case.id}"]
    assert plant.mes.reasons == [f"{case.id}: {READY_TO_RUN}"]
    assert (await plant.case()).phase is Phase.CLOSED
    await ended(plant, case.id)


async def test_outcome_twin_and_label_do_not_wait_for_production(plant: FakePlant) -> None:
    await plant.use(Criticality.A)
    await confirmed_fault(plant)
    plant.cmms.people_close((await plant.case()).id, "REPAIRED")
    await plant.hint()
    case = await plant.case()
    assert (case.closed_as, case.outcome, case.labelled) == (ClosedAs.DONE, OutcomeClass.CONFIRMED, True)
    assert plant.twins.told[PUMP]["lastCaseId"] == case.id
    assert (case.phase, case.lane) == (Phase.AWAITING_RELEASE, Lane.PRODUCTION)
    assert plant.mes.acts == [f"hold {case.id}"]


async def test_a_cancelled_order_lets_no_machine_run(plant: FakePlant) -> None:
    await plant.use(Criticality.A)
    await confirmed_fault(plant)
    case = (await plant.case()).id
    plant.cmms.people_close(case, None, cancelled=True)
    await plant.hint()
    await plant.pass_time(timedelta(days=2))
    assert ((await plant.case()).phase, plant.mes.acts) == (Phase.AWAITING_RELEASE, [f"hold {case}"])
    await plant.release(case)
    assert ((await plant.case()).phase, plant.mes.acts) == (Phase.CLOSED, [f"hold {case}", f"release {case}"])
    await ended(plant, case)


async def test_a_release_in_the_mes_is_seen_there_and_ends_the_case(plant: FakePlant) -> None:
    await plant.use(Criticality.A)
    await confirmed_fault(plant)
    case = (await plant.case()).id
    plant.cmms.people_close(case, "REPAIRED")
    await plant.hint()
    plant.mes.people_release()
    await plant.pass_time(plant.settings.hold_interval)
    closed = await plant.case()
    assert closed.hold is not None
    assert closed.hold.release is not None
    assert (closed.hold.release.by, closed.hold.release.meaning) == ("seen in the MES", None)
    assert (closed.phase, closed.hold.state) == (Phase.CLOSED, HoldStatus.RELEASED)
    assert plant.mes.acts == [f"hold {case}"]
    await ended(plant, case)


async def test_two_faults_of_one_machine_share_one_hold_until_both_are_done(plant: FakePlant) -> None:
    await plant.use(Criticality.A)
    await confirmed_fault(plant)
    second = [code(3, "error2", asset="machine-001-comp2"), code(3, "error3", asset="machine-001-comp2")]
    await plant.take(*second, deviation(4, asset="machine-001-comp2"))
    first, other = await plant.cases()
    assert plant.mes.acts == [f"hold {first.id}"]
    plant.cmms.people_close(first.id, "REPAIRED")
    await plant.hint()
    # The other case answers for the machine: the first has nothing to wait for, and nobody may release it yet.
    assert [case.phase for case in await plant.cases()] == [Phase.CLOSED, Phase.WORK]
    with pytest.raises(ActRejected, match=f"the work of case {other.id} is not done"):
        await plant.release(first.id)
    plant.cmms.people_close(other.id, "REPAIRED")
    await plant.hint()
    assert plant.mes.acts == [f"hold {first.id}"]
    await plant.release(first.id)
    assert plant.mes.acts == [f"hold {first.id}", f"release {first.id}"]
    assert [case.phase for case in await plant.cases()] == [Phase.CLOSED, Phase.CLOSED]


async def test_a_lost_answer_is_asked_for_again_and_makes_no_second_order(plant: FakePlant) -> None:
    plant.cmms.failing.after.append(away())
    await confirmed_fault(plant)
    waiting = await plant.case()
    assert waiting.order is None
    assert waiting.waiting_for == "fake to answer: 503 Service Unavailable (attempt 1)"
    await plant.pass_time(timedelta(minutes=2))
    assert (await plant.case()).order is not None
    assert len(plant.cmms.drafts) == 1


async def test_a_busy_vendor_is_left_alone_for_as_long_as_it_asked(plant: FakePlant) -> None:
    plant.cmms.failing.before.append(away(retry_after=timedelta(minutes=30)))
    await confirmed_fault(plant)
    await plant.pass_time(timedelta(minutes=29))
    assert (await plant.case()).order is None
    await plant.pass_time(timedelta(minutes=2))
    assert (await plant.case()).order is not None


async def test_an_mes_that_is_away_keeps_no_planner_without_an_order(plant: FakePlant) -> None:
    await plant.use(Criticality.A)
    plant.mes.failing.before += [away(), away()]
    await confirmed_fault(plant)
    assert len(plant.cmms.orders) == 1
    assert plant.mes.acts == []
    await plant.pass_time(timedelta(minutes=5))
    assert plant.mes.acts == [f"hold {(await plant.case()).id}"]


async def test_what_only_a_person_can_mend_waits_in_the_planners_lane(plant: FakePlant) -> None:
    error = ActionRequired("BMXAA4153E", system="fake", operation="create-work-order", field="siteid")
    # Also the search for open work, without which the order is created.
    plant.cmms.failing.before += [error, error]
    await confirmed_fault(plant)
    case = await plant.case()
    assert case.lane is Lane.PLANNER
    assert "siteid" in (case.waiting_for or "")


async def test_what_we_got_wrong_is_parked_for_operations_and_not_ended(plant: FakePlant) -> None:
    error = Refused("405", system="fake", operation="create-work-order")
    # Also the search for open work, without which the order is created.
    plant.cmms.failing.before += [error, error]
    await confirmed_fault(plant)
    case = await plant.case()
    assert (case.lane, case.closed_as) == (Lane.OPERATIONS, None)


async def test_a_draft_waits_for_the_planner_in_the_cmms(plant: FakePlant) -> None:
    await plant.use(Criticality.D)
    await confirmed_fault(plant)
    case = await plant.case()
    assert case.order is not None
    assert case.order.status is WorkOrderStatus.WAITING_APPROVAL


async def test_a_draft_approved_through_the_api_is_released_in_the_cmms(plant: FakePlant) -> None:
    await plant.use(Criticality.D)
    await confirmed_fault(plant)
    case = await plant.case()
    await plant.decide(case.id, approved=True)
    assert plant.cmms.orders[case.id].status is WorkOrderStatus.APPROVED


async def test_a_case_that_rises_while_it_waits_is_timed_again_and_held(plant: FakePlant) -> None:
    await plant.use(Criticality.D)
    await confirmed_fault(plant)
    waiting = await plant.case()
    assert waiting.urgency is not None
    await plant.use(Criticality.A)
    await plant.take(deviation(3))
    risen = await plant.case()
    assert risen.urgency is not None
    assert (risen.urgency.rule, waiting.urgency.rule) == ("critical", "stop-too-far")
    assert plant.mes.acts == [f"hold {risen.id}"]
    assert plant.cmms.orders[risen.id].status is WorkOrderStatus.APPROVED


async def test_an_alarm_by_hand_waits_in_our_inbox_and_a_yes_orders_the_work(plant: FakePlant) -> None:
    await plant.take(alarm_by_hand())
    case = await plant.case()
    assert (case.lane, plant.cmms.orders) == (Lane.REVIEW, {})
    await plant.decide(case.id, approved=True)
    assert plant.cmms.orders[case.id].status is WorkOrderStatus.APPROVED


async def test_a_no_closes_the_case_and_orders_nothing(plant: FakePlant) -> None:
    await plant.take(alarm_by_hand())
    case = await plant.case()
    await plant.decide(case.id, approved=False)
    closed = await plant.case()
    assert (closed.closed_as, plant.cmms.orders) == (ClosedAs.REJECTED, {})


async def test_a_case_whose_workflow_was_lost_goes_on_where_it_was(plant: FakePlant) -> None:
    await plant.use(Criticality.A)
    await confirmed_fault(plant)
    case = await plant.case()
    await handle_of(plant, case.id).terminate("the engine lost its history")
    plant.cmms.people_close(case.id, "REPAIRED")
    await plant.hint()
    assert (await plant.case()).closed_as is ClosedAs.DONE
    assert len(plant.cmms.drafts) == 1
    await handle_of(plant, case.id).terminate("the engine lost its history again")
    await plant.release(case.id)
    assert (await plant.case()).phase is Phase.CLOSED
    assert plant.mes.acts == [f"hold {case.id}", f"release {case.id}"]


async def test_a_case_is_found_by_what_operators_search_for(plant: FakePlant) -> None:
    await confirmed_fault(plant)
    case = await plant.case()
    found = await searchable(plant, case.id, "MillwrightWorkOrder")
    assert found["MillwrightCase"] == case.id
    assert found["MillwrightAsset"] == PUMP
    assert found["MillwrightWorkOrder"] == plant.cmms.orders[case.id].ref.id


async def searchable(plant: FakePlant, case: str, awaited: str) -> dict[str, object]:
    """The search attributes of a case, once one of them is set: the engine hears of a step after storage does."""
    while True:
        attributes = (await handle_of(plant, case).describe()).typed_search_attributes
        found: dict[str, object] = {pair.key.name: pair.value for pair in attributes}
        if found.get(awaited):
            return found
        await asyncio.sleep(0.01)
