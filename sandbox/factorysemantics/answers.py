"""What the server shows of its records. A time is UTC without an offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sandbox.factorysemantics import orders
from sandbox.factorysemantics.errors import not_found
from sandbox.factorysemantics.records import AuditRow, Node, Operation, Slot, WorkOrder
from sandbox.factorysemantics.store import Store

Answer = dict[str, object]
_NO_CONNECTION: Answer = {
    "state": "unknown",
    "since": None,
    "detected_at": None,
    "reason": None,
    "source": None,
    "note": "no agent has reported a connection for this machine",
}
_OEE_WINDOW_SECONDS = 28_800.0


def time_text(moment: datetime) -> str:
    """A time as the server writes it."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()


def order(row: WorkOrder) -> Answer:
    """A work order."""
    return {
        "code": row.code,
        "material": row.material,
        "quantity": row.quantity,
        "status": row.status,
        "priority": row.priority,
        "due_date": None,
        "erp_reference": None,
        "good_qty": row.good,
        "scrap_qty": sum(each.scrap for each in row.operations),
        "over_qty": max(0.0, row.good - row.quantity),
        "operations": [
            {
                "seq": each.seq,
                "name": each.name,
                "equipment": each.equipment,
                "status": each.status,
                "good_qty": each.good,
                "scrap_qty": each.scrap,
            }
            for each in row.operations
        ],
    }


def dispatched(rows: Sequence[tuple[WorkOrder, Operation]]) -> list[Answer]:
    """What is to be done."""
    return [
        {
            "order": row.code,
            "seq": operation.seq,
            "operation": operation.name,
            "equipment": operation.equipment,
            "material": row.material,
            "status": operation.status,
            "quantity": row.quantity,
            "good_qty": operation.good,
            "priority": row.priority,
            "due_date": None,
        }
        for row, operation in rows
    ]


def page(rows: Sequence[WorkOrder], limit: int, offset: int) -> Answer:
    """A page of work orders."""
    shown = [order(row) for row in rows[offset : offset + limit]]
    more = offset + len(shown) < len(rows)
    return {"items": shown, "total": len(rows), "limit": limit, "offset": offset, "has_more": more}


def audit(rows: Sequence[AuditRow]) -> list[Answer]:
    """Rows of the audit trail."""
    return [
        {
            "ts": time_text(row.at),
            "actor": row.actor,
            "on_behalf_of": None,
            "action": row.action,
            "entity_type": row.kind,
            "entity_id": row.entity,
            "shift_code": None,
            "shift_day": None,
            "before": row.before,
            "after": row.after,
        }
        for row in rows
    ]


def node(store: Store, code: str) -> Node:
    """A machine, or a level above it.

    Raises:
        Problem: there is none.
    """
    found = store.nodes.get(code)
    if found is None:
        raise not_found("equipment", code)
    return found


def head(store: Store, code: str) -> Answer:
    """Where a machine is, and what it does."""
    unit = node(store, code)
    path: list[Answer] = []
    above = unit.parent
    while above is not None:
        each = node(store, above)
        path.insert(0, {"code": each.code, "name": each.name, "level": each.level})
        above = each.parent
    current = next(iter(orders.dispatched(store, code)), None)
    return {
        "code": unit.code,
        "name": unit.name,
        "level": unit.level,
        "path": path,
        "line": next((each for each in reversed(path) if each["level"] == "work_center"), None),
        "cost_center": None,
        "ideal_cycle_seconds": unit.cycle,
        "state": unit.state,
        "reason": unit.reason,
        "since": time_text(unit.since) if unit.since else None,
        "connection": _NO_CONNECTION,
        "current_order": current[0].code if current else None,
        "current_operation": current[1].name if current else None,
        "current_seq": current[1].seq if current else None,
    }


def oee(code: str) -> Answer:
    """The OEE of a machine, which the server withholds: no agent watches the machines of this plant."""
    return {"equipment": code, "oee": None, "ledger": {"window_seconds": _OEE_WINDOW_SECONDS}}


def board(store: Store, equipment: str | None, hours: float, now: datetime) -> Answer:
    """What is planned, machine by machine."""
    until = now + timedelta(hours=hours)
    slots = [each for group in store.slots.values() for each in group]
    slots = [each for each in slots if each.end > now and each.start < until and equipment in (None, each.equipment)]
    machines: dict[str, list[Slot]] = {}
    for each in sorted(slots, key=lambda slot: slot.start):
        machines.setdefault(each.equipment, []).append(each)
    return {
        "from": time_text(now),
        "to": time_text(until),
        "hours": hours,
        "machines": [
            {"equipment": code, "slots": [_slot(each) for each in machines[code]]} for code in sorted(machines)
        ],
        "booked_minutes": _booked(slots),
        "maintenance_minutes": _booked([each for each in slots if each.kind == "maintenance"]),
    }


def calendar(store: Store, zone: str) -> Answer:
    """When the plant works."""
    days = sorted(store.days.values(), key=lambda each: each.day)
    shown = [{"day": each.day, "kind": each.kind, "reason": each.reason, "equipment": each.equipment} for each in days]
    note = "no shift patterns defined - the plant is treated as running continuously"
    return {"timezone": zone, "timezone_defaulted": False, "shifts": [], "exceptions": shown, "note": note}


def _slot(slot: Slot) -> Mapping[str, object]:
    return {
        "kind": slot.kind,
        "order": slot.order,
        "seq": slot.seq,
        "what": slot.what,
        "planned_start": time_text(slot.start),
        "planned_end": time_text(slot.end),
        "minutes": slot.minutes,
    }


def _booked(slots: Sequence[Slot]) -> float:
    return round(sum(each.minutes for each in slots), 1)
