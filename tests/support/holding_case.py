"""A case that asks for a hold, on a real database, between its step and an MES."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import cast

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.holds import Holds
from activities.judging import Judging
from activities.progress import CaseRef
from activities.walk_downs import WalkDownRef, WalkDownSteps
from domain.assets import Criticality
from domain.cases import CaseView
from domain.hold_proposals import HoldAnswer
from domain.ports import Mes
from domain.production import HoldTarget
from domain.verdict import Urgency, UrgencyDecision
from domain.walk_downs import WalkDown, WalkDownState
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.settings import CmmsSettings, MesSettings, Settings
from policies.engine.catalogue import Catalogue
from tests.support.ingress import NOW
from tests.support.judged_plant import judge_to_rest
from tests.support.plant import UNASKED, TestClock, code, deviation, publish_policies, register
from tests.support.walk_downs import EQUIPMENT, MACHINE, begin_word, look_word, prove, release_word
from tests.workflows.fake_mes import FakeMes
from tests.workflows.fake_plant import FakeTwins


class HoldingCase:
    """A case that asks for a hold on its machine, with the step that places it.

    Args:
        mes: what holds the machine; a fake if none is given.
    """

    def __init__(self, engine: AsyncEngine, database_url: str, mes: Mes | None = None) -> None:
        self.engine = engine
        self.url = database_url
        self.clock = TestClock(NOW)
        settings = Settings(_env_file=None, cmms=CmmsSettings(connector="fake"), mes=MesSettings(connector="fake"))
        catalogue = Catalogue()
        self.storage: Storage = stores(engine, self.clock, StoredVersions(catalogue), settings)
        self.mes = FakeMes(self.clock)
        cases, holds = self.storage.cases, self.storage.holds
        self.served = {"fake": mes or cast(Mes, self.mes)}
        self.twins = FakeTwins()
        self.steps = Holds(cases, holds, self.served, self.twins, catalogue, self.clock, timedelta(minutes=5))
        self.judging = Judging(self.storage.lines, catalogue)
        self.case = ""

    async def prepare(self, *, more: str = UNASKED) -> None:
        """Opens the case.

        Args:
            more: a clause of the versions beyond the shipped ones.
        """
        await self.storage.register.keep(register(Criticality.A), "tests")
        await publish_policies(self.storage.versions, self.storage.people, more=more)
        await self.storage.inbox.store([code(1), deviation(2), deviation(3)], NOW)
        [self.case] = await judge_to_rest(self.judging)
        urgency = UrgencyDecision(urgency=Urgency.NOW, rule="set", because="It is.", hold_at=NOW, work_at=NOW)
        await self.storage.cases.record_proposal(self.case, urgency, None)

    async def prove(self, of: HoldTarget | None = None) -> str:
        return (await prove(self.storage.walk_downs, self.clock.now(), "fake", of or self.mes.target)).key

    async def hold(self) -> CaseView:
        await self.steps.ensure_hold(CaseRef(case=self.case))
        return (await self.storage.cases.view(self.case))[0]

    async def later(self) -> CaseView:
        """The step, after the time for which it leaves a system alone."""
        self.clock.time += timedelta(hours=1, minutes=1)
        return await self.hold()

    async def answer(self, *, accepted: bool, hold_at: datetime | None = None, reason: str | None = None) -> HoldAnswer:
        """A person of production answers."""
        said = HoldAnswer(accepted=accepted, hold_at=hold_at, by="petra", reason=reason, at=self.clock.now())
        return await self.storage.cases.answer_hold(self.case, said)

    async def state(self, proof: str) -> WalkDownState:
        return (await self.storage.walk_downs.read(proof))[0].state

    def alter(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as somebody:
            assert somebody.execute(statement.encode()).rowcount > 0

    async def walk_down(self, look: Callable[[], Awaitable[object]] | None = None) -> WalkDown:
        """Two persons prove the machine on the MES itself.

        Args:
            look: what is looked at while the machine is held.
        """
        store, now = self.storage.walk_downs, self.clock.now()
        steps = WalkDownSteps(store, self.served, self.clock, timedelta(minutes=5))
        begun = await store.begin(MACHINE, "fake", EQUIPMENT, begin_word(now, "fake"))
        ref = WalkDownRef(walk_down=begun.key)
        await steps.advance_walk_down(ref)
        held, _ = await store.read(begun.key)
        assert held.state is WalkDownState.HELD, held.words
        if look is not None:
            await look()
        await store.look(held.key, look_word(held, now))
        await store.let_run(held.key, release_word(held, now))
        await steps.advance_walk_down(ref)
        return (await store.read(begun.key))[0]
