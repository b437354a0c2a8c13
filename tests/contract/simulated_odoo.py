"""The sandbox's Odoo in the place of a real one, for the tests that a real one passes."""

from dataclasses import dataclass

from sandbox.odoo.manufacturing import LOG
from sandbox.odoo.server import DATABASE, OdooServer
from sandbox.odoo.store import Store
from tests.contract.foreign.odoo_server import OdooDatabase

PEOPLE = ("millwright", "operator", "manager", "cmms", "planner", "technician")


@dataclass(frozen=True)
class SimulatedOdoo(OdooDatabase):
    """The only database of a server. There is no SQL to reach it by.

    Args:
        store: what it keeps.
    """

    store: Store

    @classmethod
    def of(cls, server: OdooServer) -> "SimulatedOdoo":
        return cls(server.url, DATABASE, {person: server.key_of(person) for person in PEOPLE}, "", server.store)

    def holds_at(self, centre: int) -> list[tuple[str, bool]]:
        logs, names = self.store.records[LOG], self.store.names_of(LOG)
        here = [number for number in sorted(names) if logs[number]["workcenter_id"] == centre]
        return [(names[number].removeprefix("millwright."), not logs[number]["date_end"]) for number in here]
