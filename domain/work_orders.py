"""Work orders, in a form that is the same for every CMMS."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Self, TypeVar

from pydantic import Field, FiniteFloat, field_validator, model_validator

from domain.model import Model, Moment
from domain.unreadable import UnreadableRecord
from domain.vendor_texts import VendorName, VendorText
from domain.verdict import Rung

ValueT = TypeVar("ValueT")


class WorkOrderStatus(StrEnum):
    """The states of an order; every record also has the vendor's own word.

    A vendor's state without a known meaning is `in_progress`, so that it never ends an order.
    """

    WAITING_APPROVAL = "waiting_approval"
    APPROVED = "approved"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    """Started or released, and interrupted, for example until a part arrives."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    """Closed by the planner without the work, if the vendor distinguishes that from cancelling."""
    DELETED = "deleted"
    """The record no longer exists in the CMMS. Its earlier state is known only from our own record."""

    @property
    def finished(self) -> bool:
        """Whether no more work is expected for the order."""
        return self is WorkOrderStatus.COMPLETED or self.not_done

    @property
    def not_done(self) -> bool:
        """Whether the order ended without its work, and so says nothing about the machine."""
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
    """Whether somebody else has changed an order. We withdraw an order only if it is known that nobody has."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """The CMMS does not say who changed it last."""


class RecordKind(StrEnum):
    """What a CMMS's record is."""

    ORDER = "order"
    REQUEST = "request"
    """A record that becomes an order when it is approved, or that exists beside one: a work request of MaintainX or
    Atlas, a notification of SAP."""


class WorkOrderDraft(Model):
    """What we ask a CMMS to create.

    `paragraphs` are in order of importance: if the vendor's field is too short, the connector drops the last ones.
    `priority` is 1 (highest) to 4; the connector maps it to the vendor's scale.
    """

    later: ClassVar[tuple[str, ...]] = ("rung", "job_plan")

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
    """False asks for the vendor's waiting state, in which a planner approves or cancels the order."""
    reported_at: Moment
    due_at: Moment | None = None
    """By when the policy wants the work done; never its planned start. If the vendor has no such date, it is in the
    text only."""
    rung: Rung | None = Field(default=None, exclude_if=lambda rung: rung is None)
    """The rung that the case asked for when the draft was made. Earlier builds did not store it."""
    job_plan: VendorName | None = Field(default=None, exclude_if=lambda plan: plan is None)
    """The site's job plan for the class of the asset and the failure mode, as the CMMS names it; None if the site
    states none."""


class Escalation(Model):
    """What an open order is to have because its fault became worse. What people set is theirs, so each value goes with
    the one that we wrote last, and is written only over that one.

    Args:
        priority: 1 (highest) to 4.
        was: the priority that we wrote last.
        due_at: by when the policy wants the work done; None if it states no time.
        was_due_at: the due date that we wrote last; None if we wrote none.
    """

    priority: int
    was: int
    due_at: Moment | None = None
    was_due_at: Moment | None = None

    @property
    def earlier_due(self) -> datetime | None:
        """The new due date; None if it does not come before the one that we wrote."""
        if self.due_at is None or self.was_due_at is None or self.due_at >= self.was_due_at:
            return None
        return self.due_at

    def raised(self, current: ValueT | None, priorities: Mapping[int, ValueT]) -> ValueT | None:
        """The vendor's value of the new priority; None if the order is to keep the one that it has.

        Args:
            current: the value that the order has.
            priorities: the vendor's values for ours.
        """
        theirs, was = priorities[self.priority], priorities[self.was]
        return theirs if self.priority < self.was and current == was and theirs != was else None

    def brought_forward(self, current: datetime | None) -> datetime | None:
        """The new due date; None if the order is to keep the one that it has. Vendors keep whole seconds.

        Args:
            current: the due date that the order has, aware.
        """
        if current is None or self.was_due_at is None or abs(current - self.was_due_at) >= timedelta(seconds=1):
            return None
        return self.earlier_due


class WorkOrderRef(Model):
    """The reference to a record of a CMMS.

    Args:
        system: the id of the CMMS instance that has it.
        kind: its kind by its function, not by its name: a maintenance request of Odoo is an `order`.
        id: the id by which a planner finds it. It need not be unique in the instance: Maximo numbers orders for each
            site.
        locator: the vendor's own id, by which only the connector finds it.
        key: the case's key, which identifies the record as ours; empty on an order that people created.
    """

    system: str
    kind: RecordKind = RecordKind.ORDER
    id: VendorName
    locator: VendorName | None = None
    key: VendorName

    def same_record(self, other: "WorkOrderRef") -> bool:
        """Whether both name one record. Either the number or the vendor's own id may change without making another."""
        same_locator = self.locator is not None and self.locator == other.locator
        return self.system == other.system and self.kind is other.kind and (same_locator or self.id == other.id)

    @model_validator(mode="before")
    @classmethod
    def _of_earlier_builds(cls, given: object) -> object:
        """Earlier builds wrote Maximo's address and site in separate fields."""
        if not isinstance(given, dict) or not {"href", "site"} & given.keys():
            return given
        kept = {name: value for name, value in given.items() if name not in ("href", "site")}
        return {"locator": given.get("href"), **kept}


class FindingRole(StrEnum):
    """What a code of a finding means (ISO 14224 table B: part, mode, cause and what was done)."""

    OBJECT_PART = "object_part"
    PROBLEM = "problem"
    CAUSE = "cause"
    REMEDY = "remedy"


class ReportedCode(Model):
    """One code that the technician chose.

    Args:
        role: what it means.
        group: the vendor's group or class from which it was chosen; None if codes have no group.
        code: the code itself.
    """

    role: FindingRole
    group: VendorText | None = None
    code: VendorText


class OrderRejection(Model):
    """Why people ended an order without its work, as the CMMS tells it. Nobody signs or attests that.

    Args:
        reason: their words, on one line.
        by: what the CMMS calls the person; None if it does not say who wrote the words.
    """

    reason: VendorText = Field(min_length=1)
    by: VendorText | None = None

    @property
    def words(self) -> str:
        """The reason and its author in English, as the end of a sentence."""
        return f"{self.reason} (written there by {self.by})" if self.by else f"{self.reason} (it does not say by whom)"


def no_codes(codes: tuple[ReportedCode, ...]) -> bool:
    """Whether the codes of an open order are left out of JSON. Earlier builds refuse fields that they do not know."""
    return not codes


class Part(Model):
    """Material used: the CMMS's item number and a quantity in the item's own issue unit."""

    item: VendorText
    quantity: FiniteFloat


class Labor(Model):
    """Hours that a person worked."""

    code: VendorText
    hours: FiniteFloat


class CompletionReport(Model):
    """What the technician found and did, in the CMMS's own codes.

    Args:
        group: the failure class or catalog profile of the whole order.
        codes: the chosen codes, in the vendor's order; several of one role if the vendor allows that.
        disposition: the vendor's word for how the job ended, if it has one besides the status.
        notes: notes of people, oldest first, without our own.
    """

    started_at: Moment | None = None
    finished_at: Moment | None = None
    group: VendorText | None = None
    codes: tuple[ReportedCode, ...] = ()
    disposition: VendorText | None = None
    parts: tuple[Part, ...] = ()
    labor: tuple[Labor, ...] = ()
    downtime: timedelta | None = None
    notes: tuple[VendorText, ...] = ()

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
        """The first code of a role; None if none was chosen."""
        return next((chosen.code for chosen in self.codes if chosen.role is role), None)


class WorkOrderRecord(Model):
    """A work order as read back from the CMMS.

    Args:
        ref: the record that we made.
        order: the order that the CMMS created from it, if `ref` is a request and the vendor has two records.
        vendor_status: the site's own word for the status.
        status_guessed: whether the vendor's status has no known meaning. Then it is `in_progress`, so that it ends no
            order, and nobody may take it for work that has begun.
        changed_at: the vendor's own stamp. If it has no zone, it is in the site's zone, a setting of the connector.
        priority: our priority, 1 (highest) to 4; None if the vendor's value stands for none of ours, or for several.
        report: what the technician reported; only of completed work.
        codes: the codes of the failure on an order of a person that is not completed. They are read only where the
            site has a table that says what they name.
        rejection: why people ended the order without its work; None if they did not, or did not say why.
        put_off_until: until when people put off an order that is on hold; None if it is not, or has no date. It is kept
            without a day that was over before that: see `without_past_day`.
    """

    later: ClassVar[tuple[str, ...]] = ("status_guessed", "codes", "rejection", "put_off_until")

    ref: WorkOrderRef
    order: WorkOrderRef | None = None
    status: WorkOrderStatus
    vendor_status: VendorText
    status_guessed: bool = False
    changed_at: Moment
    touched: Touched
    asset_external_id: VendorName | None = None
    priority: int | None = None
    report: CompletionReport | None = None
    codes: tuple[ReportedCode, ...] = Field(default=(), exclude_if=no_codes)
    rejection: OrderRejection | None = Field(default=None, exclude_if=lambda rejection: rejection is None)
    put_off_until: Moment | None = Field(default=None, exclude_if=lambda moment: moment is None)

    @classmethod
    def gone(cls, ref: WorkOrderRef, read_at: datetime) -> Self:
        """An order that its CMMS does not have any more and keeps no trace of, so the time is that of the reading."""
        return cls(
            ref=ref,
            status=WorkOrderStatus.DELETED,
            vendor_status="not found",
            changed_at=read_at,
            touched=Touched.YES,
        )

    @property
    def of_a_person(self) -> bool:
        """Whether it is an order that people created. Millwright only reads it, and writes notes on it."""
        return not self.ref.key

    @property
    def work_ended_at(self) -> datetime:
        """The end of the work in its report; without one, when the order last changed its state."""
        return (self.report.finished_at if self.report else None) or self.changed_at

    @property
    def work_has_begun(self) -> bool:
        """Whether the CMMS itself says that the work is in progress."""
        return self.status is WorkOrderStatus.IN_PROGRESS and not self.status_guessed

    @field_validator("touched", mode="before")
    @classmethod
    def _of_earlier_builds(cls, given: object) -> object:
        """Earlier builds wrote only yes or no."""
        if isinstance(given, bool):
            return Touched.YES if given else Touched.NO
        return given

    def stamped_before(self, known: "WorkOrderRecord") -> bool:
        """Whether its stamp is earlier than that of the known record. Then the page with it is out of date."""
        return self.changed_at < known.changed_at

    def without_past_day(self, known: "WorkOrderRecord | None") -> "WorkOrderRecord":
        """The record without a day that was over before the order was put on hold, such as one of an earlier hold.

        Not every vendor says when an order was put on hold, so that its last change stands for it. A day that is known
        already stays, whoever changes the order after it.

        Args:
            known: the record as it was known before; None if there is none.
        """
        if self.put_off_until is None or self.put_off_until >= self.changed_at:
            return self
        if known is not None and known.put_off_until == self.put_off_until:
            return self
        return self.model_copy(update={"put_off_until": None})

    def older_than(self, known: "WorkOrderRecord") -> bool:
        """Whether it is an earlier state than the known record. If the stamps are equal, the status decides."""
        return (self.changed_at, _PROGRESS[self.status]) < (known.changed_at, _PROGRESS[known.status])


class ChangePage(Model):
    """Work orders that changed since a cursor, and the cursor for the next request.

    `unreadable` are records that cannot be read and were not reported yet with this content.
    """

    records: tuple[WorkOrderRecord, ...]
    unreadable: tuple[UnreadableRecord, ...] = ()
    cursor: str
