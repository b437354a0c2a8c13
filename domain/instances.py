"""Which instance of a CMMS or an MES serves a site."""

from domain.model import Model


class SiteInstances(Model):
    """The instances of one kind in an installation.

    Args:
        by_site: for each site, the instance that names it in its settings.
        otherwise: the instance that serves all other sites; None if there is none.
    """

    by_site: dict[str, str] = {}
    otherwise: str | None = None

    def serving(self, site: str | None) -> str | None:
        """The instance that serves a site; None if there is none."""
        return self.by_site.get(site or "", self.otherwise)


class PlantInstances(Model):
    """The CMMS and MES instances of an installation."""

    cmms: SiteInstances = SiteInstances()
    mes: SiteInstances = SiteInstances()
