"""The shift lead: the person of production who lets a held machine run again, at its panel, once people are clear."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from sandbox.jobcontrol import HoldRow
from sandbox.plant.findings import part_of
from sandbox.plant.orders import PlantOrder

PATIENCE: Final = timedelta(hours=2)
"""How long it takes, once the work is done, until people are clear and locks and tags are removed."""


class Orders(Protocol):
    """What the shift lead reads in the CMMS."""

    def orders(self) -> Sequence[PlantOrder]: ...


class Panel(Protocol):
    """What the shift lead sees and does at the machines."""

    def holds(self) -> list[HoldRow]: ...

    async def release_by_hand(self, hold: HoldRow) -> None: ...


class ShiftLead:
    """Lifts the holds of a machine two hours after the last order on it was finished, if nobody else has.

    The comment of a hold names an order; one whose comment names none is somebody else's business and stays.
    """

    def __init__(self, orders: Orders, panel: Panel) -> None:
        self._orders = orders
        self._panel = panel

    async def act(self, now: datetime) -> int:
        """Lift what is due at plant time `now`, by machine; returns the number of holds lifted."""
        due = [hold for hold, time in self._due() if time <= now]
        for hold in due:
            await self._panel.release_by_hand(hold)
        return len(due)

    def next_act_time(self) -> datetime | None:
        """When the next hold is lifted; None while there is none to lift."""
        return min((time for _, time in self._due()), default=None)

    def _due(self) -> list[tuple[HoldRow, datetime]]:
        held = sorted((hold for hold in self._panel.holds() if hold.released is None), key=lambda hold: hold.machine)
        if not held:
            return []
        orders = self._orders.orders()
        keys = {order.key for order in orders}
        due = []
        for hold in held:
            finished = _finished(hold.machine, orders)
            if hold.key in keys and finished is not None:
                due.append((hold, finished + PATIENCE))
        return due


def _finished(machine: int, orders: Sequence[PlantOrder]) -> datetime | None:
    """When the last order on a machine was finished; None while one is live, or where there was none."""
    there = [order for order in orders if (part_of(order) or (None,))[0] == machine]
    if any(order.state.live for order in there):
        return None
    return max((order.changed for order in there if order.changed is not None), default=None)
