"""The times of a calendar: how long a window is when clocks change, odd local times, and the names of zones."""

from pathlib import Path

import pytest

from domain.errors import Rejected
from tests.support.calendars import Read, calendar, event, zone

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
"""Clocks change by an hour at 01:00 UTC in Berlin, at two o'clock in New York, and by half an hour on Lord Howe."""
OUTLOOK = "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    return Read(tmp_path)


@pytest.mark.parametrize(
    ("named", "begins", "length", "span"),
    [
        (BERLIN, "20260328T220000", "PT8H", "03-28 21:00 03-29 05:00"),
        (BERLIN, "20260328T220000", "P1D", "03-28 21:00 03-29 20:00"),
        (BERLIN, "20260328T220000", "P1DT1H", "03-28 21:00 03-29 21:00"),
        (BERLIN, "20260329T013000", "PT1H", "03-29 00:30 03-29 01:30"),
        (BERLIN, "20261024T220000", "PT8H", "10-24 20:00 10-25 04:00"),
        (BERLIN, "20261024T220000", "P1D", "10-24 20:00 10-25 21:00"),
        (BERLIN, "20261024T220000", "P1DT1H", "10-24 20:00 10-25 22:00"),
        (BERLIN, "20261025T013000", "PT1H", "10-24 23:30 10-25 00:30"),
        (NEW_YORK, "20260307T220000", "PT8H", "03-08 03:00 03-08 11:00"),
        (NEW_YORK, "20260307T220000", "P1D", "03-08 03:00 03-09 02:00"),
        (NEW_YORK, "20261031T220000", "PT8H", "11-01 02:00 11-01 10:00"),
        (NEW_YORK, "20261031T220000", "P1D", "11-01 02:00 11-02 03:00"),
        (LORD_HOWE, "20261003T220000", "PT8H", "10-03 11:30 10-03 19:30"),
        (LORD_HOWE, "20261003T220000", "P1D", "10-03 11:30 10-04 11:00"),
        (LORD_HOWE, "20260404T220000", "PT8H", "04-04 11:00 04-04 19:00"),
        (LORD_HOWE, "20260404T220000", "P1D", "04-04 11:00 04-05 11:30"),
    ],
)
def test_hours_of_a_duration_are_exact_and_its_days_are_days_of_the_zone(
    read: Read, named: str, begins: str, length: str, span: str
) -> None:
    assert read.spans(event(f"DTSTART;TZID={named}:{begins}", f"DURATION:{length}")) == [span]


@pytest.mark.parametrize("described", ["", zone(BERLIN), zone("Plant time")])
def test_every_night_of_a_series_lasts_the_eight_hours_that_its_duration_says(read: Read, described: str) -> None:
    named = "Plant time" if "Plant" in described else BERLIN
    spring = event(f"DTSTART;TZID={named}:20260327T220000", "DURATION:PT8H", "RRULE:FREQ=DAILY;COUNT=3", uid="a")
    autumn = event(f"DTSTART;TZID={named}:20261023T220000", "DURATION:PT8H", "RRULE:FREQ=DAILY;COUNT=3", uid="b")
    assert read.spans(described, spring, autumn) == [
        *("03-27 21:00 03-28 05:00", "03-28 21:00 03-29 05:00", "03-29 20:00 03-30 04:00"),
        *("10-23 20:00 10-24 04:00", "10-24 20:00 10-25 04:00", "10-25 21:00 10-26 05:00"),
    ]


@pytest.mark.parametrize(
    ("begins", "ends", "span"),
    [
        ("20260328T220000", "20260329T060000", "03-28 21:00 03-29 04:00"),
        ("20261024T220000", "20261025T060000", "10-24 20:00 10-25 05:00"),
    ],
)
def test_an_end_in_local_time_is_that_local_time(read: Read, begins: str, ends: str, span: str) -> None:
    lines = (f"DTSTART;TZID=Europe/Berlin:{begins}", f"DTEND;TZID=Europe/Berlin:{ends}")
    assert read.spans(event(*lines)) == [span]


@pytest.mark.parametrize(
    ("named", "wall", "utc", "words"),
    [
        (BERLIN, "20260329T015900", "03-29 00:59", None),
        (BERLIN, "20260329T020000", "03-29 01:00", "2026-03-29 02:00 in Europe/Berlin does not exist"),
        (BERLIN, "20260329T023000", "03-29 01:30", "does not exist"),
        (BERLIN, "20260329T030000", "03-29 01:00", None),
        (BERLIN, "20261025T015900", "10-24 23:59", None),
        (BERLIN, "20261025T020000", "10-25 00:00", "occurs twice"),
        (BERLIN, "20261025T023000", "10-25 00:30", "2026-10-25 02:30 in Europe/Berlin occurs twice"),
        (BERLIN, "20261025T030000", "10-25 02:00", None),
        (NEW_YORK, "20260308T023000", "03-08 07:30", "does not exist"),
        (NEW_YORK, "20261101T013000", "11-01 05:30", "occurs twice"),
        (LORD_HOWE, "20261004T021500", "10-03 15:45", "does not exist"),
        (LORD_HOWE, "20261004T023000", "10-03 15:30", None),
        (LORD_HOWE, "20260405T014500", "04-04 14:45", "occurs twice"),
        (LORD_HOWE, "20260405T012900", "04-04 14:29", None),
    ],
)
def test_a_time_that_clocks_skip_or_repeat_is_taken_as_rfc_5545_reads_it_and_told(
    read: Read, named: str, wall: str, utc: str, words: str | None
) -> None:
    planned = event(f"DTSTART;TZID={named}:{wall}", "DURATION:PT1H")
    assert read.spans(planned)[0].startswith(utc)
    told = read.odd(planned)
    if words is None:
        assert told == []
    else:
        [sentence] = told
        assert sentence.startswith("plan.ics, event PM-12: its start ")
        assert words in sentence
        assert sentence.endswith(f": 2026-{utc} UTC")


@pytest.mark.parametrize(("wall", "utc"), [("20260329T023000", "03-29 01:30"), ("20261025T023000", "10-25 00:30")])
def test_a_zone_that_the_calendar_describes_reads_odd_times_alike(read: Read, wall: str, utc: str) -> None:
    planned = event(f"DTSTART;TZID=Plant time:{wall}", "DURATION:PT1H")
    assert read.spans(zone("Plant time"), planned)[0].startswith(utc)
    assert len(read.odd(zone("Plant time"), planned)) == 1


def test_each_odd_night_of_a_series_is_told_and_no_other(read: Read) -> None:
    series = event("DTSTART;TZID=Europe/Berlin:20260328T023000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3")
    assert read.spans(series) == ["03-28 01:30 03-28 02:30", "03-29 01:30 03-29 02:30", "03-30 00:30 03-30 01:30"]
    assert [sentence.split(" in ")[0] for sentence in read.odd(series)] == [
        "plan.ics, event PM-12: its start 2026-03-29 02:30"
    ]


def test_an_odd_end_is_told_and_a_time_in_utc_is_never_odd(read: Read) -> None:
    ends = event("DTSTART;TZID=Europe/Berlin:20261024T220000", "DTEND;TZID=Europe/Berlin:20261025T023000")
    assert read.spans(ends) == ["10-24 20:00 10-25 00:30"]
    [sentence] = read.odd(ends)
    assert "its end 2026-10-25 02:30 in Europe/Berlin occurs twice" in sentence
    assert read.odd(ends.replace("END:VEVENT", "RRULE:FREQ=DAILY;COUNT=2\r\nEND:VEVENT")) == [sentence]
    assert read.odd(event("DTSTART:20261025T003000Z", "DTEND:20261025T013000Z")) == []


def test_the_second_pass_of_the_hour_can_be_given_in_utc(read: Read) -> None:
    lines = ("DTSTART;TZID=Europe/Berlin:20261020T023000", "DURATION:PT1H", "RDATE:20261025T013000Z")
    assert read.spans(event(*lines)) == ["10-20 00:30 10-20 01:30", "10-25 01:30 10-25 02:30"]
    with pytest.raises(Rejected, match="both times of an hour"):
        read(calendar(event(*lines, "RDATE:20261025T003000Z")))


@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART;VALUE=DATE:20260329",),
        ("DTSTART;VALUE=DATE:20260329", "DTEND;VALUE=DATE:20260330"),
        ("DTSTART;VALUE=DATE:20260329", "DURATION:P1D"),
        ("DTSTART:20260329T000000", "DTEND:20260330T000000"),
        ("DTSTART:20260329T000000", "DURATION:PT23H"),
    ],
)
def test_times_and_whole_days_without_a_zone_need_one_from_the_calendar_or_from_the_person(
    read: Read, lines: tuple[str, ...]
) -> None:
    planned = event(*lines)
    day = ["03-28 23:00 03-29 22:00"]
    with pytest.raises(Rejected, match="DTSTART has no time zone") as refused:
        read(calendar(planned))
    assert (refused.value.field, "--zone" in (refused.value.fix or "")) == ("DTSTART", True)
    assert read.spans(planned, zone=BERLIN) == day
    assert read.spans("X-WR-TIMEZONE:Europe/Berlin\r\n", planned) == day
    assert read.spans("X-WR-TIMEZONE:Europe/Berlin\r\n", planned, zone=NEW_YORK) == day


def test_a_zone_of_the_calendar_that_cannot_be_used_is_none(read: Read) -> None:
    for described in ("", zone("Plant time").replace("STANDARD", "DAYLIGHT")):
        with pytest.raises(Rejected, match="DTSTART has no time zone"):
            read(calendar("X-WR-TIMEZONE:Plant time\r\n", described, event("DTSTART;VALUE=DATE:20260329")))
    in_berlin = event("DTSTART;VALUE=DATE:20260329")
    assert read.spans("X-WR-TIMEZONE:/mozilla.org/20050126_1/Europe/Berlin\r\n", in_berlin) == [
        "03-28 23:00 03-29 22:00"
    ]


def test_a_zone_from_the_person_completes_no_event_that_names_one(read: Read) -> None:
    with pytest.raises(Rejected, match="DTEND has no time zone"):
        read(calendar(event("DTSTART;TZID=Europe/Berlin:20260110T220000", "DTEND:20260111T060000")), NEW_YORK)


def test_an_unknown_zone_from_the_person_is_refused(read: Read) -> None:
    for named in ("Mars/Olympus", "Europe", "../../etc"):
        with pytest.raises(Rejected, match="is no time zone") as refused:
            read(calendar(), named)
        assert refused.value.field == "zone"


def test_whole_days_of_a_series_begin_and_end_at_midnight_of_the_zone(read: Read) -> None:
    lines = ("DTSTART;VALUE=DATE:20260328", "RRULE:FREQ=DAILY;UNTIL=20260330", "EXDATE;VALUE=DATE:20260328")
    assert read.spans(event(*lines), zone=BERLIN) == ["03-28 23:00 03-29 22:00", "03-29 22:00 03-30 22:00"]


def test_a_start_and_an_end_are_both_dates_or_both_times(read: Read) -> None:
    with pytest.raises(Rejected, match="is a date, and one a time"):
        read(calendar(event("DTSTART:20260110T220000Z", "DTEND;TZID=UTC;VALUE=DATE:20260111")))


@pytest.mark.parametrize(
    "named",
    [
        BERLIN,
        "W. Europe Standard Time",
        '"W. Europe Standard Time"',
        "/freeassociation.sourceforge.net/Europe/Berlin",
        "/mozilla.org/20050126_1/Europe/Berlin",
    ],
)
def test_a_zone_is_known_by_its_iana_or_windows_name_without_a_vtimezone(read: Read, named: str) -> None:
    assert read.spans(event(f"DTSTART;TZID={named}:20260728T220000", "DURATION:PT1H")) == ["07-28 20:00 07-28 21:00"]


@pytest.mark.parametrize(
    ("described", "named"),
    [
        (OUTLOOK.replace(",", "\\,"), f'"{OUTLOOK}"'),
        (OUTLOOK.replace(",", "\\,"), '"' + OUTLOOK.replace(",", "\\,") + '"'),
        (OUTLOOK, f'"{OUTLOOK}"'),
        ("Customized Time Zone", "Customized Time Zone"),
        ("W. Europe Standard Time", "W. Europe Standard Time"),
        (BERLIN, BERLIN),
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_vtimezone_may_have_any_name_and_stand_anywhere(read: Read, described: str, named: str, last: bool) -> None:
    parts = [zone(described), event(f"DTSTART;TZID={named}:20260728T220000", "DURATION:PT1H")]
    assert read.spans(*(reversed(parts) if last else parts)) == ["07-28 20:00 07-28 21:00"]


def test_a_zone_that_one_calendar_describes_is_unknown_in_the_next(read: Read) -> None:
    planned = event("DTSTART;TZID=Plant time:20260728T220000", "DURATION:PT1H")
    assert len(read(calendar(zone("Plant time"), planned))) == 1
    with pytest.raises(Rejected, match="'Plant time' is unknown"):
        read(calendar(planned))


@pytest.mark.parametrize(
    ("described", "words"),
    [
        ("", "time zone 'Plant time' is unknown"),
        (zone("Plant time").replace("TZOFFSETFROM:+0100\r\n", ""), "TZOFFSETFROM not found"),
        (zone("Plant time").replace("FREQ=YEARLY", "FREQ=MONTHLY"), "its clocks change too often"),
        (zone("Plant time").replace("BYMONTH=3", "BYMONTH=3;BYHOUR=1"), "its clocks change too often"),
        (zone("Plant time").replace(";BYMONTH=3", ""), "its clocks change too often"),
        (zone("Plant time").replace("BYDAY=-1SU", "BYDAY=-1SU,1MO"), "its clocks change too often"),
        (zone("Plant time", *["X-NOTE:hello"] * 4000), "it is longer than"),
        (zone("Plant time").replace("STANDARD", "DAYLIGHT"), "it has no STANDARD"),
        ("BEGIN:VTIMEZONE\r\nTZID:Plant time\r\nEND:VTIMEZONE\r\n", "at least one component"),
    ],
)
def test_a_zone_that_is_unknown_or_ill_described_refuses_its_events_and_no_others(
    read: Read, described: str, words: str
) -> None:
    lost = event("DTSTART;TZID=Plant time:20260728T220000", "DURATION:PT1H", uid="lost")
    kept = event("DTSTART:20260728T220000Z", "DURATION:PT1H", uid="kept")
    found = read.content(calendar(described, lost, kept))
    assert [window.source for window in found.windows] == ["kept"]
    [refused] = found.refused
    assert words in refused.problem
    assert refused.problem.startswith("plan.ics, event lost: ")
    assert (refused.field, refused.fix) == ("DTSTART", "use an IANA name: Europe/Berlin")


def test_the_name_of_a_folder_of_the_time_zone_database_is_no_zone(read: Read) -> None:
    with pytest.raises(Rejected, match="'Europe' is unknown"):
        read(calendar(event("DTSTART;TZID=Europe:20260728T220000", "DURATION:PT1H")))
