"""What becomes of work orders: planned, released, running, completed, closed, and on hold or cancelled on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from sandbox.factorysemantics.errors import Problem, bad_input, conflict, not_found
from sandbox.factorysemantics.records import Operation, WorkOrder
from sandbox.factorysemantics.store import Store, Transaction

_TRANSITIONS: Final[Mapping[str, frozenset[str]]] = {
    "planned": frozenset({"released", "cancelled"}),
    "released": frozenset({"running", "on_hold", "cancelled"}),
    "running": frozenset({"completed", "on_hold"}),
    "on_hold": frozenset({"released", "running", "cancelled"}),
    "completed": frozenset({"closed"}),
}


def found(change: Transaction, code: str) -> WorkOrder:
    """A work order.

    Raises:
        Problem: there is none.
    """
    order = change.get(change.store.orders, code)
    if order is None:
        raise not_found("work order", code)
    return order


def create(change: Transaction, code: str, material: str, quantity: float, priority: int = 50) -> WorkOrder:
    """A new work order with the operations of its material's routing."""
    store = change.store
    if quantity <= 0:
        raise bad_input("order quantity must be positive")
    if change.get(store.orders, code) is not None:
        raise conflict(f"work order {code!r} already exists")
    if change.get(store.materials, material) is None:
        raise not_found("material", material)
    routing = change.get(store.routings, material)
    if routing is None:
        raise bad_input(f"material {material!r} has no routing — cannot build order operations")
    operations = tuple(Operation(step.seq, step.name, step.equipment) for step in routing.steps)
    order = WorkOrder(len(store.orders) + 1, code, material, quantity, operations, priority=priority)
    change.put(store.orders, code, order)
    made = {"material": material, "quantity": quantity, "routing": routing.code}
    change.record("workorder.created", code, after=made)
    return order


def release(change: Transaction, code: str) -> WorkOrder:
    """Lets a planned work order be worked on."""
    return _moved(change, found(change, code), "released")


def cancel(change: Transaction, code: str) -> WorkOrder:
    """Gives a work order up."""
    return _moved(change, found(change, code), "cancelled")


def close(change: Transaction, code: str) -> WorkOrder:
    """Closes a completed work order."""
    return _moved(change, found(change, code), "closed")


def hold(change: Transaction, code: str, reason: str) -> WorkOrder:
    """Stops a work order. Its operations keep their status. Two audit rows say so: the change, then the reason."""
    if not reason.strip():
        raise bad_input("a hold needs a reason - the person resuming it has to know why")
    order = _moved(change, found(change, code), "on_hold")
    change.record("workorder.hold_reason", code, after={"reason": reason.strip()})
    return order


def resume(change: Transaction, code: str) -> WorkOrder:
    """Lets a work order on hold go on, whoever held it: it runs again if one of its operations had begun."""
    order = found(change, code)
    if order.status != "on_hold":
        raise conflict(f"work order {code} is {order.status}, not on hold")
    began = any(operation.status != "pending" for operation in order.operations)
    return _moved(change, order, "running" if began else "released")


def start(change: Transaction, code: str, seq: int) -> WorkOrder:
    """Starts an operation of a released or running work order."""
    order = found(change, code)
    if order.status not in ("released", "running"):
        raise conflict(f"work order {code} is {order.status}; release it before starting operations")
    operation = _operation(order, seq)
    if operation.status != "pending":
        raise conflict(f"operation {seq} of {code} is already {operation.status}")
    if order.status == "released":
        order = _moved(change, order, "running")
    change.record("operation.started", code, after={"seq": seq, "name": operation.name})
    return _changed(change, order, seq, lambda each: replace(each, status="running"))


def complete(change: Transaction, code: str, seq: int) -> WorkOrder:
    """Completes an operation that runs; with its last one the work order is completed, unless it is on hold."""
    order = found(change, code)
    operation = _operation(order, seq)
    if operation.status != "running":
        raise conflict(f"operation {seq} of {code} is {operation.status}, not running")
    made = {"seq": seq, "good_qty": operation.good, "scrap_qty": operation.scrap}
    change.record("operation.completed", code, after=made)
    order = _changed(change, order, seq, lambda each: replace(each, status="done"))
    over = all(each.status == "done" for each in order.operations)
    return _moved(change, order, "completed") if over else order


def report(change: Transaction, code: str, seq: int, good: float, scrap: float) -> Operation:
    """Books what an operation has made."""
    order = found(change, code)
    if order.status == "on_hold":
        raise conflict(f"work order {code} is on hold; nothing books against it")
    made = {"seq": seq, "good": good, "scrap": scrap, "source": "manual", "source_system": None}
    change.record("production.reported", code, after=made)
    order = _changed(change, order, seq, lambda each: replace(each, good=each.good + good, scrap=each.scrap + scrap))
    return _operation(order, seq)


def dispatched(store: Store, equipment: str | None) -> list[tuple[WorkOrder, Operation]]:
    """The operations of released and running work orders that are not done, as they are to be taken up."""
    rows = [
        (order, operation)
        for order in store.orders.values()
        if order.status in ("released", "running")
        for operation in order.operations
        if operation.status != "done" and equipment in (None, operation.equipment)
    ]
    return sorted(rows, key=lambda row: (row[0].priority, row[0].code, row[1].seq))


def _operation(order: WorkOrder, seq: int) -> Operation:
    for operation in order.operations:
        if operation.seq == seq:
            return operation
    raise Problem(404, f"work order {order.code} has no operation {seq}")


def _changed(change: Transaction, order: WorkOrder, seq: int, edit: Callable[[Operation], Operation]) -> WorkOrder:
    _operation(order, seq)
    operations = tuple(edit(each) if each.seq == seq else each for each in order.operations)
    changed = replace(order, operations=operations)
    change.put(change.store.orders, order.code, changed)
    return changed


def _moved(change: Transaction, order: WorkOrder, status: str) -> WorkOrder:
    if status not in _TRANSITIONS.get(order.status, frozenset()):
        raise conflict(f"work order {order.code}: cannot go from {order.status} to {status}")
    moved = replace(order, status=status)
    change.put(change.store.orders, order.code, moved)
    before, after = {"status": order.status}, {"status": status}
    change.record(f"workorder.{status}", order.code, before=before, after=after)
    return moved
