"""The assets that have no name in a CMMS, with what is known of them."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from domain.assets import CMMS_SYSTEM, SERIAL_ATTRIBUTE, Asset, Level, PlantRegister, system_of
from domain.instances import SiteInstances
from millwright.asset_mapping.suggesting import UnnamedAsset

_ORDERED_FOR = (Level.MACHINE, Level.COMPONENT)


class CmmsNames(NamedTuple):
    """The assets that a CMMS serves.

    Attributes:
        unnamed: machines and components without a name there, by their ids.
        taken: the names there that others have.
    """

    unnamed: list[UnnamedAsset]
    taken: set[str]


def names_in(register: PlantRegister, instance: str, instances: SiteInstances) -> CmmsNames:
    """What the register says of the names in one instance of a CMMS."""
    by_id = {asset.id: asset for asset in register.assets}
    named: defaultdict[str, set[str]] = defaultdict(set)
    serials: dict[str, str] = {}
    for alias in register.aliases:
        if alias.valid_to is not None:
            continue
        if alias.system in (CMMS_SYSTEM, system_of(CMMS_SYSTEM, instance)):
            named[alias.asset].add(alias.external_id)
        if SERIAL_ATTRIBUTE in alias.attributes:
            serials[alias.asset] = alias.attributes[SERIAL_ATTRIBUTE]
    unnamed = [
        UnnamedAsset(
            id=asset.id,
            names=tuple(_called(asset, by_id)),
            serial=serials.get(asset.id),
            above=tuple(sorted(name for above in _above(asset, by_id) for name in named.get(above.id, ()))),
        )
        for asset in sorted(register.assets, key=lambda asset: asset.id)
        if asset.level in _ORDERED_FOR and asset.id not in named and instances.serving(asset.site) == instance
    ]
    return CmmsNames(unnamed, {name for names in named.values() for name in names})


def _called(asset: Asset, by_id: dict[str, Asset]) -> Iterator[str]:
    """A component may be called the same in every machine."""
    yield asset.name
    machine = by_id.get(asset.machine or "")
    if machine is not None and machine is not asset and machine.name.casefold() not in asset.name.casefold():
        yield f"{machine.name} {asset.name}"


def _above(asset: Asset, by_id: dict[str, Asset]) -> Iterator[Asset]:
    above = by_id.get(asset.parent or "")
    while above is not None:
        yield above
        above = by_id.get(above.parent or "")
