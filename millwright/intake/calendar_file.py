"""Reads a plant's calendar of planned work and planned stops: iCalendar, as planning tools export it, or a table."""

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from domain.errors import Rejected
from millwright.intake.calendar_entries import Entry, planned, wrong
from millwright.intake.calendar_events import read_entries
from millwright.storage.suppression.suppressions import PlannedWindow

_COLUMNS = ("asset", "from", "until", "reason", "id")


class CalendarContent(NamedTuple):
    """What is in a calendar file.

    Attributes:
        windows: of all entries that can be read.
        refused: why each of the other entries cannot.
        odd: a sentence for each local time that clocks skip or repeat; its window is among the others.
    """

    windows: list[PlannedWindow]
    refused: list[Rejected]
    odd: list[str]


def read_calendar(file: Path, zone: str | None = None) -> CalendarContent:
    """Reads a calendar file, by its ending: `.ics` (RFC 5545) or `.csv`.

    In an iCalendar event, LOCATION is the asset, SUMMARY the reason and UID the source; CANCELLED events are skipped.
    Each occurrence of a recurring event is a window, whose source is the UID, a slash, and the start by its rule.
    In a table, the columns are `asset`, `from`, `until`, `reason` and `id`; times are ISO 8601 with a time zone.

    Args:
        file: the calendar.
        zone: the time zone of an event whose times name none, where the calendar names none either.

    Raises:
        Rejected: the file cannot be read as a calendar, or the zone is unknown.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Rejected(f"{file} cannot be read: {error}", field="file", fix="give it as UTF-8 text") from error
    match file.suffix.lower():
        case ".ics":
            entries = read_entries(text, file.name, zone)
        case ".csv":
            entries = _of_table(text, file.name)
        case _:
            raise Rejected(f"{file.name} is no calendar", field="file", fix="give an .ics or a .csv")
    found = CalendarContent([], [], [])
    for entry in entries:
        if isinstance(entry, Rejected):
            found.refused.append(entry)
        else:
            found.windows.extend(entry.windows)
            found.odd.extend(entry.odd)
    return found


def _of_table(text: str, name: str) -> Iterator[Entry | Rejected]:
    rows = csv.DictReader(text.splitlines())
    missing = [column for column in _COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise Rejected(f"{name} has no column {', '.join(missing)}", field="file", fix=f"it has {', '.join(_COLUMNS)}")
    try:
        for row in rows:
            yield _of_line(row, f"{name}, line {rows.line_num}")
    except csv.Error as error:
        problem = f"{name} cannot be read on in line {rows.line_num} ({error})"
        raise Rejected(problem, field="file", fix="export it again") from error


def _of_line(row: dict[str, str], where: str) -> Entry | Rejected:
    try:
        told = {column: row[column] for column in ("asset", "reason", "id")}
        window = planned(where, told, _iso(row, "from", where), _iso(row, "until", where))
        if window.until_at <= window.from_at:
            raise wrong(where, "it does not end after it begins", "correct its times", "until")
    except Rejected as refused:
        return refused
    return Entry([window], [])


def _iso(row: dict[str, str], column: str, where: str) -> datetime:
    written = row[column]
    try:
        at = datetime.fromisoformat((written or "").strip())
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise wrong(where, f"{written!r} is no instant", "write it as 2026-01-31T12:00:00Z", column)
    return at
