#!/usr/bin/env bash
# azure-servicebus 7.15.0: the expiry time in a message with a time to live is wrong by the sender's UTC offset.
#
# Expected: creation_time is now, and absolute_expiry_time is now plus the time to live, whatever the time zone.
# Happens: the time of day in UTC is read as one of the local zone. With a time to live shorter than the offset, a
# message from east of Greenwich has expired before it is sent; west of it the expiry lies hours too late. Only with the
# zone UTC are both right.
#
# Seen, for a time to live of 10 minutes:
#   UTC0    created   +0.0 h from now, expires    +10 min from now
#   JST-9   created   -9.0 h from now, expires   -530 min from now
#   COT5    created   +5.0 h from now, expires   +310 min from now
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check azure-servicebus==7.15.0

cat > "$dir/check.py" <<'END'
import os
import time
from datetime import timedelta

from azure.servicebus import ServiceBusMessage

offsets = {"UTC0": 0, "JST-9": -9, "COT5": 5}
for zone, hours in offsets.items():
    os.environ["TZ"] = zone
    time.tzset()
    properties = ServiceBusMessage("x", time_to_live=timedelta(minutes=10)).raw_amqp_message.properties
    created = round((properties.creation_time / 1000 - time.time()) / 3600, 2) + 0.0
    expires = (properties.absolute_expiry_time / 1000 - time.time()) / 60
    print(f"{zone:7} created {created:+6.1f} h from now, expires {expires:+6.0f} min from now")
    assert abs(created - hours) < 0.01
    assert abs(expires - hours * 60 - 10) < 1
END

if "$dir/venv/bin/python" "$dir/check.py"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
