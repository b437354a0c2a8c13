"""SAP S/4HANA Plant Maintenance, by its OData V2 services for notifications and orders."""

import httpx

from connectors.cmms.sap_pm.connector import SapPmCmms
from connectors.cmms.sap_pm.outcomes import SapPmOutcomeCodes, SapPmOutcomeTable
from connectors.cmms.sap_pm.settings import SapPmSettings
from domain.clock import Clock

__all__ = ["SapPmCmms", "SapPmOutcomeCodes", "SapPmOutcomeTable", "SapPmSettings", "connect", "outcome_codes"]


def connect(settings: SapPmSettings, http: httpx.AsyncClient, *, system: str, clock: Clock) -> SapPmCmms:
    """The connector to one client of an SAP system; nothing is asked of it yet.

    Args:
        system: the id of this instance.
        clock: the time of a deleted record, and of a notification that we complete.
    """
    return SapPmCmms(settings, http, system, clock)


def outcome_codes(settings: SapPmSettings) -> SapPmOutcomeCodes:
    """The site's crosswalk from catalog codes to outcome classes."""
    return SapPmOutcomeCodes(settings.outcomes)
