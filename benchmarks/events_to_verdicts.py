"""Time from event to stored verdict, by `POST /events` and by the sandbox's Service Bus, compared with a bare loop.

Run as `python -m benchmarks.events_to_verdicts`. PostgreSQL, the engine, the sandbox, worker, intake and API run as
real processes on one machine. Batches have a hundred events in our own envelope, on random assets. A run ends when its
last event has its fate. Latency is that of a batch under load: from its sending until its last verdict can be read.
"""

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import psycopg
import uvloop
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from benchmarks.rig.bare import LESS, bare_rate
from benchmarks.rig.gauges import GAUGED_EVERY, Gauges
from benchmarks.rig.load import BATCH, LedgerWatch, Stream, latencies, post_for, wait_until_decided
from benchmarks.rig.machine import describe, percentile, spread
from benchmarks.rig.plant import RunningPlant, Size, running_plant
from millwright.runtime.embedded.engines import KINDS

_BARE_BATCHES = 150
_BUS_MESSAGES = 6000
_TURNS = 5
_STRUCTURED = "application/cloudevents+json"
_OURS = ("worker", "api", "intake")
_LONG = 60.0
"""Minimum seconds of a run that shows whether memory grows."""


@dataclass(frozen=True)
class PostedRun:
    """One run of `POST /events`."""

    events: int
    posting: float
    """Seconds from the first request to the last answer."""
    seconds: float
    """Seconds from the first request to the last verdict."""
    answers: Sequence[float]
    """Seconds from each request to its answer."""
    verdicts: Sequence[float]
    """Seconds from each request to the last verdict of its batch."""
    gauges: Gauges


@dataclass(frozen=True)
class BusRun:
    """One run through the Service Bus."""

    events: int
    publishing: float
    """Seconds from the first message to the last one published."""
    seconds: float
    """Seconds from the first message to the last verdict."""
    gauges: Gauges


async def post_to_verdicts(
    plant: RunningPlant, name: str, seconds: float, clients: int, rate: float | None = None
) -> PostedRun:
    """Posts batches for `seconds`, and waits for the last verdict.

    Args:
        name: a prefix that makes the ids of this run unique.
        rate: events a second; None posts as fast as answers arrive.
    """
    stream = Stream(plant.register, plant.components, plant.began, name)
    gauges = Gauges({**plant.pids, "load": os.getpid()}, weighed=_OURS)
    watch = LedgerWatch(plant.database_url)
    watching = [asyncio.create_task(watch.run()), asyncio.create_task(gauges.watch())]
    gauges.begin()
    began = time.monotonic()
    sent = await post_for(plant.apis, stream, seconds, clients, rate)
    posted = time.monotonic()
    decided = await wait_until_decided(plant.database_url)
    gauges.end()
    await asyncio.sleep(0.05)
    for task in watching:
        task.cancel()
    return PostedRun(
        events=sent.events,
        posting=posted - began,
        seconds=decided - began,
        answers=[sent.answered[number] - sent.at[number] for number in sent.answered],
        verdicts=await latencies(plant.database_url, name, sent, watch),
        gauges=gauges,
    )


async def by_http(plant: RunningPlant, name: str, seconds: float, clients: int, rate: float | None) -> float:
    """Runs once and prints the result; returns the events a second up to the last verdict."""
    run = await post_to_verdicts(plant, name, seconds, clients, rate)
    reached = run.events / run.seconds
    print(
        f"  {name}: {run.events:,} events, taken in at {run.events / run.posting:,.0f}/s, decided at "
        f"{reached:,.0f}/s; answer p50 {_ms(run.answers, 0.5)} p99 {_ms(run.answers, 0.99)}; "
        f"verdict p50 {_ms(run.verdicts, 0.5)} p99 {_ms(run.verdicts, 0.99)}",
        flush=True,
    )
    tell_costs(run.gauges, run.events, run.seconds)
    return reached


def _ms(values: Sequence[float], share: float) -> str:
    return f"{percentile(values, share) * 1000:,.0f} ms"


def tell_costs(gauges: Gauges, events: int, seconds: float) -> None:
    """Prints CPU and memory of each process over a run."""
    costs = ", ".join(
        f"{name} {cpu / seconds:.2f} cores ({cpu / events * 1e6:.0f} us an event)"
        for name, cpu in gauges.cpu.items()
        if cpu / seconds >= 0.01
    )
    print(f"    CPU: {costs}")
    ours = list(gauges.memory)
    if not ours:
        return
    print("    memory (RSS/PSS, MB, at the end and at most): " + ", ".join(_memory(gauges, name) for name in ours))
    sums = [sum(gauges.memory[name][at][1] for name in ours) for at in range(min(map(len, gauges.memory.values())))]
    resident = [sum(gauges.memory[name][at][0] for name in ours) for at in range(len(sums))]
    if sums:
        print(
            f"    together RSS {resident[-1]:.0f} MB, PSS {sums[-1]:.0f} MB; at the start {resident[0]:.0f} and "
            f"{sums[0]:.0f}",
            flush=True,
        )
    if seconds >= _LONG:
        each = [(name, [sample[0] for sample in gauges.memory[name]]) for name in ours]
        for name, samples in [*each, ("together", resident)]:
            first, last = samples[len(samples) // 10], samples[-1]
            slope = slope_of(samples) * 60 / GAUGED_EVERY
            print(
                f"    RSS of {name}: {first:.0f} MB after a tenth of the run, {last:.0f} MB at its end, "
                f"{slope:+.2f} MB a minute between"
            )


def slope_of(samples: Sequence[float]) -> float:
    """The mean increase from one sample to the next (least squares), without the first tenth."""
    settled = samples[len(samples) // 10 :]
    return statistics.linear_regression(range(len(settled)), settled).slope if len(settled) > 1 else 0.0


def _memory(gauges: Gauges, name: str) -> str:
    samples = gauges.memory[name]
    return f"{name} {samples[-1][0]:.0f}/{samples[-1][1]:.0f} (at most {max(sample[0] for sample in samples):.0f})"


async def bus_to_verdicts(plant: RunningPlant, name: str, count: int) -> BusRun:
    """Publishes `count` messages while intake runs, and waits for the last verdict."""
    stream = Stream(plant.register, plant.components, plant.began, name)
    stream_batches = [[_message(text) for text in stream.texts(BATCH)] for _ in range(count // BATCH)]
    gauges = Gauges({**plant.pids, "load": os.getpid()})
    gauges.begin()
    async with (
        ServiceBusClient.from_connection_string(plant.bus) as client,
        client.get_topic_sender(plant.topic) as sender,
    ):
        newest = await _newest(plant.database_url)
        began = time.monotonic()
        for batch in stream_batches:
            await sender.send_messages(batch)
        published = time.monotonic()
        await _stored(plant.database_url, newest, count)
        decided = await wait_until_decided(plant.database_url)
    gauges.end()
    return BusRun(count, published - began, decided - began, gauges)


async def by_bus(plant: RunningPlant, name: str, count: int) -> float:
    """Runs once through the bus and prints the result; returns the events a second up to the last verdict."""
    run = await bus_to_verdicts(plant, name, count)
    print(
        f"  {name}: {count:,} messages, published at {count / run.publishing:,.0f}/s, "
        f"decided at {count / run.seconds:,.0f}/s",
        flush=True,
    )
    print("    CPU: " + ", ".join(f"{n} {cpu / run.seconds:.2f} cores" for n, cpu in run.gauges.cpu.items()))
    return count / run.seconds


def _message(event: bytes) -> ServiceBusMessage:
    return ServiceBusMessage(event, content_type=_STRUCTURED, message_id=str(orjson.loads(event)["id"]))


async def _newest(database_url: str) -> int:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        row = await (await connection.execute("SELECT coalesce(max(id), 0) FROM events")).fetchone()
        return int(row[0]) if row else 0


async def _stored(database_url: str, newest: int, count: int) -> None:
    deadline = time.monotonic() + 120
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            # Counts only this run's events, so that the query does not become slower with the number of stored events.
            row = await (await connection.execute("SELECT count(*) FROM events WHERE id > %s", (newest,))).fetchone()
            if row and row[0] >= count:
                return
            await asyncio.sleep(0.05)
    raise SystemExit(f"not all of {count} messages arrived through the bus within two minutes")


async def measure(size: Size, options: argparse.Namespace) -> None:
    """All runs, on one plant."""
    async with running_plant(size) as plant:
        for line in describe(plant.database_url):
            print(line)
        print(
            f"{size.assets} assets on {size.lines} lines; {size.workers} worker, {size.apis} API, "
            f"{size.intakes} intake; {size.engine} engine; {options.clients} clients; version 1.2.0 alone",
            flush=True,
        )
        stream = Stream(plant.register, plant.components, plant.began, "bare")
        bodies = [stream.body() for _ in range(_BARE_BATCHES)]
        bare = [bare_rate(plant.database_url, bodies) for _ in range(options.runs)]
        print(f"bare loop, one process: {spread(bare)} events/s", flush=True)
        await by_http(plant, "warm", 3, options.clients, None)
        rates = [
            await by_http(plant, f"run{number}", options.seconds, options.clients, None)
            for number in range(options.runs)
        ]
        again = [bare_rate(plant.database_url, bodies) for _ in range(options.runs)]
        print(f"bare loop again: {spread(again)} events/s")
        if rates:
            print(f"POST /events to stored verdict: {spread(rates)} events/s", flush=True)
        if options.rate:
            await by_http(plant, "rated", options.seconds, options.clients, options.rate)
        if options.steady:
            await by_http(plant, "steady", options.steady, options.clients, None)
        if options.bus:
            bus = [await by_bus(plant, f"bus{number}", options.bus) for number in range(options.runs)]
            print(f"through the sandbox's Service Bus: {spread(bus)} events/s", flush=True)
        if options.parts:
            tell_parts(plant.database_url, bodies)


def tell_parts(database_url: str, bodies: Sequence[bytes]) -> None:
    """Prints the cost of each part of the record in the bare loop. Runs take turns, so that load affects all alike."""
    rates: dict[str, list[float]] = {part: [] for part in LESS}
    for _ in range(_TURNS):
        for part, record in LESS.items():
            rates[part].append(bare_rate(database_url, bodies, record))
    for part, each in rates.items():
        print(
            f"bare loop, {part}: {spread(each)} events/s, {1e6 / statistics.median(each):.0f} us an event", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8, help="seconds of each run")
    parser.add_argument("--steady", type=float, default=60, help="seconds of one longer run; 0 for none")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rate", type=float, help="events a second of one more run")
    parser.add_argument("--bus", type=int, default=_BUS_MESSAGES, help="messages through the bus; 0 for none")
    parser.add_argument("--parts", action="store_true", help="also measure each part of the record in the bare loop")
    parser.add_argument("--assets", type=int)
    parser.add_argument("--lines", type=int)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--apis", type=int, default=1)
    parser.add_argument("--engine", choices=sorted(KINDS), default="development", help="which workflow engine")
    options = parser.parse_args()
    shapes = [(500, 10), (20, 3)] if options.assets is None else [(options.assets, options.lines or 10)]
    for assets, lines in shapes:
        uvloop.run(measure(Size(assets, lines, options.workers, options.apis, engine=options.engine), options))


if __name__ == "__main__":
    main()
