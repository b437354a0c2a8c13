"""What is silent while its machine runs is found blind, recorded once, and ends with the next look."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Fate, Received
from domain.freshness import BlindReason, BlindSpell, Freshness
from domain.heartbeats import Heartbeat
from domain.instances import SiteInstances
from domain.operating import MachineState
from millwright.storage.database.engine import transaction
from millwright.storage.events.inbox import Inbox
from millwright.storage.operating.blind_spells import BlindSpellStore, seen_watches
from millwright.storage.operating.readings import OperatingStateStore
from tests.support.judged_plant import Plant
from tests.support.plant import PUMP, START, deviation
from tests.support.steady_policy import MACHINE, MES, said

SOURCE = "tests"
PROMISES = {SOURCE: timedelta(hours=2)}
INTERVAL = timedelta(minutes=30)


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


def beat(
    number: float, asset: str | None = PUMP, signal: str | None = "volt", source: str = SOURCE, sequence: int = 1
) -> Received:
    """A heartbeat of an hour, as it is read."""
    return Received(
        ingress="test",
        sequence=sequence,
        source=source,
        external_id=f"beat-{number}",
        type="millwright.heartbeat.v1",
        subject=None,
        received_at=hour(number),
        raw=b"{}",
        at=hour(number),
        fate=Fate.NOT_AN_ANOMALY,
        reason="a heartbeat",
        heartbeat=Heartbeat(source=source, asset=asset, signal=signal, at=hour(number)),
    )


class Watched:
    """A plant of which a source promises to look at a signal."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.inbox = Inbox(plant.engine, PROMISES)
        self.states = OperatingStateStore(plant.engine, plant.clock, SiteInstances(otherwise=MES))
        self.store = BlindSpellStore(plant.engine, plant.clock, PROMISES, INTERVAL)

    async def read(self, first: float, last: float, state: MachineState = MachineState.RUNNING) -> None:
        """The MES is read every half hour."""
        for number in range(round(2 * first), round(2 * last) + 1):
            at = hour(number / 2)
            await self.states.record_reading(MES, at, {MACHINE: said(state, at)}, 2 * INTERVAL)

    async def look(self, number: float) -> Sequence[BlindSpell]:
        self.plant.clock.time = hour(number)
        return await self.store.look()

    async def state(self, number: float) -> Freshness:
        """What is shown of the signal at an hour."""
        async with transaction(self.plant.engine) as connection:
            found = await seen_watches(connection, PROMISES, hour(number), INTERVAL)
        [seen] = [each for each in found if each.signal == "volt" and each.source == SOURCE]
        return seen.state

    async def kinds(self) -> list[tuple[object, ...]]:
        kinds = "kind IN ('blind-began', 'blind-ended')"
        return list(await self.plant.rows(f"SELECT kind, subject, actor FROM acts WHERE {kinds} ORDER BY id"))


@pytest.fixture
async def watched(storage_engine: AsyncEngine) -> Watched:
    plant = Plant(storage_engine)
    await plant.prepare()
    made = Watched(plant)
    await made.inbox.store([beat(0)], hour(0))
    return made


async def test_a_heartbeat_is_one_row_and_no_event_however_often_it_comes(watched: Watched) -> None:
    stored = await watched.inbox.store([beat(1, sequence=2), beat(2, sequence=3), beat(1.5, sequence=4)], hour(2))
    assert (stored.new, len(stored.kept)) == (0, 3)
    assert await watched.plant.rows("SELECT source, asset, signal, first_at, seen_at FROM looks") == [
        (SOURCE, PUMP, "volt", hour(0), hour(2))
    ]
    assert await watched.plant.rows("SELECT count(*) FROM events") == [(0,)]
    assert await watched.plant.rows("SELECT count(*) FROM verdicts") == [(0,)]


async def test_silence_while_the_machine_runs_is_found_once_and_ends_with_the_first_look_after_it(
    watched: Watched,
) -> None:
    await watched.read(0, 6)
    assert await watched.look(2) == []
    [began] = [each for each in await watched.look(6) if each.signal]
    assert (began.reason, began.began_at, began.ended_at) == (BlindReason.SILENT, hour(2), None)
    assert [each for each in await watched.look(6.1) if each.signal] == []
    await watched.inbox.store([beat(7), beat(8, sequence=5)], hour(8))
    [ended] = [each for each in await watched.look(8) if each.signal]
    assert (ended.began_at, ended.ended_at) == (hour(2), hour(7))
    subject = f"blind/{SOURCE}/{PUMP}/volt"
    signal = [act for act in await watched.kinds() if act[1] == subject]
    assert signal == [("blind-began", subject, "watch"), ("blind-ended", subject, "watch")]


async def test_a_planned_stop_is_not_blind(watched: Watched) -> None:
    await watched.read(0, 1)
    await watched.read(1.5, 12, MachineState.PLANNED_STOP)
    assert [each for each in await watched.look(12) if each.signal] == []
    assert await watched.state(12) is Freshness.STANDING


async def test_an_mes_that_fell_silent_says_neither_blind_nor_healthy(watched: Watched) -> None:
    await watched.read(0, 1)
    assert [each for each in await watched.look(12) if each.signal] == []
    assert await watched.state(12) is Freshness.UNKNOWN


async def test_where_no_mes_tells_of_a_machine_all_time_counts(watched: Watched) -> None:
    assert [each.began_at for each in await watched.look(12) if each.signal] == [hour(2)]


async def test_an_anomaly_of_a_source_that_promises_is_a_look_too(watched: Watched) -> None:
    await watched.inbox.store([deviation(5)], hour(5))
    assert await watched.state(6) is Freshness.FRESH
    assert await watched.plant.rows("SELECT count(*) FROM looks") == [(1,)]


async def test_a_source_that_sends_nothing_is_blind_itself(watched: Watched) -> None:
    assert await watched.look(1) == []
    assert [each.asset for each in await watched.look(5)] == [None, PUMP]
    await watched.inbox.store([beat(6, None, None)], hour(6))
    assert [(each.asset, each.ended_at) for each in await watched.look(6)] == [(None, hour(6))]
    assert await watched.state(6) is Freshness.BLIND


async def test_what_nobody_promises_is_not_monitored(watched: Watched) -> None:
    await watched.inbox.store([beat(0, source="others")], hour(0))
    async with transaction(watched.plant.engine) as connection:
        found = await seen_watches(connection, PROMISES, hour(500), INTERVAL)
    assert [each.state for each in found if each.source == "others"] == [Freshness.NOT_MONITORED]


async def test_a_promise_that_is_taken_back_ends_the_spell(watched: Watched) -> None:
    await watched.look(12)
    free = BlindSpellStore(watched.plant.engine, watched.plant.clock, {}, INTERVAL)
    watched.plant.clock.time = hour(13)
    assert {each.ended_at for each in await free.look()} == {hour(13)}
    assert await watched.plant.rows("SELECT count(*) FROM blind_spells WHERE ended_at IS NULL") == [(0,)]
