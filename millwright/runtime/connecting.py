"""Makes a connector to a CMMS, and the client that sends its requests."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from pydantic import BaseModel

from domain.clock import Clock
from domain.ports import Cmms, OutcomeCodes

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

    from millwright.runtime.tls_client import tls_client, tls_files_of

    files = tls_files_of(own)
    return tls_client(files, variable) if files else httpx.AsyncClient(follow_redirects=False)


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
