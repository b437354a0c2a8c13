#!/usr/bin/env bash
# cel-expr-python 0.1.3 with asyncua 2.1.0: "how long ago" of an OPC UA time that was never set is an error.
#
# OPC UA has no empty DateTime: not set is 0, which asyncua decodes as 1601-01-01. A condition such as
# now - last_service > duration('720h') should then be true.
# Happens: a difference of more than 292 years is "integer overflow", and the whole condition is an error. CEL can hold
# a duration of this length: it takes it as a variable, parses it, and the sum last_service + age == now is true. Only
# what computes a duration is limited to 64 bits of nanoseconds. now - duration('720h') > last_service is right.
#
# Seen:
#   OPC UA's 0 is 1601-01-01 00:00:00+00:00
#   now - last_service > duration('720h')   ERROR OUT_OF_RANGE: integer overflow
#   age > duration('720h')                  BOOL True
#   last_service + age == now               BOOL True
#   age == duration('3726888h')             BOOL True
#   now - duration('720h') > last_service   BOOL True
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check cel-expr-python==0.1.3 asyncua==2.1.0

cat > "$dir/check.py" <<'END'
from datetime import UTC, datetime

from asyncua import ua
from cel_expr_python import cel

now = datetime(2026, 3, 1, tzinfo=UTC)
last_service = ua.win_epoch_to_datetime(0).replace(tzinfo=UTC)
print(f"OPC UA's 0 is {last_service}")
variables = {"now": cel.Type.TIMESTAMP, "last_service": cel.Type.TIMESTAMP, "age": cel.Type.DURATION}
data = {"now": now, "last_service": last_service, "age": now - last_service}
environment = cel.NewEnv(variables=variables)
hours = int((now - last_service).total_seconds()) // 3600
expected = {
    "now - last_service > duration('720h')": "ERROR OUT_OF_RANGE: integer overflow",
    "age > duration('720h')": "BOOL True",
    "last_service + age == now": "BOOL True",
    f"age == duration('{hours}h')": "BOOL True",
    "now - duration('720h') > last_service": "BOOL True",
}
for condition, outcome in expected.items():
    result = environment.compile(condition).eval(data=data)
    seen = f"{result.type().name()} {result.value()}"
    print(f"{condition:39} {seen}")
    assert seen == outcome
END

if "$dir/venv/bin/python" "$dir/check.py"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
