"""The port `Mes` for an OPC UA ISA-95 Job Control server."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from connectors.call import Call
from connectors.mes.opcua_job_control import mapping
from connectors.mes.opcua_job_control.client import Answer, JobControlClient
from connectors.mes.opcua_job_control.job_list import JobList, SharedJobList
from connectors.mes.opcua_job_control.mapping import LEVERS, SUCCESS, Lever
from connectors.mes.opcua_job_control.models import JobOrderRow, JobOrders, UnreadableJob
from connectors.mes.opcua_job_control.operating import operating_states
from connectors.mes.opcua_job_control.settings import JobControlSettings
from connectors.opcua.faults import meaning_of
from domain.clock import Clock
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.keys import hold_comment
from domain.loops import wait_until
from domain.lots import MadeLot
from domain.operating import OperatingState
from domain.production import (
    HoldEnforcement,
    HoldPlan,
    HoldReading,
    HoldState,
    HoldTarget,
    JobState,
    PlaceResult,
    ProductionContext,
)

_SETTLING_STEP_SECONDS = 0.05


class JobControlMes:
    """The port `Mes` over Job Control; see `domain.ports.Mes` for what each method promises.

    The standard has no way to read the comment of a hold back. So a hold counts as ours only if the job was in the
    plan's prior state just before our call and the call was answered with success.
    """

    def __init__(
        self, settings: JobControlSettings, system: str, clock: Clock, client: JobControlClient | None = None
    ) -> None:
        self._settings = settings
        self._system = system
        self._clock = clock
        self._client = client or JobControlClient(settings)
        self._jobs = SharedJobList(self._client.job_orders, clock, settings.shared_for)
        self._acting = asyncio.Lock()

    @property
    def enforcement(self) -> HoldEnforcement:
        return self._settings.enforcement

    async def close(self) -> None:
        """Ends the connection to the server."""
        await self._client.close()

    async def check(self) -> str:
        call = Call(self._system, "check")
        count = await self._client.receivers(call)
        endpoint = await self._client.endpoint(call)
        user = self._settings.user or "an anonymous user"
        receivers = "one job order receiver" if count == 1 else f"{count} job order receivers"
        worth = (
            f"a hold there is {self.enforcement.value}"
            if self.enforcement is not HoldEnforcement.UNKNOWN
            else "it is not known whether it enforces a hold"
        )
        return (
            f"ISA-95 Job Control v2 at {self._settings.url} answers with {receivers}; signed in as {user}, with "
            f"security {endpoint.words}; {worth}"
        )

    async def read_production(self, equipment: str) -> ProductionContext:
        """See the port. `read_at` is when the list was read, which may have been for another case shortly before."""
        call = Call(self._system, "read-production")
        jobs = await self._jobs.recent(call)
        self._insist_on_readable(call, jobs.orders, equipment)
        await self._insist_on(call, equipment, jobs.orders.rows)
        return self._translated(call, jobs, equipment)

    async def read_states(self, equipment: Collection[str]) -> Mapping[str, OperatingState]:
        """See the port. All machines are read together: their state machines, and the lists of all receivers."""
        call = Call(self._system, "read-states")
        read_at = self._clock.now()
        shown = await self._client.shown_machines(call)
        orders = await self._client.job_orders(call)
        served = (await self._client.served(call)).values()
        return operating_states(equipment, shown, orders, served, self._settings.stop_masters, read_at)

    async def hold_target(self, equipment: str) -> HoldTarget:
        call = Call(self._system, "read-hold-target")
        on_it, current = await self._current(call, equipment)
        self._insist_on_certain(call, on_it)
        row = current or next(iter(on_it), None)
        # A machine without a job is known by the only receiver that names it.
        receiver = row.receiver if row is not None else (await self._listing(call, equipment))[0]
        return await self._client.target(call, receiver)

    async def plan_hold(self, equipment: str, key: str) -> HoldPlan:
        call = Call(self._system, "plan-hold", key)
        on_it, current = await self._current(call, equipment)
        plan = mapping.hold_plan(current, equipment, key)
        self._insist_on_certain(call, on_it)
        await self._insist_on_methods(call, plan)
        if plan.receiver is None:
            return plan
        return plan.model_copy(update={"target": await self._client.target(call, plan.receiver)})

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        call = Call(self._system, "place-hold", plan.key)
        lever = LEVERS.get(plan.method)
        if lever is None:
            return PlaceResult.MOVED_ON
        async with self._acting:
            row, state = await self._job(call, plan)
            if state in lever.held:
                return PlaceResult.HELD_ALREADY
            if row is None or state not in lever.prior:
                return PlaceResult.MOVED_ON
            await self._insist_on_machine(call, plan, row)
            await self._insist_on_methods(call, plan)
            answer = await self._command(call, lever.place, row, (hold_comment(plan.key), reason), plan.target)
            if answer.status & SUCCESS or self._silent(answer):
                after = await self._settled(call, plan, lever, HoldState.HELD)
                if mapping.standing(plan, after) is HoldState.HELD:
                    return PlaceResult.IN_EFFECT
                if answer.status & SUCCESS:
                    return PlaceResult.ACCEPTED
            _, after = await self._job(call, plan)
            if after in lever.held:
                return PlaceResult.HELD_ALREADY
            raise self._refusal(call, answer)

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        call = Call(self._system, "read-hold", plan.key)
        read_at = self._clock.now()
        _, state = await self._job(call, plan)
        return HoldReading(state=mapping.standing(plan, state), read_at=read_at)

    async def release_hold(self, plan: HoldPlan, reason: str) -> HoldState:
        call = Call(self._system, "release-hold", plan.key)
        lever = LEVERS.get(plan.method)
        if lever is None:
            return HoldState.ABSENT
        async with self._acting:
            row, state = await self._job(call, plan)
            if row is None or state not in lever.held:
                return mapping.standing(plan, state)
            await self._insist_on_machine(call, plan, row)
            answer = await self._command(call, lever.release, row, (hold_comment(plan.key), reason))
            if answer.status & SUCCESS or self._silent(answer):
                after = await self._settled(call, plan, lever, HoldState.ABSENT)
            else:
                _, after = await self._job(call, plan)
            if after not in lever.held:
                return mapping.standing(plan, after)
            if answer.status & SUCCESS:
                raise call.error(Unavailable, f"it took the command, but job {plan.job} has not changed its state yet")
            raise self._refusal(call, answer)

    async def marked_holds(self) -> None:
        """See the port. The standard has no way to read the comment of a hold back."""

    async def lots_made(self, equipment: str, from_at: datetime, until_at: datetime) -> list[MadeLot]:
        """See the port. A server lists the jobs that it still knows, so that older ones may be missing."""
        call = Call(self._system, "list-lots")
        orders = await self._client.job_orders(call)
        self._insist_on_readable(call, orders, equipment)
        on_it = mapping.begun(await self._proved(call, equipment, orders.rows), self._settings.stop_masters)
        made = [(row, await self._client.made(call, row)) for row in on_it]
        return mapping.lots(made, from_at, until_at)

    async def _current(self, call: Call, equipment: str) -> tuple[list[JobOrderRow], JobOrderRow | None]:
        """The jobs that are proved to be on an equipment, and the present or next one of them; see `_proved`."""
        orders = await self._client.job_orders(call)
        self._insist_on_readable(call, orders, equipment)
        try:
            on_it = await self._proved(call, equipment, orders.rows)
            return on_it, mapping.current_job(on_it, self._settings.stop_masters)
        except ValueError as error:
            raise self._unreadable(call, error) from None

    async def _listing(self, call: Call, equipment: str) -> list[str]:
        """The receivers that name an equipment; if one of them names only that machine, only such receivers."""
        served = await self._client.served(call)
        own = sorted(name for name, each in served.items() if each.only(equipment))
        return own or sorted(name for name, each in served.items() if each.lists(equipment))

    async def _proved(self, call: Call, equipment: str, rows: tuple[JobOrderRow, ...]) -> list[JobOrderRow]:
        """The jobs that are proved to be on an equipment.

        Raises:
            ActionRequired: several receivers name that machine alone, the MES does not know it, or jobs require it
                and it is not proved which machine they are on.
        """
        served = await self._client.served(call)
        listing = await self._listing(call, equipment)
        own = [name for name in listing if served[name].only(equipment)]
        # An id that several receivers name proves no machine: it may be a class, or a mistake.
        proved = [row for row in rows if [row.receiver] == listing and mapping.proves_machine(row, equipment)]
        unproved = [row for row in mapping.under_way(rows) if row not in proved and row.receiver not in own]
        proved += [row for row in unproved if equipment in await self._client.actuals(call, row)]
        if proved:
            return proved
        if len(listing) > 1:
            raise self._unknown(
                call,
                f"{len(listing)} receivers name {equipment}, and no running job's actuals do: {', '.join(listing)}",
            )
        # One of these may be the machine's job, but nothing proves it.
        asking = next((row for row in unproved if mapping.may_concern(row, equipment)), None)
        if asking is not None:
            raise self._unknown(
                call,
                f"job {asking.id} of receiver {asking.receiver} may be on {equipment}, and nothing proves it: neither "
                "does the receiver name the machine as its own, nor do the job's actuals",
            )
        if listing:
            return []
        raise self._unknown(
            call,
            f"the MES does not know equipment {equipment}: no receiver names it and no running job's actuals do. An "
            "equipment class names no machine",
        )

    def _unknown(self, call: Call, problem: str) -> ActionRequired:
        return call.error(ActionRequired, problem, field="equipment")

    def _silent(self, answer: Answer) -> bool:
        """Whether an answer of this server says neither that it did anything nor that it did not."""
        return self._settings.silent_success and answer == Answer(0, good=True)

    def _insist_on_certain(self, call: Call, rows: Iterable[JobOrderRow]) -> None:
        """Checks that the server is sure of the jobs of a machine.

        Raises:
            Unavailable: it is not. Nothing is held on doubtful values.
        """
        for row in rows:
            if row.doubt is not None:
                raise call.error(Unavailable, f"the list of receiver {row.receiver} is uncertain ({row.doubt})")

    async def _insist_on_methods(self, call: Call, plan: HoldPlan) -> None:
        """Checks before a call that the receiver can release what it holds.

        Raises:
            ActionRequired: a method is missing.
        """
        lever = LEVERS.get(plan.method)
        if lever is None or plan.receiver is None:
            return
        missing = await self._client.missing(call, plan.receiver, (lever.place, lever.release))
        if missing:
            raise call.error(
                ActionRequired,
                f"receiver {plan.receiver} has no method {' and no method '.join(missing)}: a hold takes {lever.place} "
                f"and {lever.release}",
                field="equipment",
            )

    async def _command(
        self,
        call: Call,
        method: str,
        row: JobOrderRow,
        comments: tuple[str, ...],
        target: HoldTarget | None = None,
    ) -> Answer:
        try:
            return await self._client.command(call, method, row, comments, target)
        finally:
            self._jobs.forget()

    async def _job(self, call: Call, plan: HoldPlan) -> tuple[JobOrderRow | None, JobState | None]:
        orders = await self._client.job_orders(call)
        for job in orders.unreadable:
            if mapping.hides_job(job, plan):
                raise self._hidden(call, job)
        row = await self._row(call, plan, orders.rows)
        if row is not None:
            self._insist_on_certain(call, [row])
        return row, self._state(call, row)

    def _insist_on_readable(self, call: Call, orders: JobOrders, equipment: str) -> None:
        """Checks that no job that cannot be read may be on an equipment.

        Raises:
            ActionRequired: one may be. The state of the machine is unknown.
            Unavailable, Refused: a whole list has a bad or uncertain status, by its meaning.
        """
        for job in orders.unreadable:
            if mapping.may_hide(job, equipment):
                raise self._hidden(call, job)

    def _hidden(self, call: Call, job: UnreadableJob) -> ConnectorError:
        if job.status is None:
            return call.error(ActionRequired, job.words, field="JobOrderList")
        if not job.status.startswith("Bad"):
            return call.error(Unavailable, job.words)
        error, words = meaning_of(job.status)
        return call.error(error, f"{job.words} ({words})")

    async def _row(self, call: Call, plan: HoldPlan, rows: tuple[JobOrderRow, ...]) -> JobOrderRow | None:
        """The plan's job in the plan's receiver. If the receiver is missing, the state of its jobs is unknown."""
        if plan.receiver is not None and plan.receiver not in await self._client.served(call):
            raise call.error(Unavailable, f"it has no job order receiver {plan.receiver} now")
        if not any(plan.receiver in (None, row.receiver) for row in rows):
            # A server that has just started may list no jobs yet, so the state of its jobs is unknown.
            raise call.error(Unavailable, f"receiver {plan.receiver} lists no job order now")
        return mapping.job_of(plan, rows)

    async def _insist_on_machine(self, call: Call, plan: HoldPlan, row: JobOrderRow) -> None:
        """Checks before a call that the job is still on the plan's machine: a restarted server may have given the
        receiver's name to another receiver.

        Raises:
            ActionRequired: it is no longer proved.
        """
        if plan.receiver is None or mapping.proves_machine(row, plan.equipment):
            return
        if plan.equipment not in await self._client.actuals(call, row):
            raise self._unknown(
                call, f"nothing proves any more that job {plan.job} of receiver {plan.receiver} is on {plan.equipment}"
            )

    def _state(self, call: Call, row: JobOrderRow | None) -> JobState | None:
        try:
            return mapping.state_of(row) if row else None
        except ValueError as error:
            raise self._unreadable(call, error) from None

    async def _settled(self, call: Call, plan: HoldPlan, lever: Lever, wanted: HoldState) -> JobState | None:
        """A job's state after it has reached the state that a command requested, or after the time for that."""

        async def look() -> JobState | None:
            _, state = await self._job(call, plan)
            return state

        def settled(state: JobState | None) -> bool:
            # A job that has left both states does not return to either.
            moved_on = state not in lever.held | lever.free
            return mapping.standing(plan, state) is wanted or moved_on

        longest = self._settings.settle.total_seconds()
        return await wait_until(look, settled, every=_SETTLING_STEP_SECONDS, timeout=longest)

    def _refusal(self, call: Call, answer: Answer) -> ConnectorError:
        error, words = mapping.refusal(answer.status)
        return call.error(error, words)

    async def _insist_on(self, call: Call, equipment: str, rows: tuple[JobOrderRow, ...]) -> None:
        if any(mapping.may_be_on(row, equipment) for row in rows):
            return
        served = (await self._client.served(call)).values()
        if not any(each.names_none or each.lists(equipment) for each in served):
            raise self._unknown(call, f"the MES does not know equipment {equipment}")

    def _translated(self, call: Call, jobs: JobList, equipment: str) -> ProductionContext:
        settings = self._settings
        try:
            return mapping.production(
                jobs.orders.rows, equipment, jobs.read_at, settings.stop_masters, settings.shortest_stop
            )
        except ValueError as error:
            raise self._unreadable(call, error) from None

    def _unreadable(self, call: Call, error: ValueError) -> Refused:
        return call.error(Refused, f"unreadable JobOrderList: {error}")
