"""What the Digital Twins connector needs to know of an instance and of the words its graph uses."""

import ipaddress
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator


class TwinVocabulary(BaseModel):
    """The names of properties and relationships in a plant's graph; the defaults are those of the shipped models.

    A twin's level is known by the property that identifies it: `site`, `line` and `device` for sites, lines and
    machines, `failure_mode` for components; a sensor by its `monitors` relationship.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    contains: str = "contains"
    monitors: str = "monitors"
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


class DigitalTwinsSettings(BaseModel):
    """Settings of one instance, signed in to with azure-identity's default chain.

    Args:
        endpoint: `https://<name>.api.<region>.digitaltwins.azure.net`. Plain http only to this machine itself, where
            no identity is asked for: that is the sandbox.
        timeout: the longest that one request may take.
        page_size: how many twins or relationships a query asks for at once.
        patch_attempts: how often a patch reads again where the twin changed meanwhile.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str
    vocabulary: TwinVocabulary = TwinVocabulary()
    timeout: timedelta = Field(default=timedelta(seconds=20), gt=timedelta())
    page_size: int = Field(default=1000, ge=1, le=1000)
    patch_attempts: int = Field(default=5, ge=1, le=20)

    @field_validator("endpoint")
    @classmethod
    def _is_an_address(cls, endpoint: str) -> str:
        trimmed = endpoint.rstrip("/")
        parts = urlsplit(trimmed)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.path or parts.query or "@" in trimmed:
            raise ValueError("needs the form https://<name>.api.<region>.digitaltwins.azure.net")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError("may be plain http only on this machine (127.0.0.1, localhost); write https://…")
        return trimmed

    @property
    def is_plain_http(self) -> bool:
        """Whether this is a server of this machine without TLS."""
        return self.endpoint.startswith("http://")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
