"""The equipment hierarchy and the names it has in other systems (ISA-95 part 1, ISO 14224 clause 8)."""

from datetime import datetime
from enum import StrEnum

from domain.model import Model, Moment


class Level(StrEnum):
    """Where in the hierarchy an asset stands."""

    SITE = "site"
    LINE = "line"
    MACHINE = "machine"
    COMPONENT = "component"
    SENSOR = "sensor"


class Criticality(StrEnum):
    """What a stop of the asset costs the plant, A the most."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class Asset(Model):
    """A node of the equipment hierarchy.

    `machine` and `line` are the ancestors at those levels (the asset's own id where it is one), so that judging
    needs no walk. `asset_class` and `criticality` of a component are its machine's.
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
    """One entry of the crosswalk: what an asset is called in another system, and since when."""

    system: str
    external_id: str
    asset: str
    valid_from: Moment
    valid_to: Moment | None = None
    owner: str = "import"
    attributes: dict[str, str] = {}


class ObservableKind(StrEnum):
    """What a machine can be seen by."""

    SIGNAL = "signal"
    CODE = "code"


class Observable(Model):
    """A signal or an error code of a machine, and the component and failure mode it tells of.

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


class Retirement(Model):
    """An asset that has left the plant: as it was, and since when."""

    asset: Asset
    at: Moment


def retired_words(asset: str, at: datetime) -> str:
    """That an asset was retired, and when, in words."""
    return f"{asset} was retired on {at:%Y-%m-%d %H:%M} UTC"


class PlantRegister(Model):
    """What an import brings: the assets, their names elsewhere, and what can be seen of them.

    `retired` are the assets that have left the plant; an import knows none. Their names and observables are among
    those of the others.
    """

    assets: tuple[Asset, ...]
    aliases: tuple[Alias, ...]
    observables: tuple[Observable, ...]
    retired: tuple[Retirement, ...] = ()
    models: dict[str, dict[str, str]] = {}
    """Per DTDL model id, its declared contents and their kinds (`property`, `telemetry`, …)."""


def system_of(kind: str, instance: str) -> str:
    """The crosswalk's word for one instance of a kind of system: `cmms:hamburg`. Where there is one, `cmms` will do."""
    return f"{kind}:{instance}"


TWIN_SYSTEM = "twin"
DEVICE_SYSTEM = "device"
CMMS_SYSTEM = "cmms"
MES_SYSTEM = "mes"
SYSTEMS = (CMMS_SYSTEM, MES_SYSTEM, TWIN_SYSTEM, DEVICE_SYSTEM)
"""The systems of the crosswalk; the first two may be followed by an instance."""
