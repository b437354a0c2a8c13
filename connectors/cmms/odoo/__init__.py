"""Odoo Maintenance, by the JSON-2 API of Odoo 19 with an API key."""

import httpx

from connectors.cmms.odoo.connector import OdooCmms
from connectors.cmms.odoo.outcomes import OdooOutcomeCodes, OdooOutcomeTable
from connectors.cmms.odoo.settings import OdooMaintenanceSettings
from domain.clock import Clock

__all__ = ["OdooCmms", "OdooMaintenanceSettings", "OdooOutcomeCodes", "OdooOutcomeTable", "connect", "outcome_codes"]


def connect(settings: OdooMaintenanceSettings, http: httpx.AsyncClient, *, system: str, clock: Clock) -> OdooCmms:
    """The connector to one Odoo; nothing is asked of it yet.

    Args:
        http: the client that sends the requests; whoever made it closes it.
        system: the id of this instance.
        clock: by which a deleted request is stamped.
    """
    return OdooCmms(settings, http, system, clock)


def outcome_codes(settings: OdooMaintenanceSettings) -> OdooOutcomeCodes:
    """The site's crosswalk from stages and words to outcome classes."""
    return OdooOutcomeCodes(settings.outcomes)
