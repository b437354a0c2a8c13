"""A flood of events on one component, then on many at once, and its effect on the other components.

Run as `python -m benchmarks.floods`. During a quiet stream on components that do not fail, one failing component sends
20,000 events within a minute. Then a hundred failing components send as many in a minute. With `--seconds 0` events are
sent as fast as the API accepts them. That is more than any plant sends, and shows the reserve.

It prints for each flood: cases, orders, the time until the last order, whether the first-out was kept, history events
of the line watches per 1,000 events, the others' latency before and during the flood (over equal times, so that both
99th percentiles are of equally many batches), the cost of each process, and the floods that the API reports. `--floods`
repeats the flood on many components, each time on others, so that the others' 99th percentile is of more batches.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import orjson
import psycopg

from benchmarks.events_to_verdicts import tell_costs
from benchmarks.rig.bare_engine import line_history
from benchmarks.rig.faults import FaultTeller, OrderWatch, body, faults_without_hold
from benchmarks.rig.gauges import Gauges
from benchmarks.rig.load import BATCH, LedgerWatch, Stream, latencies, post_for, wait_until_decided
from benchmarks.rig.machine import describe, percentile
from benchmarks.rig.plant import Api, RunningPlant, Size, running_plant
from domain.assets import Asset
from domain.keys import line_workflow_id

_JSON = {"Content-Type": "application/cloudevents-batch+json"}
_QUIET_RATE = 200.0
_CLIENTS = 4
SHORTEST = 8.0
"""Minimum seconds of the quiet stream."""
WARM = 5.0
"""Seconds of the quiet stream before the measurement."""
_FIRST_OUT = """
SELECT count(*), count(*) FILTER (WHERE e.event_id = (SELECT v.event_id FROM verdicts v
    WHERE v.asset = c.asset AND v.role = 'active' AND v.rung >= 3 ORDER BY v."position" LIMIT 1))
FROM cases c JOIN evidence e ON e.case_id = c.id AND e.how = 'opened' WHERE c.asset = ANY(%s)
"""
_ORDERS = """
SELECT (SELECT count(*) FROM cases WHERE asset = ANY(%(assets)s)),
       (SELECT count(*) FROM work_orders w JOIN cases c ON c.id = w.case_id WHERE c.asset = ANY(%(assets)s))
"""


@dataclass(frozen=True)
class Flood:
    """The results of one flood. Times are in seconds."""

    flooding: int
    """Events on the failing components."""
    quiet: int
    """Events of the quiet stream."""
    others: Sequence[float]
    """From the sending of each batch of the quiet stream to its last verdict."""
    decided: float
    """From the first event to the last verdict."""
    placed: Sequence[float]
    """From the first event to each order, in order of time."""
    gauges: Gauges


def others_of(plant: RunningPlant, failing: Sequence[Asset]) -> list[Asset]:
    """The components of the quiet stream.

    None of them has a criticality of which components fail here, because a late reading of a failed component causes
    all later events to be judged again. If only one component fails, they are on other lines.
    """
    lines = {asset.line for asset in failing} if len(failing) == 1 else set()
    able = {asset.id for asset in faults_without_hold(plant.components)}
    return [asset for asset in plant.components if asset.line not in lines and asset.id not in able]


async def raise_flood(
    plant: RunningPlant, name: str, failing: Sequence[Asset], count: int, seconds: float, watch: OrderWatch
) -> Flood:
    """One flood during a quiet stream.

    Args:
        name: a prefix that makes the ids of this flood unique.
        failing: the components that fail; none may have failed before.
        count: the number of events on them.
        seconds: the time over which they are sent; 0 sends them as fast as the API accepts them.
        watch: records the orders; it must be running.
    """
    lasts = max(seconds, SHORTEST)
    teller = FaultTeller(plant.register, plant.began, name)
    events = [sign for asset in failing for sign in teller.signs(asset.id)]
    while len(events) < count:
        for asset in failing:
            events += teller.shifts(asset.id, max(1, BATCH // len(failing)))
    bodies = [body(events[at : at + BATCH]) for at in range(0, len(events), BATCH)]
    gauges = Gauges({**plant.pids, "load": os.getpid()})
    gauges.begin()
    began = time.monotonic()
    during, _ = await asyncio.gather(
        quiet_stream(plant, others_of(plant, failing), f"during_{name}", lasts),
        _send(plant.apis[0], bodies, seconds),
    )
    decided = await wait_until_decided(plant.database_url)
    await watch.until([asset.id for asset in failing], 300)
    gauges.end()
    return Flood(
        flooding=len(events),
        quiet=int(_QUIET_RATE * lasts),
        others=during,
        decided=decided - began,
        placed=sorted(watch.placed[asset.id] - began for asset in failing),
        gauges=gauges,
    )


async def flood(
    plant: RunningPlant, name: str, failing: list[Asset], count: int, seconds: float, watch: OrderWatch
) -> list[float]:
    """Makes one flood and prints the results; returns the seconds from each batch of the others to its last verdict."""
    others = others_of(plant, failing)
    await quiet_stream(plant, others, f"warm_{name}", WARM)
    before = await quiet_stream(plant, others, f"before_{name}", max(seconds, SHORTEST))
    history = await line_history(plant.engine)
    seen = await raise_flood(plant, name, failing, count, seconds, watch)
    now = await line_history(plant.engine)
    flooded = {line_workflow_id(asset.line or "") for asset in failing}
    grown = sum(now[workflow] - history.get(workflow, 0) for workflow in flooded)
    total = seen.flooding if len(failing) == 1 else seen.flooding + seen.quiet
    assets = [asset.id for asset in failing]
    with psycopg.connect(plant.database_url) as connection:
        cases, orders = connection.execute(_ORDERS, {"assets": assets}).fetchone() or (0, 0)
        opened, first = connection.execute(_FIRST_OUT, (assets,)).fetchone() or (0, 0)
    kept = f"first-out kept in {first} of {opened}"
    print(
        f"{name}: {seen.flooding:,} events on {len(failing)} failing components, decided in {seen.decided:.1f} s: "
        f"{cases} cases, {orders} orders, the last after {seen.placed[-1]:.1f} s, {kept}; "
        f"{grown / total * 1000:.1f} history events of their line watches per 1,000 events"
    )
    for share in (0.5, 0.9, 0.99):
        quiet, flooded_by = percentile(before, share), percentile(seen.others, share)
        print(
            f"  others' last verdict of a batch of {BATCH}, p{share * 100:.0f}: {quiet * 1000:.0f} ms before, "
            f"{flooded_by * 1000:.0f} ms during: {flooded_by / quiet:.1f} times "
            f"(n {len(before)} and {len(seen.others)})",
            flush=True,
        )
    tell_costs(seen.gauges, total, seen.gauges.seconds)
    return list(seen.others)


async def quiet_stream(plant: RunningPlant, assets: Sequence[Asset], name: str, seconds: float) -> list[float]:
    """200 events a second on these components; returns the seconds from each batch's sending to its last verdict."""
    stream = Stream(plant.register, assets, plant.began, name)
    watch = LedgerWatch(plant.database_url)
    watching = asyncio.create_task(watch.run())
    sent = await post_for(plant.apis, stream, seconds, 2, _QUIET_RATE)
    await wait_until_decided(plant.database_url)
    await asyncio.sleep(0.05)
    watching.cancel()
    await asyncio.wait({watching})
    return await latencies(plant.database_url, name, sent, watch)


async def _send(api: Api, bodies: list[bytes], seconds: float) -> None:
    began = time.monotonic()
    headers = {**_JSON, **api.headers}
    waiting = iter(enumerate(bodies))

    async def work(client: aiohttp.ClientSession) -> None:
        for number, batch in waiting:
            await asyncio.sleep(began + seconds * number / len(bodies) - time.monotonic())
            async with client.post(f"{api.url}/events", data=batch, headers=headers) as reply:
                await reply.read()
                if reply.status != 202:
                    raise SystemExit(f"the API answered {reply.status}")

    async with aiohttp.ClientSession() as client:
        # The first batch has the first events of each fault. It is sent alone, so that the first-out is known.
        async with client.post(f"{api.url}/events", data=next(waiting)[1], headers=headers) as reply:
            await reply.read()
        await asyncio.gather(*(work(client) for _ in range(_CLIENTS)))


async def tell_floods(plant: RunningPlant) -> None:
    """Prints the floods that the API reports."""
    api = plant.apis[0]
    async with aiohttp.ClientSession(headers=api.headers) as client, client.get(f"{api.url}/floods") as reply:
        seen = orjson.loads(await reply.read())
    for alarm_flood in seen:
        lasted = f"{alarm_flood['position']} from {alarm_flood['began_at']} to {alarm_flood['ended_at']}"
        print(f"  GET /floods: {lasted}, {alarm_flood['alarms']:,} alarms of {alarm_flood['faults']} faults")


async def measure(options: argparse.Namespace) -> None:
    """The flood on one component, then those on many, on one plant."""
    async with running_plant(Size(500, 10)) as plant:
        for line in describe(plant.database_url):
            print(line)
        watch = OrderWatch(plant.database_url)
        watching = asyncio.create_task(watch.run())
        able = faults_without_hold(plant.components)
        if 1 + options.floods * options.failing > len(able):
            raise SystemExit(f"{len(able)} components can fail: not enough for {options.floods} floods")
        await flood(plant, "one", able[:1], options.events, options.seconds, watch)
        felt: list[float] = []
        for number in range(options.floods):
            failing = able[1 + number * options.failing :][: options.failing]
            felt += await flood(plant, f"all{number + 1}", failing, options.events, options.seconds, watch)
        print(f"others in all floods on many: p99 {percentile(felt, 0.99) * 1000:.0f} ms of {len(felt):,} batches")
        await tell_floods(plant)
        watching.cancel()
        await asyncio.wait({watching})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=50, help="time in which they are sent; 0: as fast as accepted")
    parser.add_argument("--failing", type=int, default=100, help="components that fail at once in the second flood")
    parser.add_argument("--floods", type=int, default=1, help="how many floods on many components, each on others")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
