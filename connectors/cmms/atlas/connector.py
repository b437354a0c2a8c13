"""The port `Cmms` over Atlas: look up, create, read back."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import httpx

from connectors.call import Call
from connectors.cmms.atlas import mapping, texts
from connectors.cmms.atlas.changes import OURS, AtlasCursor, unseen
from connectors.cmms.atlas.client import ORDERS, REQUESTS, AtlasClient, AtlasFilter, at_or_after
from connectors.cmms.atlas.completed_work import completed_work
from connectors.cmms.atlas.escalating import changes_of
from connectors.cmms.atlas.models import AtlasAsset, AtlasOrder, AtlasRequest
from connectors.cmms.atlas.reading import AtlasReading
from connectors.cmms.atlas.rights import missing_rights
from connectors.cmms.atlas.rows import AtlasRecord
from connectors.cmms.atlas.settings import AtlasSettings
from connectors.completed_work import WorkOfAssets
from connectors.text import one_line
from domain.clock import Clock
from domain.cmms import CmmsCapabilities, FoundAsset, ListedAssets, OrderQuery, PreviewedRecord
from domain.errors import ActionRequired, ConnectorError, Unavailable
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

_REASON_LENGTH: Final = 250
_NO_REASON: Final = "Millwright"
"""Atlas demands a reason of a rejection."""


class AtlasCmms:
    """The port `Cmms` over one Atlas; see `domain.ports.Cmms` for what each method promises.

    Args:
        settings: the site's.
        http: by what requests are made.
        system: the id of this instance.
        clock: by which a deleted order is stamped.
    """

    def __init__(self, settings: AtlasSettings, http: httpx.AsyncClient, system: str, clock: Clock) -> None:
        self._settings = settings
        self._system = system
        self._clock = clock
        self._client = AtlasClient(settings, http)
        self._reading = AtlasReading(self._client, settings, system, clock)
        self._creating = asyncio.Lock()
        """Atlas gives one number to records that are created at once, and a new company fails for good."""

    async def check(self) -> str:
        call = Call(self._system, "check")
        account = await self._client.account(call)
        missing = missing_rights(account.role) if account.role is not None else ()
        if missing:
            raise call.error(
                ActionRequired,
                f"{self._settings.email} may not do there: {', '.join(missing)}; give it the role Administrator",
                field="email",
            )
        page = await self._client.search(call, ORDERS, (OURS,), "id")
        host = httpx.URL(self._settings.url).host
        return (
            f"Atlas CMMS at {host} answers; signed in as {self._settings.email} (user {account.id}); "
            f"{page.totalElements if page.totalElements is not None else 'an unknown number of'} orders of ours"
        )

    @property
    def capabilities(self) -> CmmsCapabilities:
        return mapping.capabilities(self._settings)

    async def find_work_orders(self, query: OrderQuery) -> tuple[WorkOrderRecord, ...]:
        call = Call(self._system, "find-work-orders", query.key)
        filters = []
        if query.asset_external_id is not None:
            filters.append(AtlasFilter("asset", "eq", (await self._reading.asset(call, query.asset_external_id)).id))
        if query.since is not None:
            filters.append(at_or_after("createdAt", query.since))
        if query.key is None:
            rows = await self._reading.search(call, filters)
        else:
            rows = await self._reading.with_key(call, query.key, filters)
        found = [await self._reading.record(call, row) for row in rows]
        return tuple(record for record in found if not (query.open_only and record.status.finished))

    async def find_open_work(self, query: OpenWorkQuery) -> OpenWork:
        call = Call(self._system, "find-open-work")
        asset = await self._reading.asset(call, query.asset_external_id)
        found = await self._reading.newest_open(call, asset.id, query.since)
        orders = tuple(mapping.open_order(row, self._system, self._settings) for row in found.rows)
        return OpenWork(orders=orders, unreadable=found.unreadable, complete=found.complete)

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        call = Call(self._system, "create-work-order", draft.key)
        self._reading.forget_asset_names()
        row = await self._find(call, draft.key)
        # Other creations at once forget the names of assets again, so this one keeps what it has read itself.
        names: dict[int, str] = {}
        if row is None:
            asset = await self._asset(call, draft)
            names[asset.id] = self._reading.name_of(asset, draft.asset_external_id)
            row = await self._create(call, draft, asset)
        if draft.released and mapping.status_of(row) is WorkOrderStatus.WAITING_APPROVAL:
            row = await self._approved(call, row)
        record = await self._reading.record(call, row, names=names)
        if record.asset_external_id != draft.asset_external_id:
            raise call.error(
                ActionRequired,
                f"{record.ref.id} carries this key but is for the asset {record.asset_external_id}, not "
                f"{draft.asset_external_id}",
                field="asset",
            )
        return record

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        call = Call(self._system, "read-work-order", ref.key)
        row = await self._reading.current(call, ref)
        return await self._reading.record(call, row, ref) if row else WorkOrderRecord.gone(ref, self._clock.now())

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:  # noqa: ARG002  # Atlas takes none
        call = Call(self._system, "release-work-order", ref.key)
        row = await self._reading.current(call, ref)
        if row is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        if mapping.status_of(row) is WorkOrderStatus.WAITING_APPROVAL:
            row = await self._approved(call, row)
        return await self._reading.record(call, row, ref)

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        """A request is rejected with the memo, an order is archived; not if somebody changed it since it was judged."""
        call = Call(self._system, "withdraw-work-order", ref.key)
        row = await self._reading.current(call, ref)
        if row is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        record = await self._reading.record(call, row, ref)
        open_ones = (WorkOrderStatus.WAITING_APPROVAL, WorkOrderStatus.APPROVED)
        if record.status not in open_ones or record.touched is not Touched.NO:
            return record
        now = await self._reading.unchanged(call, row)
        if now is not None and isinstance(row, AtlasRequest):
            await self._client.cancel(call, row.id, one_line(memo, _REASON_LENGTH) or _NO_REASON)
        elif now is not None:
            await self._client.change(call, ORDERS, row.id, now, {"archived": True})
        after = await self._reading.current(call, record.ref)
        if after is None:
            return WorkOrderRecord.gone(record.ref, self._clock.now())
        return await self._reading.record(call, after, record.ref)

    async def escalate_work_order(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        call = Call(self._system, "escalate-work-order", ref.key)
        row = await self._reading.current(call, ref)
        if row is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        changes = {} if mapping.status_of(row).finished else changes_of(row, escalation, self._settings)
        if changes:
            now = await self._reading.unchanged(call, row)
            if now is None:
                raise call.error(Unavailable, f"{row.number} was changed meanwhile")
            if now.get("createdBy") == await self._client.user(call) != now.get("updatedBy"):
                changes["description"] = self._marked(call, row, now)
            kind = REQUESTS if isinstance(row, AtlasRequest) else ORDERS
            if not await self._client.change(call, kind, row.id, now, changes):
                raise call.error(Unavailable, f"{row.number} was approved meanwhile, and is raised as an order")
            row = await self._reading.current(call, ref)
            for field in changes_of(row, escalation, self._settings) if row else ():
                raise call.error(ActionRequired, f"{ref.id} was changed, and has its old value", field=field)
        return await self._reading.record(call, row, ref) if row else WorkOrderRecord.gone(ref, self._clock.now())

    async def completed_work(self, assets: Sequence[CmmsAsset], since: datetime) -> WorkOfAssets:
        call = Call(self._system, "completed-work")
        return await completed_work(self._client, call, self._settings, assets, since)

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        """A comment on an order. A request, and an order of Atlas 1.3, has the note in its description."""
        call = Call(self._system, "add-note", ref.key)
        row = await self._reading.current(call, ref)
        if row is None:
            raise call.error(ActionRequired, f"{ref.id} is gone", field="customId")
        if texts.has_note(row.description, note_key):
            return
        line = texts.note_line(note_key, text)
        if isinstance(row, AtlasOrder):
            comments = await self._client.comments(call, row.id)
            if isinstance(comments, ConnectorError):
                raise comments
            if comments is not None:
                if not any(texts.has_note(each.content, note_key) for each in comments.rows):
                    await self._client.comment(call, row.id, line)
                return
        await self._note_in_description(call, row, note_key, line)

    async def changed_since(self, cursor: str | None) -> ChangePage:
        call = Call(self._system, "changed-since")
        mark = AtlasCursor.of(call, cursor)
        fresh = await unseen(self._client, call, mark, self._settings.overlap, self._reading.rows)
        records: list[WorkOrderRecord] = []
        unreadable = [row.report for row in fresh.unreadable]
        for row in fresh.rows:
            view = await self._reading.view(call, row)
            if isinstance(view, ConnectorError):
                unreadable.append(mapping.unreadable_record(row, self._system, view))
                continue
            try:
                records.append(mapping.record_of(row, view, self._settings))
            except mapping.UNMAPPABLE as error:
                unreadable.append(mapping.unreadable_record(row, self._system, error))
        after = mark.advanced(fresh.passed, fresh.unreadable, self._settings.overlap)
        moved = fresh.passed or fresh.unreadable or cursor is None
        return ChangePage(
            records=tuple(records), unreadable=tuple(unreadable), cursor=after.text() if moved else str(cursor)
        )

    async def any_asset(self) -> FoundAsset | None:
        """An asset that no other one has the name of, as far as a page of assets shows."""
        call = Call(self._system, "any-asset")
        assets = await self._client.some_assets(call)
        chosen = "asset_field" in self._settings.model_fields_set
        fields = (self._settings.asset_field,) if chosen else mapping.ASSET_FIELDS
        return mapping.asset_to_try(assets, fields, self._settings)

    async def preview_order(self, draft: WorkOrderDraft) -> tuple[PreviewedRecord, ...]:
        asset = await self._asset(Call(self._system, "preview-order", draft.key), draft)
        return mapping.preview(mapping.draft_body(draft, asset, self._settings), released=draft.released)

    async def list_assets(self) -> ListedAssets:
        rows, left_out = await self._client.all_assets(Call(self._system, "list-assets"))
        return ListedAssets(mapping.listed_assets(rows, self._settings), left_out)

    async def _find(self, call: Call, key: str) -> AtlasRecord | None:
        rows = await self._reading.with_key(call, key)
        if len(rows) > 1:
            numbers = ", ".join(row.number for row in rows)
            raise call.error(
                ActionRequired,
                f"more than one record carries this key: {numbers}; keep one, and take the key off the title and the "
                "description of the others",
                field="title",
            )
        return next(iter(rows), None)

    async def _asset(self, call: Call, draft: WorkOrderDraft) -> AtlasAsset:
        """The asset of a draft, which is not archived."""
        asset = await self._reading.asset(call, draft.asset_external_id)
        if asset.archived:
            raise call.error(
                ActionRequired,
                f"the asset {draft.asset_external_id} is archived there; take it out of the archive, or correct its "
                "name with `assets map`",
                field="archived",
            )
        return asset

    async def _create(self, call: Call, draft: WorkOrderDraft, asset: AtlasAsset) -> AtlasRecord:
        body = mapping.draft_body(draft, asset, self._settings)
        async with self._creating:
            await self._client.create(call, ORDERS if draft.released else REQUESTS, body)
        row = await self._find(call, draft.key)
        if row is None:
            raise call.error(
                ActionRequired,
                "the record was made but cannot be found by the key in its title: our user may not see it, or a "
                "workflow there changes titles",
                field="title",
            )
        return row

    async def _approved(self, call: Call, row: AtlasRecord) -> AtlasRecord:
        """A request that waits, approved and read back; somebody else's approval in the same moment counts as well."""
        now = await self._reading.unchanged(call, row)
        user = await self._client.user(call)
        if now is not None and {now.get("createdBy"), now.get("updatedBy")} != {user}:
            # Of the order, we are the only user that Atlas names.
            now = await self._with_touched_line(call, row, now)
        if now is not None:
            await self._client.approve(call, row.id)
        request = await self._reading.by_id(call, REQUESTS, row.id)
        made = request.workOrder if isinstance(request, AtlasRequest) else None
        order = None if made is None else await self._reading.by_id(call, ORDERS, made.id)
        if order is not None:
            return order
        if request is None or mapping.status_of(request) is WorkOrderStatus.WAITING_APPROVAL:
            raise call.error(Unavailable, "the request was changed meanwhile, or it shows no order of it (yet)")
        return request

    async def _with_touched_line(self, call: Call, row: AtlasRecord, now: dict[str, Any]) -> dict[str, Any] | None:
        """A request that others changed, with a line that says so, which goes over to its order. None if it does not
        wait any more."""
        description = now.get("description")
        marked = texts.with_touched_line(description)
        if marked is None:
            raise self._full(call, row)
        if marked != description and not await self._client.change(
            call, REQUESTS, row.id, now, {"description": marked}
        ):
            return None
        after = await self._reading.by_id(call, REQUESTS, row.id)
        waits = after is not None and mapping.status_of(after) is WorkOrderStatus.WAITING_APPROVAL
        return now if waits else None

    def _marked(self, call: Call, row: AtlasRecord, now: Mapping[str, Any]) -> str:
        """The description of a record with a line that others changed it: Atlas names only the last one who did."""
        marked = texts.with_touched_line(now.get("description"))
        if marked is None:
            raise self._full(call, row)
        return marked

    def _full(self, call: Call, row: AtlasRecord) -> ActionRequired:
        return call.error(
            ActionRequired,
            f"the description of {row.number} is full, so that our note does not fit: shorten it there",
            field="description",
        )

    async def _note_in_description(self, call: Call, row: AtlasRecord, note_key: str, line: str) -> None:
        kind = REQUESTS if isinstance(row, AtlasRequest) else ORDERS
        now = await self._client.content(call, kind, row.id)
        if now is None:
            raise call.error(Unavailable, f"{row.number} went away meanwhile")
        description = now.get("description")
        if texts.has_note(description, note_key):
            return
        if now.get("createdBy") == await self._client.user(call) != now.get("updatedBy"):
            description = self._marked(call, row, now)
        longer = texts.with_note(description, line)
        if longer is None:
            raise self._full(call, row)
        if not await self._client.change(call, kind, row.id, now, {"description": longer}):
            raise call.error(Unavailable, f"{row.number} was approved meanwhile, and takes the note as an order")
