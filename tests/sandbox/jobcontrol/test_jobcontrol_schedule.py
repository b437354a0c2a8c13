"""The plan is a pure function of seed, line and equipment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from sandbox.jobcontrol.schedule import STOP_LENGTH, WEEK, Calendar, Plan

NOW = datetime(2015, 1, 1, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


def jobs_of(equipment: str, seed: int = 0, count: int = 200) -> list[tuple[str, datetime, datetime]]:
    calendar, plan = Calendar("LINE-1", seed), Plan(equipment, seed)
    first = plan.number_at(calendar.worked(NOW))
    slots = [plan.slot(number) for number in range(first, first + count)]
    return [(slot.job_id, calendar.start_at(slot.begin), calendar.end_at(slot.finish)) for slot in slots]


def test_the_same_seed_makes_the_same_plan() -> None:
    assert jobs_of("EQ-001", seed=3) == jobs_of("EQ-001", seed=3)


def test_another_seed_or_another_equipment_has_another_plan() -> None:
    assert jobs_of("EQ-001", seed=3) != jobs_of("EQ-001", seed=4)
    starts = [{start for _, start, _ in jobs_of(name)} for name in ("EQ-001", "EQ-002")]
    assert starts[0] != starts[1]


def test_every_job_takes_eight_to_twelve_hours_without_a_stop_in_it() -> None:
    assert all(8 * HOUR <= end - start <= 12 * HOUR for _, start, end in jobs_of("EQ-007"))


def test_jobs_follow_each_other_with_a_changeover_or_a_planned_stop_between() -> None:
    gaps = [later[1] - earlier[2] for earlier, later in pairwise(jobs_of("EQ-007"))]
    short = [gap for gap in gaps if gap < HOUR]
    stops = [place for place, gap in enumerate(gaps) if gap >= HOUR]
    assert all(gap >= timedelta(minutes=15) for gap in short)
    assert all(STOP_LENGTH <= gaps[place] < STOP_LENGTH + HOUR for place in stops)
    assert stops == list(range(stops[0], len(gaps), 16))


def test_a_line_stops_once_a_week_at_the_same_hour() -> None:
    calendar = Calendar("LINE-2", 0)
    stop = calendar.stop_after(NOW)
    later = calendar.stop_after(stop.end)
    assert stop.end - stop.start == STOP_LENGTH
    assert later.start - stop.start == WEEK
    assert later.job_id != stop.job_id
    assert calendar.stop_after(stop.end - timedelta(seconds=1)) == stop


def test_work_stands_still_during_a_planned_stop() -> None:
    calendar = Calendar("LINE-3", 0)
    stop = calendar.stop_after(NOW)
    assert calendar.worked(stop.start) == calendar.worked(stop.end)
    assert calendar.end_at(calendar.worked(stop.start)) == stop.start
    assert calendar.start_at(calendar.worked(stop.start)) == stop.end


@pytest.mark.parametrize("hours", range(0, 24 * 8, 5))
def test_the_slot_at_a_moment_is_the_one_around_it(hours: int) -> None:
    calendar, plan = Calendar("LINE-1", 0), Plan("EQ-011", 0)
    worked = calendar.worked(NOW + hours * HOUR)
    slot = plan.slot(plan.number_at(worked))
    assert slot.changeover <= worked < slot.finish
