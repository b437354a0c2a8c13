"""How much time and memory `audit verify` takes: `python -m benchmarks.audit [VERDICTS]`.

The judging code makes the verdicts, in a separate PostgreSQL: a mixed stream of anomalies on 500 assets under the two
shipped versions, in transactions of at most 500 events. A hundredth of the events is late. Each audit runs in a
separate process, so that its peak memory can be measured. It runs on a tenth of the record and on all of it, to show
whether memory grows.
"""

import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from activities.judging import Judging
from benchmarks.rig.apart import figures_apart
from benchmarks.rig.machine import spread
from benchmarks.rig.own_database import own_database
from domain.anomaly import Anomaly, AnomalyKind, Received
from domain.assets import Asset, Criticality, Level, Observable, ObservableKind, PlantRegister
from domain.canonical import timestamp
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.database.engine import open_engine
from millwright.storage.events.inbox import Inbox
from millwright.storage.events.register import RegisterStore
from millwright.storage.judging.lines import LineStore
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.policies.versions import VersionStore
from policies.engine.catalogue import Catalogue
from tests.support.plant import publish_policies

VERDICTS = 100_000
ASSETS = 500
LINE = "LINE-1"
_START = datetime(2026, 1, 1, tzinfo=UTC)
_VERSIONS_JUDGING = 2
_RUNS = 5


class StandingClock:
    """A clock that always gives the same time, after the last event."""

    def now(self) -> datetime:
        return _START + timedelta(days=400)


class NobodyToWake:
    """Replaces the workflow engine: no workflow runs, so cases stay as judging opened them."""

    async def wake(self, subjects: Sequence[str], unanswered: Collection[str] = ()) -> None:
        pass


def register() -> PlantRegister:
    """Machines of mixed criticality, each with two error codes."""
    levels = list(Criticality)
    assets = [Asset(id=LINE, level=Level.LINE, name="Line 1", line=LINE)]
    assets += [
        Asset(
            id=f"m{number}",
            level=Level.MACHINE,
            name=f"Machine {number}",
            line=LINE,
            machine=f"m{number}",
            asset_class="pump",
            criticality=levels[number % len(levels)],
        )
        for number in range(ASSETS)
    ]
    seen = [
        Observable(machine=f"m{number}", kind=ObservableKind.CODE, name=name, asset=f"m{number}", failure_mode="LOO")
        for number in range(ASSETS)
        for name in ("error2", "error3")
    ]
    return PlantRegister(assets=tuple(assets), aliases=(), observables=tuple(seen))


def message(number: int, chance: random.Random) -> Received:
    """One message of a mixed stream: six deviations in ten, three codes, one risk."""
    asset = f"m{chance.randrange(ASSETS)}"
    kind = chance.choices([AnomalyKind.DEVIATION, AnomalyKind.CODE, AnomalyKind.RISK], [6, 3, 1])[0]
    late = timedelta(hours=2) if chance.random() < 0.01 else timedelta(0)
    at = _START + timedelta(seconds=10 * number) - late
    anomaly = Anomaly(
        kind=kind,
        asset=asset,
        failure_mode="LOO",
        at=at,
        detector="adx:rotate" if kind is AnomalyKind.DEVIATION else kind.value,
        signal="rotate" if kind is AnomalyKind.DEVIATION else None,
        value=chance.uniform(300, 500),
        baseline=446.6,
        score=chance.uniform(3, 12) if kind is AnomalyKind.DEVIATION else None,
        code=chance.choice(["error2", "error3"]) if kind is AnomalyKind.CODE else None,
    )
    return Received(
        ingress="benchmark",
        sequence=number,
        source="benchmark",
        external_id=f"e{number}",
        type="benchmark",
        subject=asset,
        received_at=_START,
        raw=b"{}",
        natural_key=f"{asset}|{kind}|{timestamp(at)}|{number}",
        at=at,
        anomaly=anomaly,
        line=LINE,
    )


class Filling:
    """Fills the record by judging."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._clock = StandingClock()
        self._catalogue = Catalogue()
        self._number = 0
        self._chance = random.Random(7)

    async def prepare(self) -> None:
        await RegisterStore(self._engine, self._clock).keep(register(), "benchmark")
        await publish_policies(VersionStore(self._engine), PeopleStore(self._engine))

    async def fill(self, verdicts: int) -> None:
        """Stores and judges events until there are so many first verdicts."""
        inbox = Inbox(self._engine)
        lines = LineStore(self._engine, self._clock, StoredVersions(self._catalogue))
        judging = Judging(lines, self._catalogue)
        while self._number * _VERSIONS_JUDGING < verdicts:
            batch = min(500, verdicts // _VERSIONS_JUDGING - self._number)
            items = [message(self._number + index, self._chance) for index in range(batch)]
            await inbox.store(items, self._clock.now())
            while not (await judging.judge_batch(LINE)).rested:
                pass
            self._number += batch

    async def close(self) -> None:
        await self._engine.dispose()


async def audit(url: str) -> None:
    """Runs one audit, and prints its figures as JSON on one line."""
    engine = open_engine(url)
    began, worked = time.perf_counter(), time.process_time()
    report = await verify(engine)
    seconds, own = time.perf_counter() - began, time.process_time() - worked
    await engine.dispose()
    figures = {
        "seconds": seconds,
        "ours": own,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "stored": report.verdicts.stored,
        "reproduced": report.verdicts.reproduced,
        "rows": report.rows,
        "acts": report.acts,
        "findings": report.found,
    }
    print(json.dumps(figures), flush=True)


def tell(runs: list[dict[str, float]]) -> None:
    """Prints the figures of several audits of the same record."""
    last = runs[-1]
    print(
        f"{last['stored']:>8,} verdicts, {last['rows']:,} ledger rows, {last['acts']:,} acts: "
        f"{spread([run['seconds'] for run in runs], '{:.1f}')} s, of it ours "
        f"{spread([run['ours'] for run in runs], '{:.1f}')} s; peak {spread([run['peak'] for run in runs])} MB; "
        f"{last['reproduced']:,} reproduced, {last['findings']} findings",
        flush=True,
    )


async def run(verdicts: int, url: str) -> None:
    filling = Filling(url)
    await filling.prepare()
    for number in (verdicts // 10, verdicts):
        began = time.perf_counter()
        await filling.fill(number)
        print(f"filled to {number:,} first verdicts in {time.perf_counter() - began:.0f} s", flush=True)
        tell([await figures_apart("benchmarks.audit", "--verify", url) for _ in range(_RUNS)])
    await filling.close()


def main() -> None:
    if sys.argv[1:2] == ["--verify"]:
        asyncio.run(audit(sys.argv[2]))
        return
    verdicts = int(sys.argv[1]) if sys.argv[1:] else VERDICTS
    with own_database() as (url, _):
        asyncio.run(run(verdicts, url))


if __name__ == "__main__":
    main()
