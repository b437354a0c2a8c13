#!/usr/bin/env bash
# recurring-ical-events 3.8.2 with icalendar 7.3.2: an EXDATE takes away a second occurrence, which it does not name.
#
# Expected: EXDATE takes away the occurrence that starts at its time. Ten o'clock in New York is 15:00 UTC in winter.
# Happens: a time is known by its local time and by its time in UTC, both without a zone, and one that is equal counts.
# So EXDATE for ten o'clock also takes away the RDATE for 15:00 of that day, local time, which is 20:00 UTC.
#
# Seen:
#   without EXDATE: 10 10:00, 10 15:00, 11 10:00
#   with EXDATE for the 10th, 10:00: 11 10:00
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check icalendar==7.3.2 recurring-ical-events==3.8.2 tzdata==2026.6

cat > "$dir/check.py" <<'END'
import recurring_ical_events
from icalendar import Calendar

EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//EN
BEGIN:VEVENT
UID:round
DTSTAMP:20260101T000000Z
DTSTART;TZID=America/New_York:20260110T100000
DTEND;TZID=America/New_York:20260110T110000
RRULE:FREQ=DAILY;COUNT=2
RDATE;TZID=America/New_York:20260110T150000
{exception}END:VEVENT
END:VCALENDAR
"""


def starts(exception):
    calendar = Calendar.from_ical(EVENT.format(exception=exception).replace("\n", "\r\n"))
    found = recurring_ical_events.of(calendar).between((2026, 1, 1), (2027, 1, 1))
    return ", ".join(sorted(f"{event['DTSTART'].dt:%d %H:%M}" for event in found))


without = starts("")
print("without EXDATE:", without)
assert without == "10 10:00, 10 15:00, 11 10:00"
excepted = starts("EXDATE;TZID=America/New_York:20260110T100000\n")
print("with EXDATE for the 10th, 10:00:", excepted)
assert excepted == "11 10:00"
END

if "$dir/venv/bin/python" "$dir/check.py"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
