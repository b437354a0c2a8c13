"""The plant's MaintainX, and what its people do at its screens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sandbox import naming
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.maintainx.server import MaintainXServer
from sandbox.maintainx.store import WorkOrder
from sandbox.plant.findings import Finding, closed_by
from sandbox.plant.orders import OrderState, PlantOrder
from sandbox.twins.graph import PlantMachine

API_KEY: Final = "sandbox-millwright-key"
_STATES: Final = {
    "IN_PROGRESS": OrderState.IN_PROGRESS,
    "ON_HOLD": OrderState.SET_ASIDE,
    "DONE": OrderState.COMPLETED,
    "CANCELED": OrderState.CANCELLED,
    "SKIPPED": OrderState.CANCELLED,
}
_KEY: Final = re.compile(r"\[(\w+)\]$")


class MaintainXScreen:
    """It satisfies `sandbox.cmms.PlantCmms`. It keeps nothing on disk.

    MaintainX has no waiting state. A new order waits until the planner gives it to the technician, or cancels it.
    """

    def __init__(
        self, _directory: Path | None, clock: Clock, machines: Sequence[PlantMachine], port: int, faults: Faults
    ) -> None:
        self.server = MaintainXServer(clock, API_KEY, faults, port)
        names = [name for machine in machines for name in naming.assetnums(machine.id)]
        self._names = {self.server.add_asset(name).id: name for name in names}

    @property
    def access(self) -> Mapping[str, str]:
        return {"cmms_apikey": API_KEY}

    @property
    def asset_ids(self) -> Mapping[str, str]:
        return {name: str(number) for number, name in self._names.items()}

    def orders(self) -> list[PlantOrder]:
        return [self._order(order) for order in self.server.orders()]

    def approve(self, order: PlantOrder) -> None:
        self.server.assign(self._work(order))

    def cancel(self, order: PlantOrder, memo: str) -> None:
        work = self._work(order)
        self.server.fill(work, **{"Why not": memo})
        self.server.cancel(work)

    def take(self, order: PlantOrder, labor: str) -> None:
        del labor  # All technicians of the organisation are one user.
        self.server.change_status(self._work(order), "IN_PROGRESS")

    def complete(self, order: PlantOrder, finding: Finding) -> None:
        work = self._work(order)
        problem, cause, remedy = finding.codes
        self.server.fill(work, Problem=problem, Cause=cause, Remedy=remedy, Remarks=finding.notes)
        self.server.change_status(work, "DONE")

    def _work(self, order: PlantOrder) -> WorkOrder:
        return self.server.store.orders[order.place]

    def _order(self, order: WorkOrder) -> PlantOrder:
        asset, key, fields = order.content.get("assetId"), _KEY.search(order.title), order.extra_fields
        waits = OrderState.APPROVED if order.content.get("assignees") else OrderState.WAITING
        state = _STATES.get(order.status, waits)
        return PlantOrder(
            number=str(order.sequential_id),
            place=order.id,
            asset=self._names.get(asset, "") if isinstance(asset, int) else "",
            key=key[1] if key else None,
            status=order.status,
            state=state,
            reported=order.created_at,
            changed=order.updated_at,
            closed_as=closed_by(state, str(fields.get("Problem") or ""), str(fields.get("Remedy") or "")),
        )
