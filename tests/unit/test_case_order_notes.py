"""What becomes known after an order was placed reaches the people who work on it, once."""

from datetime import timedelta

import pytest

from domain.canonical import canonical
from domain.cases import Decision
from domain.verdict import Rung
from domain.work_orders import WorkOrderRecord, WorkOrderStatus
from tests.support.fault_injection import CallOutcome, Played
from tests.support.saga_plant import REREAD, SagaPlant, case_view

CASE = "MWAAAAAAAA"
DOUBT, AGAIN, SECOND_DOUBT = f"{CASE}-doubt-1", f"{CASE}-again-1", f"{CASE}-doubt-2"


def placed(rung: Rung = Rung.DRAFT) -> SagaPlant:
    """A plant in which the case's order is in the CMMS."""
    plant = SagaPlant(timedelta())
    plant.store.open(case_view(CASE, 1, rung))
    plant.settle()
    return plant


def in_hand(plant: SagaPlant) -> SagaPlant:
    plant.cmms.people_move(CASE, WorkOrderStatus.IN_PROGRESS)
    return plant


def read_again(plant: SagaPlant) -> None:
    """The case is woken once more, and its order is read again."""
    plant.clock.time += REREAD
    plant.settle()


def test_an_order_tells_nothing_while_nothing_new_is_known() -> None:
    plant = placed()
    read_again(plant)
    assert plant.cmms.notes == {}


def test_a_fault_that_became_worse_is_noted_once_with_the_rule_and_its_reason() -> None:
    plant = placed()
    for rung in (Rung.WORK_ORDER, Rung.WORK_ORDER):
        plant.store.raised(CASE, rung)
        plant.settle()
    [(key, text)] = plant.cmms.notes.items()
    assert key == f"{CASE}-work_order"
    assert text.startswith("The fault became worse after this order was made")
    assert "It is so." in text


def raise_to(plant: SagaPlant, rung: Rung, priority: int) -> None:
    """The case rests on a verdict with a higher rung and another priority."""
    plant.store.raised(CASE, rung)
    verdict = plant.store.now(CASE).verdict.model_copy(update={"priority": priority})
    plant.store.cases[CASE] = plant.store.cases[CASE].model_copy(update={"verdict": verdict})
    plant.settle()


def order(plant: SagaPlant) -> WorkOrderRecord:
    return plant.cmms.orders[CASE]


def test_a_fault_that_became_worse_raises_its_order_in_place_each_time() -> None:
    plant = SagaPlant(timedelta())
    view = case_view(CASE, 1, Rung.DRAFT)
    plant.store.open(view.model_copy(update={"verdict": view.verdict.model_copy(update={"priority": 3})}))
    plant.settle()
    assert order(plant).priority == 3
    raise_to(plant, Rung.WORK_ORDER, 2)
    assert (order(plant).priority, len(plant.cmms.made)) == (2, 1)
    raise_to(plant, Rung.WORK_ORDER_AND_HOLD, 1)
    assert (order(plant).priority, len(plant.cmms.made)) == (1, 1)
    assert list(plant.cmms.notes) == [f"{CASE}-work_order-2", f"{CASE}-work_order_and_hold-1"]
    assert plant.store.now(CASE).order == order(plant)


def test_a_priority_that_people_set_is_kept_and_they_read_of_the_other_one() -> None:
    plant = placed()
    plant.cmms.book.people_prioritise(order(plant).ref, 4)
    raise_to(plant, Rung.WORK_ORDER, 1)
    assert order(plant).priority == 4
    assert "priority 1" in plant.cmms.notes[f"{CASE}-work_order"]


def test_a_priority_that_people_set_to_what_the_policy_asks_for_is_theirs_also_later() -> None:
    plant = SagaPlant(timedelta())
    view = case_view(CASE, 1, Rung.DRAFT)
    plant.store.open(view.model_copy(update={"verdict": view.verdict.model_copy(update={"priority": 3})}))
    plant.settle()
    plant.cmms.book.people_prioritise(order(plant).ref, 2)
    raise_to(plant, Rung.WORK_ORDER, 2)
    raise_to(plant, Rung.WORK_ORDER_AND_HOLD, 1)
    assert order(plant).priority == 2
    assert list(plant.cmms.notes) == [f"{CASE}-work_order", f"{CASE}-work_order_and_hold"]


def test_an_order_that_an_earlier_build_noted_as_worse_is_not_noted_again() -> None:
    plant = placed()
    view = plant.store.cases[CASE]
    plant.store.cases[CASE] = view.model_copy(update={"order_notes": (f"{CASE}-work_order",)})
    raise_to(plant, Rung.WORK_ORDER, 1)
    assert plant.cmms.notes == {}


def test_a_draft_of_an_earlier_build_keeps_its_stored_form_and_asks_for_no_note() -> None:
    plant = placed()
    draft = plant.store.now(CASE).draft
    assert draft is not None
    earlier = draft.model_copy(update={"rung": None})
    assert "rung" not in earlier.model_dump(mode="json")
    assert b'"rung"' not in canonical(earlier)
    plant.store.cases[CASE] = plant.store.cases[CASE].model_copy(update={"draft": earlier})
    plant.store.raised(CASE, Rung.WORK_ORDER)
    plant.settle()
    assert plant.cmms.notes == {}


def test_a_case_that_rises_to_a_hold_tells_the_planner_of_the_hold() -> None:
    plant = placed(Rung.WORK_ORDER)
    plant.store.raised(CASE, Rung.WORK_ORDER_AND_HOLD)
    plant.settle()
    assert "a hold of the machine" in "".join(plant.cmms.notes.values())


def test_an_untouched_draft_whose_evidence_was_revised_is_withdrawn_without_a_note() -> None:
    plant = placed()
    plant.store.doubted(CASE)
    plant.settle()
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.CANCELLED
    assert plant.cmms.notes == {}


def test_an_order_that_others_have_in_hand_says_that_its_evidence_was_revised() -> None:
    plant = in_hand(placed())
    plant.store.doubted(CASE)
    plant.settle()
    read_again(plant)
    assert list(plant.cmms.notes) == [DOUBT]
    assert "judged again as watch" in plant.cmms.notes[DOUBT]
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.IN_PROGRESS


def test_evidence_that_comes_back_and_goes_again_is_noted_each_time() -> None:
    plant = in_hand(placed())
    plant.store.doubted(CASE)
    plant.settle()
    plant.store.raised(CASE, Rung.DRAFT)
    plant.settle()
    plant.store.doubted(CASE)
    plant.settle()
    assert list(plant.cmms.notes) == [DOUBT, AGAIN, SECOND_DOUBT]


def test_a_persons_no_is_noted_on_an_order_that_others_have_in_hand() -> None:
    plant = in_hand(placed())
    decision = Decision(approved=False, by="pat", reason="seen it", at=plant.clock.now())
    Played(plant.store.record_decision(CASE, decision)).play()
    plant.settle()
    assert "pat rejected the work: seen it" in plant.cmms.notes[DOUBT]


@pytest.mark.parametrize("outcome", [CallOutcome.ANSWER_LOST, CallOutcome.CRASH_AFTER])
def test_a_note_whose_answer_is_lost_is_written_once(outcome: CallOutcome) -> None:
    plant = in_hand(placed())
    plant.store.doubted(CASE)
    plant.dispatch()
    played = plant.workflows[CASE].played
    # The draft could not be withdrawn; then comes the note.
    for each in (CallOutcome.FINE, outcome):
        while not played.asks_vendor:
            played.play()
        played.play(each)
    assert list(plant.cmms.notes) == [DOUBT]
    plant.clock.time += timedelta(hours=1)
    plant.settle()
    assert plant.store.now(CASE).order_notes == (DOUBT,)
