"""A placed order is read again once a day: what no poll shows is found, and the case goes on."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.cases import ClosedAs, Lane
from domain.outcomes import OutcomeClass
from domain.verdict import Rung
from domain.work_orders import WorkOrderRecord, WorkOrderStatus
from tests.support.saga_plant import REREAD, SagaPlant, case_view

CASE = "MWAAAAAAAA"


def settle(plant: SagaPlant) -> None:
    for _ in range(3):
        plant.dispatch()
        for _ in range(60):
            plant.workflows[CASE].played.play()


def placed() -> SagaPlant:
    plant = SagaPlant(timedelta(0))
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER_AND_HOLD))
    settle(plant)
    assert plant.store.now(CASE).order is not None
    return plant


def change_unseen(plant: SagaPlant, **values: object) -> None:
    """Somebody changes the order, and no page of changes ever shows it."""
    plant.cmms.book.people_change_unseen(plant.cmms.orders[CASE].ref, **values)


def after_a_day(plant: SagaPlant) -> WorkOrderRecord:
    plant.clock.time += REREAD
    settle(plant)
    order = plant.store.now(CASE).order
    assert order is not None
    return order


@pytest.mark.parametrize("status", [WorkOrderStatus.DELETED, WorkOrderStatus.SKIPPED, WorkOrderStatus.CANCELLED])
def test_an_order_that_ended_without_its_work_ends_its_case_and_releases_nothing(status: WorkOrderStatus) -> None:
    plant = placed()
    change_unseen(plant, status=status, changed_at=plant.clock.now() + timedelta(minutes=1))
    assert after_a_day(plant).status is status
    case = plant.store.now(CASE)
    assert (case.closed_as, case.outcome) == (ClosedAs.CANCELLED, OutcomeClass.DEFERRED)
    assert (plant.mes.holder, case.lane) == (CASE, Lane.PRODUCTION)
    assert plant.store.outcomes.labels == {}


def test_work_that_was_dated_back_is_learnt_from() -> None:
    plant = placed()
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, "REPAIRED")
    change_unseen(plant, changed_at=plant.clock.now() - timedelta(days=3))
    assert after_a_day(plant).status is WorkOrderStatus.COMPLETED
    assert plant.store.now(CASE).closed_as is ClosedAs.DONE


def test_an_order_that_did_not_change_is_read_once_a_day_and_stays_as_it_is() -> None:
    plant = placed()
    reads = counting(plant)
    for _ in range(4):
        plant.clock.time += REREAD / 2
        settle(plant)
    assert reads() == 2
    assert plant.store.now(CASE).closed_as is None


def counting(plant: SagaPlant) -> Callable[[], int]:
    """How often the order is read from now on."""
    read, count = plant.cmms.read_work_order, 0

    async def counted(ref: object) -> WorkOrderRecord:
        nonlocal count
        record = await read(ref)  # type: ignore[arg-type]  # the reference that was asked for
        count += 1
        return record

    plant.cmms.read_work_order = counted  # type: ignore[method-assign]  # counted and passed on
    return lambda: count
