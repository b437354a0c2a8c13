"""Drift of the names of assets: those that a CMMS does not know any more. Pure; a reconcile makes the readings."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from domain.cmms import ListedAsset
from domain.drift import Drift, DriftKind
from domain.model import Model

ASSET_PREFIX: Final = "asset/"
"""What the identities of assets begin with, before our id of the asset."""
ASSETS_IDENTITY: Final = "assets"
"""What the assets of a system are known by together in a list of drift."""


class NamedAsset(Model):
    """An asset for which orders are made, and its name in a CMMS.

    Args:
        site: its site; None if the register does not say.
        external_id: the name.
        attributes: what that CMMS needs besides, such as `siteid`.
    """

    asset: str
    site: str | None
    external_id: str
    attributes: dict[str, str]


def asset_names_drift(system: str, named: Sequence[NamedAsset], listed: Sequence[ListedAsset]) -> tuple[Drift, ...]:
    """Which names of assets are no names there any more.

    Args:
        named: the assets that the CMMS serves, with their names there.
        listed: the assets for which an order can be created there.
    """
    if named and not listed:
        return (unlisted_assets(system, len(named), "no asset is listed to the user of the connector"),)
    there: defaultdict[str, list[ListedAsset]] = defaultdict(list)
    for each in listed:
        there[each.external_id.casefold()].append(each)
    gone = (each for each in named if not any(_names(each, found) for found in there[each.external_id.casefold()]))
    return tuple(
        Drift(
            system=system,
            kind=DriftKind.ASSET_GONE,
            identity=f"{ASSET_PREFIX}{each.asset}",
            subject=each.asset,
            ours=_called(each),
            theirs="no asset of this name for which an order can be created",
        )
        for each in gone
    )


def unlisted_assets(system: str, named: int, problem: str) -> Drift:
    """A CMMS whose assets cannot be listed, with the reason, and how many assets have a name there."""
    return Drift(
        system=system,
        kind=DriftKind.NO_ASSETS,
        identity=ASSETS_IDENTITY,
        subject=system,
        ours=f"assets that have a name there: {named}",
        theirs=problem,
    )


def _names(ours: NamedAsset, found: ListedAsset) -> bool:
    """Whether a record of the same name is the asset: numbers are unique only within a site, for example."""
    return all(ours.attributes.get(name, value) == value for name, value in found.attributes.items())


def _called(asset: NamedAsset) -> str:
    attributes = "".join(f", {name}={value}" for name, value in sorted(asset.attributes.items()))
    return f"{asset.external_id}{attributes}"
