"""The cost of storing events: POST /events in batches of 100 into PostgreSQL, without judging.

Run as `python -m benchmarks.intake`. The API runs in a separate process with a separate database. A few clients post
detector rows of 500 assets on 10 lines, each batch once. CPU seconds are those of the API's process, and those of all
PostgreSQL processes.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson

from benchmarks.rig.gauges import cpu_seconds, family
from benchmarks.rig.machine import here
from domain.assets import Alias, Asset, Criticality, Level, Observable, ObservableKind, PlantRegister
from millwright.api.running import run_api
from millwright.bootstrap import open_storage
from millwright.runtime.embedded import postgres
from millwright.runtime.embedded.occupancy import ADDRESS_FILE
from millwright.runtime.local_mode import local_authorization
from millwright.settings import Settings
from millwright.storage.database.schema import upgrade

ASSETS, LINES, BATCH, RUNS = 500, 10, 100, 5
_START = datetime(2026, 1, 1, tzinfo=UTC)
_JSON = {"Content-Type": "application/cloudevents-batch+json"}


def plant() -> PlantRegister:
    """Machines with one component each, distributed over the lines."""
    lines = [Asset(id=f"LINE-{n}", level=Level.LINE, name=f"Line {n}", line=f"LINE-{n}") for n in range(LINES)]
    machines, aliases, observables = [], [], []
    for number in range(ASSETS):
        machine, line = f"machine-{number:03}", f"LINE-{number % LINES}"
        place = {"line": line, "machine": machine, "asset_class": "pump", "criticality": Criticality.B}
        machines += [
            Asset.model_validate({"id": machine, "level": Level.MACHINE, "name": machine, "parent": line, **place}),
            Asset.model_validate(
                {"id": f"{machine}-comp1", "level": Level.COMPONENT, "name": "comp1", "parent": machine, **place}
            ),
        ]
        aliases.append(Alias(system="device", external_id=f"PDM-{number:03}", asset=machine, valid_from=_START))
        observables.append(
            Observable(
                machine=machine, kind=ObservableKind.SIGNAL, name="volt", asset=f"{machine}-comp1", failure_mode="PDE"
            )
        )
    return PlantRegister(assets=(*lines, *machines), aliases=tuple(aliases), observables=tuple(observables))


def batches(run: int, count: int) -> list[bytes]:
    """Rows of a detector as CloudEvents, a hundred in each body, without repetitions."""
    bodies = []
    for number in range(count):
        events = []
        for item in range(BATCH):
            index = number * BATCH + item
            at = (_START + timedelta(days=run, seconds=index)).strftime("%Y-%m-%dT%H:%M:%SZ")
            events.append(
                {
                    "specversion": "1.0",
                    "id": f"{run}-{index}",
                    "source": "adx/plant",
                    "type": "microsoft.iot.telemetry",
                    "time": at,
                    "data": {
                        "DeviceId": f"PDM-{index * 7 % ASSETS:03}",
                        "Timestamp": at,
                        "volt": 181.5,
                        "score": 5.25,
                        "baseline": 170.5,
                    },
                }
            )
        bodies.append(orjson.dumps(events))
    return bodies


async def serve(home: Path, url: str) -> None:
    """Runs the API until it is killed."""
    settings = Settings.model_validate({"home": home, "database_url": url, "api_port": 0, "local_mode": True})
    async with open_storage(settings) as storage:
        await storage.register.keep(plant(), "benchmark")
        await run_api(settings, storage, asyncio.Event(), None)


async def post(home: Path, url: str, bodies: list[bytes], clients: int) -> list[float]:
    """Posts every body once; returns the seconds that each took."""
    waiting: Iterator[bytes] = iter(bodies)
    headers = {**_JSON, "Authorization": local_authorization(home)}
    taken: list[float] = []

    async def work() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            for body in waiting:
                began = time.perf_counter()
                reply = await client.post("/events", content=body, headers=headers)
                taken.append(time.perf_counter() - began)
                if reply.status_code != httpx.codes.ACCEPTED or reply.json()["accepted"] != BATCH:
                    raise SystemExit(f"{reply.status_code}: {reply.text[:300]}")

    await asyncio.gather(*(work() for _ in range(clients)))
    return taken


def measure(home: Path, url: str, count: int, clients: int) -> None:
    api = subprocess.Popen([sys.executable, "-m", "benchmarks.intake", "--serve", str(home), url])
    try:
        file = home / ADDRESS_FILE
        while not file.exists():
            time.sleep(0.05)
        address = str(json.loads(file.read_text())["url"])
        postmaster = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
        rates, api_cost, storage_cost, latencies = [], [], [], []
        for run in range(RUNS + 1):
            bodies = batches(run, count)
            pids = family(postmaster)
            before = cpu_seconds([api.pid]), cpu_seconds(pids)
            began = time.perf_counter()
            taken = asyncio.run(post(home, address, bodies, clients))
            seconds = time.perf_counter() - began
            if run == 0:
                continue  # Connections and caches warm up.
            events = count * BATCH
            rates.append(events / seconds)
            api_cost.append((cpu_seconds([api.pid]) - before[0]) / events * 1000)
            storage_cost.append((cpu_seconds(pids) - before[1]) / events * 1000)
            latencies += taken
    finally:
        api.terminate()
        api.wait()
    told("events stored a second", rates, "{:,.0f}")
    told("CPU seconds of the API per 1,000 events", api_cost, "{:.4f}")
    told("CPU seconds of PostgreSQL per 1,000 events", storage_cost, "{:.4f}")
    cuts = statistics.quantiles(latencies, n=100)
    print(f"a request of {BATCH}: p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms (n {len(latencies)})")


def told(name: str, values: list[float], shape: str) -> None:
    median, least, most = statistics.median(values), min(values), max(values)
    print(f"{name}: {shape.format(median)} ({shape.format(least)} to {shape.format(most)}; n {len(values)})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=200, help="requests of 100 events in each run")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--serve", nargs=2, metavar=("HOME", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(Path(options.serve[0]), options.serve[1]))
        return
    print(*here("fastapi", "uvicorn", "psycopg", "pydantic", "orjson"), sep="\n")
    print(f"{RUNS} runs of {options.batches} requests with {BATCH} events, {options.clients} clients, {ASSETS} assets")
    with tempfile.TemporaryDirectory(prefix="millwright-bench-") as directory:
        home = Path(directory)
        url = postgres.start(home / "postgres")
        try:
            upgrade(url)
            measure(home, url, options.batches, options.clients)
        finally:
            postgres.stop(home / "postgres")


if __name__ == "__main__":
    main()
