#!/usr/bin/env bash
# recurring-ical-events 3.8.2 with icalendar 7.3.2: PT8H is nine hours when clocks go back.
#
# Expected: hours, minutes and seconds of a DURATION are exact, days and weeks follow the local time (RFC 5545, 3.3.6).
# So a shift of PT8H that begins at 22:00 ends at 05:00 after clocks went back, and at 07:00 after they went forward.
# Happens: all of the duration is added to the local time. The shift ends at 06:00 in both nights. What begins at 02:30
# in the night when clocks skip two o'clock, and lasts an hour, ends at the instant when it begins.
#
# Seen:
#   20261024T220000 PT8H lasts 9:00:00
#   20260328T220000 PT8H lasts 7:00:00
#   20260329T023000 PT1H lasts 0:00:00
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check icalendar==7.3.2 recurring-ical-events==3.8.2 tzdata==2026.6

cat > "$dir/check.py" <<'END'
from datetime import timedelta, timezone

import recurring_ical_events
from icalendar import Calendar

EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//EN
BEGIN:VEVENT
UID:night
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Berlin:{begins}
DURATION:{length}
END:VEVENT
END:VCALENDAR
"""

expected = {
    ("20261024T220000", "PT8H"): timedelta(hours=9),
    ("20260328T220000", "PT8H"): timedelta(hours=7),
    ("20260329T023000", "PT1H"): timedelta(),
}
for (begins, length), lasts in expected.items():
    calendar = Calendar.from_ical(EVENT.format(begins=begins, length=length).replace("\n", "\r\n"))
    [event] = recurring_ical_events.of(calendar).between((2026, 1, 1), (2027, 1, 1))
    seen = event["DTEND"].dt.astimezone(timezone.utc) - event["DTSTART"].dt.astimezone(timezone.utc)
    print(f"{begins} {length} lasts {seen}")
    assert seen == lasts
END

if "$dir/venv/bin/python" "$dir/check.py"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
