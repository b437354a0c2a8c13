"""Promise 7: people can always overrule it, with a reason, and that is recorded."""

import json
from datetime import timedelta

import pytest

from domain.cases import ClosedAs, Decision
from domain.errors import ActRejected
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from tests.support.fault_injection import Played
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation
from tests.support.saga_plant import SagaPlant, case_view

CASE = "MWAAAAAAAA"


async def decided(plant: Plant, case: str, by: str, *, approved: bool, reason: str) -> None:
    cases = CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    await cases.record_decision(case, Decision(approved=approved, by=by, reason=reason, at=plant.clock.now()))


async def opened(plant: Plant) -> str:
    await plant.take(code(1), deviation(2))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    return str(case)


async def test_promise_7_a_no_is_recorded_with_its_person_and_reason(judged: Plant) -> None:
    case = await opened(judged)
    await decided(judged, case, "pat", approved=False, reason="it always hums")
    ((actor, body),) = await judged.rows("SELECT actor, body FROM acts WHERE kind = 'case-decided'")
    assert (actor, json.loads(str(body))["detail"]["reason"]) == ("pat", "it always hums")


async def test_promise_7_a_second_person_who_says_otherwise_is_told_at_once(judged: Plant) -> None:
    case = await opened(judged)
    await decided(judged, case, "pat", approved=False, reason="it always hums")
    with pytest.raises(ActRejected, match="pat rejected"):
        await decided(judged, case, "kim", approved=True, reason="I hear it too")


@pytest.mark.parametrize(("rung", "orders"), [(Rung.INSPECT, []), (Rung.DRAFT, [WorkOrderStatus.CANCELLED])])
def test_promise_7_a_no_ends_what_was_proposed(rung: Rung, orders: list[WorkOrderStatus]) -> None:
    plant = SagaPlant(timedelta(0))
    plant.store.open(case_view(CASE, 1, rung))
    play(plant)
    decide(plant, approved=False)
    play(plant)
    assert plant.store.now(CASE).closed_as in (ClosedAs.REJECTED, ClosedAs.CANCELLED)
    assert [order.status for order in plant.cmms.orders.values()] == orders
    assert plant.store.outcomes.labels == {}


def test_promise_7_a_yes_orders_what_the_policy_would_only_inspect() -> None:
    plant = SagaPlant(timedelta(0))
    plant.store.open(case_view(CASE, 1, Rung.INSPECT))
    play(plant)
    assert plant.cmms.orders == {}
    decide(plant, approved=True)
    play(plant)
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.APPROVED


def decide(plant: SagaPlant, *, approved: bool) -> None:
    decision = Decision(approved=approved, by="pat", reason="seen it", at=plant.clock.now())
    Played(plant.store.record_decision(CASE, decision)).play()


def play(plant: SagaPlant) -> None:
    for _ in range(3):
        plant.dispatch()
        for _ in range(60):
            plant.workflows[CASE].played.play()
