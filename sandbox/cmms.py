"""The CMMS servers of the sandbox, by the names of the connectors to them. A plant has one of them.

A further one needs a screen that satisfies `PlantCmms`, and a line in `_SCREENS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from sandbox.atlas.screen import AtlasScreen
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.maintainx.screen import MaintainXScreen
from sandbox.maximo.screen import MaximoScreen
from sandbox.odoo.screen import OdooScreen
from sandbox.plant.findings import Finding
from sandbox.plant.orders import PlantOrder
from sandbox.sap_pm.screen import SapPmScreen
from sandbox.twins.graph import PlantMachine

MAXIMO: Final = "maximo"


class CmmsServer(Protocol):
    """A server that answers machines."""

    @property
    def port(self) -> int: ...

    @property
    def url(self) -> str: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class PlantCmms(Protocol):
    """What the plant needs of its CMMS: the server, and the screen at which its people work."""

    @property
    def server(self) -> CmmsServer: ...

    @property
    def access(self) -> Mapping[str, str]:
        """What a client needs beside the address, by the names that `endpoints.json` has for it."""

    @property
    def asset_ids(self) -> Mapping[str, str]:
        """How the CMMS names an asset in the place of its number; empty if by its number."""

    def orders(self) -> Sequence[PlantOrder]:
        """Every order, in the order of their making."""

    def approve(self, order: PlantOrder) -> None:
        """The planner approves an order that waits."""

    def cancel(self, order: PlantOrder, memo: str) -> None:
        """The planner cancels an order that waits."""

    def take(self, order: PlantOrder, labor: str) -> None:
        """A technician begins the work of an approved order."""

    def complete(self, order: PlantOrder, finding: Finding) -> None:
        """A technician reports what was found, and completes the order."""


_SCREENS: Final[Mapping[str, Callable[[Path | None, Clock, Sequence[PlantMachine], int, Faults], PlantCmms]]] = {
    MAXIMO: MaximoScreen,
    "sap_pm": SapPmScreen,
    "atlas": AtlasScreen,
    "odoo": OdooScreen,
    "maintainx": MaintainXScreen,
}
NAMES: Final = tuple(_SCREENS)


def open_cmms(
    name: str, directory: Path | None, clock: Clock, machines: Sequence[PlantMachine], port: int, faults: Faults
) -> PlantCmms:
    """The CMMS of a plant, which knows its machines and their components; it does not answer yet.

    Args:
        directory: where it keeps what it can keep; None for nowhere.

    Raises:
        ValueError: there is none of this name.
    """
    if name not in _SCREENS:
        raise ValueError(f"cmms: {name!r} is not one of {', '.join(NAMES)}")
    return _SCREENS[name](directory, clock, machines, port, faults)
