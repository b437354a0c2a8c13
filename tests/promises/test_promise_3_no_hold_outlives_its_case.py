"""Promise 3: no hold outlives its case, and only our own holds are ever released."""

from datetime import timedelta

import pytest

from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.saga_plant import SagaPlant, case_view
from tests.turns import Turn

CASE = "MWAAAAAAAA"


def held() -> SagaPlant:
    plant = SagaPlant(timedelta(0))
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER_AND_HOLD))
    play(plant)
    return plant


def play(plant: SagaPlant) -> None:
    for _ in range(4):
        plant.dispatch()
        for _ in range(60):
            plant.workflows[CASE].played.play()
        plant.clock.time += timedelta(hours=1)


def finish(plant: SagaPlant, status: WorkOrderStatus) -> None:
    plant.cmms.people_move(CASE, status, "REPAIRED" if status is WorkOrderStatus.COMPLETED else None)
    polling = plant.poll()
    while not polling.ended:
        polling.play()


@pytest.mark.parametrize("status", [WorkOrderStatus.COMPLETED, WorkOrderStatus.CANCELLED])
@pytest.mark.parametrize("call", range(25))
def test_promise_3_a_hold_ends_with_its_case_wherever_its_worker_dies(call: int, status: WorkOrderStatus) -> None:
    plant = held()
    assert [hold.state for hold in plant.store.live_holds()] == ["placed"]
    finish(plant, status)
    plant.dispatch()
    for each in [Turn.FINE] * call + [Turn.CRASH_AFTER]:
        plant.workflows[CASE].played.play(each)
    play(plant)
    assert plant.store.now(CASE).closed_as is not None
    assert plant.mes.holder is None
    assert plant.store.live_holds() == []


def test_promise_3_a_hold_of_others_is_left_alone() -> None:
    plant = SagaPlant(timedelta(0))
    plant.mes.people_hold()
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER_AND_HOLD))
    play(plant)
    finish(plant, WorkOrderStatus.COMPLETED)
    play(plant)
    assert plant.store.now(CASE).closed_as is not None
    assert plant.mes.holder is not None
    assert plant.mes.wrongly_released == []
