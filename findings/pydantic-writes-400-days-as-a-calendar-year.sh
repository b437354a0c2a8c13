#!/usr/bin/env bash
# pydantic 2.14.4 with isodate 0.7.2: a timedelta of 400 days arrives as a duration of no fixed length.
#
# Expected: timedelta(days=400), an exact number of days, is written as P400D, as isodate writes it, and is a timedelta
# again for whoever reads it. isodate is what azure-servicebus and other Azure packages read durations with.
# Happens: pydantic, and with it Temporal's pydantic converter, makes years of 365 days: P1Y35D. isodate reads that as
# one calendar year and 35 days. This is no timedelta, but has a timedelta's attributes, which leave the year out: 365
# days have 0 total_seconds. Added to a date before a leap day it gives a day more than was meant. Up to 364 days
# nothing of this shows.
#
# Seen:
#   364 days  written P364D    read as timedelta, total_seconds is that of 364 days
#   365 days  written P1Y      read as Duration, total_seconds is that of 0 days
#   400 days  written P1Y35D   read as Duration, total_seconds is that of 35 days
#   from 2027-06-01: 400 days is 2028-07-05, what was read is 2028-07-06
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check pydantic==2.14.4 isodate==0.7.2 temporalio==1.35.0

cat > "$dir/check.py" <<'END'
import json
from datetime import date, timedelta

import isodate
from pydantic import TypeAdapter
from temporalio.contrib.pydantic import pydantic_data_converter

expected = {364: ("P364D", "timedelta", 364), 365: ("P1Y", "Duration", 0), 400: ("P1Y35D", "Duration", 35)}
for days, seen in expected.items():
    written = TypeAdapter(timedelta).dump_python(timedelta(days=days), mode="json")
    read = isodate.parse_duration(written)
    kind, counted = type(read).__name__, int(read.total_seconds()) // 86_400
    print(f"{days} days  written {written:8} read as {kind}, total_seconds is that of {counted} days")
    assert (written, kind, counted) == seen
    assert json.loads(pydantic_data_converter.payload_converter.to_payload(timedelta(days=days)).data) == written
    assert isodate.duration_isoformat(timedelta(days=days)) == f"P{days}D"

start = date(2027, 6, 1)
meant, got = start + timedelta(days=400), start + read
print(f"from {start}: 400 days is {meant}, what was read is {got}")
assert read != timedelta(days=400)
assert got - meant == timedelta(days=1)
END

if "$dir/venv/bin/python" "$dir/check.py"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
