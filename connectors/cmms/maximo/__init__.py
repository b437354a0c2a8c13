"""IBM Maximo Manage, by its REST API with an API key."""

import httpx

from connectors.cmms.maximo.connector import MaximoCmms
from connectors.cmms.maximo.outcomes import MaximoOutcomeCodes, OutcomeTable
from connectors.cmms.maximo.settings import MaximoSettings

__all__ = ["MaximoCmms", "MaximoOutcomeCodes", "MaximoSettings", "OutcomeTable", "connect", "outcome_codes"]


def connect(settings: MaximoSettings, http_client: httpx.AsyncClient) -> MaximoCmms:
    """The connector to one Maximo; nothing is asked of it yet."""
    return MaximoCmms(settings, http_client)


def outcome_codes(settings: MaximoSettings) -> MaximoOutcomeCodes:
    """The site's crosswalk from failure codes to outcome classes."""
    return MaximoOutcomeCodes(settings.outcomes)
