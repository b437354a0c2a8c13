"""A person states what completed work found, between any two calls of the steps that learn from it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from domain.cases import ClosedAs, Lane, Phase
from domain.outcomes import OutcomeClass
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.fault_injection import CallOutcome
from tests.support.saga_plant import SagaPlant, case_view

CASE = "MWAAAAAAAA"
CALLS_OF_LEARNING = range(7)
"""How many calls before the close a person may state the outcome: it is recorded then."""


def rest(plant: SagaPlant) -> None:
    for _ in range(5):
        plant.dispatch()
        for _ in range(80):
            plant.workflows[CASE].played.play()


def completed(rung: Rung = Rung.WORK_ORDER) -> SagaPlant:
    """A case whose order was completed with a code that nobody has explained; the poll has stored it."""
    plant = SagaPlant(timedelta(0))
    plant.store.open(case_view(CASE, 1, rung))
    rest(plant)
    plant.clock.time += timedelta(hours=1)
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, "LEAK")
    polling = plant.poll()
    while not polling.ended:
        polling.play()
    plant.dispatch()
    return plant


def closed() -> SagaPlant:
    """The same after the case has closed; its workflow is woken again."""
    plant = completed()
    rest(plant)
    assert plant.store.now(CASE).lane is Lane.PLANNER
    plant.store.woken(CASE)
    plant.dispatch()
    return plant


def play(plant: SagaPlant, calls: int) -> None:
    for _ in range(calls):
        plant.workflows[CASE].played.play()


def calls_until(made: Callable[[], SagaPlant], done: Callable[[SagaPlant], bool]) -> int:
    plant, calls = made(), 0
    while not done(plant):
        play(plant, 1)
        calls += 1
    return calls


def learnt(plant: SagaPlant) -> tuple[object, ...]:
    view = plant.store.now(CASE)
    label = plant.store.outcomes.labels.get(CASE)
    return (
        (view.phase, view.closed_as, view.lane, view.waiting_for, plant.store.due[CASE].at),
        (view.outcome, view.twin_told, plant.twins.outcome_of.get(CASE)),
        (label and label.outcome, label and label.stated_by),
    )


STATED = (
    (Phase.CLOSED, ClosedAs.DONE, None, None, None),
    (OutcomeClass.CONFIRMED, True, "confirmed"),
    (OutcomeClass.CONFIRMED, "pia"),
)


@pytest.mark.parametrize("left", CALLS_OF_LEARNING)
def test_an_outcome_that_is_stated_while_its_case_closes_is_learnt(left: int) -> None:
    plant = completed()
    play(plant, calls_until(completed, lambda other: other.store.now(CASE).closed_as is not None) - left)
    plant.state_outcome(CASE, OutcomeClass.CONFIRMED)
    rest(plant)
    assert learnt(plant) == STATED


@pytest.mark.parametrize("left", range(16))
def test_an_outcome_that_is_stated_while_a_closed_case_is_looked_at_again_is_learnt(left: int) -> None:
    plant = closed()
    play(plant, calls_until(closed, lambda other: other.workflows[CASE].played.ended) - left)
    plant.state_outcome(CASE, OutcomeClass.CONFIRMED)
    rest(plant)
    assert learnt(plant) == STATED


@pytest.mark.parametrize("left", range(16))
def test_of_a_statement_and_codes_that_become_known_at_once_one_is_learnt(left: int) -> None:
    plant = closed()
    plant.codes.known["LEAK"] = OutcomeClass.NOTHING_FOUND
    play(plant, calls_until(closed, lambda other: other.workflows[CASE].played.ended) - left)
    plant.state_outcome(CASE, OutcomeClass.CONFIRMED)
    rest(plant)
    by_codes = (OutcomeClass.NOTHING_FOUND, True, "nothing_found"), (OutcomeClass.NOTHING_FOUND, None)
    assert learnt(plant) in (STATED, (STATED[0], *by_codes))


def test_an_outcome_that_is_stated_while_the_twin_is_away_is_the_only_one_that_it_is_told() -> None:
    plant = completed()
    played = plant.workflows[CASE].played
    while not played.asks_vendor:
        played.play()
    played.play(CallOutcome.AWAY)
    play(plant, 10)
    plant.state_outcome(CASE, OutcomeClass.CONFIRMED)
    plant.clock.time += timedelta(hours=1)
    rest(plant)
    assert learnt(plant) == STATED
    assert plant.twins.outcomes_told == ["confirmed"]


def test_an_outcome_that_is_stated_while_the_machine_is_held_is_learnt_after_the_release() -> None:
    plant = completed(Rung.WORK_ORDER_AND_HOLD)
    rest(plant)
    plant.state_outcome(CASE, OutcomeClass.CONFIRMED)
    rest(plant)
    waiting = plant.store.now(CASE)
    assert (waiting.phase, waiting.lane, waiting.labelled) == (Phase.AWAITING_RELEASE, Lane.PRODUCTION, False)
    plant.release(CASE)
    rest(plant)
    assert learnt(plant) == STATED
