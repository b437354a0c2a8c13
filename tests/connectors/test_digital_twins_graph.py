"""The twin graph as a port, against the sandbox's twin service as a black box."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.azure.digital_twins import AzureTwinGraph, DigitalTwinsSettings, TwinVocabulary, connect
from domain.assets import Alias, Criticality, Level, ObservableKind, PlantRegister
from domain.errors import ActionRequired, ConnectorError, Unavailable
from domain.ports import TwinGraph
from sandbox.faults import Fault, Faults
from sandbox.twins import TwinService
from sandbox.twins.graph import PlantMachine, build_plant_graph

AS_OF = datetime(2015, 1, 1, 6, tzinfo=UTC)
SITE, LINE = "dtmi:manufacturing:Site;1", "dtmi:manufacturing:ProductionLine;1"
MACHINE, COMPONENT = "dtmi:manufacturing:Machine;1", "dtmi:manufacturing:Component;1"
SENSOR, CREW = "dtmi:manufacturing:Sensor;1", "dtmi:manufacturing:Crew;1"
UPDATE = "patch_twin"

Change = Callable[[TwinService], None]


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def service(faults: Faults) -> AsyncIterator[TwinService]:
    server = TwinService(None, lambda event: None, faults=faults)
    server.put_models(_shipped_models())
    _plant(server)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def graph(service: TwinService) -> AsyncIterator[AzureTwinGraph]:
    # Pages of two, so that every list is several.
    async with connect(DigitalTwinsSettings(endpoint=service.url, page_size=2)) as opened:
        yield opened


async def test_it_is_the_port_and_says_who_answers(graph: TwinGraph, service: TwinService) -> None:
    assert await graph.check() == f"Azure Digital Twins at {service.url}: {len(_shipped_models())} models"


async def test_the_hierarchy_is_read_with_ancestors_class_and_criticality(graph: AzureTwinGraph) -> None:
    register = await graph.read_register(AS_OF)
    assets = {asset.id: asset for asset in register.assets}
    assert sorted(assets) == [
        "LINE-1",
        "bedford",
        "machine-017",
        "machine-017-comp1",
        "machine-017-comp2",
        "machine-017-volt",
    ]
    machine, component = assets["machine-017"], assets["machine-017-comp2"]
    sensor = assets["machine-017-volt"]
    assert (machine.level, machine.parent, machine.line, machine.site) == (
        Level.MACHINE,
        "LINE-1",
        "LINE-1",
        "bedford",
    )
    assert (machine.criticality, machine.asset_class, machine.model) == (Criticality.B, "press", "model3")
    assert (component.machine, component.line, component.name) == ("machine-017", "LINE-1", "comp2")
    assert (component.asset_class, component.criticality) == ("press", Criticality.B)
    assert (sensor.level, sensor.parent, sensor.machine) == (Level.SENSOR, "machine-017-comp1", "machine-017")


async def test_the_crosswalk_holds_each_name_in_each_system(graph: AzureTwinGraph) -> None:
    names = _names(await graph.read_register(AS_OF))
    assert names["twin", "line-one"].asset == "LINE-1"
    assert names["device", "PDM-017"].asset == "machine-017"
    assert names["mes", "EQ-017"].asset == "machine-017"
    assert (names["cmms", "M017"].asset, names["cmms", "M017"].attributes) == ("machine-017", {"siteid": "BEDFORD"})
    assert names["cmms", "M017-COMP1"].asset == "machine-017-comp1"
    assert {alias.valid_from for alias in names.values()} == {AS_OF}


async def test_signals_and_codes_tell_of_components(graph: AzureTwinGraph) -> None:
    register = await graph.read_register(AS_OF)
    seen = {(observable.kind, observable.name): observable for observable in register.observables}
    volt = seen[ObservableKind.SIGNAL, "volt"]
    assert (volt.asset, volt.failure_mode, volt.unit) == ("machine-017-comp1", "ELP", "V")
    assert (volt.normal_mean, volt.normal_sd) == (170.8, 15.5)
    assert seen[ObservableKind.SIGNAL, "rotate"].asset == "machine-017-comp2"
    assert [seen[ObservableKind.CODE, code].asset for code in ("error1", "error2", "error3")] == [
        "machine-017-comp1",
        "machine-017-comp2",
        "machine-017-comp2",
    ]


async def test_models_of_both_versions_are_read_with_what_they_inherit(graph: AzureTwinGraph) -> None:
    models = (await graph.read_register(AS_OF)).models
    assert models[MACHINE]["criticality"] == "property"
    assert models[MACHINE]["volt"] == "telemetry"
    assert models[MACHINE]["emergencyStop"] == "command"
    assert models["dtmi:manufacturing:Conveyor;1"]["beltSpeed"] == "telemetry"
    assert "motorTemperature" not in models["dtmi:manufacturing:Conveyor;1"]


async def test_a_machine_that_nobody_else_knows_is_watched_only(graph: AzureTwinGraph, service: TwinService) -> None:
    body = {"$metadata": {"$model": "dtmi:manufacturing:Conveyor;1"}, "deviceId": "CONV-1", "assetClass": "conveyor"}
    service.put_twin("conveyor-1", body)
    service.put_relationship("line-one", "c", "contains", "conveyor-1")
    register = await graph.read_register(AS_OF)
    names = [(alias.system, alias.external_id) for alias in register.aliases if alias.asset == "conveyor-1"]
    assert names == [("twin", "conveyor-1"), ("device", "CONV-1")]


async def test_a_twin_may_name_the_instance_in_which_its_name_counts(service: TwinService) -> None:
    words = {"cmms_instance": "modelName", "mes_instance": "modelName"}
    async with connect(DigitalTwinsSettings(endpoint=service.url, vocabulary=words)) as named:
        names = _names(await named.read_register(AS_OF))
    assert names["cmms:model3", "M017"].asset == names["mes:model3", "EQ-017"].asset == "machine-017"
    # The twins of its components name none.
    assert names["cmms", "M017-COMP1"].asset == "machine-017-comp1"


async def test_the_sandboxs_whole_plant_is_a_register() -> None:
    server = TwinService(None, lambda event: None)
    build_plant_graph(server, [PlantMachine(number, f"model{number % 4 + 1}", 7) for number in range(1, 21)])
    await server.start()
    try:
        async with connect(DigitalTwinsSettings(endpoint=server.url)) as graph:
            register = await graph.read_register(AS_OF)
    finally:
        await server.stop()
    levels = Counter(asset.level for asset in register.assets)
    assert (levels[Level.SITE], levels[Level.LINE]) == (1, 3)
    # The robotic arm and the conveyor are watched too.
    assert (levels[Level.MACHINE], levels[Level.COMPONENT], levels[Level.SENSOR]) == (22, 80, 80)
    kinds = Counter(observable.kind for observable in register.observables)
    assert (kinds[ObservableKind.SIGNAL], kinds[ObservableKind.CODE]) == (80, 100)


@pytest.mark.parametrize(
    ("change", "words", "field"),
    [
        (lambda s: _without(s, "machine-017", "deviceId"), "machine-017: deviceId is missing", "deviceId"),
        (lambda s: _without(s, "machine-017", "criticality"), "machine-017: criticality is missing", "criticality"),
        (lambda s: _without(s, "machine-017", "mesEquipmentId"), "mesEquipmentId is missing", "mesEquipmentId"),
        (lambda s: _without(s, "machine-017", "cmmsAssetnum"), "cmmsAssetnum is missing", "cmmsAssetnum"),
        (lambda s: _without(s, "machine-017-comp1", "failureMode"), "failureMode is missing", "failureMode"),
        (lambda s: _without(s, "machine-017-volt", "signal"), "machine-017-volt: signal is missing", "signal"),
        (lambda s: _second_machine(s, deviceId="PDM-017"), "deviceId is PDM-017, like that of machine-017", "deviceId"),
        (lambda s: _second_machine(s, cmmsAssetnum="M017"), "like that of machine-017", "cmmsAssetnum"),
        (lambda s: _second_machine(s, line=None), "machine-018: contains stands in no line", "contains"),
        (lambda s: _same_code(s), "confirmingCodes names error1, which tells of machine-017-comp1", "confirmingCodes"),
        (lambda s: _same_line(s), "lineId is LINE-1, like that of another twin", "lineId"),
        (lambda s: _two_lines(s), "machine-017: contains stands both in", "contains"),
    ],
)
async def test_a_graph_that_contradicts_itself_names_twin_and_property(
    graph: AzureTwinGraph, service: TwinService, change: Change, words: str, field: str
) -> None:
    change(service)
    with pytest.raises(ActionRequired) as refused:
        await graph.read_register(AS_OF)
    assert words in refused.value.problem
    assert refused.value.field == field


async def test_another_plants_words_are_read_with_its_own_vocabulary(service: TwinService) -> None:
    words = TwinVocabulary(name="modelName", model_name="assetClass")
    async with connect(DigitalTwinsSettings(endpoint=service.url, vocabulary=words)) as graph:
        register = await graph.read_register(AS_OF)
    assert {asset.id: asset.name for asset in register.assets}["machine-017"] == "model3"


async def test_a_twin_is_read_without_the_services_own_fields(graph: AzureTwinGraph) -> None:
    twin = await graph.read_twin("machine-017-comp1")
    assert (twin.id, twin.model, twin.properties["failureMode"]) == ("machine-017-comp1", COMPONENT, "ELP")
    assert twin.etag
    assert not [name for name in twin.properties if name.startswith("$")]


async def test_a_patch_adds_replaces_removes_and_leaves_equal_values(
    graph: AzureTwinGraph, service: TwinService
) -> None:
    wanted: dict[str, Any] = {"healthState": "degraded", "direction": "down", "name": "comp1", "confirmingCodes": None}
    etag = await graph.patch_twin("machine-017-comp1", wanted)
    twin = await graph.read_twin("machine-017-comp1")
    assert twin.etag == etag
    assert (twin.properties["healthState"], twin.properties["direction"]) == ("degraded", "down")
    assert "confirmingCodes" not in twin.properties
    assert await graph.patch_twin("machine-017-comp1", wanted) == etag


async def test_a_twin_that_changes_meanwhile_is_read_again_and_patched(graph: AzureTwinGraph, faults: Faults) -> None:
    faults.add(Fault("twins", UPDATE, "conflict", 2, {}))
    await graph.patch_twin("machine-017-comp1", {"healthState": "degraded"})
    assert (await graph.read_twin("machine-017-comp1")).properties["healthState"] == "degraded"


async def test_a_twin_that_never_holds_still_is_left_for_later(graph: AzureTwinGraph, faults: Faults) -> None:
    faults.add(Fault("twins", UPDATE, "conflict", None, {}))
    with pytest.raises(Unavailable, match="changed 5 times"):
        await graph.patch_twin("machine-017-comp1", {"healthState": "degraded"})


async def test_a_patch_whose_answer_was_lost_is_not_written_twice(graph: AzureTwinGraph, faults: Faults) -> None:
    faults.add(Fault("twins", UPDATE, "commit_then_drop", 1, {}))
    with pytest.raises(Unavailable):
        await graph.patch_twin("machine-017-comp1", {"healthState": "degraded"})
    before = (await graph.read_twin("machine-017-comp1")).etag
    assert await graph.patch_twin("machine-017-comp1", {"healthState": "degraded"}) == before


async def test_what_a_model_does_not_declare_is_named(graph: AzureTwinGraph) -> None:
    with pytest.raises(ActionRequired, match="ValidationFailed") as refused:
        await graph.patch_twin("machine-017-comp1", {"healthState": "degraded", "moodState": "grim"})
    assert refused.value.field == "moodState"
    with pytest.raises(ActionRequired) as wrong_type:
        await graph.patch_twin("machine-017-comp1", {"healthState": 5})
    assert wrong_type.value.field == "healthState"


async def test_a_twin_that_is_not_there_needs_a_person(graph: AzureTwinGraph) -> None:
    with pytest.raises(ActionRequired, match="twin machine-777"):
        await graph.read_twin("machine-777")


@pytest.mark.parametrize(
    ("kind", "params", "error"),
    [
        ("status_429", {"retry_after": 7}, Unavailable),
        ("status_500", {}, Unavailable),
        ("drop_then_nothing", {}, Unavailable),
        ("down", {}, Unavailable),
        ("timeout", {"delay": 5}, Unavailable),
        ("html", {}, Unavailable),
    ],
)
async def test_a_service_that_misbehaves_is_told_apart(
    service: TwinService, faults: Faults, kind: str, params: dict[str, int], error: type[ConnectorError]
) -> None:
    faults.add(Fault("twins", "*", kind, None, params))
    settings = DigitalTwinsSettings(endpoint=service.url, timeout=timedelta(seconds=0.3))
    async with connect(settings) as graph:
        for call in (graph.check(), graph.read_register(AS_OF), graph.read_twin("machine-017")):
            with pytest.raises(error) as failed:
                await call
            assert failed.value.system == "digital_twins"
            if isinstance(failed.value, Unavailable) and kind == "status_429":
                assert failed.value.retry_after == timedelta(seconds=7)


async def test_nothing_there_is_unavailable_and_it_answers_when_it_comes(faults: Faults) -> None:
    server = TwinService(None, lambda event: None)
    await server.start()
    endpoint = server.url
    await server.stop()
    async with connect(DigitalTwinsSettings(endpoint=endpoint)) as graph:
        with pytest.raises(Unavailable, match="nothing answers"):
            await graph.check()
        again = TwinService(None, lambda event: None, port=int(endpoint.rsplit(":", 1)[1]))
        await again.start()
        assert await graph.check() == f"Azure Digital Twins at {endpoint}: 0 models"
        await again.stop()


@pytest.mark.parametrize(
    "endpoint",
    ["http://plant.digitaltwins.azure.net", "ftp://127.0.0.1", "https://user@host", "https://host/path", "host"],
)
def test_plain_http_goes_no_further_than_this_machine(endpoint: str) -> None:
    with pytest.raises(ValidationError):
        DigitalTwinsSettings(endpoint=endpoint)


def _shipped_models() -> list[dict[str, Any]]:
    folder = resources.files("sandbox.twins") / "models"
    return [json.loads(file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".json")]


def _machine_body(**changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "$metadata": {"$model": MACHINE},
        "deviceId": "PDM-017",
        "assetClass": "press",
        "criticality": "B",
        "modelName": "model3",
        "age": 8,
        "cmmsAssetnum": "M017",
        "cmmsSiteid": "BEDFORD",
        "mesEquipmentId": "EQ-017",
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def _component_body(name: str, mode: str, signal: str, codes: str) -> dict[str, object]:
    return {
        "$metadata": {"$model": COMPONENT},
        "name": name,
        "cmmsAssetnum": f"M017-{name.upper()}",
        "cmmsSiteid": "BEDFORD",
        "failureMode": mode,
        "signal": signal,
        "direction": "up",
        "confirmingCodes": codes,
    }


def _plant(service: TwinService) -> None:
    service.put_twin("bedford", {"$metadata": {"$model": SITE}, "siteId": "BEDFORD", "name": "Bedford"})
    service.put_twin("line-one", {"$metadata": {"$model": LINE}, "lineId": "LINE-1", "name": "Line one"})
    service.put_twin("machine-017", _machine_body())
    service.put_twin("machine-017-comp1", _component_body("comp1", "ELP", "volt", "error1"))
    service.put_twin("machine-017-comp2", _component_body("comp2", "VIB", "rotate", "error2, error3"))
    sensor = {"signal": "volt", "unit": "V", "normalMean": 170.8, "normalSd": 15.5}
    service.put_twin("machine-017-volt", {"$metadata": {"$model": SENSOR}, **sensor})
    service.put_twin("crew-1", {"$metadata": {"$model": CREW}, "crewId": "C1"})
    service.put_relationship("bedford", "l", "contains", "line-one")
    service.put_relationship("line-one", "m", "contains", "machine-017")
    service.put_relationship("machine-017", "c1", "contains", "machine-017-comp1")
    service.put_relationship("machine-017", "c2", "contains", "machine-017-comp2")
    service.put_relationship("machine-017-volt", "v", "monitors", "machine-017-comp1")
    service.put_relationship("crew-1", "k", "maintains", "line-one")


def _names(register: PlantRegister) -> dict[tuple[str, str], Alias]:
    return {(alias.system, alias.external_id): alias for alias in register.aliases}


def _without(service: TwinService, twin: str, name: str) -> None:
    service.patch_twin(twin, [{"op": "remove", "path": f"/{name}"}])


def _second_machine(service: TwinService, line: str | None = "line-one", **changes: object) -> None:
    own = {"deviceId": "PDM-018", "cmmsAssetnum": "M018", "mesEquipmentId": "EQ-018"}
    service.put_twin("machine-018", _machine_body(**(own | changes)))
    if line is not None:
        service.put_relationship(line, "m18", "contains", "machine-018")


def _same_code(service: TwinService) -> None:
    service.patch_twin("machine-017-comp2", [{"op": "replace", "path": "/confirmingCodes", "value": "error1"}])


def _same_line(service: TwinService) -> None:
    service.put_twin("line-two", {"$metadata": {"$model": LINE}, "lineId": "LINE-1"})


def _two_lines(service: TwinService) -> None:
    service.put_twin("line-two", {"$metadata": {"$model": LINE}, "lineId": "LINE-2"})
    service.put_relationship("line-two", "m", "contains", "machine-017")
