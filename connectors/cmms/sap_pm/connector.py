"""SAP S/4HANA Plant Maintenance as a CMMS."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import httpx

from connectors.call import Call
from connectors.cmms.sap_pm import long_text as texts
from connectors.cmms.sap_pm import mapping
from connectors.cmms.sap_pm.changes import OUR_REFERENCES, SapPmChanges, all_of, works_of
from connectors.cmms.sap_pm.client import SapPmClient
from connectors.cmms.sap_pm.completed_work import completed_work
from connectors.cmms.sap_pm.cursor import SapPmCursor
from connectors.cmms.sap_pm.escalating import changes_of
from connectors.cmms.sap_pm.keys import check_key, check_place
from connectors.cmms.sap_pm.mapping import SapPmWork
from connectors.cmms.sap_pm.models import LONG_TEXT, REFERENCE, SapPmNotification, SapPmOrder, SapPmUnreadableRow
from connectors.cmms.sap_pm.odata import moment_literal, text_literal
from connectors.cmms.sap_pm.open_work import ALONE, NOTIFIED_AT, ORDERED_AT, open_work
from connectors.cmms.sap_pm.rows import RowT
from connectors.cmms.sap_pm.settings import SapPmSettings
from domain.clock import Clock
from domain.cmms import CmmsCapabilities, OrderQuery, PreviewedRecord
from domain.completed_work import ToldWork
from domain.errors import ActionRequired, Refused, Unavailable
from domain.maintenance_history import CmmsAsset
from domain.open_work import OpenWork, OpenWorkQuery
from domain.work_orders import (
    ChangePage,
    Escalation,
    RecordKind,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)

_OBJECT: Final = "TechnicalObject"
_KIND: Final = "TechObjIsEquipOrFuncnlLoc"
_TRIES: Final = 3
"""How often a text is written again after somebody else has changed the notification at the same time."""
_OPEN: Final = (WorkOrderStatus.WAITING_APPROVAL, WorkOrderStatus.APPROVED)
_CANCELLING: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "deletion_flag": ("SetMaintOrdStsToMrkdForDeltn", {"AssgdMaintNotifIsToBeSetDel": "true"}),
    "do_not_execute": ("SetMaintOrderToDoNotExecute", {}),
}
"""The function that cancels an order, by the setting `cancel_order_by`."""


class SapPmCmms:
    """The port `Cmms` over one client of an SAP system; see `domain.ports.Cmms` for what each method promises.

    The work of a case is one notification with our key. Its order is made by a planner, or by us if the draft is to be
    released.

    Args:
        settings: the site's.
        http: by what requests are made.
        system: the id of this instance.
        clock: the time of a deleted record, and of a notification that we complete.
    """

    def __init__(self, settings: SapPmSettings, http: httpx.AsyncClient, system: str, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._system = system
        self._client = SapPmClient(settings, http, clock)

    async def check(self) -> str:
        call = Call(self._system, "check")
        order_by = "MaintenanceNotification"
        page = await self._client.find(call, SapPmNotification, OUR_REFERENCES, order_by=order_by, top=1)
        host = httpx.URL(self._settings.url).host
        client = f", client {self._settings.sap_client}" if self._settings.sap_client else ""
        found = f"{'notifications' if page.count else 'no notification'} that may be ours"
        return f"SAP Plant Maintenance at {host}{client} answers; signed in as {self._settings.user}; it has {found}"

    @property
    def capabilities(self) -> CmmsCapabilities:
        return mapping.capabilities(self._settings)

    async def find_work_orders(self, query: OrderQuery) -> tuple[WorkOrderRecord, ...]:
        call = Call(self._system, "find-work-orders", query.key)
        found = [(work.notification.created_at, self._record(call, work)) for work in await self._matching(call, query)]
        if query.key is None:
            found += [
                (order.created_at or order.changed_at, mapping.record_of_order(order, self._system, self._settings))
                for order in await self._orders_alone(call, query)
            ]
        ordered = sorted(found, key=lambda each: (each[0], each[1].ref.id))
        return tuple(record for _, record in ordered if not (query.open_only and record.status.finished))

    async def find_open_work(self, query: OpenWorkQuery) -> OpenWork:
        return await open_work(self._client, Call(self._system, "find-open-work"), self._settings, query)

    async def completed_work(
        self, assets: Sequence[CmmsAsset], since: datetime
    ) -> tuple[tuple[ToldWork, ...] | None, ...]:
        return await completed_work(self._client, Call(self._system, "completed-work"), self._settings, assets, since)

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        call = Call(self._system, "create-work-order", draft.key)
        work = await self._find(call, draft.key) or await self._create(call, draft)
        name = work.notification.object_name or ""
        if name.upper() != draft.asset_external_id.upper():
            raise call.error(
                ActionRequired,
                f"notification {work.notification.number} has this key, but is about {name or 'no object'}, not "
                f"{draft.asset_external_id}",
                field=_OBJECT,
            )
        kind = mapping.object_kind(draft.asset_attributes, self._settings)
        if work.notification.object_kind not in (None, "", kind):
            raise call.error(
                ActionRequired,
                f"notification {work.notification.number} has this key, but its object {name} is of the kind "
                f"{work.notification.object_kind}, not {kind}",
                field=_KIND,
            )
        if draft.released:
            work = await self._release(call, work)
        return self._record(call, work)

    async def preview_order(self, draft: WorkOrderDraft) -> tuple[PreviewedRecord, ...]:
        call = Call(self._system, "preview-order", draft.key)
        try:
            return mapping.preview(draft, self._settings)
        except ValueError as error:
            raise call.error(ActionRequired, str(error), field=_OBJECT) from None

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        call = Call(self._system, "read-work-order", ref.key)
        work = await self._read(call, ref)
        return self._record(call, work, ref.key) if work else WorkOrderRecord.gone(ref, self._clock.now())

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        del memo  # The functions of SAP take no text.
        call = Call(self._system, "release-work-order", ref.key)
        work = await self._read(call, ref)
        if work is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        return self._record(call, await self._release(call, work), ref.key)

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        call = Call(self._system, "withdraw-work-order", ref.key)
        work = await self._read(call, ref)
        if work is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        if work.status(self._settings)[0] in _OPEN and self._untouched(work):
            work = await self._write_note(call, work, ref, texts.WITHDRAWN, memo)
            if work.status(self._settings)[0] in _OPEN and self._untouched(work):
                work = await self._cancel(call, work)
        return self._record(call, work, ref.key)

    async def escalate_work_order(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        call = Call(self._system, "escalate-work-order", ref.key)
        work = await self._read(call, ref)
        if work is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        changes = changes_of(work, escalation, self._settings)
        if changes:
            if not await self._client.change(call, work.notification, changes):
                raise call.error(Unavailable, "somebody else is changing the notification")
            work = await self._read_again(call, work.notification)
            if changes_of(work, escalation, self._settings):
                words = f"notification {ref.id} was changed, and has its old priority"
                raise call.error(ActionRequired, words, field="MaintPriority")
        return self._record(call, work, ref.key)

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        call = Call(self._system, "add-note", ref.key)
        work = await self._read(call, ref)
        if work is None:
            raise call.error(ActionRequired, f"notification {ref.id} is gone", field="MaintenanceNotification")
        await self._write_note(call, work, ref, note_key, text)

    async def changed_since(self, cursor: str | None) -> ChangePage:
        call = Call(self._system, "changed-since")
        mark = SapPmCursor.of(call, cursor)
        fresh = await SapPmChanges(self._client, call, self._settings).first_unseen(mark)
        records: list[WorkOrderRecord] = []
        unreadable = [row.report for row in fresh.unreadable]
        for work in fresh.works:
            try:
                records.append(mapping.record_of(work, self._system, self._settings))
            except mapping.UNMAPPABLE as error:
                unreadable.append(mapping.unreadable_record(work.notification, self._system, error))
        after = mark.advanced(fresh.works, self._settings.overlap, fresh.unreadable)
        if fresh.passed is not None:
            after = after.behind(fresh.passed)
        moved = fresh.works or fresh.unreadable or fresh.passed or cursor is None
        return ChangePage(
            records=tuple(records), unreadable=tuple(unreadable), cursor=after.text() if moved else str(cursor)
        )

    async def _matching(self, call: Call, query: OrderQuery) -> list[SapPmWork]:
        """The notifications that match, with their orders."""
        wanted = []
        if query.key is not None:
            wanted.append(f"{REFERENCE} eq {text_literal(query.key.upper())}")
        if query.since is not None:
            wanted.append(f"{NOTIFIED_AT} ge {moment_literal(query.since)}")
        if query.asset_external_id is not None:
            wanted += mapping.about_asset(query.asset_external_id, query.asset_attributes, self._settings)
        rows = await self._all(call, SapPmNotification, wanted)
        if query.key is not None:
            for row in rows:
                check_key(call, row, query.key)
        return await self._with_orders(call, rows)

    async def _orders_alone(self, call: Call, query: OrderQuery) -> list[SapPmOrder]:
        """The orders that people made without a notification."""
        wanted = [ALONE]
        if query.asset_external_id is not None:
            wanted += mapping.about_asset(query.asset_external_id, query.asset_attributes, self._settings)
        if query.since is not None:
            wanted.append(f"{ORDERED_AT} ge {moment_literal(query.since)}")
        return await self._all(call, SapPmOrder, wanted)

    async def _all(self, call: Call, model: type[RowT], wanted: list[str]) -> list[RowT]:
        rows, unreadable = await all_of(self._client, call, model, " and ".join(wanted), self._settings)
        self._refuse_unreadable(call, unreadable)
        return rows

    def _refuse_unreadable(self, call: Call, unreadable: list[SapPmUnreadableRow]) -> None:
        """A record that cannot be read may be the one that is looked for."""
        for row in unreadable:
            raise self._client.unreadable(call, row.report)

    async def _with_orders(self, call: Call, rows: list[SapPmNotification]) -> list[SapPmWork]:
        works, broken = await works_of(self._client, call, self._settings, rows)
        self._refuse_unreadable(call, broken)
        return works

    async def _find(self, call: Call, key: str) -> SapPmWork | None:
        works = await self._matching(call, OrderQuery(key=key))
        if len(works) > 1:
            numbers = ", ".join(sorted(work.notification.number for work in works))
            raise call.error(
                ActionRequired,
                f"more than one notification has this key: {numbers}; keep one and clear {REFERENCE} on the others",
                field=REFERENCE,
            )
        return next(iter(works), None)

    async def _create(self, call: Call, draft: WorkOrderDraft) -> SapPmWork:
        await self._client.create(call, SapPmNotification, mapping.notification_body(draft, self._settings))
        work = await self._find(call, draft.key)
        if work is None:
            raise call.error(
                ActionRequired,
                f"the notification was made but cannot be found by {REFERENCE}: this SAP does not keep it",
                field=REFERENCE,
            )
        return work

    async def _release(self, call: Call, work: SapPmWork) -> SapPmWork:
        """Releases the order of a waiting notification; makes it first if there is none. Others stay as they are."""
        if work.status(self._settings)[0] is not WorkOrderStatus.WAITING_APPROVAL:
            return work
        if work.order is None:
            work = await self._make_order(call, work)
        if work.order is None or work.status(self._settings)[0] is not WorkOrderStatus.WAITING_APPROVAL:
            return work
        return await self._carry_out(call, work, work.order, "ReleaseMaintenanceOrder", {})

    async def _make_order(self, call: Call, work: SapPmWork) -> SapPmWork:
        """Makes an order of a notification that has none, and reads both back."""
        row = work.notification
        try:
            body = mapping.order_body(row, self._settings)
        except ValueError as error:
            raise call.error(ActionRequired, str(error), field=_OBJECT) from None
        if self._untouched(work) and not texts.has_state(row):
            # SAP changes the notification when an order is made of it. What it was like is kept in its text.
            work = await self._write_state(call, work)
            if work.order is not None:
                return work
        await self._client.create(call, SapPmOrder, body)
        now = await self._read_again(call, row)
        if now.order is None:
            raise call.error(
                ActionRequired,
                f"the order was made but does not name notification {row.number}: this SAP does not keep it",
                field="MaintenanceNotification",
            )
        return now

    async def _write_state(self, call: Call, work: SapPmWork) -> SapPmWork:
        """Keeps in the text of an untouched notification what it is like. Without that it is unknown later."""
        text = texts.with_state(work.notification)
        written = await self._write_text(call, work.notification, text) if text else work
        return written or await self._read_again(call, work.notification)

    async def _cancel(self, call: Call, work: SapPmWork) -> SapPmWork:
        """Completes a notification that has no order, or cancels its order."""
        if work.order is None:
            params = {"MaintNotifReferenceDateTime": moment_literal(self._clock.now())}
            return await self._carry_out(call, work, work.notification, "CompleteMaintNotification", params)
        function, asked = _CANCELLING[self._settings.cancel_order_by]
        after = await self._carry_out(call, work, work.order, function, asked)
        if after.status(self._settings)[0] in _OPEN:
            raise call.error(
                ActionRequired,
                f"it accepted {function}, and order {work.order.number} has the status {mapping.vendor_status(after)}; "
                "add the word for it to not_executed_statuses",
                field="not_executed_statuses",
            )
        return after

    async def _carry_out(
        self, call: Call, work: SapPmWork, row: SapPmNotification | SapPmOrder, function: str, params: Mapping[str, str]
    ) -> SapPmWork:
        """Carries out a function and reads back; somebody else's act in the same moment counts as well."""
        before = work.status(self._settings)
        try:
            done = await self._client.act(call, row, function, params)
        except (ActionRequired, Refused):
            now = await self._read_again(call, work.notification)
            if now.status(self._settings) == before:
                raise
            return now
        now = await self._read_again(call, work.notification)
        if not done and now.status(self._settings) == before:
            raise call.error(Unavailable, "the record changed while we worked on it")
        return now

    async def _write_note(self, call: Call, work: SapPmWork, ref: WorkOrderRef, note_key: str, note: str) -> SapPmWork:
        """Writes a note, once; the notification with it."""
        for _ in range(_TRIES):
            row = work.notification
            if texts.has_note(row, note_key):
                return work
            text = texts.with_note(row, note_key, note, proved=self._untouched(work))
            if text is None:
                raise call.error(
                    ActionRequired,
                    f"the long text of notification {row.number} has no room for a note: shorten it",
                    field=LONG_TEXT,
                )
            written = await self._write_text(call, row, text)
            if written is not None:
                return written
            again = await self._read(call, ref)
            if again is None:
                break
            work = again
        raise call.error(Unavailable, "somebody else is changing the notification")

    async def _write_text(self, call: Call, row: SapPmNotification, text: str) -> SapPmWork | None:
        """Writes a long text, and reads back; None if somebody has changed the notification meanwhile."""
        return await self._read_again(call, row) if await self._client.change(call, row, {LONG_TEXT: text}) else None

    async def _read_again(self, call: Call, row: SapPmNotification) -> SapPmWork:
        """A notification that was there a moment ago."""
        now = await self._client.read(call, SapPmNotification, row.number)
        if now is None:
            raise call.error(Unavailable, "the notification went away meanwhile")
        return (await self._with_orders(call, [now]))[0]

    async def _read(self, call: Call, ref: WorkOrderRef) -> SapPmWork | None:
        """The notification of a reference with its order; None where it is gone, even if another one has the key.

        Raises:
            ActionRequired: it has another key, or the reference is that of an order without a notification.
        """
        if not ref.id:
            return await self._find(call, ref.key)
        if not ref.key and ref.kind is RecordKind.ORDER:
            words = f"order {ref.id} has no notification: what was found is on a notification"
            raise call.error(ActionRequired, words, field="MaintenanceNotification")
        row = await self._client.read(call, SapPmNotification, ref.id)
        if row is None:
            # A service that is not active answers 404 as well. A search for the number tells which it is.
            rows = await self._all(call, SapPmNotification, [f"MaintenanceNotification eq {text_literal(ref.id)}"])
            row = next((row for row in rows if row.number == ref.id), None)
        if row is None:
            return None
        check_place(call, row, ref)
        return (await self._with_orders(call, [row]))[0]

    def _untouched(self, work: SapPmWork) -> bool:
        return mapping.touched_by_others(work, self._settings) is Touched.NO

    def _record(self, call: Call, work: SapPmWork, key: str | None = None) -> WorkOrderRecord:
        """The work as ours; `key` is the case's where a person has taken it off, and empty where the work is a
        person's."""
        try:
            return mapping.record_of(work, self._system, self._settings, key)
        except mapping.UNMAPPABLE as error:
            found = mapping.unreadable_record(work.notification, self._system, error)
            raise self._client.unreadable(call, found) from None
