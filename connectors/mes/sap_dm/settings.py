"""Settings of the connector to SAP Digital Manufacturing."""

from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator

from connectors.mes.sap_dm.mapping import LONGEST_PLANT, LONGEST_RESOURCE, is_name
from connectors.tls_files import TlsFiles
from domain.addresses import check_encrypted, origin
from domain.model import Duration
from domain.production import HoldEnforcement


class SapDmSettings(TlsFiles):
    """Settings of one plant in SAP Digital Manufacturing.

    Args:
        url: the address of the APIs, `https://api.<region host>`. Plain http only to this machine itself.
        token_url: the address that gives tokens, `https://<subdomain>.authentication.<token host>/oauth/token`.
        client_id: the client id of the service key.
        client_secret: the client secret of the service key.
        plant: the plant whose resources count.
        resources: the resource of an equipment, where the crosswalk has another id for it than SAP.
        user: the user that SAP shows beside a changed status of a resource.
        blocked_status: the status that a held resource gets.
        enforcement: whether this plant's SAP refuses to start SFCs on a resource of that status; the APIs do not say.
        timeout: maximum duration of one request.
        concurrency: maximum number of concurrent requests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    token_url: str
    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)
    plant: str
    resources: dict[str, str] = Field(default_factory=dict)
    user: str = Field(default="MILLWRIGHT", min_length=1, max_length=80)
    blocked_status: Literal["DISABLED", "SCHEDULED_DOWN", "UNSCHEDULED_DOWN"] = "DISABLED"
    enforcement: HoldEnforcement = HoldEnforcement.UNKNOWN
    timeout: Duration = Field(default=timedelta(seconds=10), gt=timedelta())
    concurrency: int = Field(default=4, ge=1)

    @field_validator("url")
    @classmethod
    def _is_an_origin(cls, url: str) -> str:
        return origin(url, form="https://api.<region host>")

    @field_validator("token_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in url or not parts.path.strip("/"):
            raise ValueError("needs the form https://<subdomain>.authentication.<token host>/oauth/token")
        check_encrypted(url)
        return url

    @field_validator("plant")
    @classmethod
    def _is_a_plant(cls, plant: str) -> str:
        if not is_name(plant, LONGEST_PLANT):
            raise ValueError(f"needs at most {LONGEST_PLANT} capitals, digits and signs, as the name of a plant in SAP")
        return plant

    @field_validator("resources")
    @classmethod
    def _are_resources(cls, resources: dict[str, str]) -> dict[str, str]:
        for equipment, resource in resources.items():
            if not is_name(resource, LONGEST_RESOURCE):
                raise ValueError(
                    f"needs for {equipment} at most {LONGEST_RESOURCE} capitals, digits and signs, as the name of a "
                    "resource in SAP"
                )
        if len(set(resources.values())) < len(resources):
            raise ValueError("names a resource for two pieces of equipment: a hold of one would stop the other")
        return resources
