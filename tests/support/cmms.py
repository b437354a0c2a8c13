"""What a CMMS can do that can do everything, and one in which two requests at once make two orders."""

from datetime import UTC, datetime, timedelta

from activities.order_files import OrderFiles
from domain.casework import CaseStore
from domain.cmms import ChangeFeed, CmmsCapabilities, Idempotency, OrderApproval, OrderCancellation, TextLimits
from domain.draft_findings import DraftCheck, DraftDefect, DraftFinding
from domain.open_work import OpenOrder, OpenWorkSeen
from domain.work_orders import CompletionReport, FindingRole, ReportedCode, WorkOrderRef, WorkOrderStatus

ABLE = CmmsCapabilities(
    idempotency=Idempotency.ATOMIC,
    approval=OrderApproval.STATE,
    cancellation=OrderCancellation.STATE,
    search_by_key=True,
    changes=ChangeFeed.POLL,
    tombstones=False,
    priorities={1: "1", 2: "2", 3: "3", 4: "4"},
    limits=TextLimits(),
    raises_priority=True,
)
LOOKS_UP = ABLE.model_copy(update={"idempotency": Idempotency.LOOK_UP})
NOTHING_OPEN = OpenWorkSeen(at=datetime(2026, 11, 21, tzinfo=UTC), since=datetime(2026, 8, 23, tzinfo=UTC))
PEOPLES_ORDER = NOTHING_OPEN.model_copy(
    update={
        "orders": (
            OpenOrder(
                ref=WorkOrderRef(system="fake", id="1198", key=""),
                status=WorkOrderStatus.APPROVED,
                vendor_status="APPR",
                reported_by="SMITH",
                summary="Noise",
            ),
        ),
        "count": 1,
    }
)

INCOMPLETE = DraftCheck(findings=(DraftFinding(defect=DraftDefect.ASSET_LEVEL, detail="line"),), withheld=True)


def reported(problem: str | None = None, cause: str | None = None, remedy: str | None = None) -> CompletionReport:
    """A report with these codes."""
    given = {FindingRole.PROBLEM: problem, FindingRole.CAUSE: cause, FindingRole.REMEDY: remedy}
    return CompletionReport(codes=tuple(ReportedCode(role=role, code=code) for role, code in given.items() if code))


async def no_reconcile(_system: str) -> timedelta | None:
    """The reconcile of tests in which none is due."""
    return None


def no_files(cases: CaseStore) -> OrderFiles:
    """The files of orders where no CMMS keeps files."""
    return OrderFiles(cases, None, {}, None)  # type: ignore[arg-type]  # neither is asked where no CMMS keeps files
