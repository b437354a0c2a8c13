"""Changes of the crosswalk: what is asked for, what follows, and what is refused."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.assets import CMMS_SYSTEM, MES_SYSTEM, SYSTEMS
from domain.model import Model, Moment

MOST_NAMES = 5000
"""Maximum number of names in one change."""

Name = Annotated[str, Field(min_length=1, max_length=400)]
"""The id of an asset, or a name of it in another system."""


def _known(system: str) -> str:
    if system.partition(":")[0] not in SYSTEMS:
        raise ValueError(f"there is no system {system!r}; there are: {', '.join(SYSTEMS)}")
    return system


NamedSystem = Annotated[Name, AfterValidator(_known)]
"""A kind of system, such as `cmms`, or one instance, such as `cmms:hamburg`."""


class NewName(Model):
    """The name that an asset is to have in another system.

    Args:
        asset: the id of the asset.
        system: `cmms`, `mes`, `twin` or `device`; or one instance, as `cmms:hamburg`.
        external_id: the name there.
        attributes: what that system needs besides the name, such as `siteid`.
        valid_from: since when, not later than now. None: from now on, and always if nothing had the name before.
    """

    asset: Name
    system: NamedSystem
    external_id: Name
    attributes: dict[str, str] = {}
    valid_from: Moment | None = None


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


def has_one_name(system: str) -> bool:
    """Whether an asset has one name at a time in a system: in a CMMS or an MES, because orders and holds are placed by
    it."""
    return system.partition(":")[0] in (CMMS_SYSTEM, MES_SYSTEM)


def contradictions(names: Sequence[NewName], now: datetime) -> Iterator[RefusedName]:
    """Refuses rows of which one contradicts the other. Of a row that contradicts in two ways, there are two refusals.

    Args:
        names: all that are given; a refusal has its place among them.
        now: the time from which a name without a time is valid.
    """
    by_name: dict[tuple[str, str, datetime], list[int]] = defaultdict(list)
    by_asset: dict[tuple[str, str, datetime], list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        at = name.valid_from or now
        by_name[name.system, name.external_id, at].append(row)
        if has_one_name(name.system):
            by_asset[name.asset, name.system, at].append(row)
    for (system, external_id, _), rows in by_name.items():
        meant = {(names[row].asset, str(sorted(names[row].attributes.items()))) for row in rows}
        if len(meant) > 1:
            owners = " and ".join(sorted({names[row].asset for row in rows}))
            problem = f"{external_id} in {system} is given more than once from the same time, to {owners}"
            for row in rows:
                yield RefusedName(row=row, field="external_id", problem=problem, fix="keep one of these rows")
    for (asset, system, _), rows in by_asset.items():
        given = sorted({names[row].external_id for row in rows})
        if len(given) > 1:
            problem = f"{asset} is given more than one name in {system} from the same time: {', '.join(given)}"
            for row in rows:
                yield RefusedName(row=row, field="external_id", problem=problem, fix="keep one of these rows")
