"""Odoo Maintenance as a CMMS."""

from collections.abc import Collection, Sequence
from datetime import datetime

import httpx

from connectors.call import Call
from connectors.cmms.odoo import mapping
from connectors.cmms.odoo.changes import after, first_unseen
from connectors.cmms.odoo.client import OdooMaintenanceClient
from connectors.cmms.odoo.completed_work import completed_work
from connectors.cmms.odoo.files import attach
from connectors.cmms.odoo.keys import check_key
from connectors.cmms.odoo.mapping import RequestDetails
from connectors.cmms.odoo.models import MaintenanceEquipment, MaintenanceRequest
from connectors.cmms.odoo.rows import RequestPage
from connectors.cmms.odoo.settings import OdooMaintenanceSettings
from connectors.cmms.odoo.stages import NamedStage, SiteStages
from connectors.cmms.odoo.text import key_in_html
from connectors.odoo.wire import OdooRaceLost
from connectors.text import TOUCHED_NOTE, TOUCHED_WORDS
from connectors.watermark import Watermark
from domain.clock import Clock
from domain.cmms import CmmsCapabilities, FoundAsset, ListedAssets, OrderQuery, PreviewedRecord
from domain.completed_work import ToldWork
from domain.errors import ActionRequired
from domain.maintenance_history import CmmsAsset
from domain.open_work import OpenWork, OpenWorkQuery
from domain.order_files import OrderFile
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


class OdooCmms:
    """The port `Cmms` over one Odoo; see `domain.ports.Cmms` for what each method promises.

    Args:
        settings: the site's.
        http: by what requests are made.
        system: the id of this instance.
        clock: by which a deleted request is stamped.
    """

    def __init__(self, settings: OdooMaintenanceSettings, http: httpx.AsyncClient, system: str, clock: Clock) -> None:
        self._settings = settings
        self._system = system
        self._clock = clock
        self._client = OdooMaintenanceClient(settings, http, system, clock)

    async def check(self) -> str:
        call = Call(self._system, "check")
        version = await self._client.version(call)
        user = await self._client.user(call)
        stages = await self._client.stages(call)
        self._new_stage(call, stages)
        if self._settings.approved_stage is not None:
            self._approved_stage(call, stages)
        problems = [problem for name in self._settings.stages if (problem := stages.problem_of(name)) is not None]
        if problems:
            known = ", ".join(stages.names)
            words = f"{'; '.join(problems)}; a request there is never taken as ended: correct the setting stages"
            words += f"; it has: {known}"
            raise call.error(ActionRequired, words, field="stages")
        count = await self._client.count_own(call)
        return (
            f"Odoo {version.version} at {self._settings.url} answers with database {self._settings.database}; "
            f"signed in as {user.login}; {count} maintenance requests of this user"
        )

    @property
    def capabilities(self) -> CmmsCapabilities:
        return mapping.capabilities(self._settings)

    async def find_work_orders(self, query: OrderQuery) -> tuple[WorkOrderRecord, ...]:
        call = Call(self._system, "find-work-orders", query.key)
        requests: tuple[MaintenanceRequest, ...] = ()
        if query.key is not None:
            found = await self._with_key(call, query.key) or await self._behind_reference(call, query.key)
            if found is not None and (query.since is None or found.create_date >= query.since):
                requests = (found,)
        else:
            page = await self._client.matching(call, query.asset_external_id, query.since)
            requests = self._readable(call, page)
        details = await self._client.details(call, requests)
        records = [
            self._record(call, request, details)
            for request in sorted(requests, key=lambda request: (request.create_date, request.id))
        ]
        if query.key is not None and query.asset_external_id is not None:
            records = [record for record in records if record.asset_external_id == query.asset_external_id]
        return tuple(record for record in records if not (query.open_only and record.status.finished))

    async def find_open_work(self, query: OpenWorkQuery) -> OpenWork:
        call = Call(self._system, "find-open-work")
        found, names, complete = await self._client.open_requests(call, query.asset_external_id, query.since)
        orders = (mapping.open_order(row, names, self._system) for row in found.rows)
        is_open = tuple(order for order in orders if not order.status.finished)
        return OpenWork(orders=is_open, unreadable=found.unreadable, complete=complete)

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        call = Call(self._system, "create-work-order", draft.key)
        request = await self._with_key(call, draft.key)
        if request is None:
            request, details = await self._create(call, draft)
        else:
            details = await self._client.details(call, (request,))
        check_key(call, request, details, draft.key)
        record = self._record(call, request, details)
        if record.asset_external_id != draft.asset_external_id:
            raise call.error(
                ActionRequired,
                f"request {request.id} has this key but is for asset {record.asset_external_id}, "
                f"not {draft.asset_external_id}",
                field="equipment_id",
            )
        if draft.released and record.status is WorkOrderStatus.WAITING_APPROVAL:
            return await self._release(call, record.ref, request, details, f"Millwright {draft.key}")
        return record

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        call = Call(self._system, "read-work-order", ref.key)
        found = await self._read(call, ref)
        return self._record(call, *found) if found else WorkOrderRecord.gone(ref, self._clock.now())

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        call = Call(self._system, "release-work-order", ref.key)
        found = await self._read(call, ref)
        if found is None:
            return WorkOrderRecord.gone(ref, self._clock.now())
        record = self._record(call, *found)
        if record.status is not WorkOrderStatus.WAITING_APPROVAL:
            return record
        return await self._release(call, ref, *found, memo)

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        call = Call(self._system, "withdraw-work-order", ref.key)
        found = await self._read(call, ref)
        if found is not None and self._is_ours_to_withdraw(call, *found):
            # After the change, a note that was not added would never be.
            await self._note(call, *found, "withdrawn", memo)
            found = await self._read(call, ref)
            if found is not None and self._is_ours_to_withdraw(call, *found):
                await self._client.archive(call, found[0].id)
                found = await self._read(call, ref)
        return self._record(call, *found) if found else WorkOrderRecord.gone(ref, self._clock.now())

    async def escalate_work_order(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        """Odoo has no due date, so only the priority is raised."""
        call = Call(self._system, "escalate-work-order", ref.key)
        found = await self._read(call, ref)
        raised = mapping.raised(found[0], escalation, self._settings) if found else None
        if found and raised is not None and not self._record(call, *found).status.finished:
            await self._keep_who_changed(call, *found)
            await self._client.set_priority(call, found[0].id, raised)
            found = await self._read(call, ref)
            if found and mapping.raised(found[0], escalation, self._settings) is not None:
                raise call.error(ActionRequired, f"request {ref.id} keeps its old priority", field="priority")
        return self._record(call, *found) if found else WorkOrderRecord.gone(ref, self._clock.now())

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        call = Call(self._system, "add-note", ref.key)
        found = await self._read(call, ref)
        if found is None:
            raise call.error(ActionRequired, f"request {ref.id} is gone", field="id")
        await self._note(call, *found, note_key, text)

    async def attach_file(self, ref: WorkOrderRef, file: OrderFile) -> None:
        call = Call(self._system, "attach-file", ref.key)
        found = await self._read(call, ref)
        if found is None:
            raise call.error(ActionRequired, f"request {ref.id} is gone", field="id")
        await attach(self._client, call, found[0].id, found[1].key(found[0]) or "", file)

    async def changed_since(self, cursor: str | None) -> ChangePage:
        call = Call(self._system, "changed-since")
        mark = Watermark.of(call, cursor)
        while True:
            fresh = await first_unseen(self._client, call, mark, self._settings.overlap, self._settings.page_size)
            if not fresh.requests and not fresh.unreadable:
                return ChangePage(records=(), cursor=mark.text())
            mark = after(mark, fresh, self._settings.overlap)
            details = await self._client.details(call, fresh.requests)
            read = [self._read_change(request, details) for request in fresh.requests]
            records = tuple(each for each in read if isinstance(each, WorkOrderRecord))
            odd = tuple(each for each in read if isinstance(each, UnreadableRecord))
            unreadable = (*(row.report for row in fresh.unreadable), *odd)
            # A page with nothing of ours would end the poll.
            if records or unreadable:
                return ChangePage(records=records, unreadable=unreadable, cursor=mark.text())

    async def any_asset(self) -> FoundAsset | None:
        """The first equipment that has a serial number."""
        name = await self._client.some_serial_number(Call(self._system, "any-asset"))
        return None if name is None else FoundAsset(external_id=name)

    async def preview_order(self, draft: WorkOrderDraft) -> tuple[PreviewedRecord, ...]:
        call = Call(self._system, "preview-order", draft.key)
        values, stages, _ = await self._values(call, draft)
        through = [self._settings.new_stage]
        if draft.released and self._settings.approved_stage is not None:
            through.append(self._approved_stage(call, stages).name)
        return mapping.preview(values, tuple(through))

    async def check_schema(self) -> tuple[str, ...]:
        """The stages are compared by `check`."""
        return mapping.unfilled(await self._client.request_fields(Call(self._system, "check-schema")))

    async def completed_work(
        self, assets: Sequence[CmmsAsset], since: datetime
    ) -> tuple[tuple[ToldWork, ...] | None, ...]:
        return await completed_work(self._client, Call(self._system, "completed-work"), assets, since)

    async def list_assets(self) -> ListedAssets:
        """The equipment with a serial number, which is its name. Odoo has no tree of equipment."""
        rows, left_out = await self._client.all_equipment(Call(self._system, "list-assets"))
        return ListedAssets(mapping.listed_assets(rows), left_out)

    def _read_change(
        self, request: MaintenanceRequest, details: RequestDetails
    ) -> WorkOrderRecord | UnreadableRecord | None:
        """A request of a poll; None if it is none of ours, such as a copy that a person made of one."""
        if details.key(request) is not None:
            return mapping.read_record(request, details, self._system, self._settings, self._client.masked)
        if details.is_own(request) and key_in_html(request.description) is not None:
            return mapping.without_external_id(request, self._system, self._client.masked)
        return None

    def _readable(self, call: Call, page: RequestPage) -> tuple[MaintenanceRequest, ...]:
        """The requests of a page.

        Raises:
            ActionRequired: one cannot be read. It may be the one that is looked for.
        """
        for row in page.unreadable:
            raise self._client.unreadable(call, row.report)
        return page.requests

    async def _with_key(self, call: Call, key: str) -> MaintenanceRequest | None:
        """The request with a key in its text and in its external id. A text proves nothing, because people copy it.

        Raises:
            ActionRequired: a request that we created has the key in its text, and its external id was removed.
        """
        requests = self._readable(call, await self._client.with_key_in_text(call, key))
        if not requests:
            return None
        details = await self._client.details(call, requests)
        for request in requests:
            if details.key(request) == key:
                return request
        for request in requests:
            if details.is_own(request) and details.key(request) is None:
                check_key(call, request, details, key)
        return None

    async def _behind_reference(self, call: Call, key: str) -> MaintenanceRequest | None:
        """The request with the external id of a key, whatever its text says by now.

        Raises:
            ActionRequired: our user may not see it.
        """
        number = await self._client.reference(call, mapping.external_id(key))
        if number is None:
            return None
        found = self._readable(call, await self._client.with_number(call, number)) if number else ()
        if not found:
            raise call.error(
                ActionRequired,
                f"our user may not see the request with the external id {mapping.external_id(key)}",
                field="api_key",
            )
        return found[0]

    async def _values(
        self, call: Call, draft: WorkOrderDraft
    ) -> tuple[dict[str, str], SiteStages, MaintenanceEquipment]:
        """What is loaded for a draft, the stages of the site, and the equipment."""
        equipment = await self._client.equipment(call, draft.asset_external_id)
        stages = await self._client.stages(call)
        values = mapping.request_values(draft, equipment, self._new_stage(call, stages).id, self._settings)
        return values, stages, equipment

    async def _create(self, call: Call, draft: WorkOrderDraft) -> tuple[MaintenanceRequest, RequestDetails]:
        """The new request, read back, with its details."""
        values, stages, equipment = await self._values(call, draft)
        try:
            number = await self._client.create(call, values)
        except OdooRaceLost:
            found = await self._with_key(call, draft.key)
            if found is None:
                raise
            return found, await self._client.details(call, (found,), stages, equipment)
        stored = self._readable(call, await self._client.with_number(call, number))
        if not stored:
            raise call.error(
                ActionRequired,
                f"request {number} is stored but our user may not see it, or it was deleted since",
                field="api_key",
            )
        return stored[0], await self._client.details(call, stored[:1], stages, equipment)

    async def _release(
        self, call: Call, ref: WorkOrderRef, request: MaintenanceRequest, details: RequestDetails, memo: str
    ) -> WorkOrderRecord:
        """A request that waited, released; or as it is now, if it does not wait any more."""
        self._approved_stage(call, details.stages)
        # After the change, a note that was not added would never be.
        await self._note(call, request, details, "released", memo)
        found = await self._read(call, ref)
        if found is not None and self._record(call, *found).status is WorkOrderStatus.WAITING_APPROVAL:
            await self._keep_who_changed(call, *found)
            await self._client.move(call, found[0].id, self._approved_stage(call, found[1].stages).id)
            found = await self._read(call, ref)
        return self._record(call, *found) if found else WorkOrderRecord.gone(ref, self._clock.now())

    async def _keep_who_changed(self, call: Call, request: MaintenanceRequest, details: RequestDetails) -> None:
        """Notes that others changed a request, before a change of ours hides who changed it last."""
        if mapping.touched_by_others(request, details) is not Touched.NO:
            await self._note(call, request, details, TOUCHED_NOTE, TOUCHED_WORDS)

    def _is_ours_to_withdraw(self, call: Call, request: MaintenanceRequest, details: RequestDetails) -> bool:
        """Whether nobody has begun or changed a request."""
        record = self._record(call, request, details)
        not_begun = record.status in (WorkOrderStatus.WAITING_APPROVAL, WorkOrderStatus.APPROVED)
        return not_begun and record.touched is Touched.NO

    async def _note(
        self, call: Call, request: MaintenanceRequest, details: RequestDetails, note_key: str, text: str
    ) -> None:
        key = details.key(request) or ""
        ours = [message for message in details.messages.get(request.id, ()) if details.is_own(message)]
        external_id = mapping.note_external_id(key, note_key)
        if await self._client.has_note(call, ours, external_id):
            return
        try:
            await self._client.add_note(call, mapping.note_values(request.id, key, note_key, text))
        except OdooRaceLost:
            messages = (await self._client.details(call, (request,))).messages.get(request.id, ())
            if not await self._client.has_note(call, messages, external_id):
                raise

    async def _read(self, call: Call, ref: WorkOrderRef) -> tuple[MaintenanceRequest, RequestDetails] | None:
        """The request of a reference with its details; None if it was deleted.

        Raises:
            ActionRequired: it has another key, or none, or our user may not see it.
        """
        found: Collection[MaintenanceRequest] = ()
        if ref.locator is not None and ref.locator.isdecimal():
            found = self._readable(call, await self._client.with_number(call, int(ref.locator)))
        request = next(iter(found), None)
        if request is None and ref.key:
            request = await self._behind_reference(call, ref.key)
        if request is None:
            return None
        details = await self._client.details(call, (request,))
        check_key(call, request, details, ref.key)
        return request, details

    def _record(self, call: Call, request: MaintenanceRequest, details: RequestDetails) -> WorkOrderRecord:
        """A request as our order.

        Raises:
            ActionRequired: it cannot be one.
        """
        read = mapping.read_record(request, details, self._system, self._settings, self._client.masked)
        if isinstance(read, UnreadableRecord):
            raise self._client.unreadable(call, read)
        return read

    def _new_stage(self, call: Call, stages: SiteStages) -> NamedStage:
        return self._stage(call, stages, "new_stage", self._settings.new_stage)

    def _approved_stage(self, call: Call, stages: SiteStages) -> NamedStage:
        return self._stage(call, stages, "approved_stage", self._settings.approved_stage or "")

    def _stage(self, call: Call, stages: SiteStages, setting: str, name: str) -> NamedStage:
        """The stage that a setting names."""
        found = stages.named(name)
        if found is None:
            known = ", ".join(stages.names)
            words = f"it has no single stage {name!r}; it has: {known}; correct the setting {setting}"
            raise call.error(ActionRequired, words, field=setting)
        return found
