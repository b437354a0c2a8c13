"""A CMMS that a YAML file describes: any with a REST API in JSON, without code of its own."""

import httpx

from connectors.cmms.rest.completed_work import RestWorkCmms
from connectors.cmms.rest.connector import RestCmms
from connectors.cmms.rest.outcomes import RestOutcomeTable
from connectors.cmms.rest.settings import RestSettings
from connectors.finding_codes import FindingCodes
from domain.clock import Clock

__all__ = ["RestCmms", "RestOutcomeTable", "RestSettings", "connect", "outcome_codes"]


def connect(settings: RestSettings, http: httpx.AsyncClient, *, system: str, clock: Clock) -> RestCmms:
    """The connector to one system; nothing is asked of it yet.

    Args:
        system: the id of this instance.
        clock: by which a deleted order is stamped.
    """
    described = settings.description.description.find_completed is not None
    return (RestWorkCmms if described else RestCmms)(settings, http, system, clock)


def outcome_codes(settings: RestSettings) -> FindingCodes:
    """The site's table from codes to outcome classes."""
    return FindingCodes(settings.outcomes)
