"""Every sequence of failures, kills and acts of people from the first release on leaves the machine, its hold and the
orders consistent, where the version asks for a test run."""

from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from domain.hold_proposals import HoldTerms
from domain.machine_test_runs import RunTerms
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.fault_injection import CallOutcome
from tests.support.saga_plant import SagaPlant, case_view
from tests.unit.test_case_saga import CASES, HOLD, CaseSaga

TERMS = HoldTerms(unasked=True, test_run=RunTerms(within=timedelta(hours=2), steady=timedelta(minutes=30), score=2.0))
KILLS = st.sampled_from([CallOutcome.FINE, CallOutcome.CRASH_BEFORE, CallOutcome.CRASH_AFTER, CallOutcome.ANSWER_LOST])


class ReleaseSaga(CaseSaga):
    """A machine whose work is done, its release with a test run, and what follows."""

    @initialize(other=st.sampled_from([HOLD, Rung.WORK_ORDER]), calls=st.integers(0, 12), then=KILLS)
    def two_cases_of_one_machine(self, other: Rung, calls: int, then: CallOutcome) -> None:
        self.plant, self.polling = SagaPlant(timedelta(0)), None
        self.plant.judge.terms = TERMS
        for part, (case, rung) in enumerate(zip(CASES, (HOLD, other), strict=True), start=1):
            self.plant.store.open(case_view(case, part, rung))
        self.come_to_rest()
        for case in CASES:
            self.people_move_an_order(case, WorkOrderStatus.COMPLETED, "REPAIRED")
        polling = self.plant.poll()
        while not polling.ended:
            polling.play()
        self.come_to_rest()
        self.production_releases_what_is_releasable()
        self.a_case_goes_on_until_a_call_goes_this_way(CASES[0], calls, then)

    @rule()
    def all_goes_well_for_a_while(self) -> None:
        self.come_to_rest()

    @rule(minutes=st.sampled_from([7, 40, 130]))
    def time_passes_and_all_goes_well(self, minutes: int) -> None:
        self.plant.clock.time += timedelta(minutes=minutes)
        self.come_to_rest()

    @rule(calls=st.integers(0, 12), then=KILLS)
    def production_releases_and_a_worker_dies(self, calls: int, then: CallOutcome) -> None:
        self.production_releases_what_is_releasable()
        self.each_goes_on_until_a_call_goes_this_way(calls, then)

    @rule(calls=st.integers(0, 25), then=KILLS)
    def production_holds_again_and_a_worker_dies(self, calls: int, then: CallOutcome) -> None:
        self.production_holds_again_what_runs_on_test()
        self.plant.dispatch()
        self.each_goes_on_until_a_call_goes_this_way(calls, then)

    @rule()
    def the_work_of_the_rework_is_done(self) -> None:
        for view in self.all():
            self.plant.cmms.people_move(view.id, WorkOrderStatus.COMPLETED, "REPAIRED")
        polling = self.plant.poll()
        while not polling.ended:
            polling.play()
        self.come_to_rest()

    @rule()
    def both_signals_are_at_their_baseline_until_that_is_proved(self) -> None:
        self.the_signals_are_at_their_baseline_for_a_while(7, (1, 2))

    def each_goes_on_until_a_call_goes_this_way(self, calls: int, then: CallOutcome) -> None:
        for workflow in [*self.plant.workflows.values()]:
            for outcome in [CallOutcome.FINE] * calls + [then]:
                workflow.played.play(outcome)


ReleaseSaga.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=25,
    deadline=None,
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
TestReleaseSaga = ReleaseSaga.TestCase
