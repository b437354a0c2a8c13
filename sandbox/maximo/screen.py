"""The plant's Maximo, and what its people do at Maximo's screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.maximo.assets import Machine
from sandbox.maximo.server import MaximoServer
from sandbox.maximo.work_order_view import WorkOrderView
from sandbox.plant.findings import Finding, closed_by
from sandbox.plant.orders import OrderState, PlantOrder
from sandbox.twins.graph import PlantMachine

API_KEYS: Final[Mapping[str, str]] = {"sandbox-millwright": "MILLWRIGHT"}
_PLANNER: Final = "PLANNER"
_STATES: Final = {
    "WAPPR": OrderState.WAITING,
    "APPR": OrderState.APPROVED,
    "INPRG": OrderState.IN_PROGRESS,
    "COMP": OrderState.COMPLETED,
    "CLOSE": OrderState.COMPLETED,
    "CAN": OrderState.CANCELLED,
}


class MaximoScreen:
    """It satisfies `sandbox.cmms.PlantCmms`."""

    asset_ids: Mapping[str, str] = {}

    def __init__(
        self, directory: Path | None, clock: Clock, machines: Sequence[PlantMachine], port: int, faults: Faults
    ) -> None:
        self.server = MaximoServer(directory, clock, API_KEYS, port, faults)
        self.server.register_assets(
            Machine(machine.id, f"Machine {machine.id}, {machine.model}") for machine in machines
        )

    @property
    def access(self) -> Mapping[str, str]:
        return {"cmms_apikey": next(iter(API_KEYS))}

    def orders(self) -> list[PlantOrder]:
        return [order_of(view) for view in self.server.work_orders()]

    def approve(self, order: PlantOrder) -> None:
        self._move(order, "APPR", "Reviewed, go ahead", _PLANNER)

    def cancel(self, order: PlantOrder, memo: str) -> None:
        self._move(order, "CAN", memo, _PLANNER)

    def take(self, order: PlantOrder, labor: str) -> None:
        self._move(order, "INPRG", f"Taken by {labor}", labor)

    def complete(self, order: PlantOrder, finding: Finding) -> None:
        problem, cause, remedy = finding.codes
        labor = finding.trade.labor
        self.server.report_actual(
            order.number,
            actstart=finding.begun,
            actfinish=finding.ended,
            failurecode=finding.trade.failure_class,
            problem=problem,
            cause=cause,
            remedy=remedy,
            labor=[(labor, finding.hours)],
            parts=[(finding.part, 1)] if finding.part else (),
            notes=finding.notes,
            downtime=finding.downtime,
            by=labor,
        )
        self._move(order, "COMP", f"Closed as {finding.closed_as.replace('_', ' ')}", labor)

    def report_breakdown(self, asset: str, reported: datetime, finding: Finding) -> None:
        """See `sandbox.plant.breakdowns.BreakdownScreen`."""
        made = self.server.create(
            {
                "assetnum": asset,
                "description": f"Breakdown: {finding.trade.finding}",
                "worktype": "CM",
                "reportdate": reported.isoformat(),
            },
            finding.trade.labor,
        )
        order = order_of(made)
        self.approve(order)
        self.take(order, finding.trade.labor)
        self.complete(order, finding)

    def _move(self, order: PlantOrder, status: str, memo: str, by: str) -> None:
        self.server.change_status(order.number, status, memo, by)


def order_of(view: WorkOrderView) -> PlantOrder:
    """A work order as the plant's people see it."""
    state = _STATES.get(view.internal_status, OrderState.SET_ASIDE)
    return PlantOrder(
        number=view.wonum,
        place=view.workorderid,
        asset=view.assetnum,
        failure_class=view.failurecode,
        key=view.externalrefid or None,
        status=view.status,
        state=state,
        reported=view.reportdate,
        changed=view.statusdate,
        closed_as=closed_by(state, view.problem, view.remedy),
    )
