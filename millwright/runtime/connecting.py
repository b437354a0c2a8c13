"""Makes a connector to a CMMS, and the client that sends its requests."""

from importlib import import_module
from typing import TYPE_CHECKING

from pydantic import BaseModel

from domain.clock import Clock
from domain.ports import Cmms, OutcomeCodes

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
