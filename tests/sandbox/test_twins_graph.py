"""The plant's twin graph as it is built from the data's machines."""

from pathlib import Path

import pytest

from sandbox.twins import CloudEvent, TwinService
from sandbox.twins.document import JsonObject, model_of
from sandbox.twins.graph import PlantMachine, asset_class, build_plant_graph, criticalities, lines_of, plant_models

MACHINES = [PlantMachine(number, f"model{number % 4 + 1}", number % 20) for number in range(20, 0, -1)]


@pytest.fixture(scope="module")
def service() -> TwinService:
    service = TwinService(None, lambda _: None)
    build_plant_graph(service, MACHINES)
    return service


def _twin(service: TwinService, twin_id: str) -> JsonObject:
    twin = service.twin(twin_id)
    assert twin is not None
    return {name: value for name, value in twin.items() if not name.startswith("$")}


def _targets(service: TwinService, twin_id: str, name: str) -> list[object]:
    found = service.relationships(twin_id)
    return [each["$targetId"] for each in found if each["$relationshipName"] == name]


def test_the_models_are_of_both_versions_and_have_the_field_s_names() -> None:
    models = {str(model["@id"]): model for model in plant_models()}
    assert {
        "dtmi:com:example:IndustrialEquipment;1",
        "dtmi:manufacturing:ProductionLine;1",
        "dtmi:manufacturing:Equipment;1",
    } <= models.keys()
    assert {model["@context"] for model in models.values()} == {
        "dtmi:dtdl:context;2",
        "dtmi:dtdl:context;3",
    }
    assert models["dtmi:manufacturing:Machine;2"]["extends"] == "dtmi:manufacturing:Machine;1"
    assert models["dtmi:manufacturing:Machine;1"]["extends"] == "dtmi:com:example:IndustrialEquipment;1"


def test_the_conveyor_s_motor_temperature_is_declared_nowhere() -> None:
    assert all(part["name"] != "motorTemperature" for model in plant_models() for part in _contents(model))


def _contents(model: dict[str, object]) -> list[dict[str, object]]:
    contents = model["contents"]
    assert isinstance(contents, list)
    return contents


def test_a_machine_knows_its_names_in_every_system(service: TwinService) -> None:
    assert _twin(service, "machine-017") == {
        "deviceId": "PDM-017",
        "assetClass": "motor",
        "criticality": "A",
        "cmmsAssetnum": "M017",
        "cmmsSiteid": "BEDFORD",
        "mesEquipmentId": "EQ-017",
        "modelName": "model2",
        "age": 17,
        "installedAt": "1998-01-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("component", "signal", "direction", "mode", "codes"),
    [
        ("comp1", "volt", "up", "PDE", "error1"),
        ("comp2", "rotate", "down", "LOO", "error2,error3"),
        ("comp3", "pressure", "up", "HIO", "error4"),
        ("comp4", "vibration", "up", "VIB", "error5"),
    ],
)
def test_a_component_knows_its_signal_and_how_it_fails(
    service: TwinService, component: str, signal: str, direction: str, mode: str, codes: str
) -> None:
    twin_id = f"machine-003-{component}"
    assert _twin(service, twin_id) == {
        "name": component,
        "cmmsAssetnum": f"M003-{component.upper()}",
        "cmmsSiteid": "BEDFORD",
        "failureMode": mode,
        "signal": signal,
        "direction": direction,
        "confirmingCodes": codes,
    }
    assert _targets(service, twin_id, "monitoredBy") == [f"machine-003-{signal}"]
    assert _targets(service, f"machine-003-{signal}", "monitors") == [twin_id]


@pytest.mark.parametrize(
    ("signal", "mean", "sd"),
    [("volt", 171, 15.5), ("rotate", 447, 52.7), ("pressure", 101, 11.1), ("vibration", 40.4, 5.4)],
)
def test_a_sensor_knows_its_published_normal(service: TwinService, signal: str, mean: float, sd: float) -> None:
    twin = _twin(service, f"machine-020-{signal}")
    assert (twin["normalMean"], twin["normalSd"]) == (mean, sd)


def test_machines_stand_in_three_lines_one_after_the_other(service: TwinService) -> None:
    assert _targets(service, "BEDFORD", "contains") == ["LINE-1", "LINE-2", "LINE-3"]
    assert _targets(service, "LINE-1", "contains") == [
        *(f"machine-{n:03d}" for n in range(1, 8)),
        "robotic-arm-1",
    ]
    assert _targets(service, "LINE-2", "contains") == [
        *(f"machine-{n:03d}" for n in range(8, 15)),
        "conveyor-1",
    ]
    assert _targets(service, "LINE-3", "contains") == [f"machine-{n:03d}" for n in range(15, 21)]
    assert _targets(service, "machine-001", "feeds") == ["machine-002"]
    assert _targets(service, "machine-007", "feeds") == []


def test_each_line_has_a_crew(service: TwinService) -> None:
    assert [_targets(service, f"crew-{n}", "maintains") for n in (1, 2, 3)] == [
        ["LINE-1"],
        ["LINE-2"],
        ["LINE-3"],
    ]
    assert _twin(service, "crew-1")["qualifications"] == ["MECH", "LOTO"]


def test_machines_cycle_through_the_criticalities_by_id() -> None:
    machines = [PlantMachine(number, "model1", 1) for number in (90, 7, 30, 12, 41)]
    assert criticalities(machines) == {7: "A", 12: "B", 30: "C", 41: "D", 90: "A"}


@pytest.mark.parametrize(
    ("model", "expected"),
    [("model1", "pump"), ("model2", "motor"), ("model3", "cnc"), ("model4", "conveyor"), ("model9", "pump")],
)
def test_the_model_says_the_class(model: str, expected: str) -> None:
    assert asset_class(model) == expected


@pytest.mark.parametrize(("count", "sizes"), [(0, [0, 0, 0]), (1, [1, 0, 0]), (5, [2, 2, 1]), (6, [2, 2, 2])])
def test_lines_are_as_equal_as_can_be(count: int, sizes: list[int]) -> None:
    machines = [PlantMachine(number, "model1", 1) for number in range(count)]
    assert [len(group) for group in lines_of(machines).values()] == sizes


def test_the_detector_can_write_what_it_sees_on_a_machine() -> None:
    events: list[CloudEvent] = []
    service = TwinService(None, events.append)
    build_plant_graph(service, MACHINES[:1])
    service.put_route("all", "bus")
    service.patch_twin(
        "machine-020",
        [
            {"op": "add", "path": "/lastErrorCode", "value": "error1"},
            {"op": "add", "path": "/lastErrorAt", "value": "2015-06-01T08:00:00Z"},
            {"op": "add", "path": "/maintenanceRisk", "value": "High"},
            {"op": "add", "path": "/maintenanceRiskAt", "value": "2015-06-01T08:00:00Z"},
        ],
    )
    service.publish_telemetry("conveyor-1", {"motorTemperature": 81.5})
    assert events[1].dataschema == "dtmi:manufacturing:Conveyor;1"
    assert events[1].data == {"motorTemperature": 81.5}


async def test_building_again_changes_nothing_even_after_a_restart(tmp_path: Path) -> None:
    first = TwinService(tmp_path, lambda _: None)
    build_plant_graph(first, MACHINES[:3])
    first.patch_twin("machine-020-comp1", [{"op": "add", "path": "/healthState", "value": "degraded"}])
    before = list(first.twins())
    await first.stop()
    events: list[CloudEvent] = []
    second = TwinService(tmp_path, events.append)
    second.put_route("all", "bus")
    build_plant_graph(second, MACHINES[:3])
    assert list(second.twins()) == before
    assert events == []
    assert model_of(before[-1]) == "dtmi:manufacturing:Sensor;2"
    await second.stop()
