"""What a reconcile does with the order of a case that has ended, and with the order of a person."""

import pytest

from domain.cases import ClosedAs, Phase
from domain.drift import order_identity
from domain.open_work import OpenWorkQuery
from domain.outcomes import Outcome, OutcomeClass
from domain.work_orders import CompletionReport, WorkOrderStatus
from tests.contract.test_drift_cases import DAY, Reconciled, complete, reconciled

__all__ = ["reconciled"]
_DUE = "SELECT subject FROM due WHERE due_at IS NOT NULL AND subject LIKE 'case/%'"
_ATTACHED = "UPDATE work_orders SET record = CAST(:record AS jsonb), external_id = :number, status = 'approved'"
_LISTED = """
INSERT INTO drifts (system, kind, identity, subject, case_id, ref, ours, theirs, first_seen_at, last_seen_at)
SELECT system, 'key_differs', :identity, :number, case_id, record -> 'ref', 'key', 'no key', :now, :now FROM work_orders
"""
_LOST = "UPDATE work_orders SET external_id = NULL, record = NULL, status = NULL, placed_at = NULL, read_at = NULL"


async def test_an_order_that_is_found_after_its_case_was_closed_is_kept_and_the_case_stays_closed(
    reconciled: Reconciled,
) -> None:
    case, cases = reconciled.case, reconciled.case.storage.cases
    await complete(reconciled)
    await reconciled.missed()
    await case.decide(approved=False)
    await reconciled.alter(_LOST)
    await cases.close(case.case, ClosedAs.REJECTED)
    assert await reconciled.plant.rows(_DUE) == []
    for _ in range(2):
        assert await reconciled.night() == []
        view = await case.view()
        assert view.order is not None
        assert (view.order.status, view.phase) == (WorkOrderStatus.COMPLETED, Phase.CLOSED)
        assert await reconciled.plant.rows(_DUE) == []


@pytest.mark.parametrize("unknown", [False, True])
async def test_the_open_order_of_a_closed_case_is_read_each_night_and_wakes_the_case_if_its_outcome_is_unknown(
    reconciled: Reconciled, unknown: bool
) -> None:
    case = reconciled.case
    if unknown:
        nothing, now = CompletionReport(), reconciled.plant.clock.now()
        found = Outcome(case=case.case, outcome=OutcomeClass.UNKNOWN, cancelled=False, found_at=now, report=nothing)
        await case.storage.cases.record_outcome(found)
    await case.decide(approved=False)
    await reconciled.alter("UPDATE cases SET closed_at = now(), closed_as = 'rejected', phase = 'closed'")
    await reconciled.alter("UPDATE due SET due_at = NULL")
    order = await reconciled.ours()
    reconciled.site.approve(order.ref)
    await reconciled.missed()
    await reconciled.night()
    assert (await reconciled.ours()).status is WorkOrderStatus.APPROVED
    assert await reconciled.plant.rows(_DUE) == [(f"case/{case.case}",)] * unknown


async def test_the_order_of_a_person_is_compared_by_no_reconcile_and_wakes_nobody(reconciled: Reconciled) -> None:
    """What an earlier build listed of it ends."""
    own, cmms, now = await reconciled.ours(), reconciled.site.connector(), reconciled.plant.clock.now()
    reconciled.site._server.delete(own.ref.id)
    await reconciled.site.people_open("M001-COMP1")
    query = OpenWorkQuery(asset_external_id="M001-COMP1", asset_attributes={"siteid": "BEDFORD"}, since=now - DAY)
    [seen] = (await cmms.find_open_work(query)).orders
    theirs = await cmms.read_work_order(seen.ref)
    assert theirs.of_a_person
    await reconciled.alter(_ATTACHED, record=theirs.model_dump_json(), number=theirs.ref.id)
    await reconciled.alter(_LISTED, identity=order_identity(theirs.ref), number=theirs.ref.id, now=now)
    await reconciled.alter("UPDATE due SET due_at = NULL")
    assert await reconciled.night() == []
    assert (await reconciled.ours()) == theirs
    assert await reconciled.plant.rows(_DUE) == []
