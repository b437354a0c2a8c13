"""Cases that are run call by call, between a CMMS, an MES and twins whose every call may be interrupted."""

import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from activities.admissions import Admissions
from activities.autonomy import Autonomy
from activities.holds import Holds
from activities.order_changes import OrderChanges, Polled, PollSystem
from activities.outcomes import Outcomes
from activities.progress import CaseRef, Progress
from activities.proposals import Proposals
from activities.returns_to_normal import ReturnsToNormal
from activities.suspect_lots import LotLists
from activities.work_orders import WorkOrders
from domain.admission import CrewBound
from domain.anomaly import Anomaly, AnomalyKind
from domain.autonomy import AutonomyAdvice, AutonomyKey, AutonomyRecord, AutonomyState, AutonomyTerms
from domain.canonical import Json
from domain.cases import CaseView, Decision, Evidence, Phase
from domain.counterfactuals import Counterfactuals
from domain.dependents import Dependents
from domain.errors import ActRejected, StorageUnavailable
from domain.hold_proposals import HoldTerms
from domain.holds import HoldAgain, HoldStatus, Release
from domain.machine_test_runs import HOLD_AGAIN, JudgedReading
from domain.order_terms import OrderTerms
from domain.outcomes import OutcomeClass, OutcomeStatement
from domain.pricing import TimedFault
from domain.production import READY_TO_RUN, ProductionContext
from domain.return_to_normal import NormalTerms
from domain.site_codes import SiteCodes
from domain.twin_writes import ToldOutcome, TwinWrite
from domain.verdict import Context, Memory, RuleWords, Rung, Urgency, UrgencyDecision, Verdict
from tests.support.cmms import no_files, no_reconcile
from tests.support.fault_injected_cmms import FaultInjectedCmms
from tests.support.fault_injected_mes import TARGET, FaultInjectedMes
from tests.support.fault_injection import Crash, Played, pause, vendor_call
from tests.support.memory_normals import MemoryNormals
from tests.support.memory_store import MemoryStore
from tests.support.plant import START, TestClock, register
from tests.support.proposed_hold import hold_answer
from tests.support.twin_writes import taken
from tests.workflows.fake_plant import FakeCodes
from workflows.maintenance_case import MaintenanceCase, Where

EQUIPMENT = "EQ-001"
WATCH = timedelta(minutes=5)
REREAD = timedelta(days=1)
_CALLS_OF_A_PASS = 120
"""More than the calls between two waits of a case."""


class FaultInjectedTwins:
    """Stores twin patches, and lists the changes."""

    def __init__(self) -> None:
        self.holds_told: list[Json] = []
        """The states of holds that were written to it, without repetitions."""
        self.notices_told: list[Json] = []
        """What was written to it with each state of a hold."""
        self.outcomes_told: list[Json] = []
        self.health_told: list[Json] = []
        self.outcome_of: dict[str, Json] = {}
        """What was last told of the outcome of each case."""
        self.answers: Callable[[str, ToldOutcome], TwinWrite] | None = None
        """What it answers an outcome; None for a twin that takes everything."""

    async def patch_twin(self, twin: str, properties: Mapping[str, Json]) -> str:
        return await vendor_call(lambda: self._patch(properties))

    async def tell_outcome(self, twin: str, work: ToldOutcome) -> TwinWrite:
        return await vendor_call(lambda: self._tell(twin, work))

    def _tell(self, twin: str, work: ToldOutcome) -> TwinWrite:
        if self.answers is not None:
            return self.answers(twin, work)
        self._patch(work.properties)
        return taken(twin, work)

    def _patch(self, properties: Mapping[str, Json]) -> str:
        if "lastOutcome" in properties:
            self.outcomes_told.append(properties["lastOutcome"])
            self.health_told.append(properties.get("healthState"))
            self.outcome_of[str(properties["lastCaseId"])] = properties["lastOutcome"]
        if "holdNotice" in properties:
            self.notices_told.append(properties["holdNotice"])
        told = properties.get("holdState")
        if told is not None and self.holds_told[-1:] != [told]:
            self.holds_told.append(told)
        return "etag"


class SetTiming:
    """A judge for texts and urgency: holds are due a fixed time after the proposal."""

    def __init__(self, until_hold: timedelta) -> None:
        self._until_hold = until_hold
        self.enforced = False
        self.unattended = False
        self.dangerous = False
        """Whether every fault endangers people or the environment."""
        self.terms = HoldTerms(unasked=True)
        self.normal: NormalTerms | None = None

    def urgency(
        self,
        version: str,
        verdict: Verdict,
        fault: TimedFault,
        context: Context,
        production: ProductionContext | None,
        now: datetime,
        dependents: Dependents | None = None,
    ) -> UrgencyDecision:
        hold_at = now + self._until_hold if verdict.rung is Rung.WORK_ORDER_AND_HOLD else None
        return UrgencyDecision(urgency=Urgency.NOW, rule="set", because="It is set.", hold_at=hold_at, work_at=now)

    def counterfactuals(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> Counterfactuals:
        return Counterfactuals(rung="work_order", inputs=())

    def words(self, version: str, rule: str) -> RuleWords:
        return RuleWords(because="It is so.", response="Look at it.")

    def endangers(self, version: str, urgency: UrgencyDecision) -> bool:
        return self.dangerous

    def autonomy(self, version: str) -> AutonomyTerms:
        return AutonomyTerms(enforce=self.enforced, automatic=False)

    def weigh_autonomy(self, version: str, record: AutonomyRecord) -> AutonomyAdvice | None:
        return None

    def releases_unattended(self, version: str, machine: str) -> bool:
        return self.unattended

    def crew_bound(self, version: str, asset_class: str, urgency: UrgencyDecision) -> CrewBound | None:
        return None

    def hold_terms(self, version: str, asset_class: str) -> HoldTerms:
        return self.terms

    def normal_terms(self, version: str, asset_class: str) -> NormalTerms | None:
        return self.normal


class NothingEarned:
    """The autonomy of classes and modes of which nothing has been found yet."""

    async def record(self, key: AutonomyKey, terms: AutonomyTerms) -> AutonomyRecord:
        state = AutonomyState.AUTOMATIC if terms.automatic else AutonomyState.REVIEW
        return AutonomyRecord(state=state, confirmed=0, wrong=0, move=0, at=None)

    async def advised(self, key: AutonomyKey, record: AutonomyRecord, advice: AutonomyAdvice) -> bool:
        raise AssertionError("nothing found advises no move")


class Nobody:
    """An engine that wakes no workflow: due subjects stay in storage."""

    async def wake(self, subjects: Sequence[str], unanswered: Collection[str] = ()) -> None:
        del subjects, unanswered


class PlayedCase(MaintenanceCase):
    """The workflow of a case, whose activities are run call by call and retried for ever, as the engine does."""

    def __init__(self, case: str, activities: Sequence[object]) -> None:
        self._case = case
        super().__init__(CaseRef(case=case))
        self._activities = {type(each).__name__: each for each in activities}
        self.wakes_awaited = False
        self.played = Played(self._story())

    def _own(self) -> CaseRef:
        return CaseRef(case=self._case)

    async def _story(self) -> None:
        await self._propose()
        await self._review()
        await self._order()
        await self._list_lots()
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

    def __init__(self, until_hold: timedelta, terms: Mapping[str, OrderTerms] | None = None) -> None:
        self.clock = TestClock(START)
        self.store = MemoryStore(self.clock)
        self.store.holds.proofs[EQUIPMENT] = TARGET
        self.cmms = FaultInjectedCmms(self.clock)
        self.mes = FaultInjectedMes(self.clock)
        self.twins = FaultInjectedTwins()
        self.cmms_by_id = {"fake": self.cmms}
        self.codes = FakeCodes()
        self.tables = {"fake": SiteCodes(self.codes)}
        judge = self.judge = SetTiming(until_hold)
        autonomy = Autonomy(judge, NothingEarned())  # type: ignore[arg-type]  # no step of a case judges
        # The judge bounds no crew: the store of the new orders is never used.
        admissions = Admissions(judge, None)  # type: ignore[arg-type]  # as above
        self.normals = MemoryNormals(self.clock, self.store.cases)
        returns = ReturnsToNormal(self.normals, judge, self.clock)
        self.orders = WorkOrders(
            self.store,
            self.store.leases,
            self.cmms_by_id,
            judge,  # type: ignore[arg-type]  # as above
            autonomy,
            admissions,
            self.clock,
            WATCH,
            REREAD,
            self.tables,
            terms or {},
            no_files(self.store),
            returns,
        )
        self._changes = OrderChanges(
            self.store, self.cmms_by_id, self.clock, Nobody(), timedelta(minutes=5), [no_reconcile]
        )
        self.outcomes = Outcomes(self.store, self.twins, self.tables, autonomy, self.clock, terms or {}, returns)
        self._activities = (
            Proposals(self.store, {"fake": self.mes}, judge, self.clock),  # type: ignore[arg-type]  # as above
            Holds(self.store, self.store.holds, {"fake": self.mes}, self.twins, judge, self.clock, WATCH),  # type: ignore[arg-type]  # nothing reads a twin, no step of a hold judges
            LotLists(self.store, self.store, {"fake": self.mes}, self.clock),
            self.orders,
            self.outcomes,
        )
        self.workflows: dict[str, PlayedCase] = {}
        self.let_run: list[str] = []
        """The keys of the holds with each statement of a person that the machine may run."""

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

    def settle(self) -> None:
        """Plays until no case is due any more."""
        while self.dispatch():
            for workflow in self.workflows.values():
                for _ in range(_CALLS_OF_A_PASS):
                    workflow.played.play()

    def accept(self, case: str) -> None:
        """A person says yes to what a case proposes."""
        decision = Decision(approved=True, by="pat", reason="go on", at=self.clock.now())
        Played(self.store.record_decision(case, decision)).play()

    def state_outcome(self, case: str, outcome: OutcomeClass) -> None:
        """A person states what the work found, where it may be stated."""
        statement = OutcomeStatement(by="pia", reason="the seal was worn", at=self.clock.now())
        with contextlib.suppress(ActRejected):
            Played(self.store.state_outcome(case, outcome, statement)).play()

    def release(self, key: str) -> None:
        """A person of production takes the next step of a release here, where there is one."""
        hold = next(each for each in self.store.holds.all() if each.key == key)
        meaning = hold.statement or READY_TO_RUN
        release = Release(by="petra", meaning=meaning, reason="ready", at=self.clock.now())
        with contextlib.suppress(ActRejected):
            Played(self.store.holds.approve_release(key, release)).play()
            if hold.state is HoldStatus.ASKED:
                self.let_run.append(key)

    def hold_again(self, key: str) -> None:
        """A person of production has a machine held again that runs on test."""
        again = HoldAgain(by="petra", meaning=HOLD_AGAIN, reason="it hums", at=self.clock.now(), signature="")
        with contextlib.suppress(ActRejected):
            Played(self.store.holds.hold_again(key, again)).play()

    def receive(self, part: int, score: float) -> None:
        """A row of the detector on a component's fault, of now; the version acts on a high score."""
        anomaly = Anomaly(
            kind=AnomalyKind.DEVIATION,
            asset=f"machine-001-comp{part}",
            failure_mode="PDE",
            at=self.clock.now(),
            detector="adx:volt",
            signal="volt",
            score=score,
        )
        reading = JudgedReading(anomaly, Rung.IGNORE if score <= 4 else Rung.WORK_ORDER)
        self.store.holds.readings.setdefault((anomaly.asset, "PDE"), []).append(reading)

    def answer(self, case: str, after: timedelta | None) -> None:
        """A person of production answers a proposed hold, where one waits: yes, after a while, or no."""
        with contextlib.suppress(ActRejected):
            Played(self.store.answer_hold(case, hold_answer(self.clock.now(), after))).play()

    def poll(self) -> Played[Polled]:
        """A poll of the CMMS that has not begun."""
        return Played(self._changes.poll_changes(PollSystem(system="fake", interval=timedelta(minutes=5))))


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
        cmms_system="fake",
        cmms_asset=f"M001-COMP{part}",
        cmms_attributes={},
        mes_system="fake",
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
