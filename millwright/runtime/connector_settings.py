"""The settings of a connector, checked by that connector's own model."""

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from domain.errors import Rejected
from domain.webhooks import WebhookCheck
from millwright.runtime.setting_files import SecretInFile, is_secret
from millwright.settings import CmmsSettings, ConnectorSettings, MesSettings, NamedT, decoded

SettingsT = TypeVar("SettingsT", bound=BaseModel)

CMMS_CONNECTORS: Final = {
    "maximo": "MaximoSettings",
    "odoo": "OdooMaintenanceSettings",
    "sap_pm": "SapPmSettings",
    "atlas": "AtlasSettings",
    "maintainx": "MaintainXSettings",
    "rest": "RestSettings",
}
"""The connectors to a CMMS, and the names of their settings."""
CMMS_WEBHOOKS: Final = frozenset({"maintainx"})
"""The connectors to a CMMS that signs its webhooks; each has the module `webhook`."""
MES_CONNECTORS: Final = {
    "opcua_job_control": "JobControlSettings",
    "odoo_mrp": "OdooSettings",
    "sap_dm": "SapDmSettings",
    "factorysemantics": "FactorySemanticsSettings",
    "packml": "PackMlSettings",
}
"""The connectors to an MES, and the names of their settings."""


def cmms_settings_model(connector: str) -> type[BaseModel]:
    """The model of the own settings of a connector to a CMMS."""
    return _model("cmms", connector, CMMS_CONNECTORS[connector])


def mes_settings_model(connector: str) -> type[BaseModel]:
    """The model of the own settings of a connector to an MES."""
    return _model("mes", connector, MES_CONNECTORS[connector])


def cmms_webhook_check(connector: str) -> WebhookCheck:
    """How the webhooks of a connector's CMMS are checked."""
    check: WebhookCheck = import_module(f"connectors.cmms.{connector}.webhook").check_webhook
    return check


def _model(port: str, connector: str, name: str) -> type[BaseModel]:
    # Only the connector that is named is imported, because some use much memory.
    model: type[BaseModel] = getattr(import_module(f"connectors.{port}.{connector}.settings"), name)
    return model


def named_connector(settings: ConnectorSettings | None, port: str, known: Collection[str]) -> ConnectorSettings:
    """The connector that the settings name for a port.

    Raises:
        Rejected: none is named, or it is not known.
    """
    if settings is not None and settings.connector in known:
        return settings
    problem = "no connector is named" if settings is None else f"no connector {settings.connector!r}"
    raise Rejected(problem, field=port, fix=f"set MILLWRIGHT_{port.upper()}__CONNECTOR to {', '.join(sorted(known))}")


def named_instances(named: Mapping[str, NamedT], port: str, known: Collection[str]) -> Mapping[str, NamedT]:
    """Every instance of a port by its id.

    Raises:
        Rejected: there is none, or one names a connector that is not known.
    """
    for settings in named.values() or (None,):
        named_connector(settings, port, known)
    return named


def with_signed_webhooks(named: Mapping[str, CmmsSettings]) -> dict[str, CmmsSettings]:
    """The instances with secrets for their webhooks.

    Raises:
        Rejected: one is of a CMMS that does not sign its webhooks.
    """
    signing = {instance: settings for instance, settings in named.items() if settings.webhook_secrets}
    for instance, settings in signing.items():
        if settings.connector not in CMMS_WEBHOOKS:
            field = variable("cmms", settings, instance, "webhook_secrets")
            raise Rejected(
                f"the webhooks of {settings.connector} have no signature that could be checked",
                field=field,
                fix=f"unset MILLWRIGHT_{field.upper()}; a sender with an API key may call POST /hints/{instance}",
            )
    return signing


def own_settings(
    settings: ConnectorSettings, model: type[SettingsT], port: str, instance: str | None = None
) -> SettingsT:
    """A connector's own settings.

    Raises:
        Rejected: one is wrong; with the variable to set, without its value.
    """
    try:
        return model.model_validate(_typed(settings.own(), model))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = variable(port, settings, instance, *(str(part) for part in first["loc"]))
        raise Rejected(first["msg"], field=field, fix=f"set MILLWRIGHT_{field.upper()}") from error


def _typed(own: Mapping[str, object], model: type[BaseModel]) -> dict[str, object]:
    """The settings of a connector, in which only what its model keeps secret is read again when its file changes."""
    typed = dict(own)
    for name, value in own.items():
        field = model.model_fields.get(name)
        if isinstance(value, SecretInFile) and field is not None and not is_secret(field.annotation):
            typed[name] = decoded(value.get_secret_value())
    return typed


def refuse_own_settings(settings: MesSettings, instance: str) -> None:
    """Refuses the own settings of an MES that stands apart in any process but its worker in the plant's zone.

    Raises:
        Rejected: there is one.
    """
    for name in settings.own():
        field = variable("mes", settings, instance, name)
        raise Rejected(
            "is for the worker of the plant zone only, because the MES stands apart",
            field=field,
            fix=f"unset MILLWRIGHT_{field.upper()} in this process",
        )


def variables_of(port: str, settings: ConnectorSettings, instance: str | None) -> Callable[[str], str]:
    """What gives the environment variable of a setting of a connector, by the name of the setting."""
    return lambda name: f"MILLWRIGHT_{variable(port, settings, instance, name).upper()}"


def variable(port: str, settings: ConnectorSettings, instance: str | None, *parts: str) -> str:
    """The dotted path of a setting of a connector, as errors name it.

    Args:
        port: that of the connector.
        settings: those of the instance.
        instance: its id; None if a port has one only.
    """
    named = port if instance in (None, settings.connector) else f"{port}_instances__{instance}"
    return "__".join([named, *parts])
