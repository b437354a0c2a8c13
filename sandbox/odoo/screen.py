"""The plant's Odoo, and what its people do in its app Maintenance."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from sandbox import naming
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.odoo.reading import display_name, is_done
from sandbox.odoo.schema import EQUIPMENT, MESSAGE, REQUEST, STAGE
from sandbox.odoo.server import APPROVED, DATABASE, IN_PROGRESS, NEW, REPAIRED, OdooServer
from sandbox.odoo.store import Values
from sandbox.plant.findings import NOTHING_FOUND, REPAIRED_IN_TIME, REPLACED, Finding, closed_by
from sandbox.plant.orders import OrderState, PlantOrder
from sandbox.twins.graph import PlantMachine

API_KEY: Final = "sandbox-millwright-key"
_PLANNER: Final = "planner"
_TECHNICIAN: Final = "technician"
_KEY: Final = re.compile(r"key: (\w+)<")
_WORD: Final = re.compile(r"<p>(\w+)</p>")


class OdooScreen:
    """It satisfies `sandbox.cmms.PlantCmms`. It keeps nothing on disk.

    Odoo has no failure codes: a technician writes problem, cause and remedy into a note, each on a line of its own.
    """

    asset_ids: Mapping[str, str] = {}

    def __init__(
        self, _directory: Path | None, clock: Clock, machines: Sequence[PlantMachine], port: int, faults: Faults
    ) -> None:
        self.server = OdooServer(clock, API_KEY, faults, port)
        for machine in machines:
            for name in naming.assetnums(machine.id):
                self.server.add_equipment(name)

    @property
    def access(self) -> Mapping[str, str]:
        return {"cmms_database": DATABASE, "cmms_apikey": API_KEY}

    def orders(self) -> list[PlantOrder]:
        return [self._order(request) for request in self.server.requests()]

    def approve(self, order: PlantOrder) -> None:
        self._move(_PLANNER, order, self.server.stage(APPROVED))

    def cancel(self, order: PlantOrder, memo: str) -> None:
        self._say(_PLANNER, order, f"Rejected: {memo}")
        self.server.do(_PLANNER, REQUEST, "archive_equipment_request", ids=[order.place])

    def take(self, order: PlantOrder, labor: str) -> None:
        del labor  # All technicians of the site are one user.
        self._move(_TECHNICIAN, order, IN_PROGRESS)

    def complete(self, order: PlantOrder, finding: Finding) -> None:
        self._say(_TECHNICIAN, order, finding.notes, *finding.codes)
        self._move(_TECHNICIAN, order, REPAIRED)

    def _move(self, person: str, order: PlantOrder, stage: int) -> None:
        self.server.do(person, REQUEST, "write", ids=[order.place], vals={"stage_id": stage})

    def _say(self, person: str, order: PlantOrder, *lines: str) -> None:
        body = "".join(f"<p>{html.escape(line, quote=False)}</p>" for line in lines)
        said = {"body": body, "body_is_html": True, "message_type": "comment"}
        self.server.do(person, REQUEST, "message_post", ids=[order.place], **said)

    def _order(self, request: Values) -> PlantOrder:
        number = int(str(request["id"]))
        state = self._state(request)
        words = self._words(number) if state is OrderState.COMPLETED else []
        equipment = self.server.store.records[EQUIPMENT].get(int(str(request["equipment_id"] or 0)), {})
        key = _KEY.search(str(request["description"]))
        remedy = next((word for word in (REPLACED, REPAIRED_IN_TIME) if word in words), "")
        return PlantOrder(
            number=str(number),
            place=number,
            asset=str(equipment.get("serial_no") or ""),
            key=key[1] if key else None,
            status=display_name(self.server.store, STAGE, request["stage_id"]),
            state=state,
            reported=_shown(request["create_date"]),
            changed=_shown(request["write_date"]),
            closed_as=closed_by(state, NOTHING_FOUND[0] if NOTHING_FOUND[0] in words else "", remedy),
        )

    def _state(self, request: Values) -> OrderState:
        if is_done(self.server.store, request):
            return OrderState.COMPLETED
        if request["archive"]:
            return OrderState.CANCELLED
        if request["kanban_state"] == "blocked":
            return OrderState.SET_ASIDE
        if request["stage_id"] == IN_PROGRESS:
            return OrderState.IN_PROGRESS
        return OrderState.WAITING if request["stage_id"] == NEW else OrderState.APPROVED

    def _words(self, request: int) -> list[str]:
        """The words that people wrote alone on a line."""
        store = self.server.store
        messages = [store.records[MESSAGE][number] for number in store.messages_on(request)]
        said = [str(message["body"]) for message in messages if message["message_type"] == "comment"]
        return [word for body in said for word in _WORD.findall(body)]


def _shown(stamp: object) -> datetime | None:
    """A stamp without its parts of a second, as people see it."""
    return stamp.replace(microsecond=0) if isinstance(stamp, datetime) else None
