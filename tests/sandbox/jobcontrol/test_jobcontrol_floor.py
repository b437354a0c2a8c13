"""The shop floor without a wire: jobs that move with plant time, and what holds do to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.jobcontrol.floor import Floor
from sandbox.jobcontrol.holds import HoldRecord
from sandbox.jobcontrol.job import JobRow, JobState, Method, ReturnStatus

START = datetime(2015, 1, 1, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
CURRENT = (JobState.ALLOWED_TO_START, JobState.RUNNING, JobState.INTERRUPTED)


def floor_at(now: datetime, equipment: int = 20) -> Floor:
    floor = Floor([(n, f"EQ-{n:03d}", f"LINE-{n % 3 + 1}") for n in range(1, equipment + 1)], 0, HoldRecord())
    floor.take_up(now, {}, [])
    floor.advance(now)
    return floor


def planned(floor: Floor, now: datetime, equipment: str = "EQ-001") -> list[JobRow]:
    return [row for row in floor.rows(now) if row.equipment == (equipment,)]


def current(floor: Floor, now: datetime, equipment: str = "EQ-001") -> JobRow:
    return next(row for row in planned(floor, now, equipment) if row.state in CURRENT)


def bounds(row: JobRow) -> tuple[datetime, datetime]:
    assert row.start is not None
    assert row.end is not None
    return row.start, row.end


def running_since(floor: Floor) -> tuple[datetime, JobRow]:
    """A moment an hour into a job of EQ-001, and that job."""
    upcoming = planned(floor, START)[-2]
    now = bounds(upcoming)[0] + HOUR
    floor.advance(now)
    return now, current(floor, now)


def test_exactly_one_planned_job_of_an_equipment_is_its_turn_at_any_time() -> None:
    floor = floor_at(START)
    for hours in range(24 * 21):
        now = START + hours * HOUR
        floor.advance(now)
        for number in range(1, 21):
            states = [row.state for row in planned(floor, now, f"EQ-{number:03d}")]
            assert len([state for state in states if state in CURRENT]) == 1


def test_a_job_runs_at_its_start_and_ends_at_its_end() -> None:
    floor = floor_at(START)
    job = planned(floor, START)[-1]
    start, end = bounds(job)
    seen = []
    for now in (start - timedelta(seconds=1), start, end - timedelta(seconds=1), end):
        floor.advance(now)
        seen.append(next(row.state for row in floor.rows(now) if row.job_id == job.job_id))
    assert seen == [JobState.ALLOWED_TO_START, JobState.RUNNING, JobState.RUNNING, JobState.ENDED]


@pytest.mark.parametrize("weeks", [1, 13])
def test_one_leap_over_weeks_ends_where_short_steps_do(weeks: int) -> None:
    end = START + timedelta(weeks=weeks, hours=5)
    leaping, walking = floor_at(START), floor_at(START)
    leaping.advance(end)
    now = START
    while now < end:
        now += 7 * HOUR
        walking.advance(min(now, end))
    assert [station.progress for station in leaping.workstations.values()] == [
        station.progress for station in walking.workstations.values()
    ]


def test_nothing_changes_between_two_events() -> None:
    floor = floor_at(START)
    assert not floor.advance(START)


def test_a_held_job_does_not_end_and_a_released_one_ends_later_by_the_time_it_was_held() -> None:
    floor = floor_at(START)
    now, job = running_since(floor)
    end = bounds(job)[1]
    after = bounds(planned(floor, now)[-1])
    assert floor.command(Method.PAUSE, job.job_id, "K", now) is ReturnStatus.NO_ERROR
    floor.advance(end + HOUR)
    assert current(floor, end + HOUR).state is JobState.INTERRUPTED
    floor.command(Method.RESUME, job.job_id, "K", end + HOUR)
    held = end + HOUR - now
    assert bounds(current(floor, end + HOUR))[1] == end + held
    assert bounds(planned(floor, end + HOUR)[-1]) == (after[0] + held, after[1] + held)


def test_a_hold_longer_than_a_planned_stop_loses_only_the_work_not_done() -> None:
    floor = floor_at(START)
    now, job = running_since(floor)
    left = bounds(job)[1] - now
    floor.command(Method.PAUSE, job.job_id, "K", now)
    stop = next(row for row in floor.rows(now) if row.work_master == "PLANNED-STOP" and "EQ-001" in row.equipment)
    released = bounds(stop)[1] + 3 * HOUR
    floor.advance(released)
    floor.command(Method.RESUME, job.job_id, "K", released)
    assert bounds(current(floor, released))[1] == released + left


def test_a_revoked_job_waits_and_starts_when_it_is_allowed_again() -> None:
    floor = floor_at(START)
    job = planned(floor, START)[-1]
    start, end = bounds(job)
    before = start - timedelta(minutes=1)
    floor.advance(before)
    assert floor.command(Method.REVOKE_START, job.job_id, "K", before) is ReturnStatus.NO_ERROR
    late = start + 5 * HOUR
    floor.advance(late)
    assert {row.state for row in planned(floor, late)} == {JobState.NOT_ALLOWED_TO_START, JobState.ENDED}
    assert floor.command(Method.START, job.job_id, "K", late) is ReturnStatus.NO_ERROR
    floor.advance(late)
    row = current(floor, late)
    assert row.state is JobState.RUNNING
    assert bounds(row) == (late, end + 5 * HOUR)


def test_a_hold_released_before_the_start_moves_nothing() -> None:
    floor = floor_at(START)
    job = planned(floor, START)[-1]
    start, _ = bounds(job)
    early = start - timedelta(minutes=10)
    floor.advance(early)
    floor.command(Method.REVOKE_START, job.job_id, "K", early)
    floor.command(Method.START, job.job_id, "K", start - timedelta(minutes=5))
    assert bounds(current(floor, early)) == bounds(job)


@pytest.mark.parametrize("method", [Method.STOP, Method.ABORT])
def test_a_job_ended_early_closes_its_hold_and_gives_way_to_the_next(method: Method) -> None:
    floor = floor_at(START)
    now, job = running_since(floor)
    floor.command(Method.PAUSE, job.job_id, "K", now)
    late = now + 30 * HOUR
    floor.command(method, job.job_id, "", late)
    hold = floor.holds.rows()[0]
    assert (hold.released, hold.released_by) == (late, method.value)
    row = current(floor, late)
    assert row.job_id != job.job_id
    assert bounds(row)[0] > late


def test_a_later_job_aborted_before_its_turn_is_passed_over() -> None:
    floor = floor_at(START)
    later = planned(floor, START)[-1]
    floor.command(Method.ABORT, later.job_id, "", START)
    assert next(row.state for row in floor.rows(START) if row.job_id == later.job_id) is JobState.ABORTED
    middle = bounds(later)[0] + HOUR
    floor.advance(middle)
    assert current(floor, middle).job_id != later.job_id


def test_remaining_quantity_is_what_was_left_when_the_job_was_held() -> None:
    floor = floor_at(START)
    now, job = running_since(floor)
    start, end = bounds(job)
    floor.command(Method.PAUSE, job.job_id, "K", now)
    parameters = dict(current(floor, now + HOUR).parameters)
    share = (end - now) / (end - start)
    planned_quantity, remaining = parameters["PlannedQuantity"], parameters["RemainingQuantity"]
    assert isinstance(planned_quantity, float)
    assert remaining == pytest.approx(planned_quantity * share, abs=1)
    assert parameters["RemainingQuantityAsOf"] == now


def test_the_list_stays_bounded_over_a_year() -> None:
    floor = floor_at(START)
    for days in range(0, 365, 3):
        now = START + timedelta(days=days)
        floor.advance(now)
        assert len(floor.rows(now)) <= 3 + 20 * 4
