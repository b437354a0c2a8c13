"""Makes the connectors to CMMS instances, and the client that sends their requests."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from pydantic import BaseModel

from domain.clock import Clock
from domain.ports import Cmms, OutcomeCodes
from domain.site_codes import SiteCodes
from millwright.runtime.connector_settings import (
    CMMS_CONNECTORS,
    cmms_settings_model,
    named_instances,
    own_settings,
    variables_of,
)
from millwright.settings import Settings

if TYPE_CHECKING:
    import httpx


def http_client(own: BaseModel, variable: Callable[[str], str]) -> "httpx.AsyncClient":
    """The client that sends the requests of a connector. It has the proxies of the environment, and its certificates
    where the settings name none.

    Args:
        own: the connector's own settings.
        variable: the environment variable of one of them.

    Raises:
        Rejected: a file of a certificate or key cannot be used; `field` is its variable.
    """
    import httpx

    from millwright.runtime.no_cookies import NoCookies
    from millwright.runtime.tls_client import tls_client, tls_files_of

    files = tls_files_of(own)
    if files:
        return tls_client(files, variable)
    return httpx.AsyncClient(follow_redirects=False, cookies=NoCookies())


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


@asynccontextmanager
async def open_all_cmms(
    settings: Settings, clock: Clock
) -> AsyncIterator[tuple[dict[str, Cmms], dict[str, SiteCodes]]]:
    """The connectors to the CMMS instances of an installation within the block, by their ids, with their tables of
    codes. They make no call yet.

    Raises:
        Rejected: a connector is not named, not known, or its settings are wrong.
    """
    cmms: dict[str, Cmms] = {}
    codes: dict[str, SiteCodes] = {}
    async with AsyncExitStack() as stack:
        for system, named in named_instances(settings.all_cmms(), "cmms", CMMS_CONNECTORS).items():
            own = own_settings(named, cmms_settings_model(named.connector), "cmms", system)
            http = await stack.enter_async_context(http_client(own, variables_of("cmms", named, system)))
            cmms[system], outcomes = connect_cmms(named.connector, own, http, system, clock)
            codes[system] = SiteCodes(outcomes, cmms[system].capabilities.failure_modes, named.iso14224)
        yield cmms, codes
