"""The settings of an installation."""

import json
from datetime import time, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    TypeAdapter,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from domain.addresses import check_encrypted, check_escaped, host_of
from domain.code_descriptions import CodeDescriptions
from domain.iso14224 import Iso14224Crosswalk
from domain.model import Duration
from domain.order_terms import JobPlans, OrderTerms
from domain.suppression import LONGEST_REPORTED, SHIPPED_LIMITS
from domain.wording import Language

_SHORTEST_SECRET = 16


def _is_a_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if len(text) < _SHORTEST_SECRET or not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError(f"needs at least {_SHORTEST_SECRET} characters of ASCII without spaces")
    return secret


WebhookSecret = Annotated[SecretStr, AfterValidator(_is_a_secret)]


_WEBHOOK_SECRETS = TypeAdapter(tuple[WebhookSecret, ...])


class ConnectorSettings(BaseModel):
    """The connector of a port, with that connector's own settings.

    The connector checks its own settings.
    """

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    connector: str
    sites: tuple[str, ...] = ()
    """The sites that the instance serves. One instance may name none: it serves every site that no other one names."""

    def own(self) -> dict[str, object]:
        """The connector's own settings; a text that is a JSON object or array is read as one."""
        return {name: decoded(value) for name, value in (self.model_extra or {}).items()}


NamedT = TypeVar("NamedT", bound=ConnectorSettings)


class CmmsSettings(ConnectorSettings):
    """The connector of a CMMS, with that connector's own settings."""

    webhook_secrets: Annotated[tuple[WebhookSecret, ...], Field(max_length=16, repr=False)] = ()
    """The secrets with which the CMMS signs its webhooks: one for each subscription, and during a change the new one
    too. Only the API uses them, and needs no other setting of the connector for it."""
    order_language: Language = Language.ENGLISH
    """The language in which orders and notes are written there."""
    job_plans: JobPlans = {}
    """The site's job plans there, each by the class of the asset and the failure mode."""
    iso14224: Iso14224Crosswalk = Iso14224Crosswalk()
    """What the codes on completed orders mean in ISO 14224."""
    outcome_reminders: bool = True
    """Whether completed orders there get reminders until it is known what the work found."""
    code_descriptions: CodeDescriptions = CodeDescriptions()
    """What the site calls its codes; by them the notes on an order suggest codes."""
    _webhook_secrets_text: SecretStr | None = PrivateAttr(default=None)

    def read_webhook_secrets_from(self, text: SecretStr) -> None:
        """Has a text in JSON hold the secrets from now on."""
        self._webhook_secrets_text = text

    @property
    def webhook_secrets_text(self) -> SecretStr | None:
        """The text that has the secrets of webhooks; None if they cannot change."""
        return self._webhook_secrets_text

    def present_webhook_secrets(self) -> tuple[WebhookSecret, ...]:
        """The secrets of webhooks as they are now: those in a file change with it."""
        if self._webhook_secrets_text is None:
            return self.webhook_secrets
        return _WEBHOOK_SECRETS.validate_json(self._webhook_secrets_text.get_secret_value())

    @property
    def order_terms(self) -> OrderTerms:
        """How orders are written for this instance."""
        return OrderTerms(
            language=self.order_language, job_plans=self.job_plans, outcome_reminders=self.outcome_reminders
        )


class MesSettings(ConnectorSettings):
    """The connector of an MES, with that connector's own settings."""

    apart: bool = False
    """Whether a worker in the plant's zone makes the calls to it. Then only that worker has the connector's own
    settings."""
    payload_keys: Path | None = None
    """The file of the one or two keys that encrypt these calls. Each instance has keys of its own."""


def decoded(value: object) -> object:
    """A setting as it is meant: a text that is a JSON object or array is read as one."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


class Settings(BaseSettings):
    """Everything that can be set, as `MILLWRIGHT_<NAME>`; nested names are joined with two underscores.

    `millwright.runtime.home.load_settings` reads the environment. An object of this class has only what it is given.
    """

    model_config = SettingsConfigDict(
        env_prefix="MILLWRIGHT_", env_nested_delimiter="__", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    home: Annotated[Path, Field(description="Where the embedded parts keep their files.")] = Path("var/run")
    database_url: Annotated[
        SecretStr | None, Field(description="URL of PostgreSQL 15 or newer; if absent, one is started under home.")
    ] = None
    temporal_address: Annotated[
        str | None,
        Field(description="host:port of the workflow engine; if absent, `run` and `up` start one under home."),
    ] = None
    temporal_namespace: Annotated[str, Field(description="Namespace in the workflow engine.")] = "default"
    temporal_api_key: Annotated[
        SecretStr | None, Field(description="API key of a hosted workflow engine; it needs TLS.")
    ] = None
    temporal_tls: Annotated[bool, Field(description="Connect to the workflow engine with TLS.")] = False
    temporal_server_ca: Annotated[
        Path | None,
        Field(description="PEM file of the certificate authority of the workflow engine; if absent, the system's."),
    ] = None
    temporal_server_name: Annotated[
        str | None, Field(description="Name in the workflow engine's certificate, if it is not that of its address.")
    ] = None
    temporal_client_certificate: Annotated[
        Path | None, Field(description="PEM file of our certificate for the workflow engine (mTLS).")
    ] = None
    temporal_client_key: Annotated[
        Path | None, Field(description="PEM file of the private key of our certificate.")
    ] = None
    task_queue: Annotated[str, Field(description="Task queue of the workers; each site has its own.")] = "millwright"
    worker_build: Annotated[
        str | None,
        Field(description="Name of the workers' build; if set, the engine gives work to the current build only."),
    ] = None
    sticky_timeout: Annotated[
        Duration,
        Field(
            gt=timedelta(),
            description="How long the engine waits for a dead worker before another takes its workflows.",
        ),
    ] = timedelta(seconds=5)
    workflow_task_timeout: Annotated[
        Duration,
        Field(gt=timedelta(), description="Maximum duration of a workflow task before another worker tries it."),
    ] = timedelta(seconds=10)
    clock: Annotated[str, Field(description="`wall`, or `file:PATH` of the sandbox's clock file.")] = "wall"
    time_zone: Annotated[
        str,
        Field(description="The site's time zone, by its IANA name; signatures are shown in it and in UTC."),
    ] = "UTC"
    log: Annotated[
        Literal["text", "json"],
        Field(description="Format of the log on stderr: `text`, or `json`, one object a line."),
    ] = "text"
    api_host: Annotated[str, Field(description="Address on which the API listens.")] = "127.0.0.1"
    api_port: Annotated[int, Field(description="The API's port; 0 takes a free one.")] = 8080
    api_names: Annotated[
        tuple[str, ...],
        Field(description="Host names under which callers reach the API, beside its address and loopback's names."),
    ] = ()
    api_proxies: Annotated[
        tuple[IPv4Address, ...],
        Field(
            description="Addresses of proxies before the API; each bounds the connections of its own callers by itself."
        ),
    ] = (IPv4Address("127.0.0.1"),)
    local_mode: Annotated[
        bool,
        Field(description="Whether the API accepts the token in its home instead of an API key; on loopback only."),
    ] = False
    installation_key: Annotated[
        Path | None,
        Field(
            description="PEM file of the installation's key, with which the API attests acts of people; absent, none."
        ),
    ] = None
    poll_interval: Annotated[
        Duration, Field(gt=timedelta(), description="How often the CMMS is polled for changes.")
    ] = timedelta(minutes=15)
    operating_interval: Annotated[
        Duration, Field(gt=timedelta(), description="How often an MES is asked what its machines do.")
    ] = timedelta(minutes=5)
    maintenance_interval: Annotated[
        Duration | None,
        Field(
            gt=timedelta(),
            description="How often a CMMS is asked for the work that was done on each asset; absent, never.",
        ),
    ] = None
    hold_interval: Annotated[
        Duration, Field(gt=timedelta(), description="How often the state of a hold is read from the MES.")
    ] = timedelta(minutes=5)
    order_interval: Annotated[
        Duration, Field(gt=timedelta(), description="How often each placed order is read again in its CMMS.")
    ] = timedelta(days=1)
    reconcile_at: Annotated[
        time, Field(description="When the nightly reconcile begins, by the clocks of the site (`time_zone`).")
    ] = time(2)
    reconcile_window: Annotated[
        Duration,
        Field(
            ge=timedelta(hours=1),
            description="How far back the nightly reconcile compares orders and outcomes, at least PT1H.",
        ),
    ] = timedelta(days=30)
    freshness_target: Annotated[
        float,
        Field(
            gt=0,
            lt=100,
            description="Percent of the time in which what is monitored is to be looked at as promised.",
        ),
    ] = 99.9
    heartbeats: Annotated[
        dict[str, Annotated[Duration, Field(gt=timedelta())]],
        Field(
            description="How often each source promises to look, by the `source` of its events; absent, not monitored."
        ),
    ] = {}
    intake_batch: Annotated[
        int, Field(description="Maximum number of messages that one transaction of intake stores.")
    ] = 500
    shelving_limits: Annotated[
        str, Field(description="Maximum duration of a shelf, and of the mask of a sensor, by criticality.")
    ] = SHIPPED_LIMITS
    window_limit: Annotated[
        Duration,
        Field(
            gt=timedelta(), description="Maximum duration of an imported window of planned work or of a planned stop."
        ),
    ] = timedelta(days=7)
    work_window: Annotated[
        Duration | None,
        Field(
            gt=timedelta(),
            le=LONGEST_REPORTED,
            description="Maximum time for which work in progress suppresses a machine's other faults, at most P31D; "
            "absent, never.",
        ),
    ] = None
    stop_window: Annotated[
        Duration | None,
        Field(
            gt=timedelta(),
            le=LONGEST_REPORTED,
            description="Maximum time for which a planned stop, setup, maintenance or lock-out that the MES reports "
            "suppresses a machine's faults, at most P31D; absent, never.",
        ),
    ] = None
    head_anchor: Annotated[
        SecretStr | None,
        Field(
            description="URL that gets each published head of the ledger by POST; absent, none. It may carry a secret."
        ),
    ] = None
    head_twin: Annotated[
        str | None, Field(description="Id of the twin that shows the published head of the ledger; absent, none.")
    ] = None
    cmms: Annotated[CmmsSettings | None, Field(repr=False, description="The CMMS connector and its settings.")] = None
    cmms_instances: Annotated[
        dict[str, CmmsSettings],
        Field(repr=False, description="Further CMMS, each under an id of its own, with the `sites` that it serves."),
    ] = {}
    mes: Annotated[MesSettings | None, Field(repr=False, description="The MES connector and its settings.")] = None
    mes_instances: Annotated[
        dict[str, MesSettings],
        Field(repr=False, description="Further MES, each under an id of its own, with the `sites` that it serves."),
    ] = {}
    twins: Annotated[
        ConnectorSettings | None, Field(repr=False, description="The twin graph's connector and its settings.")
    ] = None
    bus: Annotated[
        ConnectorSettings | None, Field(repr=False, description="The event bus's connector and its settings.")
    ] = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leaves the environment out: a variable that names a file would count as a setting of a connector."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            return ZoneInfo(name).key
        except (OSError, ValueError, KeyError) as error:
            raise ValueError("is no time zone: write a name of the IANA database, such as Europe/Berlin") from error

    @field_validator("reconcile_at")
    @classmethod
    def _is_of_the_site(cls, hour: time) -> time:
        if hour.tzinfo is not None:
            raise ValueError("is in the zone of the site already: write it without a zone, such as 02:00")
        return hour

    @field_validator("database_url")
    @classmethod
    def _password_is_escaped(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_escaped(url.get_secret_value())
        return url

    @field_validator("api_names")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if host_of(name) != name.lower():
                raise ValueError('write host names without scheme and port: ["millwright.plant.example"]')
        return names

    @field_validator("head_anchor")
    @classmethod
    def _is_sent_encrypted(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            check_escaped(url.get_secret_value())
            check_encrypted(url.get_secret_value())
        return url

    def all_cmms(self) -> dict[str, CmmsSettings]:
        """Every CMMS by its id. The first one's is the name of its connector."""
        return _with_first(self.cmms, self.cmms_instances)

    def all_mes(self) -> dict[str, MesSettings]:
        """Every MES by its id. The first one's is the name of its connector."""
        return _with_first(self.mes, self.mes_instances)

    @model_validator(mode="after")
    def _each_site_has_one(self) -> Self:
        for port, named in (("cmms", self.all_cmms()), ("mes", self.all_mes())):
            sites = [site for settings in named.values() for site in settings.sites]
            twice = sorted({site for site in sites if sites.count(site) > 1})
            if twice:
                raise ValueError(f"{port}: {', '.join(twice)} is among the sites of more than one instance")
            if sum(not settings.sites for settings in named.values()) > 1:
                raise ValueError(f"{port}: only one instance may name no sites: set SITES for the others")
        return self


def _with_first(first: NamedT | None, further: dict[str, NamedT]) -> dict[str, NamedT]:
    return further if first is None else {first.connector: first, **further}
