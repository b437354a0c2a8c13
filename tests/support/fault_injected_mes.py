"""An MES that keeps its port's promises to the letter; every call of it may be interrupted."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from domain.errors import ConnectorError, NotProved, Unavailable
from domain.operating import OperatingState
from domain.production import (
    HoldEnforcement,
    HoldMethod,
    HoldPlan,
    HoldReading,
    HoldState,
    HoldTarget,
    Job,
    JobState,
    MarkedHold,
    PlaceResult,
    ProductionContext,
)
from tests.support.fault_injection import vendor_call
from tests.support.plant import TestClock

T = TypeVar("T")
_PERSON = "a person of the MES"
TARGET = HoldTarget(receiver="R", application_uri="urn:fake", namespace="urn:fake:machines", certificate="ab" * 32)


class FaultInjectedMes:
    """One machine with one job at a time, that one hold at most keeps from running."""

    def __init__(self, clock: TestClock) -> None:
        self._clock = clock
        self.job = 1
        self.holder: str | None = None
        self.wrongly_released: list[str] = []
        self.placed: list[tuple[str, int]] = []
        """Every placement: the hold's key and the job."""
        self.started: list[str] = []
        """The keys of the holds with which a call of ours let the machine run."""
        self.refuses: ConnectorError | None = None
        """How it refuses to place a hold."""
        self.late = False
        """Whether it accepts a hold and the job goes on running until `follow`."""
        self._coming: str | None = None
        self.method = HoldMethod.PAUSE
        """How it keeps a job from running."""
        self.asked_to_release = 0
        """How often it was asked to let a job run."""
        self.target = TARGET
        """What a hold goes through."""
        self.idle = False
        """Whether the machine has no job."""
        self.away = False
        self.tells_marks = False
        """Whether it says whose a hold is."""
        self.answers_twice = False
        """Whether each call that places or releases reaches it twice, and the second answer is told."""
        self.loses_answer = False
        """Whether the answer to the next release is lost."""
        self.enforcement = HoldEnforcement.ENFORCED
        self.reads_as_of: datetime | None = None
        """When what is read was read, where that is some time ago."""

    async def check(self) -> str:
        return "fake"

    async def read_production(self, equipment: str) -> ProductionContext:
        return await vendor_call(lambda: self._production(equipment))

    async def read_states(self, equipment: Collection[str]) -> Mapping[str, OperatingState]:
        return {}

    async def hold_target(self, equipment: str) -> HoldTarget:
        return await vendor_call(lambda: self.target)

    async def plan_hold(self, equipment: str, key: str) -> HoldPlan:
        return await vendor_call(lambda: self._plan(equipment, key))

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        return await vendor_call(lambda: self._told(lambda: self._place(plan)))

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        return await vendor_call(
            lambda: HoldReading(state=self._read(plan), read_at=self.reads_as_of or self._clock.now())
        )

    async def release_hold(self, plan: HoldPlan, reason: str) -> HoldState:
        return await vendor_call(lambda: self._told(lambda: self._release(plan)))

    async def marked_holds(self) -> Sequence[MarkedHold] | None:
        if not self.tells_marks:
            return None
        ours = self.holder if self.holder not in (None, _PERSON) else None
        return [MarkedHold(key=ours, place="R")] if ours is not None else []

    async def lots_made(self, equipment: str, from_at: datetime, until_at: datetime) -> None:
        """It does not say which lots a machine made."""
        await vendor_call(lambda: None)

    def people_hold(self) -> None:
        """Somebody there pauses the job for reasons of their own."""
        self.holder = self.holder or _PERSON

    def people_release(self) -> None:
        """Somebody there lets the job run, whoever held it."""
        self.holder = None

    def next_job(self) -> None:
        """The job is broken off and another begins; a hold ends with its job."""
        self.job += 1
        self.holder = self._coming = None

    def follow(self) -> None:
        """A hold that was accepted comes into effect."""
        self.holder, self._coming = self.holder or self._coming, None

    def _told(self, effect: Callable[[], T]) -> T:
        if self.answers_twice:
            effect()
        return effect()

    def _production(self, equipment: str) -> ProductionContext:
        state = JobState.INTERRUPTED if self.holder else JobState.RUNNING
        return ProductionContext(
            equipment=equipment, read_at=self.reads_as_of or self._clock.now(), job=Job(id=f"J{self.job}", state=state)
        )

    def _plan(self, equipment: str, key: str) -> HoldPlan:
        prior = JobState.INTERRUPTED if self.holder else JobState.RUNNING
        method = HoldMethod.ALREADY_HELD if self.holder else self.method
        job = f"J{self.job}"
        if self.idle:
            return HoldPlan(key=key, equipment=equipment, job=None, prior_state=None, method=HoldMethod.NOTHING_TO_HOLD)
        return HoldPlan(
            key=key,
            equipment=equipment,
            receiver="R",
            job=job,
            prior_state=prior,
            method=method,
            target=self.target,
        )

    def _place(self, plan: HoldPlan) -> PlaceResult:
        if plan.job != f"J{self.job}":
            return PlaceResult.MOVED_ON
        if self.holder is not None:
            return PlaceResult.HELD_ALREADY
        if plan.target is not None and plan.target != self.target:
            raise NotProved("another server than planned", system="fake", operation="place-hold", field="target")
        if self.refuses is not None:
            raise self.refuses
        self.placed.append((plan.key, self.job))
        if self.late:
            self._coming = plan.key
            return PlaceResult.ACCEPTED
        self.holder = plan.key
        return PlaceResult.IN_EFFECT

    def _read(self, plan: HoldPlan) -> HoldState:
        if self.away:
            raise Unavailable("503", system="fake", operation="read-hold")
        if plan.job != f"J{self.job}":
            return HoldState.GONE
        return HoldState.HELD if self.holder else HoldState.ABSENT

    def _release(self, plan: HoldPlan) -> HoldState:
        self.asked_to_release += 1
        state = self._read(plan)
        if state is HoldState.HELD:
            if self.holder != plan.key:
                self.wrongly_released.append(f"{self.holder} by {plan.key}")
            self.started.append(plan.key)
            self.holder = None
            if self.loses_answer:
                self.loses_answer = False
                raise Unavailable("the connection was dropped", system="fake", operation="release-hold")
            return HoldState.ABSENT
        return state
