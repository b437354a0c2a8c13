"""Three workers and two intakes on one database and one engine; one of each is killed for good while there is work."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.chaos.comparison import zeros
from millwright.bootstrap import open_storage
from millwright.demo.conductor import Tick
from millwright.demo.installation import CASES, JUDGING, Installation
from millwright.demo.performance import STEP, Beat, perform
from millwright.storage.reporting.figures import count_ordering_cases
from tests.e2e.played import verdicts_twice, workers_of_cases

FAST = {"MILLWRIGHT_STICKY_TIMEOUT": "PT1S", "MILLWRIGHT_WORKFLOW_TASK_TIMEOUT": "PT2S"}
BLOWS = {"intake": timedelta(days=4.5), f"{JUDGING}-2": timedelta(days=5.5), f"{CASES}-2": timedelta(days=5.6)}
"""On the fifth day the detector tells of much, on the sixth orders are placed."""
MOMENT = 0.05


class Blows:
    """Kills each of some parts once, a moment after the plant has begun to work on a step."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._left = dict(BLOWS)
        self._first: datetime | None = None

    async def beat(self, now: datetime) -> None:
        """Kills whose time has come."""
        self._first = self._first or now
        for part, after in list(self._left.items()):
            if now >= self._first + after:
                del self._left[part]
                asyncio.get_running_loop().call_later(MOMENT, self._installation.kill, part)


async def test_three_workers_and_two_intakes_lose_and_double_nothing_when_one_of_each_is_killed(
    plant_data: Path, new_home: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLWRIGHT_DATA", str(plant_data))
    sandbox = ("--bus-lock-seconds", "1")
    installation = Installation(new_home(), STEP, _silent, variables=FAST, sandbox=sandbox, workers=3, intakes=2)
    installation.clear()
    blows = Blows(installation)

    def began(_sandbox: str) -> Beat:
        return blows.beat

    try:
        summary = await perform(installation, _silent, _unseen, began)
        async with open_storage(installation.settings()) as storage:
            expected = await count_ordering_cases(storage.engine)
            assert await verdicts_twice(storage.engine) == 0
        workers = await workers_of_cases(installation.settings())
    finally:
        codes = installation.stop()
    assert expected > 0
    assert not any(zeros(summary, expected).values()), summary
    assert not summary.problems
    assert len(set().union(*workers.values())) > 1
    assert {part for part, code in codes.items() if code} == set(BLOWS)


def _silent(words: str) -> None:
    del words


def _unseen(tick: Tick) -> None:
    del tick
