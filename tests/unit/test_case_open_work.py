"""Before the order of a case is drafted, the CMMS is asked what is open on the asset; the draft and the case say it."""

from datetime import timedelta

import pytest

from domain.cases import CaseView, Decision, Lane
from domain.errors import ActionRequired, ConnectorError, Unavailable
from domain.open_work import OpenWorkSeen
from domain.verdict import Rung
from domain.wording import ENGLISH
from tests.support.fault_injection import CallOutcome, Played
from tests.support.plant import START
from tests.support.saga_plant import SagaPlant, case_view

CASE, OTHER, ASSET = "MWAAAAAAAA", "MWBBBBBBBB", "M001-COMP1"


def opened() -> SagaPlant:
    plant = SagaPlant(timedelta())
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER))
    plant.dispatch()
    return plant


def settle(plant: SagaPlant) -> CaseView:
    plant.settle()
    return plant.store.now(CASE)


def before_the_look(plant: SagaPlant) -> Played[None]:
    """Stands before the CMMS is asked for open work."""
    played = plant.workflows[CASE].played
    while not plant.cmms.looks:
        played.play()
    return played


def seen_by(view: CaseView) -> OpenWorkSeen:
    assert view.open_work is not None
    return view.open_work


def hints(view: CaseView) -> list[str]:
    assert view.draft is not None
    return [paragraph for paragraph in view.draft.paragraphs if "Possibly the same" in paragraph]


def test_what_people_have_open_on_the_asset_is_told_in_the_draft_and_kept_with_the_case() -> None:
    plant = opened()
    theirs = plant.cmms.book.people_open(ASSET)
    plant.cmms.book.people_open("M001-COMP2")
    view = settle(plant)
    seen = seen_by(view)
    assert ([order.ref for order in seen.orders], seen.count, seen.complete) == ([theirs.ref], 1, True)
    assert view.draft is not None
    # Where a field is short, the last paragraphs are dropped: what is suspected, seen and to be done comes first.
    assert view.draft.paragraphs[3:5] == ("What to do: Look at it.", seen.hint_in(ENGLISH))
    assert (seen.hint_in(ENGLISH) or "").startswith(
        f"Possibly the same as 1000 (waiting approval, reported {START:%Y-%m-%d} by SMITH: Noise at the drive end)."
    )
    assert plant.cmms.made == [CASE]


def test_an_order_of_another_case_on_the_asset_is_told_with_its_case() -> None:
    plant = opened()
    settle(plant)
    plant.store.open(case_view(OTHER, 1, Rung.WORK_ORDER))
    settle(plant)
    [hint] = hints(plant.store.now(OTHER))
    assert "Possibly the same as 1000 of case MWAAAAAAAA (" in hint
    assert hints(plant.store.now(CASE)) == []


def test_where_nothing_is_open_the_draft_says_nothing_and_the_case_that_it_was_looked_for() -> None:
    view = settle(opened())
    assert (hints(view), seen_by(view).hint_in(ENGLISH)) == ([], None)
    assert seen_by(view).words.startswith("No other work on the asset was open, reported since")


def test_only_work_of_the_last_ninety_days_is_asked_for() -> None:
    plant = opened()
    plant.cmms.book.people_open(ASSET)
    plant.clock.time += timedelta(days=91)
    settle(plant)
    [look] = plant.cmms.looks
    assert (look.asset_external_id, look.since) == (ASSET, plant.clock.now() - timedelta(days=90))
    assert hints(plant.store.now(CASE)) == []


def test_a_case_without_a_name_in_the_cmms_asks_for_nothing() -> None:
    plant = SagaPlant(timedelta())
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER).model_copy(update={"cmms_asset": None}))
    settle(plant)
    assert plant.cmms.looks == []


@pytest.mark.parametrize("outcome", [CallOutcome.AWAY, CallOutcome.ANSWER_LOST])
def test_a_cmms_that_does_not_answer_is_asked_again_before_anything_is_drafted(outcome: CallOutcome) -> None:
    plant = opened()
    plant.cmms.book.people_open(ASSET)
    before_the_look(plant).play(outcome)
    waits = settle(plant)
    assert (waits.draft, waits.attempts) == (None, 1)
    assert (waits.waiting_for or "").startswith("fake to answer: ")
    plant.clock.time += timedelta(hours=1)
    assert len(hints(settle(plant))) == 1
    assert plant.cmms.made == [CASE]


@pytest.mark.parametrize(
    ("outcome", "problem"), [(CallOutcome.PERSON_NEEDED, "BMXAA4153E"), (CallOutcome.REFUSED, "405")]
)
def test_a_cmms_that_refuses_only_the_search_gets_the_order_and_the_case_says_why_none_was_made(
    outcome: CallOutcome, problem: str
) -> None:
    plant = opened()
    plant.cmms.book.people_open(ASSET)
    before_the_look(plant).play(outcome)
    view = settle(plant)
    assert plant.cmms.made == [CASE]
    assert (hints(view), seen_by(view).problem, view.lane) == ([], problem, None)
    assert seen_by(view).words == f"Open work on the asset could not be looked for: {problem}."


@pytest.mark.parametrize(
    ("closed", "lane"),
    [
        (ActionRequired("401", system="fake", operation="sign-in"), Lane.PLANNER),
        (Unavailable("503", system="fake", operation="sign-in"), None),
    ],
    ids=["refuses us", "is down"],
)
def test_a_cmms_that_does_nothing_for_us_is_asked_as_long_as_that_lasts_before_anything_is_drafted(
    closed: ConnectorError, lane: Lane | None
) -> None:
    plant = opened()
    plant.cmms.book.people_open(ASSET)
    plant.cmms.closed = closed
    for _ in range(5):
        waits = settle(plant)
        assert (waits.draft, waits.lane) == (None, lane)
        plant.clock.time += timedelta(hours=2)
    plant.cmms.closed = None
    assert len(hints(settle(plant))) == 1


def test_a_search_that_never_answers_is_tried_three_times_and_costs_no_order() -> None:
    plant = opened()
    plant.cmms.book.people_open(ASSET)
    plant.cmms.searches = False
    for attempts in (1, 2):
        waits = settle(plant)
        assert (waits.draft, waits.attempts, waits.lane) == (None, attempts, None)
        plant.clock.time += timedelta(minutes=10)
    view = settle(plant)
    assert (plant.cmms.made, len(plant.cmms.looks), view.attempts) == ([CASE], 3, 0)
    assert seen_by(view).problem == "no answer within 20 seconds"


def test_a_draft_that_was_sent_is_sent_again_as_it_was_without_another_look() -> None:
    plant = opened()
    plant.cmms.book.people_open(ASSET)
    played = before_the_look(plant)
    # The look, the draft, and the creation whose answer is lost.
    played.play()
    played.play()
    played.play(CallOutcome.ANSWER_LOST)
    sent = plant.store.now(CASE).draft
    plant.cmms.book.people_open(ASSET)
    plant.clock.time += timedelta(hours=1)
    view = settle(plant)
    assert (view.draft, len(plant.cmms.looks), plant.cmms.made) == (sent, 1, [CASE])
    assert seen_by(view).count == 1


def test_of_two_workers_that_look_at_once_the_first_draft_stands_with_what_it_saw() -> None:
    plant = opened()
    forgotten = before_the_look(plant)
    forgotten.play()
    plant.cmms.book.people_open(ASSET)
    plant.workflows.pop(CASE)
    plant.begin(CASE)
    view = settle(plant)
    while not forgotten.ended and plant.store.now(CASE).order is None:
        forgotten.play()
    forgotten.play()
    assert (plant.store.now(CASE).draft, plant.cmms.made) == (view.draft, [CASE])
    assert plant.store.now(CASE).open_work == view.open_work


def test_an_order_that_a_person_opened_after_ours_changes_nothing_of_it() -> None:
    plant = opened()
    view = settle(plant)
    plant.cmms.book.people_open(ASSET)
    decision = Decision(approved=True, by="pat", reason="yes", at=plant.clock.now())
    Played(plant.store.record_decision(CASE, decision)).play()
    after = settle(plant)
    assert (after.draft, after.open_work) == (view.draft, view.open_work)


def test_of_many_open_orders_the_newest_ten_are_kept_three_are_named_and_all_are_counted() -> None:
    plant = opened()
    numbers = [plant.cmms.book.people_open(ASSET).ref.id for _ in range(15)]
    view = settle(plant)
    assert [order.ref.id for order in seen_by(view).orders] == numbers[::-1][:10]
    [hint] = hints(view)
    assert [number for number in numbers if f"{number} (" in hint] == numbers[-3:]
    assert "Also open on this asset: 12 more." in hint
