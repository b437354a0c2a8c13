"""A demo that waits gives up only where nothing moves."""

from types import SimpleNamespace

import pytest

from millwright.demo import progress_watch
from millwright.demo.progress_watch import ProgressWatch, Stuck, wait_patiently


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the watch, which a test sets."""
    now = [0.0]
    monkeypatch.setattr(progress_watch, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_slow_plant_that_makes_progress_is_waited_for_however_long_it_takes(seconds: list[float]) -> None:
    watch = ProgressWatch(lambda: None)
    for left in range(100, 0, -1):
        seconds[0] += 50
        watch.look(f"{left} events")


def test_a_plant_without_progress_for_a_minute_is_stuck_and_what_it_waits_for_is_said(seconds: list[float]) -> None:
    watch = ProgressWatch(lambda: None)
    watch.look("3 events")
    seconds[0] = 60
    watch.look("3 events")
    seconds[0] = 61
    with pytest.raises(Stuck, match="no progress for 60 s; it waits for 3 events"):
        watch.look("3 events")


def test_a_part_that_has_ended_is_told_at_once() -> None:
    def check() -> None:
        raise LookupError("the worker has ended")

    with pytest.raises(LookupError, match="worker"):
        ProgressWatch(check).look("3 events")


async def test_a_part_that_starts_slowly_is_waited_for_and_what_is_awaited_is_said(seconds: list[float]) -> None:
    said: list[str] = []

    async def starts_in_two_minutes() -> bool:
        seconds[0] += 10
        return seconds[0] > 120

    await wait_patiently("the API", starts_in_two_minutes, lambda: None, said.append)
    assert said[0] == "Still waiting, after 20 s, for the API."
    assert len(said) == 6


async def test_a_part_that_ends_while_it_starts_is_not_waited_for() -> None:
    def check() -> None:
        raise LookupError("the API has ended")

    async def never() -> bool:
        return False

    with pytest.raises(LookupError, match="API"):
        await wait_patiently("the API", never, check, lambda _: None)
