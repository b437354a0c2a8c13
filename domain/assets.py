"""The equipment hierarchy, and its names in other systems (ISA-95 part 1, ISO 14224 clause 8)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from domain.model import Model, Moment
from domain.sensors import SensorLimits
from domain.unreadable import UnreadableRecord


class Level(StrEnum):
    """The level of an asset in the hierarchy."""

    SITE = "site"
    LINE = "line"
    MACHINE = "machine"
    COMPONENT = "component"
    SENSOR = "sensor"


class Criticality(StrEnum):
    """The cost to the plant when an asset stops, from A (highest) to D."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Asset(Model):
    """A node of the equipment hierarchy.

    `machine` and `line` are the ids of the machine and the line that it is part of, or its own id if it is one. So
    judging does not search the hierarchy. A component has the `asset_class` and the `criticality` of its machine.
    """

    id: str
    level: Level
    name: str
    parent: str | None = None
    site: str | None = None
    line: str | None = None
    machine: str | None = None
    asset_class: str | None = None
    criticality: Criticality | None = None
    model: str | None = None


class Alias(Model):
    """One entry of the crosswalk: the name of an asset in another system, and the time from which it is valid."""

    system: str
    external_id: str
    asset: str
    valid_from: Moment
    valid_to: Moment | None = None
    owner: str = "import"
    attributes: dict[str, str] = {}


def name_words(external_id: str, attributes: Mapping[str, str]) -> str:
    """A name of an asset in another system, with its attributes, in words."""
    return ", ".join((external_id, *(f"{name}={value}" for name, value in sorted(attributes.items()))))


class ObservableKind(StrEnum):
    """The kind of an observable."""

    SIGNAL = "signal"
    CODE = "code"


class Observable(Model):
    """A signal or an error code of a machine, with the component and the failure mode that it indicates.

    Units are UCUM; `failure_mode` is an ISO 14224 annex B code.
    """

    machine: str
    kind: ObservableKind
    name: str
    asset: str
    failure_mode: str
    unit: str | None = None
    normal_mean: float | None = None
    normal_sd: float | None = None
    limits: SensorLimits | None = None
    """What its sensor can show at all; None for a code, and for a signal of which no limit is declared."""


class Retirement(Model):
    """An asset that has left the plant: as it was, and since when."""

    asset: Asset
    at: Moment


def retired_words(asset: str, at: datetime) -> str:
    """That an asset was retired, and when, in words."""
    return f"{asset} was retired on {at:%Y-%m-%d %H:%M} UTC"


class PlantRegister(Model):
    """The content of an import: the assets, their names in other systems, and the observables.

    `retired` are the assets that have left the plant; an import has none. Their names and observables are among those
    of the others.
    """

    assets: tuple[Asset, ...]
    aliases: tuple[Alias, ...]
    observables: tuple[Observable, ...]
    retired: tuple[Retirement, ...] = ()
    models: dict[str, dict[str, str]] = {}
    """For each DTDL model id, its declared contents and their kinds (`property`, `telemetry`, …)."""
    unreadable: tuple[UnreadableRecord, ...] = ()
    """Twins that an import left out because they, or what they stand in, cannot be read."""


def system_of(kind: str, instance: str) -> str:
    """The crosswalk's name for an instance of a kind of system: `cmms:hamburg`, or `cmms` if there is only one."""
    return f"{kind}:{instance}"


SERIAL_ATTRIBUTE = "serial"
"""The attribute at a name of an asset that has the manufacturer's serial number."""

TWIN_SYSTEM = "twin"
DEVICE_SYSTEM = "device"
CMMS_SYSTEM = "cmms"
MES_SYSTEM = "mes"
SYSTEMS = (CMMS_SYSTEM, MES_SYSTEM, TWIN_SYSTEM, DEVICE_SYSTEM)
"""The systems of the crosswalk. An instance may follow the first two, as in `cmms:hamburg`."""
