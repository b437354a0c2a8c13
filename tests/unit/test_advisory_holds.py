"""Wherever people read of a hold, it is called advisory if the MES does not enforce it."""

from datetime import timedelta

import pytest

from activities.order_notes import notes_wanted
from domain.cases import CaseView
from domain.hold_proposals import HoldTerms
from domain.holds import Release
from domain.machine_test_runs import READY_FOR_TEST_RUN, RunTerms
from domain.production import HoldEnforcement
from domain.verdict import Rung
from domain.wording import ENGLISH
from domain.work_orders import WorkOrderStatus
from millwright.explaining.consequences import consequences
from millwright.storage.reporting.case_lists import WholeCase
from tests.support.fault_injection import Played
from tests.support.saga_plant import SagaPlant, case_view

CASE = "MWAAAAAAAA"
UNASKED = HoldTerms(unasked=True)
RUN = HoldTerms(unasked=True, test_run=RunTerms(within=timedelta(hours=2), steady=timedelta(minutes=30), score=2.0))
WEAK = pytest.mark.parametrize("enforcement", [HoldEnforcement.ADVISORY, HoldEnforcement.UNKNOWN])


def played(enforcement: HoldEnforcement, terms: HoldTerms) -> SagaPlant:
    plant = SagaPlant(timedelta(0))
    plant.mes.enforcement = enforcement
    plant.judge.terms = terms
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER_AND_HOLD))
    settle(plant)
    return plant


def settle(plant: SagaPlant, by: timedelta = timedelta(0)) -> None:
    plant.clock.time += by
    for _ in range(5):
        plant.dispatch()
        for _ in range(60):
            plant.workflows[CASE].played.play()


def finish(plant: SagaPlant) -> None:
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, "REPAIRED")
    polling = plant.poll()
    while not polling.ended:
        polling.play()
    settle(plant)


def view_of(plant: SagaPlant) -> CaseView:
    return plant.store.now(CASE)


def order_text(plant: SagaPlant) -> str:
    draft = view_of(plant).draft
    assert draft is not None
    return " ".join(draft.paragraphs)


def let_run_on_test(plant: SagaPlant) -> None:
    finish(plant)
    release = Release(by="petra", meaning=READY_FOR_TEST_RUN, reason="ready", at=plant.clock.now())
    Played(plant.store.holds.approve_release(CASE, release)).play()
    settle(plant)


@WEAK
def test_a_placed_hold_is_called_advisory_in_its_words_the_order_the_twin_and_the_evidence(
    enforcement: HoldEnforcement,
) -> None:
    plant = played(enforcement, UNASKED)
    hold = view_of(plant).hold
    assert hold is not None
    told = consequences(WholeCase(case=view_of(plant), hold=None, evidence=(), story=()), 0).sentences
    for words in (hold.words, hold.notice, order_text(plant), str(plant.twins.notices_told[-1]), " ".join(told)):
        assert "advisory" in words


@WEAK
def test_production_is_told_that_a_hold_is_advisory_before_it_answers(enforcement: HoldEnforcement) -> None:
    plant = played(enforcement, HoldTerms(unasked=False))
    assert "advisory" in (view_of(plant).waiting_for or "")
    assert "advisory" in order_text(plant)
    plant.answer(CASE, None)
    [note] = notes_wanted(view_of(plant), plant.judge, ENGLISH)  # type: ignore[arg-type]  # it only says words
    assert "advisory" in note.text


@WEAK
def test_each_lane_of_a_release_calls_the_hold_advisory(enforcement: HoldEnforcement) -> None:
    plant = played(enforcement, RUN)
    finish(plant)
    assert "advisory" in (view_of(plant).waiting_for or "")
    let_run_on_test(plant)
    assert "advisory" in (view_of(plant).waiting_for or "")
    settle(plant, timedelta(hours=3))
    waits = view_of(plant).waiting_for or ""
    assert "hold it again, or release it for good" in waits
    assert "advisory" in waits


@WEAK
def test_the_notes_on_an_order_call_a_hold_advisory(enforcement: HoldEnforcement) -> None:
    plant = played(enforcement, UNASKED)
    plant.mes.people_release()
    settle(plant, timedelta(minutes=5))
    view = view_of(plant).model_copy(update={"order_notes": ()})
    assert all("advisory" in note.text for note in notes_wanted(view, plant.judge, ENGLISH))  # type: ignore[arg-type]  # as above
    assert notes_wanted(view, plant.judge, ENGLISH)  # type: ignore[arg-type]  # as above


def test_an_enforced_hold_is_not_called_advisory() -> None:
    plant = played(HoldEnforcement.ENFORCED, UNASKED)
    hold = view_of(plant).hold
    assert hold is not None
    assert "advisory" not in f"{hold.words} {hold.notice} {order_text(plant)} {plant.twins.notices_told[-1]}"
