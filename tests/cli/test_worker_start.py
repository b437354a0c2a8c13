"""A worker whose database goes just as it starts waits for it."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from domain.errors import StorageUnavailable
from domain.loops import Ended
from millwright.bootstrap import Storage
from millwright.cli.services import redrive_once_there


class Cases:
    """Closed cases behind a database that fails so many times."""

    def __init__(self, failures: int, stop: asyncio.Event | None = None) -> None:
        self.asked = 0
        self._failures = failures
        self._stop = stop

    async def unknown_outcomes(self) -> Sequence[Any]:
        self.asked += 1
        if self.asked <= self._failures:
            if self._stop is not None:
                self._stop.set()
            raise StorageUnavailable("connection refused")
        return ()

    async def wake(self, cases: Sequence[str]) -> None:
        assert not cases


async def redrive(cases: Cases, stop: asyncio.Event) -> None:
    await redrive_once_there("the database", cast("Storage", SimpleNamespace(cases=cases)), cast("Any", None), stop)


async def test_a_database_that_goes_as_a_worker_starts_is_waited_for() -> None:
    cases = Cases(failures=2)
    await redrive(cases, asyncio.Event())
    assert cases.asked == 3


async def test_a_worker_that_waits_for_its_database_ends_when_it_is_asked_to() -> None:
    stop = asyncio.Event()
    cases = Cases(failures=100, stop=stop)
    with pytest.raises(Ended):
        await redrive(cases, stop)
    assert cases.asked == 1
