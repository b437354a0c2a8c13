"""What the server keeps, and the transactions that change it. It is lost when the server ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from sandbox.factorysemantics.records import AuditRow, CalendarDay, Node, Routing, Slot, WorkOrder

ROLES: Final[Mapping[str, frozenset[str]]] = {
    "admin": frozenset(
        {
            "audit.read",
            "equipment.state",
            "masterdata.write",
            "orders.close",
            "orders.create",
            "orders.release",
            "plant.read",
            "production.book",
            "scheduling.plan",
        }
    ),
    "supervisor": frozenset(
        {"audit.read", "equipment.state", "orders.close", "orders.create", "orders.release", "plant.read"}
    ),
    "operator": frozenset({"equipment.state", "orders.create", "orders.release", "plant.read", "production.book"}),
    "holder": frozenset({"audit.read", "orders.close", "plant.read"}),
}
"""The capabilities of each role, as far as one is asked for here. `holder` is the site's own, for our account."""

T = TypeVar("T")


class Store:
    """The committed state of one plant."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.materials: dict[str, str] = {}
        self.routings: dict[str, Routing] = {}
        self.orders: dict[str, WorkOrder] = {}
        self.slots: dict[str, tuple[Slot, ...]] = {}
        self.days: dict[str, CalendarDay] = {}
        self._rows: list[AuditRow] = []
        self._of_entity: defaultdict[str, list[AuditRow]] = defaultdict(list)

    def trail(self, kind: str | None, entity: str | None) -> Sequence[AuditRow]:
        """The audit rows of a kind of entity and of one entity, oldest first; of all where none is named."""
        rows = self._rows if entity is None else self._of_entity.get(entity, [])
        return [row for row in rows if kind in (None, row.kind)]

    def add_rows(self, rows: Sequence[AuditRow]) -> None:
        """Adds rows to the audit trail."""
        self._rows += rows
        for row in rows:
            self._of_entity[row.entity].append(row)


class Transaction:
    """Changes that others see once they are committed, all together.

    Args:
        actor: who changes something, by the code of the account.
        now: when.
    """

    def __init__(self, store: Store, actor: str, now: datetime) -> None:
        self.store = store
        self.actor = actor
        self.now = now
        self._puts: dict[tuple[int, str], tuple[dict[str, object], object]] = {}
        self._rows: list[AuditRow] = []

    def get(self, table: dict[str, T], code: str) -> T | None:
        """A record as this transaction sees it; None if there is none."""
        put = self._puts.get((id(table), code))
        return put[1] if put is not None else table.get(code)  # type: ignore[return-value]  # what was put there

    def put(self, table: dict[str, T], code: str, record: T) -> None:
        """Keeps a record in the place of what was there."""
        self._puts[(id(table), code)] = (table, record)  # type: ignore[assignment]  # the table is of this kind

    def record(
        self,
        action: str,
        entity: str,
        *,
        kind: str = "workorder",
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        """Writes a row of the audit trail."""
        self._rows.append(AuditRow(self.now, self.actor, action, kind, entity, before, after))

    def commit(self) -> None:
        """Others see the changes. A second commit changes nothing."""
        for (_, code), (table, record) in self._puts.items():
            table[code] = record
        self.store.add_rows(self._rows)
        self._puts, self._rows = {}, []
