#!/usr/bin/env bash
# adlfs 2026.8.0 with fsspec 2026.9.0 on Azurite 3.37.0: the last bytes of a blob cannot be asked for.
#
# fsspec says of `cat_file` that a negative start counts backwards from the end, as in Python's slices, and its file
# systems for memory and local disk do so. A reader of Parquet wants exactly that: the length of the footer is in the
# last eight bytes.
# Expected: adlfs gives the last bytes too, or says that it cannot.
# Happens: adlfs hands the negative number on as an offset. The answer of the server is then refused by
# azure-storage-blob 12.31.1 with a sentence on a response header, which does not lead to the cause.
#
# Seen:
#   memory   b'tail'
#   local    b'tail'
#   adlfs    ValueError: Required Content-Range response header is missing or malformed.
set -euo pipefail
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true; rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check adlfs==2026.8.0 fsspec==2026.9.0 azure-storage-blob==12.31.1
npm install --prefix "$dir" --silent --no-audit --no-fund azurite@3.37.0 >/dev/null 2>&1
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
AZURITE_ACCOUNTS=tests:dGVzdHM= "$dir/node_modules/.bin/azurite-blob" --blobHost 127.0.0.1 --blobPort "$port" \
  --inMemoryPersistence --skipApiVersionCheck --disableTelemetry --silent >/dev/null &
server=$!

cat > "$dir/check.py" <<'PY'
import socket
import sys
import time

import fsspec

folder, port = sys.argv[1:]
for _ in range(300):
    try:
        socket.create_connection(("127.0.0.1", int(port)), 1).close()
        break
    except OSError:
        time.sleep(0.1)
account = f"DefaultEndpointsProtocol=http;AccountName=tests;AccountKey=dGVzdHM=;BlobEndpoint=http://127.0.0.1:{port}/tests;"
blobs = fsspec.filesystem("abfs", connection_string=account)
blobs.mkdir("box")


def last_bytes(files, path):
    files.pipe_file(path, b"head and tail")
    try:
        return repr(files.cat_file(path, start=-4))
    except ValueError as error:
        return f"{type(error).__name__}: {error}"


seen = [
    last_bytes(fsspec.filesystem("memory"), "/file"),
    last_bytes(fsspec.filesystem("file"), f"{folder}/file"),
    last_bytes(blobs, "box/file"),
]
for name, words in zip(("memory", "local", "adlfs"), seen):
    print(f"{name:8} {words}")
refused = "ValueError: Required Content-Range response header is missing or malformed."
found = seen == ["b'tail'", "b'tail'", refused]
print("as found" if found else "changed")
sys.exit(0 if found else 1)
PY
"$dir/venv/bin/python" "$dir/check.py" "$dir" "$port"
