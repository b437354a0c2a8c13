#!/usr/bin/env bash
# azure-servicebus 7.15.0: a time to live under one second becomes none, and one of 50 days cannot be sent.
#
# Expected: a timedelta is kept to the millisecond, AMQP's unit, and what does not fit is refused when it is set.
# Happens: it is cut to whole seconds first. 999 ms become 0, which counts as not set: the queue's default holds, and
# that may be "never". What is more than 2**32 ms, 49.7 days, is accepted by the setter, and
# fails when the message is added to a batch or sent, with an error that does not name the field.
#
# Seen:
#   0:00:00.999000     reads back as None, added
#   0:00:01.999000     reads back as 0:00:01, added
#   49 days, 0:00:00   reads back as 49 days, 0:00:00, added
#   50 days, 0:00:00   reads back as 50 days, 0:00:00, ValueError: Value supplied for unsigned int invalid: 4320000000
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check azure-servicebus==7.15.0

cat > "$dir/check.py" <<'END'
from datetime import timedelta

from azure.servicebus import ServiceBusMessage, ServiceBusMessageBatch


def added(message):
    try:
        ServiceBusMessageBatch(max_size_in_bytes=100_000).add_message(message)
    except ValueError as error:
        return f"ValueError: {error}"
    return "added"


expected = {
    timedelta(milliseconds=999): (None, "added"),
    timedelta(milliseconds=1999): (timedelta(seconds=1), "added"),
    timedelta(days=49): (timedelta(days=49), "added"),
    timedelta(days=50): (timedelta(days=50), "ValueError: Value supplied for unsigned int invalid: 4320000000"),
}
for asked, (kept, outcome) in expected.items():
    message = ServiceBusMessage("x", time_to_live=asked)
    seen = added(message)
    print(f"{asked!s:18} reads back as {message.time_to_live}, {seen}")
    assert (message.time_to_live, seen) == (kept, outcome)
END

if "$dir/venv/bin/python" "$dir/check.py"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
