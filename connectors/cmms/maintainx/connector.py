"""The port `Cmms` over MaintainX: look up, create, read back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import httpx

from connectors.call import Call
from connectors.cmms.maintainx import mapping, texts
from connectors.cmms.maintainx.changes import MaintainXCursor, unseen
from connectors.cmms.maintainx.client import MaintainXClient
from connectors.cmms.maintainx.completed_work import MaintainXWork
from connectors.cmms.maintainx.keys import check_key, proved_rows
from connectors.cmms.maintainx.models import MaintainXListed, MaintainXOrder
from connectors.cmms.maintainx.rows import MaintainXOrderReading
from connectors.cmms.maintainx.settings import MaintainXSettings
from connectors.completed_work import WorkOfAssets
from connectors.text import moment_text
from domain.clock import Clock
from domain.cmms import CmmsCapabilities, OrderQuery, PreviewedRecord
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.maintenance_history import CmmsAsset
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

_FUTURE: Final = timedelta(days=1)
"""How far the clocks of MaintainX and the plant may differ."""
_EARLIER: Final = timedelta(hours=1)
"""How much earlier than its report an order may seem to be created, by the clock of MaintainX."""
_WITHDRAWN: Final = "withdrawn"
"""The key of the note that says why an order was withdrawn."""


class MaintainXCmms:
    """The port `Cmms` over one MaintainX; see `domain.ports.Cmms` for what each method promises.

    Args:
        settings: the site's.
        http: by what requests are made.
        system: the id of this instance.
        clock: by which a deleted order is stamped.
    """

    def __init__(self, settings: MaintainXSettings, http: httpx.AsyncClient, system: str, clock: Clock) -> None:
        self._settings = settings
        self._system = system
        self._clock = clock
        self._client = MaintainXClient(settings, http)
        self._work = MaintainXWork(self._client, clock)

    async def check(self) -> str:
        call = Call(self._system, "check")
        await self._client.page(call, {}, limit=1)
        host = httpx.URL(self._settings.url).host
        of = "" if self._settings.organization is None else f" for the organisation {self._settings.organization}"
        return f"MaintainX at {host} answers; it accepts the API key of the settings{of}, and tells no user's name"

    async def check_webhooks(self) -> str:
        """See `domain.webhooks.WebhookSubscriber`."""
        numbers = self._settings.subscriptions
        await self._client.check_subscriptions(Call(self._system, "check-webhooks"), numbers)
        if not numbers:
            return "no webhook subscription is in the settings, so none is looked for"
        return f"all {len(numbers)} webhook subscriptions of the settings are there"

    @property
    def capabilities(self) -> CmmsCapabilities:
        return mapping.capabilities(self._settings)

    async def find_work_orders(self, query: OrderQuery) -> tuple[WorkOrderRecord, ...]:
        call = Call(self._system, "find-work-orders", query.key)
        asset = None if query.asset_external_id is None else mapping.asset_of(call, query.asset_external_id)
        since = query.since
        if since is not None and query.key is not None:
            since -= _EARLIER
        filters: dict[str, str] = {}
        if asset is not None:
            filters["assets"] = str(asset)
        if since is not None:
            filters["createdAt[gte]"] = moment_text(since)
        if query.key is None:
            rows = await self._matching(call, filters)
        else:
            rows = await self._with_key(call, query.key, filters if len(filters) > 1 else None)
            rows = [row for row in rows if asset in (None, row.assetId) and (since is None or row.createdAt >= since)]
        rows.sort(key=lambda row: (row.createdAt, row.id))
        records = [self._record(call, row) for row in rows]
        return tuple(record for record in records if not (query.open_only and record.status.finished))

    async def find_open_work(self, query: OpenWorkQuery) -> OpenWork:
        """The orders that were changed last: the contract has no order by the time of creation."""
        call = Call(self._system, "find-open-work")
        filters = {
            "assets": str(mapping.asset_of(call, query.asset_external_id)),
            "createdAt[gte]": moment_text(query.since),
            "statuses": mapping.OPEN_STATUSES,
            "sort": "-updatedAt",
            # The next date of a repeating plan is no open work yet.
            "show_upcoming": "false",
        }
        page = await self._client.page(call, filters, limit=self._settings.page_size)
        rows = self._reading.listed(page.workOrders)
        listed = [row for row in rows if isinstance(row, MaintainXListed)]
        orders = [mapping.open_order(row, self._system, self._settings) for row in listed]
        is_open = [order for order in orders if not order.status.finished]
        is_open.sort(key=lambda order: order.reported_at or query.since, reverse=True)
        return OpenWork(
            orders=tuple(is_open),
            unreadable=tuple(row.report.words for row in rows if not isinstance(row, MaintainXListed)),
            complete=page.nextCursor is None,
        )

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        call = Call(self._system, "create-work-order", draft.key)
        asset = mapping.asset_of(call, draft.asset_external_id)
        row = await self._find(call, draft, asset) or await self._create(call, draft, asset)
        if row.assetId != asset:
            raise call.error(
                ActionRequired,
                f"{row.number} carries this key but is for the asset {row.assetId}, not {asset}",
                field="assetId",
            )
        return self._record(call, row)

    async def preview_order(self, draft: WorkOrderDraft) -> tuple[PreviewedRecord, ...]:
        asset = mapping.asset_of(Call(self._system, "preview-order", draft.key), draft.asset_external_id)
        return mapping.preview(mapping.draft_body(draft, asset, self._settings))

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        call = Call(self._system, "read-work-order", ref.key)
        return self._record_or_gone(call, await self._current(call, ref), ref)

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:  # noqa: ARG002  # none waits
        """An order of MaintainX never waits for a release, so it is returned as it is."""
        call = Call(self._system, "release-work-order", ref.key)
        return self._record_or_gone(call, await self._current(call, ref), ref)

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        """The reason is added as a note first: a cancellation takes none, and after it a lost note would never be."""
        call = Call(self._system, "withdraw-work-order", ref.key)
        row = await self._current(call, ref)
        if row is not None and self._is_ours_to_withdraw(call, row):
            row = await self._noted(call, row, _WITHDRAWN, memo)
            if self._is_ours_to_withdraw(call, row):
                await self._client.change_status(call, row.id, mapping.CANCELED)
            row = await self._current(call, ref)
        return self._record_or_gone(call, row, ref)

    async def escalate_work_order(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        call = Call(self._system, "escalate-work-order", ref.key)
        row = await self._current(call, ref)
        changes = mapping.escalated(row, escalation, self._settings) if row else {}
        if row is not None and changes and not mapping.status_of(row).finished:
            await self._client.change(call, row.id, changes)
            row = await self._current(call, ref)
            for field in mapping.escalated(row, escalation, self._settings) if row else ():
                raise call.error(ActionRequired, f"{ref.id} was changed, and has its old value", field=field)
        return self._record_or_gone(call, row, ref)

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        """A line at the end of the description: a comment could not be read back."""
        call = Call(self._system, "add-note", ref.key)
        row = await self._current(call, ref)
        if row is None:
            raise call.error(ActionRequired, f"{ref.id} is gone", field="sequentialId")
        await self._noted(call, row, note_key, text)

    async def changed_since(self, cursor: str | None) -> ChangePage:
        call = Call(self._system, "changed-since")
        overlap, size = self._settings.overlap, self._settings.page_size
        mark = MaintainXCursor.of(call, cursor)
        while True:
            fresh = await unseen(self._client, call, mark, overlap, size, self._reading)
            if not fresh.rows and not fresh.unreadable:
                return ChangePage(records=(), cursor=mark.text())
            mark = mark.advanced(fresh, overlap)
            read = [await self._changed(call, row) for row in {row.id: row for row in fresh.rows}.values()]
            records = [each for each in read if isinstance(each, WorkOrderRecord)]
            odd = [each for each in read if isinstance(each, UnreadableRecord)]
            unreadable = (*(row.report for row in fresh.unreadable), *odd)
            # A page with nothing of ours would end the poll.
            if records or unreadable:
                records.sort(key=lambda record: record.changed_at)
                return ChangePage(records=tuple(records), unreadable=unreadable, cursor=mark.text())

    async def completed_work(self, assets: Sequence[CmmsAsset], since: datetime) -> WorkOfAssets:
        return await self._work.told(Call(self._system, "completed-work"), assets, since)

    @property
    def _reading(self) -> MaintainXOrderReading:
        """How the orders of an answer are read now."""
        return MaintainXOrderReading(self._system, self._clock.now() + _FUTURE, self._client.without_secrets)

    async def _find(
        self, call: Call, draft: WorkOrderDraft, asset: int, read: MaintainXOrder | None = None
    ) -> MaintainXOrder | None:
        """The order with the key of a draft. An order that this call has `read` is not read again.

        Raises:
            ActionRequired: more than one has it.
        """
        since = moment_text(draft.reported_at - _EARLIER)
        rows = await self._with_key(call, draft.key, {"assets": str(asset), "createdAt[gte]": since}, read)
        if len(rows) > 1:
            numbers = ", ".join(row.number for row in rows)
            raise call.error(
                ActionRequired,
                f"more than one order carries this key: {numbers}; keep one, and delete the others",
                field="externalData",
            )
        return next(iter(rows), None)

    async def _create(self, call: Call, draft: WorkOrderDraft, asset: int) -> MaintainXOrder:
        """The new order, read by its id: a list may show it later. The list is asked once more for others of its key.

        Raises:
            Refused: it cannot be read, or has our key nowhere. If a search does not find it either, each further
                attempt would create another one, so there is none by itself.
            ActionRequired: it has our key in its title only, by which the next attempt finds it; or more than one
                order has the key.
        """
        number = await self._client.create(call, mapping.draft_body(draft, asset, self._settings))
        content = await self._client.order(call, number)
        if content is None:
            raise self._lost(call, number, "our user may not see it")
        if isinstance(content, ConnectorError):
            raise self._lost(call, number, content.problem)
        row = self._reading.order(content)
        if isinstance(row, UnreadableRecord):
            raise self._lost(call, number, row.words)
        if draft.key not in mapping.keys_on(row).values():
            raise self._lost(call, number, "neither its title nor its external data has our key")
        if mapping.key_in_data(row) != draft.key:
            raise call.error(
                ActionRequired,
                f"order {number} was created, and its external data does not have our key",
                field="externalData",
            )
        await self._find(call, draft, asset, row)
        return row

    def _lost(self, call: Call, number: int, problem: str) -> Refused:
        """An order that was created and may not be found again."""
        return call.error(
            Refused,
            f"order {number} was created, and {problem}: correct that or delete the order, then run `millwright case "
            f"retry {call.key}`",
        )

    async def _with_key(
        self, call: Call, key: str, among: Mapping[str, str] | None = None, read: MaintainXOrder | None = None
    ) -> list[MaintainXOrder]:
        """The orders that are proved to have a key.

        They are looked for by the key in their title. A person may have taken it off there, so they are looked for
        among others too.

        Args:
            among: the filters of those others; None looks at no others.

        Raises:
            ActionRequired: one has the key in one field and not in the other, or another key there.
        """
        found = await self._matching(call, {"title": key}, read)
        proved = proved_rows(call, key, found)
        if not proved and among is not None:
            found = await self._matching(call, among, read)
            proved = proved_rows(call, key, found)
        return proved

    async def _matching(
        self, call: Call, filters: Mapping[str, str], read: MaintainXOrder | None = None
    ) -> list[MaintainXOrder]:
        """Every order that matches, each read by its id, but for `read`: a list has neither its key nor its asset.

        Raises:
            ActionRequired: one cannot be read. It may be the one that is looked for.
        """
        numbers: dict[int, None] = {}
        cursor: str | None = None
        cursors: set[str] = set()
        while True:
            page = await self._client.page(call, filters, cursor=cursor)
            for row in self._reading.listed(page.workOrders):
                if not isinstance(row, MaintainXListed):
                    raise self._client.unreadable(call, row.report)
                numbers[row.id] = None
            cursor = page.nextCursor
            if cursor is None:
                break
            if cursor in cursors:
                raise call.error(Refused, "its list of work orders does not end: it gives one cursor twice")
            cursors.add(cursor)
        known = {} if read is None else {read.id: read}
        found = [known.get(number) or await self._by_id(call, number) for number in numbers]
        return [row for row in found if row is not None]

    async def _by_id(self, call: Call, number: int) -> MaintainXOrder | None:
        """An order by its id; None if it is gone.

        Raises:
            ActionRequired: it cannot be read.
        """
        content = await self._client.order(call, number)
        if content is None:
            return None
        if isinstance(content, ConnectorError):
            raise content
        read = self._reading.order(content)
        if isinstance(read, UnreadableRecord):
            raise self._client.unreadable(call, read)
        return read

    async def _current(self, call: Call, ref: WorkOrderRef) -> MaintainXOrder | None:
        """The order of a reference as it is now; None if it is gone.

        Raises:
            ActionRequired: it has another key, or nothing proves that it is gone.
        """
        organization, number = mapping.order_at(ref.locator or "")
        if number is None:
            raise call.error(ActionRequired, f"the reference {ref.id} names no order of MaintainX", field="id")
        row = await self._by_id(call, number)
        if row is None:
            await self._client.check_gone(call, ref.id, organization)
        else:
            check_key(call, row, ref.key)
        return row

    async def _changed(self, call: Call, row: MaintainXListed) -> WorkOrderRecord | UnreadableRecord | None:
        """An order of a poll; None if it is none of ours, or gone by now."""
        content = await self._client.order(call, row.id)
        if content is None:
            return None
        if isinstance(content, ConnectorError):
            return self._reading.report(row.model_dump(mode="json"), row.number, None, content.problem)
        read = self._reading.order(content)
        if isinstance(read, UnreadableRecord):
            return read
        keys = mapping.keys_on(read)
        if not keys:
            return None
        if "externalData" not in keys:
            reason = f"has no key of ours, and the title has {keys['title']}: it is a copy, or the data was overwritten"
            return self._reading.report(content, read.number, "externalData", reason)
        if len(set(keys.values())) > 1:
            reason = f"has the key {keys['title']}, and the external data has {keys['externalData']}"
            return self._reading.report(content, read.number, "title", reason)
        try:
            return mapping.record_of(read, self._system, self._settings)
        except mapping.UNMAPPABLE as error:
            return self._reading.report(content, read.number, *mapping.field_and_problem(error))

    async def _noted(self, call: Call, row: MaintainXOrder, note_key: str, text: str) -> MaintainXOrder:
        """An order with a note, read back."""
        if texts.has_note(row.description, note_key):
            return row
        if "description" not in row.model_fields_set:
            raise call.error(
                ActionRequired,
                f"it does not show the description of {row.number}, so a note would overwrite it",
                field="description",
            )
        longer = texts.with_note(row.description, texts.note_line(note_key, text))
        await self._client.change(call, row.id, {"description": longer})
        after = await self._by_id(call, row.id)
        if after is None or not texts.has_note(after.description, note_key):
            raise call.error(Unavailable, f"the description of {row.number} was changed by others at the same moment")
        return after

    def _is_ours_to_withdraw(self, call: Call, row: MaintainXOrder) -> bool:
        """Whether nobody has begun or changed an order."""
        record = self._record(call, row)
        return record.status is WorkOrderStatus.APPROVED and record.touched is Touched.NO

    def _record_or_gone(self, call: Call, row: MaintainXOrder | None, ref: WorkOrderRef) -> WorkOrderRecord:
        return WorkOrderRecord.gone(ref, self._clock.now()) if row is None else self._record(call, row, ref)

    def _record(self, call: Call, row: MaintainXOrder, ref: WorkOrderRef | None = None) -> WorkOrderRecord:
        """An order as ours.

        Raises:
            ActionRequired: it has values that no record can have.
        """
        try:
            return mapping.record_of(row, self._system, self._settings, ref)
        except mapping.UNMAPPABLE as error:
            content = row.model_dump(mode="json")
            report = self._reading.report(content, row.number, *mapping.field_and_problem(error))
            raise self._client.unreadable(call, report) from None
