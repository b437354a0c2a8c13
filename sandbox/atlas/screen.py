"""The plant's Atlas, and what its people do at Atlas's screens: an order may have begun as a request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from sandbox import naming
from sandbox.atlas.server import AtlasServer
from sandbox.atlas.store import ORDER, REQUEST, KeptRecord
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.plant.findings import Finding, closed_by
from sandbox.plant.orders import OrderState, PlantOrder
from sandbox.twins.graph import PlantMachine

EMAIL: Final = "millwright@plant.local"
PASSWORD: Final = "sandbox-millwright"  # noqa: S105 the sandbox's
_STATES: Final = {
    "OPEN": OrderState.APPROVED,
    "IN_PROGRESS": OrderState.IN_PROGRESS,
    "ON_HOLD": OrderState.SET_ASIDE,
    "COMPLETE": OrderState.COMPLETED,
}
_KEY: Final = re.compile(r"\[(\w+)\]$")


class AtlasScreen:
    """It satisfies `sandbox.cmms.PlantCmms`. It keeps nothing on disk. Its company has a licence, so that technicians
    can book their time."""

    asset_ids: Mapping[str, str] = {}

    def __init__(
        self, _directory: Path | None, clock: Clock, machines: Sequence[PlantMachine], port: int, faults: Faults
    ) -> None:
        self.server = AtlasServer(clock, EMAIL, PASSWORD, "1.8+", faults, port, licensed=True)
        assets = [self.server.add_asset(name) for machine in machines for name in naming.assetnums(machine.id)]
        self._numbers = {asset.id: asset.barcode for asset in assets}

    @property
    def access(self) -> Mapping[str, str]:
        return {"cmms_email": EMAIL, "cmms_password": PASSWORD}

    def orders(self) -> list[PlantOrder]:
        records = [*self.server.records("request"), *self._without_request()]
        return [self._order(record) for record in sorted(records, key=lambda record: record.id)]

    def approve(self, order: PlantOrder) -> None:
        self.server.approve(self.server.store.record(REQUEST, order.place))

    def cancel(self, order: PlantOrder, memo: str) -> None:
        self.server.reject(self.server.store.record(REQUEST, order.place), memo)

    def take(self, order: PlantOrder, labor: str) -> None:
        del labor  # All technicians of the company are one user.
        self.server.change_status(self._work(order), "IN_PROGRESS")

    def complete(self, order: PlantOrder, finding: Finding) -> None:
        work = self._work(order)
        work.fields = dict(zip(("Problem", "Cause", "Remedy"), finding.codes, strict=True))
        self.server.log_work(work, timedelta(hours=finding.hours))
        if finding.part:
            self.server.use_part(work, finding.part, 1)
        self.server.change_status(work, "COMPLETE", finding.notes)

    def _without_request(self) -> list[KeptRecord]:
        return [order for order in self.server.records("work_order") if order.other is None]

    def _work(self, order: PlantOrder) -> KeptRecord:
        return self._latest(self.server.store.records[REQUEST].get(order.place), order.place)

    def _latest(self, request: KeptRecord | None, number: int) -> KeptRecord:
        """The order of a request, or else the request; without a request the order of this number."""
        if request is None:
            return self.server.store.record(ORDER, number)
        return self.server.store.records[ORDER].get(request.other or 0, request)

    def _order(self, record: KeptRecord) -> PlantOrder:
        latest = self._latest(record, record.id) if record.kind == REQUEST else record
        state = _state_of(latest)
        key = _KEY.search(latest.title)
        return PlantOrder(
            number=latest.custom_id,
            place=record.id,
            asset=self._numbers.get(latest.asset or 0, ""),
            key=key[1] if key else None,
            status=latest.status if latest.kind == ORDER else "REQUEST",
            state=state,
            reported=record.created_at,
            changed=latest.updated_at,
            closed_as=closed_by(state, latest.fields.get("Problem", ""), latest.fields.get("Remedy", "")),
        )


def _state_of(record: KeptRecord) -> OrderState:
    if record.kind == REQUEST:
        return OrderState.CANCELLED if record.cancelled else OrderState.WAITING
    state = _STATES[record.status]
    return OrderState.CANCELLED if record.archived and state is not OrderState.COMPLETED else state
