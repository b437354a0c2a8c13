"""A case that asks for work, on its storage, with the steps of its order in a CMMS."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.admissions import Admissions
from activities.autonomy import Autonomy
from activities.order_changes import OrderChanges, PollSystem
from activities.progress import CaseRef
from activities.proposals import Proposals
from activities.returns_to_normal import ReturnsToNormal
from activities.work_orders import WorkOrders
from domain.assets import Criticality
from domain.cases import CaseView, Decision
from domain.ports import Cmms, OutcomeCodes
from domain.site_codes import SiteCodes
from domain.work_orders import WorkOrderRecord
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.settings import CmmsSettings, MesSettings, Settings
from millwright.storage.cases.returns_to_normal import NormalStore
from tests.contract.cmms_plant import CmmsPlant
from tests.support.cmms import no_files, no_reconcile
from tests.support.crashes import Killed
from tests.support.judged_plant import Plant, WakeCounter
from tests.support.plant import code, deviation
from tests.workflows.fake_mes import FakeMes

MINUTES = timedelta(minutes=5)

SiteT = TypeVar("SiteT", bound=CmmsPlant)


@dataclass
class OrderedCase(Generic[SiteT]):
    """See the module.

    Args:
        site: the CMMS with its people.
        system: its id.
        connect: makes the connector of another worker.
        reconcile: goes on with the reconcile after a poll.
        codes: what the failure codes of each CMMS instance mean.
    """

    plant: Plant
    storage: Storage
    site: SiteT
    system: str
    connect: Callable[[], Cmms]
    case: str
    reconcile: Callable[[str], Awaitable[timedelta | None]] = no_reconcile
    codes: Mapping[str, OutcomeCodes] = field(default_factory=dict)

    def steps(self, killed: Killed | None = None) -> WorkOrders:
        """The steps of another worker, which may be killed at a call to storage or to the CMMS."""
        clock, catalogue = self.plant.clock, self.plant.catalogue
        killed = killed or Killed(None, after=False)
        return WorkOrders(
            killed.watch(self.storage.cases),
            self.storage.order_leases,
            {self.system: killed.watch(self.connect())},
            catalogue,
            Autonomy(catalogue, self.storage.autonomy),
            Admissions(catalogue, self.storage.admissions),
            clock,
            MINUTES,
            timedelta(days=1),
            {system: SiteCodes(codes) for system, codes in self.codes.items()},
            {},
            no_files(self.storage.cases),
            ReturnsToNormal(NormalStore(self.storage.engine, clock), catalogue, clock),
        )

    async def view(self) -> CaseView:
        return (await self.storage.cases.view(self.case))[0]

    async def order(self) -> WorkOrderRecord:
        """The order that the case has."""
        found = (await self.view()).order
        if found is None:
            raise AssertionError("the case has no order")
        return found

    async def ensure(self) -> CaseView:
        """The case after the step that makes its order."""
        await self.steps().ensure_order(CaseRef(case=self.case))
        return await self.view()

    async def moved(self) -> CaseView:
        """The case after the step that releases or withdraws its order, and follows it."""
        await self.steps().move_order(CaseRef(case=self.case))
        return await self.view()

    async def later(self, time: timedelta) -> CaseView:
        """The case after its steps ran once more, so much later."""
        self.plant.clock.time += time
        self.site.wait(time)
        await self.ensure()
        return await self.moved()

    async def polled(self) -> CaseView:
        """The case after a poll."""
        store, cmms = self.storage.changes, {self.system: self.connect()}
        changes = OrderChanges(store, cmms, self.plant.clock, WakeCounter(), MINUTES, [self.reconcile])
        polled = await changes.poll_changes(PollSystem(system=self.system, interval=MINUTES))
        if polled.problem is not None:
            raise AssertionError(polled.problem)
        return await self.view()

    async def decide(self, *, approved: bool) -> None:
        """What a person says of the case."""
        word = Decision(approved=approved, by="pat", reason="seen", at=self.plant.clock.now())
        await self.storage.cases.record_decision(self.case, word)


async def plant_on(engine: AsyncEngine, criticality: Criticality = Criticality.C) -> Plant:
    """A plant with its pump and a policy in force."""
    plant = Plant(engine)
    await plant.prepare(criticality)
    return plant


async def ordered_case(plant: Plant, site: SiteT, system: str, connect: Callable[[], Cmms]) -> OrderedCase[SiteT]:
    """The case that a code and a deviation of the pump open, proposed."""
    await plant.take(code(1), deviation(2))
    settings = Settings(_env_file=None, cmms=CmmsSettings(connector=system), mes=MesSettings(connector="fake"))
    storage = stores(plant.engine, plant.clock, StoredVersions(plant.catalogue), settings)
    [[case]] = await plant.rows("SELECT id FROM cases")
    mes = {"fake": FakeMes(plant.clock)}
    await Proposals(storage.cases, mes, plant.catalogue, plant.clock).propose_work(CaseRef(case=str(case)))
    return OrderedCase(plant, storage, site, system, connect, str(case))
