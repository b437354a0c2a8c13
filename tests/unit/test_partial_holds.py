"""A hold of a machine with several jobs is in effect only if each of them is held."""

from datetime import UTC, datetime

from domain.holds import HoldStatus, HoldView, Placement, PlacementState
from domain.production import HoldMethod, HoldPlan, JobState

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def placement(number: int, state: PlacementState) -> Placement:
    plan = HoldPlan(
        key="MWKEY",
        equipment="EQ-10",
        receiver="R",
        job=f"JO-{number}",
        prior_state=JobState.RUNNING,
        method=HoldMethod.PAUSE,
    )
    seen = NOW if state is PlacementState.IN_EFFECT else None
    return Placement(number=number, plan=plan, state=state, accepted_at=seen, in_effect_at=seen, read_at=seen)


def hold(*states: PlacementState) -> HoldView:
    placements = tuple(placement(number, state) for number, state in enumerate(states, start=1))
    return HoldView(
        key="MWKEY",
        system="mes",
        equipment="EQ-10",
        state=HoldStatus.ASKED,
        placements=placements,
        claims=1,
        working=1,
    )


def test_a_hold_whose_second_job_was_refused_is_partial_and_not_in_effect() -> None:
    partial = hold(PlacementState.IN_EFFECT, PlacementState.INTENDED)
    assert partial.in_effect_since is None
    assert partial.words == "partial: job JO-2 is not held, so the machine may run; job JO-1 is held"


def test_a_hold_of_every_job_is_in_effect() -> None:
    whole = hold(PlacementState.IN_EFFECT, PlacementState.IN_EFFECT)
    assert (whole.in_effect_since, whole.jobs_not_held) == (NOW, ())
    assert whole.words == "in effect: job JO-1, JO-2 was read as held at 2026-01-31 12:00 UTC"


def test_a_hold_that_is_being_placed_is_not_partial() -> None:
    assert hold(PlacementState.INTENDED).jobs_not_held == ()
