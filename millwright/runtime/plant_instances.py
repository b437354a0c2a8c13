"""Which instance of a CMMS or an MES serves which site, by the settings."""

from collections.abc import Mapping

from domain.instances import PlantInstances, SiteInstances
from millwright.settings import ConnectorSettings, Settings


def plant_instances(settings: Settings) -> PlantInstances:
    """Which CMMS and MES serve which site."""
    return PlantInstances(cmms=_by_site(settings.all_cmms()), mes=_by_site(settings.all_mes()))


def _by_site(named: Mapping[str, ConnectorSettings]) -> SiteInstances:
    return SiteInstances(
        by_site={site: system for system, settings in named.items() for site in settings.sites},
        otherwise=next((system for system, settings in named.items() if not settings.sites), None),
    )
