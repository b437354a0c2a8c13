"""A worker of an earlier build and one of this at work together over open cases, on one database and one engine."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.chaos.comparison import zeros
from millwright.bootstrap import open_storage
from millwright.demo.conductor import Tick
from millwright.demo.installation import CASES, JUDGING, Installation
from millwright.demo.performance import STEP, perform
from millwright.storage.reporting.condition import read_open_cases
from millwright.storage.reporting.figures import count_ordering_cases
from tests.e2e.played import verdicts_twice, workers_of_cases
from tests.support.earlier_build import EarlierBuild, has_whole_history, knows, landed, take_out

FAST = {"MILLWRIGHT_STICKY_TIMEOUT": "PT1S", "MILLWRIGHT_WORKFLOW_TASK_TIMEOUT": "PT2S"}
TOGETHER = timedelta(hours=6)
BACK_AT = timedelta(days=10)


class Upgrade:
    """The earlier build alone until it has cases; both; this build alone; and both again, as after a doubt."""

    def __init__(self, earlier: EarlierBuild, installation: Installation) -> None:
        self._earlier = earlier
        self._installation = installation
        self._first: datetime | None = None
        self._joined: datetime | None = None
        self._left: datetime | None = None
        self._came_back = False
        self.handed_over: list[str] = []
        self.pids: set[int] = set()

    async def beat(self, now: datetime) -> None:
        """Goes on to the next part once its time has come."""
        if self._first is None:
            self._first = now
            for worker in (JUDGING, CASES):
                self._installation.kill(worker)
            self._start_earlier()
        elif self._joined is None:
            if await self._open_cases():
                self._joined = now
                for worker in (JUDGING, CASES):
                    self._installation.restart(worker)
        elif self._left is None:
            if now >= self._joined + TOGETHER:
                self._left = now
                self.handed_over = await self._open_cases()
                self._process.kill()
        elif not self._came_back and now >= self._first + BACK_AT:
            self._came_back = True
            self._start_earlier()

    def end(self) -> int | None:
        """Ends the earlier build's worker; gives its exit code."""
        return self._process.stop()

    def _start_earlier(self) -> None:
        installation = self._installation
        environment = installation.environment
        self._process = self._earlier.process("earlier-worker", "worker", environment, installation.home / "logs")
        self._process.start()
        assert self._process.pid is not None
        self.pids.add(self._process.pid)

    async def _open_cases(self) -> list[str]:
        async with open_storage(self._installation.settings()) as storage:
            return await read_open_cases(storage.engine)


async def test_cases_opened_by_the_earlier_build_are_finished_by_this_one_with_one_order_each(
    plant_data: Path,
    new_home: Callable[[], Path],
    project_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MILLWRIGHT_DATA", str(plant_data))
    earlier = take_out(project_root, tmp_path)
    assert earlier.runs_its_own_code()
    installation = Installation(new_home(), STEP, _silent, variables=FAST)
    installation.clear()
    upgrade = Upgrade(earlier, installation)
    try:
        summary = await perform(installation, _silent, _unseen, lambda _: upgrade.beat)
        async with open_storage(installation.settings()) as storage:
            expected = await count_ordering_cases(storage.engine)
            assert await verdicts_twice(storage.engine) == 0
        workers = await workers_of_cases(installation.settings())
        ours = installation.processes[CASES].pid
    finally:
        left_with = upgrade.end()
        codes = installation.stop()
    assert upgrade.handed_over
    for case in upgrade.handed_over:
        assert workers[case] & upgrade.pids
        assert ours in workers[case]
    assert expected >= len(upgrade.handed_over)
    assert not any(zeros(summary, expected).values()), summary
    assert left_with == 0
    assert codes == dict.fromkeys(codes, 0)


def test_the_landed_build_is_in_the_history_where_that_is_whole(project_root: Path) -> None:
    assert knows(project_root, landed(project_root)) or not has_whole_history(project_root)


def _silent(words: str) -> None:
    del words


def _unseen(tick: Tick) -> None:
    del tick
