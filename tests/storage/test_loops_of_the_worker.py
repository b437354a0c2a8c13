"""No state of the database and no row in it ends a loop of the worker, and nothing that is due is lost."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest

from activities.line_judging import LinesJudgedHere
from domain.errors import StorageUnavailable
from domain.loops import Outage, retry, wait_until
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.intake.group_commit import GroupCommit
from millwright.settings import Settings
from millwright.storage.database.engine import transaction
from millwright.storage.events.inbox import Stored
from millwright.storage.scheduling import due
from millwright.worker.dispatcher import Dispatcher
from millwright.worker.policy_watch import PolicyWatch
from millwright.worker.suppression_watch import SuppressionWatch
from tests.support.judged_plant import Plant, WakeCounter
from tests.support.plant import deviation

log = logging.getLogger(__name__)

_CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid()"


@contextmanager
def whole_server_read_only(url: str) -> Iterator[None]:
    """The server as a demoted primary is: reading only, without a new connection for anybody."""
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")


@contextmanager
def cut_again_and_again(url: str) -> Iterator[None]:
    """Every connection of others is ended, at the start and at the end of the block."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_CUT)
        yield
        connection.execute(_CUT)


@contextmanager
def no_connection_left(url: str) -> Iterator[None]:
    """Every connection of others is ended, and none is accepted."""
    with psycopg.connect(url, autocommit=True) as connection:
        names = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'millwright_test%'").fetchall()
        for (name,) in names:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.execute(_CUT)
        try:
            yield
        finally:
            for (name,) in names:
                connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


State = Callable[[str], AbstractContextManager[None]]


class Loops:
    """The loops of a worker for lines, and the API's group commit."""

    def __init__(self, plant: Plant, storage: Storage) -> None:
        self.plant = plant
        self.engine = WakeCounter()
        self.commit = GroupCommit(storage.inbox, storage.clock)
        dispatcher = Dispatcher(storage.engine, self.engine, storage.clock, LinesJudgedHere())
        watches = (dispatcher, PolicyWatch(storage), SuppressionWatch(storage.suppression_end))
        self.running = [asyncio.create_task(watch.run()) for watch in watches]

    async def make_due(self, subjects: Sequence[str]) -> None:
        async with transaction(self.plant.engine) as connection:
            await due.wake(connection, subjects, self.plant.clock.now())

    async def processed(self, *subjects: str) -> bool:
        """Whether these subjects are no longer due, within ten seconds."""

        async def look() -> bool:
            statement = "SELECT subject FROM due WHERE due_at <= :now AND subject = ANY(:subjects)"
            return not await self.plant.rows(statement, now=self.plant.clock.now(), subjects=list(subjects))

        return await wait_until(look, bool, every=0.05, timeout=10)

    async def woken(self) -> Sequence[str]:
        return self.engine.woken


@pytest.fixture
async def loops(plant: Plant) -> AsyncIterator[Loops]:
    made = Loops(plant, stores(plant.engine, plant.clock, StoredVersions(plant.catalogue), Settings()))
    yield made
    for task in made.running:
        task.cancel()
    await asyncio.gather(*made.running, return_exceptions=True)


@pytest.mark.parametrize("state", [whole_server_read_only, cut_again_and_again, no_connection_left])
async def test_the_loops_go_on_after_the_database_was_so(state: State, loops: Loops, postgres_url: str) -> None:
    with state(postgres_url):
        await asyncio.sleep(1.5)
        assert [task.done() for task in loops.running] == [False, False, False]

    async def made_due() -> None:
        await loops.make_due(["line/L9", "policy/in-force/999"])

    async def stored() -> Stored:
        return await loops.commit.store([deviation(1)])

    outage = Outage(log, "away", "back")
    await retry(made_due, on=(StorageUnavailable,), outage=outage, first=0.1)
    await retry(stored, on=(StorageUnavailable,), outage=outage, first=0.1)
    assert await loops.processed("policy/in-force/999")
    assert await wait_until(loops.woken, lambda woken: "line/L9" in woken, every=0.05, timeout=10)
    assert (await loops.plant.inbox.counts())["received"] == 1


async def test_a_subject_that_nobody_can_process_stops_no_other(loops: Loops) -> None:
    await loops.make_due(["policy/canary/not-a-number"])
    assert await loops.processed("policy/canary/not-a-number")
    await loops.make_due(["policy/in-force/999"])
    assert await loops.processed("policy/in-force/999")
    assert [task.done() for task in loops.running] == [False, False, False]
