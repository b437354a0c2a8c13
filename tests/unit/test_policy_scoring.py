"""The score of would-be cases, held against the sandbox's own count, which shares no line with it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.evaluation.episodes import Ordering, episodes
from policies.evaluation.scoring import Failure, FailureRegister, Period, VersionScore, score
from sandbox.plant import score as plant_score
from sandbox.plant.dataset import ComponentEvent, Dataset
from sandbox.plant.generator import generate

MADE = generate(1, machines=2, days=30)
CLASSES = {f"machine-00{machine}-{part}": f"class-{machine}" for machine in (1, 2) for part in ("comp1", "comp2")}
PARTS = st.tuples(st.integers(1, 2), st.sampled_from(("comp1", "comp2")))
SEEN = st.lists(st.tuples(PARTS, st.integers(0, 790)), max_size=40)


def asset(machine: int, component: str) -> str:
    return f"machine-00{machine}-{component}"


def ours(ordered: list[tuple[tuple[int, str], datetime]], failed: Dataset) -> VersionScore:
    orderings = [Ordering(version="v", asset=asset(*part), failure_mode="PDE", at=at) for part, at in ordered]
    failures = [Failure(failure.time, asset(failure.machine, failure.component)) for failure in failed.failures]
    register = FailureRegister(failures, Period(failed.first, failed.last))
    return score(episodes(orderings, timedelta(hours=24)), register, CLASSES)


@given(ordered=SEEN, failed=SEEN)
@settings(max_examples=150, deadline=None)
def test_our_score_is_the_plants_own(
    ordered: list[tuple[tuple[int, str], int]], failed: list[tuple[tuple[int, str], int]]
) -> None:
    failures = sorted({ComponentEvent(MADE.hour(hour), *part) for part, hour in failed})
    truth = replace(MADE, failures=tuple(failures), replacements=())
    times = [(part, MADE.hour(hour)) for part, hour in ordered]
    theirs = plant_score.score(
        [plant_score.Ordering("v", *part, at) for part, at in times], truth, lambda machine: f"class-{machine}"
    )
    found = ours(times, truth)
    if not ordered:
        assert (theirs, found.orders) == ({}, 0)
        return
    expected = theirs["v"]
    for line, other in [
        (found, expected.total),
        *((found.by_class[name], expected.by_class[name]) for name in expected.by_class),
    ]:
        assert (line.orders, line.right, line.failures, line.caught) == (
            other.orders,
            other.right,
            other.failures,
            other.caught,
        )
        assert (line.precision, line.recall, line.median_lead_hours) == (
            other.precision,
            other.recall,
            other.median_lead_hours,
        )


def test_a_failure_at_the_very_hour_of_the_order_was_not_announced() -> None:
    at = datetime(2026, 1, 10, tzinfo=UTC)
    register = FailureRegister([Failure(at, "p")], Period(at - timedelta(days=9), at + timedelta(days=9)))
    ordering = Ordering(version="v", asset="p", failure_mode="PDE", at=at)
    assert register.announced(episodes([ordering], timedelta(hours=24))[0]) == []
