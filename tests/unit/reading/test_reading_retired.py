"""What events are read as that tell of an asset which has left the plant, by any of its names."""

import itertools
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest

from domain.anomaly import Fate, Received
from domain.assets import Alias, Asset, Level, Observable, ObservableKind, PlantRegister, Retirement
from millwright.intake.reading import read_items
from millwright.intake.register import Register
from tests.unit.reading.conftest import NOW, OPENED

Read = Callable[..., Received]
LEFT = NOW - timedelta(days=2)
BACK = NOW - timedelta(days=1)
WHOLE, PART = "machine-001", "machine-001-comp1"
ROW = {"DeviceId": "PDM-001", "volt": 190.5, "score": 4.5, "baseline": 170.5}
WORDS = f"{WHOLE} was retired on 2015-05-30 12:00 UTC"
FIX = "; if it is in the plant again, import it with `millwright assets import`, then re-drive the event"


def part(name: str, asset_id: str | None = None) -> Asset:
    return Asset(
        id=asset_id or f"{WHOLE}-{name}",
        level=Level.COMPONENT,
        name=name,
        parent=WHOLE,
        line="LINE-1",
        machine=WHOLE,
    )


MACHINE = Asset(id=WHOLE, level=Level.MACHINE, name="Machine 1", parent="LINE-1", line="LINE-1", machine=WHOLE)
PARTS = (part("comp1"), part("comp2"))
SENSOR = Asset(id="volt-meter", level=Level.SENSOR, name="V", parent=PART, line="LINE-1", machine=WHOLE)
SEEN = tuple(
    Observable(machine=WHOLE, kind=ObservableKind(kind), name=name, asset=f"{WHOLE}-{owner}", failure_mode="ELP")
    for kind, name, owner in (("signal", "volt", "comp1"), ("code", "error1", "comp1"), ("signal", "rotate", "comp2"))
)


def names(until: datetime | None, since: datetime = OPENED, only: Sequence[str] = ()) -> list[Alias]:
    """The names of the machine and its parts in a time."""
    return [
        Alias(system=system, external_id=name, asset=asset, valid_from=since, valid_to=until)
        for system, name, asset in (
            ("device", "PDM-001", WHOLE),
            ("cmms", "M001", WHOLE),
            ("twin", WHOLE, WHOLE),
            ("twin", PART, PART),
            ("twin", SENSOR.id, SENSOR.id),
        )
        if not only or name in only
    ]


def plant(*, assets: Sequence[Asset] = (), retired: Sequence[Asset] = (), aliases: Sequence[Alias] = ()) -> Register:
    return Register.of(
        PlantRegister(
            assets=tuple(assets),
            aliases=tuple(aliases),
            observables=SEEN,
            retired=tuple(Retirement(asset=asset, at=LEFT) for asset in retired),
        )
    )


@pytest.fixture(scope="module")
def without_machine() -> Register:
    """The machine left with all below it."""
    return plant(retired=(MACHINE, *PARTS, SENSOR), aliases=names(LEFT))


@pytest.fixture(scope="module")
def without_part() -> Register:
    """One component and its sensor left, the machine stayed."""
    aliases = [*names(LEFT, only=(PART, SENSOR.id)), *names(None, only=("PDM-001", "M001", WHOLE))]
    return plant(assets=(MACHINE, PARTS[1]), retired=(PARTS[0], SENSOR), aliases=aliases)


def said(register: Register, at: datetime, kind: str = "anomaly", **data: object) -> Received:
    """How an event in our own envelope is read."""
    event = {"specversion": "1.0", "id": "e-1", "source": "x", "type": f"millwright.{kind}.v1", "time": at.isoformat()}
    body = json.dumps(event | {"data": data}).encode()
    json_type = "application/cloudevents+json"
    (read,) = read_items(body, json_type, {}, ingress="http", sequences=itertools.count(), now=NOW, register=register)
    return read


@pytest.mark.parametrize(
    ("named", "whom"),
    [
        (WHOLE, WHOLE),
        (PART, PART),
        ({"system": "cmms", "id": "M001"}, WHOLE),
        ({"system": "device", "id": "PDM-001"}, WHOLE),
        ({"system": "twin", "id": PART}, PART),
    ],
)
@pytest.mark.parametrize(
    ("at", "later"),
    [
        (NOW - timedelta(hours=1), ""),
        (LEFT, ""),
        (LEFT - timedelta(hours=1), "; this was observed earlier and came later"),
    ],
)
def test_an_anomaly_of_a_retired_asset_is_unmapped_by_whatever_name_and_of_whatever_time(
    without_machine: Register, named: object, whom: str, at: datetime, later: str
) -> None:
    received = said(without_machine, at, asset=named, failure_mode="ELP", score=5.0)
    assert (received.fate, received.anomaly, received.at) == (Fate.UNMAPPED, None, at)
    assert received.reason == f"{whom} was retired on 2015-05-30 12:00 UTC{later}{FIX}"
    assert received.field is not None
    assert received.field.startswith("data.asset")


@pytest.mark.parametrize(
    "data",
    [
        ROW | {"Timestamp": "2015-06-01T07:00:00Z"},
        {"DeviceId": "PDM-001", "Timestamp": "2015-06-01T07:00:00Z", "MaintenanceRisk": "High"},
        {"errorCode": "error1", "timestamp": "2015-06-01T07:00:00Z"},
    ],
)
def test_what_devices_and_detectors_tell_of_a_retired_machine_is_unmapped(
    from_bus: Read, without_machine: Register, data: dict[str, object]
) -> None:
    received = from_bus(data, register=without_machine)
    assert (received.fate, received.reason) == (Fate.UNMAPPED, f"{WORDS}{FIX}")


def test_an_observation_of_a_retired_machine_keeps_the_key_that_it_would_be_judged_under(
    from_bus: Read, without_machine: Register
) -> None:
    judged = plant(assets=(MACHINE, *PARTS), aliases=names(None))
    row = ROW | {"Timestamp": "2015-05-29T07:00:00Z"}
    assert from_bus(row, register=judged).anomaly is not None
    assert from_bus(row, register=without_machine).natural_key == from_bus(row, register=judged).natural_key


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (ROW | {"Timestamp": "2015-06-01T07:00:00Z"}, "data.volt"),
        ({"errorCode": "error1", "timestamp": "2015-06-01T07:00:00Z"}, "data.errorCode"),
    ],
)
def test_a_signal_or_code_of_a_retired_component_is_unmapped_and_its_machine_is_judged_on(
    from_bus: Read, without_part: Register, data: dict[str, object], field: str
) -> None:
    received = from_bus(data, register=without_part)
    assert (received.fate, received.field) == (Fate.UNMAPPED, field)
    assert received.reason == f"{PART} was retired on 2015-05-30 12:00 UTC{FIX}"
    other = {"DeviceId": "PDM-001", "Timestamp": "2015-06-01T07:00:00Z", "rotate": 1.0, "score": 4.5, "baseline": 1.0}
    assert from_bus(other, register=without_part).fate is None


def test_of_two_signals_in_one_row_that_of_the_component_which_stayed_counts(
    from_bus: Read, without_part: Register
) -> None:
    both = ROW | {"rotate": 451.0, "Timestamp": "2015-06-01T07:00:00Z"}
    received = from_bus(both, register=without_part)
    assert received.anomaly is not None
    assert (received.anomaly.asset, received.anomaly.signal) == (f"{WHOLE}-comp2", "rotate")


def test_a_machine_that_names_the_signal_of_a_retired_component_is_not_judged_in_its_place(
    without_part: Register,
) -> None:
    received = said(without_part, NOW, asset=WHOLE, signal="volt", failure_mode="ELP", score=5.0)
    assert (received.fate, received.field) == (Fate.UNMAPPED, "data.signal")


def test_an_alarm_on_a_retired_component_says_that_it_was_retired(without_part: Register) -> None:
    for component in (PART, "comp1"):
        received = said(without_part, NOW, "alarm", asset=WHOLE, component=component, text="It hums.", raised_by="ines")
        assert (received.fate, received.field) == (Fate.UNMAPPED, "data.component")
        assert (received.reason or "").startswith(f"{PART} was retired on")


def test_the_part_that_took_the_place_of_a_retired_one_has_its_name() -> None:
    successor = part("comp1", "pump-7")
    register = plant(assets=(MACHINE, successor), retired=(PARTS[0],), aliases=names(None, only=("PDM-001",)))
    received = said(register, NOW, "alarm", asset=WHOLE, component="comp1", text="It hums.", raised_by="ines")
    assert received.anomaly is not None
    assert received.anomaly.asset == "pump-7"


def test_a_name_that_another_asset_has_since_is_not_the_retired_ones(from_bus: Read) -> None:
    other = Asset(id="machine-002", level=Level.MACHINE, name="M2", line="LINE-1", machine="machine-002")
    moved = Alias(system="device", external_id="PDM-001", asset=other.id, valid_from=BACK)
    register = plant(assets=(other,), retired=(MACHINE, *PARTS), aliases=[*names(LEFT), moved])
    risk = {"DeviceId": "PDM-001", "MaintenanceRisk": "High"}
    between = from_bus(risk | {"Timestamp": (BACK - timedelta(hours=1)).isoformat()}, register=register)
    assert (between.fate, between.reason) == (Fate.UNMAPPED, f"{WORDS}{FIX}")
    after = from_bus(risk | {"Timestamp": BACK.isoformat()}, register=register, source="x")
    assert after.anomaly is not None
    assert after.anomaly.asset == other.id


@pytest.mark.parametrize("at", [LEFT - timedelta(hours=1), LEFT + timedelta(hours=1), BACK + timedelta(hours=1)])
def test_an_asset_that_is_in_the_plant_again_is_judged_also_on_what_was_observed_between(
    from_bus: Read, at: datetime
) -> None:
    register = plant(assets=(MACHINE, *PARTS), aliases=[*names(LEFT), *names(None, since=BACK)])
    received = from_bus(ROW | {"Timestamp": at.isoformat()}, register=register)
    assert (received.fate, received.reason) == (None, None)


def test_a_name_that_an_asset_did_not_get_again_stays_unknown(from_bus: Read) -> None:
    register = plant(assets=(MACHINE, *PARTS), aliases=[*names(LEFT), *names(None, since=BACK, only=(WHOLE,))])
    received = from_bus(ROW | {"Timestamp": "2015-06-01T11:00:00Z"}, register=register)
    assert (received.reason or "").startswith("no machine was known by the device PDM-001 at that time")
