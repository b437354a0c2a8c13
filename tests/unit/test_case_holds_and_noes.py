"""A hold falls due while the CMMS is away, and a person's no to an order that is released already."""

from datetime import timedelta

from domain.cases import ClosedAs, Decision, Lane
from domain.stops import StoppableAction
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.fault_injection import Played
from tests.support.saga_plant import SagaPlant, case_view

CASE = "MWAAAAAAAA"


def settle(plant: SagaPlant) -> None:
    """Plays a case until it has come to wait."""
    for _ in range(3):
        plant.dispatch()
        for _ in range(60):
            plant.workflows[CASE].played.play()


def pass_time(plant: SagaPlant, by: timedelta) -> None:
    plant.clock.time += by
    settle(plant)


def opened(rung: Rung, until_hold: timedelta = timedelta(0)) -> SagaPlant:
    plant = SagaPlant(until_hold)
    plant.store.open(case_view(CASE, 1, rung))
    return plant


def say_no(plant: SagaPlant) -> None:
    decision = Decision(approved=False, by="pat", reason="it always hums", at=plant.clock.now())
    Played(plant.store.record_decision(CASE, decision)).play()
    settle(plant)


def test_a_hold_is_placed_when_it_falls_due_though_the_cmms_waits_for_a_person() -> None:
    plant = opened(Rung.WORK_ORDER_AND_HOLD, until_hold=timedelta(minutes=90))
    plant.cmms.demands = "siteid"
    settle(plant)
    held = []
    for minutes in (61, 29):
        pass_time(plant, timedelta(minutes=minutes))
        held.append(plant.mes.holder)
    assert held == [None, CASE]
    assert (
        plant.store.now(CASE).waiting_for == "a person to correct fake (siteid): is required; EQ-001 is held meanwhile"
    )


def test_a_case_woken_for_its_hold_leaves_a_cmms_alone_that_asked_for_time() -> None:
    plant = opened(Rung.WORK_ORDER_AND_HOLD, until_hold=timedelta(minutes=30))
    plant.cmms.asks_for = timedelta(hours=1)
    settle(plant)
    plant.cmms.asks_for = None
    pass_time(plant, timedelta(minutes=30))
    assert (plant.mes.holder, plant.cmms.made) == (CASE, [])
    pass_time(plant, timedelta(minutes=30))
    assert plant.cmms.made == [CASE]


def test_a_no_takes_back_an_order_that_was_released_and_that_nobody_has_touched() -> None:
    plant = opened(Rung.WORK_ORDER)
    settle(plant)
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.APPROVED
    say_no(plant)
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.CANCELLED
    assert plant.store.now(CASE).closed_as is ClosedAs.CANCELLED


def test_a_no_to_an_order_that_others_have_in_hand_is_told_to_the_planner() -> None:
    plant = opened(Rung.WORK_ORDER)
    settle(plant)
    plant.cmms.people_move(CASE, WorkOrderStatus.IN_PROGRESS)
    Played(plant.store.record_order(CASE, plant.cmms.orders[CASE], plant.clock.now())).play()
    say_no(plant)
    view = plant.store.now(CASE)
    assert view.order is not None
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.IN_PROGRESS
    assert view.waiting_for == f"the planner to cancel {view.order.ref.id}, which others have in hand: pat said no"


def test_no_hold_is_placed_for_a_case_to_which_a_person_said_no() -> None:
    plant = opened(Rung.WORK_ORDER_AND_HOLD, until_hold=timedelta(minutes=30))
    settle(plant)
    plant.cmms.people_move(CASE, WorkOrderStatus.IN_PROGRESS)
    Played(plant.store.record_order(CASE, plant.cmms.orders[CASE], plant.clock.now())).play()
    say_no(plant)
    pass_time(plant, timedelta(hours=1))
    assert plant.mes.holder is None


def test_a_hold_that_falls_due_after_its_machine_was_retired_is_not_placed_though_the_order_goes_on() -> None:
    plant = opened(Rung.WORK_ORDER_AND_HOLD, until_hold=timedelta(minutes=30))
    settle(plant)
    plant.store.retired(CASE)
    pass_time(plant, timedelta(hours=1))
    view = plant.store.now(CASE)
    assert (plant.mes.holder, view.hold, view.closed_as) == (None, None, None)
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.APPROVED
    assert view.waiting_for == "the technician to do 1000"


def test_a_machine_that_is_held_without_an_order_calls_the_planner_once_the_policy_s_time_is_over() -> None:
    plant = SagaPlant(timedelta(0))
    case = case_view(CASE, 1, Rung.WORK_ORDER_AND_HOLD)
    due = case.verdict.model_copy(update={"due_within": timedelta(hours=4)})
    plant.store.open(case.model_copy(update={"verdict": due}))
    plant.store.stopped[StoppableAction.ORDER] = "orders are stopped for line LINE-1"
    settle(plant)
    assert (plant.mes.holder, plant.cmms.made, plant.store.now(CASE).lane) == (CASE, [], None)
    pass_time(plant, timedelta(hours=4))
    assert plant.store.now(CASE).lane is Lane.PLANNER
    assert plant.store.now(CASE).waiting_for == "orders are stopped for line LINE-1"
    assert plant.mes.holder == CASE
