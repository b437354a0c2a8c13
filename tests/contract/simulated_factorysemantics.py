"""The sandbox's FactorySemantics MES in the place of a real one, for the tests that a real one passes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.factorysemantics.server import FactorySemanticsServer as Sandbox
from tests.contract.foreign.factorysemantics_server import ACCOUNT, FactorySemanticsServer


@dataclass
class SimulatedFactorySemantics(FactorySemanticsServer):
    """A plant that is no process of its own.

    Args:
        sandbox: its server.
    """

    sandbox: Sandbox | None = None

    @classmethod
    async def of(cls, sandbox: Sandbox) -> "SimulatedFactorySemantics":
        """A server with the line of the vendor's demonstration, without its machines."""
        made = cls(sandbox.url, Path(), {}, sandbox)
        await made.ask("ADMIN", "POST", "/masterdata/equipment", code="SIMLINE", name="Line", level="work_center")
        return made

    async def ask(self, person: str, method: str, path: str, **body: Any) -> Any:
        answer = await super().ask(person, method, path, **body)
        if self.sandbox is not None:
            self.sandbox.commit()
        return answer

    def reasons_on(self, orders: Sequence[str]) -> list[tuple[str, bool]]:
        if self.sandbox is None:
            return []
        rows, found = self.sandbox.store, []
        for code in orders:
            trail = [row for row in rows.trail("workorder", code) if row.action == "workorder.hold_reason"]
            held = rows.orders[code].status == "on_hold"
            found += [(row.at, str((row.after or {})["reason"]), held and row is trail[-1], row.actor) for row in trail]
        return [(reason, is_open) for _, reason, is_open, actor in sorted(found) if actor == ACCOUNT]
