"""A calendar file: what becomes a window, when it ends where clocks change, and what is refused in a sentence."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.canonical import timestamp
from domain.errors import Rejected
from millwright.intake.calendar_times import advances
from tests.support.calendars import Read, calendar, event

START = "DTSTART;TZID=Europe/Berlin:20260110T220000"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return Read(tmp_path)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("begins", "length", "ends"),
    [
        # Clocks go forward on 29 March 2026 at 01:00 UTC, and back on 25 October.
        ("20260328T220000", "PT6H", "03-29 03"),
        ("20260328T220000", "P1D", "03-29 20"),
        ("20260328T220000", "PT24H", "03-29 21"),
        ("20260328T220000", "P1DT2H", "03-29 22"),
        ("20260328T220000", "P1W", "04-04 20"),
        ("20261024T220000", "PT6H", "10-25 02"),
        ("20261024T220000", "P1D", "10-25 21"),
        ("20261024T220000", "PT24H", "10-25 20"),
        # 02:30 does not exist on that day: it is read with the offset before the change.
        ("20260329T023000", "PT1H", "03-29 02"),
    ],
)
def test_days_of_a_duration_follow_the_wall_clock_and_its_hours_do_not(
    read: Read, begins: str, length: str, ends: str
) -> None:
    [(_, found)] = read.times(f"DTSTART;TZID=Europe/Berlin:{begins}", f"DURATION:{length}")
    assert found == ends


def test_a_series_has_a_window_for_each_occurrence_at_the_same_time_on_the_wall(read: Read) -> None:
    lines = ("DTSTART;TZID=Europe/Berlin:20260327T220000", "DURATION:PT6H", "RRULE:FREQ=DAILY;COUNT=3")
    assert read.times(*lines) == [("03-27 21", "03-28 03"), ("03-28 21", "03-29 03"), ("03-29 20", "03-30 02")]


def test_every_occurrence_is_as_long_as_the_first_where_its_end_is_written(read: Read) -> None:
    ends = "DTEND;TZID=Europe/Berlin:20260328T040000"
    lines = ("DTSTART;TZID=Europe/Berlin:20260327T220000", ends, "RRULE:FREQ=DAILY;COUNT=2")
    assert read.times(*lines) == [("03-27 21", "03-28 03"), ("03-28 21", "03-29 03")]


def test_whole_days_end_at_midnight_where_clocks_change_too(read: Read) -> None:
    lines = ("DTSTART;TZID=Europe/Berlin;VALUE=DATE:20260322", "DTEND;TZID=Europe/Berlin;VALUE=DATE:20260323")
    weekly = read.times(*lines, "RRULE:FREQ=WEEKLY;COUNT=2")
    assert weekly == [("03-21 23", "03-22 23"), ("03-28 23", "03-29 22")]


def test_a_windows_source_is_the_uid_and_the_start_by_the_rule_so_that_a_moved_occurrence_moves_its_window(
    read: Read,
) -> None:
    series = event(START, "DURATION:PT6H", "RRULE:FREQ=WEEKLY;UNTIL=20260131T000000Z", "EXDATE:20260117T210000Z")
    moved = event(
        "RECURRENCE-ID;TZID=Europe/Berlin:20260124T220000", "DTSTART:20260125T120000Z", "DTEND:20260125T130000Z"
    )
    found = read(calendar(series, moved))
    assert [(window.source, window.from_at, window.until_at) for window in found] == [
        (f"PM-12/{timestamp(utc(2026, 1, 10, 21))}", utc(2026, 1, 10, 21), utc(2026, 1, 11, 3)),
        (f"PM-12/{timestamp(utc(2026, 1, 24, 21))}", utc(2026, 1, 25, 12), utc(2026, 1, 25, 13)),
    ]


def test_a_cancelled_occurrence_is_left_out_and_so_is_a_cancelled_series(read: Read) -> None:
    series = event(START, "DURATION:PT6H", "RRULE:FREQ=DAILY;COUNT=3")
    cancelled = event("RECURRENCE-ID;TZID=Europe/Berlin:20260111T220000", "STATUS:CANCELLED")
    assert [window.from_at.day for window in read(calendar(series, cancelled))] == [10, 12]
    assert read(calendar(event("STATUS:CANCELLED", "RRULE:FREQ=DAILY"))) == []


def test_dates_of_a_series_may_be_listed(read: Read) -> None:
    lines = (START, "DURATION:PT1H", "RDATE;TZID=Europe/Berlin:20260120T220000,20260130T220000")
    assert read.times(*lines) == [("01-10 21", "01-10 22"), ("01-20 21", "01-20 22"), ("01-30 21", "01-30 22")]


def test_single_events_may_share_a_uid(read: Read) -> None:
    found = read(calendar(event(START, "DURATION:PT1H"), event(START, "DURATION:PT2H")))
    assert [(window.source, window.until_at.hour) for window in found] == [("PM-12", 22), ("PM-12", 23)]


def test_a_time_that_ends_in_z_is_in_utc_whatever_its_zone_says(read: Read) -> None:
    assert read.times("DTSTART;TZID=Europe/Berlin:20260110T220000Z", "DURATION:PT1H") == [("01-10 22", "01-10 23")]


def test_what_is_escaped_or_folded_is_read_as_it_was_meant(read: Read) -> None:
    text = calendar(event(START, "DURATION:PT1H")).replace(
        "SUMMARY:Overhaul", "SUMMARY:Pumps\\, both\\;\\nand\r\n  more"
    )
    [found] = read(text)
    assert found.reason == "Pumps, both; and more"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("DURATION:PT6H",), "lacks DTSTART"),
        ((START,), "both DTEND and DURATION"),
        ((START, "DURATION:6 hours"), "its DURATION cannot be read"),
        ((START, "DURATION:20260110T220000"), "its DURATION cannot be read"),
        ((START, "DURATION:-PT1H"), "does not end after it begins"),
        ((START, "DURATION:P9999999D"), "outside the years"),
        ((START, "DTEND:20260110T200000Z"), "does not end after it begins"),
        (("DTSTART:20260110T250000Z", "DURATION:PT6H"), "DTSTART '20260110T250000Z' is no time"),
        (("DTSTART:PT1H", "DURATION:PT6H"), "DTSTART is no time"),
        (("DTSTART;VALUE=DATE:20260110", "DURATION:P1D"), "DTSTART has no time zone"),
        ((START, START, "DURATION:PT6H"), "DTSTART more than once"),
        ((START, "DURATION:PT6H", "and so on"), "a line is no property"),
    ],
)
def test_an_event_that_cannot_be_read_is_refused_by_its_uid(read: Read, lines: tuple[str, ...], words: str) -> None:
    with pytest.raises(Rejected, match=rf"plan\.ics, event PM-12: .*{words}") as refused:
        read(calendar(event(*lines)))
    assert refused.value.fix


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("RRULE:FREQ=WEEKLY",), "recurs without end"),
        (("RRULE:FREQ=SECONDLY;COUNT=5",), "more than once a day"),
        (("RRULE:FREQ=HOURLY;UNTIL=20260111T000000Z",), "more than once a day"),
        (("RRULE:FREQ=DAILY;COUNT=5;BYHOUR=1,2",), "more than once a day"),
        (("RRULE:COUNT=5",), "recurs"),
        (("RRULE:FREQ=DAILY;COUNT=1001",), "too often"),
        (("RRULE:FREQ=DAILY;UNTIL=20360201T000000Z",), "too long"),
        (("RRULE:FREQ=DAILY;UNTIL=PT5H",), "too long"),
        (("RRULE:FREQ=DAILY;COUNT=2", "RRULE:FREQ=DAILY"), "without end"),
        (("RRULE:FREQ=OFTEN;COUNT=5",), "cannot be read"),
        (("RRULE:FREQ=DAILY;COUNT=1,2",), "cannot be read"),
        (("RRULE:FREQ=DAILY;COUNT=5", "EXRULE:FREQ=WEEKLY;COUNT=2"), "EXRULE"),
        (("RRULE:FREQ=DAILY;COUNT=5;UNTIL=20260120T000000Z",), "both UNTIL and COUNT"),
        (("RDATE;VALUE=PERIOD:20260120T220000Z/20260120T210000Z",), "does not end after it begins"),
        (("RDATE;VALUE=PERIOD:20260120T220000Z/-PT1H",), "does not end after it begins"),
        (("RDATE;VALUE=DATE:20260120",), "RDATE is a date"),
        (("RDATE;TZID=Mars/Olympus:20260120T220000",), "'Mars/Olympus' is unknown"),
        (("RECURRENCE-ID;RANGE=THISANDPRIOR:20260110T220000Z",), "obsolete RANGE"),
        (("RECURRENCE-ID;RANGE=THISANDFUTURE:20260110T220000Z",), "series that is not in the file"),
    ],
)
def test_a_series_that_is_no_plan_is_refused(read: Read, lines: tuple[str, ...], words: str) -> None:
    with pytest.raises(Rejected, match=words):
        read(calendar(event(START, "DURATION:PT6H", *lines)))


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;COUNT=5;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;COUNT=5;INTERVAL=1000000000",
        "FREQ=YEARLY;COUNT=1000;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-1",
    ],
)
def test_a_hostile_rule_takes_no_longer_than_a_few_seconds(read: Read, rule: str) -> None:
    began = time.process_time()
    assert len(read(calendar(event(START, "DURATION:PT6H", f"RRULE:{rule}")))) <= 1001
    assert time.process_time() - began < 20


@pytest.mark.parametrize("cut", ["END:VCALENDAR\r\n", "END:VEVENT\r\nEND:VCALENDAR\r\n"])
def test_a_file_that_was_cut_off_is_refused(read: Read, cut: str) -> None:
    with pytest.raises(Rejected, match="ends within"):
        read(calendar(event(START, "DURATION:PT6H")).removesuffix(cut))


def test_a_series_without_a_uid_is_refused(read: Read) -> None:
    with pytest.raises(Rejected, match="has no UID"):
        read(calendar(event(START, "DURATION:PT6H", "RRULE:FREQ=DAILY;COUNT=2", uid="")))


@pytest.mark.parametrize(("interval", "good"), [([1], True), ([52], True), ([], True), ([-2], False), (["x"], False)])
def test_an_interval_must_be_positive(interval: list[object], good: bool) -> None:
    assert advances({"INTERVAL": interval}) is good
