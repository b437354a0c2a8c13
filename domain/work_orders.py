"""Work orders as Millwright speaks of them to any CMMS."""

from datetime import timedelta
from enum import StrEnum

from domain.model import Model, Moment


class WorkOrderStatus(StrEnum):
    """The states we tell apart; a vendor's own word stands beside them in every record."""

    WAITING_APPROVAL = "waiting_approval"
    APPROVED = "approved"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        return self in (WorkOrderStatus.COMPLETED, WorkOrderStatus.CANCELLED)


class WorkOrderDraft(Model):
    """What we ask a CMMS to create.

    `paragraphs` are in order of importance: a connector keeps the first and drops the last where the vendor's
    field is too short. `priority` is 1 (highest) to 4; the connector maps it to the vendor's scale.
    """

    key: str
    asset: str
    asset_attributes: dict[str, str]
    """The crosswalk's attributes of the asset in the CMMS, e.g. `siteid`."""
    asset_external_id: str
    summary: str
    paragraphs: tuple[str, ...]
    failure_mode: str
    priority: int
    released: bool
    """False asks for the vendor's waiting state, where a planner approves or cancels."""
    reported_at: Moment
    due_at: Moment | None = None


class WorkOrderRef(Model):
    """Where a work order is found again."""

    system: str
    id: str
    """The number a planner knows it by."""
    site: str | None = None
    href: str | None = None
    key: str


class Part(Model):
    """Material used: the CMMS's item number and a quantity in the item's own issue unit."""

    item: str
    quantity: float


class Labor(Model):
    """Hours that a person worked."""

    code: str
    hours: float


class CompletionReport(Model):
    """What the technician found and did, in the CMMS's own codes."""

    started_at: Moment | None = None
    finished_at: Moment | None = None
    failure_class: str | None = None
    problem: str | None = None
    cause: str | None = None
    remedy: str | None = None
    parts: tuple[Part, ...] = ()
    labor: tuple[Labor, ...] = ()
    downtime: timedelta | None = None
    notes: tuple[str, ...] = ()


class WorkOrderRecord(Model):
    """A work order as read back from the CMMS.

    `touched` is true once anybody but us has changed it. `changed_at` is the vendor's own stamp.
    """

    ref: WorkOrderRef
    status: WorkOrderStatus
    vendor_status: str
    changed_at: Moment
    touched: bool
    asset_external_id: str | None = None
    priority: int | None = None
    report: CompletionReport | None = None


class ChangePage(Model):
    """Work orders changed since a cursor, and the cursor to ask with next."""

    records: tuple[WorkOrderRecord, ...]
    cursor: str
