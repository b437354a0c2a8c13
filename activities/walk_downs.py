"""Sees a walk-down through: holds one job of the machine, waits for the two persons, and lets it run on their word."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from temporalio import activity

from activities.instances import instance
from domain.clock import Clock
from domain.errors import ActionRequired, ActRejected, Refused, Unavailable
from domain.holds import ACCEPTED_LATE
from domain.model import Model
from domain.ports import Mes
from domain.production import HoldMethod, HoldPlan, HoldState, PlaceResult
from domain.walk_downs import LATE, WalkDown, WalkDowns, WalkDownState

_SOON = timedelta(seconds=5)
_AFTER_FAILURE = timedelta(seconds=15)
_RECORD = "record"
_FOUND_HELD = "the job was found held; the answer to our call was lost, or somebody else held it"
_HELD_STILL = "the job is held, though the MES was told to let it run; somebody else may hold it"
_JOB_ENDED = "the job ended during the walk-down"
_LET_RUN = "a person let the job run in the MES"


class WalkDownRef(Model):
    """Names a walk-down: all that a step needs to be told."""

    walk_down: str


class WalkDownRoute(Model):
    """The MES instance that the calls of a walk-down go to; empty if the installation names none."""

    mes: str


class WalkDownProgress(Model):
    """Whether a walk-down is over. One that is not has been put to rest until something wakes it."""

    done: bool


class _Rest(Model):
    """Until when a walk-down waits, and what for."""

    until: datetime
    waiting_for: str


class WalkDownSteps:
    """Carries out walk-downs.

    Args:
        walk_downs: the walk-downs in storage.
        mes: the MES that holds the jobs, by the id of each instance.
        clock: the plant's time.
        interval: how often the state of a held job is read from the MES.
    """

    def __init__(self, walk_downs: WalkDowns, mes: Mapping[str, Mes], clock: Clock, interval: timedelta) -> None:
        self._walk_downs = walk_downs
        self._mes = mes
        self._clock = clock
        self._interval = interval

    @activity.defn(name="route-walk-down")
    async def route_walk_down(self, ref: WalkDownRef) -> WalkDownRoute:
        """The instance whose queue the calls use. If the installation names it no more, it is another one: then the
        step calls nothing, and says so."""
        system = await self._walk_downs.system_of(ref.walk_down)
        return WalkDownRoute(mes=system if system in self._mes else next(iter(self._mes)))

    @activity.defn(name="advance-walk-down")
    async def advance_walk_down(self, ref: WalkDownRef) -> WalkDownProgress:
        """Does what is to be done now, and reads the result back. Done when the machine is not held by it any more.

        Each call to the MES is kept in storage before it is made. A call whose answer was lost is not made again: then
        it cannot be proved whose hold it is, and a person is asked.

        Raises:
            StorageUnavailable: the engine retries the activity.
        """
        try:
            walk_down, seen = await self._walk_downs.read(ref.walk_down)
            rest = await self._pass(walk_down)
        except ActRejected as error:
            activity.logger.error("no walk-down is carried out: %s", error)
            return WalkDownProgress(done=True)
        except ActionRequired as error:
            if error.system != _RECORD:
                raise
            activity.logger.error("walk-down %s stands still: %s", ref.walk_down, error)
            return WalkDownProgress(done=True)
        await self._walk_downs.rest(
            ref.walk_down, seen, None if rest is None else rest.until, None if rest is None else rest.waiting_for
        )
        return WalkDownProgress(done=rest is None)

    async def _pass(self, walk_down: WalkDown) -> _Rest | None:
        """One pass; None where the walk-down is over."""
        if not walk_down.state.live:
            return None
        try:
            if walk_down.state is WalkDownState.BEGUN:
                return await self._hold(walk_down)
            if walk_down.state is WalkDownState.RELEASING:
                return await self._let_run(walk_down)
            return await self._watch(walk_down)
        except Unavailable as error:
            wait = max(_AFTER_FAILURE, error.retry_after or timedelta())
            return self._rest(wait, f"{error.system} to answer: {error.problem}")
        except (ActionRequired, Refused) as error:
            if error.system == _RECORD:
                raise
            return self._rest(_AFTER_FAILURE, f"a person to correct {error.system}: {error.problem}")

    def _rest(self, wait: timedelta, waiting_for: str) -> _Rest:
        return _Rest(until=self._clock.now() + wait, waiting_for=waiting_for)

    def _mes_of(self, walk_down: WalkDown) -> Mes:
        return instance(self._mes, walk_down.system, "MES", "walk-down")

    async def _failed(self, walk_down: WalkDown, reason: str) -> _Rest | None:
        await self._walk_downs.fail(walk_down.key, reason)
        return None

    async def _hold(self, walk_down: WalkDown) -> _Rest | None:
        """Holds the machine's job, unless that is too late."""
        plan = walk_down.plan
        late = self._clock.now() > walk_down.until
        if plan is None:
            if late:
                return await self._failed(walk_down, LATE)
            return await self._plan(walk_down)
        if walk_down.accepted_at is None:
            # A step that was interrupted may have called the MES. The call looks at the job first, and holds it once.
            stopped = LATE if late else await self._walk_downs.intend(walk_down.key, plan)
            if stopped is not None:
                return await self._find(walk_down, plan, stopped)
            return await self._place(walk_down, plan)
        reading = await self._mes_of(walk_down).read_hold(plan)
        if reading.state is HoldState.HELD:
            await self._walk_downs.record_held(walk_down.key, reading.read_at)
            return self._for_maintenance(walk_down)
        if reading.state is HoldState.GONE:
            return await self._failed(walk_down, _JOB_ENDED)
        if late and self._clock.now() - walk_down.accepted_at > ACCEPTED_LATE:
            return await self._failed(walk_down, "the MES accepted the hold, and the job was never read as held")
        return self._rest(_SOON, f"the MES to hold job {walk_down.job}: it accepted that, and the job runs")

    async def _plan(self, walk_down: WalkDown) -> _Rest | None:
        try:
            plan = await self._mes_of(walk_down).plan_hold(walk_down.equipment, walk_down.key)
        except (ActionRequired, Refused) as error:
            return await self._failed(walk_down, f"{error.system}: {error.problem}")
        if plan.method is HoldMethod.NOTHING_TO_HOLD:
            return await self._failed(
                walk_down, f"{walk_down.equipment} has no job that could be held: begin while one runs or may start"
            )
        if not plan.method.acts:
            return await self._failed(
                walk_down, f"job {plan.job} of {walk_down.equipment} does not run: begin while one runs or may start"
            )
        if (stopped := await self._walk_downs.intend(walk_down.key, plan)) is not None:
            return await self._failed(walk_down, stopped)
        return await self._place(walk_down.model_copy(update={"plan": plan}), plan)

    async def _place(self, walk_down: WalkDown, plan: HoldPlan) -> _Rest | None:
        reason = f"walk-down of {walk_down.machine} by {walk_down.begun.by}"
        try:
            result = await self._mes_of(walk_down).place_hold(plan, reason)
        except (ActionRequired, Refused) as error:
            return await self._failed(walk_down, f"{error.system} does not hold the job: {error.problem}")
        if result is PlaceResult.IN_EFFECT:
            await self._walk_downs.record_held(walk_down.key, self._clock.now())
            return self._for_maintenance(walk_down)
        if result is PlaceResult.ACCEPTED:
            await self._walk_downs.record_accepted(walk_down.key)
            return self._rest(_SOON, f"the MES to hold job {plan.job}: it accepted that")
        if result is PlaceResult.HELD_ALREADY:
            await self._walk_downs.doubt(walk_down.key, _FOUND_HELD)
            return self._unproven(walk_down)
        return await self._failed(walk_down, "the job moved on before it could be held: begin again")

    async def _find(self, walk_down: WalkDown, plan: HoldPlan, reason: str) -> _Rest | None:
        """Looks whether a call without an answer holds the job, where no other call is made for a reason."""
        reading = await self._mes_of(walk_down).read_hold(plan)
        if reading.state is HoldState.HELD:
            await self._walk_downs.doubt(walk_down.key, _FOUND_HELD)
            return self._unproven(walk_down)
        return await self._failed(walk_down, reason)

    async def _watch(self, walk_down: WalkDown) -> _Rest | None:
        """Reads the held job, and the server that has it, and says who is to act."""
        if walk_down.plan is None:
            return await self._failed(walk_down, LATE)
        reading = await self._mes_of(walk_down).read_hold(walk_down.plan)
        if reading.state is not HoldState.HELD:
            return await self._failed(walk_down, _JOB_ENDED if reading.state is HoldState.GONE else _LET_RUN)
        if walk_down.state is WalkDownState.UNPROVEN:
            return self._unproven(walk_down)
        reason = walk_down.reason or await self._fault(walk_down)
        if reason is not None:
            await self._walk_downs.record_fault(walk_down.key, reason)
            return self._rest(
                self._interval, f"production to release {walk_down.equipment}: the walk-down proves nothing, {reason}"
            )
        if walk_down.state is WalkDownState.HELD:
            return self._for_maintenance(walk_down)
        return self._until(walk_down, f"production to release {walk_down.equipment}")

    def _for_maintenance(self, walk_down: WalkDown) -> _Rest:
        return self._until(walk_down, f"maintenance to look at {walk_down.machine}: job {walk_down.job} is held")

    def _until(self, walk_down: WalkDown, waiting_for: str) -> _Rest:
        """A wait that ends with the time of the walk-down at the latest."""
        late_at = walk_down.until + timedelta(seconds=1)
        now = self._clock.now()
        return _Rest(
            until=min(now + self._interval, late_at) if late_at > now else now + self._interval,
            waiting_for=waiting_for,
        )

    def _unproven(self, walk_down: WalkDown) -> _Rest:
        return self._rest(
            self._interval,
            f"a person to look at {walk_down.equipment}: job {walk_down.job} is held, and it cannot be proved that the "
            "hold is ours; release it in the MES if it is not needed",
        )

    async def _fault(self, walk_down: WalkDown) -> str | None:
        """Why the walk-down proves nothing any more, though its machine is held."""
        if self._clock.now() > walk_down.until and walk_down.state is not WalkDownState.RELEASING:
            return LATE
        if walk_down.target is None:
            return "the MES did not tell through which server the hold goes"
        try:
            now = await self._mes_of(walk_down).hold_target(walk_down.equipment)
        except ActionRequired as error:
            return f"{error.system}: {error.problem}"
        changes = walk_down.target.changes(now)
        return f"the server changed during the walk-down: {changes}" if changes else None

    async def _let_run(self, walk_down: WalkDown) -> _Rest | None:
        """Carries out the release that production signed, once."""
        release, plan, key = walk_down.release, walk_down.plan, walk_down.key
        if release is None or plan is None or not await self._walk_downs.revalidate_release(key, release):
            return self._rest(timedelta(), f"production to release {walk_down.equipment} again: the release lapsed")
        mes = self._mes_of(walk_down)
        reading = await mes.read_hold(plan)
        called = walk_down.release_called_at is not None
        if reading.state is HoldState.HELD and called:
            await self._walk_downs.doubt(key, _HELD_STILL)
            return self._unproven(walk_down)
        if reading.state is HoldState.HELD:
            if (fault := await self._fault(walk_down)) is not None:
                await self._walk_downs.record_fault(key, fault)
            await self._walk_downs.record_release_call(key, unanswered=True)
            try:
                await mes.release_hold(plan, f"{key}: {release.meaning}")
            except (ActionRequired, Refused):
                await self._walk_downs.record_release_call(key, unanswered=False)
                raise
            called, reading = True, await mes.read_hold(plan)
        if reading.state is HoldState.GONE:
            return await self._failed(walk_down, f"{_JOB_ENDED} before it was read as running")
        if reading.state is HoldState.ABSENT and called:
            await self._walk_downs.finish(key, reading.read_at)
            return None
        if reading.state is HoldState.ABSENT:
            return await self._failed(walk_down, _LET_RUN)
        return self._rest(_AFTER_FAILURE, f"the MES to let job {walk_down.job} run: it accepted that")
