#!/usr/bin/env bash
# recurring-ical-events 3.8.2 with icalendar 7.3.2: after RANGE=THISANDFUTURE all later occurrences have one
# RECURRENCE-ID.
#
# Expected: UID and RECURRENCE-ID name one occurrence (RFC 5545, 3.8.4.4). Each has its own start by the rule, as where
# nothing was changed.
# Happens: each later one has the RECURRENCE-ID of the change. A program that keeps occurrences by it keeps the last.
#
# Seen:
#   10 10:00 is 10 10:00
#   11 11:00 is 11 10:00
#   12 11:00 is 11 10:00
#   13 11:00 is 11 10:00
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check icalendar==7.3.2 recurring-ical-events==3.8.2

cat > "$dir/check.py" <<'END'
import recurring_ical_events
from icalendar import Calendar

SERIES = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//EN
BEGIN:VEVENT
UID:round
DTSTAMP:20260101T000000Z
DTSTART:20260110T100000Z
DTEND:20260110T103000Z
RRULE:FREQ=DAILY;COUNT=4
END:VEVENT
BEGIN:VEVENT
UID:round
DTSTAMP:20260102T000000Z
RECURRENCE-ID;RANGE=THISANDFUTURE:20260111T100000Z
DTSTART:20260111T110000Z
DTEND:20260111T113000Z
END:VEVENT
END:VCALENDAR
"""

calendar = Calendar.from_ical(SERIES.replace("\n", "\r\n"))
found = recurring_ical_events.of(calendar).between((2026, 1, 1), (2027, 1, 1))
seen = sorted(f"{each['DTSTART'].dt:%d %H:%M} is {each['RECURRENCE-ID'].dt:%d %H:%M}" for each in found)
print(*seen, sep="\n")
assert seen == ["10 10:00 is 10 10:00", "11 11:00 is 11 10:00", "12 11:00 is 11 10:00", "13 11:00 is 11 10:00"]
END

if "$dir/venv/bin/python" "$dir/check.py"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
