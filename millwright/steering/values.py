"""The values of the settings that steer a process, as they are recorded."""

from collections.abc import Mapping

from pydantic import BaseModel, SecretStr

from domain.errors import Rejected
from domain.processes import ProcessKind
from millwright.runtime.connector_settings import (
    CMMS_CONNECTORS,
    MES_CONNECTORS,
    cmms_settings_model,
    mes_settings_model,
    named_instances,
    own_settings,
    refuse_own_settings,
    with_signed_webhooks,
)
from millwright.settings import CmmsSettings, ConnectorSettings, MesSettings, Settings
from millwright.steering.declared import OF_EACH_CMMS, STEERS

PORTS: Mapping[str, tuple[ProcessKind, tuple[str, ...]]] = {
    "cmms": (ProcessKind.CASES, tuple(CMMS_CONNECTORS)),
    "mes": (ProcessKind.CASES, tuple(MES_CONNECTORS)),
    "twins": (ProcessKind.CASES, ("digital_twins",)),
    "bus": (ProcessKind.INTAKE, ("service_bus",)),
}
"""The kind of process that opens each port, and the connectors that there are for it."""
_INSTANCES = ("cmms_instances", "mes_instances")
SET = "set"
"""What is recorded of a secret: neither its value nor a digest, by which a short secret could be guessed."""


def steering_values(settings: Settings, process: ProcessKind) -> dict[str, object]:
    """The settings that steer a process, by their names, with defaults: JSON values, durations in ISO 8601.

    Those of a connector are `<port>.<instance>.<setting>`.

    Raises:
        Rejected: a setting of a connector that the process opens is wrong.
    """
    plain = {name for name in Settings.model_fields if process in STEERS.get(name, ())}
    values = _shown(settings, plain.difference(PORTS, _INSTANCES))
    for port, named in _named(settings).items():
        if process not in STEERS[port]:
            continue
        for instance, connector in named.items():
            told = _of_connector(connector, port, instance, process)
            values |= {f"{port}.{instance}.{name}": value for name, value in told.items()}
    return values


def check_connectors(settings: Settings, process: ProcessKind) -> None:
    """Refuses settings with which a process of a kind cannot work, so that it records none.

    Raises:
        Rejected: a connector that the process opens is not named, or not known; or the API has secrets for webhooks
            that nobody signs.
    """
    if process is ProcessKind.API:
        with_signed_webhooks(settings.all_cmms())
    for port, (opens, known) in PORTS.items():
        if opens is process:
            named_instances(_named(settings)[port], port, known)


def settings_model(connector: str) -> type[BaseModel]:
    """The model of a connector's own settings. Only that connector is imported, because some use much memory.

    Raises:
        Rejected: there is no such connector.
    """
    match connector:
        case cmms if cmms in CMMS_CONNECTORS:
            return cmms_settings_model(cmms)
        case mes if mes in MES_CONNECTORS:
            return mes_settings_model(mes)
        case "digital_twins":
            from connectors.azure.digital_twins.settings import DigitalTwinsSettings

            return DigitalTwinsSettings
        case "service_bus":
            from connectors.azure.service_bus.settings import ServiceBusSettings

            return ServiceBusSettings
        case _:
            raise Rejected(f"no connector {connector!r}", field="connector", fix="see docs/connectors.md")


def _named(settings: Settings) -> Mapping[str, Mapping[str, ConnectorSettings]]:
    """The instances of each port by their ids."""
    return {
        "cmms": settings.all_cmms(),
        "mes": settings.all_mes(),
        "twins": _alone(settings.twins),
        "bus": _alone(settings.bus),
    }


def _alone(connector: ConnectorSettings | None) -> Mapping[str, ConnectorSettings]:
    return {} if connector is None else {connector.connector: connector}


def _of_connector(settings: ConnectorSettings, port: str, instance: str, process: ProcessKind) -> dict[str, object]:
    told: dict[str, object] = {"connector": settings.connector, "sites": sorted(settings.sites)}
    if isinstance(settings, CmmsSettings) and process is ProcessKind.CASES:
        told |= _shown(settings, set(OF_EACH_CMMS))
    prefix = f"{settings.connector}."
    wanted = {name.removeprefix(prefix) for name, by in STEERS.items() if name.startswith(prefix) and process in by}
    # A process that does not open the connector needs no valid settings of it.
    if isinstance(settings, MesSettings) and settings.apart:
        told["apart"] = True
        if wanted:
            refuse_own_settings(settings, instance)
    elif wanted:
        told |= _shown(own_settings(settings, settings_model(settings.connector), port, instance), wanted)
    return told


def _shown(settings: BaseModel, names: set[str]) -> dict[str, object]:
    values: dict[str, object] = settings.model_dump(mode="json", include=names)
    secrets = {name: SET for name in names if isinstance(getattr(settings, name), SecretStr)}
    return {**values, **secrets}
