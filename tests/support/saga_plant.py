"""A CMMS, an MES and twins that implement their ports exactly, with cases that are run call by call."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from activities.autonomy import Autonomy
from activities.holds import Holds
from activities.outcomes import Outcomes
from activities.progress import CaseRef, Progress
from activities.proposals import Proposals
from activities.work_orders import Polled, PollSystem, WorkOrders
from domain.anomaly import Anomaly
from domain.autonomy import AutonomyTerms
from domain.canonical import Json
from domain.cases import CaseView, Evidence, Phase
from domain.counterfactuals import Counterfactuals
from domain.errors import ActionRequired, ActRejected, ConnectorError, StorageUnavailable, Unavailable
from domain.holds import Release
from domain.production import (
    READY_TO_RUN,
    HoldEnforcement,
    HoldMethod,
    HoldPlan,
    HoldReading,
    HoldState,
    Job,
    JobState,
    PlaceResult,
    ProductionContext,
)
from domain.verdict import Context, Memory, RuleWords, Rung, Urgency, UrgencyDecision, Verdict
from domain.work_orders import (
    ChangePage,
    CompletionReport,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)
from tests.support.fault_injection import Crash, Played, pause, vendor_call
from tests.support.memory_store import MemoryStore
from tests.support.plant import START, TestClock, register
from tests.workflows.fake_plant import FakeCodes
from workflows.maintenance_case import MaintenanceCase, Where

EQUIPMENT = "EQ-001"
WATCH = timedelta(minutes=5)
_PAGE = 2
_PERSON = "a person of the MES"


class FaultInjectedCmms:
    """Orders by key, and a log of their changes that pages are read from."""

    def __init__(self, clock: TestClock) -> None:
        self._clock = clock
        self.orders: dict[str, WorkOrderRecord] = {}
        self.made: list[str] = []
        self.notes: list[str] = []
        self.demands: str | None = None
        """A field that a site requires and that we do not have."""
        self.asks_for: timedelta | None = None
        """The wait that it asks for (`retry_after`)."""
        self._log: list[str] = []

    async def check(self) -> str:
        return "fake"

    async def find_work_order(self, key: str) -> WorkOrderRecord | None:
        return await vendor_call(lambda: self.orders.get(key))

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        return await vendor_call(lambda: self._create(draft))

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        return await vendor_call(lambda: self.orders[ref.key])

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return await vendor_call(lambda: self._leave_waiting(ref.key, WorkOrderStatus.APPROVED))

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return await vendor_call(lambda: self._leave_waiting(ref.key, WorkOrderStatus.CANCELLED))

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        await vendor_call(lambda: self.notes.append(f"{note_key}: {text}"))

    async def changed_since(self, cursor: str | None) -> ChangePage:
        return await vendor_call(lambda: self._page(int(cursor or 0)))

    def people_move(self, key: str, status: WorkOrderStatus, problem: str | None = None) -> None:
        """A person in the CMMS changes an order that is not finished."""
        if key in self.orders and not self.orders[key].status.finished:
            report = CompletionReport(finished_at=self._clock.now(), problem=problem) if problem else None
            self._put(self.orders[key].ref, status, touched=True, report=report)

    def reopen(self, key: str) -> None:
        """A person in the CMMS opens a finished order again."""
        self._put(self.orders[key].ref, WorkOrderStatus.IN_PROGRESS, touched=True)

    def _create(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        if self.asks_for is not None:
            raise Unavailable("429", system="fake", operation="create-work-order", retry_after=self.asks_for)
        if self.demands is not None:
            raise ActionRequired("is required", system="fake", operation="create-work-order", field=self.demands)
        if draft.key not in self.orders:
            self.made.append(draft.key)
            status = WorkOrderStatus.APPROVED if draft.released else WorkOrderStatus.WAITING_APPROVAL
            self._put(WorkOrderRef(system="fake", id=str(1000 + len(self.orders)), key=draft.key), status)
        return self.orders[draft.key]

    def _leave_waiting(self, key: str, status: WorkOrderStatus) -> WorkOrderRecord:
        order = self.orders[key]
        waiting = order.status is WorkOrderStatus.WAITING_APPROVAL
        released = order.status is WorkOrderStatus.APPROVED
        if (waiting and status is WorkOrderStatus.APPROVED) or (
            (waiting or released) and status is WorkOrderStatus.CANCELLED and not order.touched
        ):
            self._put(order.ref, status, touched=order.touched)
        return self.orders[key]

    def _page(self, start: int) -> ChangePage:
        keys = self._log[start : start + _PAGE]
        return ChangePage(records=tuple(self.orders[key] for key in keys), cursor=str(start + len(keys)))

    def _put(
        self,
        ref: WorkOrderRef,
        status: WorkOrderStatus,
        *,
        touched: bool = False,
        report: CompletionReport | None = None,
    ) -> None:
        self.orders[ref.key] = WorkOrderRecord(
            ref=ref,
            status=status,
            vendor_status=status.value,
            changed_at=self._clock.now(),
            touched=touched,
            report=report,
        )
        self._log.append(ref.key)


class FaultInjectedMes:
    """One machine with one job at a time, which at most one hold keeps from running."""

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
        self.idle = False
        """Whether the machine has no job."""
        self.away = False
        self.loses_answer = False
        """Whether the answer to the next release is lost."""
        self.reads_as_of: datetime | None = None
        """When what is read was read, where that is some time ago."""

    @property
    def enforcement(self) -> HoldEnforcement:
        return HoldEnforcement.ENFORCED

    async def check(self) -> str:
        return "fake"

    async def read_production(self, equipment: str) -> ProductionContext:
        return await vendor_call(lambda: self._production(equipment))

    async def plan_hold(self, equipment: str, key: str) -> HoldPlan:
        return await vendor_call(lambda: self._plan(equipment, key))

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        return await vendor_call(lambda: self._place(plan))

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        return await vendor_call(
            lambda: HoldReading(state=self._read(plan), read_at=self.reads_as_of or self._clock.now())
        )

    async def release_hold(self, plan: HoldPlan, reason: str) -> HoldState:
        return await vendor_call(lambda: self._release(plan))

    def people_hold(self) -> None:
        """A person in the MES pauses the job for another reason."""
        self.holder = self.holder or _PERSON

    def people_release(self) -> None:
        """A person in the MES lets the job run, whoever held it."""
        self.holder = None

    def next_job(self) -> None:
        """The job ends early and another begins; a hold ends with its job."""
        self.job += 1
        self.holder = self._coming = None

    def follow(self) -> None:
        """A hold that was accepted comes into effect."""
        self.holder, self._coming = self.holder or self._coming, None

    def _production(self, equipment: str) -> ProductionContext:
        state = JobState.INTERRUPTED if self.holder else JobState.RUNNING
        return ProductionContext(
            equipment=equipment, read_at=self._clock.now(), job=Job(id=f"J{self.job}", state=state)
        )

    def _plan(self, equipment: str, key: str) -> HoldPlan:
        prior = JobState.INTERRUPTED if self.holder else JobState.RUNNING
        method = HoldMethod.ALREADY_HELD if self.holder else HoldMethod.PAUSE
        job = f"J{self.job}"
        if self.idle:
            return HoldPlan(key=key, equipment=equipment, job=None, prior_state=None, method=HoldMethod.NOTHING_TO_HOLD)
        return HoldPlan(key=key, equipment=equipment, receiver="R", job=job, prior_state=prior, method=method)

    def _place(self, plan: HoldPlan) -> PlaceResult:
        if plan.job != f"J{self.job}":
            return PlaceResult.MOVED_ON
        if self.holder is not None:
            return PlaceResult.HELD_ALREADY
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


class FaultInjectedTwins:
    """Stores twin patches, and lists the changes."""

    def __init__(self) -> None:
        self.holds_told: list[Json] = []
        """The states of holds that were written to it, without repetitions."""

    async def patch_twin(self, twin: str, properties: Mapping[str, Json]) -> str:
        return await vendor_call(lambda: self._patch(properties))

    def _patch(self, properties: Mapping[str, Json]) -> str:
        told = properties.get("holdState")
        if told is not None and self.holds_told[-1:] != [told]:
            self.holds_told.append(told)
        return "etag"


class SetTiming:
    """A judge for texts and urgency: holds are due a fixed time after the proposal."""

    def __init__(self, until_hold: timedelta) -> None:
        self._until_hold = until_hold
        self.unattended = False

    def urgency(
        self, version: str, verdict: Verdict, context: Context, production: ProductionContext | None, now: datetime
    ) -> UrgencyDecision:
        hold_at = now + self._until_hold if verdict.rung is Rung.WORK_ORDER_AND_HOLD else None
        return UrgencyDecision(urgency=Urgency.NOW, rule="set", because="It is set.", hold_at=hold_at, work_at=now)

    def counterfactuals(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> Counterfactuals:
        return Counterfactuals(rung="work_order", inputs=())

    def words(self, version: str, rule: str) -> RuleWords:
        return RuleWords(because="It is so.", response="Look at it.")

    def autonomy(self, version: str) -> AutonomyTerms:
        return AutonomyTerms(enforce=False, automatic=False)

    def releases_unattended(self, version: str, machine: str) -> bool:
        return self.unattended


class Nobody:
    """An engine that wakes no workflow: due subjects stay in storage."""

    async def wake(self, subjects: Sequence[str]) -> None:
        del subjects


class PlayedCase(MaintenanceCase):
    """The workflow of a case, whose activities are run call by call and retried for ever, as the engine does."""

    def __init__(self, case: str, activities: Sequence[object]) -> None:
        super().__init__(CaseRef(case=case))
        self._activities = {type(each).__name__: each for each in activities}
        self.wakes_awaited = False
        self.played = Played(self._story())

    async def _story(self) -> None:
        await self._propose()
        await self._review()
        await self._place()
        await self._wait_for_work()
        await self._learn()

    async def _execute(self, step: Callable[..., Awaitable[Progress]], where: Where) -> Progress:
        kind, _, name = step.__qualname__.partition(".")
        activity: Callable[[CaseRef], Awaitable[Progress]] = getattr(self._activities[kind], name)
        while True:
            try:
                return await activity(self._ref)
            except (Crash, StorageUnavailable):
                continue

    async def _woken_since(self, seen: int) -> None:
        while self._wakes <= seen:
            self.wakes_awaited = True
            await pause()
        self.wakes_awaited = False


class SagaPlant:
    """Cases of one machine, with the systems around them."""

    def __init__(self, until_hold: timedelta) -> None:
        self.clock = TestClock(START)
        self.store = MemoryStore(self.clock)
        self.cmms = FaultInjectedCmms(self.clock)
        self.mes = FaultInjectedMes(self.clock)
        self.twins = FaultInjectedTwins()
        judge = self.judge = SetTiming(until_hold)
        # If autonomy is not enforced, its store is never used.
        autonomy = Autonomy(judge, None)  # type: ignore[arg-type]  # as above
        self.orders = WorkOrders(
            self.store,
            self.store.holds,
            self.store,
            self.cmms,
            "fake",
            judge,  # type: ignore[arg-type]  # no step of a case judges
            autonomy,
            self.clock,
            Nobody(),
            WATCH,
        )
        self._activities = (
            Proposals(self.store, self.mes, judge, self.clock),  # type: ignore[arg-type]  # as above
            Holds(self.store, self.store.holds, self.mes, "fake", self.twins, judge, self.clock, WATCH),  # type: ignore[arg-type]  # nothing reads a twin, no step of a hold judges
            self.orders,
            Outcomes(self.store, self.twins, FakeCodes(), autonomy, self.clock),  # type: ignore[arg-type]  # nothing reads a twin
        )
        self.workflows: dict[str, PlayedCase] = {}

    def begin(self, case: str) -> None:
        """Starts a case's workflow, from nothing."""
        if case in self.workflows:
            self.workflows[case].played.leave()
        self.workflows[case] = PlayedCase(case, self._activities)

    def dispatch(self) -> bool:
        """Wakes the cases that are due; returns whether there were any."""
        now = self.clock.now()
        due = [case for case, row in self.store.due.items() if row.at is not None and row.at <= now]
        for case in due:
            if case not in self.workflows or self.workflows[case].played.ended:
                self.begin(case)
            self.workflows[case].wake()
        return bool(due)

    def release(self, key: str) -> None:
        """A person of production releases a hold here, where it is releasable."""
        release = Release(by="petra", meaning=READY_TO_RUN, reason="ready", at=self.clock.now())
        with contextlib.suppress(ActRejected):
            Played(self.store.holds.approve_release(key, release)).play()

    def poll(self) -> Played[Polled]:
        """A poll of the CMMS that has not begun."""
        return Played(self.orders.poll_changes(PollSystem(system="fake", interval=timedelta(minutes=5))))


def case_view(case: str, part: int, rung: Rung, *, mapped: bool = True) -> CaseView:
    """A case just opened on a component of the machine; `mapped` says whether the MES knows the machine."""
    assets = {asset.id: asset for asset in register().assets}
    asset, machine = assets[f"machine-001-comp{part}"], assets["machine-001"]
    seen = Evidence(
        at=START,
        detector="adx:volt",
        signal=None,
        value=None,
        score=None,
        baseline=None,
        unit=None,
        code=None,
        rung=rung,
    )
    return CaseView(
        id=case,
        phase=Phase.PROPOSE,
        asset=asset,
        machine=machine,
        failure_mode="PDE",
        context=Context(
            asset=asset.id, asset_class="pump", criticality=None, machine=machine.id, line="LINE-1", codes=1
        ),
        version="0" * 64,
        verdict=Verdict(
            policy="rotating-equipment",
            version="1.1.0",
            digest="0" * 64,
            rule="drawn",
            rung=rung,
            severity="S1",
            priority=1,
        ),
        rung=rung,
        opened_at=START,
        event_at=START,
        last_event_at=START,
        fed=1,
        evidence=(seen,),
        codes_seen=(),
        cmms_asset=f"M001-COMP{part}",
        cmms_attributes={},
        mes_equipment=EQUIPMENT if mapped else None,
        twin=asset.id,
        machine_twin=machine.id,
        urgency=None,
        production=None,
        decision=None,
        withdraw=None,
        draft=None,
        order=None,
        hold=None,
        outcome=None,
        twin_told=False,
        labelled=False,
        waiting_for=None,
        waiting_step=None,
        waiting_until=None,
        lane=None,
        attempts=0,
        closed_as=None,
    )
