"""The order of a person is attached to a case where its code names the failure, and detached where it ends as other
work."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import pytest

from activities.progress import CaseRef
from domain.cases import CaseView, ClosedAs, Decision, Lane
from domain.cmms import CmmsCapabilities
from domain.outcomes import OutcomeClass
from domain.verdict import Rung
from domain.work_orders import WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from tests.support.cmms import ABLE, reported
from tests.support.fault_injection import CallOutcome, Played
from tests.support.saga_plant import REREAD, SagaPlant, case_view

CASE, OTHER, ASSET = "MWAAAAAAAA", "MWBBBBBBBB", "M001-COMP1"
MODES: Final[Mapping[str, str]] = {"BEARING": "PDE", "SEAL": "ELP", "PLAY": "PDE"}


def plant_of(can: CmmsCapabilities = ABLE) -> SagaPlant:
    plant = SagaPlant(timedelta())
    plant.cmms.can = can.model_copy(update={"failure_modes": dict(MODES)})
    plant.codes.known |= {"BEARING": OutcomeClass.CONFIRMED, "SEAL": OutcomeClass.CONFIRMED}
    return plant


def opened(plant: SagaPlant, rung: Rung = Rung.WORK_ORDER, case: str = CASE) -> CaseView:
    plant.store.open(case_view(case, 1, rung))
    return settle(plant, case)


def settle(plant: SagaPlant, case: str = CASE) -> CaseView:
    plant.settle()
    return plant.store.now(case)


def read_again(plant: SagaPlant) -> CaseView:
    plant.clock.time += REREAD
    return settle(plant)


def attached(rung: Rung = Rung.WORK_ORDER) -> tuple[SagaPlant, WorkOrderRef]:
    plant = plant_of()
    theirs = plant.cmms.book.people_open(ASSET, "BEARING").ref
    view = opened(plant, rung)
    assert (view.order is not None and view.order.ref, plant.cmms.made) == (theirs, [])
    return plant, theirs


def own_order(view: CaseView) -> WorkOrderRecord:
    assert view.order is not None
    assert view.order.ref.key == CASE
    return view.order


def draft_words(view: CaseView) -> str:
    assert view.draft is not None
    return "\n".join(view.draft.paragraphs)


def test_an_order_of_a_person_that_names_the_failure_is_the_order_of_the_case_with_one_note() -> None:
    plant, theirs = attached()
    view = read_again(plant)
    assert view.attached is not None
    assert view.attached.failure_modes == MODES
    [note] = plant.cmms.book.notes_on(theirs)
    assert list(plant.cmms.notes) == [f"{CASE}-attached-1"]
    assert note.startswith(
        f"Millwright {CASE} found the same fault: BEARING means PDE here. It makes no order of its own"
    )
    assert "What to do: Look at it." in note
    assert "Possibly the same as" not in note
    assert view.waiting_for == f"the people who have {theirs.id} in hand, which they made for the same fault"
    assert (view.lane, plant.cmms.made) == (None, [])


def test_upper_and_lower_case_of_a_code_are_the_same() -> None:
    plant = plant_of()
    theirs = plant.cmms.book.people_open(ASSET, "bearing")
    view = opened(plant)
    assert view.order is not None
    assert view.order.ref == theirs.ref


def _two(plant: SagaPlant) -> None:
    plant.cmms.book.people_open(ASSET, "BEARING")
    plant.cmms.book.people_open(ASSET, "PLAY")


def _with_many(plant: SagaPlant) -> None:
    for _ in range(10):
        plant.cmms.book.people_open(ASSET)
    plant.cmms.book.people_open(ASSET, "BEARING")


REFUSING: Final[Mapping[str, Callable[[SagaPlant], object]]] = {
    "no code": lambda plant: plant.cmms.book.people_open(ASSET),
    "a code that the table does not have": lambda plant: plant.cmms.book.people_open(ASSET, "NOISE"),
    "another failure mode": lambda plant: plant.cmms.book.people_open(ASSET, "SEAL"),
    "two that name it": _two,
    "more work than is kept": _with_many,
    "another asset": lambda plant: plant.cmms.book.people_open("M001-COMP2", "BEARING"),
}


@pytest.mark.parametrize("people", REFUSING.values(), ids=REFUSING)
def test_otherwise_the_case_has_an_order_of_its_own(people: Callable[[SagaPlant], object]) -> None:
    plant = plant_of()
    people(plant)
    view = opened(plant)
    assert own_order(view) == plant.cmms.orders[CASE]
    assert (view.attached, plant.cmms.made, plant.cmms.notes) == (None, [CASE], {})


def test_without_a_table_of_codes_no_order_of_a_person_is_attached() -> None:
    plant = plant_of()
    plant.cmms.can = ABLE
    plant.cmms.book.people_open(ASSET, "BEARING")
    own_order(opened(plant))


def test_an_unreadable_record_or_a_page_that_is_not_all_gives_an_order_of_its_own() -> None:
    for missing in ({"unreadable": ("1300: status is missing",)}, {"complete": False}):
        plant = plant_of()
        plant.cmms.book.people_open(ASSET, "BEARING")
        plant.cmms.book.hides = missing
        own_order(opened(plant))


def _before_the_reading(plant: SagaPlant, case: str = CASE) -> Played[None]:
    """Stands before the order of a person is read once more."""
    plant.store.open(case_view(case, 1, Rung.WORK_ORDER))
    plant.dispatch()
    played = plant.workflows[case].played
    while not plant.cmms.queries:
        played.play()
    played.play()
    return played


CHANGES: Final[Mapping[str, Callable[[SagaPlant, WorkOrderRef], None]]] = {
    "the code was taken off": lambda plant, ref: plant.cmms.book.people_code(ref, None),
    "it names another failure": lambda plant, ref: plant.cmms.book.people_code(ref, "SEAL"),
    "it was completed": lambda plant, ref: plant.cmms.book.people_change(ref, WorkOrderStatus.COMPLETED),
    "it was cancelled": lambda plant, ref: plant.cmms.book.people_change(ref, WorkOrderStatus.CANCELLED),
    "it was deleted": lambda plant, ref: plant.cmms.book.people_delete(ref),
    "it has the key of a case": lambda plant, ref: plant.cmms.book.people_write_key(ref, OTHER),
    "it is for another asset": lambda plant, ref: plant.cmms.book.people_change_unseen(
        ref, asset_external_id="M001-COMP2"
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changed_since_the_search_counts(change: Callable[[SagaPlant, WorkOrderRef], None]) -> None:
    plant = plant_of()
    theirs = plant.cmms.book.people_open(ASSET, "BEARING").ref
    _before_the_reading(plant)
    change(plant, theirs)
    assert own_order(settle(plant)).ref.id != theirs.id
    assert plant.store.attached.case_of == {}


def test_a_cmms_that_does_not_answer_the_reading_is_asked_again() -> None:
    plant = plant_of()
    theirs = plant.cmms.book.people_open(ASSET, "BEARING").ref
    _before_the_reading(plant).play(CallOutcome.ANSWER_LOST)
    waits = settle(plant)
    assert (waits.order, waits.draft, waits.attempts) == (None, None, 1)
    plant.clock.time += timedelta(minutes=10)
    view = settle(plant)
    assert view.order is not None
    assert view.order.ref == theirs


def test_to_a_case_whose_own_order_is_found_no_other_is_attached() -> None:
    plant = plant_of()
    first = opened(plant)
    plant.cmms.book.people_open(ASSET, "BEARING")
    plant.store.cases.clear()
    plant.workflows.clear()
    assert own_order(opened(plant)).ref == own_order(first).ref
    assert plant.cmms.made == [CASE]


def test_of_two_cases_for_one_order_the_first_has_it_and_the_other_one_of_its_own() -> None:
    plant = plant_of()
    theirs = plant.cmms.book.people_open(ASSET, "BEARING").ref
    _before_the_reading(plant)
    plant.store.open(case_view(OTHER, 1, Rung.WORK_ORDER))
    settle(plant)
    orders = {case: plant.store.now(case).order for case in (CASE, OTHER)}
    ids = [order.ref for order in orders.values() if order is not None]
    assert (ids.count(theirs), len(ids), len(plant.cmms.made)) == (1, 2, 1)


def test_a_completion_that_confirms_is_learnt_as_of_an_order_of_its_own() -> None:
    plant, theirs = attached()
    plant.cmms.book.people_change(theirs, WorkOrderStatus.COMPLETED, reported("BEARING"))
    view = read_again(plant)
    assert (view.closed_as, view.outcome, view.labelled) == (ClosedAs.DONE, OutcomeClass.CONFIRMED, True)
    assert plant.store.outcomes.labels[CASE].work_order == theirs.id
    assert plant.cmms.made == []


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        ("NOFAULT", "was closed without this finding: it was completed with NOFAULT"),
        ("SEAL", "was closed without this finding: it was completed with SEAL"),
        (None, "was closed without this finding: it was completed with no codes"),
    ],
)
def test_a_completion_without_the_finding_concludes_nothing_and_gives_an_order_of_its_own(
    problem: str | None, told: str
) -> None:
    plant, theirs = attached(Rung.WORK_ORDER_AND_HOLD)
    plant.cmms.book.people_change(theirs, WorkOrderStatus.COMPLETED, reported(problem))
    view = read_again(plant)
    assert (view.closed_as, view.outcome, plant.store.outcomes.labels, view.attached) == (None, None, {}, None)
    assert own_order(view).ref.id != theirs.id
    assert [order.words for order in view.detached] == [f"Order {theirs.id} {told}."]
    assert f"Order {theirs.id} {told}." in draft_words(view)
    assert plant.mes.holder == CASE


def test_what_its_codes_mean_counts_when_the_outcome_is_stored() -> None:
    plant, theirs = attached()
    plant.cmms.book.people_change(theirs, WorkOrderStatus.COMPLETED, reported("BEARING"))
    plant.clock.time += REREAD
    plant.dispatch()
    while (order := plant.store.now(CASE).order) is not None and not order.status.finished:
        plant.workflows[CASE].played.play()
    plant.codes.known["BEARING"] = OutcomeClass.NOTHING_FOUND
    view = settle(plant)
    assert own_order(view)
    assert (view.outcome, plant.store.outcomes.labels, len(view.detached)) == (None, {}, 1)


@pytest.mark.parametrize("status", [WorkOrderStatus.CANCELLED, WorkOrderStatus.SKIPPED])
def test_an_order_that_ends_without_its_work_gives_an_order_of_its_own(status: WorkOrderStatus) -> None:
    plant, theirs = attached()
    plant.cmms.book.people_change(theirs, status)
    view = read_again(plant)
    assert own_order(view)
    assert f"Order {theirs.id} was closed without this work: it is {status.value}." in draft_words(view)


def test_an_order_that_was_deleted_gives_an_order_of_its_own() -> None:
    plant, theirs = attached()
    plant.cmms.book.people_delete(theirs)
    view = read_again(plant)
    assert own_order(view)
    assert f"Order {theirs.id} was closed without this work: it is deleted." in draft_words(view)


def test_a_code_that_was_taken_off_gives_an_order_of_its_own_and_the_same_order_is_never_attached_again() -> None:
    plant, theirs = attached()
    plant.cmms.book.people_code(theirs, None)
    view = read_again(plant)
    assert own_order(view)
    assert f"Order {theirs.id} has no problem code any more." in draft_words(view)
    assert f"Possibly the same as {theirs.id} (" in draft_words(view)
    plant.cmms.book.people_code(theirs, "BEARING")
    assert own_order(read_again(plant))
    assert plant.cmms.made == [CASE]


def test_a_second_order_of_a_person_may_be_attached_after_the_first() -> None:
    plant, theirs = attached()
    plant.cmms.book.people_change(theirs, WorkOrderStatus.CANCELLED)
    second = plant.cmms.book.people_open(ASSET, "PLAY").ref
    view = read_again(plant)
    assert view.order is not None
    assert (view.order.ref, plant.cmms.made) == (second, [])
    assert list(plant.cmms.notes) == [f"{CASE}-attached-1", f"{CASE}-attached-2"]
    assert f"Order {theirs.id} was closed" in plant.cmms.notes[f"{CASE}-attached-2"]


def test_an_order_of_a_person_is_neither_released_nor_withdrawn() -> None:
    plant, theirs = attached()
    before = plant.cmms.book.read(theirs)
    decision = Decision(approved=False, by="pat", reason="not now", at=plant.clock.now())
    Played(plant.store.record_decision(CASE, decision)).play()
    view = settle(plant)
    assert (view.order, view.closed_as) == (None, ClosedAs.REJECTED)
    assert plant.cmms.book.read(theirs) == before
    assert [order.words for order in view.detached] == [
        f"Order {theirs.id} was detached, because the case was called off: not now."
    ]


def test_a_rejection_just_before_the_call_writes_nothing_on_the_order_of_a_person() -> None:
    plant = plant_of()
    theirs = plant.cmms.book.people_open(ASSET, "BEARING").ref
    played = _before_the_reading(plant)
    while plant.store.now(CASE).order is None:
        played.play()
    decision = Decision(approved=False, by="pat", reason="not now", at=plant.clock.now())
    Played(plant.store.record_decision(CASE, decision)).play()
    moving = Played(plant.orders.move_order(CaseRef(case=CASE)))
    while not moving.ended:
        moving.play()
    view = plant.store.now(CASE)
    assert (view.order, plant.cmms.book.notes_on(theirs)) == (None, [])


def test_evidence_that_was_revised_away_leaves_the_order_to_its_people() -> None:
    plant, theirs = attached()
    plant.store.doubted(CASE)
    view = settle(plant)
    assert (view.order, view.closed_as) == (None, ClosedAs.WITHDRAWN)
    assert plant.cmms.book.read(theirs).status is WorkOrderStatus.WAITING_APPROVAL


def test_a_key_of_ours_on_an_attached_order_calls_a_person() -> None:
    plant, theirs = attached()
    plant.cmms.book.people_write_key(theirs, OTHER)
    view = read_again(plant)
    assert (view.lane, view.order is not None) == (Lane.PLANNER, True)
    assert OTHER in (view.waiting_for or "")


def test_a_poll_that_shows_our_key_on_an_attached_order_changes_nothing() -> None:
    plant, theirs = attached()
    record = plant.cmms.book.read(theirs)
    keyed = record.model_copy(update={"ref": theirs.model_copy(update={"key": CASE})})
    Played(plant.store.store_page("fake", [keyed], "9")).play()
    assert plant.store.now(CASE).order == record


@pytest.mark.parametrize("outcome", [CallOutcome.CRASH_BEFORE, CallOutcome.CRASH_AFTER, CallOutcome.ANSWER_LOST])
@pytest.mark.parametrize("calls", range(12))
def test_a_crash_at_any_call_gives_one_order_and_one_note(outcome: CallOutcome, calls: int) -> None:
    plant = plant_of()
    theirs = plant.cmms.book.people_open(ASSET, "BEARING").ref
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER))
    plant.dispatch()
    played = plant.workflows[CASE].played
    for _ in range(calls):
        played.play()
    played.play(outcome)
    plant.clock.time += timedelta(hours=1)
    settle(plant)
    plant.clock.time += timedelta(hours=1)
    view = settle(plant)
    assert view.order is not None
    assert (view.order.ref, plant.cmms.made) == (theirs, [])
    assert list(plant.cmms.notes) == [f"{CASE}-attached-1"] == list(view.order_notes)


@pytest.mark.parametrize("outcome", [CallOutcome.CRASH_BEFORE, CallOutcome.CRASH_AFTER])
@pytest.mark.parametrize("calls", range(16))
def test_a_crash_while_an_order_is_detached_gives_one_order_of_its_own(outcome: CallOutcome, calls: int) -> None:
    plant, theirs = attached()
    plant.cmms.book.people_change(theirs, WorkOrderStatus.COMPLETED, reported("NOFAULT"))
    plant.clock.time += REREAD
    plant.dispatch()
    played = plant.workflows[CASE].played
    for _ in range(calls):
        played.play()
    played.play(outcome)
    settle(plant)
    plant.clock.time += timedelta(hours=1)
    view = settle(plant)
    assert own_order(view)
    assert (plant.cmms.made, view.outcome, len(view.detached)) == ([CASE], None, 1)
