"""IBM Maximo Manage, by its REST API with an API key."""

import httpx

from connectors.cmms.maximo.connector import MaximoCmms
from connectors.cmms.maximo.outcomes import MaximoOutcomeCodes, OutcomeTable
from connectors.cmms.maximo.settings import MaximoSettings
from domain.clock import Clock

__all__ = ["MaximoCmms", "MaximoOutcomeCodes", "MaximoSettings", "OutcomeTable", "connect", "outcome_codes"]


def connect(settings: MaximoSettings, http: httpx.AsyncClient, *, system: str, clock: Clock) -> MaximoCmms:
    """The connector to one Maximo; nothing is asked of it yet.

    Args:
        system: the id of this instance.
        clock: by which a deleted order is stamped.
    """
    return MaximoCmms(settings, http, system, clock)


def outcome_codes(settings: MaximoSettings) -> MaximoOutcomeCodes:
    """The site's crosswalk from failure codes to outcome classes."""
    return MaximoOutcomeCodes(settings.outcomes)
