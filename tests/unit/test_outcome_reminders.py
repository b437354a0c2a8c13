"""A completed order of which nobody says what the work found gets reminders, at growing distances, until an end."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cases import CaseView, ClosedAs, Lane, Phase
from domain.errors import ActionRequired, Refused, Unavailable
from domain.order_terms import OrderTerms
from domain.outcomes import OutcomeClass
from domain.stops import StoppableAction
from domain.verdict import Rung
from domain.wording import Language
from domain.work_orders import WorkOrderStatus
from tests.support.cmms import reported
from tests.support.saga_plant import SagaPlant, case_view

CASE: Final = "MWAAAAAAAA"
DAY: Final = timedelta(days=1)
TEXT: Final = (
    "Millwright MWAAAAAAAA does not know yet what this work found: LEAK does not say it. Enter on this order what was "
    "found, or tell the planner. Reminder {number} of 4."
)


def completed(
    code: str | None = "LEAK", terms: Mapping[str, OrderTerms] | None = None, rung: Rung = Rung.WORK_ORDER
) -> SagaPlant:
    """A case whose order was completed, and which is closed without a known outcome."""
    plant = SagaPlant(timedelta(), terms)
    plant.store.open(case_view(CASE, 1, rung))
    plant.settle()
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, code)
    poll(plant)
    plant.settle()
    return plant


def poll(plant: SagaPlant) -> None:
    polling = plant.poll()
    while not polling.ended:
        polling.play()


def after(plant: SagaPlant, wait: timedelta) -> list[str]:
    """The reminders that the order carries after a time, in which each due row is acted on when it is due."""
    until = plant.clock.time + wait
    while (due := plant.store.due[CASE].at) is not None and due <= until:
        plant.clock.time = max(due, plant.clock.time)
        plant.settle()
    plant.clock.time = until
    return reminders(plant)


def reminders(plant: SagaPlant) -> list[str]:
    return [key.removeprefix(f"{CASE}-outcome-") for key in plant.cmms.notes if "-outcome-" in key]


def change_codes(plant: SagaPlant, code: str) -> None:
    order = plant.cmms.orders[CASE]
    plant.cmms.book.people_change(order.ref, WorkOrderStatus.COMPLETED, reported(code))


def seen(plant: SagaPlant) -> CaseView:
    return plant.store.now(CASE)


def test_reminders_come_one_three_seven_and_fourteen_days_after_the_closing_and_then_end() -> None:
    plant = completed()
    assert (seen(plant).phase, seen(plant).closed_as, reminders(plant)) == (Phase.CLOSED, ClosedAs.DONE, [])
    told = [(day, len(after(plant, DAY))) for day in range(1, 31)]
    assert [day for day, count in told if count > dict(told).get(day - 1, 0)] == [1, 3, 7, 14]
    assert [plant.cmms.notes[f"{CASE}-outcome-{number}"] for number in (1, 2, 3, 4)] == [
        TEXT.format(number=number) for number in (1, 2, 3, 4)
    ]
    assert plant.store.due[CASE].at is None


def test_the_case_stays_closed_in_the_planners_lane_and_says_at_the_end_that_nobody_answered() -> None:
    plant = completed()
    words = seen(plant).waiting_for
    after(plant, 13 * DAY)
    assert (seen(plant).phase, seen(plant).lane, seen(plant).waiting_for) == (Phase.CLOSED, Lane.PLANNER, words)
    after(plant, DAY)
    assert seen(plant).waiting_for == (
        f"{words}; nobody answered the 4 reminders on the order, and no more are written"
    )
    assert (seen(plant).phase, seen(plant).lane, seen(plant).labelled) == (Phase.CLOSED, Lane.PLANNER, False)


def test_an_order_that_was_completed_without_a_code_is_asked_for_one_in_the_language_of_its_site() -> None:
    plant = completed(None, {"fake": OrderTerms(language=Language.SPANISH)})
    after(plant, DAY)
    assert plant.cmms.notes[f"{CASE}-outcome-1"] == (
        f"Millwright {CASE} aún no sabe qué se encontró en este trabajo: la orden no tiene código de fallo. Anote en "
        "esta orden lo que se encontró, o comuníquelo al planificador. Recordatorio 1 de 4."
    )


def test_a_site_that_wants_no_reminders_gets_none() -> None:
    plant = completed(terms={"fake": OrderTerms(outcome_reminders=False)})
    assert plant.store.due[CASE].at is None
    assert after(plant, 30 * DAY) == []
    assert seen(plant).lane is Lane.PLANNER


@pytest.mark.parametrize("found", [each for each in OutcomeClass if each.final])
def test_an_outcome_that_is_known_is_not_asked_for(found: OutcomeClass) -> None:
    plant = SagaPlant(timedelta())
    plant.codes.known["LEAK"] = found
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER))
    plant.settle()
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, "LEAK")
    poll(plant)
    plant.settle()
    assert (plant.store.due[CASE].at, after(plant, 30 * DAY)) == (None, [])


@pytest.mark.parametrize("status", [each for each in WorkOrderStatus if each.not_done])
def test_an_order_that_was_not_carried_out_is_not_asked_about(status: WorkOrderStatus) -> None:
    plant = SagaPlant(timedelta())
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER))
    plant.settle()
    plant.cmms.people_move(CASE, status)
    poll(plant)
    plant.settle()
    assert (seen(plant).phase, after(plant, 30 * DAY)) == (Phase.CLOSED, [])


@pytest.mark.parametrize("days", [0, 1, 5, 13])
def test_a_statement_ends_the_reminders_at_once(days: int) -> None:
    plant = completed()
    before = after(plant, days * DAY)
    plant.state_outcome(CASE, OutcomeClass.CONFIRMED)
    plant.settle()
    assert (seen(plant).lane, seen(plant).labelled, plant.store.due[CASE].at) == (None, True, None)
    assert after(plant, 30 * DAY) == before


@pytest.mark.parametrize("days", [0, 1, 5, 13])
def test_codes_that_come_after_completion_end_the_reminders_at_once(days: int) -> None:
    plant = completed(None)
    before = after(plant, days * DAY)
    change_codes(plant, "REPAIRED")
    poll(plant)
    plant.settle()
    assert (seen(plant).outcome, seen(plant).lane, seen(plant).labelled) == (OutcomeClass.CONFIRMED, None, True)
    assert after(plant, 30 * DAY) == before


def test_codes_that_no_poll_has_brought_yet_are_read_before_a_reminder_is_written() -> None:
    plant = completed(None)
    change_codes(plant, "REPAIRED")
    assert after(plant, DAY) == []
    assert (seen(plant).outcome, seen(plant).labelled) == (OutcomeClass.CONFIRMED, True)


def test_a_table_that_learns_the_code_ends_the_reminders() -> None:
    plant = completed()
    after(plant, 2 * DAY)
    plant.codes.known["LEAK"] = OutcomeClass.NOTHING_FOUND
    assert after(plant, 30 * DAY) == ["1"]
    assert seen(plant).outcome is OutcomeClass.NOTHING_FOUND


def test_an_order_that_was_opened_again_is_not_reminded() -> None:
    plant = completed()
    plant.cmms.reopen(CASE)
    assert after(plant, 30 * DAY) == []


def test_a_cmms_that_is_away_gets_the_reminder_when_it_is_back_and_none_of_those_it_missed() -> None:
    plant = completed()
    plant.cmms.takes_no_note = _away()
    assert after(plant, 8 * DAY) == []
    assert (seen(plant).phase, seen(plant).lane) == (Phase.CLOSED, Lane.PLANNER)
    plant.cmms.takes_no_note = None
    assert after(plant, DAY) == ["3"]
    assert "LEAK" in str(seen(plant).waiting_for)
    assert after(plant, 30 * DAY) == ["3", "4"]


def test_a_cmms_that_stays_away_until_after_the_end_gets_no_reminder_any_more() -> None:
    plant = completed()
    plant.cmms.takes_no_note = _away()
    after(plant, 22 * DAY)
    plant.cmms.takes_no_note = None
    assert after(plant, 30 * DAY) == []
    assert (seen(plant).lane, plant.store.due[CASE].at) == (Lane.PLANNER, None)


@pytest.mark.parametrize("kind", [ActionRequired, Refused])
def test_a_cmms_that_takes_no_note_on_a_closed_order_leaves_the_case_as_it_is(
    kind: type[ActionRequired | Refused],
) -> None:
    plant = completed()
    before = seen(plant).waiting_for
    plant.cmms.takes_no_note = kind("is closed", system="fake", operation="add-note")
    assert after(plant, 30 * DAY) == []
    assert (seen(plant).lane, seen(plant).waiting_for, plant.store.due[CASE].at) == (Lane.PLANNER, before, None)


def test_a_kill_switch_on_orders_stops_no_reminder_as_it_stops_no_other_note() -> None:
    plant = completed()
    plant.store.stopped[StoppableAction.ORDER] = "orders are stopped"
    assert after(plant, DAY) == ["1"]


def test_the_machine_is_released_before_the_days_are_counted() -> None:
    plant = completed(rung=Rung.WORK_ORDER_AND_HOLD)
    after(plant, 5 * DAY)
    assert (seen(plant).phase, reminders(plant)) == (Phase.AWAITING_RELEASE, [])
    plant.release(CASE)
    plant.settle()
    assert seen(plant).phase is Phase.CLOSED
    assert after(plant, 2 * DAY) == ["1"]


@given(st.lists(st.integers(0, 14 * 24), max_size=12))
def test_a_case_that_is_woken_at_any_time_writes_each_reminder_once_and_none_before_its_day(hours: list[int]) -> None:
    plant = completed()
    began: datetime = plant.clock.time
    for hour in sorted(hours):
        plant.clock.time = began + timedelta(hours=hour)
        plant.store.woken(CASE)
        plant.settle()
        due = sum(days * DAY <= timedelta(hours=hour) for days in (1, 3, 7, 14))
        assert all(int(number) <= due for number in reminders(plant))
    assert len(reminders(plant)) == len(set(reminders(plant)))


def test_a_clock_of_the_cmms_that_is_wrong_moves_no_reminder() -> None:
    plant = SagaPlant(timedelta())
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER))
    plant.settle()
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, "LEAK")
    plant.cmms.book.people_change_unseen(
        plant.cmms.orders[CASE].ref, report=reported("LEAK").model_copy(update={"finished_at": _skewed(plant)})
    )
    poll(plant)
    plant.settle()
    assert after(plant, DAY - timedelta(minutes=1)) == []
    assert after(plant, timedelta(minutes=1)) == ["1"]


def _away() -> Unavailable:
    return Unavailable("timed out", system="fake", operation="add-note")


def _skewed(plant: SagaPlant) -> datetime:
    return plant.clock.time + timedelta(days=40)
