"""A flood of events on one asset, then on all at once: a case and an order per fault, and what the others feel of it.

Run as `python -m benchmarks.floods`. While a quiet stream runs on components that do not fail, one failing component
sends 20,000 events inside a minute; then so many come in a minute from a hundred components that fail at once. With
`--seconds 0` they come as fast as they are taken, which is more than any plant sends and shows how much is left. Told
for each: cases, orders, how soon they stood, whether the first-out was kept, history events of the line watches per
1,000 events, the others' latency before and during (for as long, so that both 99th percentiles are of as many), what it
cost each process, and the floods that the read side sees.
"""

import argparse
import asyncio
import time

import aiohttp
import orjson
import psycopg

from benchmarks.events_to_verdicts import tell_costs
from benchmarks.rig.bare_engine import line_history
from benchmarks.rig.faults import FaultTeller, OrderWatch, body, faults_without_hold
from benchmarks.rig.gauges import Gauges
from benchmarks.rig.load import BATCH, LedgerWatch, Stream, latencies, post_for, wait_until_decided
from benchmarks.rig.machine import describe, percentile
from benchmarks.rig.plant import RunningPlant, Size, running_plant
from domain.assets import Asset
from domain.keys import line_workflow_id

_JSON = {"Content-Type": "application/cloudevents-batch+json"}
_QUIET_RATE = 200.0
_CLIENTS = 4
_SHORTEST = 8.0
_WARM = 5.0
_FIRST_OUT = """
SELECT count(*), count(*) FILTER (WHERE e.event_id = (SELECT v.event_id FROM verdicts v
    WHERE v.asset = c.asset AND v.role = 'active' AND v.rung >= 3 ORDER BY v."position" LIMIT 1))
FROM cases c JOIN evidence e ON e.case_id = c.id AND e.how = 'opened' WHERE c.asset = ANY(%s)
"""
_ORDERS = """
SELECT (SELECT count(*) FROM cases WHERE asset = ANY(%(assets)s)),
       (SELECT count(*) FROM work_orders w JOIN cases c ON c.id = w.case_id WHERE c.asset = ANY(%(assets)s))
"""


async def flood(
    plant: RunningPlant, name: str, failing: list[Asset], count: int, seconds: float, watch: OrderWatch
) -> None:
    """One flood, beside a quiet stream on the lines that have no part in it."""
    lines = {asset.line for asset in failing} if len(failing) == 1 else set()
    # The others are of a criticality of which none fails here: a late reading of one that did is judged with all after.
    able = {asset.id for asset in faults_without_hold(plant.components)}
    others = [asset for asset in plant.components if asset.line not in lines and asset.id not in able]
    lasts = max(seconds, _SHORTEST)
    await _quiet(plant, others, f"warm_{name}", _WARM)
    before = await _quiet(plant, others, f"before_{name}", lasts)
    teller = FaultTeller(plant.register, plant.began, name)
    events = [sign for asset in failing for sign in teller.signs(asset.id)]
    while len(events) < count:
        for asset in failing:
            events += teller.shifts(asset.id, max(1, BATCH // len(failing)))
    bodies = [body(events[at : at + BATCH]) for at in range(0, len(events), BATCH)]
    history = await line_history(plant.engine)
    gauges = Gauges(plant.pids)
    gauges.begin()
    began = time.monotonic()
    during, _ = await asyncio.gather(
        _quiet(plant, others, f"during_{name}", lasts), _send(plant.api_urls[0], bodies, seconds)
    )
    decided = await wait_until_decided(plant.database_url)
    await watch.until([asset.id for asset in failing], 300)
    gauges.end()
    took = time.monotonic() - began
    placed = sorted(watch.placed[asset.id] - began for asset in failing)
    now = await line_history(plant.engine)
    flooded = {line_workflow_id(asset.line or "") for asset in failing}
    grown = sum(now[one] - history.get(one, 0) for one in flooded)
    total = len(events) if lines else len(events) + int(_QUIET_RATE * lasts)
    assets = [asset.id for asset in failing]
    with psycopg.connect(plant.database_url) as connection:
        cases, orders = connection.execute(_ORDERS, {"assets": assets}).fetchone() or (0, 0)
        opened, first = connection.execute(_FIRST_OUT, (assets,)).fetchone() or (0, 0)
    print(
        f"{name}: {len(events):,} events on {len(failing)} failing components, decided in {decided - began:.1f} s: "
        f"{cases} cases, {orders} orders, the last after {placed[-1]:.1f} s, first-out kept in {first} of {opened}; "
        f"{grown / total * 1000:.1f} history events of their line watches per 1,000 events"
    )
    for share in (0.5, 0.9, 0.99):
        quiet, flooded_by = percentile(before, share), percentile(during, share)
        print(
            f"  others' last verdict of a batch of {BATCH}, p{share * 100:.0f}: {quiet * 1000:.0f} ms before, "
            f"{flooded_by * 1000:.0f} ms during: {flooded_by / quiet:.1f} times",
            flush=True,
        )
    tell_costs(gauges, total, took)


async def _quiet(plant: RunningPlant, assets: list[Asset], name: str, seconds: float) -> list[float]:
    stream = Stream(plant.register, assets, plant.began, name)
    watch = LedgerWatch(plant.database_url)
    watching = asyncio.create_task(watch.run())
    sent = await post_for(plant.api_urls, stream, seconds, 2, _QUIET_RATE)
    await wait_until_decided(plant.database_url)
    await asyncio.sleep(0.05)
    watching.cancel()
    await asyncio.wait({watching})
    return await latencies(plant.database_url, name, sent, watch)


async def _send(url: str, bodies: list[bytes], seconds: float) -> None:
    began = time.monotonic()
    waiting = iter(enumerate(bodies))

    async def work(client: aiohttp.ClientSession) -> None:
        for number, one in waiting:
            await asyncio.sleep(began + seconds * number / len(bodies) - time.monotonic())
            async with client.post(f"{url}/events", data=one, headers=_JSON) as reply:
                await reply.read()
                if reply.status != 202:
                    raise SystemExit(f"the door answered {reply.status}")

    async with aiohttp.ClientSession() as client:
        # The first batch holds the first signs of the fault: what is first-out is told by who came first.
        async with client.post(f"{url}/events", data=next(waiting)[1], headers=_JSON) as reply:
            await reply.read()
        await asyncio.gather(*(work(client) for _ in range(_CLIENTS)))


async def tell_floods(plant: RunningPlant) -> None:
    """What the read side says."""
    async with aiohttp.ClientSession() as client, client.get(f"{plant.api_urls[0]}/floods") as reply:
        seen = orjson.loads(await reply.read())
    for one in seen:
        lasted = f"{one['position']} from {one['began_at']} to {one['ended_at']}"
        print(f"  GET /floods: {lasted}, {one['alarms']:,} alarms of {one['faults']} faults")


async def measure(options: argparse.Namespace) -> None:
    """Both floods over one plant."""
    async with running_plant(Size(500, 10)) as plant:
        for line in describe(plant.database_url):
            print(line)
        watch = OrderWatch(plant.database_url)
        watching = asyncio.create_task(watch.run())
        failing = faults_without_hold(plant.components)
        await flood(plant, "one", failing[:1], options.events, options.seconds, watch)
        await flood(plant, "all", failing[1 : 1 + options.failing], options.events, options.seconds, watch)
        await tell_floods(plant)
        watching.cancel()
        await asyncio.wait({watching})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=50, help="over how long they come; 0: as fast as taken")
    parser.add_argument("--failing", type=int, default=100, help="components that fail at once in the second flood")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
