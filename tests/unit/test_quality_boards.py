"""The boards of operators and planners: standing and chattering alarms, priorities, and drafts a shift."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.alarms import Alarm, BoardAlarm
from policies.statistics.alarm_board import bad_actors, position_alarms
from policies.statistics.planner_load import planner_load, shift_of

_START = datetime(2026, 1, 5, 6, tzinfo=UTC)
_WEEK = timedelta(days=7)


def heard(*minutes: float, severity: str = "S4", asset: str = "pump-1") -> list[BoardAlarm]:
    """Alarms of one fault, so many minutes after the start."""
    return [BoardAlarm(Alarm(_START + timedelta(minutes=each), asset, "PDE"), severity) for each in minutes]


@pytest.mark.parametrize(
    ("hours", "standing"),
    [((0, 12, 24), 0), ((0, 12, 24.1), 1), ((0, 25, 50), 0), ((0, 20, 40, 70, 90), 1)],
)
def test_an_alarm_stands_if_it_lasts_over_a_day_without_a_day_of_silence(
    hours: tuple[float, ...], standing: int
) -> None:
    board = position_alarms("L", heard(*(60 * each for each in hours)), _START, _START + _WEEK)
    assert len(board.standing) == standing


def test_an_alarm_that_is_heard_until_the_end_goes_on() -> None:
    board = position_alarms("L", heard(0, 800, 1600), _START, _START + timedelta(minutes=1700))
    assert [each.goes_on for each in board.standing] == [True]


@pytest.mark.parametrize(("minutes", "times"), [((0, 0.5, 1), [1]), ((0, 0.5, 1.1), []), ((0, 0.3, 0.6, 0.9), [2])])
def test_an_alarm_chatters_if_it_comes_three_times_within_a_minute(
    minutes: tuple[float, ...], times: list[int]
) -> None:
    board = position_alarms("L", heard(*minutes), _START, _START + _WEEK)
    assert [each.times for each in board.chattering] == times


def test_priorities_are_compared_with_80_15_and_5_in_a_hundred() -> None:
    alarms = [*heard(0, severity="S1"), *heard(60, severity="S2"), *heard(120, 180, severity="S3")]
    board = position_alarms("L", alarms, _START, _START + _WEEK)
    told = {each.priority: (each.share, each.target) for each in board.priorities}
    assert told == {"low": (0.5, 0.8), "medium": (0.25, 0.15), "high": (0.25, 0.05)}


def test_the_share_of_time_in_floods_counts_from_over_ten_to_under_five_in_ten_minutes() -> None:
    board = position_alarms("L", heard(*(each / 2 for each in range(11))), _START, _START + timedelta(minutes=100))
    assert (board.floods, board.in_floods) == (1, 0.13)


def test_bad_actors_are_ranked_by_their_alarms() -> None:
    ranked = bad_actors({("pump-1", "PDE"): 3, ("pump-2", "PDE"): 9, ("pump-3", "PDE"): 3}, most=2)
    assert [(each.asset, each.alarms, each.share) for each in ranked] == [("pump-2", 9, 0.6), ("pump-1", 3, 0.2)]


@pytest.mark.parametrize(("hour", "begun"), [(0, 0), (7.99, 0), (8, 8), (-0.1, -8), (23, 16), (24, 24)])
def test_shifts_begin_at_six_at_fourteen_and_at_twentytwo(hour: float, begun: int) -> None:
    assert shift_of(_START + timedelta(hours=hour)) == _START + timedelta(hours=begun)


def test_the_load_of_planners_is_compared_with_the_capacity_of_their_crews() -> None:
    drafted = [_START + timedelta(hours=each) for each in (1, 2, 3, 9)]
    load = planner_load("S", drafted, _START, _START + timedelta(hours=15), 42)
    assert (load.drafts, load.shifts, load.a_shift, load.most) == (4, 2, 2.0, 3)
    assert (load.fullest_at, load.capacity_a_shift, load.above) == (_START, 2.0, 1)


def test_without_a_bound_there_is_no_capacity() -> None:
    load = planner_load("S", [], _START, _START + _WEEK, None)
    assert (load.capacity_a_shift, load.above, load.fullest_at) == (None, None, None)
