"""Calendars as texts, and what is read from them."""

from pathlib import Path

from millwright.intake.calendar_file import CalendarContent, read_calendar
from millwright.storage.suppression.suppressions import PlannedWindow


def event(*lines: str, uid: str = "PM-12") -> str:
    return "\r\n".join(
        ["BEGIN:VEVENT", f"UID:{uid}", "LOCATION:machine-001", "SUMMARY:Overhaul", *lines, "END:VEVENT", ""]
    )


def calendar(*parts: str) -> str:
    return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + "".join(parts) + "END:VCALENDAR\r\n"


def zone(name: str, *more: str) -> str:
    """A VTIMEZONE with the rules of Berlin, as Exchange writes it."""
    return "\r\n".join(
        [
            *("BEGIN:VTIMEZONE", f"TZID:{name}", *more),
            *("BEGIN:STANDARD", "DTSTART:16010101T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100"),
            *("RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10", "END:STANDARD"),
            *("BEGIN:DAYLIGHT", "DTSTART:16010101T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200"),
            *("RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3", "END:DAYLIGHT", "END:VTIMEZONE", ""),
        ]
    )


class Read:
    """Reads the text of a calendar as a file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "plan.ics"

    def content(self, text: str, zone: str | None = None) -> CalendarContent:
        self.file.write_text(text, newline="")
        return read_calendar(self.file, zone)

    def __call__(self, text: str, zone: str | None = None) -> list[PlannedWindow]:
        """The windows of a calendar; raises the first refusal."""
        found = self.content(text, zone)
        if found.refused:
            raise found.refused[0]
        return found.windows

    def times(self, *lines: str, zone: str | None = None) -> list[tuple[str, str]]:
        """Month, day and hour in UTC of each window's beginning and end."""
        found = self(calendar(event(*lines)), zone)
        return [(f"{window.from_at:%m-%d %H}", f"{window.until_at:%m-%d %H}") for window in found]

    def spans(self, *parts: str, zone: str | None = None) -> list[str]:
        """Month, day, hour and minute in UTC of each window's beginning and end."""
        found = self(calendar(*parts), zone)
        return [f"{window.from_at:%m-%d %H:%M} {window.until_at:%m-%d %H:%M}" for window in found]

    def odd(self, *parts: str) -> list[str]:
        return self.content(calendar(*parts)).odd
