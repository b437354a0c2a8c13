"""Alarm floods as ISA-18.2 tells them: more than ten in ten minutes, over below five."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.alarms import Alarm
from policies.statistics.floods import BEGINS_ABOVE, FIRST_OUT, WINDOW, Flood, floods

START = datetime(2015, 1, 10, 6, tzinfo=UTC)
LATER = START + timedelta(days=1)


def minutes(*offsets: float) -> list[datetime]:
    return [START + timedelta(minutes=offset) for offset in offsets]


def told(times: Sequence[datetime], until: datetime = LATER) -> list[tuple[float, float | None, int, int]]:
    """Beginning and end in minutes after the start, alarms and peak."""
    return [
        (_minutes(flood.began_at), _minutes(flood.ended_at) if flood.ended_at else None, flood.alarms, flood.peak)
        for flood in found(times, until)
    ]


def found(times: Sequence[datetime], until: datetime = LATER) -> tuple[Flood, ...]:
    return floods("LINE-1", [Alarm(at, "machine-001-comp1", "PDE") for at in times], until)


def _minutes(moment: datetime) -> float:
    return (moment - START) / timedelta(minutes=1)


def test_ten_alarms_in_ten_minutes_are_no_flood() -> None:
    assert told(minutes(*[n * 0.9 for n in range(10)])) == []


def test_eleven_alarms_in_ten_minutes_are_a_flood_from_the_first_of_them() -> None:
    assert told(minutes(*[n * 0.9 for n in range(11)])) == [(0, 15.4, 11, 11)]


def test_eleven_alarms_a_minute_apart_are_none_because_the_first_has_left_the_window() -> None:
    assert told(minutes(*range(60))) == []


def test_a_flood_goes_on_while_five_lie_in_the_window() -> None:
    trickle = [6 + 1.9 * n for n in range(10)]
    assert told(minutes(*[n * 0.5 for n in range(11)], *trickle)) == [(0, 25.5, 21, 14)]


def test_what_comes_after_the_end_begins_no_second_flood_by_itself() -> None:
    assert told(minutes(*[0] * 11, 10, 10, 10, 10)) == [(0, 10, 11, 11)]


def test_two_bursts_far_apart_are_two_floods() -> None:
    assert told(minutes(*[0] * 12, *[60] * 13)) == [(0, 10, 12, 12), (60, 70, 13, 13)]


def test_a_flood_that_may_still_go_on_has_no_end() -> None:
    assert told(minutes(*[0] * 11), until=START + timedelta(minutes=9)) == [(0, None, 11, 11)]


def test_a_flood_that_ended_before_we_looked_has_its_end() -> None:
    assert told(minutes(*[0] * 11), until=START + timedelta(minutes=10)) == [(0, 10, 11, 11)]


def test_no_alarms_are_no_flood() -> None:
    assert told([]) == []


def test_a_flood_lists_the_faults_that_came_first_each_once_in_their_order() -> None:
    alarms = [Alarm(START + timedelta(seconds=n), f"asset-{n % 40:02}", "PDE") for n in range(200)]
    (flood,) = floods("LINE-1", alarms, LATER)
    assert flood.faults == 40
    assert [fault.asset for fault in flood.first_out] == [f"asset-{n:02}" for n in range(FIRST_OUT)]
    assert flood.first_out[3].at == START + timedelta(seconds=3)


def test_what_opened_the_window_is_first_out_though_it_was_no_flood_yet() -> None:
    alarms = [Alarm(START, "the-first", "PDE"), *(Alarm(START + timedelta(minutes=9), "later", "PDE"),) * 10]
    (flood,) = floods("LINE-1", alarms, LATER)
    assert [fault.asset for fault in flood.first_out] == ["the-first", "later"]


@given(st.lists(st.integers(0, 7200), max_size=80))
def test_floods_lie_apart_in_order_and_none_is_missed(seconds: list[int]) -> None:
    times = [START + timedelta(seconds=each) for each in sorted(seconds)]
    told_of = found(times)
    for before, after in pairwise(told_of):
        assert before.ended_at is not None
        assert before.ended_at <= after.began_at + WINDOW
    for at in times:
        full = sum(at - WINDOW < each <= at for each in times) > BEGINS_ABOVE
        within = any(flood.began_at <= at and (flood.ended_at is None or at < flood.ended_at) for flood in told_of)
        assert within or not full
