"""The occurrences of a recurring entry: rules, dates, exceptions, and changes of one or of all later ones."""

from pathlib import Path

import pytest

from domain.canonical import timestamp
from domain.errors import Rejected
from tests.support.calendars import Read, calendar, event

MONDAY = "DTSTART:20260105T060000Z"
NIGHT = "DTSTART;TZID=America/New_York:20260110T220000"
HOUR = "DURATION:PT1H"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return Read(tmp_path)


def starts(read: Read, *parts: str) -> list[str]:
    """Month, day, hour and minute in UTC of each window's beginning."""
    return [span[:11] for span in read.spans(*parts)]


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=DAILY;COUNT=3", ["01-05", "01-06", "01-07"]),
        ("FREQ=DAILY;INTERVAL=10;UNTIL=20260125T060000Z", ["01-05", "01-15", "01-25"]),
        ("FREQ=WEEKLY;COUNT=4;BYDAY=MO,WE", ["01-05", "01-07", "01-12", "01-14"]),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=3", ["01-05", "01-19", "02-02"]),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=1MO", ["01-05", "02-02", "03-02"]),
        ("FREQ=MONTHLY;COUNT=3;BYMONTHDAY=5,20", ["01-05", "01-20", "02-05"]),
        ("FREQ=MONTHLY;COUNT=2;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=3", ["01-05", "02-04"]),
        ("FREQ=YEARLY;COUNT=2;BYMONTH=1,6;BYMONTHDAY=5", ["01-05", "06-05"]),
    ],
)
def test_a_rule_gives_its_days(read: Read, rule: str, days: list[str]) -> None:
    assert starts(read, event(MONDAY, HOUR, f"RRULE:{rule}")) == [f"{day} 06:00" for day in days]


def test_the_last_friday_of_each_month_stays_at_the_same_local_time(read: Read) -> None:
    lines = ("DTSTART;TZID=Europe/Berlin:20260227T220000", HOUR, "RRULE:FREQ=MONTHLY;COUNT=3;BYDAY=-1FR")
    assert starts(read, event(*lines)) == ["02-27 21:00", "03-27 21:00", "04-24 20:00"]


@pytest.mark.parametrize(
    ("until", "count"),
    [
        ("20260113T030000Z", 3),
        ("20260113T025959Z", 2),
        # In the zone of the event, though RFC 5545 wants UTC.
        ("20260112T220000", 3),
        ("20260112T215959", 2),
        # A date takes its whole day.
        ("20260112", 3),
        ("20260109T000000Z", 0),
    ],
)
def test_until_counts_in_utc_in_local_time_and_as_a_date(read: Read, until: str, count: int) -> None:
    assert len(starts(read, event(NIGHT, HOUR, f"RRULE:FREQ=DAILY;UNTIL={until}"))) == count


@pytest.mark.parametrize(
    ("begins", "until", "count"),
    [
        ("20260327T023000", "20260329T013000Z", 3),
        ("20260327T023000", "20260329T012959Z", 2),
        ("20261023T023000", "20261025T003000Z", 3),
        ("20261023T023000", "20261025T002959Z", 2),
        ("20261023T023000", "20261025T011000Z", 3),
    ],
)
def test_until_counts_to_the_second_where_clocks_change(read: Read, begins: str, until: str, count: int) -> None:
    lines = (f"DTSTART;TZID=Europe/Berlin:{begins}", HOUR, f"RRULE:FREQ=DAILY;UNTIL={until}")
    assert len(starts(read, event(*lines))) == count


@pytest.mark.parametrize(
    "exception",
    [
        "EXDATE:20260112T030000Z",
        "EXDATE;TZID=America/New_York:20260111T220000",
        "EXDATE:20260111T220000",
        "EXDATE;VALUE=DATE:20260111",
        "EXDATE;VALUE=DATE;TZID=America/New_York:20260111",
    ],
)
def test_an_exception_takes_its_occurrence_away(read: Read, exception: str) -> None:
    lines = (NIGHT, HOUR, "RRULE:FREQ=DAILY;COUNT=3", exception)
    assert starts(read, event(*lines)) == ["01-11 03:00", "01-13 03:00"]


def test_an_exception_takes_no_occurrence_away_whose_local_time_reads_as_its_own_in_utc(read: Read) -> None:
    zone = "TZID=America/New_York"
    lines = (f"DTSTART;{zone}:20260110T100000", HOUR, f"RDATE;{zone}:20260110T150000", f"EXDATE;{zone}:20260110T100000")
    assert starts(read, event(*lines)) == ["01-10 20:00"]


def test_dates_may_be_listed_before_the_start(read: Read) -> None:
    assert starts(read, event(MONDAY, HOUR, "RDATE:20251201T060000Z")) == ["12-01 06:00", "01-05 06:00"]


def test_listed_periods_have_ends_of_their_own(read: Read) -> None:
    periods = "20260328T220000/P1D,20260330T220000/20260331T010000,20260402T220000/PT30M"
    lines = ("DTSTART;TZID=Europe/Berlin:20260327T220000", HOUR, f"RDATE;VALUE=PERIOD;TZID=Europe/Berlin:{periods}")
    assert read.spans(event(*lines)) == [
        "03-27 21:00 03-27 22:00",
        "03-28 21:00 03-29 20:00",
        "03-30 20:00 03-30 23:00",
        "04-02 20:00 04-02 20:30",
    ]


SERIES = event(NIGHT, HOUR, "RRULE:FREQ=DAILY;COUNT=4")


def change(identity: str, *lines: str) -> str:
    return event(f"RECURRENCE-ID;{identity}", *lines)


def test_a_changed_occurrence_may_be_in_another_zone_and_last_longer(read: Read) -> None:
    moved = change(
        "TZID=America/New_York:20260111T220000", "DTSTART;TZID=Europe/Berlin:20260115T080000", "DURATION:PT3H"
    )
    assert read.spans(SERIES, moved) == [
        "01-11 03:00 01-11 04:00",
        "01-13 03:00 01-13 04:00",
        "01-14 03:00 01-14 04:00",
        "01-15 07:00 01-15 10:00",
    ]


def test_a_changed_occurrence_is_known_by_its_start_in_utc_too_and_may_stand_before_its_series(read: Read) -> None:
    moved = event("RECURRENCE-ID:20260112T030000Z", "DTSTART:20260112T050000Z", HOUR)
    assert starts(read, moved, SERIES) == ["01-11 03:00", "01-12 05:00", "01-13 03:00", "01-14 03:00"]


def test_a_cancelled_occurrence_needs_no_times(read: Read) -> None:
    cancelled = change("TZID=America/New_York:20260111T220000", "STATUS:CANCELLED")
    assert starts(read, SERIES, cancelled) == ["01-11 03:00", "01-13 03:00", "01-14 03:00"]


LATER = "RANGE=THISANDFUTURE;TZID=America/New_York:20260112T220000"


def test_a_change_of_all_later_occurrences_moves_each_and_each_keeps_its_source(read: Read) -> None:
    later = change(LATER, "DTSTART;TZID=America/New_York:20260112T233000", "DURATION:PT2H")
    single = change("TZID=America/New_York:20260113T220000", "DTSTART:20260120T000000Z", "DURATION:PT1H")
    assert read.spans(SERIES, later) == [
        "01-11 03:00 01-11 04:00",
        "01-12 03:00 01-12 04:00",
        "01-13 04:30 01-13 06:30",
        "01-14 04:30 01-14 06:30",
    ]
    before = {window.source for window in read(calendar(SERIES))}
    assert {window.source for window in read(calendar(SERIES, later))} == before
    assert {window.source for window in read(calendar(SERIES, later, single))} == before
    assert starts(read, SERIES, later, single)[-1] == "01-20 00:00"


def test_all_later_occurrences_may_be_cancelled(read: Read) -> None:
    assert starts(read, SERIES, change(LATER, "STATUS:CANCELLED")) == ["01-11 03:00", "01-12 03:00"]


def test_the_newest_revision_counts_and_two_of_the_same_are_refused(read: Read) -> None:
    first = event("SEQUENCE:1", NIGHT, HOUR, "RRULE:FREQ=DAILY;COUNT=2")
    second = event("SEQUENCE:2", NIGHT, HOUR, "RRULE:FREQ=DAILY;COUNT=3")
    assert len(starts(read, second, first)) == 3
    with pytest.raises(Rejected, match="it is described twice"):
        read(calendar(first, first))
    moved = change("TZID=America/New_York:20260111T220000", "DTSTART:20260115T080000Z", HOUR)
    with pytest.raises(Rejected, match="two of its changes are of the same occurrence"):
        read(calendar(SERIES, moved, moved))


def test_the_source_of_an_occurrence_that_clocks_skip_is_the_instant_at_which_it_is_taken(read: Read) -> None:
    lines = ("DTSTART;TZID=Europe/Berlin:20260328T023000", HOUR, "RRULE:FREQ=DAILY;COUNT=2")
    for window in read(calendar(event(*lines))):
        assert window.source == f"PM-12/{timestamp(window.from_at)}"


def test_one_entry_that_is_refused_leaves_the_others(read: Read) -> None:
    endless = event(MONDAY, HOUR, "RRULE:FREQ=DAILY", uid="endless")
    placeless = event(MONDAY, HOUR, uid="placeless").replace("LOCATION:machine-001\r\n", "")
    found = read.content(calendar(endless, event(MONDAY, HOUR, uid="sound"), placeless))
    assert [window.source for window in found.windows] == ["sound"]
    assert [str(refused) for refused in found.refused] == [
        "RRULE: plan.ics, event endless: it recurs without end (RRULE) (give UNTIL or COUNT)",
        "LOCATION: plan.ics, event placeless: it lacks an asset (LOCATION is its asset)",
    ]
