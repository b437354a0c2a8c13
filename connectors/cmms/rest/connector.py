"""The port `Cmms` over a description: look up, create, read back."""

from collections.abc import Mapping
from datetime import datetime

import httpx

from connectors.call import Call
from connectors.cmms.rest import mapping, texts
from connectors.cmms.rest.changes import RestCursor, unseen
from connectors.cmms.rest.client import RestClient
from connectors.cmms.rest.description import RestNote
from connectors.cmms.rest.expressions import RestExpressionFailed, cel_value, moment_text
from connectors.cmms.rest.mapping import RestRow
from connectors.cmms.rest.reading import RestReading, all_records, needed
from connectors.cmms.rest.settings import RestSettings
from connectors.previewing import previewed
from domain.clock import Clock
from domain.cmms import CmmsCapabilities, OrderQuery, PreviewedRecord
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.open_work import OpenWork, OpenWorkQuery
from domain.unreadable import UnreadableRecord
from domain.work_orders import (
    ChangePage,
    Escalation,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)


class RestCmms:
    """The port `Cmms` over one system that a description describes; see `domain.ports.Cmms` for what each method
    promises.

    Args:
        settings: the site's, with a complete description.
        http: by what requests are made.
        system: the id of this instance.
        clock: by which a deleted order is stamped.
    """

    def __init__(self, settings: RestSettings, http: httpx.AsyncClient, system: str, clock: Clock) -> None:
        self._settings = settings
        self._description = settings.description.description
        self._system = system
        self._clock = clock
        self._client = RestClient(settings, http)
        self._reading = RestReading(self._client, settings, system, clock)

    async def check(self) -> str:
        call = Call(self._system, "check")
        user = await self._client.asked_user(call)
        host = httpx.URL(self._settings.url).host
        return f"{self._description.title} at {host} answers; signed in as {user}"

    @property
    def capabilities(self) -> CmmsCapabilities:
        return mapping.capabilities(self._description, self._settings.failure_modes)

    async def find_work_orders(self, query: OrderQuery) -> tuple[WorkOrderRecord, ...]:
        call = Call(self._system, "find-work-orders", query.key)
        if query.key is not None:
            rows = await self._reading.with_key(call, query.key)
        else:
            rows = await self._of_asset(call, query)
        found = await all_records(
            self._reading, call, [row for row in rows if query.since is None or row.created_at >= query.since]
        )
        wanted = query.asset_external_id if self._tells_assets else None
        return tuple(
            record
            for record in found
            if (wanted is None or record.asset_external_id == wanted)
            and not (query.open_only and record.status.finished)
        )

    async def find_open_work(self, query: OpenWorkQuery) -> OpenWork:
        call = Call(self._system, "find-open-work")
        name, attributes = query.asset_external_id, query.asset_attributes
        return await self._reading.open_work(call, await self._wanted(call, name, attributes, query.since))

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        call = Call(self._system, "create-work-order", draft.key)
        row = await self._find(call, draft.key)
        if row is not None:
            return await self._opened(call, draft, row)
        reply = await self._post(call, draft)
        row = await self._find(call, draft.key)
        if row is None:
            return await self._not_shown(call, draft, reply)
        locator = await self._locator(call, reply)
        if locator is not None and row.locator != locator:
            raise call.error(
                ActionRequired,
                f"the order {locator} was created, and the search for its key finds {row.locator}",
                field="key",
            )
        return await self._opened(call, draft, row)

    async def preview_order(self, draft: WorkOrderDraft) -> tuple[PreviewedRecord, ...]:
        call = Call(self._system, "preview-order", draft.key)
        request = needed(self._description.create).request
        kind, body = self._client.previewed(call, request, await self._values(call, draft))
        status = "as the system begins it" + (", then released" if draft.released and self._description.release else "")
        return (previewed(kind, body, status, {}),)

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        call = Call(self._system, "read-work-order", ref.key)
        return await self._now(call, ref)

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        call = Call(self._system, "release-work-order", ref.key)
        row = await self._reading.current(call, ref)
        if row is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        record = await self._reading.record(call, row, ref.key)
        if record.status is not WorkOrderStatus.WAITING_APPROVAL:
            return record
        return await self._released(call, row, ref, memo)

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        """Not if somebody changed the order since it was judged."""
        call = Call(self._system, "withdraw-work-order", ref.key)
        row = await self._reading.current(call, ref)
        if row is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        record = await self._reading.record(call, row, ref.key)
        withdraw = self._description.withdraw
        open_ones = (WorkOrderStatus.WAITING_APPROVAL, WorkOrderStatus.APPROVED)
        if withdraw is None or record.status not in open_ones or record.touched is not Touched.NO:
            return record
        if await self._reading.unchanged(call, row):
            await self._client.send(call, withdraw, _act(row, memo))
        return await self._now(call, record.ref)

    async def escalate_work_order(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        """The due date stays: a description does not say where an order has it."""
        call = Call(self._system, "escalate-work-order", ref.key)
        row = await self._reading.current(call, ref)
        priority = None if row is None else self._raised(call, row, escalation)
        if row is not None and priority is not None:
            given = {"order.locator": row.locator, "row": row.content, "priority": cel_value(priority)}
            await self._client.send(call, needed(self._description.escalate), given)
            row = await self._reading.current(call, ref)
            if row is not None and self._raised(call, row, escalation) is not None:
                words = f"{ref.id} was changed, and has its old priority"
                raise call.error(ActionRequired, words, field="escalate")
        return await self._record_or_gone(call, row, ref)

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        """A note is looked for before and after. If several steps added it at once, all but the first are removed."""
        call = Call(self._system, "add-note", ref.key)
        row = await self._reading.current(call, ref)
        if row is None:
            raise call.error(ActionRequired, f"{ref.id} is gone", field="id")
        note = needed(self._description.note)
        if not await self._notes(call, row, note, note_key):
            line = texts.note_line(note_key, text, self._description.limits)
            await self._client.send(call, note.add, {**_act(row, ""), "note": cel_value(line)})
        found = await self._notes(call, row, note, note_key)
        if not found:
            raise call.error(
                Refused,
                f"a note was added to {row.id}, and the list of notes does not show it with our mark at its head, so "
                "it is not added again; correct `beside` or `note.text` of the description, then retry the case",
            )
        for words, content in found[1:]:
            # A person may have quoted our mark in words of their own.
            if words == found[0][0]:
                given = {"row": content, "order.locator": row.locator}
                await self._client.send(call, note.remove, given, also=(404,))

    async def changed_since(self, cursor: str | None) -> ChangePage:
        call = Call(self._system, "changed-since")
        mark = RestCursor.of(call, cursor)
        fresh = await unseen(
            self._client,
            call,
            needed(self._description.changes),
            mark,
            self._settings.overlap,
            self._reading.rows,
        )
        records: list[WorkOrderRecord] = []
        unreadable = [row.report for row in fresh.unreadable]
        for row in fresh.rows:
            read = await self._reading.record_or_report(call, row)
            match read:
                case WorkOrderRecord():
                    records.append(read)
                case UnreadableRecord():
                    unreadable.append(read)
                case ConnectorError():
                    unreadable.append(self._reading.rows.report(row.content, row.id, None, read.problem))
        after = mark.advanced(fresh.rows, fresh.unreadable, self._settings.overlap)
        moved = fresh.rows or fresh.unreadable or cursor is None
        return ChangePage(
            records=tuple(records), unreadable=tuple(unreadable), cursor=after.text() if moved else str(cursor)
        )

    @property
    def _tells_assets(self) -> bool:
        """Whether an order there tells its asset."""
        return needed(self._description.order).asset is not None

    async def _of_asset(self, call: Call, query: OrderQuery) -> list[RestRow]:
        name = query.asset_external_id
        if name is None:
            raise call.error(ActionRequired, "orders are looked for by key or by asset", field="asset")
        given = await self._wanted(call, name, query.asset_attributes, query.since)
        return await self._reading.search(call, needed(self._description.find_by_asset), given)

    async def _wanted(
        self, call: Call, name: str, attributes: Mapping[str, str], since: datetime | None
    ) -> dict[str, object]:
        """What the request for the orders of an asset sees."""
        return {
            "wanted.asset": name,
            "wanted.attributes": dict(attributes),
            "wanted.since": moment_text(since, self._settings.zone),
            "asset": await self._reading.asset(call, name, attributes),
        }

    async def _find(self, call: Call, key: str) -> RestRow | None:
        rows = await self._reading.with_key(call, key)
        if len(rows) > 1:
            numbers = ", ".join(row.id for row in rows)
            raise call.error(
                ActionRequired,
                f"more than one order carries this key: {numbers}; keep one, and take the key off the others",
                field="key",
            )
        return next(iter(rows), None)

    async def _post(self, call: Call, draft: WorkOrderDraft) -> httpx.Response:
        values = await self._values(call, draft)
        return await self._client.send(call, needed(self._description.create).request, values)

    async def _values(self, call: Call, draft: WorkOrderDraft) -> dict[str, object]:
        """What the expressions of the creating request see."""
        values = mapping.draft_values(draft, self._description, self._settings.zone)
        values["asset"] = await self._reading.asset(call, draft.asset_external_id, draft.asset_attributes)
        return values

    async def _opened(self, call: Call, draft: WorkOrderDraft, row: RestRow) -> WorkOrderRecord:
        """The order of a draft, released if the draft is."""
        record = await self._reading.record(call, row, draft.key)
        if self._tells_assets and record.asset_external_id != draft.asset_external_id:
            raise call.error(
                ActionRequired,
                f"{record.ref.id} carries this key but is for the asset {record.asset_external_id}, not "
                f"{draft.asset_external_id}",
                field="asset",
            )
        if draft.released and record.status is WorkOrderStatus.WAITING_APPROVAL:
            return await self._released(call, row, record.ref, "")
        return record

    async def _not_shown(self, call: Call, draft: WorkOrderDraft, reply: httpx.Response) -> WorkOrderRecord:
        """The order that was created and that the search does not show.

        Raises:
            Refused: it cannot be read. After any other error the call is made again, and creates another order.
        """
        named = "an order"
        try:
            locator = await self._locator(call, reply)
            named = named if locator is None else f"the order {locator}"
            row = await self._made(call, draft.key, locator)
            return await self._opened(call, draft, row)
        except ConnectorError as error:
            raise call.error(
                Refused,
                f"{named} was created, and the search for its key does not show it, so it is not created again "
                f"({error.problem}); have the search show the order, then retry the case",
            ) from None

    async def _made(self, call: Call, key: str, locator: str | None) -> RestRow:
        if locator is None:
            raise call.error(Refused, "the answer to its creation does not say which one")
        row = await self._reading.at(call, locator)
        if row is None:
            raise call.error(Refused, "it is gone")
        if row.keys != (key,):
            raise call.error(Refused, "it does not have this key")
        return row

    async def _locator(self, call: Call, reply: httpx.Response) -> str | None:
        source = needed(self._description.create).locator
        if source is None:
            return None
        body = await self._client.body(call, reply)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        try:
            return source.name_of(self._client.known({"body": body, "headers": headers}))
        except RestExpressionFailed as error:
            raise self._client.failed(call, error) from None

    async def _released(self, call: Call, row: RestRow, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        if self._description.release is not None and await self._reading.unchanged(call, row):
            await self._client.send(call, self._description.release, _act(row, memo))
        record = await self._now(call, ref)
        if record.status is WorkOrderStatus.WAITING_APPROVAL:
            raise call.error(Unavailable, "the order was changed meanwhile, or does not show yet that it was released")
        return record

    async def _now(self, call: Call, ref: WorkOrderRef) -> WorkOrderRecord:
        return await self._record_or_gone(call, await self._reading.current(call, ref), ref)

    async def _record_or_gone(self, call: Call, row: RestRow | None, ref: WorkOrderRef) -> WorkOrderRecord:
        if row is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        return await self._reading.record(call, row, ref.key)

    def _raised(self, call: Call, row: RestRow, escalation: Escalation) -> str | None:
        """The priority that an escalation gives to an order; None if it is to keep its own."""
        order = needed(self._description.order)
        try:
            return mapping.raised(row, escalation, self._description, order, self._client.known({}))
        except RestExpressionFailed as error:
            raise self._client.failed(call, error, row.id) from None

    async def _notes(self, call: Call, row: RestRow, note: RestNote, note_key: str) -> list[tuple[str, object]]:
        """The notes on an order with this key, each with its row."""
        listing = self._description.beside[note.among]
        found = []
        for content in await self._client.rows(call, listing, {"row": row.content, "order.locator": row.locator}):
            try:
                words = note.text.text_of(self._client.known({"row": content}))
            except RestExpressionFailed as error:
                raise self._client.failed(call, error, row.id) from None
            if words is not None and texts.is_note(words, note_key):
                found.append((words, content))
        return found


def _act(row: RestRow, memo: str) -> dict[str, object]:
    return {"order.locator": row.locator, "row": row.content, "memo": cel_value(memo)}
