"""How much time the connectors to a CMMS add to their own requests, and what a poll reads of a large CMMS.

Run as `python -m benchmarks.connectors`. Each CMMS of the sandbox runs in a separate process and answers after 5 ms.
Orders are made through the connector as production makes them: looked up, created, read back. The requests that it
sent are kept. Then one plain client with the same limits sends the same requests again, as many orders at once. The
two alternate. What the plain client needs is the time of the wire and of the server; the connector adds the rest.

The second part fills the sandbox's Maximo with open orders, changes a few, and polls them.
"""

import argparse
import asyncio
import contextvars
import json
import os
import platform
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Final

import httpx

from benchmarks.rig.machine import memory_gigabytes, processor, spread
from domain.clock import WallClock
from domain.keys import case_id
from domain.ports import Cmms
from domain.work_orders import WorkOrderDraft
from millwright.cli.connector_access import open_connector
from millwright.demo.plant_systems import PLANT_CMMS
from millwright.runtime.connector_environment import variable_of
from sandbox.cmms import open_cmms
from sandbox.faults import Fault, Faults
from sandbox.naming import SITE, assetnum
from sandbox.twins.graph import PlantMachine

_ANSWERS_AFTER: Final = 0.005
_MACHINES: Final = 100
_AT_ONCE: Final = 500
"""Records in one request that fills Maximo."""

_order: contextvars.ContextVar[int] = contextvars.ContextVar("order")


@dataclass
class Sent:
    """The requests that the connector sent, by the order for which it sent them."""

    by_order: dict[int, list[httpx.Request]] = field(default_factory=dict)

    async def keep(self, request: httpx.Request) -> None:
        number = _order.get(None)
        if number is not None:
            await request.aread()
            self.by_order.setdefault(number, []).append(request)


async def serve(name: str, seconds: float) -> None:
    """Runs a CMMS until it is killed; prints how to reach it."""
    faults = Faults()
    machines = [PlantMachine(number, "model1", 10) for number in range(1, _MACHINES + 1)]
    cmms = open_cmms(name, None, WallClock(), machines, 0, faults)
    await cmms.server.start()
    if seconds:
        faults.add(Fault(name, "*", "slow", None, {"seconds": seconds}))
    print(json.dumps({"cmms_url": cmms.server.url, **cmms.access}), flush=True)
    await asyncio.Event().wait()


@asynccontextmanager
async def running(name: str, seconds: float) -> AsyncIterator[Mapping[str, str]]:
    """A CMMS within the block, with the settings of its connector in the environment, and by name."""
    arguments = ("-m", "benchmarks.connectors", "--serve", name, "--seconds", str(seconds))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    try:
        if process.stdout is None:
            raise SystemExit("the server has no output")
        own = PLANT_CMMS[name](json.loads(await process.stdout.readline()))
        os.environ.update({variable_of(name, setting.lower()): value for setting, value in own.items()})
        yield own
    finally:
        process.kill()
        await process.wait()


def draft(number: int) -> WorkOrderDraft:
    """The draft with a number: a key of its own, and a text of a usual length."""
    now = datetime.now(UTC)
    return WorkOrderDraft(
        key=key_of(number),
        asset="machine-1",
        asset_external_id=assetnum(number % _MACHINES + 1),
        asset_attributes={"siteid": SITE},
        summary=f"Machine 1: vibration above its baseline, fault {number}",
        paragraphs=tuple(f"Paragraph {place}. " + "word " * 20 for place in range(8)),
        failure_mode="VIB",
        priority=2,
        released=False,
        reported_at=now,
        due_at=now + timedelta(days=2),
    )


def key_of(number: int) -> str:
    """The key of the case with a number."""
    return case_id("machine-1", "VIB", "benchmark", str(number))


async def compare(name: str, options: argparse.Namespace) -> None:
    """The rate of a connector, and that of its requests sent again."""
    async with running(name, _ANSWERS_AFTER), open_connector(name, None) as access:
        sent = Sent()
        access.http.event_hooks = {"request": [sent.keep]}
        made, again, ratios, requests = [], [], [], 0
        for run in range(options.runs + 1):
            sent.by_order.clear()
            first = run * options.orders + 1
            numbers = range(first, first + options.orders)
            rate = await rate_of([_made(access.cmms, number) for number in numbers], options.at_once)
            requests = sum(len(of) for of in sent.by_order.values())
            limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)
            async with httpx.AsyncClient(follow_redirects=False, limits=limits) as plain:
                plainly = await rate_of([_resent(plain, of) for of in sent.by_order.values()], options.at_once)
            if run:  # The first warms both.
                made.append(rate)
                again.append(plainly)
                ratios.append(rate / plainly)
    print(
        f"{name}: {spread(made, '{:.1f}')} orders a second; the same {requests / options.orders:.1f} requests of each "
        f"sent again: {spread(again, '{:.1f}')}; ratio of each pair {spread(ratios, '{:.2f}')}",
        flush=True,
    )


async def _made(cmms: Cmms, number: int) -> None:
    _order.set(number)
    await cmms.create_work_order(draft(number))


async def _resent(client: httpx.AsyncClient, requests: Sequence[httpx.Request]) -> None:
    for request in requests:
        copy = httpx.Request(request.method, request.url, headers=request.headers, content=request.content)
        await client.send(copy)


async def rate_of(work: Sequence[Awaitable[None]], at_once: int) -> float:
    """How many of some coroutines end in a second, of which so many run at once."""
    gate = asyncio.Semaphore(at_once)

    async def one(coroutine: Awaitable[None]) -> None:
        async with gate:
            await coroutine

    began = time.perf_counter()
    await asyncio.gather(*(one(each) for each in work))
    return len(work) / (time.perf_counter() - began)


async def poll(options: argparse.Namespace) -> None:
    """How long a poll of a full Maximo takes, and how many requests and records it needs."""
    async with running("maximo", 0) as own, open_connector("maximo", None) as access:
        await _fill(own, options.open)
        cursor = None
        while True:
            page = await access.cmms.changed_since(cursor)
            if cursor == page.cursor or not (page.records or page.unreadable):
                break
            cursor = page.cursor
        taken, asked, read = [], [], []
        counted: list[httpx.Request] = []

        async def count(request: httpx.Request) -> None:
            counted.append(request)

        access.http.event_hooks = {"request": [count]}
        for run in range(options.runs):
            for number in range(options.changes):
                await access.cmms.create_work_order(draft(10**8 + run * options.changes + number))
            counted.clear()
            began = time.perf_counter()
            records = 0
            while True:
                page = await access.cmms.changed_since(cursor)
                records += len(page.records)
                if cursor == page.cursor or not (page.records or page.unreadable):
                    break
                cursor = page.cursor
            taken.append(time.perf_counter() - began)
            asked.append(len(counted))
            read.append(records)
    print(
        f"maximo with {options.open:,} open orders, {options.changes} changes: {spread(taken, '{:.2f}')} s, "
        f"{spread(asked)} requests, {spread(read)} records read",
        flush=True,
    )


async def _fill(own: Mapping[str, str], number: int) -> None:
    headers = {"apikey": own["API_KEY"], "x-method-override": "BULK"}
    for first in range(0, number, _AT_ONCE):
        body = [
            {
                "_data": {
                    "assetnum": assetnum(place % _MACHINES + 1),
                    "siteid": SITE,
                    "description": f"Open order {place}",
                    "externalrefid": key_of(10**7 + place),
                    "status": "WAPPR",
                }
            }
            for place in range(first, min(first + _AT_ONCE, number))
        ]
        # A client of its own for each request, because Maximo refuses who sends its cookie back.
        async with httpx.AsyncClient(headers=headers, timeout=120) as http:
            answer = await http.post(f"{own['URL']}/os/mxapiwodetail?lean=1", json=body)
        if answer.status_code != httpx.codes.OK:
            raise SystemExit(f"{answer.status_code}: {answer.text[:300]}")


async def measure(options: argparse.Namespace) -> None:
    """All measurements."""
    print(f"{processor()}, {os.cpu_count()} cores, {memory_gigabytes():.0f} GiB, Python {platform.python_version()}")
    packages = ", ".join(f"{name} {version(name)}" for name in ("httpx", "pydantic", "uvicorn"))
    print(f"{packages}; load average when it began: {os.getloadavg()[0]:.1f}", flush=True)
    for name in options.only or PLANT_CMMS:
        await compare(name, options)
    if options.open:
        await poll(options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(PLANT_CMMS))
    parser.add_argument("--orders", type=int, default=100, help="in each run")
    parser.add_argument("--at-once", type=int, default=8, help="orders that are made at once")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--open", type=int, default=100_000, help="open orders for the poll; 0 leaves it out")
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=_ANSWERS_AFTER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    asyncio.run(serve(options.serve, options.seconds) if options.serve else measure(options))


if __name__ == "__main__":
    main()
