"""A plant of several machines whose crew gets a bounded number of new orders, between its steps and a CMMS."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.admissions import Admissions
from activities.autonomy import Autonomy
from activities.judging import Judging
from activities.order_changes import OrderChanges, PollSystem
from activities.progress import CaseRef
from activities.returns_to_normal import ReturnsToNormal
from activities.work_orders import WorkOrders
from domain.assets import Alias, Asset, Criticality, Level, Observable, ObservableKind, PlantRegister
from domain.cases import CaseView, Decision
from domain.verdict import Urgency, UrgencyDecision
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.settings import CmmsSettings, MesSettings, Settings
from millwright.storage.cases.returns_to_normal import NormalStore
from policies.engine.catalogue import Catalogue
from tests.support.cmms import no_files, no_reconcile
from tests.support.judged_plant import WakeCounter, judge_to_rest
from tests.support.plant import LINE, START, TestClock, code, deviation, publish_policies
from tests.workflows.fake_plant import FakeCmms

CREW = "mechanical"
SITE = "BEDFORD"
_MINUTES = timedelta(minutes=5)


def bounded(new_orders: int) -> str:
    """The clause of a version that bounds the crew."""
    return f"capacity: {{ crews: [{{ name: {CREW}, classes: [pump], new_orders_a_week: {new_orders} }}] }}\n"


def crew_register(machines: Mapping[str, Criticality]) -> PlantRegister:
    """One line with these machines, each of the crew's class, with one signal and one error code."""
    assets = [
        Asset(id=SITE, level=Level.SITE, name="Bedford", site=SITE),
        Asset(id=LINE, level=Level.LINE, name="Line 1", parent=SITE, site=SITE, line=LINE),
    ]
    for name, criticality in machines.items():
        place = {"parent": LINE, "site": SITE, "line": LINE, "machine": name, "asset_class": "pump"}
        assets.append(Asset(id=name, level=Level.MACHINE, name=name, criticality=criticality, **place))
    return PlantRegister(
        assets=tuple(assets),
        aliases=tuple(Alias(system="cmms", external_id=f"M-{name}", asset=name, valid_from=START) for name in machines),
        observables=tuple(
            Observable(machine=name, kind=kind, name=signal, asset=name, failure_mode="LOO")
            for name in machines
            for kind, signal in ((ObservableKind.SIGNAL, "rotate"), (ObservableKind.CODE, "error1"))
        ),
    )


class CrewPlant:
    """Cases on machines of one class, each on a machine of its own. Severity and rung follow from its criticality: A
    asks for a hold (S1), B for an order (S2), C and D for a draft (S3, S4).

    Args:
        machines: the criticality of each.
    """

    def __init__(self, engine: AsyncEngine, machines: Mapping[str, Criticality]) -> None:
        self.engine = engine
        self.clock = TestClock(START + timedelta(days=5))
        settings = Settings(_env_file=None, cmms=CmmsSettings(connector="fake"), mes=MesSettings(connector="fake"))
        catalogue = Catalogue()
        self.storage: Storage = stores(engine, self.clock, StoredVersions(catalogue), settings)
        self.cmms = FakeCmms(self.clock)
        self._judging = Judging(self.storage.lines, catalogue)
        self._machines = machines
        self.orders = WorkOrders(
            self.storage.cases,
            self.storage.order_leases,
            {"fake": self.cmms},
            catalogue,
            Autonomy(catalogue, self.storage.autonomy),
            Admissions(catalogue, self.storage.admissions),
            self.clock,
            _MINUTES,
            timedelta(days=1),
            {},
            {},
            no_files(self.storage.cases),
            ReturnsToNormal(NormalStore(engine, self.clock), catalogue, self.clock),
        )
        self._changes = OrderChanges(
            self.storage.changes, {"fake": self.cmms}, self.clock, WakeCounter(), _MINUTES, [no_reconcile]
        )
        self.case_of: dict[str, str] = {}
        """The case of each machine that has one."""

    async def prepare(self, new_orders: int | None) -> None:
        """Imports the register, and publishes versions that bound the crew, or do not."""
        await self.storage.register.keep(crew_register(self._machines), "tests")
        more = "" if new_orders is None else bounded(new_orders)
        await publish_policies(self.storage.versions, self.storage.people, more=more)

    async def break_down(self, *machines: str, hours: float = 1) -> list[str]:
        """Opens a case on each machine, and times its work; gives the cases in their order."""
        seen = [
            event
            for name in machines
            for event in (code(hours, "error1", asset=name), deviation(hours + 1, asset=name))
        ]
        await self.storage.inbox.store(seen, self.clock.now())
        opened = await judge_to_rest(self._judging)
        for case in opened:
            view = await self.view(case)
            self.case_of[view.asset.id] = case
            now = self.clock.now()
            timed = UrgencyDecision(urgency=Urgency.NOW, rule="set", because="It is.", hold_at=None, work_at=now)
            await self.storage.cases.record_proposal(case, timed, None)
        return [self.case_of[name] for name in machines]

    async def view(self, case: str) -> CaseView:
        return (await self.storage.cases.view(case))[0]

    async def step(self, *cases: str) -> None:
        """The step of each case that places its order, one after another."""
        for case in cases:
            await self.orders.ensure_order(CaseRef(case=case))

    async def step_at_once(self, cases: Sequence[str]) -> None:
        """The steps of all, at the same time."""
        await asyncio.gather(*(self.step(case) for case in cases))

    async def accept(self, case: str) -> None:
        """A planner accepts a case."""
        said = Decision(approved=True, by="pat", reason="do it this week", at=self.clock.now())
        await self.storage.cases.record_decision(case, said)

    async def poll(self) -> None:
        """The CMMS is asked what changed."""
        await self._changes.poll_changes(PollSystem(system="fake", interval=_MINUTES))

    @property
    def ordered(self) -> list[str]:
        """The machines with an order in the CMMS, by name."""
        return sorted(name for name, case in self.case_of.items() if case in self.cmms.orders)

    async def due_at(self, case: str) -> object:
        """When a case is due again; None if only when woken."""
        [[at]] = await self.rows("SELECT due_at FROM due WHERE subject = :subject", subject=f"case/{case}")
        return at

    async def rows(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        async with self.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(statement), values)]
