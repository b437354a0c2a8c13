"""How long a poll of a CMMS with many open orders takes if a few of them are new, and what it reads.

Run as `python -m benchmarks.polls`. The CMMS of the sandbox runs in a separate process, whose clock is moved. A first
poll reads one order of the day before yesterday, and so leaves the cursor of one who has read all. Then the many open
orders are stored with dates before it. For each run an hour passes, some orders are created, and the poll is
timed until it finds nothing more, as production polls. The CMMS answers as fast as it can.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from benchmarks.connectors import key_of
from benchmarks.rig.machine import here, spread
from domain.ports import Cmms
from millwright.cli.connector_access import open_connector
from millwright.demo.plant_systems import PLANT_CMMS
from millwright.runtime.connector_environment import variable_of
from sandbox.cmms import open_cmms
from sandbox.faults import Faults
from sandbox.naming import SITE, assetnum
from sandbox.twins.graph import PlantMachine

_MACHINES: Final = 100
_AT_ONCE: Final = 500
"""Records in one request that stores orders."""
_PATIENCE: Final = 600.0


@dataclass
class MovedClock:
    """The time of now, moved."""

    moved: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.moved


async def serve(name: str) -> None:
    """Runs a CMMS until it is killed; prints how to reach it. Each line of its input moves its clock by hours, and is
    answered by a line."""
    clock = MovedClock()
    machines = [PlantMachine(number, "model1", 10) for number in range(1, _MACHINES + 1)]
    cmms = open_cmms(name, None, clock, machines, 0, Faults())
    await cmms.server.start()
    print(json.dumps({"cmms_url": cmms.server.url, **cmms.access}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        clock.moved = timedelta(hours=float(line))
        print("moved", flush=True)


@dataclass
class MovedCmms:
    """A CMMS, the settings of its connector, and the process whose input moves its clock."""

    own: Mapping[str, str]
    process: asyncio.subprocess.Process

    async def move(self, hours: float) -> None:
        """Sets its clock so many hours from now."""
        if self.process.stdin is None or self.process.stdout is None:
            raise SystemExit("the server has no input or no output")
        self.process.stdin.write(f"{hours}\n".encode())
        await self.process.stdin.drain()
        await self.process.stdout.readline()


@asynccontextmanager
async def running(name: str) -> AsyncIterator[MovedCmms]:
    """A CMMS within the block, with the settings of its connector in the environment."""
    arguments = ("-m", "benchmarks.polls", "--serve", name)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdin=pipe, stdout=pipe)
    try:
        if process.stdout is None:
            raise SystemExit("the server has no output")
        own = PLANT_CMMS[name](json.loads(await process.stdout.readline()))
        os.environ.update({variable_of(name, setting.lower()): value for setting, value in own.items()})
        yield MovedCmms(own, process)
    finally:
        process.kill()
        await process.wait()


async def store_in_maximo(own: Mapping[str, str], first: int, number: int) -> None:
    """Creates orders by Maximo's bulk interface."""
    headers = {"apikey": own["API_KEY"], "x-method-override": "BULK"}
    for begin in range(first, first + number, _AT_ONCE):
        body = [
            {
                "_action": "Add",
                "assetnum": assetnum(place % _MACHINES + 1),
                "siteid": SITE,
                "description": f"Open order {place}",
                "externalrefid": key_of(place),
            }
            for place in range(begin, min(begin + _AT_ONCE, first + number))
        ]
        # A client of its own for each request, because Maximo refuses who sends its cookie back.
        async with httpx.AsyncClient(headers=headers, timeout=_PATIENCE) as http:
            await _stored(http, f"{own['URL']}/os/mxapiwodetail?lean=1", body)


async def store_in_odoo(own: Mapping[str, str], first: int, number: int) -> None:
    """Creates requests by Odoo's `load`, each with its external id."""
    headers = {"authorization": f"bearer {own['API_KEY']}", "x-odoo-database": own["DATABASE"]}
    fields = ["id", "name", "equipment_id/.id", "stage_id/.id", "maintenance_type", "description"]
    async with httpx.AsyncClient(headers=headers, timeout=_PATIENCE) as http:
        for begin in range(first, first + number, _AT_ONCE):
            rows = [
                [
                    f"millwright.order_{key_of(place)}",
                    f"Open order {place}",
                    str(place % _MACHINES + 1),
                    "1",
                    "corrective",
                    f"<p>Millwright key: {key_of(place)}</p>",
                ]
                for place in range(begin, min(begin + _AT_ONCE, first + number))
            ]
            await _stored(http, f"{own['URL']}/json/2/maintenance.request/load", {"fields": fields, "data": rows})


async def _stored(http: httpx.AsyncClient, url: str, body: object) -> None:
    answer = await http.post(url, json=body)
    # Both answer 200 also if they store nothing.
    if answer.status_code != httpx.codes.OK or any(sign in answer.text for sign in ('"Error"', '"ids":false')):
        raise SystemExit(f"{answer.status_code}: {answer.text[:300]}")


Store = Callable[[Mapping[str, str], int, int], Awaitable[None]]
_STORES: Final[Mapping[str, Store]] = {"maximo": store_in_maximo, "odoo": store_in_odoo}
"""How many orders are stored at once. The simulators of the other vendors have no such way."""


@dataclass
class Read:
    """What polls read."""

    requests: int = 0
    octets: int = 0

    async def count(self, answer: httpx.Response) -> None:
        await answer.aread()
        self.requests += 1
        self.octets += len(answer.content)


async def _polled(cmms: Cmms, cursor: str | None) -> tuple[int, str]:
    """How many records a poll brings, and where it ends."""
    records = 0
    while True:
        page = await cmms.changed_since(cursor)
        records += len(page.records)
        if page.unreadable:
            raise SystemExit(page.unreadable[0].words)
        if not page.records or page.cursor == cursor:
            return records, page.cursor
        cursor = page.cursor


async def measure(name: str, options: argparse.Namespace) -> None:
    """The polls of one CMMS."""
    store = _STORES[name]
    async with running(name) as cmms, open_connector(name, None) as access:
        await cmms.move(-48)
        await store(cmms.own, 0, 1)
        _, cursor = await _polled(access.cmms, None)
        await cmms.move(-72)
        await store(cmms.own, 1, options.open)
        taken, asked, octets = [], [], []
        for run in range(options.runs + 1):
            await cmms.move(run - 24)
            await store(cmms.own, 1 + options.open + run * options.changes, options.changes)
            read = Read()
            access.http.event_hooks = {"response": [read.count]}
            began = time.perf_counter()
            records, cursor = await _polled(access.cmms, cursor)
            if records != options.changes:
                raise SystemExit(f"{name}: {records} records read, not {options.changes}")
            if run:  # The first warms both.
                taken.append(time.perf_counter() - began)
                asked.append(read.requests)
                octets.append(read.octets / 1000)
    print(
        f"{name} with {options.open:,} open orders: {options.changes} changes are read, and no other order, in "
        f"{spread(taken, '{:.2f}')} s, {spread(asked)} requests, {spread(octets)} kB",
        flush=True,
    )


async def measure_all(options: argparse.Namespace) -> None:
    """The polls of each CMMS."""
    print(*here("httpx", "pydantic", "uvicorn"), sep="\n", flush=True)
    for name in options.only or _STORES:
        await measure(name, options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(_STORES))
    parser.add_argument("--open", type=int, default=100_000, help="open orders")
    parser.add_argument("--changes", type=int, default=100, help="new orders in each run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    asyncio.run(serve(options.serve) if options.serve else measure_all(options))


if __name__ == "__main__":
    main()
