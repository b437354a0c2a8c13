"""From a twin's change to a received event: twin service, event route, bus, ingress, reading."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.azure import digital_twins, service_bus
from connectors.azure.digital_twins import AzureTwinGraph, DigitalTwinsSettings
from connectors.azure.service_bus import EntityReceiver, EntitySettings, ServiceBusSettings
from domain.anomaly import Fate, Received
from domain.keys import TWIN_AUTHOR
from millwright.intake.reading import read_message
from millwright.intake.register import Register
from sandbox.bus.server import ServiceBus
from sandbox.plant.feed import SUBSCRIPTION, TOPIC, Feed
from sandbox.twins import TwinService

NOW = datetime(2015, 6, 1, tzinfo=UTC)
AT = datetime(2015, 5, 30, 7, tzinfo=UTC)
NAMES = {"cmmsAssetnum": "M017", "cmmsSiteid": "BEDFORD", "mesEquipmentId": "EQ-017", "deviceId": "PDM-017"}


class Plant:
    """The sandbox's two Azure servers with a twin graph in them, and our connectors to both."""

    def __init__(self, twins: TwinService, graph: AzureTwinGraph, receiver: EntityReceiver, register: Register) -> None:
        self.twins = twins
        self.graph = graph
        self._receiver = receiver
        self._register = register

    async def received(self, count: int) -> list[Received]:
        found: list[Received] = []
        async with asyncio.timeout(20):
            while len(found) < count:
                batch = await self._receiver.receive()
                found += [read_message(message, NOW, self._register) for message in batch]
                await self._receiver.settle(batch)
        return found


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[Plant]:
    bus = ServiceBus(directory=None, port=0)
    bus.add_topic(TOPIC, [SUBSCRIPTION])
    feed = Feed([], bus, "plant.api.local", "dtmi:manufacturing:Machine;1", tmp_path)
    twins = TwinService(None, feed.relay)
    folder = resources.files("sandbox.twins") / "models"
    twins.put_models([json.loads(file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".json")])
    _put_twins(twins)
    twins.put_route("all", "bus")
    async with AsyncExitStack() as stack:
        await bus.start()
        stack.push_async_callback(bus.stop)
        await twins.start()
        stack.push_async_callback(twins.stop)
        graph = await stack.enter_async_context(digital_twins.connect(DigitalTwinsSettings(endpoint=twins.url)))
        entity = EntitySettings(topic=TOPIC, subscription=SUBSCRIPTION)
        settings = ServiceBusSettings(connection_string=SecretStr(bus.connection_string), entities=(entity,))
        ingress = await stack.enter_async_context(service_bus.connect(settings))
        register = Register.of(await graph.read_register(datetime(2015, 1, 1, tzinfo=UTC)))
        yield Plant(twins, graph, ingress.receivers[0], register)


async def test_a_detectors_row_and_a_devices_error_arrive_as_anomalies(plant: Plant) -> None:
    stamp = "2015-05-30T07:00:00Z"
    row = {"DeviceId": "PDM-017", "Timestamp": stamp, "volt": 190.5, "score": 4.5, "baseline": 170.5}
    plant.twins.publish_telemetry("machine-017", row, message_id="row-1", time=AT)
    plant.twins.publish_telemetry("machine-017", {"errorCode": "error1", "timestamp": stamp}, time=AT)
    plant.twins.patch_twin(
        "machine-017",
        [
            {"op": "add", "path": "/lastErrorCode", "value": "error1"},
            {"op": "add", "path": "/lastErrorAt", "value": stamp},
        ],
        time=AT,
    )
    deviation, telemetry, change = await plant.received(3)
    assert deviation.external_id == "row-1"
    for received in (deviation, telemetry, change):
        assert received.anomaly is not None
        assert (received.anomaly.asset, received.anomaly.at, received.line) == ("machine-017-comp1", AT, "LINE-1")
    assert telemetry.natural_key == change.natural_key != deviation.natural_key


async def test_our_own_patch_comes_back_and_is_known(plant: Plant) -> None:
    await plant.graph.patch_twin("machine-017-comp1", {"healthState": "degraded", "updatedBy": TWIN_AUTHOR})
    (received,) = await plant.received(1)
    assert (received.fate, received.reason) == (Fate.NOT_AN_ANOMALY, "our own write-back")


async def test_a_new_twin_and_a_new_relationship_ask_for_an_import(plant: Plant) -> None:
    plant.twins.put_twin("line-2", {"$metadata": {"$model": "dtmi:manufacturing:ProductionLine;1"}, "lineId": "L2"})
    plant.twins.put_relationship("bedford", "l2", "contains", "line-2")
    for received in await plant.received(2):
        assert received.fate is Fate.NOT_AN_ANOMALY
        assert "import the register again" in str(received.reason)


def _put_twins(twins: TwinService) -> None:
    def put(twin: str, model: str, **properties: object) -> None:
        twins.put_twin(twin, {"$metadata": {"$model": f"dtmi:manufacturing:{model};1"}, **properties})

    put("bedford", "Site", siteId="BEDFORD", name="Bedford")
    put("line-1", "ProductionLine", lineId="LINE-1", name="Line 1")
    put("machine-017", "Machine", assetClass="press", criticality="A", **NAMES)
    put("machine-017-comp1", "Component", name="comp1", failureMode="ELP", signal="volt", confirmingCodes="error1")
    twins.put_relationship("bedford", "l", "contains", "line-1")
    twins.put_relationship("line-1", "m", "contains", "machine-017")
    twins.put_relationship("machine-017", "c", "contains", "machine-017-comp1")
