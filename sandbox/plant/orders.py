"""An order as the plant's people see it on the screen of their CMMS, whichever that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Literal

ClosedAs = Literal["confirmed", "nothing_found", "prevented", "cancelled"]


class OrderState(Enum):
    """How far an order is."""

    WAITING = "waiting"
    APPROVED = "approved"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    SET_ASIDE = "set_aside"
    """It waits for something that nobody at the plant sees to."""

    @property
    def live(self) -> bool:
        """Whether one of the plant's people still has to do something with it."""
        return self in (OrderState.WAITING, OrderState.APPROVED, OrderState.IN_PROGRESS)


@dataclass(frozen=True, kw_only=True)
class PlantOrder:
    """One order; times are aware UTC.

    Args:
        number: what people call it.
        place: its place in the order of their making.
        asset: the number of its asset.
        failure_class: of an order on a whole machine the class of failure, if it has one.
        key: what a machine that made it calls it, if one did.
        status: the vendor's word.
        changed: when it was changed last.
        closed_as: how it ended, read from the CMMS's fields alone; None while it has not, or without a finding.
    """

    number: str
    place: int
    asset: str
    key: str | None
    status: str
    state: OrderState
    reported: datetime | None
    changed: datetime | None
    failure_class: str = ""
    closed_as: ClosedAs | None = None
