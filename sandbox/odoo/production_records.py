"""What Odoo fills in and computes in the records of production, when one is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sandbox.odoo.errors import Problem
from sandbox.odoo.manufacturing import (
    IN_USE,
    LEAVE,
    LOG,
    LOSS,
    OVER,
    PRODUCTION,
    RESOURCE,
    WORK_CENTRE,
    WORK_ORDER,
)
from sandbox.odoo.session import Session
from sandbox.odoo.store import Store, Values

STANDARD_HOURS = 1
"""The id of the working hours that Odoo brings."""
_CREATE = 0


def defaults(session: Session, model: str, company: int) -> Values:
    """The values of a new record that depend on who makes it, and when."""
    now = session.began.replace(microsecond=0)
    match model:
        case "mrp.workcenter":
            return {"company_id": company, "resource_calendar_id": STANDARD_HOURS, "working_state": "normal"}
        case "mrp.workcenter.productivity":
            return {"company_id": company, "user_id": session.user.id, "date_start": now}
        case "mrp.production":
            return {"company_id": company, "date_start": now, "state": "draft"}
        case "resource.calendar.leaves":
            return {"company_id": company, "calendar_id": STANDARD_HOURS}
    return {}


def complete(session: Session, model: str, row: Values) -> None:
    """Fills in what follows from other records.

    Raises:
        Problem: it contradicts itself.
    """
    store = session.store
    if model == WORK_CENTRE and not row.get("resource_id"):
        row["resource_id"] = store.insert(RESOURCE, {"name": row["name"]})
    if model == LOG:
        row["loss_type"] = store.records[LOSS].get(_id(row["loss_id"]), {}).get("loss_type", False)
    if model == PRODUCTION and not row.get("name"):
        row["name"] = f"WH/MO/{len(store.records[PRODUCTION]) + 1:05d}"
    if model == WORK_ORDER:
        production = store.records[PRODUCTION].get(_id(row["production_id"]), {})
        row |= {name: production.get(name, False) for name in ("product_id", "company_id")}
    if model == LEAVE and row["date_from"] and str(row["date_from"]) > str(row["date_to"]):
        words = "The start date of the time off must be earlier than the end date."
        raise Problem("odoo.exceptions.ValidationError", words, 422)


def new_orders(commands: object, production: int) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The work orders that come with a new manufacturing order."""
    for command in commands if isinstance(commands, list) else ():
        if command[0] == _CREATE:
            yield WORK_ORDER, {**command[2], "production_id": production}


def settle(store: Store, model: str, before: Values, after: Values) -> None:
    """Computes what depends on a record that was stored or deleted: the state of its work centre, or of its orders."""
    if model == LOG:
        for centre in {_id(before["workcenter_id"]), _id(after["workcenter_id"])}:
            _settle_centre(store, centre)
    if model == WORK_ORDER:
        settle_production(store, _id(after["production_id"]))


def settle_production(store: Store, number: int) -> None:
    """A work order is ready once those before it are over; the manufacturing order does what its work orders do."""
    production = store.records[PRODUCTION].get(number)
    if production is None or production["state"] == "draft":
        return
    orders = sorted(
        (store.records[WORK_ORDER][each] for each in store.linked(WORK_ORDER, "production_id", number)),
        key=lambda each: (_id(each["sequence"]), _id(each["id"])),
    )
    may_start = True
    for order in orders:
        state = "ready" if may_start else "blocked"
        if order["state"] in ("ready", "blocked") and order["state"] != state:
            store.put(WORK_ORDER, _id(order["id"]), {**order, "state": state})
        may_start = may_start and order["state"] in OVER
    states = {order["state"] for order in orders}
    state = "confirmed" if states <= {"ready", "blocked"} else "to_close" if states <= {*OVER} else "progress"
    store.put(PRODUCTION, number, {**production, "state": state})


def _settle_centre(store: Store, number: int) -> None:
    """The newest open time log says whether a work centre is in use, is blocked, or neither."""
    centre = store.records[WORK_CENTRE].get(number)
    if centre is None:
        return
    logs = (store.records[LOG][each] for each in sorted(store.at_centre(LOG, number), reverse=True))
    newest = next((log for log in logs if not log["date_end"]), None)
    state = "normal" if newest is None else "done" if newest["loss_type"] in IN_USE else "blocked"
    if centre["working_state"] != state:
        store.put(WORK_CENTRE, number, {**centre, "working_state": state})


def _id(value: object) -> int:
    return value if isinstance(value, int) else 0
