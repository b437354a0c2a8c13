"""Promise 1: a message is settled only when stored, and ends in exactly one fate."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from activities.judging import Judging
from domain.anomaly import Fate, Received
from domain.errors import StorageUnavailable
from domain.judging import LineWork
from millwright.storage.events.event_store import EventStore
from tests.support.judged_plant import Plant, judge_to_rest
from tests.support.plant import code, deviation


class DyingLines:
    """A store of lines whose database dies before each of its first commits."""

    def __init__(self, plant: Plant, deaths: int) -> None:
        self._lines = plant.judging._lines
        self._deaths = deaths

    @asynccontextmanager
    async def open(self, line: str, limit: int, *, leased: bool = False) -> AsyncIterator[LineWork]:
        async with self._lines.open(line, limit, leased=leased) as work:
            yield work
            if self._deaths:
                self._deaths -= 1
                raise StorageUnavailable("killed before the commit")

    async def leave(self, line: str) -> None:
        await self._lines.leave(line)


def set_aside(event: Received, fate: Fate) -> Received:
    return event.model_copy(
        update={"fate": fate, "reason": "as drawn", "anomaly": None, "natural_key": None, "line": None}
    )


async def test_promise_1_every_message_ends_in_exactly_one_fate(judged: Plant) -> None:
    again = deviation(1)
    asides = [set_aside(code(hour), fate) for hour, fate in enumerate((Fate.UNMAPPED, Fate.QUARANTINED))]
    await judged.take(again, deviation(2), set_aside(code(9), Fate.NOT_AN_ANOMALY), *asides)
    await judged.take(again, deviation(2))
    counts = await judged.inbox.counts()
    received = counts.pop("received")
    assert received == sum(counts.values()) == 6
    assert counts == {"decided": 2, "duplicate": 1, "not_an_anomaly": 1, "unmapped": 1, "quarantined": 1}


async def test_promise_1_what_was_stored_outlives_deaths_before_the_commit(judged: Plant) -> None:
    await judged.inbox.store([code(1), deviation(2)], judged.clock.now())
    dying = Judging(DyingLines(judged, deaths=2), judged.catalogue)
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await judge_to_rest(dying)
    assert await judged.rows("SELECT count(*) FROM verdicts") == [(0,)]
    await judge_to_rest(dying)
    assert (await judged.inbox.counts())["decided"] == 2
    assert await judged.rows("SELECT count(*) FROM cases") == [(1,)]


async def test_promise_1_a_quarantined_message_can_be_mended_and_is_then_decided(judged: Plant) -> None:
    await judged.take(set_aside(code(1), Fate.QUARANTINED))
    ((event,),) = await judged.rows("SELECT id FROM events")
    events = EventStore(judged.engine, judged.clock)
    assert await events.redriven(int(str(event)), code(1), by="olaf", corrected=b"{}") is None
    await judge_to_rest(judged.judging)
    assert (await judged.inbox.counts())["decided"] == 1
