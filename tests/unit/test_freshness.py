"""Silence is never shown as health: what was not looked at is blind, unknown or standing, and never fresh."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.freshness import BlindReason, Freshness, WatchState, watch_state, worst
from domain.heartbeats import Watch
from domain.return_to_normal import MachineSpell, MachineTime
from tests.support.baseline_readings import after

PROMISE = timedelta(minutes=60)


def ran(*spells: tuple[float, float, bool]) -> MachineTime:
    """A machine that is known to have run, or to have stood, between these minutes."""
    known = [MachineSpell(after(since), after(until), running) for since, until, running in spells]
    return MachineTime(known, while_running=True)


ALL_THE_TIME = ran((0, 1000, True))


def state(now: float, time: MachineTime = ALL_THE_TIME, promise: timedelta | None = PROMISE) -> WatchState:
    """What is known in a minute of what was last looked at in minute 0."""
    return watch_state(after(0), promise, time, after(now))


@pytest.mark.parametrize(
    ("now", "time", "found"),
    [
        pytest.param(60, ALL_THE_TIME, Freshness.FRESH, id="within the promise"),
        pytest.param(61, ALL_THE_TIME, Freshness.BLIND, id="after it"),
        pytest.param(500, ran((0, 30, True), (30, 500, False)), Freshness.STANDING, id="a planned stop"),
        pytest.param(500, ran((0, 50, True), (50, 400, False), (400, 500, True)), Freshness.BLIND, id="it ran again"),
        pytest.param(500, ran(), Freshness.UNKNOWN, id="nothing is known of the machine"),
        pytest.param(500, ran((0, 30, True)), Freshness.UNKNOWN, id="the MES fell silent"),
        pytest.param(60, ran(), Freshness.FRESH, id="seen lately, whatever the machine does"),
    ],
)
def test_only_time_in_which_the_machine_runs_makes_blind(now: float, time: MachineTime, found: Freshness) -> None:
    assert state(now, time).state is found


def test_it_is_blind_since_the_promise_was_broken_in_running_time() -> None:
    found = state(500, ran((0, 50, True), (50, 400, False), (400, 500, True)))
    assert (found.reason, found.since) == (BlindReason.SILENT, after(410))


def test_what_nobody_promised_is_neither_healthy_nor_blind() -> None:
    assert state(5000, promise=None) == WatchState(state=Freshness.NOT_MONITORED)
    assert worst([]) is Freshness.NOT_MONITORED


def test_a_masked_signal_is_blind_though_its_source_looks() -> None:
    found = watch_state(after(0), PROMISE, ALL_THE_TIME, after(1), masked_since=after(-5))
    assert found == WatchState(state=Freshness.BLIND, reason=BlindReason.MASKED, since=after(-5))


def test_a_look_at_a_signal_is_one_at_its_asset_and_a_sign_of_life() -> None:
    signal = Watch("detector", "pump", "volt")
    assert signal.seen_with() == (signal, Watch("detector", "pump"), Watch("detector"))
    assert Watch("detector").seen_with() == (Watch("detector"),)


@st.composite
def machines(draw: st.DrawFn) -> MachineTime:
    """Any machine: times in which it ran, stood, or nothing is known, in order."""
    edges = sorted(draw(st.sets(st.integers(0, 2000), max_size=12)))
    kinds = draw(st.lists(st.sampled_from([True, False, None]), min_size=len(edges), max_size=len(edges)))
    known = [(since, until, kind) for (since, until), kind in zip(pairwise(edges), kinds, strict=False)]
    return ran(*((since, until, kind) for since, until, kind in known if kind is not None))


@given(time=machines(), now=st.integers(0, 2000), promise=st.integers(1, 500))
def test_nothing_that_is_silent_is_shown_as_fresh(time: MachineTime, now: int, promise: int) -> None:
    found = state(now, time, timedelta(minutes=promise))
    assert (found.state is Freshness.FRESH) == (now <= promise)


@given(time=machines(), now=st.integers(0, 2000), promise=st.integers(1, 500))
def test_it_is_blind_exactly_if_the_machine_ran_for_longer_than_promised(
    time: MachineTime, now: int, promise: int
) -> None:
    within = timedelta(minutes=promise)
    capped = MachineTime(_until(time, now), while_running=True)
    found = state(now, capped, within)
    assert (found.state is Freshness.BLIND) == (capped.counted(after(0), after(now)) > within)


@given(st.lists(st.sampled_from([each for each in Freshness if each is not Freshness.NOT_MONITORED]), min_size=1))
def test_an_asset_is_fresh_only_if_every_watch_of_it_is(states: Sequence[Freshness]) -> None:
    assert (worst(states) is Freshness.FRESH) == all(each is Freshness.FRESH for each in states)
    assert (worst(states) is Freshness.BLIND) == (Freshness.BLIND in states)


def _until(time: MachineTime, now: int) -> list[MachineSpell]:
    """What was known of a machine at a time: nothing of what comes later."""
    spells = sorted((*time._running, *time._standing))
    return [each._replace(until=min(each.until, after(now))) for each in spells if each.since < after(now)]
