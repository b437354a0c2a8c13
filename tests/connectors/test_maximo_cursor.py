"""The poll's watermark: nothing is missed, and every poll comes to an end."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors.cmms.maximo.cursor import Cursor, instant, local_text, lower_bound
from connectors.cmms.maximo.models import WorkOrderRow

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
OVERLAP = timedelta(minutes=2)
START = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)


def changed(number: int, moment: datetime, status: str = "WAPPR") -> WorkOrderRow:
    return WorkOrderRow(wonum=str(number), siteid="B", status=status, statusdate=moment)


def drain(rows: list[WorkOrderRow], cursor: Cursor, page_size: int = 3) -> tuple[list[str], Cursor]:
    """Reads pages as the connector does where no page is wholly known, until one is empty."""
    read: list[str] = []
    while True:
        start = cursor.local_start(OVERLAP, UTC_ZONE)
        asked = sorted((row for row in rows if start is None or row.statusdate >= start), key=lambda r: r.statusdate)
        fresh = cursor.unseen(asked, UTC_ZONE)[:page_size]
        if not fresh:
            return read, cursor
        read += [row.wonum for row in fresh]
        cursor = Cursor.parse(cursor.advanced(fresh, OVERLAP, UTC_ZONE).text())


def test_every_version_is_given_once_and_the_poll_ends() -> None:
    rows = [changed(number, START + timedelta(seconds=number, microseconds=250)) for number in range(20)]
    read, cursor = drain(rows, Cursor())
    assert read == [str(number) for number in range(20)]
    assert drain(rows, cursor)[0] == []


def test_a_change_in_a_second_already_read_is_not_missed() -> None:
    rows = [changed(1, START + timedelta(microseconds=100))]
    _, cursor = drain(rows, Cursor())
    rows.append(changed(2, START + timedelta(microseconds=900_000)))
    assert drain(rows, cursor)[0] == ["2"]


def test_a_change_committed_late_within_the_overlap_is_not_missed() -> None:
    rows = [changed(1, START)]
    _, cursor = drain(rows, Cursor())
    rows.append(changed(2, START - OVERLAP + timedelta(seconds=1)))
    assert drain(rows, cursor)[0] == ["2"]


def test_an_order_that_changes_again_comes_again() -> None:
    rows = [changed(1, START)]
    _, cursor = drain(rows, Cursor())
    assert drain([changed(1, START, "APPR")], cursor)[0] == ["1"]


def test_what_is_far_behind_is_forgotten() -> None:
    _, cursor = drain([changed(number, START + timedelta(hours=number)) for number in range(50)], Cursor())
    assert len(cursor.seen) <= 3


def test_the_watermark_is_rounded_up_and_never_goes_back() -> None:
    ahead = Cursor().advanced([changed(1, START + timedelta(microseconds=1))], OVERLAP, UTC_ZONE)
    assert ahead.watermark == START + timedelta(seconds=1)
    assert ahead.advanced([changed(2, START - timedelta(minutes=1))], OVERLAP, UTC_ZONE).watermark == ahead.watermark


def test_dates_without_an_offset_are_the_sites_local_time() -> None:
    assert instant(datetime(2015, 7, 5, 10, 0), BERLIN) == datetime(2015, 7, 5, 8, 0, tzinfo=UTC)  # noqa: DTZ001  # naive on purpose
    assert local_text(datetime(2015, 7, 5, 8, 0, 0, 999, tzinfo=UTC), BERLIN) == "2015-07-05T10:00:00"


@pytest.mark.parametrize("minutes", range(-60, 61, 5))
def test_where_clocks_go_back_no_local_time_after_a_moment_lies_before_what_is_asked(minutes: int) -> None:
    back = datetime(2015, 10, 25, 1, 0, tzinfo=UTC)
    moment = back + timedelta(minutes=minutes)
    asked = local_text(lower_bound(moment, BERLIN), BERLIN)
    later = (moment + timedelta(minutes=step) for step in range(180))
    assert all(asked <= local_text(instant_later, BERLIN) for instant_later in later)


@pytest.mark.parametrize("text", ["", "{}x", '{"version": 2}', '{"watermark": "2015-01-05T08:00:00"}', "[]"])
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        Cursor.parse(text)
