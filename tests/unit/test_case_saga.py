"""Every sequence of success, failure, crash, cancel and late completion leaves cases, orders and holds consistent."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from activities.order_changes import Polled
from domain.cases import CaseView, ClosedAs, Decision, Lane, Phase
from domain.errors import ActRejected
from domain.hold_proposals import HoldTerms, OnSilence
from domain.holds import HoldStatus
from domain.machine_test_runs import READY_FOR_TEST_RUN, RUNS_AS_IT_SHOULD, RunTerms
from domain.outcomes import OutcomeClass
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.fault_injection import CallOutcome, Played
from tests.support.saga_plant import SagaPlant, case_view

CASES = ("MWAAAAAAAA", "MWBBBBBBBB")
HOLD = Rung.WORK_ORDER_AND_HOLD
RUNGS = st.sampled_from([HOLD, HOLD, HOLD, Rung.INSPECT, Rung.DRAFT, Rung.WORK_ORDER])
MOVES = st.sampled_from(
    [WorkOrderStatus.APPROVED, WorkOrderStatus.IN_PROGRESS, WorkOrderStatus.COMPLETED, WorkOrderStatus.CANCELLED]
)
PROBLEMS = st.sampled_from(["REPAIRED", "NOFAULT", "SOMETHING ELSE", None])
WAITS = st.sampled_from([timedelta(0), timedelta(hours=6)])
RUN = RunTerms(within=timedelta(hours=2), steady=timedelta(minutes=30), score=2.0)
TERMS = st.sampled_from(
    [
        HoldTerms(unasked=True),
        HoldTerms(unasked=False),
        HoldTerms(unasked=False, on_silence=OnSilence.PLACE),
        HoldTerms(unasked=True, test_run=RUN),
        HoldTerms(unasked=False, test_run=RUN),
    ]
)
ANSWERS = st.sampled_from([timedelta(0), timedelta(hours=6), None])
"""After how long production lets the machine be held; None where it refuses."""
PASSES = st.sampled_from([timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=7)])
TROUBLE = st.sampled_from([CallOutcome.AWAY, CallOutcome.ANSWER_LOST, CallOutcome.CRASH_AFTER])
Act = Callable[["CaseSaga", str], None]
ACTS: st.SearchStrategy[Act] = st.sampled_from(
    [
        lambda saga, case: saga.a_person_decides(case, approved=False),
        lambda saga, case: saga.a_person_decides(case, approved=True),
        lambda saga, case: saga.the_evidence_is_revised_away(case),
        lambda saga, case: saga.further_evidence_asks_for_more(case, HOLD),
        lambda saga, case: saga.people_move_an_order(case, WorkOrderStatus.CANCELLED, None),
        lambda saga, case: saga.people_move_an_order(case, WorkOrderStatus.COMPLETED, "REPAIRED"),
        lambda saga, case: saga.another_job_begins(),
        lambda saga, case: saga.production_releases_what_is_releasable(),
        lambda saga, case: saga.production_holds_again_what_runs_on_test(),
        lambda saga, case: saga.a_person_states_the_outcome(case),
        lambda saga, case: saga.production_answers(case, timedelta(0)),
        lambda saga, case: saga.production_answers(case, None),
    ]
)
A_STEP_AT_MOST = 400


class CaseSaga(RuleBasedStateMachine):
    """Two cases of one machine, their systems failing and their people acting at every call."""

    @initialize(
        rungs=st.tuples(RUNGS, RUNGS), until_hold=WAITS, mapped=st.booleans(), terms=TERMS, enforced=st.booleans()
    )
    def two_cases_of_one_machine(
        self, rungs: tuple[Rung, Rung], until_hold: timedelta, mapped: bool, terms: HoldTerms, enforced: bool
    ) -> None:
        self.plant = SagaPlant(until_hold)
        self.plant.judge.terms = terms
        self.plant.judge.enforced = enforced
        self.polling: Played[Polled] | None = None
        for part, (case, rung) in enumerate(zip(CASES, rungs, strict=True), start=1):
            self.plant.store.open(case_view(case, part, rung, mapped=mapped))
        self.plant.dispatch()

    @rule(case=st.sampled_from(CASES), calls=st.integers(0, 25), then=st.sampled_from(CallOutcome))
    def a_case_goes_on_until_a_call_goes_this_way(self, case: str, calls: int, then: CallOutcome) -> None:
        self.plant.dispatch()
        for outcome in [CallOutcome.FINE] * calls + [then]:
            self.plant.workflows[case].played.play(outcome)

    @rule(case=st.sampled_from(CASES), passed=st.integers(0, 2), then=st.sampled_from(CallOutcome))
    def a_case_goes_on_until_a_vendor_answers_this_way(self, case: str, passed: int, then: CallOutcome) -> None:
        self.plant.dispatch()
        played = self.plant.workflows[case].played
        for _ in range(passed):
            self.to_the_next_vendor(played)
            played.play()
        self.to_the_next_vendor(played)
        played.play(then)

    @rule(case=st.sampled_from(CASES), passed=st.integers(0, 3), then=TROUBLE, act=ACTS, by=PASSES)
    def a_vendor_fails_and_somebody_acts_meanwhile(
        self, case: str, passed: int, then: CallOutcome, act: Act, by: timedelta
    ) -> None:
        self.a_case_goes_on_until_a_vendor_answers_this_way(case, passed, then)
        act(self, case)
        self.time_passes_and_a_case_goes_on(case, by)

    @rule(case=st.sampled_from(CASES), by=PASSES)
    def time_passes_and_a_case_goes_on(self, case: str, by: timedelta) -> None:
        self.plant.clock.time += by
        self.plant.dispatch()
        for _ in range(60):
            self.plant.workflows[case].played.play()

    @rule(case=st.sampled_from(CASES))
    def the_engine_loses_a_workflow(self, case: str) -> None:
        if self.case(case).phase is not Phase.CLOSED:
            self.plant.begin(case)

    @rule(calls=st.integers(0, 8), then=st.sampled_from(CallOutcome))
    def a_poll_goes_on_until_a_call_goes_this_way(self, calls: int, then: CallOutcome) -> None:
        if self.polling is None or self.polling.ended:
            self.polling = self.plant.poll()
        try:
            for outcome in [CallOutcome.FINE] * calls + [then]:
                self.polling.play(outcome)
        except Exception:  # noqa: BLE001 - whatever ended this poll, the engine tries it again from the beginning
            self.polling = None

    @rule(case=st.sampled_from(CASES), status=MOVES, problem=PROBLEMS)
    def people_move_an_order(self, case: str, status: WorkOrderStatus, problem: str | None) -> None:
        self.plant.cmms.people_move(case, status, problem if status is WorkOrderStatus.COMPLETED else None)

    @rule(case=st.sampled_from(CASES), approved=st.booleans())
    def a_person_decides(self, case: str, approved: bool) -> None:
        decision = Decision(approved=approved, by="pat", reason="seen it", at=self.plant.clock.now())
        deciding = Played(self.plant.store.record_decision(case, decision))
        try:
            deciding.play()
        except ActRejected:
            assert self.case(case).decision is not None or self.case(case).closed_as is not None

    @rule(case=st.sampled_from(CASES))
    def a_person_states_the_outcome(self, case: str) -> None:
        self.plant.state_outcome(case, OutcomeClass.CONFIRMED)

    @rule(case=st.sampled_from(CASES), after=ANSWERS)
    def production_answers(self, case: str, after: timedelta | None) -> None:
        self.plant.answer(case, after)

    @rule(case=st.sampled_from(CASES), rung=RUNGS)
    def further_evidence_asks_for_more(self, case: str, rung: Rung) -> None:
        self.plant.store.raised(case, rung)

    @rule(case=st.sampled_from(CASES))
    def the_evidence_is_revised_away(self, case: str) -> None:
        self.plant.store.doubted(case)

    @rule()
    def a_person_holds_the_job_in_the_mes(self) -> None:
        # Not while one of ours is in effect or being released: no MES could tell theirs from ours there.
        if not any(hold.ever_accepted for hold in self.plant.store.live_holds()):
            self.plant.mes.people_hold()

    @rule()
    def a_person_releases_the_job_in_the_mes(self) -> None:
        self.plant.mes.people_release()

    @rule()
    def another_job_begins(self) -> None:
        self.plant.mes.next_job()

    @rule()
    def production_releases_what_is_releasable(self) -> None:
        for hold in self.plant.store.live_holds():
            self.plant.release(hold.key)

    @rule()
    def production_holds_again_what_runs_on_test(self) -> None:
        for hold in self.plant.store.live_holds():
            self.plant.hold_again(hold.key)

    @rule(part=st.sampled_from([1, 2]), score=st.sampled_from([0.5, 3.0, 9.0]))
    def the_detector_sends_a_row(self, part: int, score: float) -> None:
        self.plant.receive(part, score)

    @rule(times=st.integers(1, 6), parts=st.sampled_from([(1,), (1, 2)]))
    def the_signals_are_at_their_baseline_for_a_while(self, times: int, parts: tuple[int, ...]) -> None:
        for _ in range(times):
            for part in parts:
                self.plant.receive(part, 0.5)
            self.plant.clock.time += timedelta(minutes=7)
            self.come_to_rest()

    @invariant()
    def one_order_to_a_case(self) -> None:
        assert len(set(self.plant.cmms.made)) == len(self.plant.cmms.made)

    @invariant()
    def no_order_is_released_without_a_person_where_autonomy_is_enforced_and_not_earned(self) -> None:
        released = self.plant.cmms.book.let_go if self.plant.judge.enforced else []
        decisions = [self.case(case).decision for case in released]
        assert all(decision is not None and decision.approved for decision in decisions)

    @invariant()
    def one_live_hold_to_a_machine_and_only_ours_released(self) -> None:
        assert len(self.plant.store.live_holds()) <= 1
        assert self.plant.mes.wrongly_released == []

    @invariant()
    def a_case_that_is_not_closed_answers_for_every_hold(self) -> None:
        for hold in self.plant.store.live_holds():
            claims = [claim.case for claim in self.plant.store.holds.claims if claim.hold == hold.key]
            assert any(self.case(case).phase is not Phase.CLOSED for case in claims)
        if all(view.phase is Phase.CLOSED for view in self.all()):
            assert self.plant.mes.holder not in CASES

    @invariant()
    def no_machine_is_started_but_on_the_word_of_production(self) -> None:
        for key in set(self.plant.mes.started):
            # One statement lets each job that the hold keeps run once.
            jobs = max(len(hold.placements) for hold in self.plant.store.holds.all() if hold.key == key)
            assert self.plant.let_run.count(key) * jobs >= self.plant.mes.started.count(key) > 0

    @invariant()
    def a_machine_that_is_to_run_on_test_is_released_for_good_by_proof_or_by_a_person(self) -> None:
        for hold in self.plant.store.holds.all():
            run = hold.test_run
            if hold.state is HoldStatus.TESTING:
                assert hold.live_placements == ()
                assert hold.release is not None
                assert hold.release.meaning == READY_FOR_TEST_RUN
            if hold.state is HoldStatus.RELEASED and run is not None and run.proof is None:
                assert hold.release is not None
                assert hold.release.meaning in (RUNS_AS_IT_SHOULD, None)

    @invariant()
    def each_rework_names_the_case_whose_work_did_not_help(self) -> None:
        for view in self.all():
            if view.id not in CASES:
                assert view.rework is not None
                earlier = self.case(view.rework.case)
                assert (earlier.asset.id, earlier.closed_as) == (view.asset.id, ClosedAs.DONE)

    @invariant()
    def no_hold_is_asked_for_without_productions_word_or_a_clause(self) -> None:
        if self.plant.judge.terms.unasked:
            return
        for hold in self.plant.store.holds.all():
            proposal = self.case(hold.key).hold_proposal
            assert proposal is not None
            assert proposal.place_at is not None
            assert proposal.place_at <= self.plant.clock.now()

    @invariant()
    def held_is_said_only_after_a_reading(self) -> None:
        for hold in self.plant.store.holds.all():
            for placement in hold.placements:
                assert (placement.in_effect_at is None) <= (placement.state != "in_effect")
                assert (placement.accepted_at is None) <= (placement.state not in ("accepted", "released"))

    @invariant()
    def a_closed_case_has_an_outcome_or_was_called_off_and_leaves_no_order_behind(self) -> None:
        for view in self.all():
            order = self.plant.cmms.orders.get(view.id)
            if view.closed_as in (ClosedAs.DONE, ClosedAs.CANCELLED):
                assert view.outcome is not None
            if view.closed_as is not None:
                assert order is None or order.status.finished

    @invariant()
    def only_completed_work_with_a_finding_becomes_a_label(self) -> None:
        for case, label in self.plant.store.outcomes.labels.items():
            assert self.plant.cmms.orders[case].status is WorkOrderStatus.COMPLETED
            assert label.outcome in (OutcomeClass.CONFIRMED, OutcomeClass.NOTHING_FOUND)

    def a_stated_outcome_is_learnt(self) -> None:
        """Not an invariant: the steps that learn from it come after the statement."""
        for view in self.all():
            if view.stated is not None:
                assert self.plant.store.outcomes.labels[view.id].stated_by == "pia"
                assert self.plant.twins.outcome_of[view.id] == "confirmed"
                assert view.lane is None

    @invariant()
    def a_case_at_rest_says_what_it_waits_for(self) -> None:
        for case, workflow in self.plant.workflows.items():
            due = self.plant.store.due[case].at
            if workflow.wakes_awaited and (due is None or due > self.plant.clock.now()):
                assert self.case(case).waiting_for

    def teardown(self) -> None:
        """Once all systems answer and people do their part, every case ends and nothing is left behind."""
        if not hasattr(self, "plant"):
            return
        for _ in range(12):
            self.come_to_rest()
            for view in self.all():
                if view.closed_as is None and view.lane is Lane.REVIEW:
                    self.a_person_decides(view.id, approved=True)
                if view.phase is not Phase.CLOSED and "cannot be proved" in (view.waiting_for or ""):
                    assert view.lane is Lane.PLANNER
                    self.plant.mes.people_release()
                self.plant.cmms.people_move(view.id, WorkOrderStatus.COMPLETED, "REPAIRED")
            polling = self.plant.poll()
            while not polling.ended:
                polling.play()
            self.production_releases_what_is_releasable()
            # What was parked for operations goes on when operations wake it.
            for workflow in self.plant.workflows.values():
                workflow.wake()
            self.come_to_rest()
            self.plant.clock.time += timedelta(hours=7)
        assert {view.phase for view in self.all()} == {Phase.CLOSED}
        assert self.plant.store.live_holds() == []
        self.a_case_that_is_not_closed_answers_for_every_hold()
        self.no_machine_is_started_but_on_the_word_of_production()
        self.one_order_to_a_case()
        self.one_live_hold_to_a_machine_and_only_ours_released()
        self.a_closed_case_has_an_outcome_or_was_called_off_and_leaves_no_order_behind()
        self.only_completed_work_with_a_finding_becomes_a_label()
        self.a_stated_outcome_is_learnt()

    def come_to_rest(self) -> None:
        """Lets everything happen that can happen now; a case that is due again at once would never end this."""
        for _ in range(A_STEP_AT_MOST):
            for workflow in self.plant.workflows.values():
                workflow.played.play()
            busy = any(not each.wakes_awaited and not each.played.ended for each in self.plant.workflows.values())
            if not busy and not self.plant.dispatch():
                return
        raise AssertionError("the cases do not come to rest")

    def to_the_next_vendor(self, played: Played[None]) -> None:
        """Lets all go well up to the next call to another system, where there is one before it rests."""
        for _ in range(30):
            if played.asks_vendor:
                return
            played.play()

    def case(self, case: str) -> CaseView:
        return self.plant.store.now(case)

    def all(self) -> list[CaseView]:
        return [self.case(case) for case in [*self.plant.store.cases]]


CaseSaga.TestCase.settings = settings(
    max_examples=250,
    stateful_step_count=30,
    deadline=None,
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
TestCaseSaga = CaseSaga.TestCase
