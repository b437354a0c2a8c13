"""Promise 3: a case answers for every hold, only our own holds are released, and no release starts a machine unless a
person of production said so."""

from datetime import timedelta

import pytest

from domain.cases import Phase
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.fault_injection import CallOutcome
from tests.support.saga_plant import SagaPlant, case_view

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


def die_at(plant: SagaPlant, call: int) -> None:
    """Lets a worker die after so many calls, and others go on."""
    plant.dispatch()
    for each in [CallOutcome.FINE] * call + [CallOutcome.CRASH_AFTER]:
        plant.workflows[CASE].played.play(each)
    play(plant)


@pytest.mark.parametrize("status", [WorkOrderStatus.COMPLETED, WorkOrderStatus.CANCELLED])
@pytest.mark.parametrize("call", range(25))
def test_promise_3_no_machine_starts_before_production_releases_it_wherever_a_worker_dies(
    call: int, status: WorkOrderStatus
) -> None:
    plant = held()
    finish(plant, status)
    die_at(plant, call)
    assert (plant.mes.holder, plant.mes.started) == (CASE, [])
    assert [hold.releasable for hold in plant.store.live_holds()] == [True]
    assert plant.store.now(CASE).phase is Phase.AWAITING_RELEASE


@pytest.mark.parametrize("call", range(16))
def test_promise_3_what_production_releases_is_let_run_once_or_a_person_is_asked_wherever_a_worker_dies(
    call: int,
) -> None:
    plant = held()
    finish(plant, WorkOrderStatus.COMPLETED)
    play(plant)
    plant.release(CASE)
    die_at(plant, call)
    released = plant.mes.started == [CASE]
    doubted = plant.mes.started == [] and "cannot be proved" in (plant.store.now(CASE).waiting_for or "")
    assert released != doubted
    assert (plant.store.now(CASE).phase is Phase.CLOSED) is released
    plant.mes.people_release()
    play(plant)
    assert plant.store.live_holds() == []
    assert plant.store.now(CASE).phase is Phase.CLOSED


def test_promise_3_a_hold_of_others_is_left_alone() -> None:
    plant = SagaPlant(timedelta(0))
    plant.mes.people_hold()
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER_AND_HOLD))
    play(plant)
    finish(plant, WorkOrderStatus.COMPLETED)
    play(plant)
    assert plant.store.now(CASE).phase is Phase.CLOSED
    assert plant.mes.holder is not None
    assert (plant.mes.wrongly_released, plant.mes.started) == ([], [])
