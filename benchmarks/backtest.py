"""How long a backtest of a generated year of 100 machines takes: `python -m benchmarks.backtest [--runs N]`.

The sandbox's generator and reference detector make the year, with the statistics of the published data. COPY stores it
in a separate PostgreSQL as decided events. A run does what `policy backtest` does with both shipped versions, from the
first query to the figures; it includes the start of its processes. CPU seconds are those of all our processes. A busy
machine does not increase them.
"""

import argparse
import asyncio
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from benchmarks.rig.machine import describe
from domain.anomaly import Anomaly, AnomalyKind, Risk
from domain.assets import Asset, Criticality, Level, Observable, ObservableKind, PlantRegister
from domain.canonical import canonical, timestamp
from domain.clock import WallClock
from millwright.backtesting.backtest import Question, run_backtest
from millwright.runtime.embedded import postgres
from millwright.storage.database.engine import open_engine
from millwright.storage.database.schema import upgrade
from millwright.storage.events.register import RegisterStore
from policies.engine.catalogue import Catalogue
from sandbox.plant.dataset import Dataset
from sandbox.plant.detector import Detector
from sandbox.plant.generator import generate
from sandbox.plant.signals import SIGNALS

MACHINES, DAYS, SEED = 100, 365, 1
_CLASSES = ("cnc", "pump", "motor", "conveyor")
_MODES = {"comp1": "PDE", "comp2": "LOO", "comp3": "HIO", "comp4": "VIB"}
_COPY = """
COPY events (ingress, sequence, source, external_id, natural_key, at, received_at, raw, anomaly, asset, failure_mode,
             "position", line, fate) FROM STDIN
"""


def machine_id(number: int) -> str:
    return f"machine-{number:03d}"


def register() -> PlantRegister:
    """The machines with four components each, and the error codes that indicate each component."""
    assets, seen = [], []
    for number in range(1, MACHINES + 1):
        machine = machine_id(number)
        known = {
            "line": f"LINE-{number % 4}",
            "machine": machine,
            "asset_class": _CLASSES[number % len(_CLASSES)],
            "criticality": list(Criticality)[number % len(Criticality)],
        }
        assets.append(Asset(id=machine, level=Level.MACHINE, name=machine, **known))
        for signal in SIGNALS:
            asset = f"{machine}-{signal.component}"
            assets.append(Asset(id=asset, level=Level.COMPONENT, name=asset, parent=machine, **known))
            seen += [
                Observable(
                    machine=machine,
                    kind=ObservableKind.CODE,
                    name=code,
                    asset=asset,
                    failure_mode=_MODES[signal.component],
                )
                for code in sorted(signal.errors)
            ]
    return PlantRegister(assets=tuple(assets), aliases=(), observables=tuple(seen))


def anomalies(plant: Dataset) -> Iterator[Anomaly]:
    """All anomalies that the detector, the model and the devices of a plant report."""
    detector = Detector(plant)
    for row in detector.all_anomalies():
        yield Anomaly(
            kind=AnomalyKind.DEVIATION,
            asset=f"{machine_id(row.machine)}-{row.signal.component}",
            failure_mode=_MODES[row.signal.component],
            at=row.time,
            detector=f"adx:{row.signal.name}",
            signal=row.signal.name,
            value=row.mean,
            score=row.score,
            baseline=row.baseline,
        )
    told_by = {code: signal.component for signal in SIGNALS for code in signal.errors}
    for error in plant.errors:
        component = told_by[error.code]
        yield Anomaly(
            kind=AnomalyKind.CODE,
            asset=f"{machine_id(error.machine)}-{component}",
            failure_mode=_MODES[component],
            at=error.time,
            detector="device",
            code=error.code,
        )
    for at in detector.risk_times():
        for risk in detector.risks(at):
            yield Anomaly(
                kind=AnomalyKind.RISK,
                asset=machine_id(risk.machine),
                failure_mode="OTH",
                at=risk.time,
                detector="adx:risk",
                risk=Risk(risk.risk),
            )


def store(url: str, plant: Dataset) -> int:
    """Stores the year's events; returns their number."""
    number = 0
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            for number, anomaly in enumerate(anomalies(plant), start=1):
                key = f"{anomaly.asset}|{anomaly.signal or anomaly.code or anomaly.kind.value}|{timestamp(anomaly.at)}"
                line = f"LINE-{int(anomaly.asset[8:11]) % 4}"
                row = (
                    "year",
                    number,
                    "benchmark",
                    f"e{number}",
                    key,
                    anomaly.at,
                    anomaly.at,
                    b"{}",
                    canonical(anomaly).decode(),
                )
                copy.write_row((*row, anomaly.asset, anomaly.failure_mode, anomaly.order(key), line, "decided"))
        cursor.execute("ANALYZE events")
    return number


async def measure(url: str, register_file: Path, runs: int) -> None:
    """Several backtests of the year, each with its wall and CPU seconds."""
    engine = open_engine(url)
    catalogue = Catalogue.published()
    question = Question(
        catalogue.find("rotating-equipment", "1.1.0"),
        catalogue.find("rotating-equipment", "1.0.0"),
        failures=register_file,
    )
    walls, works = [], []
    for number in range(1, runs + 1):
        began, worked = time.perf_counter(), _cpu_seconds()
        found = await run_backtest(engine, question, lambda _, __: None)
        walls.append(time.perf_counter() - began)
        works.append(_cpu_seconds() - worked)
        print(
            f"run {number}: {found.events:,} events under two versions, {found.changed.decisions:,} changed decisions: "
            f"{walls[-1]:.1f} s, {works[-1]:.1f} s of CPU in our processes, load average {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    await engine.dispose()
    judgements = 2 * found.events
    print(
        f"wall: median {statistics.median(walls):.1f} s ({min(walls):.1f} to {max(walls):.1f}); "
        f"CPU: median {statistics.median(works):.1f} s ({min(works):.1f} to {max(works):.1f}), "
        f"{statistics.median(works) / judgements * 1e6:.1f} µs a judgement, everything included"
    )


def _cpu_seconds() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


async def prepare(url: str) -> None:
    engine = open_engine(url)
    await RegisterStore(engine, WallClock()).keep(register(), "benchmark")
    await engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    home = Path(tempfile.mkdtemp(prefix="millwright-benchmark-"))
    home.chmod(0o755)
    try:
        url = postgres.start(home / "postgres")
        upgrade(url)
        print(*describe(url), sep="\n")
        began = time.perf_counter()
        plant = generate(SEED, MACHINES, DAYS)
        asyncio.run(prepare(url))
        events = store(url, plant)
        print(
            f"a year of {MACHINES} machines: {events:,} events stored in {time.perf_counter() - began:.0f} s",
            flush=True,
        )
        file = home / "failures.csv"
        failed = (
            f"{failure.time:%Y-%m-%d %H:%M:%S},{failure.machine},{failure.component}" for failure in plant.failures
        )
        file.write_text("\n".join(("datetime,machineID,failure", *failed)))
        asyncio.run(measure(url, file, runs))
    finally:
        postgres.stop(home / "postgres")
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
