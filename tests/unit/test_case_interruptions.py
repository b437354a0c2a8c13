"""A case interrupted at its worst moments, each once found to go wrong."""

from datetime import timedelta

import pytest

from domain.cases import ClosedAs, Decision, Lane
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.cmms import ABLE
from tests.support.fault_injection import CallOutcome, Played
from tests.support.plant import START
from tests.support.saga_plant import SagaPlant, case_view

CASE = "MWAAAAAAAA"
NOW = timedelta(0)


def opened(rung: Rung, *, mapped: bool = True, until_hold: timedelta = NOW) -> SagaPlant:
    plant = SagaPlant(until_hold)
    plant.store.open(case_view(CASE, 1, rung, mapped=mapped))
    plant.dispatch()
    return plant


def rest(plant: SagaPlant) -> int:
    """Plays until nothing is due any more; gives how many passes were woken for it."""
    passes = 0
    while plant.dispatch():
        passes += 1
        for workflow in plant.workflows.values():
            for _ in range(120):
                workflow.played.play()
        if passes > 20:
            return passes
    return passes


def before(plant: SagaPlant, calls: int) -> Played[None]:
    """Stands before another system's call that comes after so many others."""
    played = plant.workflows[CASE].played
    to_vendor(played)
    for _ in range(calls):
        played.play()
        to_vendor(played)
    return played


def to_vendor(played: Played[None]) -> None:
    for _ in range(60):
        if played.asks_vendor:
            return
        played.play()
    raise AssertionError("it asks no other system")


def decide(plant: SagaPlant, *, approved: bool) -> None:
    decision = Decision(approved=approved, by="pat", reason="seen it", at=plant.clock.now())
    Played(plant.store.record_decision(CASE, decision)).play()


def test_a_no_after_a_lost_answer_withdraws_the_order_that_was_made() -> None:
    plant = opened(Rung.DRAFT)
    before(plant, 2).play(CallOutcome.ANSWER_LOST)
    assert list(plant.cmms.orders) == [CASE]
    decide(plant, approved=False)
    rest(plant)
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.CANCELLED
    assert plant.store.now(CASE).closed_as is ClosedAs.CANCELLED


@pytest.mark.parametrize("by_key", [True, False])
def test_a_lost_order_is_looked_for_by_its_key_alone_wherever_people_have_moved_it_by_now(by_key: bool) -> None:
    plant = opened(Rung.DRAFT)
    plant.cmms.can = ABLE.model_copy(update={"search_by_key": by_key})
    before(plant, 2).play(CallOutcome.ANSWER_LOST)
    decide(plant, approved=False)
    rest(plant)
    [query] = plant.cmms.queries
    assert query.key == CASE
    assert (query.asset_external_id, query.since) == ((None, None) if by_key else ("M001-COMP1", START))


def test_a_yes_outlives_evidence_that_was_revised_away() -> None:
    plant = opened(Rung.INSPECT)
    rest(plant)
    plant.store.doubted(CASE)
    decide(plant, approved=True)
    rest(plant)
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.APPROVED


def test_a_case_that_rises_while_it_is_reviewed_is_timed_again_and_ordered() -> None:
    plant = opened(Rung.INSPECT)
    rest(plant)
    plant.store.raised(CASE, Rung.WORK_ORDER_AND_HOLD)
    rest(plant)
    assert list(plant.cmms.orders) == [CASE]
    assert plant.mes.holder == CASE


def test_a_machine_that_the_mes_does_not_know_keeps_its_case_at_rest() -> None:
    plant = opened(Rung.WORK_ORDER_AND_HOLD, mapped=False)
    assert rest(plant) <= 2
    assert plant.store.now(CASE).waiting_for == "the technician to do 1000"


def test_a_case_called_off_holds_no_machine() -> None:
    plant = opened(Rung.WORK_ORDER_AND_HOLD)
    before(plant, 0).play(CallOutcome.CRASH_BEFORE)
    plant.store.doubted(CASE)
    rest(plant)
    assert plant.mes.holder is None
    assert plant.store.now(CASE).closed_as is ClosedAs.WITHDRAWN


def called_off() -> SagaPlant:
    """A case whose evidence was revised away before it was proposed."""
    plant = opened(Rung.WORK_ORDER)
    plant.store.doubted(CASE)
    return plant


def calls_to_close() -> int:
    plant, calls = called_off(), 0
    while plant.store.now(CASE).closed_as is None:
        plant.workflows[CASE].played.play()
        calls += 1
    return calls


@pytest.mark.parametrize("left", range(1, 12))
def test_evidence_that_comes_back_while_a_case_closes_keeps_it_open(left: int) -> None:
    plant = called_off()
    for _ in range(calls_to_close() - left):
        plant.workflows[CASE].played.play()
    plant.store.raised(CASE, Rung.WORK_ORDER)
    rest(plant)
    assert plant.store.now(CASE).closed_as is None
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.APPROVED


def test_a_job_that_others_hold_is_no_hold_of_ours_to_show() -> None:
    plant = opened(Rung.WORK_ORDER_AND_HOLD)
    plant.mes.people_hold()
    Played(plant.store.holds.claim(CASE, "fake", "EQ-001", unasked=True)).play()
    plant.store.doubted(CASE)
    rest(plant)
    assert plant.store.now(CASE).closed_as is ClosedAs.WITHDRAWN


def test_a_hold_found_after_a_crash_is_shown_to_a_person_and_left_alone() -> None:
    plant = opened(Rung.WORK_ORDER_AND_HOLD)
    before(plant, 2).play(CallOutcome.CRASH_AFTER)
    rest(plant)
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, "REPAIRED")
    polling = plant.poll()
    while not polling.ended:
        polling.play()
    rest(plant)
    waiting = plant.store.now(CASE)
    assert (plant.mes.holder, waiting.lane) == (CASE, Lane.PLANNER)
    assert "it cannot be proved that the hold is ours" in (waiting.waiting_for or "")
    plant.mes.people_release()
    plant.clock.time += timedelta(hours=2)
    rest(plant)
    assert plant.store.now(CASE).closed_as is ClosedAs.DONE


@pytest.mark.parametrize("late", [False, True], ids=["never proved ours", "accepted and not in effect"])
def test_a_hold_that_stays_as_it_was_is_looked_at_now_and_then_and_not_without_end(late: bool) -> None:
    plant = opened(Rung.WORK_ORDER_AND_HOLD)
    plant.mes.late = late
    if not late:
        before(plant, 2).play(CallOutcome.CRASH_AFTER)
    rest(plant)
    seen = plant.store.now(CASE)
    assert (seen.waiting_step, seen.order is not None) == ("ensure-hold", True)
    for _ in range(3):
        plant.clock.time += timedelta(minutes=6)
        assert 1 <= rest(plant) <= 2
        assert plant.store.now(CASE).waiting_for == seen.waiting_for
    assert late or seen.waiting_until is None


def test_an_mes_that_sends_nonsense_keeps_no_planner_without_an_order() -> None:
    plant = opened(Rung.WORK_ORDER)
    before(plant, 0).play(CallOutcome.REFUSED)
    rest(plant)
    assert list(plant.cmms.orders) == [CASE]


@pytest.mark.parametrize("outcome", [CallOutcome.PERSON_NEEDED, CallOutcome.REFUSED, CallOutcome.AWAY])
def test_a_poll_that_fails_says_so_and_rests(outcome: CallOutcome) -> None:
    plant = opened(Rung.WORK_ORDER)
    polling = plant.poll()
    while not polling.asks_vendor:
        polling.play()
    for each in (outcome, CallOutcome.FINE):
        polling.play(each)
    assert polling.result is not None
    assert polling.result.problem


def test_a_time_whose_grounds_are_not_whole_names_no_fault_because_nobody_can_decide_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing(case: str) -> None:
        del case

    plant = opened(Rung.WORK_ORDER)
    monkeypatch.setattr(plant.store, "grounds", nothing)
    rest(plant)
    urgency = plant.store.now(CASE).urgency
    assert urgency is not None
    assert urgency.fault is None
    assert list(plant.cmms.orders) == [CASE]
