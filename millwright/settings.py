"""What an installation says about itself, from the environment and nowhere else."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class ConnectorSettings(BaseModel):
    """Which connector speaks for a port, with that connector's own settings beside it.

    The connector's settings are checked by the connector itself, which knows them.
    """

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    connector: str
    sites: tuple[str, ...] = ()
    """The sites that the instance serves. One instance may name none: it serves every site that no other one names."""

    def own(self) -> dict[str, object]:
        """The connector's own settings; a text that is a JSON object or array is read as one."""
        return {name: _decoded(value) for name, value in (self.model_extra or {}).items()}


def _decoded(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


class Settings(BaseSettings):
    """Everything that can be set, as `MILLWRIGHT_<NAME>`; nested names are joined with two underscores."""

    model_config = SettingsConfigDict(
        env_prefix="MILLWRIGHT_", env_nested_delimiter="__", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    home: Annotated[Path, Field(description="Where the embedded parts keep their files.")] = Path("var/run")
    database_url: Annotated[
        SecretStr | None, Field(description="PostgreSQL 15 or newer; where absent, one is started under home.")
    ] = None
    temporal_address: Annotated[
        str | None,
        Field(description="host:port of the workflow engine; where absent, `run` and `up` start one under home."),
    ] = None
    temporal_namespace: Annotated[str, Field(description="Namespace in the workflow engine.")] = "default"
    temporal_api_key: Annotated[SecretStr | None, Field(description="API key of a hosted workflow engine.")] = None
    temporal_tls: Annotated[bool, Field(description="Speak TLS with the workflow engine.")] = False
    task_queue: Annotated[str, Field(description="Task queue of the workers, one a site.")] = "millwright"
    worker_build: Annotated[
        str | None,
        Field(description="Name of the workers' build; where set, the engine gives work to the build made current."),
    ] = None
    sticky_timeout: Annotated[
        timedelta, Field(description="How long a dead worker's workflows wait for it before another takes them.")
    ] = timedelta(seconds=5)
    workflow_task_timeout: Annotated[
        timedelta, Field(description="How long a workflow's next step may take before another worker tries it.")
    ] = timedelta(seconds=10)
    clock: Annotated[str, Field(description="`wall`, or `file:PATH` where the sandbox's plant keeps its time.")] = (
        "wall"
    )
    log: Annotated[
        Literal["text", "json"],
        Field(description="How log lines are written to stderr: `text`, or `json`, one a line."),
    ] = "text"
    api_host: Annotated[str, Field(description="Where the API listens.")] = "127.0.0.1"
    api_port: Annotated[int, Field(description="The API's port; 0 takes a free one.")] = 8080
    poll_interval: Annotated[timedelta, Field(description="How often the CMMS is asked for changes.")] = timedelta(
        minutes=15
    )
    hold_interval: Annotated[
        timedelta, Field(gt=timedelta(), description="How often the MES is asked how a hold stands.")
    ] = timedelta(minutes=5)
    order_interval: Annotated[
        timedelta, Field(gt=timedelta(), description="How often each placed order is read again in its CMMS.")
    ] = timedelta(days=1)
    intake_batch: Annotated[int, Field(description="How many messages one transaction of intake stores at most.")] = 500
    shelving_limits: Annotated[
        str, Field(description="How long an asset may be shelved at most, by its criticality.")
    ] = "A=PT8H,B=P1D,C=P3D,D=P7D"
    window_limit: Annotated[
        timedelta, Field(description="How long an imported window of planned work or a planned stop may be at most.")
    ] = timedelta(days=7)
    work_window: Annotated[
        timedelta | None,
        Field(description="How long work in progress keeps a machine's other faults quiet at most; absent, never."),
    ] = None
    cmms: Annotated[ConnectorSettings | None, Field(repr=False, description="The CMMS connector and its settings.")] = (
        None
    )
    cmms_instances: Annotated[
        dict[str, ConnectorSettings],
        Field(repr=False, description="Further CMMS, each under an id of its own, with the `sites` that it serves."),
    ] = {}
    mes: Annotated[ConnectorSettings | None, Field(repr=False, description="The MES connector and its settings.")] = (
        None
    )
    mes_instances: Annotated[
        dict[str, ConnectorSettings],
        Field(repr=False, description="Further MES, each under an id of its own, with the `sites` that it serves."),
    ] = {}
    twins: Annotated[
        ConnectorSettings | None, Field(repr=False, description="The twin graph's connector and its settings.")
    ] = None
    bus: Annotated[
        ConnectorSettings | None, Field(repr=False, description="The event bus's connector and its settings.")
    ] = None

    def all_cmms(self) -> dict[str, ConnectorSettings]:
        """Every CMMS by its id. The first one's is the name of its connector."""
        return _with_first(self.cmms, self.cmms_instances)

    def all_mes(self) -> dict[str, ConnectorSettings]:
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


def _with_first(first: ConnectorSettings | None, further: dict[str, ConnectorSettings]) -> dict[str, ConnectorSettings]:
    return further if first is None else {first.connector: first, **further}
