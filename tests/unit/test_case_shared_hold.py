"""Two cases of one machine share its hold: one of them calls the MES, and the twin hears no state that never was."""

from datetime import timedelta

import pytest

from domain.holds import PLACING_LASTS, HoldView
from domain.verdict import Rung
from tests.support.fault_injection import CallOutcome
from tests.support.saga_plant import SagaPlant, case_view
from workflows.options import VENDOR_STEP

FIRST, SECOND = "MWAAAAAAAA", "MWBBBBBBBB"
CALLS_TO_A_HOLD = 40
"""More calls than a case makes until its machine is held."""


def opened() -> SagaPlant:
    plant = SagaPlant(timedelta(0))
    for part, case in enumerate((FIRST, SECOND), start=1):
        plant.store.open(case_view(case, part, Rung.WORK_ORDER_AND_HOLD))
    plant.dispatch()
    return plant


def play(plant: SagaPlant, case: str, calls: int = 60) -> None:
    for _ in range(calls):
        plant.workflows[case].played.play()


def play_to_the_mes_s_hold(plant: SagaPlant, case: str) -> None:
    """Stops before the call that holds the job: its placement is intended, and nothing else of it is done."""
    for _ in range(CALLS_TO_A_HOLD):
        hold = plant.store.holds.of(case)
        if hold is not None and hold.placements:
            return
        plant.workflows[case].played.play()
    raise AssertionError(f"case {case} intends no placement")


def settle(plant: SagaPlant) -> None:
    for _ in range(3):
        plant.dispatch()
        for case in (FIRST, SECOND):
            play(plant, case)


def the_hold(plant: SagaPlant) -> HoldView:
    [hold] = plant.store.holds.live()
    return hold


@pytest.mark.parametrize("calls", range(CALLS_TO_A_HOLD))
def test_however_far_one_case_is_when_the_other_one_looks_the_job_is_held_once_and_told_as_held(calls: int) -> None:
    plant = opened()
    play(plant, FIRST, calls)
    play(plant, SECOND)
    settle(plant)
    assert (len(plant.mes.placed), the_hold(plant).claims) == (1, 2)
    assert the_hold(plant).in_effect_since is not None
    assert plant.twins.holds_told == ["held"]
    assert [plant.store.now(case).lane for case in (FIRST, SECOND)] == [None, None]


def test_a_case_that_dies_in_its_call_is_followed_by_the_other_one_after_two_minutes() -> None:
    plant = opened()
    play_to_the_mes_s_hold(plant, FIRST)
    play(plant, SECOND)
    assert plant.mes.placed == []
    plant.clock.time += PLACING_LASTS + timedelta(minutes=4)
    plant.dispatch()
    play(plant, SECOND)
    assert plant.mes.placed == [(FIRST, 1)]
    assert plant.twins.holds_told == ["held"]
    # The step that was cut off comes back: it finds the job held and changes nothing.
    settle(plant)
    assert (len(plant.mes.placed), plant.twins.holds_told) == (1, ["held"])


def test_a_step_that_was_cut_off_places_its_own_intention_at_once() -> None:
    plant = opened()
    play_to_the_mes_s_hold(plant, FIRST)
    plant.workflows[FIRST].played.play(CallOutcome.CRASH_BEFORE)
    play(plant, FIRST)
    assert plant.mes.placed == [(FIRST, 1)]


def test_a_case_is_the_only_one_to_place_for_longer_than_its_step_may_take() -> None:
    assert PLACING_LASTS > VENDOR_STEP
