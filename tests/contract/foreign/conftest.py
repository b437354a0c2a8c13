"""Servers that share none of our code, started by the test that needs one."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from connectors.mes.opcua_job_control import JobControlMes, JobControlSettings, connect
from tests.contract.foreign.factorysemantics_plant import FactorySemanticsPlant
from tests.contract.foreign.factorysemantics_server import FactorySemanticsServer
from tests.contract.foreign.job_control import ForeignJobControl, Serve
from tests.contract.foreign.odoo_cmms_plant import OdooCmmsPlant
from tests.contract.foreign.odoo_plant import OdooPlant
from tests.contract.foreign.odoo_server import OdooDatabase, OdooServer

MesOf = Callable[..., JobControlMes]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Starts a Job Control server as the variant named; it ends with the test."""
    started: list[ForeignJobControl] = []

    async def start(variant: str, *, port: int = 0, security: Mapping[str, object] | None = None) -> ForeignJobControl:
        server = await ForeignJobControl.start(variant, tmp_path, port, security)
        started.append(server)
        return server

    yield start
    for server in started:
        await server.end()


@pytest.fixture
async def mes_of() -> AsyncIterator[MesOf]:
    """Our connector to a server, with further settings; its connection ends with the test."""
    opened: list[JobControlMes] = []

    def open_mes(server: ForeignJobControl, **more: object) -> JobControlMes:
        settings = JobControlSettings.model_validate({"url": server.endpoint, **more})
        opened.append(connect(settings, system="opcua_job_control"))
        return opened[-1]

    yield open_mes
    for mes in opened:
        await mes.close()


@pytest.fixture(scope="session")
def factorysemantics_server() -> Iterator[FactorySemanticsServer]:
    """A real FactorySemantics MES: fifteen seconds once."""
    server = FactorySemanticsServer.start()
    yield server
    server.end()


@pytest.fixture
async def factorysemantics_plant(
    factorysemantics_server: FactorySemanticsServer,
) -> AsyncIterator[FactorySemanticsPlant]:
    """A machine whose work order runs."""
    plant = await FactorySemanticsPlant.new(factorysemantics_server)
    yield plant
    await plant.leave()


@pytest.fixture(scope="session")
def odoo_server() -> Iterator[OdooServer]:
    """A real Odoo: half a minute once."""
    server = OdooServer.start()
    yield server
    server.end()


@pytest.fixture(scope="module")
def odoo_database(odoo_server: OdooServer) -> OdooDatabase:
    """A database of its own for the tests of a file."""
    return odoo_server.copy()


@pytest.fixture
async def odoo_plant(odoo_database: OdooDatabase) -> AsyncIterator[OdooPlant]:
    """A machine whose work order runs."""
    plant = await OdooPlant.new(odoo_database)
    yield plant
    await plant.leave()


@pytest.fixture
async def odoo_cmms_plant(odoo_database: OdooDatabase) -> AsyncIterator[OdooCmmsPlant]:
    """A site whose planners move an approved request to a stage of their own."""
    plant = OdooCmmsPlant(odoo_database, approved_stage="Approved")
    plant.start()
    yield plant
    await plant.leave()


@pytest.fixture
async def stock_odoo_cmms_plant(odoo_database: OdooDatabase) -> AsyncIterator[OdooCmmsPlant]:
    """A site with the stages that Odoo brings."""
    plant = OdooCmmsPlant(odoo_database)
    plant.start()
    yield plant
    await plant.leave()
