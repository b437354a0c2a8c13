"""How fast the orders that waited for a CMMS are created once it answers again, and whether the riskiest go first.

Run as `python -m benchmarks.backlog`. Each order is a workflow, whose call to the CMMS waits on a task queue with the
priority of a case, as after an outage. Then a worker begins to take the calls, with as many slots as the worker for
cases has for one CMMS, and each call creates an order by the connector: looked up, created, read back. What a case does
beside that (its steps, its storage, what else it asks the CMMS) is not measured here.

MaintainX states a limit on the requests of a minute; the simulator refuses more, and the limit is raised so that the
backlog takes minutes. The least time is that of the full minutes which the requests need: the last requests need no
full one. The other vendors state no limit but on what is under way at once. There the least time is that of the
connector alone, which creates as many orders at once, without the workflow engine.
"""

import argparse
import asyncio
import json
import math
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import Priority
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from benchmarks.connectors import RunningCmms, draft, made, rate_of, running
from benchmarks.rig.machine import here, spread
from domain.clock import WallClock
from domain.loops import wait_until
from millwright.cli.connector_access import ConnectorAccess, open_connector
from millwright.demo.plant_systems import PLANT_CMMS
from millwright.runtime.embedded import temporal_server
from millwright.runtime.embedded.processes import Process, quiet_port
from millwright.worker.running import CMMS_CALLS
from sandbox.faults import Fault, Faults
from sandbox.maintainx.screen import API_KEY
from sandbox.maintainx.server import MaintainXServer
from sandbox.naming import assetnum

_LIMITED: Final = "maintainx"
_ANSWERS_AFTER: Final = 0.005
_MINUTE: Final = 60.0
_KEYS: Final = 5
_MACHINES: Final = 100
_PATIENCE: Final = timedelta(minutes=30)
_CALLERS, _CALLS = "backlog", "backlog-cmms"


@workflow.defn(name="backlog-order", sandboxed=False)
class WaitingOrder:
    """An order whose call waits for the CMMS."""

    @workflow.run
    async def run(self, number: int) -> None:
        await workflow.execute_activity(
            "backlog-create",
            number,
            task_queue=_CALLS,
            start_to_close_timeout=_PATIENCE,
            priority=Priority(priority_key=key_of_priority(number)),
        )


def key_of_priority(number: int) -> int:
    """The priority of an order, 1 (first) to 5. They come mixed."""
    return number % _KEYS + 1


async def serve(a_minute: int) -> None:
    """Runs a MaintainX that refuses more than so many requests in a minute, until it is killed."""
    faults = Faults()
    server = MaintainXServer(WallClock(), API_KEY, faults, per_minute=a_minute)
    names = [assetnum(number) for number in range(1, _MACHINES + 1)]
    asset_ids = {name: str(server.add_asset(name).id) for name in names}
    await server.start()
    faults.add(Fault(_LIMITED, "*", "slow", None, {"seconds": _ANSWERS_AFTER}))
    endpoints = {"cmms_url": server.url, "cmms_apikey": API_KEY}
    print(json.dumps({"endpoints": endpoints, "asset_ids": asset_ids}), flush=True)
    await asyncio.Event().wait()


@asynccontextmanager
async def engine() -> AsyncIterator[Client]:
    """A client of an empty workflow engine, within the block."""
    with tempfile.TemporaryDirectory(prefix="millwright-backlog-") as directory:
        port = quiet_port()
        program = temporal_server.find(print)
        command = temporal_server.command(program, Path(directory) / "temporal.db", port)
        process = Process("engine", command, {}, Path(directory))
        process.start()
        try:
            yield await _connected(f"127.0.0.1:{port}")
        finally:
            process.stop()


async def _connected(address: str) -> Client:
    async def client() -> Client | None:
        try:
            return await Client.connect(address)
        except RuntimeError:
            return None

    found = await wait_until(client, lambda client: client is not None, every=0.1, timeout=30)
    if found is None:
        raise SystemExit(f"the workflow engine does not answer at {address}")
    return found


async def drain(
    client: Client, access: ConnectorAccess, cmms: RunningCmms, numbers: Sequence[int]
) -> tuple[float, int]:
    """Seconds until all orders of a backlog are created, and how many calls began before a more urgent one."""
    begun: list[int] = []

    @activity.defn(name="backlog-create")
    async def create(number: int) -> None:
        begun.append(key_of_priority(number))
        await made(access.cmms, draft(number, cmms.asset_ids))

    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue=_CALLERS, workflows=[WaitingOrder], workflow_runner=runner):
        waiting = [
            await client.start_workflow(WaitingOrder.run, number, id=f"order-{number}", task_queue=_CALLERS)
            for number in numbers
        ]
        await asyncio.gather(*(_has_called(client, handle.id) for handle in waiting))
        began = time.perf_counter()
        async with Worker(client, task_queue=_CALLS, activities=[create], max_concurrent_activities=CMMS_CALLS):
            await asyncio.gather(*(handle.result() for handle in waiting))
            taken = time.perf_counter() - began
    return taken, sum(key > min(begun[place:]) for place, key in enumerate(begun))


async def _has_called(client: Client, name: str) -> None:
    handle = client.get_workflow_handle(name)

    async def calls() -> int:
        return len((await handle.describe()).raw_description.pending_activities)

    await wait_until(calls, bool, every=0.2)


async def limited(client: Client, options: argparse.Namespace) -> None:
    """The backlog of a vendor with a limit."""
    arguments = ("-m", "benchmarks.backlog", "--serve", str(options.a_minute))
    async with (
        running(_LIMITED, _ANSWERS_AFTER, arguments) as cmms,
        open_connector(_LIMITED, None, {"requests_a_minute": str(options.a_minute)}) as access,
    ):
        refused: list[int] = []
        asked = 0

        async def count(answer: httpx.Response) -> None:
            nonlocal asked
            asked += 1
            if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                refused.append(asked)

        access.http.event_hooks = {"response": [count]}
        taken, early = await drain(client, access, cmms, range(options.orders))
    least = _MINUTE * (math.ceil(asked / options.a_minute) - 1)
    print(
        f"{_LIMITED}, {options.a_minute} requests a minute: {options.orders} orders, {asked} requests in "
        f"{taken:.0f} s; the limit allows {least:.0f} s: {least / taken:.2f} of it; {len(refused)} requests refused; "
        f"{early} calls began before a more urgent one",
        flush=True,
    )


async def unlimited(client: Client, name: str, options: argparse.Namespace) -> None:
    """The backlog of a vendor without a limit."""
    rates, alone, ratios, early = [], [], [], []
    for run in range(options.runs):
        async with running(name, _ANSWERS_AFTER) as cmms, open_connector(name, None) as access:
            first = (2 * run + 1) * options.orders
            drafts = [draft(number + first, cmms.asset_ids) for number in range(options.orders)]
            rate, _ = await rate_of([made(access.cmms, each) for each in drafts], CMMS_CALLS)
        # A server of its own: the orders of the first part would make each search of the second slower.
        async with running(name, _ANSWERS_AFTER) as cmms, open_connector(name, None) as access:
            first += options.orders
            taken, before = await drain(client, access, cmms, range(first, first + options.orders))
        rates.append(options.orders / taken)
        alone.append(rate)
        ratios.append(options.orders / taken / rate)
        early.append(before)
    print(
        f"{name}: {options.orders} orders, {spread(rates, '{:.1f}')} a second; the connector alone "
        f"{spread(alone, '{:.1f}')}; ratio {spread(ratios, '{:.2f}')}; {spread(early)} calls began before a more "
        "urgent one",
        flush=True,
    )


async def measure(options: argparse.Namespace) -> None:
    """All measurements, on one engine."""
    print(*here("httpx", "pydantic", "temporalio"), sep="\n", flush=True)
    async with engine() as client:
        for name in options.only or ("maximo", _LIMITED):
            await (limited(client, options) if name == _LIMITED else unlimited(client, name, options))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(PLANT_CMMS))
    parser.add_argument("--orders", type=int, default=500, help="of the backlog")
    parser.add_argument("--runs", type=int, default=3, help="of a vendor without a limit")
    parser.add_argument("--a-minute", type=int, default=1000, help="the limit of the simulated MaintainX")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    asyncio.run(serve(options.serve) if options.serve else measure(options))


if __name__ == "__main__":
    main()
