"""Workers for lines as processes of their own, on the real engine: ended, killed, paused, and without the engine."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from domain.anomaly import Received
from domain.assets import Asset, Level, PlantRegister
from domain.loops import wait_until
from millwright.runtime.embedded.processes import Process
from millwright.settings import Settings
from millwright.workflow_engine.temporal import engine_client
from tests.support.engine_process import answering, engine_process
from tests.support.plant import PUMP, code, deviation, received, register
from tests.workflows.fake_plant import FakePlant

_GOES_ON_WITHIN = 2.0
"""Seconds after the end of a worker in which another judges its lines."""
_TAKES_OVER_WITHIN = 20.0
"""Seconds after the death of a worker in which another judges its lines."""
_PAUSED_FOR_AT_MOST = 90.0
"""A process that stands still is given its lines once or twice more before another is."""
_ENDS_WITHIN = 30.0
"""Seconds after the engine's death in which judging ends: the heartbeat timeout and the interval of heartbeats, 20 in
all, and what a busy machine adds."""
_BACK_WITHIN = 25.0
"""Seconds after the engine's return in which every line is judged again. Less than ten on a quiet machine; the SDK asks
an engine that was away again at up to ten seconds' distance."""
_MANY = 150


class Lines:
    """A plant of one line whose workers for lines are processes."""

    def __init__(self, plant: FakePlant, database_url: str, engine_address: str, home: Path) -> None:
        self._plant = plant
        self._home = home
        self._environment = {
            "MILLWRIGHT_DATABASE_URL": database_url,
            "MILLWRIGHT_TEMPORAL_ADDRESS": engine_address,
            "MILLWRIGHT_TASK_QUEUE": plant.settings.task_queue,
            "MILLWRIGHT_STICKY_TIMEOUT": "PT1S",
        }
        self._hour = 0.0
        self.workers: dict[str, Process] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers.values():
            if worker.pid is not None:
                os.kill(worker.pid, signal.SIGCONT)
            await asyncio.to_thread(worker.stop)

    def start(self, name: str) -> Process:
        """Starts a worker."""
        command = [sys.executable, "-m", "millwright", "worker", "--only", "judging"]
        environment = {**self._environment, "MILLWRIGHT_HOME": str(self._home / name)}
        self.workers[name] = Process(name, command, environment, self._home / "logs")
        self.workers[name].start()
        return self.workers[name]

    async def judges(self, within: float) -> float:
        """Has an event come every tenth of a second until one more is judged; gives the seconds that took."""
        began = time.monotonic()
        decided = await self._decided()
        while await self._decided() == decided:
            assert time.monotonic() - began < within
            self._hour += 0.01
            await self._plant.storage.inbox.store([deviation(self._hour)], self._plant.clock.now())
            await asyncio.sleep(0.1)
        return time.monotonic() - began

    async def is_judged(self, within: float) -> bool:
        """Whether all that came is judged within so many seconds."""
        counts = await wait_until(
            self._plant.storage.inbox.counts, lambda found: not found.get("undecided"), every=0.05, timeout=within
        )
        return not counts.get("undecided")

    async def all_judged(self) -> None:
        """Sees that all that came is judged."""
        assert await self.is_judged(within=30)

    async def says(self, name: str, words: str) -> None:
        """Waits until a worker has said something."""
        log = self.workers[name].log

        async def said() -> bool:
            return log.exists() and words in log.read_text(errors="replace")

        assert await wait_until(said, bool, every=0.05, timeout=30)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Sends a worker a signal."""
        pid = self.workers[name].pid
        assert pid is not None
        os.kill(pid, number)

    async def judged_at_once(self) -> object:
        """How many lines an activity judges now."""
        async with self._plant.engine.connect() as connection:
            return await connection.scalar(text("SELECT count(*) FROM due WHERE lease_until > clock_timestamp()"))

    async def verdicts_of_an_event(self) -> object:
        """How many first verdicts the event has that has the most under one version."""
        async with self._plant.engine.connect() as connection:
            return await connection.scalar(
                text(
                    "SELECT max(n) FROM "
                    "(SELECT count(*) AS n FROM verdicts WHERE revision = 0 GROUP BY event_id, version) counted"
                )
            )

    async def _decided(self) -> int:
        return (await self._plant.storage.inbox.counts()).get("decided", 0)


@pytest.fixture
async def lines(
    engine: Client,
    engine_address: str,
    storage_engine: AsyncEngine,
    database_url: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Lines]:
    async with FakePlant(engine, storage_engine, f"test-{request.node.name}") as plant:
        await plant.stop_worker()
        async with Lines(plant, database_url, engine_address, tmp_path) as made:
            yield made


async def _both_at_work(lines: Lines) -> None:
    """The first worker judges the line, and the second is there for when it ends."""
    lines.start("first")
    await lines.judges(within=30)
    lines.start("second")
    await lines.says("second", "working on")


async def test_a_worker_that_is_asked_to_end_leaves_its_lines_to_another_at_once(lines: Lines) -> None:
    await _both_at_work(lines)
    lines.signal("first", signal.SIGTERM)
    assert await lines.judges(within=_TAKES_OVER_WITHIN) < _GOES_ON_WITHIN
    await lines.all_judged()


async def test_the_lines_of_a_worker_that_was_killed_are_judged_by_another(lines: Lines) -> None:
    await _both_at_work(lines)
    lines.signal("first", signal.SIGKILL)
    await lines.judges(within=_TAKES_OVER_WITHIN)
    await lines.all_judged()


async def test_a_worker_that_comes_back_after_a_pause_judges_nothing_twice(lines: Lines) -> None:
    await _both_at_work(lines)
    lines.signal("first", signal.SIGSTOP)
    await lines.judges(within=_PAUSED_FOR_AT_MOST)
    lines.signal("first", signal.SIGCONT)
    for _ in range(5):
        await lines.judges(within=5)
    await lines.all_judged()
    assert await lines.verdicts_of_an_event() == 1


async def test_while_the_engine_is_away_nothing_is_judged_and_afterwards_everything(
    storage_engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    with engine_process(tmp_path) as (engine, address):
        async with (
            engine_client(Settings(), await answering(address)) as client,
            FakePlant(client, storage_engine, "test-engine-away") as plant,
            Lines(plant, database_url, address, tmp_path) as lines,
        ):
            await plant.stop_worker()
            lines.start("first")
            await lines.judges(within=30)
            engine.kill()
            assert (
                await wait_until(lines.judged_at_once, lambda lines: lines == 0, every=0.1, timeout=_ENDS_WITHIN) == 0
            )
            await plant.storage.inbox.store([code(200), deviation(201)], plant.clock.now())
            engine.start()
            assert (await plant.storage.inbox.counts())["undecided"] == 2
            await answering(address)
            assert await lines.is_judged(within=_BACK_WITHIN)


async def test_one_worker_judges_a_hundred_and_fifty_lines(
    engine: Client, engine_address: str, storage_engine: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    async with (
        FakePlant(engine, storage_engine, "test-many-lines") as plant,
        Lines(plant, database_url, engine_address, tmp_path) as lines,
    ):
        await plant.stop_worker()
        await plant.storage.register.keep(_register_of(_MANY), "tests")
        lines.start("only")
        await lines.says("only", "working on")
        for hour in range(3):
            events = [_on_line(number, hour) for number in range(_MANY)]
            await plant.storage.inbox.store(events, plant.clock.now())
            assert await lines.is_judged(within=30)
        assert await lines.judged_at_once() == _MANY


def _register_of(lines: int) -> PlantRegister:
    """A machine with one pump on each of so many lines."""
    small = register()
    machine, pump = (next(a for a in small.assets if a.id == name) for name in ("machine-001", PUMP))
    assets = [asset for asset in small.assets if asset.level is Level.SITE]
    for number in range(lines):
        line, name = f"LINE-{number}", f"machine-{number:03d}"
        where = {"line": line, "machine": name}
        assets.append(Asset(id=line, level=Level.LINE, name=line, parent="BEDFORD", site="BEDFORD", line=line))
        assets.append(machine.model_copy(update={"id": name, "parent": line, **where}))
        assets.append(pump.model_copy(update={"id": f"{name}-comp1", "parent": name, **where}))
    return PlantRegister(assets=tuple(assets), aliases=(), observables=())


def _on_line(number: int, hour: int) -> Received:
    anomaly = deviation(hour).anomaly
    assert anomaly is not None
    asset = f"machine-{number:03d}-comp1"
    moved = received(anomaly.model_copy(update={"asset": asset}), f"{asset}|volt|{hour}")
    return moved.model_copy(update={"line": f"LINE-{number}"})
