"""Work orders as Millwright speaks of them to any CMMS."""

from datetime import timedelta
from enum import StrEnum

from pydantic import field_validator, model_validator

from domain.model import Model, Moment
from domain.verdict import Rung


class WorkOrderStatus(StrEnum):
    """The states we tell apart; a vendor's own word is beside them in every record.

    A state without a known meaning is `in_progress`: never the end of an order.
    """

    WAITING_APPROVAL = "waiting_approval"
    APPROVED = "approved"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    """Begun or released, and set aside for a while, for example until a part is there."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    """Closed by the planner without doing the work, where the vendor tells that from cancelling."""
    DELETED = "deleted"
    """The record is gone from the CMMS. What it was before is known from our own record only."""

    @property
    def finished(self) -> bool:
        """Whether nothing more is expected under the order."""
        return self is WorkOrderStatus.COMPLETED or self.not_done

    @property
    def not_done(self) -> bool:
        """Whether the order ended without its work: it tells nothing about the machine."""
        return self in (WorkOrderStatus.CANCELLED, WorkOrderStatus.SKIPPED, WorkOrderStatus.DELETED)


_PROGRESS = {
    WorkOrderStatus.WAITING_APPROVAL: 0,
    WorkOrderStatus.APPROVED: 1,
    WorkOrderStatus.IN_PROGRESS: 2,
    WorkOrderStatus.ON_HOLD: 2,
    WorkOrderStatus.COMPLETED: 3,
    WorkOrderStatus.CANCELLED: 3,
    WorkOrderStatus.SKIPPED: 3,
    WorkOrderStatus.DELETED: 4,
}
"""How far an order in each status has come."""

FINISHED_STATUSES = tuple(status.value for status in WorkOrderStatus if status.finished)
"""For filters in storage."""


class Touched(StrEnum):
    """Whether anybody but us has changed an order. Only an order of which we know that nobody did is withdrawn."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """The CMMS does not say who changed it last."""


class RecordKind(StrEnum):
    """What a CMMS's record is."""

    ORDER = "order"
    REQUEST = "request"
    """What is approved first and becomes an order, or is worked on beside one: a work request of MaintainX or Atlas, a
    notification of SAP."""


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
    """By when the policy wants the work done; never its planned start. Leave it to the text if the vendor has no such
    date."""
    rung: Rung | None = None
    """What the case asked for when the draft was made. Earlier builds did not write it down."""


class WorkOrderRef(Model):
    """Where a record of a CMMS is found again.

    Args:
        system: the id of the CMMS instance that has it.
        kind: what it is there, by what it does and not by its name: a maintenance request of Odoo is an `order`.
        id: what a planner finds it by; unique in the instance.
        locator: by what the connector finds it; the vendor's own, and read by nobody else.
        key: the case's key, by which the record is known as ours; empty on an order that people created.
    """

    system: str
    kind: RecordKind = RecordKind.ORDER
    id: str
    locator: str | None = None
    key: str

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_builds(cls, given: object) -> object:
        """Earlier builds wrote Maximo's address and site in fields of their own."""
        if not isinstance(given, dict) or not {"href", "site"} & given.keys():
            return given
        kept = {name: value for name, value in given.items() if name not in ("href", "site")}
        return {"locator": given.get("href"), **kept}


class FindingRole(StrEnum):
    """What a code of a finding says (ISO 14224 table B: part, mode, cause and what was done)."""

    OBJECT_PART = "object_part"
    PROBLEM = "problem"
    CAUSE = "cause"
    REMEDY = "remedy"


class ReportedCode(Model):
    """One code that the technician chose.

    Args:
        role: what it says.
        group: the vendor's group or class from which it was chosen; None where codes stand alone.
        code: the code itself.
    """

    role: FindingRole
    group: str | None = None
    code: str


class Part(Model):
    """Material used: the CMMS's item number and a quantity in the item's own issue unit."""

    item: str
    quantity: float


class Labor(Model):
    """Hours that a person worked."""

    code: str
    hours: float


class CompletionReport(Model):
    """What the technician found and did, in the CMMS's own codes.

    Args:
        group: the failure class or catalog profile of the whole order.
        codes: what was chosen, in the vendor's order; several of one role where the vendor allows that.
        disposition: the vendor's word for how the job ended, where it has one beside the status.
        notes: what was written, oldest first; notes of ours are left out.
    """

    started_at: Moment | None = None
    finished_at: Moment | None = None
    group: str | None = None
    codes: tuple[ReportedCode, ...] = ()
    disposition: str | None = None
    parts: tuple[Part, ...] = ()
    labor: tuple[Labor, ...] = ()
    downtime: timedelta | None = None
    notes: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_builds(cls, given: object) -> object:
        """Earlier builds had one field for each of Maximo's four codes."""
        roles = ("problem", "cause", "remedy")
        if not isinstance(given, dict) or not {"failure_class", *roles} & given.keys():
            return given
        group = given.get("failure_class")
        kept = {name: value for name, value in given.items() if name not in ("failure_class", *roles)}
        codes = [{"role": role, "group": group, "code": given[role]} for role in roles if given.get(role)]
        return {"group": group, "codes": codes, **kept}

    def code_of(self, role: FindingRole) -> str | None:
        """The first code of a role; None where none was chosen."""
        return next((chosen.code for chosen in self.codes if chosen.role is role), None)


class WorkOrderRecord(Model):
    """A work order as read back from the CMMS.

    Args:
        ref: the record that we made.
        order: the order that was made of it there, where `ref` is a request and the vendor keeps the two apart.
        vendor_status: the site's own word for the status.
        changed_at: the vendor's own stamp. One without a zone is in the site's, which is a setting of the connector.
        priority: ours, 1 (highest) to 4; None where the vendor's value stands for none of ours, or for several.
        report: what the technician reported; only of completed work.
    """

    ref: WorkOrderRef
    order: WorkOrderRef | None = None
    status: WorkOrderStatus
    vendor_status: str
    changed_at: Moment
    touched: Touched
    asset_external_id: str | None = None
    priority: int | None = None
    report: CompletionReport | None = None

    @field_validator("touched", mode="before")
    @classmethod
    def _of_earlier_builds(cls, given: object) -> object:
        """Earlier builds knew yes and no only."""
        if isinstance(given, bool):
            return Touched.YES if given else Touched.NO
        return given

    def stamped_before(self, known: "WorkOrderRecord") -> bool:
        """Whether the vendor's stamp is earlier than that of what is known: a page that brings this is out of date."""
        return self.changed_at < known.changed_at

    def older_than(self, known: "WorkOrderRecord") -> bool:
        """Whether this was read before what is known. Within one instant of the vendor's clock the status tells."""
        return (self.changed_at, _PROGRESS[self.status]) < (known.changed_at, _PROGRESS[known.status])


class ChangePage(Model):
    """Work orders changed since a cursor, and the cursor to ask with next."""

    records: tuple[WorkOrderRecord, ...]
    cursor: str
