"""A hold is on the machine until production releases it; what was accepted is not shown as held before it was read."""

from datetime import timedelta

import pytest

from domain.cases import Decision, Lane, Phase
from domain.errors import ActionRequired, ActRejected, ConnectorError, Refused, Unavailable
from domain.holds import HoldStatus, HoldView, PlacementState, Release
from domain.outcomes import OutcomeClass
from domain.production import ISOLATION_NOTICE, READY_TO_RUN, HoldMethod
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.fault_injection import Played
from tests.support.saga_plant import WATCH, SagaPlant, case_view

CASE, NEXT = "MWAAAAAAAA", "MWBBBBBBBB"
COMPLETED, CANCELLED = WorkOrderStatus.COMPLETED, WorkOrderStatus.CANCELLED


def settle(plant: SagaPlant) -> None:
    for _ in range(5):
        plant.dispatch()
        for workflow in plant.workflows.values():
            for _ in range(60):
                workflow.played.play()


def pass_time(plant: SagaPlant, by: timedelta) -> None:
    plant.clock.time += by
    settle(plant)


def opened() -> SagaPlant:
    plant = SagaPlant(timedelta(0))
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER_AND_HOLD))
    return plant


def held() -> SagaPlant:
    plant = opened()
    settle(plant)
    assert plant.mes.holder == CASE
    return plant


def finish(plant: SagaPlant, status: WorkOrderStatus, case: str = CASE, problem: str = "REPAIRED") -> None:
    plant.cmms.people_move(case, status, problem if status is COMPLETED else None)
    polling = plant.poll()
    while not polling.ended:
        polling.play()
    settle(plant)


def hold(plant: SagaPlant, case: str = CASE) -> HoldView:
    found = plant.store.now(case).hold
    assert found is not None
    return found


@pytest.mark.parametrize("status", [COMPLETED, CANCELLED])
def test_a_finished_order_starts_no_machine_and_its_outcome_does_not_wait(status: WorkOrderStatus) -> None:
    plant = held()
    finish(plant, status)
    pass_time(plant, timedelta(days=2))
    view = plant.store.now(CASE)
    assert (plant.mes.holder, plant.mes.started) == (CASE, [])
    assert view.phase is Phase.AWAITING_RELEASE
    assert view.twin_told
    assert view.labelled is (status is COMPLETED)
    assert hold(plant).releasable


def test_codes_that_become_known_while_the_machine_is_held_are_learnt_after_its_release() -> None:
    plant = held()
    finish(plant, COMPLETED, problem="LEAK")
    plant.codes.known["LEAK"] = OutcomeClass.CONFIRMED
    plant.release(CASE)
    settle(plant)
    view = plant.store.now(CASE)
    assert (view.phase, view.lane, view.outcome) == (Phase.CLOSED, None, OutcomeClass.CONFIRMED)
    assert (view.labelled, plant.twins.outcomes_told) == (True, ["unknown", "confirmed"])


def test_a_person_s_no_to_a_held_case_starts_no_machine() -> None:
    plant = held()
    decision = Decision(approved=False, by="pat", reason="it always hums", at=plant.clock.now())
    Played(plant.store.record_decision(CASE, decision)).play()
    settle(plant)
    assert plant.store.now(CASE).phase is Phase.AWAITING_RELEASE
    assert (plant.mes.holder, plant.mes.started) == (CASE, [])


def test_only_once_a_person_of_production_has_released_it_the_machine_is_let_run() -> None:
    plant = held()
    finish(plant, COMPLETED)
    plant.release(CASE)
    settle(plant)
    assert (plant.mes.holder, plant.mes.started) == (None, [CASE])
    assert plant.store.now(CASE).phase is Phase.CLOSED
    assert hold(plant).release == Release(by="petra", meaning=READY_TO_RUN, reason="ready", at=plant.clock.now())


def test_a_release_in_the_mes_is_recorded_as_seen_and_no_meaning_is_claimed() -> None:
    plant = held()
    finish(plant, COMPLETED)
    plant.mes.people_release()
    pass_time(plant, WATCH)
    release = hold(plant).release
    assert release is not None
    assert (release.by, release.meaning, plant.mes.started) == ("seen in the MES", None, [])
    assert (hold(plant).state, plant.store.now(CASE).phase) == (HoldStatus.RELEASED, Phase.CLOSED)


def test_nobody_releases_a_machine_at_which_work_is_not_done() -> None:
    plant = held()
    release = Release(by="petra", meaning=READY_TO_RUN, reason="", at=plant.clock.now())
    with pytest.raises(ActRejected):
        Played(plant.store.holds.approve_release(CASE, release)).play()
    settle(plant)
    assert plant.mes.holder == CASE


def test_an_order_that_is_opened_again_keeps_the_machine_from_being_released() -> None:
    plant = held()
    finish(plant, COMPLETED)
    plant.cmms.reopen(CASE)
    finish(plant, WorkOrderStatus.IN_PROGRESS)
    plant.release(CASE)
    settle(plant)
    assert plant.mes.holder == CASE


def test_a_release_that_is_late_calls_operations_and_releases_nothing() -> None:
    plant = held()
    finish(plant, COMPLETED)
    lanes = [plant.store.now(CASE).lane]
    pass_time(plant, timedelta(hours=9))
    lanes.append(plant.store.now(CASE).lane)
    assert lanes == [Lane.PRODUCTION, Lane.OPERATIONS]
    assert ISOLATION_NOTICE in (plant.store.now(CASE).waiting_for or "")
    assert plant.mes.holder == CASE


@pytest.mark.parametrize(("status", "started"), [(COMPLETED, [CASE]), (CANCELLED, [])])
def test_an_approved_clause_releases_completed_work_without_a_person_and_no_cancelled_one(
    status: WorkOrderStatus, started: list[str]
) -> None:
    plant = held()
    plant.judge.unattended = True
    finish(plant, status)
    assert plant.mes.started == started


def test_a_new_case_of_the_same_fault_takes_the_hold_over_and_production_must_wait_for_it() -> None:
    plant = held()
    finish(plant, COMPLETED)
    plant.store.open(case_view(NEXT, 1, Rung.WORK_ORDER))
    settle(plant)
    assert plant.store.now(CASE).phase is Phase.CLOSED
    assert (hold(plant, NEXT).key, hold(plant, NEXT).working) == (CASE, 1)
    plant.release(CASE)
    settle(plant)
    assert plant.mes.holder == CASE
    finish(plant, COMPLETED, NEXT)
    plant.release(CASE)
    settle(plant)
    assert plant.store.now(NEXT).phase is Phase.CLOSED
    assert plant.mes.started == [CASE]


def test_a_new_case_that_asks_for_no_order_yet_keeps_no_machine_from_being_released() -> None:
    plant = held()
    finish(plant, COMPLETED)
    plant.store.open(case_view(NEXT, 1, Rung.INSPECT))
    settle(plant)
    assert plant.store.now(NEXT).hold is None
    plant.release(CASE)
    settle(plant)
    assert plant.mes.started == [CASE]


@pytest.mark.parametrize(
    ("refusal", "lane"),
    [
        (Unavailable("unable to accept", system="fake", operation="place-hold"), Lane.PLANNER),
        (ActionRequired("the line is in changeover", system="fake", operation="place-hold"), Lane.PLANNER),
        (Refused("unknown job order", system="fake", operation="place-hold"), Lane.OPERATIONS),
    ],
)
def test_a_refused_placement_is_no_hold_calls_a_person_and_is_tried_again(refusal: ConnectorError, lane: Lane) -> None:
    plant = opened()
    plant.mes.refuses = refusal
    settle(plant)
    view = plant.store.now(CASE)
    assert (view.lane, plant.mes.holder) == (lane, None)
    assert refusal.problem in (view.waiting_for or "")
    assert [each.state for each in hold(plant).placements] == [PlacementState.INTENDED]
    assert hold(plant).in_effect_since is None
    plant.mes.refuses = None
    pass_time(plant, timedelta(hours=1))
    assert plant.mes.holder == CASE
    assert hold(plant).in_effect_since is not None


def test_a_job_that_is_interrupted_already_is_not_held_by_us_and_production_is_asked_to_look() -> None:
    plant = opened()
    plant.mes.holder = "somebody else"
    settle(plant)
    view = plant.store.now(CASE)
    assert (view.lane, hold(plant).placements) == (Lane.PRODUCTION, ())
    assert "job J1 is interrupted, and not whether on purpose" in (view.waiting_for or "")
    plant.mes.holder = None
    pass_time(plant, WATCH)
    assert plant.mes.holder == CASE


def test_a_refused_hold_is_void_once_its_work_is_done() -> None:
    plant = opened()
    plant.mes.refuses = ActionRequired("the line is in changeover", system="fake", operation="place-hold")
    settle(plant)
    finish(plant, COMPLETED)
    assert (hold(plant).state, plant.store.now(CASE).phase) == (HoldStatus.VOID, Phase.CLOSED)


def test_a_hold_that_was_accepted_and_is_late_is_ours_and_not_shown_as_held_until_it_was_read() -> None:
    plant = opened()
    plant.mes.late = True
    settle(plant)
    view = plant.store.now(CASE)
    assert [each.state for each in hold(plant).placements] == [PlacementState.ACCEPTED]
    assert (hold(plant).in_effect_since, view.lane) == (None, Lane.PLANNER)
    assert "not in effect" in (view.waiting_for or "")
    plant.mes.follow()
    pass_time(plant, WATCH)
    assert [each.state for each in hold(plant).placements] == [PlacementState.IN_EFFECT]
    assert hold(plant).in_effect_since == plant.clock.now()
    assert "not in effect" not in (plant.store.now(CASE).waiting_for or "")
    finish(plant, COMPLETED)
    plant.release(CASE)
    settle(plant)
    assert plant.mes.started == [CASE]


def test_a_release_that_could_not_be_carried_out_for_a_quarter_of_an_hour_lapses() -> None:
    plant = held()
    finish(plant, COMPLETED)
    plant.mes.away = True
    plant.release(CASE)
    settle(plant)
    pass_time(plant, timedelta(hours=9))
    plant.mes.away = False
    pass_time(plant, timedelta(hours=1))
    assert (plant.mes.started, hold(plant).releasable) == ([], True)
    plant.release(CASE)
    settle(plant)
    assert plant.mes.started == [CASE]


def test_a_pause_of_others_is_not_undone_by_a_second_call_of_one_release() -> None:
    plant = held()
    finish(plant, COMPLETED)
    plant.release(CASE)
    plant.mes.loses_answer = True
    settle(plant)
    plant.mes.people_hold()
    pass_time(plant, timedelta(minutes=5))
    assert plant.mes.started == [CASE]
    assert plant.mes.wrongly_released == []
    assert "cannot be proved" in (plant.store.now(CASE).waiting_for or "")


def test_an_order_that_is_opened_again_counts_also_where_another_case_answers_for_its_machine() -> None:
    plant = held()
    plant.store.open(case_view(NEXT, 2, Rung.WORK_ORDER_AND_HOLD))
    settle(plant)
    finish(plant, COMPLETED)
    assert plant.store.now(CASE).phase is Phase.CLOSED
    finish(plant, COMPLETED, NEXT)
    plant.cmms.reopen(CASE)
    finish(plant, WorkOrderStatus.IN_PROGRESS)
    plant.store.cases[CASE] = plant.store.cases[CASE].model_copy(update={"order": plant.cmms.orders[CASE]})
    plant.release(CASE)
    settle(plant)
    assert plant.mes.started == []


def test_no_clause_releases_a_machine_of_which_one_order_was_cancelled() -> None:
    plant = held()
    plant.judge.unattended = True
    plant.store.open(case_view(NEXT, 2, Rung.WORK_ORDER_AND_HOLD))
    settle(plant)
    finish(plant, CANCELLED)
    finish(plant, COMPLETED, NEXT)
    assert plant.mes.started == []


def test_a_hold_that_was_accepted_a_moment_ago_is_not_released_before_it_can_have_come_into_effect() -> None:
    plant = opened()
    plant.mes.late = True
    settle(plant)
    finish(plant, COMPLETED)
    plant.release(CASE)
    settle(plant)
    assert hold(plant).state is HoldStatus.ASKED


def test_each_further_job_of_the_machine_is_held_for_one_hold() -> None:
    plant = held()
    for _ in range(2):
        plant.mes.next_job()
        pass_time(plant, WATCH)
    assert plant.mes.placed == [(CASE, 1), (CASE, 2), (CASE, 3)]
    assert [each.state for each in hold(plant).placements] == ["ended", "ended", "in_effect"]
    assert len(plant.store.live_holds()) == 1


def test_a_machine_that_is_idle_is_held_with_its_next_job() -> None:
    plant = opened()
    plant.mes.idle = True
    settle(plant)
    assert (hold(plant).state, hold(plant).placements) == (HoldStatus.ASKED, ())
    plant.mes.idle = False
    pass_time(plant, WATCH)
    assert plant.mes.holder == CASE


def test_a_further_job_is_held_after_the_work_too_until_production_releases_the_machine() -> None:
    plant = held()
    finish(plant, COMPLETED)
    plant.mes.next_job()
    pass_time(plant, WATCH)
    assert (plant.mes.holder, plant.mes.job) == (CASE, 2)


def test_a_person_who_starts_the_job_in_the_mes_has_overruled_the_hold_and_the_planner_is_told() -> None:
    plant = held()
    plant.mes.people_release()
    pass_time(plant, WATCH)
    plant.mes.next_job()
    pass_time(plant, WATCH)
    assert (hold(plant).state, plant.mes.holder) == (HoldStatus.OVERRULED, None)
    assert plant.mes.placed == [(CASE, 1)]
    assert [text for text in plant.cmms.notes.values() if "overruled" in text and ISOLATION_NOTICE in text] != []
    finish(plant, COMPLETED)
    assert (plant.store.now(CASE).phase, plant.mes.started) == (Phase.CLOSED, [])


def test_a_reading_that_is_older_than_the_hold_overrules_nothing() -> None:
    plant = held()
    plant.mes.reads_as_of = plant.clock.now() - timedelta(seconds=5)
    plant.mes.people_release()
    pass_time(plant, WATCH)
    assert hold(plant).state is HoldStatus.ASKED
    plant.mes.reads_as_of = None
    pass_time(plant, WATCH)
    assert hold(plant).state is HoldStatus.OVERRULED


def test_a_hold_whose_order_cannot_be_made_stands_and_calls_a_person() -> None:
    plant = opened()
    plant.cmms.asks_for = timedelta(hours=1)
    settle(plant)
    view = plant.store.now(CASE)
    assert (plant.mes.holder, view.lane) == (CASE, Lane.PLANNER)
    assert f"{view.mes_equipment} is held meanwhile" in (view.waiting_for or "")
    pass_time(plant, timedelta(days=2))
    assert plant.mes.holder == CASE


def test_the_order_of_a_held_machine_says_what_a_hold_is_not() -> None:
    plant = held()
    draft = plant.store.now(CASE).draft
    assert draft is not None
    assert any(ISOLATION_NOTICE in paragraph for paragraph in draft.paragraphs)


@pytest.mark.parametrize(("method", "asked"), [(HoldMethod.BLOCK, 1), (HoldMethod.PAUSE, 0)])
def test_a_block_is_taken_away_with_its_release_also_where_the_machine_runs_by_then(
    method: HoldMethod, asked: int
) -> None:
    plant = opened()
    plant.mes.method = method
    settle(plant)
    finish(plant, COMPLETED)
    plant.release(CASE)
    plant.mes.people_release()
    settle(plant)
    assert hold(plant).state is HoldStatus.RELEASED
    assert (plant.mes.asked_to_release, plant.mes.started) == (asked, [])
