"""Time from `POST /events` with an anomaly to the order in the CMMS, compared with a bare workflow of three activities.

Run as `python -m benchmarks.anomaly_to_order`. Every fault is on another component. Its events are those of the plant:
the error codes, then a shifted reading. The sandbox Maximo answers after 5 ms. First, many faults are sent at once, to
measure the rate. Then single faults are sent at a third of the bare engine's rate, to measure the latency.
"""

import argparse
import asyncio
import time

import aiohttp

from benchmarks.events_to_verdicts import tell_costs
from benchmarks.rig.bare_engine import bare_workflows
from benchmarks.rig.faults import FaultTeller, OrderWatch, body, faults_without_hold
from benchmarks.rig.gauges import Gauges
from benchmarks.rig.machine import describe, percentile, spread
from benchmarks.rig.plant import RunningPlant, Size, running_plant
from millwright.runtime.embedded.engines import KINDS

_JSON = {"Content-Type": "application/cloudevents-batch+json"}
MAXIMO_SECONDS = 0.005


async def measure(options: argparse.Namespace) -> None:
    """All measurements, on one plant."""
    async with running_plant(Size(options.assets, 10, options.workers, engine=options.engine)) as plant:
        for line in describe(plant.database_url):
            print(line)
        await plant.fault("maximo", "*", "slow", seconds=MAXIMO_SECONDS)
        bare = [await bare_workflows(plant.engine, options.bare) for _ in range(options.runs)]
        rates = [rate for rate, _ in bare]
        alone = [seconds for _, each in bare for seconds in each]
        print(
            f"bare workflow of three activities: {spread(rates, '{:.1f}')} a second; one alone "
            f"p50 {percentile(alone, 0.5) * 1000:.0f} ms p99 {percentile(alone, 0.99) * 1000:.0f} ms",
            flush=True,
        )
        teller = FaultTeller(plant.register, plant.began, "fault")
        assets = [asset.id for asset in faults_without_hold(plant.components)]
        watch = OrderWatch(plant.database_url)
        watching = asyncio.create_task(watch.run())
        async with aiohttp.ClientSession() as client:
            await at_once(plant, client, teller, watch, assets[:5])
            assets = assets[5:]
            reached = []
            gauges = Gauges(plant.pids)
            gauges.begin()
            began = time.monotonic()
            for _ in range(options.runs):
                some, assets = assets[: options.burst], assets[options.burst :]
                reached.append(await at_once(plant, client, teller, watch, some))
            print(f"cases placed, {options.burst} faults at once: {spread(reached, '{:.1f}')} a second", flush=True)
            gauges.end()
            tell_costs(gauges, options.burst * options.runs, time.monotonic() - began)
            rate = percentile(rates, 0.5) / 3
            singles = assets[: options.singles]
            gauges.begin()
            began = time.monotonic()
            taken = await one_by_one(plant, client, teller, watch, singles, rate)
            gauges.end()
            print(
                f"{len(singles)} faults at {rate:.1f} a second, POST to the CMMS's record: p50 "
                f"{percentile(taken, 0.5) * 1000:.0f} ms, p99 {percentile(taken, 0.99) * 1000:.0f} ms"
            )
            tell_costs(gauges, len(singles), time.monotonic() - began)
        watching.cancel()
        await asyncio.wait({watching})


async def at_once(
    plant: RunningPlant, client: aiohttp.ClientSession, teller: FaultTeller, watch: OrderWatch, assets: list[str]
) -> float:
    """Posts the faults of all these components in one request; returns the orders a second up to the last order."""
    began = time.monotonic()
    await _post(plant, client, [event for asset in assets for event in teller.signs(asset)])
    await watch.until(assets, 180)
    return len(assets) / (max(watch.placed[asset] for asset in assets) - began)


async def one_by_one(
    plant: RunningPlant,
    client: aiohttp.ClientSession,
    teller: FaultTeller,
    watch: OrderWatch,
    assets: list[str],
    rate: float,
) -> list[float]:
    """Posts each component's fault alone, at `rate` a second; returns the seconds from each to its order."""
    sent: dict[str, float] = {}

    async def tell(number: int, asset: str) -> None:
        await asyncio.sleep(number / rate)
        sent[asset] = time.monotonic()
        await _post(plant, client, teller.signs(asset))

    await asyncio.gather(*(tell(number, asset) for number, asset in enumerate(assets)))
    await watch.until(assets, 180)
    return [watch.placed[asset] - sent[asset] for asset in assets]


async def _post(plant: RunningPlant, client: aiohttp.ClientSession, events: list[dict[str, object]]) -> None:
    api = plant.apis[0]
    async with client.post(f"{api.url}/events", data=body(events), headers={**_JSON, **api.headers}) as reply:
        answer = await reply.read()
        if reply.status != 202 or f'"accepted":{len(events)}'.encode() not in answer:
            raise SystemExit(f"{reply.status}: {answer[:300]!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=500)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--engine", choices=sorted(KINDS), default="development", help="which workflow engine")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--bare", type=int, default=100, help="bare workflows in each run")
    parser.add_argument("--burst", type=int, default=40, help="faults at once in each run")
    parser.add_argument("--singles", type=int, default=120, help="faults sent one by one")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
