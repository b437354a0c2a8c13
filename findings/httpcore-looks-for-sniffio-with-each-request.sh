#!/usr/bin/env bash
# httpx 0.28.1 with httpcore 1.0.9 and anyio 4.12.0: each request looks several times for a package that is not there.
#
# httpcore asks the package sniffio which event loop runs. It comes to that by an import in a function, guarded against
# its absence. anyio needed sniffio up to 4.11 and no longer installs it.
# Expected: on asyncio the question costs nothing once it was answered.
# Happens: Python remembers an import that worked and not one that failed. So each of these imports searches the whole
# path again, several times in a request. In a service of ours this was 2 of 100 parts of its CPU. `pip install sniffio`
# ends it.
#
# Seen, searches for sniffio in 50 requests over one open connection, and with it installed:
#   without sniffio   at least 4 a request
#   with sniffio      0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check httpx==0.28.1 httpcore==1.0.9 anyio==4.12.0

cat > "$dir/count.py" <<'END'
import asyncio
import sys

import httpx


class Counting:
    """The first finder on the path: counts, and finds nothing."""

    searches = 0

    def find_spec(self, name, path=None, target=None):
        self.searches += name == "sniffio"
        return None


async def answer(reader, writer):
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = "http://127.0.0.1:%d/" % server.sockets[0].getsockname()[1]
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(url)
        counting = Counting()
        sys.meta_path.insert(0, counting)
        for _ in range(50):
            await client.get(url)
    print(counting.searches / 50)


try:
    asyncio.run(asyncio.wait_for(main(), 60))
except asyncio.IncompleteReadError:
    pass
END
without=$("$dir/venv/bin/python" "$dir/count.py" 2> "$dir/words.log")
"$dir/venv/bin/pip" install -q --disable-pip-version-check sniffio==1.3.1
with=$("$dir/venv/bin/python" "$dir/count.py" 2>> "$dir/words.log")
echo "searches a request: $without without sniffio, $with with it"
if python3 -c "import sys; sys.exit(not (float('$without') >= 4 and float('$with') == 0))"; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
