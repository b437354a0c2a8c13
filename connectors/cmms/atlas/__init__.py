"""Atlas CMMS (Grashjs/cmms), by its REST API with the sign-in of one user."""

import httpx

from connectors.cmms.atlas.connector import AtlasCmms
from connectors.cmms.atlas.settings import AtlasSettings
from connectors.finding_codes import FindingCodes
from domain.clock import Clock

__all__ = ["AtlasCmms", "AtlasSettings", "connect", "outcome_codes"]


def connect(settings: AtlasSettings, http: httpx.AsyncClient, *, system: str, clock: Clock) -> AtlasCmms:
    """The connector to one Atlas; nothing is asked of it yet.

    Args:
        system: the id of this instance.
        clock: by which a deleted order is stamped.
    """
    return AtlasCmms(settings, http, system, clock)


def outcome_codes(settings: AtlasSettings) -> FindingCodes:
    """The site's table from what technicians choose to outcome classes."""
    return FindingCodes(settings.outcomes)
