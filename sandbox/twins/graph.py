"""The sandbox plant's twin graph: a site, its lines, machines, components, sensors and crews."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import orjson

from sandbox import naming
from sandbox.twins.service import TwinService

ROBOTIC_ARM: Final = "robotic-arm-1"
CONVEYOR: Final = "conveyor-1"
CREWS: Final = ("crew-1", "crew-2", "crew-3")

_CRITICALITIES: Final = "ABCD"
_CLASSES: Final[Mapping[str, str]] = MappingProxyType(
    {"model1": "pump", "model2": "motor", "model3": "cnc", "model4": "conveyor"}
)
# The telemetry of the data begins in 2015; a machine's age is its age then.
_DATA_BEGINS: Final = 2015
_CREW_OF_LINE: Final = (("MECH", "day"), ("ELEC", "evening"), ("INST", "night"))


@dataclass(frozen=True)
class PlantMachine:
    """A row of the data's machines.csv: `machineID`, `model` (model1 to model4), `age` in years."""

    id: int
    model: str
    age: int


@dataclass(frozen=True)
class _Part:
    component: str
    signal: str
    direction: str
    failure_mode: str
    codes: str


@dataclass(frozen=True)
class _Signal:
    unit: str
    mean: float
    sd: float
    highest: float


# Failure modes: ISO 14224 (PDE parameter deviation, LOO low output, HIO high output, VIB vibration).
_PARTS: Final = (
    _Part("comp1", "volt", "up", "PDE", "error1"),
    _Part("comp2", "rotate", "down", "LOO", "error2,error3"),
    _Part("comp3", "pressure", "up", "HIO", "error4"),
    _Part("comp4", "vibration", "up", "VIB", "error5"),
)
# Means and deviations: the published description of the data set, which gives no units; these are plausible ones.
_SIGNALS: Final[Mapping[str, _Signal]] = MappingProxyType(
    {
        "volt": _Signal("V", 171.0, 15.5, 400.0),
        "rotate": _Signal("/min", 447.0, 52.7, 1000.0),
        "pressure": _Signal("[psi]", 101.0, 11.1, 250.0),
        "vibration": _Signal("mm/s", 40.4, 5.4, 100.0),
    }
)


def plant_models() -> list[dict[str, object]]:
    """The DTDL models of the plant, DTDL 2 and 3."""
    folder = files("sandbox.twins") / "models"
    documents = sorted((each for each in folder.iterdir()), key=lambda each: each.name)
    return [orjson.loads(each.read_bytes()) for each in documents if each.name.endswith(".json")]


def lines_of(machines: Sequence[PlantMachine]) -> dict[str, list[PlantMachine]]:
    """Machines by line: sorted by id, in as many contiguous groups as there are lines, as equal as can be."""
    ordered = sorted(machines, key=lambda machine: machine.id)
    size, more = divmod(len(ordered), len(naming.LINES))
    groups: dict[str, list[PlantMachine]] = {}
    start = 0
    for position, line in enumerate(naming.LINES):
        end = start + size + (position < more)
        groups[line] = ordered[start:end]
        start = end
    return groups


def criticalities(machines: Sequence[PlantMachine]) -> dict[int, str]:
    """Criticality by machine id: sorted by id they cycle through A, B, C, D."""
    ordered = sorted(machine.id for machine in machines)
    return {each: _CRITICALITIES[position % 4] for position, each in enumerate(ordered)}


def asset_class(model: str) -> str:
    """The asset class of one of the data's machine models."""
    return _CLASSES.get(model, "pump")


def build_plant_graph(
    service: TwinService, machines: Sequence[PlantMachine], cmms_ids: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Upload the models and create what is missing of the graph; twins that exist stay as they are.

    Args:
        cmms_ids: how the CMMS names an asset in the place of its number.

    Raises:
        ServiceError: a model of another content is there under one of our ids.
    """
    service.put_models(plant_models())
    existing = {str(twin["$dtId"]) for twin in service.twins()}
    for twin_id, model, properties in _twins(machines):
        if twin_id not in existing:
            number = str(properties.get("cmmsAssetnum"))
            properties |= {"cmmsAssetnum": cmms_ids[number]} if number in cmms_ids else {}
            service.put_twin(twin_id, {"$metadata": {"$model": f"dtmi:manufacturing:{model}"}, **properties})
    known: dict[str, set[str]] = {}
    for source, name, target in _relationships(machines):
        if source not in known:
            known[source] = {str(each["$relationshipId"]) for each in service.relationships(source)}
        relationship_id = f"{source}-{name}-{target}"
        if relationship_id not in known[source]:
            service.put_relationship(source, relationship_id, name, target)


def _twins(machines: Sequence[PlantMachine]) -> Iterator[tuple[str, str, dict[str, object]]]:
    yield naming.SITE, "Site;1", {"siteId": naming.SITE, "name": "Bedford works"}
    for number, line in enumerate(naming.LINES):
        yield line, "ProductionLine;1", {"lineId": line, "name": f"Line {number + 1}"}
        craft, shift = _CREW_OF_LINE[number]
        crew: dict[str, object] = {
            "crewId": CREWS[number],
            "craft": craft,
            "shift": shift,
            "qualifications": [craft, "LOTO"],
        }
        yield CREWS[number], "Crew;1", crew
    arm = {"name": "Loading arm", "deviceId": "ARM-001", "assetClass": "robot", "payload": 10.0}
    yield ROBOTIC_ARM, "RoboticArm;1", arm
    belt = {"name": "Transfer belt", "deviceId": "CONV-001", "assetClass": "conveyor", "length": 24.0}
    yield CONVEYOR, "Conveyor;1", belt
    ranks = criticalities(machines)
    for machine in sorted(machines, key=lambda each: each.id):
        yield naming.twin_id(machine.id), "Machine;3", _machine(machine, ranks[machine.id])
        yield from _parts(machine)


def _machine(machine: PlantMachine, criticality: str) -> dict[str, object]:
    return {
        "deviceId": naming.device_id(machine.id),
        "assetClass": asset_class(machine.model),
        "criticality": criticality,
        "cmmsAssetnum": naming.assetnum(machine.id),
        "cmmsSiteid": naming.SITE,
        "mesEquipmentId": naming.equipment_id(machine.id),
        "modelName": machine.model,
        "age": machine.age,
        "installedAt": f"{_DATA_BEGINS - machine.age:04d}-01-01T00:00:00Z",
    }


def _parts(machine: PlantMachine) -> Iterator[tuple[str, str, dict[str, object]]]:
    for part in _PARTS:
        yield (
            naming.component_twin_id(machine.id, part.component),
            "Component;2",
            {
                "name": part.component,
                "cmmsAssetnum": naming.component_assetnum(machine.id, part.component),
                "cmmsSiteid": naming.SITE,
                "failureMode": part.failure_mode,
                "signal": part.signal,
                "direction": part.direction,
                "confirmingCodes": part.codes,
            },
        )
        signal = _SIGNALS[part.signal]
        yield (
            naming.sensor_twin_id(machine.id, part.signal),
            "Sensor;2",
            {
                "signal": part.signal,
                "unit": signal.unit,
                "normalMean": signal.mean,
                "normalSd": signal.sd,
                "lowestPossible": 0.0,
                "highestPossible": signal.highest,
            },
        )


def _relationships(machines: Sequence[PlantMachine]) -> Iterator[tuple[str, str, str]]:
    """Source, name, target."""
    for number, (line, members) in enumerate(lines_of(machines).items()):
        yield naming.SITE, "contains", line
        yield CREWS[number], "maintains", line
        for machine in members:
            twin = naming.twin_id(machine.id)
            yield line, "contains", twin
            for part in _PARTS:
                component = naming.component_twin_id(machine.id, part.component)
                sensor = naming.sensor_twin_id(machine.id, part.signal)
                yield twin, "contains", component
                yield component, "monitoredBy", sensor
                yield sensor, "monitors", component
        for upstream, downstream in pairwise(members):
            yield naming.twin_id(upstream.id), "feeds", naming.twin_id(downstream.id)
    yield naming.LINES[0], "contains", ROBOTIC_ARM
    yield naming.LINES[1], "contains", CONVEYOR
