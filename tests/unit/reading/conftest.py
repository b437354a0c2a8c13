"""A small plant and its event sources, for reading."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from domain.anomaly import Received
from domain.assets import Alias, Asset, Criticality, Level, Observable, ObservableKind, PlantRegister
from millwright.intake.reading import read_items, read_message
from millwright.intake.register import Register

NOW = datetime(2015, 6, 1, 12, tzinfo=UTC)
OPENED = datetime(2015, 1, 1, tzinfo=UTC)
MACHINE_MODEL = "dtmi:manufacturing:Machine;1"

Read = Callable[..., Received]


@dataclass(frozen=True)
class Letter:
    """A bus message, as plain as the reading needs it."""

    body: bytes
    application_properties: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = "application/json"
    message_id: str | None = "m-1"
    entity: str = "twin-events/millwright"
    sequence_number: int = 41
    origin: str = "twin-events/millwright"
    enqueued_at: datetime | None = None
    problem: str | None = None


@pytest.fixture(scope="session")
def register() -> Register:
    """Two machines on one line, one of which changed its device in March, and one machine on no line."""
    assets = [Asset(id="LINE-1", level=Level.LINE, name="Line 1", site="bedford", line="LINE-1")]
    aliases = [Alias(system="twin", external_id="line-one", asset="LINE-1", valid_from=OPENED)]
    observables = []
    for number in (1, 2):
        machine = f"machine-{number:03}"
        assets.append(_machine(machine, "LINE-1"))
        aliases.append(Alias(system="twin", external_id=machine, asset=machine, valid_from=OPENED))
        aliases.append(Alias(system="device", external_id=f"PDM-{number:03}", asset=machine, valid_from=OPENED))
        aliases.append(Alias(system="cmms", external_id=f"M{number:03}", asset=machine, valid_from=OPENED))
        for part, signal, mode in (("comp1", "volt", "ELP"), ("comp2", "rotate", "VIB")):
            component = f"{machine}-{part}"
            assets.append(
                Asset(
                    id=component,
                    level=Level.COMPONENT,
                    name=part,
                    parent=machine,
                    line="LINE-1",
                    machine=machine,
                    asset_class="press",
                )
            )
            aliases.append(Alias(system="twin", external_id=component, asset=component, valid_from=OPENED))
            seen = [(ObservableKind.SIGNAL, signal), (ObservableKind.CODE, f"error-{part}")]
            observables += [
                Observable(machine=machine, kind=kind, name=name, asset=component, failure_mode=mode, unit="V")
                for kind, name in seen
            ]
    assets.append(_machine("machine-009", None))
    aliases.append(Alias(system="twin", external_id="machine-009", asset="machine-009", valid_from=OPENED))
    moved = datetime(2015, 3, 1, tzinfo=UTC)
    aliases += [
        Alias(system="device", external_id="SPARE", asset="machine-001", valid_from=OPENED, valid_to=moved),
        Alias(system="device", external_id="SPARE", asset="machine-002", valid_from=moved),
        Alias(system="device", external_id="TWICE", asset="machine-001", valid_from=OPENED),
        Alias(system="device", external_id="TWICE", asset="machine-002", valid_from=moved),
    ]
    models = {MACHINE_MODEL: {"volt": "telemetry", "rotate": "telemetry", "errorCode": "telemetry"}}
    return Register.of(
        PlantRegister(assets=tuple(assets), aliases=tuple(aliases), observables=tuple(observables), models=models)
    )


@pytest.fixture(scope="session")
def from_bus(register: Register) -> Read:
    """Reads a binary-mode event: attributes as keywords, the first argument its data or raw body."""

    def read(data: object, *, register: Register = register, **attributes: str | None) -> Received:
        known = {
            "specversion": "1.0",
            "id": "e-1",
            "source": "host/digitaltwins/machine-001",
            "type": "microsoft.iot.telemetry",
            "time": "2015-05-30T08:00:00Z",
        } | attributes
        properties = {f"cloudEvents:{name}": value for name, value in known.items() if value is not None}
        body = data if isinstance(data, bytes) else orjson.dumps(data)
        return read_message(Letter(body, properties), NOW, register)

    return read


@pytest.fixture(scope="session")
def post(register: Register) -> Callable[..., list[Received]]:
    """Reads an HTTP body."""

    def read(payload: object, content_type: str = "application/json", **headers: str) -> list[Received]:
        body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return read_items(
            body, content_type, named, ingress="http", sequences=itertools.count(7), now=NOW, register=register
        )

    return read


def _machine(name: str, line: str | None) -> Asset:
    return Asset(
        id=name,
        level=Level.MACHINE,
        name=name,
        parent=line,
        line=line,
        machine=name,
        asset_class="press",
        criticality=Criticality.A,
    )


@pytest.fixture(scope="session")
def soon() -> datetime:
    """A little ahead of now, as a clock may be."""
    return NOW + timedelta(minutes=4)
