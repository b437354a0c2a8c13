#!/usr/bin/env bash
# icalendar 7.3.2: a time that clocks skip is another instant if its zone is described by a VTIMEZONE.
#
# Expected: 02:30 in the night when clocks skip two o'clock is read with the offset before the change (RFC 5545, 3.3.5):
# 01:30 UTC in Central Europe, whether the zone has a name of IANA or a VTIMEZONE with the same rules.
# Happens: with the name it is 01:30 UTC. With the VTIMEZONE, which dateutil reads, it has the offset after the change,
# and is 00:30 UTC.
#
# Seen:
#   Europe/Berlin  2026-03-29 01:30 UTC
#   Plant time     2026-03-29 00:30 UTC
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check icalendar==7.3.2 python-dateutil==2.9.0.post0 tzdata==2026.6

cat > "$dir/check.py" <<'END'
from datetime import timezone

from icalendar import Calendar

EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//EN
BEGIN:VTIMEZONE
TZID:Plant time
BEGIN:STANDARD
DTSTART:20001029T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20000326T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:early
DTSTAMP:20260101T000000Z
DTSTART;TZID={zone}:20260329T023000
DTEND:20260329T060000Z
END:VEVENT
END:VCALENDAR
"""

expected = {"Europe/Berlin": "2026-03-29 01:30", "Plant time": "2026-03-29 00:30"}
for zone, instant in expected.items():
    calendar = Calendar.from_ical(EVENT.format(zone=zone).replace("\n", "\r\n"))
    [event] = calendar.walk("VEVENT")
    seen = f"{event['DTSTART'].dt.astimezone(timezone.utc):%Y-%m-%d %H:%M}"
    print(f"{zone:14} {seen} UTC")
    assert seen == instant
END

if "$dir/venv/bin/python" "$dir/check.py"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
