"""The asset of a message, and the natural keys of observations."""

from datetime import datetime
from typing import NamedTuple

from domain.assets import DEVICE_SYSTEM, TWIN_SYSTEM, Asset
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


def machine_of_twin(twin: str | None, observed: Observed, register: Register, field: str) -> Asset:
    """The machine of a twin.

    Raises:
        Unmapped: no such twin is known at that time, or it is no machine.
    """
    machine = _machine_at(TWIN_SYSTEM, twin, observed.at, register)
    if machine is not None:
        return machine
    raise Unmapped(
        f"no machine was known by the twin {twin} at that time" if twin else "names no twin",
        field=field,
        natural_key=observed.key(f"twin {twin}"),
        at=observed.at,
    )


def machine_of_device(device: str, twin: str | None, observed: Observed, register: Register, field: str) -> Asset:
    """The machine of a device; the twin of the message must not belong to another machine.

    Raises:
        Unmapped: no such device is known at that time.
        EventRejected: device and twin belong to different machines.
    """
    machine = _machine_at(DEVICE_SYSTEM, device, observed.at, register)
    if machine is None:
        raise Unmapped(
            f"no machine was known by the device {device} at that time",
            field=field,
            natural_key=observed.key(f"device {device}"),
            at=observed.at,
        )
    sender = _machine_at(TWIN_SYSTEM, twin, observed.at, register)
    if sender is not None and sender.id != machine.id:
        raise EventRejected(
            f"{device} is {machine.id}, but the message came from {sender.id}",
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


def _machine_at(system: str, external_id: str | None, at: datetime, register: Register) -> Asset | None:
    asset = register.resolve(system, external_id, at) if external_id else None
    return register.asset(asset.machine) if asset is not None and asset.machine is not None else None
