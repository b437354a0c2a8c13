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
from tests.support.prepared_rows import prepared


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
        """Imports the register and publishes the policies.

        Args:
            more: a clause of the versions beyond the shipped ones.
        """
        await prepared(
            self.engine,
            ("register", criticality, self.clock.now()),
            lambda: RegisterStore(self.engine, self.clock).keep(register(criticality), "tests"),
        )
        self.digests = await publish_policies(VersionStore(self.engine), PeopleStore(self.engine), more=more)

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
