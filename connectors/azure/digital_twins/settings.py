"""Settings of the Digital Twins connector: the instance, and the names that its graph uses."""

from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from domain.addresses import check_encrypted
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
    serial_number: str = "serialNumber"


class DigitalTwinsSettings(BaseModel):
    """Settings of one instance; sign-in is by azure-identity's default credential chain.

    Args:
        endpoint: `https://<name>.api.<region>.digitaltwins.azure.net`. Plain http only to this machine itself, where
            no identity is needed: that is the sandbox.
        timeout: maximum duration of one request.
        page_size: number of twins or relationships in one query.
        patch_attempts: how often a patch is tried again if the twin changed meanwhile.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    endpoint: str
    vocabulary: TwinVocabulary = TwinVocabulary()
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

    @property
    def is_plain_http(self) -> bool:
        """Whether this is a server of this machine without TLS."""
        return self.endpoint.startswith("http://")
