"""Drift of the names of assets: those that a CMMS does not know any more. Pure; a reconcile makes the readings."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from domain.assets import name_words
from domain.cmms import ListedAsset, ListedAssets
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


class ComparedNames(NamedTuple):
    """What was found of the names of assets.

    Args:
        drift: what differs.
        identities: the assets of which it is known whether their names are names there.
        complete: whether that is known of all of them.
    """

    drift: tuple[Drift, ...]
    identities: frozenset[str]
    complete: bool


def compared_names(system: str, named: Sequence[NamedAsset], listed: ListedAssets) -> ComparedNames:
    """Which names of assets are no names there any more.

    Args:
        named: the assets that the CMMS serves, with their names there.
        listed: what it lists.
    """
    there: defaultdict[str, list[ListedAsset]] = defaultdict(list)
    for found in listed.assets:
        there[found.external_id.casefold()].append(found)
    missing = [each for each in named if not any(_names(each, found) for found in there[each.external_id.casefold()])]
    present = frozenset(map(_identity, named)) - frozenset(map(_identity, missing))
    if missing and listed.left_out:
        # A record that cannot be read may be of any of them.
        problem = f"records of assets that cannot be read: {listed.left_out}; assets that are not among the others: "
        return ComparedNames(
            (unlisted_assets(system, len(named), f"{problem}{len(missing)}"),), present, complete=False
        )
    if missing and not listed.assets:
        drift = unlisted_assets(system, len(named), "no asset is listed to the user of the connector")
        return ComparedNames((drift,), frozenset(), complete=False)
    gone = tuple(
        Drift(
            system=system,
            kind=DriftKind.ASSET_GONE,
            identity=_identity(each),
            subject=each.asset,
            ours=name_words(each.external_id, each.attributes),
            theirs="no asset of this name for which an order can be created",
        )
        for each in missing
    )
    return ComparedNames(gone, frozenset(map(_identity, named)), complete=True)


def unlisted_assets(system: str, named: int, problem: str) -> Drift:
    """A CMMS whose assets cannot all be listed, with the reason, and how many assets have a name there."""
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
    return all(
        ours.attributes.get(name, value).casefold() == value.casefold() for name, value in found.attributes.items()
    )


def _identity(asset: NamedAsset) -> str:
    return f"{ASSET_PREFIX}{asset.asset}"
