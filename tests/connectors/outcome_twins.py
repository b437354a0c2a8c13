"""An outcome to write to the sandbox's twins, and what happens to them meanwhile."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from connectors.azure.digital_twins import AzureTwinGraph, DigitalTwinsSettings
from connectors.azure.digital_twins.client import open_client
from domain.keys import order_twin_id
from domain.twin_writes import ToldOutcome, ToldResult, TwinWrite
from sandbox.faults import Faults
from sandbox.twins import TwinService
from sandbox.twins.graph import PlantMachine, build_plant_graph

COMPONENT, MACHINE, PRESS = "machine-001-comp1", "machine-001", "press-1"
ORDER_MODEL = "dtmi:manufacturing:WorkOrder;1"
CASE = "MWAAAAAAAA"
ORDER = order_twin_id(CASE, "maximo", "WO/17 a")
AT = "2015-05-30T07:00:00.000000Z"
TOLD = {
    "maintenanceStatus": "completed",
    "lastOutcome": "confirmed",
    "lastCaseId": CASE,
    "lastOutcomeAt": AT,
    "healthState": "repaired",
}
WORK = ToldOutcome(
    properties=TOLD,
    order_twin=ORDER,
    order={
        "number": "WO/17 a",
        "system": "maximo",
        "status": "completed",
        "caseId": CASE,
        "outcome": "confirmed",
        "endedAt": AT,
    },
)
PRESS_MODEL: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;2",
    "@id": "dtmi:plant:Press;1",
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "state", "schema": "integer"},
        {"@type": "Property", "name": "healthState", "schema": "string", "writable": False},
        {"@type": "Telemetry", "name": "lastOutcome", "schema": "string"},
        {"@type": "Component", "name": "upkeep", "schema": "dtmi:plant:Upkeep;1"},
    ],
}
UPKEEP_MODEL: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;2",
    "@id": "dtmi:plant:Upkeep;1",
    "@type": "Interface",
    "contents": [{"@type": "Property", "name": "case", "schema": "string"}],
}
ORDERS = {"model": ORDER_MODEL, "relationship": "maintainedBy"}


@asynccontextmanager
async def plant_twins(faults: Faults) -> AsyncIterator[TwinService]:
    """The graph of the sandbox plant with one machine, and a press whose model is of another vocabulary."""
    server = TwinService(None, lambda event: None, faults=faults)
    build_plant_graph(server, [PlantMachine(1, "model3", 8)])
    server.put_models([PRESS_MODEL, UPKEEP_MODEL])
    server.put_twin(PRESS, {"$metadata": {"$model": "dtmi:plant:Press;1"}, "upkeep": {"$metadata": {}}})
    await server.start()
    yield server
    await server.stop()


Before = Callable[[], None]


def meanwhile(settings: DigitalTwinsSettings, operation: str, happens: Before) -> AzureTwinGraph:
    """The graph, where something happens just before each call of one operation of the client."""
    connection = open_client(settings)
    call: Callable[..., Awaitable[object]] = getattr(connection.client, operation)

    async def interrupted(*arguments: object, **options: object) -> object:
        happens()
        return await call(*arguments, **options)

    setattr(connection.client, operation, interrupted)
    return AzureTwinGraph(settings, connection)


def once(happens: Before) -> Before:
    """What happens before the first call only."""
    left = [happens]
    return lambda: left.pop()() if left else None


def says(service: TwinService, twin: str) -> dict[str, Any]:
    """The properties of a twin; none if it is gone."""
    return {name: value for name, value in (service.twin(twin) or {}).items() if not name.startswith("$")}


def results(write: TwinWrite) -> dict[str, ToldResult]:
    """What became of each property, by our names."""
    return {each.name: each.result for each in write.properties}
