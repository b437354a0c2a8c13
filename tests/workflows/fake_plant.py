"""Fakes of the CMMS, the MES and the twins, and Millwright's worker at work between them."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from activities.judging import Judging
from domain.anomaly import Received
from domain.assets import Criticality, PlantRegister
from domain.canonical import Json
from domain.cases import CaseView, Decision
from domain.cmms import CmmsCapabilities, OrderQuery
from domain.open_work import OpenWork, OpenWorkQuery
from domain.outcomes import OutcomeClass
from domain.site_codes import SiteCodes
from domain.twin_writes import ToldOutcome, TwinWrite
from domain.work_orders import (
    ChangePage,
    CompletionReport,
    Escalation,
    FindingRole,
    OrderRejection,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)
from millwright.bootstrap import StoredVersions, Systems, stores
from millwright.settings import CmmsSettings, MesSettings, Settings
from millwright.worker.running import run_worker
from policies.engine.catalogue import Catalogue
from tests.support.cmms import ABLE, reported
from tests.support.order_book import OrderBook
from tests.support.people import signed_release
from tests.support.plant import START, UNASKED, TestClock, publish_policies, register
from tests.support.twin_writes import taken
from tests.support.walk_downs import begin_word, look_word, prove, release_word
from tests.workflows.fake_mes import Failing, FakeMes
from workflows.queues import case_queue


class FakeCmms:
    """Orders in memory; calls fail as the test wants."""

    def __init__(self, clock: TestClock, book: OrderBook | None = None) -> None:
        self._clock = clock
        self._book = book or OrderBook(clock)
        self.failing = Failing()
        self.drafts: list[WorkOrderDraft] = []
        self.answers = asyncio.Event()
        """Set, as it is at first, where new orders are answered."""
        self.answers.set()
        self.can = ABLE

    @property
    def book(self) -> OrderBook:
        """The orders, in which people work too."""
        return self._book

    @property
    def orders(self) -> dict[str, WorkOrderRecord]:
        return self._book.orders

    @property
    def notes(self) -> dict[str, str]:
        return self._book.notes

    async def check(self) -> str:
        return "fake"

    @property
    def capabilities(self) -> CmmsCapabilities:
        return self.can

    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        self.failing.enter()
        return self._book.find(query)

    async def find_open_work(self, query: OpenWorkQuery) -> OpenWork:
        self.failing.enter()
        return self._book.open_work(query)

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        self.failing.enter()
        await self.answers.wait()
        order = self._book.create(draft)
        if draft.key not in {known.key for known in self.drafts}:
            self.drafts.append(draft)
        self.failing.leave()
        return order

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        return self._book.read(ref)

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        del memo
        return self._book.move(ref, WorkOrderStatus.APPROVED)

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        del memo
        return self._book.move(ref, WorkOrderStatus.CANCELLED)

    async def escalate_work_order(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        return self._book.escalate(ref, escalation)

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        self._book.note(ref, note_key, text)

    async def changed_since(self, cursor: str | None) -> ChangePage:
        self.failing.enter()
        return self._book.page(int(cursor or 0))

    def people_copy(self, key: str) -> str:
        """Somebody copies an order with its key; gives the number of the copy."""
        [draft] = [known for known in self.drafts if known.key == key]
        return self._book.create_another(draft).ref.id

    def people_close(
        self, key: str, problem: str | None, *, cancelled: bool = False, rejection: OrderRejection | None = None
    ) -> None:
        """A technician completes an order, or a planner cancels it and may say why."""
        status = WorkOrderStatus.CANCELLED if cancelled else WorkOrderStatus.COMPLETED
        report = reported(problem).model_copy(update={"finished_at": self._clock.now()}) if problem else None
        self._book.people_change(self.orders[key].ref, status, report, rejection)


@dataclass(frozen=True)
class FakeTwin:
    """A twin that says what was written to it last."""

    id: str
    etag: str
    properties: Mapping[str, Json]


@dataclass
class FakeTwins:
    """What was written to which twin."""

    failing: Failing = field(default_factory=Failing)
    told: dict[str, Mapping[str, Json]] = field(default_factory=dict)

    async def check(self) -> str:
        return "fake"

    async def read_register(self, as_of: datetime) -> PlantRegister:
        del as_of
        return register()

    async def read_twin(self, twin: str) -> FakeTwin:
        return FakeTwin(twin, "etag", self.told.get(twin, {}))

    async def patch_twin(self, twin: str, properties: Mapping[str, Json]) -> str:
        self.failing.enter()
        self.told[twin] = properties
        return "etag"

    async def tell_outcome(self, twin: str, work: ToldOutcome) -> TwinWrite:
        self.failing.enter()
        self.told[twin] = dict(work.properties)
        return taken(twin, work)


class FakeCodes:
    """REPAIRED confirms, NOFAULT does not; more can be learnt."""

    def __init__(self) -> None:
        self.known = {"REPAIRED": OutcomeClass.CONFIRMED, "NOFAULT": OutcomeClass.NOTHING_FOUND}

    def classify(self, report: CompletionReport) -> OutcomeClass:
        return self.known.get(report.code_of(FindingRole.PROBLEM) or "", OutcomeClass.UNKNOWN)


class FakePlant:
    """A worker on the real engine and the real database, between fakes."""

    more = UNASKED
    """The clause that its policy has beyond the shipped one."""
    cmms_kind: type[FakeCmms] = FakeCmms
    """Which CMMS it has."""

    def __init__(self, client: Client, engine: AsyncEngine, queue: str) -> None:
        self.client = client
        self.clock = TestClock(START + timedelta(days=2))
        self.cmms = self.cmms_kind(self.clock)
        self.mes = FakeMes(self.clock)
        self.twins = FakeTwins()
        self.codes = FakeCodes()
        self.engine = engine
        self._home = TemporaryDirectory(prefix="millwright-plant-")
        home = Path(self._home.name)
        self.settings = Settings(
            home=home,
            task_queue=queue,
            sticky_timeout=timedelta(seconds=1),
            cmms=CmmsSettings(connector="fake"),
            mes=MesSettings(connector="fake"),
        )
        catalogue = Catalogue()
        self.storage = stores(engine, self.clock, StoredVersions(catalogue), self.settings)
        self.systems = Systems(
            cmms={"fake": self.cmms},
            codes={"fake": SiteCodes(self.codes)},
            mes={"fake": self.mes},
            twins=self.twins,
        )
        self.judging = Judging(self.storage.lines, catalogue)
        self.proved = True
        """Whether the machine is proved from the start."""
        self._stop = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.use(Criticality.B)
        await publish_policies(self.storage.versions, self.storage.people, more=self.more)
        if self.proved:
            await prove(self.storage.walk_downs, self.clock.now(), "fake", self.mes.target)
        self.start_worker()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_worker()
        self._home.cleanup()
        for queue in (self.settings.task_queue, case_queue(self.settings.task_queue)):
            for handle in [h async for h in self.client.list_workflows(f"TaskQueue = '{queue}'")]:
                with suppress(Exception):
                    await self.client.get_workflow_handle(handle.id).terminate()

    def start_worker(self) -> None:
        self._stop = asyncio.Event()
        self._worker = asyncio.create_task(
            run_worker(self.settings, self.storage, self.systems, self.client, self._stop)
        )

    async def stop_worker(self) -> None:
        self._stop.set()
        if self._worker is not None:
            await self._worker

    async def use(self, criticality: Criticality) -> None:
        """Makes the machine as critical as the test needs."""
        await self.storage.register.keep(register(criticality), "tests")

    async def take(self, *items: Received) -> None:
        """Receives events and waits until all is at rest."""
        await self.storage.inbox.store(items, self.clock.now())
        await self.at_rest()

    async def hint(self) -> None:
        """People have changed something in the CMMS."""
        await self.storage.changes.poll_now("fake")
        await self.at_rest()

    async def release(self, key: str) -> None:
        """A person of production releases a hold here, and the case acts on it."""
        await self.approve_release(key)
        await self.at_rest()

    async def approve_release(self, key: str) -> None:
        """A person of production releases a hold here."""
        hold = await self.storage.holds.read(key)
        assert hold is not None
        await self.storage.holds.approve_release(key, signed_release(key, hold.equipment, self.clock.now()))

    async def prove(self) -> str:
        """Two persons prove the machine by a walk-down; gives its key."""
        store, now = self.storage.walk_downs, self.clock.now()
        begun = await store.begin("machine-001", "fake", "EQ-001", begin_word(now, "fake"))
        await self.at_rest()
        seen, _ = await store.read(begun.key)
        await store.look(begun.key, look_word(seen, now))
        await self.at_rest()
        await store.let_run(begun.key, release_word(seen, now))
        await self.at_rest()
        return begun.key

    async def decide(self, case: str, *, approved: bool, by: str = "pat") -> None:
        """A person decides on a case, and the case acts on it."""
        await self.record_decision(case, approved=approved, by=by)
        await self.at_rest()

    async def record_decision(self, case: str, *, approved: bool, by: str = "pat") -> None:
        """A person decides on a case."""
        decision = Decision(approved=approved, by=by, reason="seen it", at=self.clock.now())
        await self.storage.cases.record_decision(case, decision)

    async def pass_time(self, by: timedelta) -> None:
        """Moves the clock and waits until what fell due is done."""
        self.clock.time += by
        await self.at_rest()

    async def at_rest(self) -> None:
        """Waits until no event is undecided and nothing is due."""
        while True:
            if self._worker is not None and self._worker.done():
                self._worker.result()
            async with self.engine.connect() as connection:
                pending = await connection.scalar(
                    text("SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM due WHERE due_at <= :now)"),
                    {"now": self.clock.now()},
                )
            if not pending:
                return
            await asyncio.sleep(0.01)

    async def cases(self) -> Sequence[CaseView]:
        """Every case, oldest first."""
        async with self.engine.connect() as connection:
            ids = (await connection.execute(text("SELECT id FROM cases ORDER BY event_at, id"))).scalars().all()
        return [(await self.storage.cases.view(str(case)))[0] for case in ids]

    async def case(self) -> CaseView:
        """The only case."""
        (only,) = await self.cases()
        return only
