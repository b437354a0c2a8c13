#!/usr/bin/env bash
# azure-servicebus 7.15.0: a time that was received as an application property cannot be sent on.
#
# Expected: what the client makes of a received property, the client can send.
# Happens: a datetime is sent as an AMQP timestamp and received as a plain int, the milliseconds since 1970. A plain int
# is sent as AMQP's int of 32 bits only: this one, and every other above 2147483647, raises an error when the message is
# added to a batch or sent. AMQP has a type of 64 bits for it, and the client decodes that one.
#
# Seen:
#   sent      datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.timezone.utc)
#   received  1772366400000
#   sent on   ValueError: Value supplied for int invalid: 1772366400000
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check azure-servicebus==7.15.0

cat > "$dir/check.py" <<'END'
from datetime import UTC, datetime

from azure.servicebus import ServiceBusMessage, ServiceBusMessageBatch, ServiceBusReceivedMessage
from azure.servicebus._pyamqp._decode import decode_payload
from azure.servicebus._pyamqp._encode import encode_payload
from azure.servicebus._transport._pyamqp_transport import PyamqpTransport


def received(message):
    """The message as a receiver has it: encoded and decoded by the client's own code, without a broker."""
    encoded = bytearray()
    encode_payload(encoded, PyamqpTransport.to_outgoing_amqp_message(message.raw_amqp_message))
    return ServiceBusReceivedMessage(decode_payload(memoryview(encoded)), receiver=None, frame=[0, 1, bytes(16)])


def added(value):
    message = ServiceBusMessage("x", application_properties={"occurred": value})
    try:
        ServiceBusMessageBatch(max_size_in_bytes=100_000).add_message(message)
    except ValueError as error:
        return f"ValueError: {error}"
    return "added"


moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
message = ServiceBusMessage("x", application_properties={"occurred": moment})
value = received(message).application_properties[b"occurred"]
print(f"sent      {moment!r}")
print(f"received  {value!r}")
print(f"sent on   {added(value)}")
assert added(moment) == "added"
assert value == 1772366400000
assert added(value) == "ValueError: Value supplied for int invalid: 1772366400000"
assert added(2**31 - 1) == "added"
assert added(2**31).startswith("ValueError")
END

if "$dir/venv/bin/python" "$dir/check.py"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
