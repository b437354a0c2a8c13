"""What is asked of Odoo about equipment, maintenance requests and their messages."""

import asyncio
import itertools
import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import httpx

from connectors.call import Call
from connectors.cmms.odoo import mapping
from connectors.cmms.odoo.mapping import RequestDetails, RequestNames
from connectors.cmms.odoo.models import (
    CompletedRequest,
    ListedEquipment,
    MaintenanceEquipment,
    MaintenanceRequest,
    MaintenanceStage,
    OpenRequest,
    RequestField,
    RequestFields,
    RequestFile,
    RequestMessage,
)
from connectors.cmms.odoo.rows import RequestPage, RequestReading
from connectors.cmms.odoo.settings import OdooMaintenanceSettings
from connectors.cmms.odoo.stages import SiteStages
from connectors.odoo.models import Number, OdooUser, Version, read_rows
from connectors.odoo.wire import CREATE_ONLY, OdooWire, like
from connectors.rows import Rows
from connectors.text import key_line
from domain.canonical import Json
from domain.clock import Clock
from domain.errors import ActionRequired
from domain.unreadable import UnreadableRecord

logger = logging.getLogger(__name__)

REQUESTS: Final = "maintenance.request"
_EQUIPMENT: Final = "maintenance.equipment"
_STAGES: Final = "maintenance.stage"
_MESSAGES: Final = "mail.message"
_FILES: Final = "ir.attachment"
_MOST_FOUND: Final = 500
"""How many requests a search may find."""
_FUTURE: Final = timedelta(days=1)
"""How far ahead of our clock a stamp of Odoo's may be."""


class OdooMaintenanceClient:
    """Requests to one Odoo, in the name of the user of the API key."""

    def __init__(self, settings: OdooMaintenanceSettings, http: httpx.AsyncClient, system: str, clock: Clock) -> None:
        self._settings = settings
        self._system = system
        self._clock = clock
        self._wire = OdooWire(settings, http, settings.login)
        self._user: OdooUser | None = None
        self._user_lock = asyncio.Lock()

    async def version(self, call: Call) -> Version:
        """The version of the server."""
        return await self._wire.version(call)

    async def user(self, call: Call) -> OdooUser:
        """The user of the key, read at first use: a key is of one user for as long as it lasts."""
        async with self._user_lock:
            if self._user is None:
                self._user = await self._wire.user(call)
            return self._user

    async def count_own(self, call: Call) -> int:
        """How many requests our user has created."""
        domain: list[Json] = [["create_uid", "=", (await self.user(call)).id]]
        return (await self._wire.ask(call, REQUESTS, "search_count", Number, {"domain": domain})).root

    async def stages(self, call: Call) -> SiteStages:
        """The stages of the site. They are read each time, because people change them.

        Raises:
            ActionRequired: one cannot be read.
        """
        found = await self._wire.rows(call, _STAGES, [], MaintenanceStage)
        self._wire.insist_on_readable(call, found.unreadable, "stage_id")
        names = await self._wire.external_ids(call, _STAGES, [row.id for row in found.rows])
        return SiteStages(found.rows, names, self._settings.meanings)

    async def equipment(self, call: Call, serial_number: str) -> MaintenanceEquipment:
        """The equipment with a serial number.

        Raises:
            ActionRequired: there is none, more than one, or only one that is archived or of another company.
        """
        both: list[Json] = ["active", "in", [True, False]]
        found = await self._wire.rows(call, _EQUIPMENT, [["serial_no", "=", serial_number], both], MaintenanceEquipment)
        self._wire.insist_on_readable(call, found.unreadable, "serial_no")
        rows = [row for row in found.rows if row.serial_no == serial_number]
        if len(rows) != 1:
            numbers = ", ".join(str(row.id) for row in rows)
            problem = f"more than one equipment has the serial number: {numbers}" if rows else "no equipment has it"
            raise call.error(
                ActionRequired, f"the asset {serial_number} is not one equipment there: {problem}", field="serial_no"
            )
        (row,) = rows
        if not row.active:
            raise call.error(ActionRequired, f"the equipment of the asset {serial_number} is archived", field="active")
        wanted = self._settings.company
        if wanted is not None and row.company_id is not None and row.company_id.id != wanted:
            raise call.error(
                ActionRequired,
                f"the equipment of the asset {serial_number} is of the company {row.company_id.name}, "
                f"not of company {wanted}",
                field="company",
            )
        return row

    async def some_serial_number(self, call: Call) -> str | None:
        """The serial number of the first equipment that has one; None if there is none."""
        domain: list[Json] = [["serial_no", "!=", False]]
        if self._settings.company is not None:
            domain.append(["company_id", "in", [self._settings.company, False]])
        found = await self._wire.rows(call, _EQUIPMENT, domain, MaintenanceEquipment, limit=10, order="id")
        return next((row.serial_no for row in found.rows if row.serial_no), None)

    async def request_fields(self, call: Call) -> Mapping[str, RequestField]:
        """The fields that requests have at this site."""
        body: dict[str, Json] = {"attributes": ["string", "required"]}
        return (await self._wire.ask(call, REQUESTS, "fields_get", RequestFields, body)).root

    async def all_equipment(self, call: Call) -> tuple[tuple[ListedEquipment, ...], int]:
        """All equipment in use that has a serial number, by its id, and how many of it cannot be read."""
        domain: list[Json] = [["serial_no", "!=", False]]
        if self._settings.company is not None:
            domain.append(["company_id", "in", [self._settings.company, False]])
        found: list[ListedEquipment] = []
        left_out = 0
        size = self._settings.page_size
        for offset in itertools.count(step=size):
            contents = await self._wire.contents(
                call, _EQUIPMENT, domain, ListedEquipment, limit=size, order="id", offset=offset
            )
            rows = read_rows(contents, ListedEquipment)
            for words in rows.unreadable:
                logger.warning("an equipment is left out of the list: %s", self._wire.clean(words))
            found.extend(rows.rows)
            left_out += len(rows.unreadable)
            if len(contents) < size:
                break
        return tuple(found), left_out

    async def create(self, call: Call, values: Mapping[str, str]) -> int:
        """Creates a request, and gives its id. If one has its external id already, that one stays as it is."""
        return await self._wire.load(call, REQUESTS, values, "whether the request was created", CREATE_ONLY)

    async def add_note(self, call: Call, values: Mapping[str, str]) -> None:
        """Adds a note. If one has its external id already, nothing changes."""
        await self._wire.load(call, _MESSAGES, values, "whether the note was added", CREATE_ONLY)

    async def has_note(self, call: Call, messages: Sequence[RequestMessage], external_id: str) -> bool:
        """Whether one of these messages has an external id."""
        names = await self._wire.external_ids(call, _MESSAGES, [message.id for message in messages])
        return external_id in names.values()

    async def add_file(self, call: Call, values: Mapping[str, str]) -> None:
        """Attaches a file. If one has its external id already, nothing changes."""
        await self._wire.load(call, _FILES, values, "whether the file was attached", CREATE_ONLY)

    async def file(self, call: Call, number: int, external_id: str) -> RequestFile | None:
        """The file on a request that has an external id; None if there is none."""
        on: list[Json] = [["res_model", "=", REQUESTS], ["res_id", "=", number]]
        found = await self._wire.rows(call, _FILES, on, RequestFile, order="id")
        names = await self._wire.external_ids(call, _FILES, [row.id for row in found.rows])
        return next((row for row in found.rows if names.get(str(row.id)) == external_id), None)

    async def move(self, call: Call, number: int, stage: int) -> None:
        """Moves a request to a stage."""
        await self._wire.send(call, REQUESTS, "write", {"ids": [number], "vals": {"stage_id": stage}})

    async def set_priority(self, call: Call, number: int, priority: int) -> None:
        """Gives a request another priority of Odoo, 0 to 3."""
        await self._wire.send(call, REQUESTS, "write", {"ids": [number], "vals": {"priority": str(priority)}})

    async def archive(self, call: Call, number: int) -> None:
        """Archives a request, as its button "Cancel" does."""
        await self._wire.send(call, REQUESTS, "archive_equipment_request", {"ids": [number]})

    async def with_number(self, call: Call, number: int) -> RequestPage:
        """A request by its id. It is searched for: reading a deleted one would give an answer."""
        return await self._page(call, [["id", "=", number]], limit=2)

    async def with_key_in_text(self, call: Call, key: str) -> RequestPage:
        """The requests with a key in their description, also copies that people made."""
        return await self._page(call, [["description", "ilike", like(key_line(key))]], limit=_MOST_FOUND)

    async def matching(self, call: Call, serial_number: str | None, since: datetime | None) -> RequestPage:
        """The requests for an equipment, created since a time.

        Raises:
            ActionRequired: there are too many.
        """
        domain: list[Json] = []
        if serial_number is not None:
            domain.append(["equipment_id.serial_no", "=", serial_number])
        if since is not None:
            domain.append(["create_date", ">=", mapping.time_text(since)])
        page = await self._page(call, domain, limit=_MOST_FOUND)
        if page.size == _MOST_FOUND:
            raise call.error(
                ActionRequired, f"{_MOST_FOUND} requests or more match; narrow the search by asset and time"
            )
        return page

    async def open_requests(
        self, call: Call, serial_number: str, since: datetime
    ) -> tuple[Rows[OpenRequest], RequestNames, bool]:
        """The newest requests for an equipment that Odoo does not take for done, what names them, and whether these are
        all."""
        domain: list[Json] = [
            ["equipment_id.serial_no", "=", serial_number],
            ["create_date", ">=", mapping.time_text(since)],
            "|",
            ["stage_id", "=", False],
            ["stage_id.done", "=", False],
            ["archive", "=", False],
        ]
        size = self._settings.page_size
        contents = await self._wire.contents(
            call, REQUESTS, domain, OpenRequest, limit=size, order="create_date desc, id desc"
        )
        found = read_rows(contents, OpenRequest)
        names = await self._wire.external_ids(call, REQUESTS, [row.id for row in found.rows])
        stages = await self.stages(call)
        readable = Rows(found.rows, tuple(map(self._wire.clean, found.unreadable)))
        return readable, RequestNames(stages, names), len(contents) < size

    async def equipment_ids(self, call: Call, serial_numbers: Collection[str]) -> Mapping[int, str]:
        """The serial numbers of some equipment by its ids, also of what is archived.

        Raises:
            ActionRequired: a serial number is not that of one equipment.
        """
        named: list[Json] = ["serial_no", "in", [*sorted(serial_numbers)]]
        both: list[Json] = ["active", "in", [True, False]]
        found = await self._wire.rows(call, _EQUIPMENT, [named, both], MaintenanceEquipment)
        self._wire.insist_on_readable(call, found.unreadable, "serial_no")
        ids = {row.id: row.serial_no for row in found.rows if row.serial_no in serial_numbers}
        for serial_number in sorted(serial_numbers):
            if [*ids.values()].count(serial_number) != 1:
                problem = f"the asset {serial_number} is not one equipment there"
                raise call.error(ActionRequired, problem, field="serial_no")
        return {number: serial_number for number, serial_number in ids.items() if serial_number is not None}

    async def completed_requests(self, call: Call, equipment: Collection[int], since: date) -> list[object]:
        """The requests for some equipment that Odoo takes for done, since a day or without one, as they came."""
        domain: list[Json] = [
            ["equipment_id", "in", [*sorted(equipment)]],
            ["stage_id.done", "=", True],
            "|",
            ["close_date", "=", False],
            ["close_date", ">=", since.isoformat()],
        ]
        size = self._settings.page_size
        found: list[object] = []
        for offset in itertools.count(step=size):
            contents = await self._wire.contents(
                call, REQUESTS, domain, CompletedRequest, limit=size, order="id", offset=offset
            )
            found += contents
            if len(contents) < size:
                break
        return found

    async def changed(self, call: Call, start: datetime | None, offset: int) -> RequestPage:
        """A page of the requests that our user created, or that have a key in their description, by their change."""
        keys: list[Json] = ["description", "ilike", like(key_line(""))]
        domain: list[Json] = ["|", ["create_uid", "=", (await self.user(call)).id], keys]
        if start is not None:
            domain.append(["write_date", ">=", mapping.time_text(start)])
        return await self._page(call, domain, limit=self._settings.page_size, offset=offset)

    async def reference(self, call: Call, external_id: str) -> int | None:
        """The id of the record with an external id; 0 if our user may not see it, None if there is none."""
        return await self._wire.reference(call, external_id)

    async def details(
        self,
        call: Call,
        requests: Collection[MaintenanceRequest],
        stages: SiteStages | None = None,
        equipment: MaintenanceEquipment | None = None,
    ) -> RequestDetails:
        """What Odoo has about these requests in other records.

        Args:
            stages: the stages, if this call has read them.
            equipment: an equipment that this call has read.
        """
        numbers = sorted(request.id for request in requests)
        rows: tuple[MaintenanceEquipment, ...] = () if equipment is None else (equipment,)
        wanted = {request.equipment_id.id for request in requests if request.equipment_id is not None}
        unread = sorted(wanted - {row.id for row in rows})
        if unread:
            both: list[Json] = ["active", "in", [True, False]]
            listed: list[Json] = ["id", "in", [*unread]]
            rows += (await self._wire.rows(call, _EQUIPMENT, [listed, both], MaintenanceEquipment)).rows
        messages: defaultdict[int, list[RequestMessage]] = defaultdict(list)
        unreadable = False
        if numbers:
            on: list[Json] = ["res_id", "in", [*numbers]]
            domain: list[Json] = [["model", "=", REQUESTS], on]
            found = await self._wire.rows(call, _MESSAGES, domain, RequestMessage, order="id")
            unreadable = bool(found.unreadable)
            for message in found.rows:
                messages[message.res_id].append(message)
        return RequestDetails(
            stages=await self.stages(call) if stages is None else stages,
            external_ids=await self._wire.external_ids(call, REQUESTS, numbers),
            serial_numbers={row.id: row.serial_no for row in rows},
            messages={number: tuple(found) for number, found in messages.items()},
            unreadable_messages=unreadable,
            own_user=(await self.user(call)).id,
        )

    def unreadable(self, call: Call, report: UnreadableRecord) -> ActionRequired:
        """A record that a call needs and that cannot be read."""
        return self._wire.unreadable(call, report)

    def masked(self, text: str) -> str:
        """A text with our key masked."""
        return self._wire.without_secrets(text)

    async def _page(self, call: Call, domain: list[Json], *, limit: int, offset: int = 0) -> RequestPage:
        contents = await self._wire.contents(
            call, REQUESTS, domain, MaintenanceRequest, limit=limit, order="write_date, id", offset=offset
        )
        latest = self._clock.now() + _FUTURE
        return RequestReading(self._system, latest, self.masked).page(contents)
