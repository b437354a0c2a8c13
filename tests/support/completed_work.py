"""A case with an order, and what the work on it found, on a real database."""

from activities.judging import Judging
from domain.cases import ClosedAs
from domain.casework import CaseStore as CaseSteps
from domain.outcomes import Outcome, OutcomeClass, OutcomeStatement
from domain.work_orders import CompletionReport, Touched, WorkOrderDraft, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from millwright.bootstrap import Storage
from millwright.storage.cases.case_store import CaseStore
from tests.support.cmms import INCOMPLETE, PEOPLES_ORDER, reported
from tests.support.ingress import NOW
from tests.support.judged_plant import judge_to_rest
from tests.support.plant import PUMP, START, code, deviation, publish_policies

ORDER = "1224"
REASON = "the seal was worn, and is new"


async def opened_case(storage: Storage) -> str:
    """Opens a case for a fault of which there were two signs; returns its id."""
    await publish_policies(storage.versions, storage.people)
    await storage.inbox.store([code(1), deviation(2), deviation(3)], NOW)
    [case] = await judge_to_rest(Judging(storage.lines, storage.catalogue))
    return case


async def ordered(cases: CaseStore, case: str, status: WorkOrderStatus, *, released: bool = True) -> None:
    """The order of a case, as the CMMS tells of it last.

    Args:
        released: whether we placed it as released, and not in the planner's waiting state.
    """
    view, _ = await cases.view(case)
    draft = WorkOrderDraft(
        key=case,
        asset=PUMP,
        asset_attributes=view.cmms_attributes,
        asset_external_id=view.cmms_asset or PUMP,
        summary="The signal has shifted.",
        paragraphs=(),
        failure_mode="PDE",
        priority=view.verdict.priority,
        released=released,
        reported_at=START,
    )
    record = WorkOrderRecord(
        ref=WorkOrderRef(system="fake", id=ORDER, key=case),
        status=status,
        vendor_status=status.value,
        changed_at=NOW,
        touched=Touched.NO,
        report=reported("LEAK"),
    )
    await cases.intend_order(case, "fake", draft, PEOPLES_ORDER, INCOMPLETE)
    await cases.record_order(case, record, NOW)


async def ended(cases: CaseSteps, case: str, how: ClosedAs = ClosedAs.DONE) -> None:
    """The work of a case has ended with nothing to learn from it, and the case is closed, or awaits a release."""
    outcome = Outcome(case=case, outcome=OutcomeClass.DEFERRED, cancelled=True, found_at=NOW, report=CompletionReport())
    await cases.record_outcome(outcome)
    await cases.close(case, how)


async def completed(
    cases: CaseStore,
    case: str,
    found: OutcomeClass = OutcomeClass.UNKNOWN,
    status: WorkOrderStatus = WorkOrderStatus.COMPLETED,
) -> None:
    """The order of a case is finished, and its outcome recorded."""
    await ordered(cases, case, status)
    await cases.record_outcome(
        Outcome(case=case, outcome=found, cancelled=status.not_done, found_at=NOW, report=CompletionReport())
    )


def stated(by: str) -> OutcomeStatement:
    """A person's statement."""
    return OutcomeStatement(by=by, reason=REASON, at=NOW)
