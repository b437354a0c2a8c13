"""A fake MES with one job, which can be told to fail."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.errors import ConnectorError, NotProved
from domain.lots import MadeLot
from domain.operating import MachineState, OperatingState
from domain.production import (
    HoldEnforcement,
    HoldMethod,
    HoldPlan,
    HoldReading,
    HoldState,
    HoldTarget,
    Job,
    JobState,
    PlaceResult,
    ProductionContext,
)
from tests.support.plant import TestClock


class Failing:
    """What is to go wrong next: errors raised in turn, before or after the call took effect."""

    def __init__(self) -> None:
        self.before: list[ConnectorError] = []
        self.after: list[ConnectorError] = []

    def enter(self) -> None:
        if self.before:
            raise self.before.pop(0)

    def leave(self) -> None:
        if self.after:
            raise self.after.pop(0)


TARGET = HoldTarget(receiver="R1", application_uri="urn:fake", namespace="urn:fake:machines", certificate=None)


@dataclass
class FakeMes:
    """One job that runs until it is held."""

    clock: TestClock
    failing: Failing = field(default_factory=Failing)
    state: JobState = JobState.RUNNING
    acts: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    """What the job was told with each release."""
    target: HoldTarget = TARGET
    refuses_release: ConnectorError | None = None
    made: Sequence[MadeLot] | None = None
    """The lots that it says the machine made; None if it does not say."""
    refuses_lots: ConnectorError | None = None
    lots_asked: list[tuple[datetime, datetime]] = field(default_factory=list)
    doing: MachineState = MachineState.RUNNING
    """What it says that each machine does."""
    states_failing: Failing = field(default_factory=Failing)
    """How the reading of states fails, which the steps of a case know nothing of."""

    async def check(self) -> str:
        return "fake"

    async def read_states(self, equipment: Collection[str]) -> Mapping[str, OperatingState]:
        self.states_failing.enter()
        said = OperatingState(state=self.doing, word=self.doing.value, read_at=self.clock.now())
        return dict.fromkeys(equipment, said)

    async def read_production(self, equipment: str) -> ProductionContext:
        self.failing.enter()
        now = self.clock.now()
        job = Job(id="J1", state=self.state, starts_at=now, ends_at=now + timedelta(hours=6))
        return ProductionContext(equipment=equipment, read_at=now, job=job, next_stop_at=now + timedelta(days=3))

    async def hold_target(self, equipment: str) -> HoldTarget:
        del equipment
        self.failing.enter()
        return self.target

    async def plan_hold(self, equipment: str, key: str) -> HoldPlan:
        self.failing.enter()
        method = HoldMethod.PAUSE if self.state is JobState.RUNNING else HoldMethod.ALREADY_HELD
        return HoldPlan(
            key=key,
            equipment=equipment,
            receiver="R1",
            job="J1",
            prior_state=self.state,
            method=method,
            target=self.target,
        )

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        del reason
        self.failing.enter()
        if self.state is JobState.INTERRUPTED:
            return PlaceResult.HELD_ALREADY
        if plan.target is not None and plan.target != self.target:
            raise NotProved("another server than planned", system="fake", operation="place-hold", field="target")
        self.state = JobState.INTERRUPTED
        self.acts.append(f"hold {plan.key}")
        self.failing.leave()
        return PlaceResult.IN_EFFECT

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        del plan
        if self.state is JobState.ENDED:
            return HoldReading(state=HoldState.GONE, read_at=self.clock.now())
        state = HoldState.HELD if self.state is JobState.INTERRUPTED else HoldState.ABSENT
        return HoldReading(state=state, read_at=self.clock.now())

    async def release_hold(self, plan: HoldPlan, reason: str) -> HoldState:
        self.failing.enter()
        if self.refuses_release is not None:
            raise self.refuses_release
        if self.state is JobState.INTERRUPTED:
            self.state = JobState.RUNNING
            self.acts.append(f"release {plan.key}")
            self.reasons.append(reason)
        self.failing.leave()
        return HoldState.ABSENT

    async def marked_holds(self) -> None:
        """It does not say whose a hold is."""

    async def lots_made(self, equipment: str, from_at: datetime, until_at: datetime) -> Sequence[MadeLot] | None:
        del equipment
        self.lots_asked.append((from_at, until_at))
        if self.refuses_lots is not None:
            raise self.refuses_lots
        return self.made

    def people_release(self) -> None:
        """Somebody there lets the job run."""
        self.state = JobState.RUNNING

    @property
    def enforcement(self) -> HoldEnforcement:
        return HoldEnforcement.ENFORCED
