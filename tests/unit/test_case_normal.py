"""What a return to normal does to the order of a case: an untouched draft is withdrawn, planned work gets one note, and
nobody's work is closed."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.cases import ClosedAs, Lane
from domain.hold_proposals import HoldTerms
from domain.order_terms import OrderTerms
from domain.outcomes import OutcomeClass
from domain.return_to_normal import VerificationState
from domain.verdict import Rung
from domain.wording import Language
from domain.work_orders import WorkOrderStatus
from tests.support.memory_normals import NORMAL
from tests.support.saga_plant import REREAD, SagaPlant, case_view

CASE = "MWAAAAAAAA"
NOTE, BACK, DOUBT = f"{CASE}-normal-1", f"{CASE}-normal-2", f"{CASE}-doubt-1"
LOOK = NORMAL.look_every
BEGINS = {Language.ENGLISH: "The fault has returned to normal: 9 readings", Language.SPANISH: "El fallo ha vuelto a"}


def placed(rung: Rung = Rung.DRAFT, language: Language = Language.ENGLISH) -> SagaPlant:
    """A case whose order is in the CMMS, of a version with the clause."""
    plant = SagaPlant(timedelta(), {"fake": OrderTerms(language=language)})
    plant.judge.normal = NORMAL
    plant.store.open(case_view(CASE, 1, rung))
    plant.settle()
    return plant


def later(plant: SagaPlant, time: timedelta = LOOK) -> None:
    plant.clock.time += time
    plant.settle()


def back_to_normal(plant: SagaPlant) -> SagaPlant:
    plant.normals.normal.add(CASE)
    later(plant)
    return plant


def fault_returns(plant: SagaPlant) -> None:
    """Judging takes back what called the case off, as for any evidence."""
    plant.normals.normal.discard(CASE)
    plant.store.raised(CASE, plant.store.now(CASE).rung)
    later(plant)


def in_hand(plant: SagaPlant) -> None:
    """Somebody changes the order in the CMMS, in its present state."""
    plant.cmms.book.people_prioritise(plant.cmms.orders[CASE].ref, 3)


def test_an_untouched_draft_is_withdrawn_and_the_case_is_closed() -> None:
    plant = back_to_normal(placed())
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.CANCELLED
    case = plant.store.now(CASE)
    assert (case.closed_as, case.outcome) == (ClosedAs.WITHDRAWN, OutcomeClass.DEFERRED)
    assert plant.cmms.notes == {}
    assert plant.store.outcomes.labels == {}


def test_a_draft_that_people_have_in_hand_is_left_to_them_with_one_note() -> None:
    plant = placed()
    in_hand(plant)
    back_to_normal(plant)
    for _ in range(3):
        later(plant)
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.WAITING_APPROVAL
    assert list(plant.cmms.notes) == [DOUBT]


@pytest.mark.parametrize("language", list(Language))
def test_planned_work_gets_one_note_in_the_language_of_the_site_and_stays(language: Language) -> None:
    plant = back_to_normal(placed(Rung.WORK_ORDER, language))
    for _ in range(3):
        later(plant, REREAD)
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.APPROVED
    [(key, text)] = plant.cmms.notes.items()
    assert key == NOTE
    assert text.startswith(BEGINS[language])
    assert plant.store.now(CASE).closed_as is None


def test_people_are_told_once_that_the_fault_is_back() -> None:
    plant = back_to_normal(placed(Rung.WORK_ORDER))
    for _ in range(3):
        fault_returns(plant)
        back_to_normal(plant)
    assert list(plant.cmms.notes) == [NOTE, BACK]
    assert plant.store.now(CASE).closed_as is None


def test_a_version_without_the_clause_is_never_looked_at() -> None:
    plant = placed(Rung.WORK_ORDER)
    plant.judge.normal = None
    looks = list(plant.normals.looks)
    back_to_normal(plant)
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, "REPAIRED")
    later(plant, REREAD)
    later(plant, timedelta(days=4))
    assert plant.normals.looks == looks
    assert plant.store.due[CASE].at is None
    assert plant.cmms.notes == {}


def test_while_a_machine_is_held_its_test_run_proves_the_repair() -> None:
    plant = SagaPlant(timedelta())
    plant.judge.normal, plant.judge.terms = NORMAL, HoldTerms(unasked=True)
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER_AND_HOLD))
    plant.settle()
    looks = list(plant.normals.looks)
    assert plant.store.live_holds()
    later(plant, timedelta(hours=3))
    assert plant.normals.looks == looks


def test_a_case_at_inspect_is_for_a_person_to_decide() -> None:
    plant = placed(Rung.INSPECT)
    back_to_normal(plant)
    assert plant.normals.looks == [0, 0]
    assert plant.store.now(CASE).lane is Lane.REVIEW
    plant.accept(CASE)
    later(plant)
    later(plant)
    assert plant.cmms.orders[CASE].status is WorkOrderStatus.APPROVED
    assert list(plant.cmms.notes) == [NOTE]


def overdue() -> SagaPlant:
    """An order that is to be done within twelve hours."""
    plant = SagaPlant(timedelta())
    plant.judge.normal = NORMAL
    view = case_view(CASE, 1, Rung.WORK_ORDER)
    due = view.verdict.model_copy(update={"due_within": timedelta(hours=12)})
    plant.store.open(view.model_copy(update={"verdict": due}))
    plant.settle()
    return plant


def test_the_planner_is_asked_once_whether_overdue_work_is_already_done() -> None:
    plant = back_to_normal(overdue())
    assert plant.store.now(CASE).lane is None
    later(plant, timedelta(hours=13))
    case = plant.store.now(CASE)
    number = plant.cmms.orders[CASE].ref.id
    assert case.lane is Lane.PLANNER
    assert case.waiting_for is not None
    assert case.waiting_for.startswith(f"the planner to say whether {number} is already done: it was due by ")
    assert "`millwright case outcome`" in case.waiting_for
    fault_returns(plant)
    assert (plant.store.now(CASE).lane, plant.store.now(CASE).waiting_for) == (None, f"the technician to do {number}")


def test_overdue_work_on_a_fault_that_is_not_over_is_not_asked_about() -> None:
    plant = overdue()
    later(plant, timedelta(hours=13))
    assert plant.store.now(CASE).lane is None


def test_completed_work_is_looked_at_until_it_is_verified_and_the_case_is_closed_meanwhile() -> None:
    plant = placed(Rung.WORK_ORDER)
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, "REPAIRED")
    later(plant, REREAD)
    assert plant.store.now(CASE).closed_as is ClosedAs.DONE
    label = plant.store.outcomes.labels[CASE]
    before = plant.normals.looks[1]
    later(plant)
    later(plant)
    assert plant.normals.looks[1] == before + 2
    back_to_normal(plant)
    verification = plant.store.now(CASE).verification
    assert verification is not None
    assert verification.state is VerificationState.VERIFIED
    assert plant.store.due[CASE].at is None
    assert plant.store.outcomes.labels[CASE] == label
    assert plant.cmms.notes == {}


@pytest.mark.parametrize("outcome", [OutcomeClass.PROCESS_CHANGE, OutcomeClass.DUPLICATE])
def test_an_outcome_without_work_on_the_fault_is_not_verified(outcome: OutcomeClass) -> None:
    plant = placed(Rung.WORK_ORDER)
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED)
    later(plant, REREAD)
    plant.state_outcome(CASE, outcome)
    before = plant.normals.looks[1]
    later(plant, timedelta(days=4))
    assert plant.store.now(CASE).outcome is outcome
    assert plant.normals.looks[1] == before


def play(plant: SagaPlant, step: str) -> None:
    """Something happens to the case or its order, where it can."""
    if step == "normal":
        plant.normals.normal.add(CASE)
    elif step == "fault" and plant.store.now(CASE).closed_as is None:
        fault_returns(plant)
    elif step == "restart":
        plant.begin(CASE)
        plant.store.woken(CASE)
    elif step in ("touch", "progress") and not plant.cmms.orders[CASE].status.finished:
        in_hand(plant)
        if step == "progress":
            plant.cmms.people_move(CASE, WorkOrderStatus.IN_PROGRESS)
    later(plant, REREAD if step == "read" else LOOK)


STEPS = st.lists(st.sampled_from(["normal", "fault", "touch", "progress", "read", "restart"]), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(STEPS, st.sampled_from([Rung.DRAFT, Rung.WORK_ORDER]))
def test_whatever_happens_no_order_is_told_twice_and_no_work_of_people_is_closed(steps: list[str], rung: Rung) -> None:
    plant = placed(rung)
    peoples = rung is Rung.WORK_ORDER
    for step in steps:
        was_open = not plant.cmms.orders[CASE].status.finished
        play(plant, step)
        peoples = peoples or (was_open and step in ("touch", "progress"))
        assert not (peoples and plant.cmms.orders[CASE].status is WorkOrderStatus.CANCELLED)
    told = plant.cmms.notes
    assert sum(key in (NOTE, DOUBT) for key in told) <= 1
    assert f"{CASE}-doubt-2" not in told
