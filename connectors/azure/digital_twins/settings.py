"""Settings of the Digital Twins connector: the instance, and the names that its graph uses."""

from datetime import timedelta
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.addresses import check_encrypted
from domain.keys import TWIN_MARK
from domain.model import Duration


class TwinVocabulary(BaseModel):
    """The names of properties and relationships in a plant's graph; the defaults are those of the shipped models.

    A property of the twin gives its level: `site`, `line` and `device` for sites, lines and machines, `failure_mode`
    for components. A sensor is recognised by its `monitors` relationship. `feeds` leads from a machine to one that
    stops with it, `standby` from a machine to the one that it stands in for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contains: str = "contains"
    monitors: str = "monitors"
    feeds: str = "feeds"
    standby: str = "standsInFor"
    name: str = "name"
    site: str = "siteId"
    line: str = "lineId"
    device: str = "deviceId"
    asset_class: str = "assetClass"
    criticality: str = "criticality"
    model_name: str = "modelName"
    cmms_asset: str = "cmmsAssetnum"
    cmms_site: str = "cmmsSiteid"
    cmms_instance: str = "cmmsInstance"
    mes_equipment: str = "mesEquipmentId"
    mes_instance: str = "mesInstance"
    failure_mode: str = "failureMode"
    confirming_codes: str = "confirmingCodes"
    signal: str = "signal"
    unit: str = "unit"
    normal_mean: str = "normalMean"
    normal_sd: str = "normalSd"
    lowest: str = "lowestPossible"
    highest: str = "highestPossible"
    max_rate: str = "greatestRatePerSecond"
    serial_number: str = "serialNumber"


_NAME: Final = r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?"
_Name = Annotated[str, Field(pattern=rf"^{_NAME}$")]
_Path = Annotated[str, Field(pattern=rf"^{_NAME}(?:\.{_NAME})?$")]
"""A property of a model, or `component.property`. A name of DTDL has no dot."""
_READ_AS_EVENTS: Final = frozenset({"lastErrorCode", "lastErrorAt", "maintenanceRisk", "maintenanceRiskAt"})
"""Properties whose changes intake reads as anomalies: our own write must not come back as one."""


class _PropertyNames(BaseModel):
    """What the plant's models call some properties of ours. The default of each field is our own name; a property in a
    component is written `component.property`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def names(self) -> dict[str, str]:
        """By our names, those of the models."""
        fields = type(self).model_fields.items()
        return {str(field.default): getattr(self, name) for name, field in fields if not field.is_required()}


class OutcomeVocabulary(_PropertyNames):
    """What the plant's models call the properties of an outcome."""

    maintenance_status: _Path = "maintenanceStatus"
    last_outcome: _Path = "lastOutcome"
    last_outcome_at: _Path = "lastOutcomeAt"
    last_case_id: _Path = "lastCaseId"
    health_state: _Path = "healthState"


class WorkOrderModel(_PropertyNames):
    """The plant's model of work orders, and what it calls the properties of an order.

    Args:
        model: its DTMI.
        relationship: the relationship from the model of an asset to that of an order.
    """

    model: Annotated[str, Field(pattern=r"^dtmi:")]
    relationship: _Name
    number: _Path = "number"
    system: _Path = "system"
    status: _Path = "status"
    case_id: _Path = "caseId"
    outcome: _Path = "outcome"
    ended_at: _Path = "endedAt"


class DigitalTwinsSettings(BaseModel):
    """Settings of one instance; sign-in is by azure-identity's default credential chain.

    Args:
        endpoint: `https://<name>.api.<region>.digitaltwins.azure.net`. Plain http only to this machine itself, where
            no identity is needed: that is the sandbox.
        outcomes: what the models call the properties of an outcome.
        work_orders: the model of work orders; None if outcomes are not related to twins of their orders.
        timeout: maximum duration of one request.
        page_size: number of twins or relationships in one query.
        patch_attempts: how often a patch is tried again if the twin changed meanwhile.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    endpoint: str
    vocabulary: TwinVocabulary = TwinVocabulary()
    outcomes: OutcomeVocabulary = OutcomeVocabulary()
    work_orders: WorkOrderModel | None = None
    timeout: Duration = Field(default=timedelta(seconds=20), gt=timedelta())
    page_size: int = Field(default=1000, ge=1, le=1000)
    patch_attempts: int = Field(default=5, ge=1, le=20)

    @field_validator("endpoint")
    @classmethod
    def _is_an_address(cls, endpoint: str) -> str:
        trimmed = endpoint.rstrip("/")
        parts = urlsplit(trimmed)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.path or parts.query or "@" in trimmed:
            raise ValueError("needs the form https://<name>.api.<region>.digitaltwins.azure.net")
        check_encrypted(trimmed)
        return trimmed

    @model_validator(mode="after")
    def _an_outcome_overwrites_nothing_else(self) -> Self:
        """The properties that an asset is known by, and those that are read as events, are never written."""
        taken = {*self.vocabulary.model_dump().values(), *_READ_AS_EVENTS, TWIN_MARK}
        written = {"outcomes": self.outcomes.names}
        if self.work_orders is not None:
            written["work_orders"] = self.work_orders.names
        for place, names in written.items():
            for ours, theirs in names.items():
                if theirs in taken:
                    raise ValueError(f"{place}: {ours} cannot be written to {theirs}, which has another use")
                if [*names.values()].count(theirs) > 1:
                    raise ValueError(f"{place}: {theirs} is given for two properties; name another one")
        return self

    @property
    def is_plain_http(self) -> bool:
        """Whether this is a server of this machine without TLS."""
        return self.endpoint.startswith("http://")
