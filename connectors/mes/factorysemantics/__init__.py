"""An MES that is FactorySemantics MES, by its HTTP API with an account of its own."""

import httpx

from connectors.mes.factorysemantics.connector import FactorySemanticsMes
from connectors.mes.factorysemantics.settings import FactorySemanticsSettings
from domain.clock import Clock, WallClock

__all__ = ["FactorySemanticsMes", "FactorySemanticsSettings", "connect"]


def connect(
    settings: FactorySemanticsSettings, http: httpx.AsyncClient, *, system: str, clock: Clock | None = None
) -> FactorySemanticsMes:
    """The connector to one plant; nothing is asked of it yet.

    Args:
        http: the client that sends the requests; whoever made it closes it.
        system: the id of this instance.
        clock: the time of readings; default wall time.
    """
    return FactorySemanticsMes(settings, http, system, clock or WallClock())
