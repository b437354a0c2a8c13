"""Changes of the crosswalk: what is asked for, what follows, and what is refused."""

from typing import Annotated

from pydantic import Field, field_validator

from domain.assets import SYSTEMS
from domain.model import Model, Moment

MOST_NAMES = 5000
"""Maximum number of names in one change."""

_Name = Annotated[str, Field(min_length=1, max_length=400)]


class NewName(Model):
    """The name that an asset is to have in another system.

    Args:
        asset: the id of the asset.
        system: `cmms`, `mes`, `twin` or `device`; or one instance, as `cmms:hamburg`.
        external_id: the name there.
        attributes: what that system needs besides the name, such as `siteid`.
        valid_from: since when, not later than now. None: from now on, and always if nothing had the name before.
    """

    asset: _Name
    system: _Name
    external_id: _Name
    attributes: dict[str, str] = {}
    valid_from: Moment | None = None

    @field_validator("system")
    @classmethod
    def _is_known(cls, system: str) -> str:
        if system.partition(":")[0] not in SYSTEMS:
            raise ValueError(f"there is no system {system!r}; there are: {', '.join(SYSTEMS)}")
        return system


class ChangedName(Model):
    """A name that a change gives to an asset.

    Args:
        row: its place in the request, from 0.
        valid_from: since when the asset has the name.
        was: the asset that had the name until then; None if none had it.
        attributes_before: the attributes that the name had until then.
        replaces: the names that the asset had in that system until then, and has no more.
    """

    row: int
    asset: str
    system: str
    external_id: str
    attributes: dict[str, str]
    valid_from: Moment
    was: str | None = None
    attributes_before: dict[str, str] = {}
    replaces: tuple[str, ...] = ()


class RefusedName(Model):
    """A name that cannot be given: its place in the request from 0, the field, the problem and the correction."""

    row: int
    field: str | None
    problem: str
    fix: str | None


class CrosswalkReport(Model):
    """What a change of the crosswalk does. If a name is refused, nothing is stored.

    Args:
        unchanged: how many names the assets have already.
        changed: the others.
        refused: those that cannot be given.
        stored: whether the change was stored.
    """

    unchanged: int
    changed: tuple[ChangedName, ...]
    refused: tuple[RefusedName, ...]
    stored: bool
