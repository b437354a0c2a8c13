"""IBM Maximo Manage as a CMMS."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import httpx

from connectors.call import Call
from connectors.cmms.maximo import mapping
from connectors.cmms.maximo.changes import first_unseen
from connectors.cmms.maximo.client import MaximoClient
from connectors.cmms.maximo.completed_work import completed_work
from connectors.cmms.maximo.cursor import Cursor
from connectors.cmms.maximo.escalating import changes_of, note_of_others
from connectors.cmms.maximo.models import DowntimeRow, ObjectSchema, WorkOrderRow
from connectors.cmms.maximo.rows import OrderPage
from connectors.cmms.maximo.schema import differences
from connectors.cmms.maximo.settings import MaximoSettings
from connectors.text import one_line
from domain.clock import Clock
from domain.cmms import CmmsCapabilities, ListedAssets, OrderQuery, PreviewedRecord
from domain.completed_work import ToldWork
from domain.errors import ActionRequired, Refused, Unavailable
from domain.maintenance_history import CmmsAsset
from domain.open_work import OpenWork, OpenWorkQuery
from domain.work_orders import (
    ChangePage,
    Escalation,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)

logger = logging.getLogger(__name__)

_OPTIONAL_FIELDS: Final = ("changeby", "reportdate", "targcompdate")


class MaximoCmms:
    """The port `Cmms` over one Maximo; see `domain.ports.Cmms` for what each method promises.

    Args:
        settings: the site's.
        http: by what requests are made.
        system: the id of this instance.
        clock: by which a deleted order is stamped.
    """

    def __init__(self, settings: MaximoSettings, http: httpx.AsyncClient, system: str, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._system = system
        self._client = MaximoClient(settings, http, clock)
        self._schema: ObjectSchema | None = None
        self._schema_read = False
        self._schema_lock = asyncio.Lock()

    async def check(self) -> str:
        count = await self._client.count_orders(Call(self._system, "check"))
        host = httpx.URL(self._settings.url).host
        return f"IBM Maximo at {host} answers; signed in with the key of {self._settings.user}; {count} orders of ours"

    @property
    def capabilities(self) -> CmmsCapabilities:
        return mapping.capabilities(self._settings)

    async def find_work_orders(self, query: OrderQuery) -> tuple[WorkOrderRecord, ...]:
        call = Call(self._system, "find-work-orders", query.key)
        schema = await self._site_schema(call)
        wanted = mapping.attributes_of(query, schema, self._settings)
        page = await self._client.orders_with(call, wanted, await self._fields(call), query.since)
        rows = self._readable(call, page)
        if page.next_page:
            raise call.error(ActionRequired, f"more than {len(rows)} orders match; narrow the search by asset and time")
        if query.key is not None:
            for row in rows.values():
                self._check_key(call, row, query.key, schema)
        found = [
            await self._record(call, row)
            for row in sorted(rows.values(), key=lambda row: mapping.reported_at(row, self._settings.zone))
        ]
        return tuple(record for record in found if not (query.open_only and record.status.finished))

    async def find_open_work(self, query: OpenWorkQuery) -> OpenWork:
        call = Call(self._system, "find-open-work")
        wanted = mapping.asset_attributes_of(query.asset_external_id, query.asset_attributes, self._settings)
        found, complete = await self._client.open_orders(
            call, wanted, await self._fields(call), query.since, mapping.FINISHED
        )
        rows = {(row.siteid, row.wonum): row for row in found.rows if not mapping.status_of(row).finished}
        orders = tuple(mapping.open_order(row, self._system, self._settings.zone) for row in rows.values())
        return OpenWork(orders=orders, unreadable=found.unreadable, complete=complete)

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        call = Call(self._system, "create-work-order", draft.key)
        site = self._site(call, draft)
        row = await self._find(call, draft.key) or await self._create(call, draft, site)
        self._check_asset(call, row, draft, site)
        if draft.released and mapping.status_of(row) is WorkOrderStatus.WAITING_APPROVAL:
            row = await self._move_on(call, row, self._settings.approved_status, f"Millwright {draft.key}")
        return await self._record(call, row)

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        call = Call(self._system, "read-work-order", ref.key)
        row = await self._read(call, ref)
        return await self._record(call, row, ref.key) if row else WorkOrderRecord.gone(ref, self._clock.now())

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        call = Call(self._system, "release-work-order", ref.key)
        row = await self._read(call, ref)
        if row is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        if mapping.status_of(row) is WorkOrderStatus.WAITING_APPROVAL:
            row = await self._move_on(call, row, self._settings.approved_status, memo)
        return await self._record(call, row, ref.key)

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        call = Call(self._system, "withdraw-work-order", ref.key)
        row = await self._read(call, ref)
        if row is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        begun = mapping.status_of(row) not in (WorkOrderStatus.WAITING_APPROVAL, WorkOrderStatus.APPROVED)
        if not begun and mapping.touched_by_others(row, self._settings.user) is Touched.NO:
            row = await self._move_on(call, row, self._settings.cancelled_status, memo)
        return await self._record(call, row, ref.key)

    async def escalate_work_order(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        call = Call(self._system, "escalate-work-order", ref.key)
        row = await self._read(call, ref)
        if row is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        changes = changes_of(row, escalation, self._settings)
        if changes and not mapping.status_of(row).finished:
            effect = f"{row.siteid}/{row.wonum}/{sorted(changes.items())}"
            body = {**changes, **note_of_others(row, self._settings.user)}
            await self._client.merge(call, self._href(call, row), body, effect)
            row = await self._again(call, self._href(call, row))
            for field in changes_of(row, escalation, self._settings):
                raise call.error(ActionRequired, f"order {row.wonum} was changed, and has its old value", field=field)
        return await self._record(call, row, ref.key)

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        call = Call(self._system, "add-note", ref.key)
        row = await self._read(call, ref)
        if row is None:
            raise call.error(ActionRequired, f"order {ref.id} is gone", field="wonum")
        if mapping.has_note(row, note_key):
            return
        effect = f"{row.siteid}/{row.wonum}/{note_key}"
        await self._client.merge(call, self._href(call, row), mapping.note_body(note_key, text), effect)

    async def changed_since(self, cursor: str | None) -> ChangePage:
        call = Call(self._system, "changed-since")
        mark = Cursor.of(call, cursor)
        fresh = await first_unseen(self._client, call, mark, self._settings, await self._fields(call))
        downtimes = await self._downtimes(call, fresh.rows)
        schema = await self._site_schema(call)
        records: list[WorkOrderRecord] = []
        unreadable = [row.report for row in fresh.unreadable]
        for row in fresh.rows:
            downtime = downtimes.get((row.siteid, row.wonum))
            try:
                records.append(mapping.record_of(row, self._system, self._settings, schema, downtime))
            except mapping.UNMAPPABLE as error:
                unreadable.append(mapping.unreadable_record(row, self._system, error))
        after = mark.advanced(fresh.rows, self._settings.overlap, self._settings.zone, fresh.unreadable)
        moved = fresh.rows or fresh.unreadable or cursor is None
        return ChangePage(
            records=tuple(records), unreadable=tuple(unreadable), cursor=after.text() if moved else str(cursor)
        )

    async def completed_work(
        self, assets: Sequence[CmmsAsset], since: datetime
    ) -> tuple[tuple[ToldWork, ...] | None, ...]:
        return await completed_work(self._client, Call(self._system, "completed-work"), self._settings, assets, since)

    async def preview_order(self, draft: WorkOrderDraft) -> tuple[PreviewedRecord, ...]:
        call = Call(self._system, "preview-order", draft.key)
        body = mapping.order_body(draft, self._site(call, draft), self._settings, await self._site_schema(call))
        return mapping.preview(body, self._settings, released=draft.released)

    async def check_schema(self) -> tuple[str, ...]:
        call = Call(self._system, "check-schema")
        schema, statuses = await self._client.schema(call), await self._client.statuses_of_a_draft(call)
        return tuple(differences(schema, statuses, self._settings))

    async def list_assets(self) -> ListedAssets:
        """The assets of all sites that our user may read."""
        rows, left_out = await self._client.all_assets(Call(self._system, "list-assets"))
        return ListedAssets(mapping.listed_assets(rows), left_out)

    def _readable(self, call: Call, page: OrderPage) -> dict[tuple[str, str], WorkOrderRow]:
        """The orders of a page by site and number.

        Raises:
            ActionRequired: one cannot be read. It may be the one that is looked for.
        """
        for row in page.unreadable:
            raise self._client.unreadable(call, row.report)
        return {(row.siteid, row.wonum): row for row in page.rows}

    async def _find(self, call: Call, key: str) -> WorkOrderRow | None:
        schema = await self._site_schema(call)
        reference = mapping.reference_of(key, schema)
        page = await self._client.orders_with(call, {"externalrefid": reference}, await self._fields(call))
        rows = self._readable(call, page)
        if len(rows) > 1:
            numbers = ", ".join(f"{wonum} ({site})" for site, wonum in sorted(rows))
            raise call.error(
                ActionRequired,
                f"more than one order carries this key: {numbers}; keep one and clear externalrefid on the others",
                field="externalrefid",
            )
        row = next(iter(rows.values()), None)
        if row is not None:
            self._check_key(call, row, key, schema)
        return row

    def _check_key(self, call: Call, row: WorkOrderRow, key: str, schema: ObjectSchema | None) -> None:
        """Refuses an order that was found by the short form of a key and is not the one of this key."""
        if not mapping.proves_key(row, key, schema):
            raise call.error(
                ActionRequired,
                f"order {row.wonum} carries {row.externalrefid} in externalrefid, but not this key in its long "
                "description",
                field="externalrefid",
            )

    def _check_asset(self, call: Call, row: WorkOrderRow, draft: WorkOrderDraft, site: str) -> None:
        """Refuses an order that is for another asset. A number is unique only within its site."""
        for field, found, wanted in (
            ("assetnum", row.assetnum or "", draft.asset_external_id),
            ("siteid", row.siteid, site),
        ):
            if found.upper() != wanted.upper():
                raise call.error(
                    ActionRequired,
                    f"order {row.wonum} carries this key but stands on asset {row.assetnum} of site {row.siteid}, "
                    f"not {draft.asset_external_id} of site {site}",
                    field=field,
                )

    def _site(self, call: Call, draft: WorkOrderDraft) -> str:
        site = draft.asset_attributes.get("siteid") or self._settings.site
        if not site:
            raise call.error(ActionRequired, f"no site is known for asset {draft.asset_external_id}", field="siteid")
        return site

    async def _create(self, call: Call, draft: WorkOrderDraft, site: str) -> WorkOrderRow:
        body = mapping.order_body(draft, site, self._settings, await self._site_schema(call))
        created = await self._client.create(call, body, draft.key)
        row = await self._find(call, draft.key)
        if row:
            return row
        if created:
            raise call.error(
                ActionRequired,
                "the order was made but cannot be found by externalrefid: the site's object structure does not keep it",
                field="externalrefid",
            )
        raise call.error(
            Unavailable,
            "it has taken this order already, but does not show it (yet, or any more)",
            retry_after=self.capabilities.key_lifetime,
        )

    async def _move_on(self, call: Call, row: WorkOrderRow, status: str, memo: str) -> WorkOrderRow:
        """Moves an order on and reads it back; somebody else's move in the same moment counts as well."""
        href = self._href(call, row)
        try:
            await self._client.change_status(call, href, status, one_line(memo, mapping.MEMO_LENGTH))
        except (ActionRequired, Refused):
            now = await self._again(call, href)
            if mapping.status_of(now) is mapping.status_of(row):
                raise
            return now
        return await self._again(call, href)

    async def _again(self, call: Call, href: str) -> WorkOrderRow:
        """An order that was there a moment ago."""
        row = await self._client.order(call, href, await self._fields(call))
        if row is None:
            raise call.error(Unavailable, "the order went away meanwhile")
        return row

    async def _read(self, call: Call, ref: WorkOrderRef) -> WorkOrderRow | None:
        """The order of a reference; None where it is gone.

        One that is not where it was is looked for by its key: it may have been moved to another site. An order of a
        person has no key.

        Raises:
            ActionRequired: another key stands on it.
        """
        row = await self._client.order(call, ref.locator, await self._fields(call)) if ref.locator else None
        if row is None:
            return await self._find(call, ref.key) if ref.key else None
        if not ref.key:
            found = mapping.key_on_a_persons(row)
        else:
            ours = mapping.key_of(row, await self._site_schema(call)) == ref.key
            found = row.externalrefid if row.externalrefid and not ours else None
        if found is not None:
            expected = "not the key of its case" if ref.key else "though it is an order of a person"
            raise call.error(
                ActionRequired,
                f"order {ref.id} carries {found} in externalrefid now, {expected}",
                field="externalrefid",
            )
        return row

    async def _record(self, call: Call, row: WorkOrderRow, key: str | None = None) -> WorkOrderRecord:
        """An order as ours; `key` is the case's where a person has taken it off the order, and empty where the order is
        a person's."""
        downtimes = await self._downtimes(call, (row,))
        schema = await self._site_schema(call)
        downtime = downtimes.get((row.siteid, row.wonum))
        try:
            return mapping.record_of(row, self._system, self._settings, schema, downtime, key)
        except mapping.UNMAPPABLE as error:
            found = mapping.unreadable_record(row, self._system, error)
            raise self._client.unreadable(call, found) from None

    async def _downtimes(self, call: Call, rows: Iterable[WorkOrderRow]) -> dict[tuple[str, str], timedelta]:
        """How long the assets of completed orders were down, by site and order; what may not be read is left out."""
        completed = [row for row in rows if mapping.status_of(row) is WorkOrderStatus.COMPLETED and row.assetnum]
        assets: defaultdict[str, set[str]] = defaultdict(set)
        for row in completed:
            assets[row.siteid].add(row.assetnum or "")
        periods: dict[tuple[str, str], tuple[DowntimeRow, ...]] = {}
        for site, numbers in assets.items():
            try:
                found = await self._client.assets_with_downtime(call, site, numbers)
            except Refused as error:
                logger.warning("downtime is left out of the reports: %s", error)
                continue
            if found is None:
                logger.warning("downtime is left out of the reports: our user may not read the assets of %s", site)
                continue
            periods |= {(site, asset.assetnum): asset.downtimereport for asset in found}
        worked_out = (
            (row, mapping.downtime_of(row, periods.get((row.siteid, row.assetnum or ""), ()), self._settings.zone))
            for row in completed
        )
        return {(row.siteid, row.wonum): downtime for row, downtime in worked_out if downtime is not None}

    async def _site_schema(self, call: Call) -> ObjectSchema | None:
        """The site's schema, read at first use; None where our user may not read it, and stock lengths count."""
        async with self._schema_lock:
            if not self._schema_read:
                self._schema = await self._client.schema(call)
                self._schema_read = True
                if self._schema is None:
                    logger.warning("the schema of work orders may not be read: stock field lengths are used")
            return self._schema

    async def _fields(self, call: Call) -> Collection[str]:
        schema = await self._site_schema(call)
        return tuple(name for name in _OPTIONAL_FIELDS if schema and name in schema.properties)

    def _href(self, call: Call, row: WorkOrderRow) -> str:
        if row.href is None:
            raise call.error(Refused, f"unreadable reply: order {row.wonum} came without its address")
        return row.href
