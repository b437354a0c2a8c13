"""The MES servers of the sandbox, by the names of the connectors to them. A plant has one of them.

A further one needs a server that satisfies `PlantMes`, and a branch in `open_mes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from sandbox.clock import Clock
from sandbox.factorysemantics.mes import FactorySemanticsMes
from sandbox.faults import Faults
from sandbox.jobcontrol import HoldRow, JobControlServer
from sandbox.odoo.mes import OdooMes
from sandbox.sap_dm import SapDmServer

OPCUA_JOB_CONTROL: Final = "opcua_job_control"
SAP_DM: Final = "sap_dm"
ODOO_MRP: Final = "odoo_mrp"
FACTORYSEMANTICS: Final = "factorysemantics"
NAMES: Final = (OPCUA_JOB_CONTROL, SAP_DM, ODOO_MRP, FACTORYSEMANTICS)


class PlantMes(Protocol):
    """What the plant needs of its MES."""

    @property
    def name(self) -> str:
        """Which of `NAMES` it is."""

    @property
    def port(self) -> int: ...

    @property
    def url(self) -> str: ...

    @property
    def access(self) -> Mapping[str, str]:
        """What a client needs beside the address, by the names that `endpoints.json` has for it."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def advance(self, now: datetime) -> None: ...

    def holds(self) -> list[HoldRow]:
        """Every hold that a client placed, oldest first."""

    async def release_by_hand(self, hold: HoldRow) -> None:
        """Lift a hold without a client, as a shift lead does; one that is lifted already is left alone."""


def open_mes(
    name: str,
    directory: Path,
    clock: Clock,
    equipment: Sequence[tuple[int, str, str]],
    port: int,
    faults: Faults,
    seed: int,
) -> PlantMes:
    """The MES of a plant; it does not answer yet.

    Raises:
        ValueError: there is none of this name.
    """
    if name == OPCUA_JOB_CONTROL:
        return JobControlServer(directory, clock, equipment, port, faults, seed)
    if name == SAP_DM:
        return SapDmServer(directory, clock, equipment, port, faults, seed)
    if name == ODOO_MRP:
        return OdooMes(directory, clock, equipment, port, faults, seed)
    if name == FACTORYSEMANTICS:
        return FactorySemanticsMes(directory, clock, equipment, port, faults, seed)
    raise ValueError(f"mes: {name!r} is not one of {', '.join(NAMES)}")
