"""The would-be case: a run of ordering verdicts, none more than `rearm` after the one before."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.verdict import Memory
from policies.engine.memory import order
from policies.evaluation.episodes import Episode, Ordering, episodes, feed

T0 = datetime(2026, 1, 10, tzinfo=UTC)
REARM = timedelta(hours=24)


def ordering(hours: float, asset: str = "m1/comp1", version: str = "v1") -> Ordering:
    return Ordering(version=version, asset=asset, failure_mode="VIB", at=T0 + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("hours", "runs"),
    [
        ((), []),
        ((0,), [(0, 0, 1)]),
        ((0, 24), [(0, 24, 2)]),
        ((0, 24.01), [(0, 0, 1), (24.01, 24.01, 1)]),
        ((0, 20, 40, 90), [(0, 40, 3), (90, 90, 1)]),
        ((40, 0, 20, 20), [(0, 40, 4)]),
    ],
)
def test_verdicts_fall_into_episodes(hours: tuple[float, ...], runs: list[tuple[float, float, int]]) -> None:
    found = episodes([ordering(each) for each in hours], REARM)

    assert [
        ((each.opened_at - T0).total_seconds() / 3600, (each.last_at - T0).total_seconds() / 3600, each.verdicts)
        for each in found
    ] == runs


def test_assets_and_versions_have_episodes_of_their_own() -> None:
    found = episodes([ordering(0), ordering(1, "m2/comp1"), ordering(2, version="v2"), ordering(3)], REARM)

    assert [(each.version, each.asset, each.verdicts) for each in found] == [
        ("v1", "m1/comp1", 2),
        ("v1", "m2/comp1", 1),
        ("v2", "m1/comp1", 1),
    ]


@given(st.lists(st.integers(0, 300), max_size=30), st.randoms(use_true_random=False))
def test_episodes_do_not_depend_on_the_order_given(hours: list[int], chance: random.Random) -> None:
    given_in_order = [ordering(each) for each in sorted(hours)]
    shuffled = chance.sample(given_in_order, len(given_in_order))

    assert episodes(shuffled, REARM) == episodes(given_in_order, REARM)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=30))
def test_the_memory_of_judging_and_the_would_be_case_agree(hours: list[int]) -> None:
    memory, episode = Memory(), None
    for each in sorted(hours):
        memory = order(memory, T0 + timedelta(hours=each), REARM)
        episode = feed(episode, ordering(each), REARM)

    assert isinstance(episode, Episode)
    assert (memory.episode_at, memory.ordered_at) == (episode.opened_at, episode.last_at)
