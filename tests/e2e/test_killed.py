"""Every process of ours killed with -9 while the plant plays, and the engine's database deleted."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from benchmarks.chaos.comparison import zeros
from benchmarks.chaos.plan import Blow, Plan
from benchmarks.chaos.tormentor import Tormentor
from millwright.bootstrap import open_storage
from millwright.demo.conductor import Tick
from millwright.demo.installation import API, CASES, ENGINE, INTAKE, JUDGING, POSTGRES, Installation
from millwright.demo.performance import STEP, Beat, perform
from millwright.storage.reporting.figures import count_ordering_cases

FAST = {"MILLWRIGHT_STICKY_TIMEOUT": "PT1S", "MILLWRIGHT_WORKFLOW_TASK_TIMEOUT": "PT2S"}
AWAY = 0.3


def blows(first: datetime) -> list[Blow]:
    """On days on which orders are placed, followed and closed: the fifth and sixth, and the tenth to the twelfth."""

    def at(days: float) -> datetime:
        return first + timedelta(days=days)

    return [
        Blow(at(4.5), (INTAKE,), 0.02, AWAY),
        Blow(at(4.9), (JUDGING, CASES), 0.1, AWAY),
        Blow(at(5.3), (ENGINE,), 0.05, AWAY, forgetting=True),
        Blow(at(10.0), (API, POSTGRES), 0.05, AWAY),
        Blow(at(10.8), (POSTGRES, CASES), 0.1, AWAY),
    ]


async def test_one_order_for_each_case_whatever_is_killed(
    plant_data: Path, new_home: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLWRIGHT_DATA", str(plant_data))
    installation = Installation(new_home(), STEP, _silent, variables=FAST, sandbox=("--bus-lock-seconds", "1"))
    installation.clear()
    made: list[Tormentor] = []

    def torment(sandbox: str) -> Beat:
        state = httpx.get(f"{sandbox}/state").raise_for_status().json()
        first, last = (datetime.fromisoformat(state[name]) for name in ("first", "last"))
        made.append(Tormentor(Plan(0, blows(first), []), installation, sandbox, last))
        return made[0].beat

    try:
        summary = await perform(installation, _silent, _unseen, torment)
        async with open_storage(installation.settings()) as storage:
            expected = await count_ordering_cases(storage.engine)
    finally:
        for tormentor in made:
            await tormentor.close()
        codes = installation.stop()
    assert made[0].kills == Counter({POSTGRES: 2, JUDGING: 1, CASES: 2, INTAKE: 1, API: 1, ENGINE: 1})
    assert made[0].forgot == 1
    assert expected > 0
    assert not any(zeros(summary, expected).values()), summary
    assert not summary.problems
    assert codes == dict.fromkeys(codes, 0)


def _silent(words: str) -> None:
    del words


def _unseen(tick: Tick) -> None:
    del tick
