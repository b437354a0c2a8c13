"""Millwright up to the cases on one database: events in, verdicts and cases out."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.judging import Judging
from domain.anomaly import Received
from domain.assets import Criticality
from millwright.bootstrap import StoredVersions
from millwright.storage.events.inbox import Inbox
from millwright.storage.events.register import RegisterStore
from millwright.storage.judging.lines import LineStore
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.policies.versions import VersionStore
from policies.engine.catalogue import Catalogue
from tests.support.plant import LINE, START, UNASKED, TestClock, publish_policies, register
from tests.support.prepared_rows import Rows, put, rows_of

_PREPARED: dict[tuple[Criticality, str, bool], tuple[Rows, dict[str, str]]] = {}
"""The rows of plants that were prepared in this process, and the digests of their policies. A kind of plant is its
criticality, the clause of its policy, and whether its record was empty before."""


class WakeCounter:
    """A workflow engine that only records which subjects it was asked to wake."""

    def __init__(self) -> None:
        self.woken: list[str] = []
        self.looked_at: list[str] = []
        """Those whose workflow the engine was asked to look at."""

    async def wake(self, subjects: Sequence[str], unanswered: Collection[str] = ()) -> None:
        self.woken.extend(subjects)
        self.looked_at.extend(unanswered)


async def judge_to_rest(judging: Judging) -> set[str]:
    """Judges all undecided events of the line; returns the cases that were opened or got evidence."""
    cases: set[str] = set()
    while True:
        batch = await judging.judge_batch(LINE)
        cases.update(batch.cases)
        if batch.rested:
            return cases


class Plant:
    """A plant whose events are judged as they arrive."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.clock = TestClock(START + timedelta(days=5))
        self.inbox = Inbox(engine)
        self.catalogue = Catalogue()
        self.judging = Judging(LineStore(engine, self.clock, StoredVersions(self.catalogue)), self.catalogue)
        self.digests: dict[str, str] = {}

    async def prepare(self, criticality: Criticality = Criticality.B, more: str = UNASKED) -> None:
        """Imports the register and publishes the policies. Once they were, a superuser copies the rows.

        Args:
            more: a clause of the versions beyond the shipped ones.
        """
        people = PeopleStore(self.engine)
        superuser = await self.rows("SHOW is_superuser") == [("on",)]
        fresh = superuser and not await people.people(self.clock.now())
        # Where the register was imported before, the record has that too.
        kind = criticality, more, await self.rows("SELECT count(*) FROM acts") == [(0,)]
        if fresh and (made := _PREPARED.get(kind)) is not None:
            await put(self.engine, made[0])
            self.digests = dict(made[1])
            return
        await RegisterStore(self.engine, self.clock).keep(register(criticality), "tests")
        self.digests = await publish_policies(VersionStore(self.engine), people, more=more)
        if fresh:
            _PREPARED[kind] = await rows_of(self.engine), dict(self.digests)

    async def take(self, *items: Received) -> None:
        await self.inbox.store(items, self.clock.now())
        await judge_to_rest(self.judging)

    async def rows(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        async with self.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(statement), values)]

    async def final_rungs(self, version: str) -> list[tuple[object, ...]]:
        return await self.rows(
            'SELECT DISTINCT ON (v."position") v."position", v.rung, v.memory FROM verdicts v '
            'WHERE v.version = :v ORDER BY v."position", v.revision DESC',
            v=self.digests[version],
        )
