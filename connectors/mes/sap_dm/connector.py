"""The port `Mes` for SAP Digital Manufacturing."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx

from connectors.call import Call
from connectors.machine_states import read_each_state
from connectors.mes.sap_dm import mapping
from connectors.mes.sap_dm.client import SapDmClient
from connectors.mes.sap_dm.models import Resource, Sfc
from connectors.mes.sap_dm.settings import SapDmSettings
from domain.clock import Clock
from domain.errors import ActionRequired, ConnectorError, NotProved, Refused, Unavailable
from domain.operating import OperatingState
from domain.production import (
    HoldEnforcement,
    HoldMethod,
    HoldPlan,
    HoldReading,
    HoldState,
    HoldTarget,
    PlaceResult,
    ProductionContext,
)


@dataclass(frozen=True)
class _Work:
    """What is in work at a resource.

    Args:
        running: the SFCs in work that are not on hold.
        held: the SFCs in work that are on hold.
        unreadable: why others cannot be read. They may run.
    """

    running: tuple[Sfc, ...]
    held: tuple[Sfc, ...]
    unreadable: tuple[str, ...]


class SapDmMes:
    """The port `Mes` over the APIs of SAP Digital Manufacturing; see `domain.ports.Mes` for what each method promises.

    A machine is held by plans of two kinds: each SFC that is in work is put on hold, and then its resource is blocked,
    so that no other is started. SAP tells of neither who did it. So a hold is known as ours only from the answer to our
    call, and what was held before is never ours.
    """

    def __init__(self, settings: SapDmSettings, http: httpx.AsyncClient, system: str, clock: Clock) -> None:
        self._settings = settings
        self._system = system
        self._clock = clock
        self._client = SapDmClient(settings, http)
        self._acting: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def enforcement(self) -> HoldEnforcement:
        """See the port. The APIs do not say it, so it is what the settings say."""
        return self._settings.enforcement

    async def check(self) -> str:
        call = Call(self._system, "check")
        count = await self._client.count_resources(call)
        resources = "" if count is None else f", with {count} resource{'' if count == 1 else 's'}"
        worth = (
            f"a hold there is {self.enforcement.value}"
            if self.enforcement is not HoldEnforcement.UNKNOWN
            else "it is not known whether it enforces a hold"
        )
        return (
            f"SAP Digital Manufacturing at {self._settings.url} answers for plant {self._settings.plant}{resources}; "
            f"{worth}"
        )

    async def read_production(self, equipment: str) -> ProductionContext:
        call = Call(self._system, "read-production")
        now = self._clock.now()
        resource = await self._resource(call, equipment)
        work = await self._work(call, resource)
        doubts = work.unreadable
        if work.running or work.held:
            return mapping.production(equipment, now, resource, (*work.running, *work.held), (), doubts)
        listed = await self._client.listed_sfcs(call, _name(resource))
        return mapping.production(equipment, now, resource, (), listed.rows, (*doubts, *listed.unreadable))

    async def read_states(self, equipment: Collection[str]) -> Mapping[str, OperatingState]:
        """See the port. Each machine is a request of its own; `concurrency` bounds how many are under way."""
        return await read_each_state(equipment, self._clock, self._state)

    async def _state(self, equipment: str, read_at: datetime) -> OperatingState:
        resource = await self._resource(Call(self._system, "read-states"), equipment)
        return mapping.operating_state(resource.status or "", read_at)

    async def hold_target(self, equipment: str) -> HoldTarget:
        return self._target(await self._resource(Call(self._system, "read-hold-target"), equipment))

    async def plan_hold(self, equipment: str, key: str) -> HoldPlan:
        call = Call(self._system, "plan-hold", key)
        resource = await self._resource(call, equipment)
        target = self._target(resource)
        work = await self._work(call, resource)
        if work.running:
            return mapping.hold_plan(equipment, key, target, work.running[0])
        if work.unreadable:
            raise call.error(
                ActionRequired,
                self._client.clean(f"it is not known what runs on {equipment}: {'; '.join(work.unreadable)}"),
                field="equipment",
            )
        blocked = resource.status == self._settings.blocked_status
        if blocked or not (work.held or await self._waits(call, resource)):
            return mapping.still_plan(equipment, key, target, blocked=blocked)
        if resource.status not in mapping.SETTABLE:
            raise call.error(
                ActionRequired,
                self._client.clean(
                    f"resource {_name(resource)} has the status {resource.status!r}, which no release could set again: "
                    "give it another one"
                ),
                field="status",
            )
        return mapping.block_plan(equipment, key, target, resource.status)

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        call = Call(self._system, "place-hold", plan.key)
        if plan.method not in (HoldMethod.PAUSE, HoldMethod.BLOCK):
            return PlaceResult.MOVED_ON
        async with self._acting[plan.equipment]:
            resource = await self._planned_resource(call, plan)
            if plan.method is HoldMethod.BLOCK:
                return await self._block(call, plan, resource, reason)
            return await self._pause(call, plan, resource, reason)

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        call = Call(self._system, "read-hold", plan.key)
        read_at = self._clock.now()
        return HoldReading(state=await self._standing(call, plan), read_at=read_at)

    async def release_hold(self, plan: HoldPlan, reason: str) -> HoldState:
        call = Call(self._system, "release-hold", plan.key)
        async with self._acting[plan.equipment]:
            state = await self._standing(call, plan)
            if state is not HoldState.HELD or plan.job is None:
                return state
            if plan.method is HoldMethod.PAUSE:
                await self._client.release(call, plan.job, mapping.release_comment(reason))
            else:
                await self._unblock(call, plan, reason)
            state = await self._standing(call, plan)
            if state is HoldState.HELD:
                raise call.error(Unavailable, f"it took the release, and {plan.job} is still held")
            return state

    async def marked_holds(self) -> None:
        """See the port. SAP gives the comment of a hold to no reader of its API."""

    async def lots_made(self, equipment: str, from_at: datetime, until_at: datetime) -> None:
        """See the port. The one list of what a resource made has only what was reported in a shift, so an empty one
        would not mean that nothing was made."""

    async def _pause(self, call: Call, plan: HoldPlan, resource: Resource, reason: str) -> PlaceResult:
        """Puts the SFC of a plan on hold, if it runs there still."""
        name = str(plan.job)
        sfc = await self._client.sfc(call, name)
        if sfc is None:
            return PlaceResult.MOVED_ON
        if mapping.is_held(sfc):
            return PlaceResult.HELD_ALREADY
        if not await self._is_in_work(call, resource, name):
            return PlaceResult.MOVED_ON
        try:
            answer = await self._client.hold(
                call, name, mapping.comment(plan.key, reason, mapping.LONGEST_HOLD_COMMENT)
            )
        except (ActionRequired, Refused):
            # Somebody may have held it in between, or it may be held though the answer cannot be read.
            if await self._standing(call, plan) is HoldState.HELD:
                return PlaceResult.HELD_ALREADY
            raise
        if not answer.hold_ids:
            state = await self._standing(call, plan)
            if state is HoldState.HELD:
                return PlaceResult.HELD_ALREADY
            raise call.error(Unavailable, f"it took the hold of SFC {name}, and names no hold that it made")
        return await self._result(call, plan)

    async def _block(self, call: Call, plan: HoldPlan, resource: Resource, reason: str) -> PlaceResult:
        """Blocks the resource of a plan, if it has the status of the plan still."""
        if resource.status == self._settings.blocked_status:
            return PlaceResult.HELD_ALREADY
        if resource.status != plan.prior_status:
            return PlaceResult.MOVED_ON
        words = mapping.comment(plan.key, reason, mapping.LONGEST_STATUS_COMMENT)
        await self._client.change_status(call, _name(resource), self._settings.blocked_status, words)
        return await self._result(call, plan)

    async def _unblock(self, call: Call, plan: HoldPlan, reason: str) -> None:
        if plan.prior_status is None:
            raise call.error(
                ActionRequired,
                f"the plan does not say which status {plan.equipment} had: give it one in SAP",
                field="status",
            )
        resource = self._planned_name(call, plan)
        await self._client.change_status(call, resource, plan.prior_status, mapping.release_comment(reason))

    async def _result(self, call: Call, plan: HoldPlan) -> PlaceResult:
        """The result of a call that SAP answered with success. What cannot be read now is no refusal of it."""
        try:
            state = await self._standing(call, plan)
        except ConnectorError:
            return PlaceResult.ACCEPTED
        return PlaceResult.IN_EFFECT if state is HoldState.HELD else PlaceResult.ACCEPTED

    async def _standing(self, call: Call, plan: HoldPlan) -> HoldState:
        """The state of a planned hold.

        Raises:
            Unavailable: the plan is of another plant, or has no receiver of ours.
            Refused: SAP does not say the status.
        """
        if plan.method not in (HoldMethod.PAUSE, HoldMethod.BLOCK) or plan.job is None:
            return HoldState.ABSENT
        name = self._planned_name(call, plan)
        if plan.method is HoldMethod.BLOCK:
            resource = await self._client.resource(call, name)
            if resource is None:
                return HoldState.GONE
            held = self._status(call, resource) == self._settings.blocked_status
            return HoldState.HELD if held else HoldState.ABSENT
        sfc = await self._client.sfc(call, plan.job)
        if sfc is None:
            return HoldState.GONE
        if mapping.is_held(sfc):
            return HoldState.HELD
        resource = await self._client.resource(call, name)
        in_work = resource is not None and await self._is_in_work(call, resource, plan.job)
        return HoldState.ABSENT if in_work else HoldState.GONE

    async def _resource(self, call: Call, equipment: str) -> Resource:
        """The resource of an equipment.

        Raises:
            ActionRequired: there is none.
        """
        name = self._settings.resources.get(equipment, equipment)
        found = None
        if mapping.is_name(name, mapping.LONGEST_RESOURCE) and not self._belongs_to_another(equipment):
            found = await self._client.resource(call, name)
        if found is None:
            raise call.error(
                ActionRequired,
                f"the MES does not know equipment {equipment}: plant {self._settings.plant} has no resource {name}",
                field="equipment",
            )
        self._status(call, found)
        return found

    def _belongs_to_another(self, equipment: str) -> bool:
        """Whether the settings name the resource of this id for another equipment."""
        return equipment not in self._settings.resources and equipment in self._settings.resources.values()

    def _status(self, call: Call, resource: Resource) -> str:
        if not resource.status:
            raise self._client.refused(call, f"unreadable reply: resource {resource.resource} has no status")
        return resource.status

    def _target(self, resource: Resource) -> HoldTarget:
        return HoldTarget(
            receiver=mapping.receiver_of(_name(resource)),
            application_uri=self._settings.url,
            namespace=self._settings.plant,
            certificate=None,
        )

    async def _planned_resource(self, call: Call, plan: HoldPlan) -> Resource:
        """The resource of a plan, if it is still that of its equipment, in the same plant at the same address.

        Raises:
            NotProved: the plan has a target, and it is another one now.
            Unavailable: the plan's resource is not that of its equipment now.
        """
        resource = await self._resource(call, plan.equipment)
        if plan.target is not None:
            changes = plan.target.changes(self._target(resource))
            if changes:
                raise call.error(NotProved, f"another plant or resource serves {plan.equipment}: {changes}")
        if plan.receiver != mapping.receiver_of(_name(resource)):
            raise call.error(Unavailable, f"no job order receiver {plan.receiver} serves {plan.equipment} now")
        return resource

    def _planned_name(self, call: Call, plan: HoldPlan) -> str:
        name = mapping.resource_of(plan.receiver)
        if name is None:
            raise call.error(Unavailable, f"it has no job order receiver {plan.receiver}")
        if plan.target is not None and plan.target.namespace != self._settings.plant:
            raise call.error(
                Unavailable,
                f"the hold is in plant {plan.target.namespace}, and the settings name {self._settings.plant}",
            )
        return name

    async def _is_in_work(self, call: Call, resource: Resource, sfc: str) -> bool:
        """Whether an SFC is in work at a resource.

        Raises:
            ActionRequired: it is not listed, and a row of the list cannot be read, which may be it.
        """
        listed = await self._client.sfcs_in_work(call, _name(resource))
        if any(row.sfc == sfc for row in listed.rows):
            return True
        if listed.unreadable:
            raise call.error(
                ActionRequired,
                self._client.clean(f"it is not known whether SFC {sfc} runs: {'; '.join(listed.unreadable)}"),
                field="equipment",
            )
        return False

    async def _work(self, call: Call, resource: Resource) -> _Work:
        listed = await self._client.sfcs_in_work(call, _name(resource))
        unreadable = [*listed.unreadable]
        running: list[Sfc] = []
        held: list[Sfc] = []
        for found in await asyncio.gather(*(self._seen(call, row.sfc) for row in listed.rows)):
            if isinstance(found, str):
                unreadable.append(found)
            elif found is not None:
                (held if mapping.is_held(found) else running).append(found)
        return _Work(tuple(running), tuple(held), tuple(unreadable))

    async def _seen(self, call: Call, name: str) -> Sfc | str | None:
        """An SFC, or why it cannot be read; None if it is gone."""
        try:
            return await self._client.sfc(call, name)
        except Refused as error:
            return f"SFC {name}: {error.problem}"

    async def _waits(self, call: Call, resource: Resource) -> bool:
        """Whether an SFC waits for a resource. A row that cannot be read may be one."""
        listed = await self._client.listed_sfcs(call, _name(resource))
        return bool(listed.unreadable) or mapping.first_to_start(listed.rows) is not None


def _name(resource: Resource) -> str:
    return resource.resource or ""
