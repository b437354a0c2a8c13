"""How much time the connectors to a CMMS add to their own requests.

Run as `python -m benchmarks.connectors`. Each CMMS of the sandbox runs in a separate process and answers after 5 ms.
Orders are made through the connector as production makes them: looked up, created, read back. The requests that it
sent are kept. Then one plain httpx client sends them again with `client.request`: method, address, headers and content
of each, as many orders at once, the requests of an order one after the other, and with the connector's limit on the
requests under way. It reads nothing of an answer but the status. The two alternate.

Each request that is sent again has another case's key in the place of its own: otherwise the CMMS would find what it
did not find the first time, and refuse or skip what it did then. Nothing else is changed. A connector also waits where
only one request may be made at a time, as Atlas requires of a creation; the plain client does not.

What the plain client needs is the time of the wire, of the server, and of httpx. The connector adds the rest.
"""

import argparse
import asyncio
import contextvars
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from benchmarks.rig.machine import here, spread
from domain.clock import WallClock
from domain.keys import CASE_ID, case_id
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
_MACHINES: Final = 1000
"""So many that few orders of a run are for one machine: MaintainX reads each of the last hour on the machine."""
_PATIENCE: Final = 60.0
_HEADERS_OF_THE_CLIENT: Final = ("host", "user-agent", "accept-encoding", "connection", "content-length")
"""What a client writes by itself."""
_MAXIMO_TRANSACTION: Final = "transactionid"
"""By it Maximo refuses what it has already done. It is derived from the key."""

_order: contextvars.ContextVar[str] = contextvars.ContextVar("order")


@dataclass
class Sent:
    """The requests that the connector sent, by the key of the order for which it sent them."""

    by_order: dict[str, list[httpx.Request]] = field(default_factory=dict)

    async def keep(self, request: httpx.Request) -> None:
        key = _order.get(None)
        if key is not None:
            self.by_order.setdefault(key, []).append(request)


async def serve(name: str, seconds: float) -> None:
    """Runs a CMMS until it is killed; prints how to reach it."""
    faults = Faults()
    machines = [PlantMachine(number, "model1", 10) for number in range(1, _MACHINES + 1)]
    cmms = open_cmms(name, None, WallClock(), machines, 0, faults)
    await cmms.server.start()
    if seconds:
        faults.add(Fault(name, "*", "slow", None, {"seconds": seconds}))
    endpoints = {"cmms_url": cmms.server.url, **cmms.access}
    numbers = [assetnum(machine.id) for machine in machines]
    asset_ids = {number: cmms.asset_ids[number] for number in numbers if number in cmms.asset_ids}
    print(json.dumps({"endpoints": endpoints, "asset_ids": asset_ids}), flush=True)
    await asyncio.Event().wait()


@dataclass(frozen=True)
class RunningCmms:
    """A CMMS of the sandbox.

    Args:
        own: the settings of its connector.
        asset_ids: how it names an asset in the place of its number; empty if by its number.
    """

    own: Mapping[str, str]
    asset_ids: Mapping[str, str]


@asynccontextmanager
async def running(name: str, seconds: float, arguments: Sequence[str] = ()) -> AsyncIterator[RunningCmms]:
    """A CMMS within the block, with the settings of its connector in the environment.

    Args:
        seconds: how long it waits before each answer.
        arguments: those of another process to serve it.
    """
    usual = ("-m", "benchmarks.connectors", "--serve", name, "--seconds", str(seconds))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *(arguments or usual), stdout=asyncio.subprocess.PIPE
    )
    try:
        if process.stdout is None:
            raise SystemExit("the server has no output")
        told = json.loads(await process.stdout.readline())
        own = PLANT_CMMS[name](told["endpoints"])
        os.environ.update({variable_of(name, setting.lower()): value for setting, value in own.items()})
        yield RunningCmms(own, told["asset_ids"])
    finally:
        process.kill()
        await process.wait()


def draft(number: int, asset_ids: Mapping[str, str]) -> WorkOrderDraft:
    """The draft with a number: a key of its own, and a text of a usual length."""
    now = datetime.now(UTC)
    asset = assetnum(number % _MACHINES + 1)
    return WorkOrderDraft(
        key=key_of(number),
        asset="machine-1",
        asset_external_id=asset_ids.get(asset, asset),
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
    async with running(name, _ANSWERS_AFTER) as cmms, open_connector(name, None) as access:
        sent = Sent()
        access.http.event_hooks = {"request": [sent.keep]}
        rates, again, ratios, costs, requests = [], [], [], [], 0
        limit = int(access.own.model_dump()["concurrency"])
        # A semaphore, because waiting in the pool of httpx costs more CPU.
        slots = asyncio.Semaphore(limit)
        async with _plain_client(limit) as plain:
            for run in range(options.runs + 1):
                sent.by_order.clear()
                numbers = range(run * options.orders + 1, (run + 1) * options.orders + 1)
                drafts = [draft(number, cmms.asset_ids) for number in numbers]
                rate, cost = await rate_of([made(access.cmms, each) for each in drafts], options.at_once)
                requests = sum(len(of) for of in sent.by_order.values())
                copies = [[Copy.of(request) for request in of] for of in sent.by_order.values()]
                plainly, plain_cost = await rate_of([_resent(plain, slots, of) for of in copies], options.at_once)
                if run:  # The first warms both.
                    rates.append(rate)
                    again.append(plainly)
                    ratios.append(rate / plainly)
                    costs.append(cost / plain_cost)
    print(
        f"{name}: {spread(rates, '{:.1f}')} orders a second; the same {requests / options.orders:.1f} requests of each "
        f"sent again: {spread(again, '{:.1f}')}; ratio of each pair {spread(ratios, '{:.2f}')}; CPU of the client "
        f"{spread(costs, '{:.2f}')} times that of the plain one",
        flush=True,
    )


@dataclass(frozen=True)
class Copy:
    """A request as it is sent again: for another case, so that the CMMS does the same work for it as the first time."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes

    @classmethod
    def of(cls, request: httpx.Request) -> "Copy":
        """A copy of a request, with another key in the place of each."""
        headers = {name: value for name, value in request.headers.items() if name not in _HEADERS_OF_THE_CLIENT}
        headers |= {name: f"{value}-again" for name, value in headers.items() if name == _MAXIMO_TRANSACTION}
        content = _other_keys(request.content.decode()).encode()
        return cls(request.method, _other_keys(str(request.url)), headers, content)


def _other_keys(text: str) -> str:
    return CASE_ID.sub(lambda found: case_id("machine-1", "VIB", "benchmark again", found[0]), text)


def _plain_client(limit: int) -> httpx.AsyncClient:
    """A client with so many connections. It keeps no cookies: Maximo refuses who sends its own back."""
    limits = httpx.Limits(max_connections=limit, max_keepalive_connections=limit)
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(limits=limits, cookies=no_cookies, timeout=_PATIENCE)


async def made(cmms: Cmms, order: WorkOrderDraft) -> None:
    """Creates an order, whose requests are kept under its key."""
    _order.set(order.key)
    await cmms.create_work_order(order)


async def _resent(client: httpx.AsyncClient, slots: asyncio.Semaphore, requests: Sequence[Copy]) -> None:
    for each in requests:
        async with slots:
            answer = await client.request(each.method, each.url, headers=each.headers, content=each.content)
        if answer.is_error:
            raise SystemExit(f"{each.method} {each.url} sent again: {answer.status_code} {answer.text[:300]}")


async def rate_of(work: Sequence[Awaitable[None]], at_once: int) -> tuple[float, float]:
    """How many of some coroutines end in a second, of which so many run at once, and the seconds of CPU for each."""
    gate = asyncio.Semaphore(at_once)

    async def one(coroutine: Awaitable[None]) -> None:
        async with gate:
            await coroutine

    began, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(each) for each in work))
    return len(work) / (time.perf_counter() - began), (time.process_time() - used) / len(work)


async def measure(options: argparse.Namespace) -> None:
    """All measurements."""
    print(*here("httpx", "pydantic", "uvicorn"), sep="\n", flush=True)
    for name in options.only or PLANT_CMMS:
        await compare(name, options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(PLANT_CMMS))
    parser.add_argument("--orders", type=int, default=200, help="in each run")
    parser.add_argument("--at-once", type=int, default=8, help="orders that are made at once")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=_ANSWERS_AFTER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    asyncio.run(serve(options.serve, options.seconds) if options.serve else measure(options))


if __name__ == "__main__":
    main()
