"""The asset of a message, and the natural keys of observations."""

from datetime import datetime
from typing import NamedTuple

from domain.assets import DEVICE_SYSTEM, TWIN_SYSTEM, Asset, retired_words
from domain.canonical import timestamp
from domain.errors import EventRejected
from domain.identity import part_of_key
from millwright.intake.message_content import Unmapped
from millwright.intake.register import Register


class Observed(NamedTuple):
    """The part of a natural key without the asset: what was observed, and when."""

    kind: str
    what: str
    at: datetime

    def key(self, who: str) -> str:
        """The natural key: the same for every message about this observation."""
        named = [part_of_key(name) for name in (who, self.what) if name]
        return "|".join((self.kind, *named, timestamp(self.at)))


class _Named(NamedTuple):
    """What a message names, and the machine that it is or belongs to."""

    asset: Asset
    machine: Asset


def machine_of_twin(twin: str | None, observed: Observed, register: Register, field: str) -> Asset:
    """The machine of a twin.

    Raises:
        Unmapped: no such twin is known at that time, it is no machine, or it was retired.
    """
    named = _named_at(TWIN_SYSTEM, twin, observed.at, register)
    if named is not None:
        return _machine_in_plant(named, observed, register, field)
    raise Unmapped(
        f"no machine was known by the twin {twin} at that time" if twin else "names no twin",
        field=field,
        natural_key=observed.key(f"twin {twin}"),
        at=observed.at,
    )


def machine_of_device(device: str, twin: str | None, observed: Observed, register: Register, field: str) -> Asset:
    """The machine of a device; the twin of the message must not belong to another machine.

    Raises:
        Unmapped: no such device is known at that time, or its machine was retired.
        EventRejected: device and twin belong to different machines.
    """
    named = _named_at(DEVICE_SYSTEM, device, observed.at, register)
    if named is None:
        raise Unmapped(
            f"no machine was known by the device {device} at that time",
            field=field,
            natural_key=observed.key(f"device {device}"),
            at=observed.at,
        )
    machine = _machine_in_plant(named, observed, register, field)
    sender = _named_at(TWIN_SYSTEM, twin, observed.at, register)
    if sender is not None and sender.machine.id != machine.id:
        raise EventRejected(
            f"{device} is {machine.id}, but the message came from {sender.machine.id}",
            field=field,
            fix="correct the row, or the crosswalk",
        )
    return machine


def line_of(asset: Asset, field: str, at: datetime, natural_key: str | None = None) -> str:
    """The line that judges the asset.

    Raises:
        Unmapped: it has no line.
    """
    if asset.line is None:
        problem = f"{asset.id} stands on no production line"
        raise Unmapped(problem, field=field, natural_key=natural_key, at=at)
    return asset.line


def refuse_retired(asset: str, register: Register, *, field: str, at: datetime, natural_key: str | None = None) -> None:
    """Accepts an asset that has not left the plant.

    Raises:
        Unmapped: it was retired, before or after this was observed.
    """
    left = register.retired_at(asset)
    if left is None:
        return
    later = "; this was observed earlier and came later" if at < left else ""
    raise Unmapped(
        f"{retired_words(asset, left)}{later}",
        field=field,
        natural_key=natural_key,
        at=at,
        fix="if it is in the plant again, import it with `millwright assets import`, then re-drive the event",
    )


def _named_at(system: str, external_id: str | None, at: datetime, register: Register) -> _Named | None:
    asset = register.resolve(system, external_id, at) if external_id else None
    machine = register.asset(asset.machine) if asset is not None and asset.machine is not None else None
    return None if asset is None or machine is None else _Named(asset, machine)


def _machine_in_plant(named: _Named, observed: Observed, register: Register, field: str) -> Asset:
    for asset in named:
        if register.retired_at(asset.id) is not None:
            key = observed.key(named.machine.id)
            refuse_retired(asset.id, register, field=field, at=observed.at, natural_key=key)
    return named.machine
