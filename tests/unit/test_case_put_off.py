"""An order that people put off until a day is left alone until then, and after that a person is asked."""

from datetime import datetime, timedelta

import pytest

from domain.cases import Lane
from domain.hold_proposals import HoldTerms
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.plant import START
from tests.support.saga_plant import REREAD, WATCH, SagaPlant, case_view

CASE = "MWAAAAAAAA"
UNTIL = START + timedelta(days=3)
DAY = f"{UNTIL:%Y-%m-%d %H:%M} UTC"


def put_off(until: datetime | None = UNTIL) -> SagaPlant:
    """A case whose order is on hold until a day, as it is known after the next reading."""
    plant = SagaPlant(timedelta(0))
    plant.store.open(case_view(CASE, 1, Rung.DRAFT))
    plant.settle()
    people(plant, WorkOrderStatus.ON_HOLD, until)
    return plant


def people(plant: SagaPlant, status: WorkOrderStatus, until: datetime | None = None) -> None:
    """Somebody changes the order, which is read again."""
    order = plant.cmms.orders[CASE]
    plant.cmms.book.people_change(order.ref, status, put_off_until=until)
    later(plant, REREAD)


def later(plant: SagaPlant, time: timedelta) -> None:
    plant.clock.time += time
    plant.settle()


def waits(plant: SagaPlant) -> tuple[str | None, Lane | None]:
    case = plant.store.now(CASE)
    return case.waiting_for, case.lane


def test_nobody_is_asked_before_the_day_and_the_planner_after_it() -> None:
    plant = put_off()
    number = plant.cmms.orders[CASE].ref.id
    assert waits(plant) == (f"the technician to do {number}, which the planner put off until {DAY}", None)
    later(plant, timedelta(days=1))
    assert waits(plant)[1] is None
    assert plant.cmms.notes == {}
    later(plant, UNTIL - plant.clock.now())
    asked = f"the planner to take up {number} again: it was put off until {DAY}, and is still on hold"
    assert waits(plant) == (asked, Lane.PLANNER)
    people(plant, WorkOrderStatus.IN_PROGRESS)
    assert waits(plant) == (f"the technician to do {number}", None)
    assert plant.cmms.notes == {}


def test_another_day_is_waited_for_from_then_on() -> None:
    plant = put_off()
    later(plant, UNTIL - plant.clock.now())
    assert waits(plant)[1] is Lane.PLANNER
    people(plant, WorkOrderStatus.ON_HOLD, plant.clock.now() + timedelta(days=9))
    assert waits(plant)[1] is None


def test_a_fault_that_becomes_worse_is_noted_before_the_day() -> None:
    plant = put_off()
    plant.store.raised(CASE, Rung.WORK_ORDER)
    plant.settle()
    assert list(plant.cmms.notes) == [f"{CASE}-work_order"]


def test_an_order_without_a_day_waits_as_before() -> None:
    plant = put_off(None)
    assert waits(plant) == (f"the technician to do {plant.cmms.orders[CASE].ref.id}", None)


def test_nobody_is_asked_for_an_order_that_is_not_needed_any_more() -> None:
    plant = put_off()
    plant.store.doubted(CASE)
    later(plant, UNTIL - plant.clock.now())
    assert waits(plant)[1] is None


def test_a_day_that_was_over_before_the_order_was_put_on_hold_asks_nobody() -> None:
    plant = put_off(START - timedelta(days=60))
    assert waits(plant) == (f"the technician to do {plant.cmms.orders[CASE].ref.id}", None)
    order = plant.store.now(CASE).order
    assert order is not None
    assert order.put_off_until is None


def test_a_day_that_is_known_stays_when_the_order_is_changed_after_it() -> None:
    plant = put_off()
    later(plant, UNTIL - plant.clock.now() + timedelta(hours=1))
    people(plant, WorkOrderStatus.ON_HOLD, UNTIL)
    assert waits(plant)[1] is Lane.PLANNER
    people(plant, WorkOrderStatus.IN_PROGRESS)
    people(plant, WorkOrderStatus.ON_HOLD, UNTIL)
    assert waits(plant)[1] is None


@pytest.mark.parametrize("after", [None, timedelta(0)])
def test_a_question_of_the_hold_comes_before_the_planner_is_asked(after: timedelta | None) -> None:
    plant = SagaPlant(timedelta(0))
    plant.judge.terms = HoldTerms(unasked=False)
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER_AND_HOLD))
    plant.settle()
    people(plant, WorkOrderStatus.ON_HOLD, UNTIL)
    later(plant, UNTIL - plant.clock.now())
    reason, lane = waits(plant)
    assert (reason or "").startswith("production to accept, time or refuse a hold")
    assert lane is Lane.OPERATIONS
    plant.answer(CASE, after)
    later(plant, WATCH)
    assert waits(plant)[1] is Lane.PLANNER
    assert "to take up" in (waits(plant)[0] or "")
