"""The composition root: the only place where ports are connected to implementations.

Connectors and activities are imported when they are opened: the API and intake do not need them, and they use
most of a process's memory.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.clock import Clock
from domain.engines import EngineMark
from domain.outcomes import OutcomeClass
from domain.ports import Cmms, Mes, TwinGraph, WorkflowEngine
from domain.site_codes import SiteCodes
from domain.suppression import shelving_limits
from millwright.plant_zone.connecting import open_mes
from millwright.runtime.connecting import open_all_cmms
from millwright.runtime.connector_settings import named_connector, own_settings
from millwright.runtime.embedded import postgres
from millwright.runtime.embedded.marking import POSTGRES, in_use
from millwright.runtime.installation_key import InstallationKey
from millwright.runtime.plant_clock import clock_of
from millwright.runtime.plant_instances import plant_instances
from millwright.settings import Settings
from millwright.storage.cases.admissions import AdmissionStore
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.changes import ChangeStore
from millwright.storage.cases.drift import DriftStore
from millwright.storage.cases.holds import HoldStore
from millwright.storage.cases.order_leases import OrderLeaseStore
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.storage.cases.suspect_lots import SuspectLotStore
from millwright.storage.cases.walk_downs import WalkDownStore
from millwright.storage.database.engine import open_engine
from millwright.storage.events.inbox import Inbox
from millwright.storage.events.register import RegisterStore
from millwright.storage.judging.lines import LineStore
from millwright.storage.ledger.acting_person import LOCAL_MODE
from millwright.storage.ledger.attesting import INSTALLATION_KEY
from millwright.storage.maintenance.readings import MaintenanceHistoryStore
from millwright.storage.operating.readings import OperatingStateStore
from millwright.storage.policies.autonomy import AutonomyStore
from millwright.storage.policies.drafts import DraftStore
from millwright.storage.policies.freezes import FreezeStore
from millwright.storage.policies.installation_keys import InstallationKeyStore
from millwright.storage.policies.lifecycle import Lifecycle
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.policies.stops import StopStore
from millwright.storage.policies.version_states import VersionStates
from millwright.storage.policies.versions import VersionStore
from millwright.storage.suppression.suppressions import SuppressionStore

if TYPE_CHECKING:
    from activities.line_judging import LinesJudgedHere
    from policies.engine.catalogue import Catalogue

Activity = Callable[..., Any]


class StoredVersions:
    """The versions that storage assigns, compiled once; see `millwright.storage.policies.assignments.VersionTerms`."""

    def __init__(self, catalogue: "Catalogue | None" = None) -> None:
        self._given = catalogue

    @cached_property
    def catalogue(self) -> "Catalogue":
        """The catalogue of compiled versions. It is created at the first use, because the API and intake compile
        none."""
        from policies.engine.catalogue import Catalogue

        return Catalogue() if self._given is None else self._given

    def knows(self, digest: str) -> bool:
        return any(version.digest == digest for version in self.catalogue.versions)

    def learn(self, digest: str, document: str) -> None:
        self.catalogue.load(document, digest, file=f"version {digest[:12]} in storage")

    def terms(self, digest: str) -> tuple[timedelta, timedelta]:
        memory = self.catalogue.version(digest).document.memory
        return memory.lateness, memory.rearm

    def warm_for(self, digest: str) -> timedelta:
        memory = self.catalogue.version(digest).document.memory
        return memory.window + memory.rearm + memory.lateness


@dataclass(frozen=True)
class PolicyStores:
    """The stores of people's acts on policy versions, and of the states of versions."""

    drafts: DraftStore
    lifecycle: Lifecycle
    freezes: FreezeStore
    stops: StopStore
    states: VersionStates

    @classmethod
    def over(cls, engine: AsyncEngine, clock: Clock) -> "PolicyStores":
        """The stores over a database."""
        return cls(
            drafts=DraftStore(engine, clock),
            lifecycle=Lifecycle(engine, clock),
            freezes=FreezeStore(engine, clock),
            stops=StopStore(engine, clock),
            states=VersionStates(engine),
        )


@dataclass(frozen=True)
class Storage:
    """The stores over one database, and the clock by which they write."""

    engine: AsyncEngine
    clock: Clock
    compiled: StoredVersions
    inbox: Inbox
    lines: LineStore
    cases: CaseStore
    holds: HoldStore
    walk_downs: WalkDownStore
    suspect_lots: SuspectLotStore
    changes: ChangeStore
    order_leases: OrderLeaseStore
    operating: OperatingStateStore
    maintenance: MaintenanceHistoryStore
    register: RegisterStore
    versions: VersionStore
    policies: PolicyStores
    people: PeopleStore
    installation_keys: InstallationKeyStore
    suppressions: SuppressionStore
    suppression_end: SuppressionEnd
    autonomy: AutonomyStore
    admissions: AdmissionStore
    zone: ZoneInfo
    """The site's time zone."""

    @property
    def catalogue(self) -> "Catalogue":
        """Every version that was compiled so far."""
        return self.compiled.catalogue


@dataclass(frozen=True)
class Systems:
    """The other systems, each behind its port; those of which there may be several by the id of each instance."""

    cmms: Mapping[str, Cmms]
    codes: Mapping[str, SiteCodes]
    """The tables of codes of each CMMS instance."""
    mes: Mapping[str, Mes]
    twins: TwinGraph


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """The database's URL: that of the settings, or that of the embedded database, which is started if needed.

    Within the block nobody can stop the embedded database or empty its home.

    Raises:
        Rejected: the home is no home of ours, or a process has locked it exclusively.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with in_use(settings.home):
        yield await asyncio.to_thread(postgres.start, settings.home / POSTGRES)


def _engine_mark() -> EngineMark:
    from policies.engine.engine_mark import engine_mark

    return engine_mark()


def stores(engine: AsyncEngine, clock: Clock, versions: StoredVersions, settings: Settings) -> Storage:
    """All stores over one database."""
    shelving = shelving_limits(settings.shelving_limits)
    return Storage(
        engine=engine,
        clock=clock,
        compiled=versions,
        inbox=Inbox(engine, settings.heartbeats),
        lines=LineStore(engine, clock, versions, _engine_mark, shelving),
        cases=CaseStore(engine, clock, versions, settings.work_window, plant_instances(settings)),
        holds=HoldStore(engine, clock),
        walk_downs=WalkDownStore(engine, clock),
        suspect_lots=SuspectLotStore(engine, clock),
        changes=ChangeStore(engine, clock, settings.work_window),
        order_leases=OrderLeaseStore(engine, clock),
        maintenance=MaintenanceHistoryStore(engine, clock, plant_instances(settings).cmms),
        operating=OperatingStateStore(engine, clock, plant_instances(settings).mes, settings.stop_window),
        register=RegisterStore(engine, clock),
        versions=VersionStore(engine),
        policies=PolicyStores.over(engine, clock),
        people=PeopleStore(engine),
        installation_keys=InstallationKeyStore(engine),
        suppressions=SuppressionStore(engine, clock, shelving, settings.window_limit),
        suppression_end=SuppressionEnd(engine, clock, versions, shelving),
        autonomy=AutonomyStore(engine, clock),
        admissions=AdmissionStore(engine, clock),
        zone=ZoneInfo(settings.time_zone),
    )


@asynccontextmanager
async def open_storage(
    settings: Settings,
    key: InstallationKey | None = None,
    connection_name: str | None = None,
    longest_statement: int | None = None,
) -> AsyncIterator[Storage]:
    """The stores, within the block. It makes no query yet; see `database`.

    Args:
        settings: those of the process.
        key: the installation's key, which only the process of the API has.
        connection_name: the name by which the database knows our connections.
        longest_statement: seconds after which the database ends a statement; None for no limit.
    """
    async with database(settings) as url:
        engine = open_engine(
            settings.database_url or url, name=connection_name, longest_statement=longest_statement
        ).execution_options(**{LOCAL_MODE: settings.local_mode, INSTALLATION_KEY: key})
        try:
            yield stores(engine, clock_of(settings.clock), StoredVersions(), settings)
        finally:
            await engine.dispose()


@asynccontextmanager
async def open_systems(settings: Settings, clock: Clock) -> AsyncIterator[Systems]:
    """The connectors of the settings, within the block. They make no call yet.

    Raises:
        Rejected: a connector is not named, not known, or its settings are wrong.
    """
    async with AsyncExitStack() as stack:
        cmms, codes = await stack.enter_async_context(open_all_cmms(settings, clock))
        mes = await stack.enter_async_context(open_mes(settings, clock))
        twins = await stack.enter_async_context(open_twins(settings))
        yield Systems(cmms=cmms, codes=codes, mes=mes, twins=twins)


@asynccontextmanager
async def open_twins(settings: Settings) -> AsyncIterator[TwinGraph]:
    """The connector to the twin graph alone, within the block. It makes no call yet.

    Raises:
        Rejected: the connector is not named, not known, or its settings are wrong.
    """
    from connectors.azure import digital_twins

    named = named_connector(settings.twins, "twins", {"digital_twins": digital_twins.DigitalTwinsSettings})
    twins = digital_twins.connect(own_settings(named, digital_twins.DigitalTwinsSettings, "twins"))
    try:
        yield twins
    finally:
        await twins.close()


async def redrive_outcomes(storage: Storage, codes: Mapping[str, SiteCodes]) -> int:
    """Wakes the closed cases whose outcome codes were added to the tables of their site since; returns how many.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    unknown = [each for each in await storage.cases.unknown_outcomes() if each.system in codes]
    read = [(each.case, codes[each.system].read(each.report, each.failure_mode)) for each in unknown]
    known = [case for case, said in read if said.outcome is not OutcomeClass.UNKNOWN]
    await storage.cases.wake(known)
    return len(known)


def line_activities(
    storage: Storage, here: "LinesJudgedHere", engine_answers: Callable[[], Awaitable[bool]]
) -> Sequence[Activity]:
    """The activities of workers for lines.

    Args:
        here: the lines that are judged in this process.
        engine_answers: asks whether the engine answers.
    """
    from activities.judging import Judging
    from activities.line_judging import LineJudging

    return (LineJudging(Judging(storage.lines, storage.catalogue), storage.lines, here, engine_answers).judge_line,)


@dataclass(frozen=True)
class CaseActivities:
    """The activities of workers for cases, by task queue."""

    cases: Sequence[Activity]
    cmms: Sequence[Activity]
    mes: Sequence[Activity]


def case_activities(storage: Storage, systems: Systems, engine: WorkflowEngine, settings: Settings) -> CaseActivities:
    """The activities of workers for cases, with their ports. The settings say how often other systems are asked."""
    from activities.admissions import Admissions
    from activities.autonomy import Autonomy
    from activities.holds import Holds
    from activities.machine_states import MachineStates
    from activities.maintenance_histories import WorkReading
    from activities.order_changes import OrderChanges
    from activities.order_files import OrderFiles
    from activities.outcomes import Outcomes
    from activities.proposals import Proposals
    from activities.reconciling import ReconcileTerms, Reconciling
    from activities.returns_to_normal import ReturnsToNormal
    from activities.routes import Routes
    from activities.suspect_lots import LotLists
    from activities.walk_downs import WalkDownSteps
    from activities.work_orders import WorkOrders
    from millwright.runtime.evidence_chart import DrawnCharts
    from millwright.storage.cases.case_observations import CaseObservations
    from millwright.storage.cases.returns_to_normal import NormalStore
    from millwright.storage.operating.blind_spells import BlindSpellStore

    cases, clock, operating = storage.cases, storage.clock, settings.operating_interval
    proposals = Proposals(cases, systems.mes, storage.catalogue, clock)
    holds = Holds(cases, storage.holds, systems.mes, systems.twins, storage.catalogue, clock, settings.hold_interval)
    walk_downs = WalkDownSteps(storage.walk_downs, systems.mes, clock, settings.hold_interval)
    autonomy = Autonomy(storage.catalogue, storage.autonomy)
    terms = ReconcileTerms(
        settings.reconcile_at,
        storage.zone,
        plant_instances(settings).cmms,
        settings.reconcile_window,
        settings.poll_interval,
        settings.order_interval,
    )
    reconciling = Reconciling(DriftStore(storage.engine, clock), cases, systems.cmms, systems.twins, clock, terms)
    order_terms = {system: cmms.order_terms for system, cmms in settings.all_cmms().items()}
    normals = ReturnsToNormal(NormalStore(storage.engine, clock), storage.catalogue, clock)
    orders = WorkOrders(
        cases,
        storage.order_leases,
        systems.cmms,
        storage.catalogue,
        autonomy,
        Admissions(storage.catalogue, storage.admissions),
        clock,
        settings.hold_interval,
        settings.order_interval,
        systems.codes,
        order_terms,
        OrderFiles(cases, CaseObservations(storage.engine), systems.cmms, DrawnCharts()),
        normals,
    )
    work = WorkReading(storage.maintenance, systems.cmms, clock, settings.maintenance_interval)
    blind = BlindSpellStore(storage.engine, clock, settings.heartbeats, operating)
    changes = OrderChanges(
        storage.changes, systems.cmms, clock, engine, settings.poll_interval, (reconciling.go_on, work.go_on)
    )
    outcomes = Outcomes(cases, systems.twins, systems.codes, autonomy, clock, order_terms, normals)
    return CaseActivities(
        cases=(
            Routes(cases, tuple(systems.cmms), tuple(systems.mes)).route_case,
            proposals.await_review,
            orders.follow_order,
            outcomes.record_outcome,
            outcomes.tell_twin,
            outcomes.keep_label,
            outcomes.close_case,
            walk_downs.route_walk_down,
        ),
        cmms=(orders.ensure_order, orders.move_order, changes.poll_changes),
        mes=(
            proposals.propose_work,
            holds.ensure_hold,
            holds.release_hold,
            LotLists(cases, storage.suspect_lots, systems.mes, clock).list_suspect_lots,
            walk_downs.advance_walk_down,
            MachineStates(storage.operating, systems.mes, clock, operating, blind).read_machine_states,
        ),
    )
