"""Two breakdowns that no sensor of the plant shows: people repair them, and then write the order for it.

They are in no file of the data. One is of a component whose signal is watched, and shows nothing. The other is of a
kind that nobody watches on that component.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, runtime_checkable

from sandbox import naming
from sandbox.plant.dataset import Dataset
from sandbox.plant.findings import Finding, finding_of
from sandbox.plant.orders import PlantOrder
from sandbox.plant.signals import COMPONENTS

_QUIET: Final = timedelta(days=4)
"""For how long before and after nothing else happens to the machine."""
_REPAIR: Final = timedelta(hours=6)
_BREAKDOWNS: Final = (("comp2", "comp2"), ("comp1", "comp4"))
"""The component of each, and the component whose kind of failure it shows: vibration is measured at the fourth only."""


@runtime_checkable
class BreakdownScreen(Protocol):
    """What the people use of the CMMS for it."""

    def orders(self) -> Sequence[PlantOrder]: ...

    def report_breakdown(self, asset: str, reported: datetime, finding: Finding) -> None:
        """A technician writes an order for corrective work that is done, and completes it."""


class Breakdowns:
    """Reports both breakdowns once, in the middle of the data.

    Args:
        cmms: where people work; one without a screen for it gets none.
    """

    def __init__(self, cmms: object, dataset: Dataset) -> None:
        self._cmms = cmms if isinstance(cmms, BreakdownScreen) else None
        self._at = dataset.first + (dataset.last - dataset.first) / 2
        quiet = [
            machine.id
            for machine in dataset.machines
            if dataset.replaced_within(machine.id, COMPONENTS, self._at - _QUIET, self._at + _QUIET) is None
        ]
        self._broken = {
            naming.component_assetnum(machine, component): looks_like
            for machine, (component, looks_like) in zip(quiet, _BREAKDOWNS, strict=False)
        }

    def report(self, now: datetime) -> list[str]:
        """Writes the orders that are due and not there yet; returns the assets that broke down."""
        if self._cmms is None or now < self._at:
            return []
        # A plant that is started again has its orders.
        written = {order.asset for order in self._cmms.orders() if order.key is None}
        asked = [asset for asset in self._broken if asset not in written]
        for asset in asked:
            finding = finding_of(self._broken[asset], "confirmed", now - _REPAIR, now)
            self._cmms.report_breakdown(asset, now - _REPAIR, finding)
        return asked
