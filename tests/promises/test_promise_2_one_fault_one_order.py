"""Promise 2: one fault, one case, one work order, whatever comes twice and whatever dies."""

from datetime import timedelta

import pytest

from domain.verdict import Rung
from tests.support.fault_injection import CallOutcome
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation
from tests.support.saga_plant import SagaPlant, case_view

CASE = "MWAAAAAAAA"


@pytest.mark.parametrize(
    "outcome", [CallOutcome.CRASH_BEFORE, CallOutcome.CRASH_AFTER, CallOutcome.ANSWER_LOST, CallOutcome.AWAY]
)
@pytest.mark.parametrize("call", range(45))
def test_promise_2_one_order_and_one_hold_however_a_call_goes_and_though_the_engine_forgets(
    call: int, outcome: CallOutcome
) -> None:
    plant = SagaPlant(timedelta(0))
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER_AND_HOLD))
    plant.dispatch()
    for each in [CallOutcome.FINE] * call + [outcome]:
        plant.workflows[CASE].played.play(each)
    plant.begin(CASE)
    for _ in range(6):
        for _ in range(60):
            plant.workflows[CASE].played.play()
        plant.clock.time += timedelta(hours=1)
        plant.dispatch()
    assert plant.cmms.made == [CASE]
    assert plant.mes.holder == CASE
    assert [hold.key for hold in plant.store.live_holds()] == [CASE]


async def test_promise_2_a_fault_reported_again_and_again_is_one_case(judged: Plant) -> None:
    first = [code(1), deviation(2)]
    await judged.take(*first)
    await judged.take(*reversed(first))
    await judged.take(deviation(2), deviation(1.5), deviation(3))
    assert await judged.rows("SELECT count(*) FROM cases") == [(1,)]
