"""The four comparisons: what each does with a plant, and the limits of its figures."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp

from benchmarks.against.pairs import TOLERANCE, Run, cpu_of_build, cpu_of_workers
from benchmarks.anomaly_to_order import MAXIMO_SECONDS, at_once, one_by_one
from benchmarks.events_to_verdicts import bus_to_verdicts, post_to_verdicts
from benchmarks.floods import WARM, others_of, quiet_stream, raise_flood
from benchmarks.rig.faults import FaultTeller, OrderWatch, faults_without_hold
from benchmarks.rig.gauges import Gauges
from benchmarks.rig.plant import RunningPlant, Size
from domain.assets import Asset

_CLIENTS = 16
_WARM_SECONDS = 3.0
_WARM_MESSAGES = 1000
_WARM_FAULTS = 5
_SINGLES_A_SECOND = 5.0
_SETTLES = 1.0
"""Seconds after the last order in which its case may finish. They are part of the measurement."""


@dataclass(frozen=True)
class Limit:
    """A figure whose ratio of new to old must be within a limit in every pair."""

    says: str
    figure: Callable[[Run], float]
    at_most: float
    within: str
    """The result if every ratio is at or under the limit."""
    over: str
    """The result if every ratio is above the limit."""


@dataclass(frozen=True)
class LatencyLimit:
    """A limit in seconds for a 99th percentile over all runs of the new build."""

    says: str
    under: float
    least: int
    """The minimum number of values."""


@dataclass(frozen=True)
class Comparison:
    """One comparison: the same code measures a plant of each build."""

    says: str
    each: str
    """What is counted: `an event` or `a case`."""
    scale: float
    """The factor that converts CPU seconds to the shown unit."""
    unit_of_cpu: str
    """The shown unit: us or ms."""
    size: Size
    latency: str
    """What the latencies measure."""
    measure: Callable[[RunningPlant, argparse.Namespace], Coroutine[object, None, Run]]
    limits: tuple[Limit, ...] = ()
    latency_limit: LatencyLimit | None = None


async def measure_post(plant: RunningPlant, options: argparse.Namespace) -> Run:
    """`POST /events` by 16 clients as fast as answers arrive, until the last stored verdict."""
    await post_to_verdicts(plant, "warm", min(_WARM_SECONDS, options.seconds), _CLIENTS)
    run = await post_to_verdicts(plant, "run", options.seconds, _CLIENTS)
    return _run(run.events, run.events / run.seconds, run.gauges, run.verdicts)


async def measure_bus(plant: RunningPlant, options: argparse.Namespace) -> Run:
    """Messages through the sandbox's Service Bus, until the last stored verdict."""
    await bus_to_verdicts(plant, "warm", min(_WARM_MESSAGES, options.messages))
    run = await bus_to_verdicts(plant, "run", options.messages)
    return _run(run.events, run.events / run.seconds, run.gauges, ())


async def measure_orders(plant: RunningPlant, options: argparse.Namespace) -> Run:
    """Faults to orders: bursts for rate and CPU, then single faults, at a rate that both builds reach, for latency."""
    await plant.fault("maximo", "*", "slow", seconds=MAXIMO_SECONDS)
    teller = FaultTeller(plant.register, plant.began, "fault")
    needed = _WARM_FAULTS + options.bursts * options.burst + options.singles
    assets = [asset.id for asset in _able_to_fail(plant, needed)]
    bursts = [assets[_WARM_FAULTS + number * options.burst :][: options.burst] for number in range(options.bursts)]
    singles = assets[needed - options.singles : needed]
    gauges = Gauges({**plant.pids, "load": os.getpid()})
    async with aiohttp.ClientSession() as client, _orders_watched(plant) as watch:
        await at_once(plant, client, teller, watch, assets[:_WARM_FAULTS])
        await asyncio.sleep(_SETTLES)
        gauges.begin()
        rates = [await at_once(plant, client, teller, watch, burst) for burst in bursts]
        await asyncio.sleep(_SETTLES)
        gauges.end()
        taken = await one_by_one(plant, client, teller, watch, singles, _SINGLES_A_SECOND)
    return _run(options.bursts * options.burst, sum(rates) / len(rates), gauges, taken)


async def measure_floods(plant: RunningPlant, options: argparse.Namespace) -> Run:
    """Floods on many components that fail at once, during a quiet stream on others."""
    able = _able_to_fail(plant, options.floods * options.failing)
    events = 0
    seconds = 0.0
    machine = 0.0
    cpu: dict[str, float] = {}
    taken: list[float] = []
    async with _orders_watched(plant) as watch:
        await quiet_stream(plant, others_of(plant, able), "warm", WARM)
        for number in range(options.floods):
            failing = able[number * options.failing :][: options.failing]
            flood = await raise_flood(
                plant, f"flood{number}", failing, options.flood_events, options.flood_seconds, watch
            )
            events += flood.flooding + flood.quiet
            seconds += flood.gauges.seconds
            machine += flood.gauges.machine
            cpu = {name: cpu.get(name, 0.0) + spent for name, spent in flood.gauges.cpu.items()}
            taken += flood.others
    return Run(events, events / seconds, cpu, (machine - sum(cpu.values())) / seconds, taken)


def _able_to_fail(plant: RunningPlant, needed: int) -> list[Asset]:
    able = faults_without_hold(plant.components)
    if len(able) < needed:
        raise SystemExit(f"{needed} components must fail, but only {len(able)} of the plant can")
    return able


def _run(count: int, rate: float, gauges: Gauges, latencies: Sequence[float]) -> Run:
    others = (gauges.machine - sum(gauges.cpu.values())) / gauges.seconds
    return Run(count, rate, gauges.cpu, others, latencies)


@asynccontextmanager
async def _orders_watched(plant: RunningPlant) -> AsyncIterator[OrderWatch]:
    watch = OrderWatch(plant.database_url)
    watching = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        watching.cancel()
        await asyncio.wait({watching})


_NOT_SLOWER = 1 + TOLERANCE
_EVENTS = Limit("CPU an event of all processes of the build", cpu_of_build, _NOT_SLOWER, "not slower", "slower")
_PLANT = Size(500, 10)

COMPARISONS: Final[dict[str, Comparison]] = {
    "post": Comparison(
        says="POST /events to stored verdict",
        each="an event",
        scale=1e6,
        unit_of_cpu="us",
        size=_PLANT,
        latency="a batch's last verdict, in an overload",
        measure=measure_post,
        limits=(_EVENTS,),
    ),
    "bus": Comparison(
        says="Service Bus to stored verdict",
        each="an event",
        scale=1e6,
        unit_of_cpu="us",
        size=_PLANT,
        latency="",
        measure=measure_bus,
        limits=(_EVENTS,),
    ),
    "orders": Comparison(
        says="faults to orders on the production engine",
        each="a case",
        scale=1e3,
        unit_of_cpu="ms",
        size=Size(500, 10, engine="production"),
        latency="POST to the CMMS's record, 5 faults a second",
        measure=measure_orders,
        limits=(
            Limit("CPU a case of all processes of the build", cpu_of_build, _NOT_SLOWER, "not slower", "slower"),
            Limit("CPU a case of the workers", cpu_of_workers, 0.7, "at most 0.70", "more than 0.70"),
        ),
    ),
    "floods": Comparison(
        says="others in a flood",
        each="an event",
        scale=1e6,
        unit_of_cpu="us",
        size=_PLANT,
        latency="the last verdict of a batch of the others",
        measure=measure_floods,
        latency_limit=LatencyLimit("p99 of the others' batches", 0.3, 1000),
    ),
}
