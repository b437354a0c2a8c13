"""An OPC UA ISA-95 Job Control server as an MES."""

import asyncio

from connectors.call import Call
from connectors.mes.opcua_job_control import mapping
from connectors.mes.opcua_job_control.client import JobControlClient
from connectors.mes.opcua_job_control.job_list import JobList, SharedJobList
from connectors.mes.opcua_job_control.mapping import LEVERS, SUCCESS, SYSTEM
from connectors.mes.opcua_job_control.models import JobOrderRow
from connectors.mes.opcua_job_control.settings import JobControlSettings
from domain.clock import Clock
from domain.errors import ActionRequired, Refused, Unavailable
from domain.keys import hold_comment
from domain.production import HoldEnforcement, HoldPlan, HoldState, JobState, ProductionContext

_SETTLING_STEP_SECONDS = 0.05


class JobControlMes:
    """The port `Mes` over Job Control; see `domain.ports.Mes` for what each method promises.

    The standard lets nobody read the comment of a hold back. So a hold counts as ours only where the job was in the
    plan's prior state just before our call and the call was answered with success.
    """

    def __init__(self, settings: JobControlSettings, clock: Clock) -> None:
        self._settings = settings
        self._client = JobControlClient(settings)
        self._jobs = SharedJobList(self._client.job_orders, clock, settings.shared_for)
        self._acting = asyncio.Lock()

    @property
    def enforcement(self) -> HoldEnforcement:
        return self._settings.enforcement

    async def close(self) -> None:
        """Ends the connection to the server."""
        await self._client.close()

    async def check(self) -> str:
        count = await self._client.receivers(Call("check"))
        user = self._settings.user or "an anonymous user"
        receivers = "one job order receiver" if count == 1 else f"{count} job order receivers"
        return f"ISA-95 Job Control v2 at {self._settings.url} answers with {receivers}; signed in as {user}"

    async def read_production(self, equipment: str) -> ProductionContext:
        """See the port. `read_at` is when the list was read, which may have been for another case a moment before."""
        call = Call("read-production")
        jobs = await self._jobs.recent(call)
        await self._insist_on(call, equipment, jobs.rows)
        return self._translated(call, jobs, equipment)

    async def plan_hold(self, equipment: str, key: str) -> HoldPlan:
        call = Call("plan-hold", key)
        rows = await self._client.job_orders(call)
        await self._insist_on(call, equipment, rows)
        try:
            return mapping.hold_plan(mapping.current_job(rows, equipment, self._settings.stop_masters), equipment, key)
        except ValueError as error:
            raise self._unreadable(call, error) from None

    async def place_hold(self, plan: HoldPlan, reason: str) -> HoldState:
        """See the port. GONE where the job has left the prior state without being held: plan again."""
        call = Call("place-hold", plan.key)
        lever = LEVERS.get(plan.method)
        if lever is None:
            return HoldState.ABSENT
        async with self._acting:
            row, state = await self._job(call, plan)
            if state is lever.held:
                raise self._unproven(call, plan)
            if row is None or state is not lever.prior:
                return mapping.standing(plan, state)
            answer = await self._command(call, lever.place, row, (hold_comment(plan.key), reason))
            after = await self._settled(call, plan, lever.prior if answer & SUCCESS else None)
            if answer & SUCCESS:
                return self._moved(call, plan, after, left=HoldState.ABSENT)
            if after is HoldState.HELD:
                raise self._unproven(call, plan)
            return self._declined(call, answer, after, HoldState.ABSENT)

    async def read_hold(self, plan: HoldPlan) -> HoldState:
        if plan.method not in LEVERS:
            return HoldState.ABSENT
        _, state = await self._job(Call("read-hold", plan.key), plan)
        return mapping.standing(plan, state)

    async def release_hold(self, plan: HoldPlan, reason: str) -> HoldState:
        call = Call("release-hold", plan.key)
        lever = LEVERS.get(plan.method)
        if lever is None:
            return HoldState.ABSENT
        async with self._acting:
            row, state = await self._job(call, plan)
            if row is None or state is not lever.held:
                return mapping.standing(plan, state)
            answer = await self._command(call, lever.release, row, (hold_comment(plan.key), reason))
            after = await self._settled(call, plan, lever.held if answer & SUCCESS else None)
            if answer & SUCCESS:
                return self._moved(call, plan, after, left=HoldState.HELD)
            return self._declined(call, answer, after, HoldState.HELD)

    async def _command(self, call: Call, method: str, row: JobOrderRow, comments: tuple[str, ...]) -> int:
        try:
            return await self._client.command(call, method, row, comments)
        finally:
            self._jobs.forget()

    async def _job(self, call: Call, plan: HoldPlan) -> tuple[JobOrderRow | None, JobState | None]:
        rows = await self._client.job_orders(call)
        row = next((row for row in rows if row.id == plan.job), None)
        try:
            return row, mapping.state_of(row) if row else None
        except ValueError as error:
            raise self._unreadable(call, error) from None

    async def _settled(self, call: Call, plan: HoldPlan, leaving: JobState | None) -> HoldState:
        """How the plan stands once its job has left a state, or the time for that has passed."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._settings.settle.total_seconds()
        while True:
            _, state = await self._job(call, plan)
            if state is not leaving or leaving is None or loop.time() >= until:
                return mapping.standing(plan, state)
            await asyncio.sleep(_SETTLING_STEP_SECONDS)

    def _moved(self, call: Call, plan: HoldPlan, after: HoldState, *, left: HoldState) -> HoldState:
        if after is left:
            raise Unavailable(
                f"it took the command, but job {plan.job} has not changed its state yet",
                system=SYSTEM,
                operation=call.operation,
                key=call.key,
            )
        return after

    def _declined(self, call: Call, answer: int, after: HoldState, unmoved: HoldState) -> HoldState:
        """What a refused command means: an error where the job is as it was, else how it stands without us."""
        if after is not unmoved:
            return after
        error, words = mapping.refusal(answer)
        raise error(words, system=SYSTEM, operation=call.operation, key=call.key)

    async def _insist_on(self, call: Call, equipment: str, rows: tuple[JobOrderRow, ...]) -> None:
        if any(equipment in row.equipment for row in rows):
            return
        served = await self._client.equipment(call)
        if served is not None and equipment not in served:
            raise ActionRequired(
                f"the MES does not know equipment {equipment}",
                system=SYSTEM,
                operation=call.operation,
                key=call.key,
                field="equipment",
            )

    def _translated(self, call: Call, jobs: JobList, equipment: str) -> ProductionContext:
        settings = self._settings
        try:
            return mapping.production(jobs.rows, equipment, jobs.read_at, settings.stop_masters, settings.shortest_stop)
        except ValueError as error:
            raise self._unreadable(call, error) from None

    def _unproven(self, call: Call, plan: HoldPlan) -> ActionRequired:
        return ActionRequired(
            f"job {plan.job} is held already, and it cannot be proved that the hold is ours: "
            "see in the MES who placed it, and release it there or take it over here",
            system=SYSTEM,
            operation=call.operation,
            key=call.key,
        )

    def _unreadable(self, call: Call, error: ValueError) -> Refused:
        return Refused(f"unreadable JobOrderList: {error}", system=SYSTEM, operation=call.operation, key=call.key)
