"""The plants that the contract suites are run against: one for every connector, each with its sandbox server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from connectors.cmms import maximo
from connectors.mes import opcua_job_control
from domain.clock import WallClock
from domain.errors import Unavailable
from domain.ports import Mes
from domain.production import HoldMethod, JobState, ProductionContext
from domain.work_orders import WorkOrderDraft, WorkOrderRef
from millwright.runtime.mes_certificate import create
from sandbox.clock import PlantClock
from sandbox.faults import Fault, Faults
from sandbox.jobcontrol.server import JobControlServer
from sandbox.maximo.assets import Machine
from sandbox.maximo.server import MaximoServer
from tests.contract.atlas_plant import Atlas13Plant, AtlasPlant
from tests.contract.cmms_plant import EVERYTHING, CmmsPlant, SandboxPlant, draft_of
from tests.contract.maintainx_plant import MaintainXPlant
from tests.contract.odoo_maintenance_plant import OdooMaintenancePlant, OdooXmlRpcPlant
from tests.contract.rest_plant import TicketsPlant
from tests.contract.sap_pm_plant import SapPmPlant
from tests.support.engine_process import answering, engine_process
from tests.support.plant_zone import PlantZone, plant_zone, write_keys

JOB_CONTROL_PASSWORD = "jobcontrol-secret-password"
START = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)
QUICK = timedelta(seconds=1)
PATIENT = timedelta(seconds=10)


class MaximoPlant:
    """A site's Maximo and its people."""

    secrets: Sequence[str] = ("maximo-secret-key",)
    told = EVERYTHING
    names_fields = True
    host = "127.0.0.1"
    not_applicable: Mapping[str, str] = {}
    operations: Mapping[str, str] = {
        "create": "create",
        "query": "query",
        "note": "update",
        "status": "changeStatus",
    }

    def __init__(self, directory: Path) -> None:
        self.clock = PlantClock(START)
        self._faults = Faults()
        self._server = MaximoServer(directory, self.clock, {self.secrets[0]: "MILLWRIGHT"}, faults=self._faults)
        self._clients: list[httpx.AsyncClient] = []
        self._numbers = 0
        self.failure_modes: Mapping[str, str] = {}
        """The table of codes that the connector is given."""

    async def start(self) -> None:
        await self._server.start()
        self._server.register_assets([Machine(1), Machine(2)])

    async def stop(self) -> None:
        for client in self._clients:
            await client.aclose()
        await self._server.stop()

    @property
    def url(self) -> str:
        """Its API route."""
        return self._server.url

    @property
    def headers(self) -> Mapping[str, str]:
        """With which it answers."""
        return {"apikey": self.secrets[0]}

    def client(self) -> httpx.AsyncClient:
        self._clients.append(httpx.AsyncClient())
        return self._clients[-1]

    def connector(self, *, secret: str | None = None, http: httpx.AsyncClient | None = None) -> maximo.MaximoCmms:
        settings = maximo.MaximoSettings.model_validate(
            {
                "url": self._server.url,
                "api_key": secret or self.secrets[0],
                "time_zone": "Etc/GMT+5",
                "page_size": 3,
                "timeout": PATIENT,
                "failure_modes": self.failure_modes,
                "planner_words": {"put_off": "put off until"},
            }
        )
        return maximo.connect(settings, http or self.client(), system="maximo", clock=WallClock())

    def draft(self, *, released: bool = False, asset: str = "M001-COMP1") -> WorkOrderDraft:
        self._numbers += 1
        key = f"MW{self._numbers:08d}"
        return draft_of(key, asset, self.clock.now(), released=released, attributes={"siteid": "BEDFORD"})

    def wait(self, time: timedelta) -> None:
        self.clock.set(self.clock.now() + time)

    def misbehave(self, operation: str, kind: str, times: int = 1, **params: str | float) -> None:
        self._faults.add(Fault("maximo", self.operations[operation], kind, times, params))

    def orders_of(self, key: str) -> int:
        return sum(order.externalrefid == key for order in self._server.work_orders())

    async def notes(self, ref: WorkOrderRef) -> list[str]:
        """The notes on an order, as Maximo itself shows them."""
        headers = {"apikey": self.secrets[0]}
        params = {"lean": "1", "oslc.where": f'wonum="{ref.id}"', "oslc.select": "worklog{*}"}
        async with httpx.AsyncClient() as client:
            reply = await client.get(f"{self._server.url}/os/mxapiwodetail", headers=headers, params=params)
        (order,) = reply.json()["member"]
        return [note["description"] for note in order.get("worklog", [])]

    def approve(self, ref: WorkOrderRef) -> None:
        self._server.change_status(ref.id, "APPR", "go on", by="PLANNER")

    def cancel(self, ref: WorkOrderRef) -> None:
        self._server.change_status(ref.id, "CAN", "not now", by="PLANNER")

    def reject(self, ref: WorkOrderRef, reason: str) -> str | None:
        self._server.change_status(ref.id, "CAN", reason, by="PLANNER")
        return "PLANNER"

    def set_aside(self, ref: WorkOrderRef) -> None:
        self._server.change_status(ref.id, "WMATL", "no seal in stock", by="PLANNER")

    def put_off(self, ref: WorkOrderRef, day: str) -> timedelta:
        self._server.report_actual(ref.id, notes=f"Put off until: {day}", by="PLANNER")
        self.set_aside(ref)
        return timedelta(hours=5)

    def delete(self, ref: WorkOrderRef) -> None:
        self._server.delete(ref.id)

    def put_key(self, ref: WorkOrderRef, key: str | None) -> None:
        self._server.edit(ref.id, {"externalrefid": key, "description_longdescription": key or ""}, by="PLANNER")

    async def people_open(self, asset: str) -> str:
        body = {"siteid": "BEDFORD", "assetnum": asset, "description": "It drips.", "reportedby": "PLANNER"}
        headers = {"apikey": self.secrets[0], "properties": "wonum"}
        async with httpx.AsyncClient() as client:
            reply = await client.post(
                f"{self._server.url}/os/mxapiwodetail", headers=headers, params={"lean": "1"}, json=body
            )
        return str(reply.json()["wonum"])

    async def people_code(self, ref: WorkOrderRef) -> None:
        """Somebody chooses the problem code on an order."""
        self._server.report_actual(ref.id, failurecode="ELEC", problem="OVERVOLT", by="PLANNER")

    async def people_uncode(self, ref: WorkOrderRef) -> None:
        """Somebody takes the problem code off an order."""
        path = httpx.URL(ref.locator or "").path.partition("/os/")[2]
        headers = {"apikey": self.secrets[0], "x-method-override": "PATCH"}
        async with httpx.AsyncClient() as client:
            url = f"{self._server.url}/os/{path}"
            reply = await client.post(url, headers=headers, params={"lean": "1"}, json={"failurereport": []})
        reply.raise_for_status()

    def complete(self, ref: WorkOrderRef, note: str) -> None:
        now = self.clock.now()
        self._server.change_status(ref.id, "INPRG", "", by="TECH1")
        self._server.report_actual(
            ref.id,
            actstart=now - timedelta(hours=2),
            actfinish=now,
            failurecode="ELEC",
            problem="OVERVOLT",
            cause="REGULATR",
            remedy="REPLACE",
            notes=note,
            downtime=(now - timedelta(hours=3), now),
            by="TECH1",
        )
        self._server.change_status(ref.id, "COMP", "", by="TECH1")


class JobControlPlant:
    """A machine of a plant with a Job Control server, and its shop floor."""

    secrets: Sequence[str] = (JOB_CONTROL_PASSWORD,)
    running_method = HoldMethod.PAUSE
    unwelcome = "let our user in"
    tells_lots = True

    def __init__(self, shop: "JobControlShop", equipment: str, zone: PlantZone | None) -> None:
        self.equipment = equipment
        self._shop = shop
        self._zone = zone
        self._connectors: list[opcua_job_control.JobControlMes] = []

    async def leave(self) -> None:
        self._shop.faults.clear()
        if self._zone is not None:
            await self._zone.leave()
        for connector in self._connectors:
            await connector.close()

    def connector(self, *, secret: str | None = None, quick: bool = False) -> Mes:
        settings = opcua_job_control.JobControlSettings.model_validate(
            {
                "url": self._shop.server.url,
                "user": "millwright",
                "password": secret or self.secrets[0],
                "client_certificate": self._shop.identity[0],
                "client_key": self._shop.identity[1],
                "server_thumbprints": [self._shop.thumbprint],
                "timeout": QUICK if quick else PATIENT,
                "connect_timeout": PATIENT,
            }
        )
        connector = opcua_job_control.connect(settings, system="opcua_job_control", clock=self._shop.clock)
        self._connectors.append(connector)
        return connector if self._zone is None else self._zone.apart(connector, self._shop.clock)

    def misbehave(self, method: str, kind: str, params: Mapping[str, str] | None = None) -> None:
        self._shop.faults.add(Fault("jobcontrol", method, kind, 1, params or {}))

    def go_down(self) -> None:
        self._shop.faults.add(Fault("jobcontrol", "*", "down", None))

    async def come_back(self) -> None:
        """Returns once the server takes connections again; it looks for the end of `down` from time to time."""
        self._shop.faults.clear()
        probe = self.connector()
        for _ in range(500):
            if await _answers(probe):
                return
            await asyncio.sleep(0.02)
        raise TimeoutError("the server does not come back")

    async def wait(self, time: timedelta) -> None:
        self._shop.clock.set(self._shop.clock.now() + time)
        await self._shop.server.advance(self._shop.clock.now())

    async def resume_by_hand(self) -> None:
        """Somebody lets the machine run at its own panel."""
        for row in self._shop.server.holds():
            if row.equipment == self.equipment and row.released is None:
                await self._shop.server.release_by_hand(row)

    def holds(self) -> list[tuple[str, bool]]:
        """Key as received and whether still held, oldest first."""
        rows = self._shop.server.holds()
        return [(row.key, row.released is None) for row in rows if row.equipment == self.equipment]


async def _answers(mes: Mes) -> bool:
    try:
        await mes.check()
    except Unavailable:
        return False
    return True


class JobControlShop:
    """A Job Control server with a machine for every test: starting one takes two seconds.

    It has users, so its connections are encrypted. Server and client share a certificate, which proves nothing here.
    """

    def __init__(self, machines: int, folder: Path) -> None:
        self.clock = PlantClock(START)
        self.identity = (folder / "certificate.pem", folder / "key.pem")
        self.thumbprint = create(*self.identity, WallClock().now(), timedelta(days=1)).thumbprint
        self.faults = Faults()
        self.server = JobControlServer(
            None,
            self.clock,
            [(number, f"EQ-{number}", "LINE-1") for number in range(1, machines + 1)],
            faults=self.faults,
            users={"millwright": JOB_CONTROL_PASSWORD},
            identity=self.identity,
        )
        self._taken = 0
        self._floor = JobControlPlant(self, "all", None)

    async def start(self) -> None:
        await self.server.start()
        self._reader = self._floor.connector()

    async def stop(self) -> None:
        await self._floor.leave()
        await self.server.stop()

    async def machine(self, zone: PlantZone | None) -> JobControlPlant:
        """The next machine with a job running: some are between two when the plant begins.

        Args:
            zone: the plant zone that calls it; None calls it directly.
        """
        while True:
            self._taken += 1
            equipment = f"EQ-{self._taken}"
            job = (await self._read(equipment)).job
            if job is not None and job.state is JobState.RUNNING:
                return JobControlPlant(self, equipment, zone)

    async def _read(self, equipment: str) -> ProductionContext:
        """What production says of a machine, over one connection for all: opening one costs a third of a second."""
        try:
            return await self._reader.read_production(equipment)
        except Unavailable:  # The test before cut the connection.
            return await self._reader.read_production(equipment)


CMMS_PLANTS: Mapping[str, Callable[[Path], SandboxPlant]] = {
    "maximo": MaximoPlant,
    "sap_pm": SapPmPlant,
    "atlas": AtlasPlant,
    "atlas-1.3": Atlas13Plant,
    "maintainx": MaintainXPlant,
    "odoo": OdooMaintenancePlant,
    "odoo-xmlrpc": OdooXmlRpcPlant,
    "rest": TicketsPlant,
}
"""The plants of the sandbox, by the names of their connectors."""


@pytest.fixture(params=CMMS_PLANTS.values(), ids=list(CMMS_PLANTS))
async def cmms_plant(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CmmsPlant]:
    plant = request.param(tmp_path)
    await plant.start()
    yield plant
    await plant.stop()


@pytest.fixture(scope="module")
async def job_control_shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[JobControlShop]:
    shop = JobControlShop(90, tmp_path_factory.mktemp("shop"))
    await shop.start()
    yield shop
    await shop.stop()


@pytest.fixture(scope="module")
async def passing_shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[JobControlShop]:
    """A plant of its own, because the jobs of the other one would end."""
    shop = JobControlShop(90, tmp_path_factory.mktemp("passing-shop"))
    await shop.start()
    yield shop
    await shop.stop()


@pytest.fixture(scope="session")
async def contract_zone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PlantZone]:
    """A plant zone on an engine of its own."""
    home = tmp_path_factory.mktemp("zone")
    with engine_process(home) as (_, address):
        async with plant_zone(await answering(address), write_keys(home), "contract") as zone:
            yield zone


@pytest.fixture(params=[False, True], ids=["opcua_job_control", "opcua_job_control-apart"])
def zone(request: pytest.FixtureRequest, contract_zone: PlantZone) -> PlantZone | None:
    """The plant zone in which the connector runs; None if its calls are made directly."""
    return contract_zone if request.param else None


@pytest.fixture
async def mes_plant(zone: PlantZone | None, job_control_shop: JobControlShop) -> AsyncIterator[JobControlPlant]:
    """A machine of a plant whose time stands still."""
    plant = await job_control_shop.machine(zone)
    yield plant
    await plant.leave()


@pytest.fixture
async def passing_mes_plant(zone: PlantZone | None, passing_shop: JobControlShop) -> AsyncIterator[JobControlPlant]:
    """A machine of a plant where time passes."""
    plant = await passing_shop.machine(zone)
    yield plant
    await plant.leave()
