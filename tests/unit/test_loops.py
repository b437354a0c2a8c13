"""The loops that wait: when they go on, when they end, and that no other module has one of its own."""

import ast
import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.errors import StorageUnavailable, Unavailable
from domain.loops import Backoff, Ended, Outage, block_until, repeat, retry, wait_until

ROOT = Path(__file__).resolve().parents[2]
log = logging.getLogger(__name__)


class Steps:
    """Counts its calls, fails the first of them, and calls something at one of them."""

    def __init__(self, failures: int = 0, at: int = 0, then: Callable[[], object] = lambda: None) -> None:
        self.count = 0
        self._failures = failures
        self._at = at
        self._then = then

    async def __call__(self) -> None:
        await self.number()

    async def number(self) -> int:
        self.count += 1
        if self.count == self._at:
            self._then()
        if self.count <= self._failures:
            raise StorageUnavailable(f"away at {self.count}")
        return self.count


def outage() -> Outage:
    return Outage(log, "away", "back")


async def test_a_step_is_repeated_until_stop_is_set() -> None:
    stop = asyncio.Event()
    steps = Steps(at=3, then=stop.set)
    await asyncio.wait_for(repeat(steps, every=0.001, stop=stop), 10)
    assert steps.count == 3


@pytest.mark.parametrize(("delay_first", "count"), [(False, 1), (True, 0)])
async def test_a_pause_ends_as_soon_as_stop_is_set(delay_first: bool, count: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, stop.set)
    steps = Steps()
    await asyncio.wait_for(repeat(steps, every=1000, delay_first=delay_first, stop=stop), 10)
    assert steps.count == count


async def test_an_error_ends_a_repeated_step() -> None:
    with pytest.raises(StorageUnavailable):
        await repeat(Steps(failures=1), every=0.001)


async def test_an_attempt_is_made_again_after_its_errors_and_that_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    steps = Steps(failures=3)
    assert await retry(steps.number, on=(StorageUnavailable,), outage=outage(), first=0.001, longest=0.002) == 4
    assert caplog.messages == ["away: away at 1", "back"]


async def test_other_errors_are_raised(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(StorageUnavailable):
        await retry(Steps(failures=1).number, on=(Unavailable,), outage=outage(), first=0.001)
    assert caplog.messages == []


async def test_no_further_attempt_is_made_once_stop_is_set() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, stop.set)
    steps = Steps(failures=100)
    with pytest.raises(Ended):
        await asyncio.wait_for(
            retry(steps.number, on=(StorageUnavailable,), outage=outage(), first=1000, stop=stop), 10
        )
    assert steps.count == 1


async def test_a_cancelled_attempt_is_not_made_again() -> None:
    began = asyncio.Event()

    async def attempt() -> None:
        began.set()
        await asyncio.sleep(1000)

    running = asyncio.create_task(retry(attempt, on=(StorageUnavailable,), outage=outage(), first=0.001))
    await began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(("wanted", "timeout", "found"), [(3, None, 3), (1, 0, 1), (99, 0, 1)])
async def test_what_is_waited_for_is_found_or_the_last_look_counts(
    wanted: int, timeout: float | None, found: int
) -> None:
    steps = Steps()
    assert await wait_until(steps.number, lambda number: number >= wanted, every=0.001, timeout=timeout) == found


@pytest.mark.parametrize(("answers", "timeout", "held"), [([False, True], None, True), ([False], 0, False)])
def test_a_thread_is_blocked_until_a_condition_holds_or_the_time_is_over(
    answers: list[bool], timeout: float | None, held: bool
) -> None:
    left = iter(answers)
    assert block_until(lambda: next(left), every=0.001, timeout=timeout) is held


async def test_pauses_double_up_to_the_longest_until_they_are_reset() -> None:
    stop = asyncio.Event()
    stop.set()
    backoff = Backoff(1000, 3000, stop)
    seconds = [backoff.seconds]
    for _ in range(3):
        await backoff.pause()
        seconds.append(backoff.seconds)
    assert seconds == [1000, 2000, 3000, 3000]
    backoff.reset()
    assert backoff.seconds == 1000


def _sleeps(file: Path) -> bool:
    """Whether a loop of a module sleeps for a time of its own."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.While | ast.For | ast.AsyncFor)]
    calls = [node for loop in loops for node in ast.walk(loop) if isinstance(node, ast.Call)]
    # `sleep(0)` waits for nothing: it lets others run.
    return any("sleep" in ast.unparse(call.func) and ast.unparse(call.args[0]) != "0" for call in calls)


def test_no_other_module_sleeps_in_a_loop() -> None:
    packages = ("domain", "policies", "connectors", "activities", "millwright")
    # The sandbox imports nothing of ours.
    files = {file.relative_to(ROOT) for package in packages for file in (ROOT / package).rglob("*.py")}
    sleeping = {str(file) for file in files if "sandbox" not in file.parts and _sleeps(ROOT / file)}
    # How memory is given back is a loop of its own.
    assert sleeping <= {"millwright/cli/lifetime.py"}
