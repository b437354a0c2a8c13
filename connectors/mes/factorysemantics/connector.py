"""The port `Mes` for FactorySemantics MES."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx

from connectors.call import Call
from connectors.machine_states import read_each_state
from connectors.mes.factorysemantics import mapping
from connectors.mes.factorysemantics.client import FactorySemanticsClient
from connectors.mes.factorysemantics.mapping import Holder, Planned
from connectors.mes.factorysemantics.models import CalendarDay, Machine, OrderRow, Slot, read_rows
from connectors.mes.factorysemantics.settings import FactorySemanticsSettings
from domain.clock import Clock
from domain.errors import ActionRequired, NotProved, Refused, Unavailable
from domain.loops import wait_until
from domain.operating import OperatingState
from domain.production import (
    HoldEnforcement,
    HoldPlan,
    HoldReading,
    HoldState,
    HoldTarget,
    PlaceResult,
    ProductionContext,
)

_NEEDED = ("orders.close", "audit.read")
"""What our account must be allowed to do: hold and resume work orders, and read who did so."""

_SETTLING_STEP_SECONDS: Final = 0.1
_TRAILS: Final = (50, 1000)
"""How many audit rows of a work order are read for its last hold: mostly few are enough, and the server gives no more
than the second at once."""


class FactorySemanticsMes:
    """The port `Mes` over the API of FactorySemantics MES; see `domain.ports.Mes` for what each method promises.

    A hold puts the work order of the machine on hold. The audit trail says who did so and with which reason, and the
    reason begins with our key. So it is known whose hold it is, also after a lost answer.
    """

    def __init__(self, settings: FactorySemanticsSettings, http: httpx.AsyncClient, system: str, clock: Clock) -> None:
        self._settings = settings
        self._system = system
        self._clock = clock
        self._client = FactorySemanticsClient(settings, http)
        self._acting: defaultdict[str | None, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def enforcement(self) -> HoldEnforcement:
        """See the port. The settings say it: the server itself stops no machine."""
        return self._settings.enforcement

    async def check(self) -> str:
        call = Call(self._system, "check")
        plant = (await self._client.health(call)).plant
        account = await self._client.account(call)
        lacking = [needed for needed in _NEEDED if needed not in account.capabilities]
        if lacking:
            problem = f"the role {account.role} of account {account.code} lacks {' and '.join(lacking)}"
            raise call.error(ActionRequired, self._client.clean(problem), field="user")
        return self._client.clean(
            f"FactorySemantics MES at {self._settings.url} answers for plant {plant}; signed in as {account.code}; a "
            f"hold there is {self.enforcement.value}"
        )

    async def read_production(self, equipment: str) -> ProductionContext:
        call = Call(self._system, "read-production")
        now = self._clock.now()
        machine = await self._machine(call, equipment)
        operations = await self._client.open_operations(call, equipment)
        self._client.insist_on_readable(call, operations.unreadable, "workorders")
        held = () if operations.rows else await self._held_orders(call, equipment)
        oee = await self._client.oee(call, equipment)
        return mapping.production(machine, now, operations.rows, held, await self._planned(call, equipment), oee)

    async def read_states(self, equipment: Collection[str]) -> Mapping[str, OperatingState]:
        """See the port. Each machine is a request of its own; `concurrency` bounds how many are under way."""
        return await read_each_state(equipment, self._clock, self._doing)

    async def _doing(self, equipment: str, read_at: datetime) -> OperatingState:
        return mapping.operating(await self._machine(Call(self._system, "read-states"), equipment), read_at)

    async def hold_target(self, equipment: str) -> HoldTarget:
        call = Call(self._system, "read-hold-target")
        await self._machine(call, equipment)
        return await self._target(call, equipment)

    async def plan_hold(self, equipment: str, key: str) -> HoldPlan:
        call = Call(self._system, "plan-hold", key)
        await self._machine(call, equipment)
        held_before: set[str] = set()
        while True:
            plan = await self._present_plan(call, equipment, key)
            if plan.job is None or not plan.method.acts or not await self._was_held(call, plan.job, key):
                return plan
            if plan.job in held_before:
                raise call.error(
                    ActionRequired,
                    f"work order {plan.job} was put on hold for this, and somebody let it go on in the MES; production "
                    f"decides whether {equipment} may run, and holds it there if not",
                    field="equipment",
                )
            # That hold may have been committed since the operations were read, so they are read again.
            held_before.add(plan.job)

    async def _present_plan(self, call: Call, equipment: str, key: str) -> HoldPlan:
        """What a hold would do to the machine now, whatever was held before."""
        operations = await self._client.open_operations(call, equipment)
        self._client.insist_on_readable(call, operations.unreadable, "workorders")
        held = () if operations.rows else await self._held_orders(call, equipment)
        return mapping.hold_plan(equipment, key, operations.rows, held, await self._target(call, equipment))

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        call = Call(self._system, "place-hold", plan.key)
        if plan.job is None or not plan.method.acts:
            return PlaceResult.MOVED_ON
        async with self._acting[plan.job]:
            await self._check_target(call, plan)
            order = await self._client.order(call, plan.job)
            state = mapping.state_without_hold(order)
            if state is None:
                return await self._found_held(call, plan)
            if state is HoldState.GONE or order is None or not mapping.open_here(order, plan.equipment):
                return PlaceResult.MOVED_ON
            if await self._was_held(call, plan.job, plan.key) or not await self._client.hold(
                call, plan.job, mapping.hold_reason(plan.key, reason)
            ):
                # Somebody was faster, or an earlier call of ours whose answer was lost. The server answers before it
                # commits, so that hold may have come since the work order was read.
                on_hold = mapping.state_without_hold(await self._client.order(call, plan.job)) is None
                return await self._found_held(call, plan) if on_hold else PlaceResult.MOVED_ON
            try:
                state = await self._settled(call, plan, HoldState.HELD)
            except (ActionRequired, Refused):
                # The hold was accepted. What cannot be read now is no refusal of it.
                return PlaceResult.ACCEPTED
            return PlaceResult.IN_EFFECT if state is HoldState.HELD else PlaceResult.ACCEPTED

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        call = Call(self._system, "read-hold", plan.key)
        read_at = self._clock.now()
        if plan.job is None or not plan.method.acts:
            return HoldReading(state=HoldState.ABSENT, read_at=read_at)
        await self._check_plant(call, plan)
        return HoldReading(state=await self._state(call, plan), read_at=read_at)

    async def release_hold(self, plan: HoldPlan, reason: str) -> HoldState:  # noqa: ARG002  # the server takes none
        """See the port. The reason is not sent."""
        call = Call(self._system, "release-hold", plan.key)
        if plan.job is None or not plan.method.acts:
            return HoldState.ABSENT
        async with self._acting[plan.job]:
            await self._check_plant(call, plan)
            state = mapping.state_without_hold(await self._client.order(call, plan.job))
            if state is not None:
                return state
            holder = await self._holder(call, plan.job, plan.key)
            if holder is Holder.UNKNOWN:
                # An earlier release of ours may have been committed since the work order was read.
                state = mapping.state_without_hold(await self._client.order(call, plan.job))
                if state is not None:
                    return state
                raise call.error(
                    ActionRequired,
                    f"the audit trail does not show who put work order {plan.job} on hold, so it is not released; "
                    "resume it in the MES if it may go on",
                )
            if holder is Holder.OTHERS:
                return HoldState.ABSENT
            await self._client.resume(call, plan.job)
            state = await self._settled(call, plan, HoldState.ABSENT)
            if state is HoldState.HELD:
                raise call.error(Unavailable, f"it took the release, and work order {plan.job} is still on hold")
            return state

    async def marked_holds(self) -> None:
        """See the port. The audit trail proves whose a hold is only for a work order and a key that are named."""

    async def lots_made(self, equipment: str, from_at: datetime, until_at: datetime) -> None:
        """See the port. The server gives no time of a lot, and names no machine that made it."""

    async def _state(self, call: Call, plan: HoldPlan) -> HoldState:
        """The state of a hold. If it is not known whose it is, it counts as held, and is not released."""
        job = plan.job or ""
        state = mapping.state_without_hold(await self._client.order(call, job))
        if state is not None:
            return state
        return HoldState.ABSENT if await self._holder(call, job, plan.key) is Holder.OTHERS else HoldState.HELD

    async def _settled(self, call: Call, plan: HoldPlan, wanted: HoldState) -> HoldState:
        """The state of a hold after a call of ours, or after the time for it: the server answers before it commits."""

        async def look() -> HoldState:
            return await self._state(call, plan)

        def settled(state: HoldState) -> bool:
            return state in (wanted, HoldState.GONE)

        longest = self._settings.settle.total_seconds()
        return await wait_until(look, settled, every=_SETTLING_STEP_SECONDS, timeout=longest)

    async def _found_held(self, call: Call, plan: HoldPlan) -> PlaceResult:
        match await self._holder(call, plan.job or "", plan.key):
            case Holder.OURS:
                return PlaceResult.IN_EFFECT
            case Holder.OTHERS:
                return PlaceResult.MOVED_ON
            case Holder.UNKNOWN:
                return PlaceResult.HELD_ALREADY

    async def _holder(self, call: Call, order: str, key: str) -> Holder:
        account = await self._client.account_code(call)
        for length in _TRAILS:
            holder = mapping.holder_of(await self._client.trail(call, order, length), account, key)
            if holder is not Holder.UNKNOWN:
                return holder
        return Holder.UNKNOWN

    async def _was_held(self, call: Call, order: str, key: str) -> bool:
        account = await self._client.account_code(call)
        return mapping.was_held(await self._client.trail(call, order, _TRAILS[-1], account), account, key)

    async def _machine(self, call: Call, equipment: str) -> Machine:
        """The machine whose code is the id of an equipment.

        Raises:
            ActionRequired: there is none, or it is a line or another level of the hierarchy.
        """
        machine = await self._client.machine(call, equipment)
        if machine is None:
            raise call.error(ActionRequired, f"the MES does not know equipment {equipment}", field="equipment")
        if machine.level != mapping.MACHINE:
            problem = f"equipment {equipment} is a {machine.level} in the MES, and no machine (work_unit)"
            raise call.error(ActionRequired, self._client.clean(problem), field="equipment")
        return machine

    async def _held_orders(self, call: Call, equipment: str) -> tuple[OrderRow, ...]:
        found = await self._client.held_orders(call, equipment)
        self._client.insist_on_readable(call, found.unreadable, "workorders")
        return found.rows

    async def _target(self, call: Call, equipment: str) -> HoldTarget:
        health = await self._client.health(call)
        return mapping.target_of(self._settings.url, health.plant, health.instance_id, equipment)

    async def _check_target(self, call: Call, plan: HoldPlan) -> None:
        """Refuses a plan that was made with another plant or machine.

        Raises:
            NotProved: the plan has a target, and it is another one now.
            Unavailable: the plan's receiver is not the machine.
        """
        await self._machine(call, plan.equipment)
        target = await self._target(call, plan.equipment)
        if plan.target is not None and (changes := plan.target.changes(target)):
            raise call.error(NotProved, f"another server or machine serves {plan.equipment}: {changes}", field="target")
        if plan.receiver != target.receiver:
            raise call.error(Unavailable, f"it has no job order receiver {plan.receiver} for {plan.equipment}")

    async def _check_plant(self, call: Call, plan: HoldPlan) -> None:
        """Refuses to read a hold of another plant: a work order of the same code there is another one.

        Raises:
            Unavailable: another plant answers.
        """
        if plan.target is None:
            return
        plant = (await self._client.health(call)).plant
        if plant != mapping.plant_of(plan.target):
            was = mapping.plant_of(plan.target)
            raise call.error(Unavailable, self._client.clean(f"the hold is in plant {was}, and plant {plant} answers"))

    async def _planned(self, call: Call, equipment: str) -> Planned:
        """What is planned on a machine. What cannot be read hides the stops, and not what runs."""
        try:
            board = await self._client.board(call, equipment)
            calendar = await self._client.calendar(call)
        except Refused as error:
            return Planned(unreadable=(self._client.clean(f"the planned stops cannot be read: {error.problem}"),))
        machines = board.machines if board else ()
        contents = [slot for each in machines if each.equipment == equipment for slot in each.slots]
        slots = read_rows(contents, Slot)
        days = read_rows(calendar.exceptions if calendar else [], CalendarDay)
        odd = [*slots.unreadable, *days.unreadable]
        dated = [day for day in days.rows if _is_a_day(day.day)]
        odd += [f"{day.day} is no day" for day in days.rows if not _is_a_day(day.day)]
        zone = _zone(calendar.timezone) if calendar else None
        if calendar is not None and zone is None:
            odd.append(f"there is no time zone {calendar.timezone}")
        doubts = (self._client.clean(f"planned stops: {'; '.join(odd)}"),) if odd else ()
        return Planned(slots.rows, tuple(dated), zone, doubts)


def _is_a_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError):
        return None
