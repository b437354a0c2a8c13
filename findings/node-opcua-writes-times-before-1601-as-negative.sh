#!/usr/bin/env bash
# node-opcua 2.182.2 with asyncua 2.1.0: two clients read one time before 1601 as two, 56000 years apart.
#
# OPC 10000-6 5.2.2.5: a time at or before 1601-01-01 is encoded as 0. 0001-01-01 is what .NET programs have where a
# time was never set, so such times do come up.
# Happens: node-opcua encodes the negative number of 100 ns. Its own decoder takes that for an unsigned number and makes
# a date after the year 58000 of it; asyncua makes 1601-01-01 of it. "Never" became "far in the future".
#
# Seen:
#   written               bytes              node-opcua reads              asyncua reads
#   0001-01-01T00:00:00Z  000089dde831fef8   +058456-05-28T05:36:10.955Z   1601-01-01 00:00:00+00:00
#   1600-12-31T00:00:00Z  004096d536ffffff   +060056-05-27T05:36:10.955Z   1601-01-01 00:00:00+00:00
#   1601-01-01T00:00:00Z  0000000000000000   1601-01-01T00:00:00.000Z      1601-01-01 00:00:00+00:00
#   2026-03-01T12:00:00Z  002015ee72a9dc01   2026-03-01T12:00:00.000Z      2026-03-01 12:00:00+00:00
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check asyncua==2.1.0
npm install --prefix "$dir" --silent --no-audit --no-fund node-opcua@2.182.2

cat > "$dir/encode.cjs" <<'END'
console.log = console.warn = console.error;
const { BinaryStream, decodeDateTime, encodeDateTime } = require("node-opcua");
const { writeFileSync } = require("node:fs");
const times = ["0001-01-01T00:00:00Z", "1600-12-31T00:00:00Z", "1601-01-01T00:00:00Z", "2026-03-01T12:00:00Z"];
const rows = times.map((text) => {
  const stream = new BinaryStream(8);
  encodeDateTime(new Date(text), stream);
  stream.rewind();
  return [text, stream.buffer.toString("hex"), decodeDateTime(stream).toISOString()];
});
writeFileSync(process.argv[2], JSON.stringify(rows));
process.exit(0);
END

cat > "$dir/check.py" <<'END'
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import Primitives

print(f"{'written':21} {'bytes':18} {'node-opcua reads':29} asyncua reads")
for written, encoded, node_opcua in json.loads(Path(sys.argv[1]).read_text()):
    asyncua = Primitives.DateTime.unpack(Buffer(bytes.fromhex(encoded)))
    print(f"{written:21} {encoded:18} {node_opcua:29} {asyncua}")
    if written < "1601":
        assert encoded != "0" * 16
        assert node_opcua.startswith("+0")
        assert asyncua == datetime(1601, 1, 1, tzinfo=UTC)
    else:
        assert datetime.fromisoformat(node_opcua) == asyncua == datetime.fromisoformat(written)
END

node "$dir/encode.cjs" "$dir/rows.json"
if "$dir/venv/bin/python" "$dir/check.py" "$dir/rows.json"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
