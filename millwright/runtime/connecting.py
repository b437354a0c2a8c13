"""Makes the connectors to CMMS instances, and the client that sends their requests."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from pydantic import BaseModel

from domain.clock import Clock
from domain.ports import Cmms, OutcomeCodes
from millwright.runtime.connector_settings import CMMS_CONNECTORS, cmms_settings_model, named_instances, own_settings
from millwright.settings import Settings

if TYPE_CHECKING:
    import httpx


def http_client() -> "httpx.AsyncClient":
    """The client that sends the requests of connectors. It has the proxies and certificates of the environment."""
    import httpx

    return httpx.AsyncClient(follow_redirects=False)


def connect_cmms(
    connector: str, own: BaseModel, http: "httpx.AsyncClient", system: str, clock: Clock
) -> tuple[Cmms, OutcomeCodes]:
    """A connector to a CMMS by its id, with what its failure codes mean. It makes no call yet.

    Args:
        own: its own settings.
        system: the id of the instance.
    """
    # Only the connector that is named is imported, because some use much memory.
    package = import_module(f"connectors.cmms.{connector}")
    return package.connect(own, http, system=system, clock=clock), package.outcome_codes(own)


def connect_all_cmms(
    settings: Settings, http: "httpx.AsyncClient", clock: Clock
) -> tuple[dict[str, Cmms], dict[str, OutcomeCodes]]:
    """The connectors to the CMMS instances of an installation, by their ids, with what their failure codes mean.

    Raises:
        Rejected: a connector is not named, not known, or its settings are wrong.
    """
    cmms: dict[str, Cmms] = {}
    codes: dict[str, OutcomeCodes] = {}
    for system, named in named_instances(settings.all_cmms(), "cmms", CMMS_CONNECTORS).items():
        own = own_settings(named, cmms_settings_model(named.connector), "cmms", system)
        cmms[system], codes[system] = connect_cmms(named.connector, own, http, system, clock)
    return cmms, codes


@asynccontextmanager
async def open_cmms(settings: Settings, clock: Clock) -> AsyncIterator[Mapping[str, Cmms]]:
    """The same within the block, without the codes. They make no call yet.

    Raises:
        Rejected: as `connect_all_cmms`.
    """
    async with http_client() as http:
        yield connect_all_cmms(settings, http, clock)[0]
