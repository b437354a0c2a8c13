"""A CMMS that makes two orders of two requests at once: one step at a time creates, wherever another one dies."""

from datetime import timedelta

import pytest

from domain.casework import LEASE_LASTS
from domain.cmms import OrderApproval, OrderCancellation
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.cmms import ABLE, LOOKS_UP
from tests.support.fault_injection import CallOutcome, Played
from tests.support.saga_plant import SagaPlant, case_view
from workflows.options import VENDOR_STEP

FIRST, SECOND = "MWAAAAAAAA", "MWBBBBBBBB"
CALLS_TO_AN_ORDER = 40
"""More calls than a case makes until its order is recorded."""


def opened(*, one_at_a_time: bool = False) -> SagaPlant:
    plant = SagaPlant(timedelta(0))
    plant.cmms.can = LOOKS_UP.model_copy(update={"one_at_a_time_per_asset": one_at_a_time})
    plant.store.open(case_view(FIRST, 1, Rung.WORK_ORDER))
    plant.dispatch()
    return plant


def play(played: Played[None], calls: int = 60) -> None:
    for _ in range(calls):
        played.play()


def settle(plant: SagaPlant) -> None:
    for _ in range(3):
        plant.dispatch()
        for workflow in plant.workflows.values():
            play(workflow.played)


@pytest.mark.parametrize("calls", range(CALLS_TO_AN_ORDER))
def test_wherever_a_worker_is_thought_dead_and_works_on_there_is_one_order(calls: int) -> None:
    plant = opened()
    # The engine gives up on this attempt and starts another, which plays beside it from here on.
    forgotten = plant.workflows[FIRST].played
    play(forgotten, calls)
    plant.workflows.pop(FIRST)
    plant.begin(FIRST)
    settle(plant)
    play(forgotten)
    plant.clock.time += LEASE_LASTS + timedelta(minutes=1)
    settle(plant)
    assert plant.cmms.made == [FIRST]
    order = plant.store.now(FIRST).order
    assert order is not None
    assert order.ref == plant.cmms.orders[FIRST].ref


@pytest.mark.parametrize("calls", range(CALLS_TO_AN_ORDER))
@pytest.mark.parametrize("outcome", [CallOutcome.CRASH_AFTER, CallOutcome.ANSWER_LOST, CallOutcome.AWAY])
def test_wherever_a_call_fails_or_a_worker_dies_there_is_one_order_in_the_end(calls: int, outcome: CallOutcome) -> None:
    plant = opened()
    play(plant.workflows[FIRST].played, calls)
    plant.workflows[FIRST].played.play(outcome)
    settle(plant)
    plant.clock.time += LEASE_LASTS + timedelta(minutes=1)
    settle(plant)
    assert plant.cmms.made == [FIRST]


def test_where_a_cmms_takes_one_order_of_an_asset_at_a_time_the_second_case_waits_for_the_first() -> None:
    plant = opened(one_at_a_time=True)
    plant.store.open(case_view(SECOND, 1, Rung.WORK_ORDER))
    plant.dispatch()
    while plant.store.leases.number("fake", "asset M001-COMP1") == 0:
        plant.workflows[FIRST].played.play()
    play(plant.workflows[SECOND].played)
    waits = plant.store.now(SECOND).waiting_for
    assert waits == "another step that creates an order in fake for asset M001-COMP1 to end"
    settle(plant)
    plant.clock.time += LEASE_LASTS + timedelta(minutes=1)
    settle(plant)
    assert sorted(plant.cmms.made) == [FIRST, SECOND]


def test_a_step_is_over_before_its_lease_ends() -> None:
    assert LEASE_LASTS > VENDOR_STEP


def test_where_no_order_can_wait_for_approval_none_is_made_before_a_person_has_accepted_it() -> None:
    plant = SagaPlant(timedelta(0))
    plant.cmms.can = ABLE.model_copy(update={"approval": OrderApproval.NONE})
    plant.store.open(case_view(FIRST, 1, Rung.DRAFT))
    settle(plant)
    waits = plant.store.now(FIRST).waiting_for
    assert (plant.cmms.made, waits) == ([], "a person to accept it: in fake an order cannot wait for approval")
    plant.accept(FIRST)
    settle(plant)
    assert plant.cmms.made == [FIRST]


def test_where_we_cannot_take_an_order_back_the_planner_is_asked_to() -> None:
    plant = SagaPlant(timedelta(0))
    plant.cmms.can = ABLE.model_copy(update={"cancellation": OrderCancellation.NONE})
    plant.store.open(case_view(FIRST, 1, Rung.DRAFT))
    settle(plant)
    plant.store.doubted(FIRST)
    settle(plant)
    assert plant.cmms.orders[FIRST].status is WorkOrderStatus.WAITING_APPROVAL
    assert plant.store.now(FIRST).waiting_for == "the planner to approve or cancel 1000"
