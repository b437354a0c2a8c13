"""What a case does with each class of outcome: which ones become labels, and what the twin is told."""

from datetime import timedelta

import pytest

from domain.cases import CaseView, ClosedAs, Lane, Phase
from domain.iso14224 import Iso14224Crosswalk, Iso14224Finding
from domain.outcomes import EFFECTS, OutcomeClass
from domain.site_codes import SiteCodes
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.cmms import reported
from tests.support.fault_injection import CallOutcome
from tests.support.saga_plant import SagaPlant, case_view

CASE = "MWAAAAAAAA"
MODES = {"BEARING": "PDE", "SEAL": "ELP"}


def completed(plant: SagaPlant, code: str | None) -> CaseView:
    """The case after its order was completed."""
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER))
    plant.settle()
    plant.clock.time += timedelta(hours=1)
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, code)
    poll(plant)
    return plant.store.now(CASE)


@pytest.mark.parametrize("found", [each for each in OutcomeClass if each.final])
def test_each_final_class_closes_its_case_in_no_lane_and_only_findings_become_labels(found: OutcomeClass) -> None:
    plant = SagaPlant(timedelta())
    plant.codes.known["CODE"] = found
    view = completed(plant, "CODE")
    assert (view.phase, view.closed_as, view.outcome) == (Phase.CLOSED, ClosedAs.DONE, found)
    assert (view.lane, view.waiting_for, plant.store.due[CASE].at) == (None, None, None)
    assert view.labelled == EFFECTS[found].label
    assert plant.twins.outcomes_told == [found.value]
    assert plant.twins.health_told == [EFFECTS[found].health]


def test_work_that_was_not_inspected_is_final() -> None:
    plant = SagaPlant(timedelta())
    plant.codes.known["CODE"] = OutcomeClass.NOT_INSPECTED
    completed(plant, "CODE")
    plant.state_outcome(CASE, OutcomeClass.CONFIRMED)
    plant.settle()
    assert (plant.store.now(CASE).outcome, plant.store.outcomes.labels) == (OutcomeClass.NOT_INSPECTED, {})


def test_a_person_may_state_that_nobody_looked_and_the_case_leaves_the_lane_without_a_label() -> None:
    plant = SagaPlant(timedelta())
    assert completed(plant, "STRANGE").lane is Lane.PLANNER
    plant.state_outcome(CASE, OutcomeClass.NOT_INSPECTED)
    plant.settle()
    view = plant.store.now(CASE)
    assert (view.outcome, view.lane, view.labelled) == (OutcomeClass.NOT_INSPECTED, None, False)
    assert plant.twins.outcomes_told == ["unknown", "not_inspected"]


def test_a_code_of_another_failure_mode_makes_another_defect_in_outcome_label_and_twin() -> None:
    plant = SagaPlant(timedelta())
    plant.tables["fake"] = SiteCodes(plant.codes, MODES)
    plant.codes.known["SEAL"] = OutcomeClass.CONFIRMED
    view = completed(plant, "SEAL")
    label = plant.store.outcomes.labels[CASE]
    assert (view.outcome, label.outcome, label.failure_mode) == (
        OutcomeClass.OTHER_DEFECT,
        OutcomeClass.OTHER_DEFECT,
        "PDE",
    )
    assert label.iso14224 == Iso14224Finding(mode="ELP")
    assert plant.twins.outcomes_told == ["other_defect"]


def test_what_was_found_in_iso_14224_is_in_the_outcome_and_its_label() -> None:
    plant = SagaPlant(timedelta())
    crosswalk = Iso14224Crosswalk.model_validate({"problem": {"BEARING": {"mechanism": "2.4", "cause": "3.4"}}})
    plant.tables["fake"] = SiteCodes(plant.codes, MODES, crosswalk)
    plant.codes.known["BEARING"] = OutcomeClass.CONFIRMED
    completed(plant, "BEARING")
    said = Iso14224Finding(mode="PDE", mechanism="2.4", cause="3.4")
    assert (plant.store.outcomes.of_case[CASE].iso14224, plant.store.outcomes.labels[CASE].iso14224) == (said, said)


def test_codes_that_contradict_the_failure_mode_are_left_to_a_person_and_the_words_say_so() -> None:
    plant = SagaPlant(timedelta())
    plant.tables["fake"] = SiteCodes(plant.codes, {"SEAL": "PDE"})
    plant.codes.known["SEAL"] = OutcomeClass.OTHER_DEFECT
    view = completed(plant, "SEAL")
    assert (view.outcome, view.lane) == (OutcomeClass.UNKNOWN, Lane.PLANNER)
    assert view.waiting_for == (
        f"a person to say what {view.order and view.order.ref.id} found: SEAL contradicts itself, or the suspected PDE"
    )


def poll(plant: SagaPlant) -> None:
    polling = plant.poll()
    while not polling.ended:
        polling.play()
    plant.settle()


def learnt(plant: SagaPlant) -> tuple[object, ...]:
    view = plant.store.now(CASE)
    return (
        view.phase,
        view.closed_as,
        view.outcome,
        plant.store.outcomes.labels[CASE].outcome,
        plant.twins.outcomes_told,
    )


CONFIRMED = (Phase.CLOSED, ClosedAs.DONE, OutcomeClass.CONFIRMED, OutcomeClass.CONFIRMED, ["confirmed"])


def test_an_order_that_is_completed_twice_keeps_its_first_outcome_and_label() -> None:
    plant = SagaPlant(timedelta())
    completed(plant, "REPAIRED")
    plant.clock.time += timedelta(hours=3)
    plant.cmms.book.people_change(plant.cmms.orders[CASE].ref, WorkOrderStatus.COMPLETED, reported("NOFAULT"))
    poll(plant)
    assert learnt(plant) == CONFIRMED


def test_an_order_that_is_opened_again_after_the_label_changes_neither_label_nor_case() -> None:
    plant = SagaPlant(timedelta())
    completed(plant, "REPAIRED")
    plant.cmms.reopen(CASE)
    poll(plant)
    plant.store.woken(CASE)
    plant.settle()
    assert learnt(plant) == CONFIRMED
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, "NOFAULT")
    poll(plant)
    assert learnt(plant) == CONFIRMED


@pytest.mark.parametrize("status", [each for each in WorkOrderStatus if each.not_done])
def test_an_order_that_was_not_carried_out_has_no_finding_whatever_its_codes_say(status: WorkOrderStatus) -> None:
    plant = SagaPlant(timedelta())
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER))
    plant.settle()
    plant.cmms.people_move(CASE, status, "REPAIRED")
    poll(plant)
    view = plant.store.now(CASE)
    assert (view.closed_as, view.outcome, view.labelled) == (ClosedAs.CANCELLED, OutcomeClass.DEFERRED, False)
    assert plant.store.outcomes.of_case[CASE].iso14224 is None


def test_a_completion_that_the_poll_brings_before_the_order_is_known_is_learnt_from() -> None:
    plant = SagaPlant(timedelta())
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER))
    plant.dispatch()
    played = plant.workflows[CASE].played
    while CASE not in plant.cmms.orders:
        played.play(CallOutcome.ANSWER_LOST if played.asks_vendor and plant.store.now(CASE).draft else CallOutcome.FINE)
    assert plant.store.now(CASE).order is None
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, "REPAIRED")
    poll(plant)
    plant.clock.time += timedelta(hours=1)
    plant.settle()
    assert learnt(plant) == CONFIRMED
    assert plant.cmms.made == [CASE]


def test_a_finish_that_the_cmms_dates_into_the_future_is_kept_as_it_says_and_closes_the_case_now() -> None:
    plant = SagaPlant(timedelta())
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER))
    plant.settle()
    later = plant.clock.time + timedelta(days=40)
    report = reported("REPAIRED").model_copy(update={"finished_at": later})
    plant.cmms.book.people_change(plant.cmms.orders[CASE].ref, WorkOrderStatus.COMPLETED, report)
    poll(plant)
    assert learnt(plant) == CONFIRMED
    assert (plant.store.outcomes.labels[CASE].found_at, plant.store.now(CASE).closed_at) == (later, plant.clock.time)
