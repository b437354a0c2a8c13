"""What is asked of Odoo about work centres and their holds."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import httpx

from connectors.call import Call
from connectors.mes.odoo_mrp import mapping
from connectors.mes.odoo_mrp.models import (
    Leave,
    LossReason,
    Lot,
    MachineCentre,
    OpenLog,
    PresentLeave,
    Production,
    TimeLog,
    WorkCentre,
    WorkOrder,
)
from connectors.mes.odoo_mrp.settings import OdooSettings
from connectors.odoo.models import Number, RawRows, Version, read_rows
from connectors.odoo.wire import OdooWire, fields_of, like
from connectors.rows import Rows
from domain.canonical import Json
from domain.errors import ActionRequired
from domain.production import MarkedHold

_LOGS: Final = "mrp.workcenter.productivity"
_LOSSES: Final = "mrp.workcenter.productivity.loss"
_CENTRES: Final = "mrp.workcenter"
_ORDERS: Final = "mrp.workorder"
_LEAVES: Final = "resource.calendar.leaves"
_PRODUCTIONS: Final = "mrp.production"
_LOTS: Final = "stock.lot"
_OPEN_HOLDS: Final[Sequence[Json]] = (
    ["description", "=like", like(mapping.description_mark()) + "%"],
    ["date_end", "=", False],
)
_BY_START: Final = "date_start, id"
_ORDERS_READ: Final = 5
"""How many waiting work orders are read. Only the first counts, unless it cannot be read."""


class OdooClient:
    """Requests to one Odoo, in the name of the user of the API key."""

    def __init__(self, settings: OdooSettings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._wire = OdooWire(settings, http)

    async def version(self, call: Call) -> Version:
        """The version of the server."""
        return await self._wire.version(call)

    async def user(self, call: Call) -> str:
        """The login of the user of the key.

        Raises:
            ActionRequired: the key is not accepted.
        """
        return (await self._wire.user(call)).login

    async def database_uuid(self, call: Call) -> str | None:
        """The uuid of the database; None if our user may not read it."""
        return await self._wire.database_uuid(call)

    async def centres_with(self, call: Call, code: str) -> Rows[WorkCentre]:
        """The work centres with a code, also those that are archived."""
        both: list[Json] = ["active", "in", [True, False]]
        return await self._wire.rows(call, _CENTRES, [["code", "=", code], both], WorkCentre)

    async def machine_centres(self, call: Call, codes: Sequence[str]) -> Rows[MachineCentre]:
        """The work centres with one of these codes, without those that are archived."""
        listed: list[Json] = ["code", "in", [*codes]]
        return await self._wire.rows(call, _CENTRES, [listed], MachineCentre)

    async def open_logs(self, call: Call, centres: Sequence[int]) -> Rows[OpenLog]:
        """What is going on at these work centres."""
        at: list[Json] = ["workcenter_id", "in", [*centres]]
        return await self._wire.rows(call, _LOGS, [at, ["date_end", "=", False]], OpenLog)

    async def present_leaves(self, call: Call, now: str) -> Rows[PresentLeave]:
        """The planned stops that go on now, of whatever they are."""
        stop: list[Json] = ["time_type", "=", "leave"]
        begun: list[Json] = ["date_from", "<=", now]
        return await self._wire.rows(call, _LEAVES, [stop, begun, ["date_to", ">", now]], PresentLeave)

    async def loss_names(self, call: Call, losses: Sequence[int]) -> Mapping[str, str]:
        """The external ids of loss reasons, by their ids as text."""
        return await self._wire.external_ids(call, _LOSSES, losses) if losses else {}

    async def centre(self, call: Call, number: int) -> WorkCentre | None:
        """A work centre by its id; None if it was deleted.

        Raises:
            ActionRequired: our user may not see it, or it cannot be read.
        """
        body: dict[str, Json] = {"ids": [number], "fields": fields_of(WorkCentre)}
        found = read_rows((await self._wire.ask(call, _CENTRES, "read", RawRows, body)).root, WorkCentre)
        self.insist_on_readable(call, found.unreadable, "mrp.workcenter")
        return next(iter(found.rows), None)

    async def logs(self, call: Call, centre: int, key: str | None = None) -> tuple[TimeLog, ...]:
        """The open time logs of a work centre, and those that begin with the mark of a key, wherever they are.

        Raises:
            ActionRequired: one of them cannot be read, so it is not known whether the work centre is in use.
        """
        domain: list[Json] = [["workcenter_id", "=", centre], ["date_end", "=", False]]
        if key is not None:
            marked: list[Json] = ["description", "=like", like(mapping.description_mark(key)) + "%"]
            domain = ["|", marked, "&", *domain]
        found = await self._wire.rows(call, _LOGS, domain, TimeLog)
        self.insist_on_readable(call, found.unreadable, "time_ids")
        return found.rows

    async def own_log(self, call: Call, centre: int, logs: Sequence[TimeLog], key: str) -> TimeLog | None:
        """The time log with the external id of a hold. A text is no proof: people can write the same one."""
        if not logs:
            return None
        names = await self._wire.external_ids(call, _LOGS, [log.id for log in logs])
        return next((log for log in logs if names.get(str(log.id)) == mapping.external_id(key, centre)), None)

    async def loss_reason(self, call: Call) -> int:
        """The id of the loss reason of our holds.

        Raises:
            ActionRequired: there is none, or its category does not block a work centre.
        """
        blocking: list[Json] = [*sorted(mapping.BLOCKING)]
        found = await self._wire.rows(call, _LOSSES, [["loss_type", "in", blocking]], LossReason)
        wanted = self._settings.loss_reason
        names = await self._wire.external_ids(call, _LOSSES, [row.id for row in found.rows])
        for row in found.rows:
            if names.get(str(row.id)) == wanted:
                return row.id
        raise call.error(
            ActionRequired,
            f"it has no loss reason {wanted} of the category Availability or Quality",
            field="loss_reason",
        )

    async def open_log(self, call: Call, centre: WorkCentre, key: str, reason: str, loss: int) -> None:
        """Blocks a work centre by an open time log under the external id of a hold. A second call changes nothing.

        Raises:
            Unavailable: also if another transaction came first, or the answer cannot be read. The next look finds the
                log if it was stored.
        """
        values = {
            "id": mapping.external_id(key, centre.id),
            "workcenter_id/.id": str(centre.id),
            "loss_id/.id": str(loss),
            "description": mapping.description(key, reason),
        }
        if centre.company_id is not None:
            # Otherwise the log is of the user's own company, and Odoo refuses it at a work centre of another.
            values["company_id/.id"] = str(centre.company_id.id)
        await self._wire.load(call, _LOGS, values, "whether the hold was placed")

    async def stop_timers(self, call: Call, log: int) -> None:
        """Stops the timers of the work orders that run on the work centre of a block, as its button in Odoo does."""
        await self._wire.send(call, _LOGS, "button_block", {"ids": [log]})

    async def close_log(self, call: Call, log: int, values: Mapping[str, str]) -> None:
        """Ends one time log. The logs of others stay as they are: `unblock` of the work centre would end them too."""
        await self._wire.send(call, _LOGS, "write", {"ids": [log], "vals": {**values}})

    async def reopen_log(self, call: Call, log: int) -> None:
        """Opens a time log of ours again."""
        await self._wire.send(call, _LOGS, "write", {"ids": [log], "vals": {"date_end": False}})

    async def count_open_holds(self, call: Call) -> int:
        """How many holds of ours are open, whichever case they are of."""
        domain: list[Json] = [
            ["description", "=like", like(mapping.description_mark()) + "%"],
            ["date_end", "=", False],
        ]
        return (await self._wire.ask(call, _LOGS, "search_count", Number, {"domain": domain})).root

    async def marked_holds(self, call: Call) -> list[MarkedHold]:
        """Our open holds, by their external ids.

        Raises:
            ActionRequired: one of them cannot be read.
        """
        domain: list[Json] = [
            ["description", "=like", like(mapping.description_mark()) + "%"],
            ["date_end", "=", False],
        ]
        found = await self._wire.rows(call, _LOGS, domain, TimeLog)
        self.insist_on_readable(call, found.unreadable, "time_ids")
        names = await self._wire.external_ids(call, _LOGS, [log.id for log in found.rows])
        marked = (mapping.marked(names.get(str(log.id), ""), log) for log in found.rows)
        return [each for each in marked if each is not None]

    async def has_orders(self, call: Call, centre: int) -> bool:
        """Whether a work centre has a work order that is not over."""
        domain: list[Json] = [["workcenter_id", "=", centre], ["state", "not in", [*mapping.OVER_STATES]]]
        return (await self._wire.ask(call, _ORDERS, "search_count", Number, {"domain": domain, "limit": 1})).root > 0

    async def orders(self, call: Call, centre: int) -> Rows[WorkOrder]:
        """The work orders of a work centre that are in progress; if there are none, the next ones that wait."""
        at: list[Json] = ["workcenter_id", "=", centre]
        for state in mapping.NEXT_STATES:
            limit, order = (None, None) if state == "progress" else (_ORDERS_READ, _BY_START)
            found = await self._wire.rows(
                call, _ORDERS, [at, ["state", "=", state]], WorkOrder, limit=limit, order=order
            )
            if found.rows or found.unreadable:
                return found
        others: list[Json] = [at, ["state", "not in", [*mapping.NEXT_STATES, *mapping.OVER_STATES]]]
        return await self._wire.rows(call, _ORDERS, others, WorkOrder, limit=_ORDERS_READ, order=_BY_START)

    async def timers(self, call: Call, centre: int, from_at: str, until_at: str) -> Rows[TimeLog]:
        """The time logs of work orders on a work centre in a period."""
        open_or_later: list[Json] = ["|", ["date_end", "=", False], ["date_end", ">", from_at]]
        begun: list[Json] = [["workorder_id", "!=", False], ["date_start", "<=", until_at]]
        return await self._wire.rows(call, _LOGS, [["workcenter_id", "=", centre], *begun, *open_or_later], TimeLog)

    async def orders_of(self, call: Call, numbers: Collection[int]) -> Rows[WorkOrder]:
        """Work orders by their ids."""
        return await self._wire.with_ids(call, _ORDERS, numbers, WorkOrder)

    async def productions(self, call: Call, numbers: Collection[int]) -> Rows[Production]:
        """Manufacturing orders by their ids."""
        return await self._wire.with_ids(call, _PRODUCTIONS, numbers, Production)

    async def lots(self, call: Call, numbers: Collection[int]) -> Rows[Lot]:
        """Lots by their ids."""
        return await self._wire.with_ids(call, _LOTS, numbers, Lot)

    async def leaves(self, call: Call, centre: WorkCentre, now: str) -> Rows[Leave]:
        """The planned stops of a work centre that are not over: its own, and those of its whole calendar.

        The time that a work order reserves is a row of the same table with another type, and no stop.
        """
        domain: list[Json] = [["time_type", "=", "leave"], ["date_to", ">", now]]
        calendars: list[Json] = [False, *([centre.resource_calendar_id.id] if centre.resource_calendar_id else [])]
        shared: list[Json] = ["&", ["resource_id", "=", False], ["calendar_id", "in", calendars]]
        own: list[Json] = ["|", ["resource_id", "=", centre.resource_id.id]] if centre.resource_id is not None else []
        if centre.company_id is not None:
            domain.append(["company_id", "in", [False, centre.company_id.id]])
        return await self._wire.rows(call, _LEAVES, [*domain, *own, *shared], Leave)

    def insist_on_readable(self, call: Call, unreadable: Sequence[str], field: str) -> None:
        """Refuses an answer with records that cannot be read where each of them counts.

        Raises:
            ActionRequired: there are some.
        """
        self._wire.insist_on_readable(call, unreadable, field)

    def clean(self, text: str) -> str:
        """A vendor's words fit for a message."""
        return self._wire.clean(text)
