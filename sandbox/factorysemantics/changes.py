"""The requests that change something: what each needs, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sandbox.factorysemantics import answers, checks, orders
from sandbox.factorysemantics.answers import Answer
from sandbox.factorysemantics.checks import Body
from sandbox.factorysemantics.errors import bad_input, conflict
from sandbox.factorysemantics.records import (
    CALENDAR_KINDS,
    LEVELS,
    MACHINE_STATES,
    CalendarDay,
    Node,
    Routing,
    Slot,
    Step,
)
from sandbox.factorysemantics.store import Transaction

Path = Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """A request that changes something.

    Args:
        name: by which faults name it.
        needs: the capability that an account must have.
        make: does it, with the parts of the path and the body.
    """

    name: str
    path: str
    needs: str
    make: Callable[[Transaction, Path, Body], Answer]
    status: int = 200
    has_body: bool = True


def _hold(change: Transaction, path: Path, body: Body) -> Answer:
    return answers.order(orders.hold(change, path["code"], checks.text(body, "reason")))


def _resume(change: Transaction, path: Path, _: Body) -> Answer:
    return answers.order(orders.resume(change, path["code"]))


def _release(change: Transaction, path: Path, _: Body) -> Answer:
    return answers.order(orders.release(change, path["code"]))


def _cancel(change: Transaction, path: Path, _: Body) -> Answer:
    return answers.order(orders.cancel(change, path["code"]))


def _close(change: Transaction, path: Path, _: Body) -> Answer:
    return answers.order(orders.close(change, path["code"]))


def _start(change: Transaction, path: Path, _: Body) -> Answer:
    return answers.order(orders.start(change, path["code"], int(path["seq"])))


def _complete(change: Transaction, path: Path, _: Body) -> Answer:
    return answers.order(orders.complete(change, path["code"], int(path["seq"])))


def _create(change: Transaction, _: Path, body: Body) -> Answer:
    code, material = checks.text(body, "code"), checks.text(body, "material")
    quantity, priority = checks.number(body, "quantity"), checks.number(body, "priority", 50)
    return answers.order(orders.create(change, code, material, quantity, int(priority)))


def _report(change: Transaction, _: Path, body: Body) -> Answer:
    code, seq = checks.text(body, "order"), int(checks.number(body, "seq"))
    made = orders.report(change, code, seq, checks.number(body, "good", 0.0), checks.number(body, "scrap", 0.0))
    return {"order": code, "seq": seq, "good_qty": made.good, "scrap_qty": made.scrap}


def _set_state(change: Transaction, path: Path, body: Body) -> Answer:
    state, reason = checks.one_of(body, "state", MACHINE_STATES), checks.optional_text(body, "reason")
    before = answers.node(change.store, path["code"])
    change.put(change.store.nodes, before.code, replace(before, state=state, reason=reason, since=change.now))
    change.record(
        "equipment.state_changed",
        before.code,
        kind="equipment",
        before={"state": before.state} if before.since else None,
        after={"state": state, "reason": reason, "reason_code": None},
    )
    since = answers.time_text(change.now)
    return {"equipment": before.code, "state": state, "since": since, "reason": reason, "reason_code": None}


def _plan(change: Transaction, path: Path, _: Body) -> Answer:
    """Plans the operations of a work order, one after the other from now on."""
    order = orders.found(change, path["code"])
    if order.status in ("completed", "closed", "cancelled"):
        raise bad_input(f"{order.code} is {order.status}; there is nothing to schedule")
    if order.status == "on_hold":
        raise bad_input(f"{order.code} is on hold; resume it before scheduling it")
    begin, left = change.now.replace(second=0, microsecond=0), max(0.0, order.quantity - order.good)
    slots: list[Slot] = []
    for each in order.operations:
        minutes = left * (answers.node(change.store, each.equipment).cycle or 0.0) / 60
        end = begin + timedelta(minutes=-(-minutes // 1))
        slot = Slot(each.equipment, "production", order.code, each.seq, each.name, begin, end, round(minutes, 2))
        slots.append(slot)
        begin = end
    change.put(change.store.slots, order.code, tuple(slots))
    first, last = slots[0].start.replace(tzinfo=None), slots[-1].end.replace(tzinfo=None)
    change.record("order.scheduled", order.code, after={"starts": str(first), "finishes": str(last)})
    return {"order": order.code, "quantity": order.quantity, "remaining": left}


def _add_day(change: Transaction, _: Path, body: Body) -> Answer:
    day, reason = checks.text(body, "day"), checks.optional_text(body, "reason") or ""
    kind, equipment = checks.one_of(body, "kind", CALENDAR_KINDS), checks.optional_text(body, "equipment")
    change.put(change.store.days, f"{day} {equipment}", CalendarDay(day, kind, reason, equipment))
    return {"day": day, "kind": kind, "reason": reason}


def _add_node(change: Transaction, _: Path, body: Body) -> Answer:
    code, level = checks.text(body, "code"), checks.one_of(body, "level", LEVELS)
    if change.get(change.store.nodes, code) is not None:
        raise conflict(f"equipment code {code!r} already exists")
    parent, cycle = checks.optional_text(body, "parent"), checks.optional_number(body, "ideal_cycle_seconds")
    made = Node(code, checks.text(body, "name"), level, parent, cycle)
    change.put(change.store.nodes, code, made)
    return {
        "code": code,
        "name": made.name,
        "level": level,
        "parent": parent,
        "ideal_cycle_seconds": cycle,
        "cost_center": None,
    }


def _add_material(change: Transaction, _: Path, body: Body) -> Answer:
    code, name = checks.text(body, "code"), checks.text(body, "name")
    change.put(change.store.materials, code, name)
    kind = checks.optional_text(body, "type") or "raw"
    return {"code": code, "name": name, "unit": "ea", "type": kind, "counted_in_pieces": False}


def _add_routing(change: Transaction, _: Path, body: Body) -> Answer:
    code, material = checks.text(body, "code"), checks.text(body, "material")
    steps = tuple(
        Step(int(checks.number(row, "seq")), checks.text(row, "name"), checks.text(row, "equipment"))
        for row in checks.rows(body, "operations")
    )
    change.put(change.store.routings, material, Routing(code, material, steps))
    return {"code": code, "operations": len(steps)}


CHANGES: Final = (
    Change("hold", "/workorders/{code}/hold", "orders.close", _hold),
    Change("resume", "/workorders/{code}/resume", "orders.close", _resume, has_body=False),
    Change("cancel", "/workorders/{code}/cancel", "orders.close", _cancel, has_body=False),
    Change("close", "/workorders/{code}/close", "orders.close", _close, has_body=False),
    Change("release", "/workorders/{code}/release", "orders.release", _release, has_body=False),
    Change("start", "/workorders/{code}/operations/{seq:int}/start", "production.book", _start, has_body=False),
    Change(
        "complete", "/workorders/{code}/operations/{seq:int}/complete", "production.book", _complete, has_body=False
    ),
    Change("create_order", "/workorders", "orders.create", _create, 201),
    Change("report", "/execution/report", "production.book", _report),
    Change("set_state", "/equipment/{code}/state", "equipment.state", _set_state),
    Change("plan", "/scheduling/plan/{code}", "scheduling.plan", _plan),
    Change("add_calendar_day", "/scheduling/calendar/exceptions", "scheduling.plan", _add_day, 201),
    Change("add_equipment", "/masterdata/equipment", "masterdata.write", _add_node, 201),
    Change("add_material", "/masterdata/materials", "masterdata.write", _add_material, 201),
    Change("add_routing", "/masterdata/routings", "masterdata.write", _add_routing, 201),
)
