"""What an act of a person is for: the whole plant, or the part of it that the act names."""

from domain.assigning import Scope
from domain.model import Model

_WORDS = {
    "asset": "asset",
    "site": "site",
    "line": "line",
    "asset_class": "asset class",
    "failure_mode": "failure mode",
}


class ActScope(Model):
    """The names of an act, which together narrow its scope. Without any it is the whole plant.

    `asset` is a site, a line, a machine or a part, with everything below it. `percent` is a share of the machines.
    """

    asset: str | None = None
    site: str | None = None
    line: str | None = None
    asset_class: str | None = None
    failure_mode: str | None = None
    percent: float | None = None

    @property
    def names(self) -> dict[str, str]:
        """The names of the scope by their fields."""
        fields = {field: getattr(self, field) for field in _WORDS}
        return {field: name for field, name in fields.items() if name is not None}

    @property
    def words(self) -> str:
        """The scope as people read it."""
        told = [named(field, name) for field, name in self.names.items()]
        if self.percent is not None:
            told.append(f"{self.percent:g} percent of the machines")
        return " and ".join(told) or "the whole plant"


WHOLE_PLANT = ActScope()


def named(field: str, name: str) -> str:
    """A name with its kind, as people read it: `asset class pump`."""
    return f"{_WORDS[field]} {name}"


def narrowest(scope: Scope) -> ActScope:
    """The scope of an assignment. Only its most specific name counts, as in `Scope.covers`."""
    for field in ("line", "asset_class", "site", "percent"):
        value = getattr(scope, field)
        if value is not None:
            return ActScope.model_validate({field: value})
    return WHOLE_PLANT


def reaches(machines: int) -> str:
    """The sentence that tells how many machines an act reaches."""
    return f"It reaches {machines} machine{'' if machines == 1 else 's'}."
