"""MaintainX, by its REST API version 1 with an API key."""

import httpx

from connectors.cmms.maintainx.connector import MaintainXCmms
from connectors.cmms.maintainx.settings import MaintainXSettings
from connectors.finding_codes import FindingCodes
from domain.clock import Clock

__all__ = [
    "MaintainXCmms",
    "MaintainXSettings",
    "connect",
    "outcome_codes",
]


def connect(settings: MaintainXSettings, http: httpx.AsyncClient, *, system: str, clock: Clock) -> MaintainXCmms:
    """The connector to one MaintainX; nothing is asked of it yet.

    Args:
        system: the id of this instance.
        clock: by which a deleted order is stamped.
    """
    return MaintainXCmms(settings, http, system, clock)


def outcome_codes(settings: MaintainXSettings) -> FindingCodes:
    """The site's table from what technicians choose to outcome classes."""
    return FindingCodes(settings.outcomes)
