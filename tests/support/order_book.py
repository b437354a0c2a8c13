"""The orders of a CMMS in memory, with its people. The fakes of unit and workflow tests answer from it.

`tests/contract/test_fakes.py` holds it to the contract suite of the connectors.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.cmms import OrderQuery
from domain.errors import ActionRequired
from domain.open_work import OpenOrder, OpenWork, OpenWorkQuery
from domain.work_orders import (
    ChangePage,
    CompletionReport,
    Escalation,
    FindingRole,
    OrderRejection,
    ReportedCode,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)
from tests.support.plant import TestClock

_PAGE = 2
_FIRST_NUMBER = 1000


@dataclass
class _Entry:
    record: WorkOrderRecord
    reported_at: datetime
    carries: str
    """The key that stands on it now; people may take it off or write another."""
    notes: dict[str, str] = field(default_factory=dict)
    deleted: bool = False


class OrderBook:
    """Orders by number, and a log of their changes from which pages are read.

    Args:
        assets: the names of the assets that are known there; None knows every name.
    """

    def __init__(self, clock: TestClock, assets: Collection[str] | None = None) -> None:
        self._clock = clock
        self._assets = assets
        self._entries: dict[str, _Entry] = {}
        self._log: list[str] = []
        self.hides: Mapping[str, object] = {}
        """What the answer about open work is like, if it is not whole: fields of `OpenWork`."""
        self.made: list[str] = []
        """The key of each order that we made, in their order."""
        self.let_go: list[str] = []
        """The key of each order that we made as released, or asked to approve."""

    @property
    def orders(self) -> dict[str, WorkOrderRecord]:
        """Our orders by key; of several with one key the last."""
        return {entry.record.ref.key: entry.record for entry in self._entries.values() if entry.record.ref.key}

    @property
    def notes(self) -> dict[str, str]:
        """Every note by its key."""
        return {key: text for entry in self._entries.values() for key, text in entry.notes.items()}

    def create(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        """The order of the draft's key, made if there is none."""
        found = self._carrying(draft.key)
        return found[-1].record if found else self.create_another(draft)

    def create_another(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        """Makes an order, whether there is one with this key or not."""
        if self._assets is not None and draft.asset_external_id not in self._assets:
            raise ActionRequired("no such asset", field="asset", system="fake", operation="create-work-order")
        self.made.append(draft.key)
        status = WorkOrderStatus.APPROVED if draft.released else WorkOrderStatus.WAITING_APPROVAL
        if draft.released:
            self.let_go.append(draft.key)
        return self._begin(draft.key, draft.asset_external_id, status, Touched.NO, draft.priority)

    def find(self, query: OrderQuery) -> list[WorkOrderRecord]:
        """The orders that match; see the port."""
        return [
            entry.record
            for entry in self._entries.values()
            if not entry.deleted
            and query.key in (None, entry.carries)
            and query.asset_external_id in (None, entry.record.asset_external_id)
            and (query.since is None or entry.reported_at >= query.since)
            and not (query.open_only and entry.record.status.finished)
        ]

    def open_work(self, query: OpenWorkQuery) -> OpenWork:
        """What is open on an asset; see the port."""
        asked = OrderQuery(asset_external_id=query.asset_external_id, since=query.since, open_only=True)
        found = [
            OpenOrder(
                ref=record.ref,
                status=record.status,
                vendor_status=record.vendor_status,
                reported_at=self._entries[record.ref.id].reported_at,
                reported_by=None if record.ref.key else "SMITH",
                summary="Noise at the drive end",
                codes=record.codes,
            )
            for record in self.find(asked)
        ]
        return OpenWork(orders=tuple(reversed(found))).model_copy(update=self.hides)

    def read(self, ref: WorkOrderRef) -> WorkOrderRecord:
        """An order as it is now.

        Raises:
            ActionRequired: it carries another key.
        """
        entry = self._entry(ref)
        if entry.deleted:
            status = WorkOrderStatus.DELETED
            return entry.record.model_copy(update={"status": status, "vendor_status": status.value})
        if entry.carries not in ("", ref.key):
            raise ActionRequired(
                f"order {ref.id} carries {entry.carries} now", field="key", system="fake", operation="read-work-order"
            )
        return entry.record

    def move(self, ref: WorkOrderRef, status: WorkOrderStatus) -> WorkOrderRecord:
        """Approves or withdraws an order for us, if that is still possible."""
        entry = self._entry(ref)
        now = entry.record.status
        waits, untouched = now is WorkOrderStatus.WAITING_APPROVAL, entry.record.touched is Touched.NO
        withdrawn = status is WorkOrderStatus.CANCELLED and (waits or now is WorkOrderStatus.APPROVED) and untouched
        if status is WorkOrderStatus.APPROVED:
            self.let_go.append(entry.record.ref.key)
        if not entry.deleted and (withdrawn or (waits and status is WorkOrderStatus.APPROVED)):
            self._change(entry, status=status)
        return self.read(ref)

    def escalate(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        """Raises the priority of an open order that is still the one that we wrote."""
        entry = self._entry(ref)
        raised = escalation.raised(entry.record.priority, {each: each for each in range(1, 5)})
        if raised is not None and not entry.deleted and not entry.record.status.finished:
            self._change(entry, {"priority": raised})
        return self.read(ref)

    def people_prioritise(self, ref: WorkOrderRef, priority: int) -> None:
        """Somebody there sets the priority of an order."""
        self._change(self._entry(ref), {"priority": priority}, touched=Touched.YES)

    def note(self, ref: WorkOrderRef, key: str, text: str) -> None:
        """Writes a note once."""
        entry = self._entry(ref)
        if entry.deleted:
            raise ActionRequired(f"order {ref.id} is gone", field="number", system="fake", operation="add-note")
        entry.notes.setdefault(key, text)

    def page(self, start: int) -> ChangePage:
        """The next changes of the log."""
        numbers = self._log[start : start + _PAGE]
        records = tuple(self._entries[number].record for number in numbers)
        return ChangePage(records=records, cursor=str(start + len(numbers)))

    def notes_on(self, ref: WorkOrderRef) -> Sequence[str]:
        """The notes on one order."""
        return list(self._entry(ref).notes.values())

    def people_change(
        self,
        ref: WorkOrderRef,
        status: WorkOrderStatus,
        report: CompletionReport | None = None,
        rejection: OrderRejection | None = None,
        put_off_until: datetime | None = None,
    ) -> None:
        """Somebody there changes the status of an order."""
        said = {"report": report, "rejection": rejection, "put_off_until": put_off_until}
        self._change(self._entry(ref), said, status=status, touched=Touched.YES)

    def people_change_unseen(self, ref: WorkOrderRef, **values: object) -> None:
        """Somebody there changes an order in a way that no page of changes shows."""
        entry = self._entry(ref)
        entry.record = entry.record.model_copy(update=values)

    def people_open(self, asset: str, problem: str | None = None) -> WorkOrderRecord:
        """Somebody there opens an order, and names its problem by a code."""
        made = self._begin("", asset, WorkOrderStatus.WAITING_APPROVAL, Touched.YES, None)
        if problem is not None:
            self.people_code(made.ref, problem)
        return self._entry(made.ref).record

    def people_code(self, ref: WorkOrderRef, problem: str | None) -> None:
        """Somebody there chooses the problem code of an open order, or takes it off. No page of changes shows it."""
        codes = () if problem is None else (ReportedCode(role=FindingRole.PROBLEM, code=problem),)
        self.people_change_unseen(ref, codes=codes)

    def people_delete(self, ref: WorkOrderRef) -> None:
        """Somebody there deletes an order. No page shows it."""
        self._entry(ref).deleted = True

    def people_write_key(self, ref: WorkOrderRef, key: str | None) -> None:
        """Somebody there takes our key off an order, or writes another."""
        entry = self._entry(ref)
        entry.carries = key or ""
        self._change(entry, touched=Touched.YES)

    def _begin(
        self, key: str, asset: str, status: WorkOrderStatus, touched: Touched, priority: int | None
    ) -> WorkOrderRecord:
        number = str(_FIRST_NUMBER + len(self._entries))
        record = WorkOrderRecord(
            ref=WorkOrderRef(system="fake", id=number, key=key),
            status=status,
            vendor_status=status.value,
            changed_at=self._clock.now(),
            touched=touched,
            asset_external_id=asset,
            priority=priority,
        )
        self._entries[number] = _Entry(record, self._clock.now(), key)
        self._log.append(number)
        return record

    def _change(
        self,
        entry: _Entry,
        said: Mapping[str, object] | None = None,
        *,
        status: WorkOrderStatus | None = None,
        touched: Touched | None = None,
    ) -> None:
        """Somebody changes an order; what it does not say, it does not say any more."""
        status = status or entry.record.status
        nothing = {"report": None, "rejection": None, "put_off_until": None}
        changes = {
            "status": status,
            "vendor_status": status.value,
            "changed_at": self._clock.now(),
            **nothing,
            **(said or {}),
        }
        entry.record = entry.record.model_copy(update=changes | ({} if touched is None else {"touched": touched}))
        self._log.append(entry.record.ref.id)

    def _carrying(self, key: str) -> list[_Entry]:
        return [entry for entry in self._entries.values() if entry.carries == key and not entry.deleted]

    def _entry(self, ref: WorkOrderRef) -> _Entry:
        return self._entries[ref.id]
