"""The port `Mes` for Odoo MRP."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import httpx

from connectors.call import Call
from connectors.mes.odoo_mrp import mapping
from connectors.mes.odoo_mrp.client import OdooClient
from connectors.mes.odoo_mrp.mapping import Blocks
from connectors.mes.odoo_mrp.models import Leave, PresentLeave, TimeLog, WorkCentre
from connectors.mes.odoo_mrp.operating import OdooPlant, operating_state
from connectors.mes.odoo_mrp.settings import OdooSettings
from connectors.rows import Rows
from domain.clock import Clock
from domain.errors import ActionRequired, NotProved, Refused, Unavailable
from domain.lots import MadeLot
from domain.operating import OperatingState
from domain.production import (
    HoldEnforcement,
    HoldMethod,
    HoldPlan,
    HoldReading,
    HoldState,
    HoldTarget,
    MarkedHold,
    PlaceResult,
    ProductionContext,
)

_MACHINES_AT_ONCE: Final = 1_000


class OdooMes:
    """The port `Mes` over Odoo's JSON-2 API; see `domain.ports.Mes` for what each method promises.

    A hold is an open time log at the work centre, under an external id that is derived from our key. So it is known
    whose hold it is, also after a lost answer: a repeated placement finds it.
    """

    def __init__(self, settings: OdooSettings, http: httpx.AsyncClient, system: str, clock: Clock) -> None:
        self._settings = settings
        self._system = system
        self._clock = clock
        self._client = OdooClient(settings, http)
        self._version: tuple[int | str, ...] = ()
        # Calls at one work centre conflict in Odoo's database.
        self._acting: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def enforcement(self) -> HoldEnforcement:
        """See the port. Without a setting it is unknown until a call has read the version of the server."""
        if self._settings.enforcement is not None:
            return self._settings.enforcement
        return mapping.ENFORCEMENTS.get(self._version, HoldEnforcement.UNKNOWN)

    async def check(self) -> str:
        call = Call(self._system, "check")
        version = await self._read_version(call)
        user = await self._client.user(call)
        await self._client.loss_reason(call)
        count = await self._client.count_open_holds(call)
        holds = "one hold of ours is open" if count == 1 else f"{count} holds of ours are open"
        worth = (
            f"a hold there is {self.enforcement.value}"
            if self.enforcement is not HoldEnforcement.UNKNOWN
            else "it is not known whether it enforces a hold"
        )
        return (
            f"Odoo {version} at {self._settings.url} answers with database {self._settings.database}; signed in as "
            f"{user}; {holds}; {worth}"
        )

    async def read_production(self, equipment: str) -> ProductionContext:
        call = Call(self._system, "read-production")
        now = self._clock.now()
        centre = await self._centre(call, equipment)
        blocks = mapping.blocks_of(centre, await self._client.logs(call, centre.id), None)
        orders = await self._client.orders(call, centre.id)
        self._client.insist_on_readable(call, orders.unreadable, "mrp.workorder")
        leaves, doubts = await self._leaves(call, centre)
        return mapping.production(equipment, now, orders.rows, blocks, leaves, doubts)

    async def read_states(self, equipment: Collection[str]) -> Mapping[str, OperatingState]:
        """See the port. It makes four requests for a thousand machines."""
        call = Call(self._system, "read-states")
        read_at = self._clock.now()
        wanted = sorted(equipment)
        states: dict[str, OperatingState] = {}
        leaves = await self._present_leaves(call)
        for begin in range(0, len(wanted), _MACHINES_AT_ONCE):
            codes = wanted[begin : begin + _MACHINES_AT_ONCE]
            centres = await self._client.machine_centres(call, codes)
            logs = await self._client.open_logs(call, [centre.id for centre in centres.rows])
            losses = sorted({log.loss_id.id for log in logs.rows if log.loss_id is not None})
            reasons = await self._client.loss_names(call, losses)
            plant = OdooPlant(centres, logs, leaves, reasons, self._settings.company)
            states |= {code: operating_state(code, plant, read_at) for code in codes}
        return states

    async def hold_target(self, equipment: str) -> HoldTarget:
        call = Call(self._system, "read-hold-target")
        return await self._target(call, await self._centre(call, equipment))

    async def plan_hold(self, equipment: str, key: str) -> HoldPlan:
        call = Call(self._system, "plan-hold", key)
        await self._read_version(call)
        centre = await self._centre(call, equipment)
        blocks = await self._blocks(call, centre, key)
        if blocks.own is not None and not blocks.own_is_open and not mapping.was_taken_away(blocks.own):
            raise call.error(
                ActionRequired,
                f"the hold was ended in Odoo at {blocks.own.date_end:%Y-%m-%d %H:%M} UTC; production decides whether "
                f"{equipment} may run, and blocks it there if not",
                field="equipment",
            )
        has_orders = bool(blocks.running) or await self._client.has_orders(call, centre.id)
        plan = mapping.hold_plan(equipment, key, centre, blocks, has_orders=has_orders)
        if plan.job is None:
            return plan
        if plan.method is HoldMethod.BLOCK:
            await self._client.loss_reason(call)
        return plan.model_copy(update={"target": await self._target(call, centre)})

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        call = Call(self._system, "place-hold", plan.key)
        if plan.method is not HoldMethod.BLOCK:
            return PlaceResult.MOVED_ON
        async with self._acting[plan.equipment]:
            await self._read_version(call)
            centre = await self._planned_centre(call, plan)
            blocks = await self._blocks(call, centre, plan.key)
            if blocks.own is None and blocks.others and not blocks.running:
                return PlaceResult.MOVED_ON
            if blocks.own is None:
                loss = await self._client.loss_reason(call)
                await self._client.open_log(call, centre, plan.key, reason, loss)
                blocks = await self._blocks(call, centre, plan.key)
            if blocks.own is None:
                raise call.error(Unavailable, "it took the hold, and the hold is not to be seen yet")
            if mapping.was_taken_away(blocks.own):
                await self._client.reopen_log(call, blocks.own.id)
                blocks = await self._blocks(call, centre, plan.key)
            if blocks.own is None or not blocks.own_is_open:
                return PlaceResult.MOVED_ON
            return await self._stop(call, plan, blocks.own)

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        call = Call(self._system, "read-hold", plan.key)
        read_at = self._clock.now()
        if plan.method is not HoldMethod.BLOCK:
            return HoldReading(state=HoldState.ABSENT, read_at=read_at)
        if not self._version:
            # What a hold is worth is told with it, also by a process that has placed none.
            await self._read_version(call)
        blocks = await self._held_centre_blocks(call, plan)
        return HoldReading(state=_state(blocks), read_at=read_at)

    async def release_hold(self, plan: HoldPlan, reason: str) -> HoldState:
        call = Call(self._system, "release-hold", plan.key)
        if plan.method is not HoldMethod.BLOCK:
            return HoldState.ABSENT
        async with self._acting[plan.equipment]:
            blocks = await self._held_centre_blocks(call, plan)
            if blocks is None or blocks.own is None or not blocks.own_is_open:
                return _state(blocks)
            await self._client.close_log(call, blocks.own.id, mapping.closing(blocks.own, reason, self._clock.now()))
            blocks = await self._held_centre_blocks(call, plan)
            if blocks is not None and blocks.own_is_open:
                raise call.error(Unavailable, "it took the release, and the hold is still open")
            return _state(blocks)

    async def marked_holds(self) -> Sequence[MarkedHold]:
        return await self._client.marked_holds(Call(self._system, "list-holds"))

    async def lots_made(self, equipment: str, from_at: datetime, until_at: datetime) -> list[MadeLot]:
        """See the port. A work order counts by the time logs of its timers at the work centre.

        Raises:
            ActionRequired: also if one of the records cannot be read, so that a lot may be missing.
        """
        call = Call(self._system, "list-lots")
        centre = await self._centre(call, equipment)
        period = (mapping.time_text(from_at), mapping.time_text(until_at))
        timers = await self._client.timers(call, centre.id, *period)
        orders = await self._client.orders_of(call, {log.workorder_id.id for log in timers.rows if log.workorder_id})
        numbers = {each.production_id.id for each in orders.rows if each.production_id}
        made = await self._client.productions(call, numbers)
        lots = await self._client.lots(call, {number for each in made.rows for number in each.lot_producing_ids})
        unreadable = [*timers.unreadable, *orders.unreadable, *made.unreadable, *lots.unreadable]
        self._client.insist_on_readable(call, unreadable, "lots")
        return mapping.lots_made(timers.rows, orders.rows, made.rows, lots.rows)

    async def _stop(self, call: Call, plan: HoldPlan, own: TimeLog) -> PlaceResult:
        """Stops the timers under a block of ours, and reads the result.

        Raises:
            ActionRequired, Refused: Odoo refuses. Our block is taken away again, because work orders run under it.
        """
        try:
            await self._client.stop_timers(call, own.id)
        except (ActionRequired, Refused):
            await self._client.close_log(call, own.id, mapping.closing(own, mapping.NOT_IN_EFFECT, self._clock.now()))
            raise
        try:
            blocks = await self._held_centre_blocks(call, plan)
        except (ActionRequired, Refused):
            # The hold was accepted. What cannot be read now is no refusal of it.
            return PlaceResult.ACCEPTED
        return PlaceResult.IN_EFFECT if blocks is not None and blocks.held else PlaceResult.ACCEPTED

    async def _read_version(self, call: Call) -> str:
        version = await self._client.version(call)
        self._version = version.version_info[:2]
        return self._client.clean(version.version)

    async def _centre(self, call: Call, equipment: str) -> WorkCentre:
        """The work centre whose code is the id of an equipment.

        Raises:
            ActionRequired: there is none, or more than one, or it is archived or of another company.
        """
        found = await self._client.centres_with(call, equipment)
        self._client.insist_on_readable(call, found.unreadable, "mrp.workcenter")
        company = self._settings.company
        in_scope = [
            row for row in found.rows if company is None or row.company_id is None or row.company_id.id == company
        ]
        active = [row for row in in_scope if row.active]
        if len(active) == 1:
            return active[0]
        if active:
            listed = ", ".join(f"{row.id} ({row.name})" for row in active)
            problem = f"{len(active)} work centres have the code {equipment}: {listed}"
        elif in_scope:
            problem = f"the work centre with the code {equipment} is archived"
        elif found.rows:
            names = ", ".join(row.company_id.name for row in found.rows if row.company_id is not None)
            problem = f"the work centre with the code {equipment} is of another company than {company}: {names}"
        else:
            problem = (
                f"the MES does not know equipment {equipment}: no work centre that our user may see has it as its code"
            )
        raise call.error(ActionRequired, self._client.clean(problem), field="equipment")

    async def _target(self, call: Call, centre: WorkCentre) -> HoldTarget:
        uuid = await self._client.database_uuid(call)
        database = self._settings.database
        return HoldTarget(
            receiver=mapping.receiver_of(centre.id),
            application_uri=self._settings.url,
            namespace=f"{database} {uuid}" if uuid else database,
            certificate=None,
        )

    async def _planned_centre(self, call: Call, plan: HoldPlan) -> WorkCentre:
        """The work centre of a plan, if it is still that of its equipment, in the same database at the same address.

        Raises:
            NotProved: the plan has a target, and it is another one now.
            Unavailable: the plan's work centre is not that of its equipment now.
        """
        centre = await self._centre(call, plan.equipment)
        if plan.target is not None:
            changes = plan.target.changes(await self._target(call, centre))
            if changes:
                raise call.error(NotProved, f"another server or work centre serves {plan.equipment}: {changes}")
        if plan.receiver != mapping.receiver_of(centre.id):
            raise call.error(Unavailable, f"no job order receiver {plan.receiver} has the code {plan.equipment} now")
        return centre

    async def _blocks(self, call: Call, centre: WorkCentre, key: str) -> Blocks:
        """The blocks of a work centre.

        Raises:
            ActionRequired: somebody has moved our hold to another work centre.
        """
        logs = await self._client.logs(call, centre.id, key)
        own = await self._client.own_log(call, centre.id, logs, key)
        if own is not None and (own.workcenter_id is None or own.workcenter_id.id != centre.id):
            raise call.error(
                ActionRequired,
                f"time log {own.id} of this hold was moved from {mapping.receiver_of(centre.id)} to another work "
                "centre: end it there, and block the right one",
                field="equipment",
            )
        return mapping.blocks_of(centre, logs, own)

    async def _held_centre_blocks(self, call: Call, plan: HoldPlan) -> Blocks | None:
        """The blocks of the work centre of a plan; None if it is gone.

        Raises:
            Unavailable: the settings name another database than the plan.
        """
        number = mapping.centre_of(plan.receiver)
        if number is None:
            raise call.error(Unavailable, f"it has no job order receiver {plan.receiver}")
        if plan.target is not None and plan.target.namespace.split(" ")[0] != self._settings.database:
            raise call.error(
                Unavailable,
                f"the hold is in database {plan.target.namespace}, and the settings name {self._settings.database}",
            )
        centre = await self._client.centre(call, number)
        return None if centre is None else await self._blocks(call, centre, plan.key)

    async def _present_leaves(self, call: Call) -> Rows[PresentLeave] | None:
        """The planned stops that go on; None if they cannot be read: later versions have other fields there."""
        try:
            return await self._client.present_leaves(call, mapping.time_text(self._clock.now()))
        except Refused:
            return None

    async def _leaves(self, call: Call, centre: WorkCentre) -> tuple[tuple[Leave, ...], tuple[str, ...]]:
        """The planned stops of a work centre, and what of them cannot be read."""
        now = mapping.time_text(self._clock.now())
        try:
            found = await self._client.leaves(call, centre, now)
        except Refused as error:
            # Later versions have other fields there. That hides the stops, and not what runs.
            return (), (self._client.clean(f"the planned stops cannot be read: {error.problem}"),)
        odd = "; ".join(found.unreadable)
        return found.rows, (self._client.clean(f"a planned stop: {odd}"),) if odd else ()


def _state(blocks: Blocks | None) -> HoldState:
    """The state of a hold; gone with its work centre."""
    return HoldState.GONE if blocks is None else mapping.standing(blocks)
