"""The buttons of Odoo's manufacturing: those that people press on work orders, work centres and time logs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sandbox.odoo import reading, writing
from sandbox.odoo.errors import user_error, wrong_value
from sandbox.odoo.manufacturing import LEAVE, LOG, LOSS, OVER, PRODUCTION, WORK_CENTRE, WORK_ORDER
from sandbox.odoo.production_records import settle_production
from sandbox.odoo.records import Records
from sandbox.odoo.session import Session
from sandbox.odoo.store import Values


def unblock(records: Records) -> bool:
    """Ends every open time log of a blocked work centre, whoever opened it and whatever it is."""
    centre = _one(records)
    if centre["working_state"] != "blocked":
        raise user_error("It has already been unblocked.")
    session = records.session
    open_logs = [number for number in session.store.at_centre(LOG, centre["id"]) if _is_open(session, number)]
    writing.write(session, LOG, open_logs, {"date_end": reading.time_text(session.began)})
    return True


def button_block(records: Records) -> None:
    """Stops the timers of all work orders of the work centre of a time log."""
    log, session = _one(records), records.session
    orders = session.store.at_centre(WORK_ORDER, log["workcenter_id"])
    _close(session, [number for order in orders for number in _timers(session, order)])


def button_start(records: Records, raise_on_invalid_state: bool = False) -> None:
    """Starts the timer of the user on work orders."""
    session, orders = records.session, _rows(records)
    if any(_centre(session, order)["working_state"] == "blocked" for order in orders):
        raise user_error("Please unblock the work center to start the work order.")
    for order in orders:
        if any(session.store.records[LOG][each]["user_id"] == session.user.id for each in _timers(session, order)):
            continue
        if order["state"] in OVER:
            if raise_on_invalid_state:
                continue
            raise user_error("You cannot start a work order that is already done or cancelled")
        _start_timer(session, order)
        if order["state"] != "progress":
            _begin(session, order)


def button_pending(records: Records) -> None:
    """Stops the timer of the user on work orders."""
    session = records.session
    for order in _rows(records):
        own = [each for each in _timers(session, order) if _user(session, each) == session.user.id]
        _close(session, own[-1:])


def button_finish(records: Records) -> bool:
    """Finishes work orders, also at a work centre that is blocked."""
    session = records.session
    for order in _rows(records):
        if order["state"] not in OVER:
            _close(session, _timers(session, order))
            now = reading.time_text(session.began)
            vals = {"state": "done", "date_finished": now, **({} if order["date_start"] else {"date_start": now})}
            writing.write(session, WORK_ORDER, [_number(order)], vals)
    return True


def button_unblock(records: Records) -> bool:
    """The same as `unblock`, on a work order."""
    for order in _rows(records):
        unblock(Records(records.session, WORK_CENTRE, [_id(order["workcenter_id"])]))
    return True


def action_mark_as_done(records: Records) -> None:
    """Finishes work orders, unless their work centre is blocked."""
    for order in _rows(records):
        if _centre(records.session, order)["working_state"] == "blocked":
            raise user_error("Please unblock the work center to validate the work order")
        button_finish(Records(records.session, WORK_ORDER, [_number(order)]))


def action_confirm(records: Records) -> bool:
    """Confirms manufacturing orders: their work orders may be started, one after the other."""
    store = records.session.store
    for production in _rows(records):
        store.put(PRODUCTION, _number(production), {**production, "state": "confirmed"})
        settle_production(store, _number(production))
    return True


def _begin(session: Session, order: Values) -> None:
    """A work order begins. One that nobody planned reserves its time at the work centre now."""
    now, expected = session.began.replace(microsecond=0), _minutes(order["duration_expected"])
    vals: Values = {"state": "progress", "date_start": reading.time_text(now)}
    if not order["leave_id"]:
        centre = _centre(session, order)
        leave = {
            "name": reading.display_name(session.store, WORK_ORDER, order["id"]),
            "calendar_id": centre["resource_calendar_id"],
            "date_from": vals["date_start"],
            "date_to": reading.time_text(now + expected),
            "resource_id": centre["resource_id"],
            "time_type": "other",
        }
        vals |= {"leave_id": writing.create(session, LEAVE, leave), "date_finished": leave["date_to"]}
    else:
        start, end = order["date_start"], order["date_finished"]
        if not isinstance(start, datetime) or start > now:
            end = now + expected
        if isinstance(end, datetime):
            vals["date_finished"] = reading.time_text(max(end, now))
    writing.write(session, WORK_ORDER, [_number(order)], vals)


def _start_timer(session: Session, order: Values) -> None:
    in_time = not order["duration_expected"] or _duration(session, order) <= _minutes(order["duration_expected"])
    row: Values = {
        "workorder_id": order["id"],
        "workcenter_id": order["workcenter_id"],
        "description": f"Time Tracking: {session.user.login}",
        "loss_id": _loss(session, "productive" if in_time else "performance"),
        "company_id": order["company_id"],
    }
    writing.create(session, LOG, row)


def _close(session: Session, timers: Sequence[int]) -> None:
    """Ends timers. What a work order takes longer than expected counts as reduced speed, in a time log of its own."""
    for number in timers:
        writing.write(session, LOG, [number], {"date_end": reading.time_text(session.began)})
        timer = session.store.records[LOG][number]
        order = session.store.records[WORK_ORDER][_id(timer["workorder_id"])]
        over = _duration(session, order) - _minutes(order["duration_expected"])
        start, end = timer["date_start"], timer["date_end"]
        if over <= timedelta() or not isinstance(start, datetime) or not isinstance(end, datetime):
            continue
        slow = {"loss_id": _loss(session, "performance")}
        if end - over <= start:
            writing.write(session, LOG, [number], slow)
            continue
        ended = reading.time_text(end - over)
        writing.copy(session, LOG, [number], {**slow, "date_start": ended, "date_end": reading.time_text(end)})
        writing.write(session, LOG, [number], {"date_end": ended})


def _duration(session: Session, order: Values) -> timedelta:
    """How long the timers of a work order have run, those that go on apart."""
    total = timedelta()
    for number in session.store.at_centre(LOG, order["workcenter_id"]):
        log = session.store.records[LOG][number]
        start, end = log["date_start"], log["date_end"]
        if log["workorder_id"] == order["id"] and isinstance(start, datetime) and isinstance(end, datetime):
            total += end - start
    return total


def _loss(session: Session, category: str) -> int:
    losses = session.store.records[LOSS]
    return next(number for number, row in losses.items() if row["loss_type"] == category)


def _timers(session: Session, order: Values | int) -> list[int]:
    """The open time logs of a work order, oldest first."""
    number = order if isinstance(order, int) else _number(order)
    centre = session.store.records[WORK_ORDER][number]["workcenter_id"]
    logs = session.store.records[LOG]
    here = session.store.at_centre(LOG, centre)
    return [each for each in here if logs[each]["workorder_id"] == number and _is_open(session, each)]


def _is_open(session: Session, log: int) -> bool:
    return not session.store.records[LOG][log]["date_end"]


def _user(session: Session, log: int) -> object:
    return session.store.records[LOG][log]["user_id"]


def _centre(session: Session, order: Values) -> Values:
    return session.store.records[WORK_CENTRE][_id(order["workcenter_id"])]


def _rows(records: Records) -> list[Values]:
    records.session.check_right(records.model, "read")
    return reading.existing(records.session, records.model, records.ids)


def _one(records: Records) -> Values:
    if len(records.ids) != 1:
        raise wrong_value(f"Expected singleton: {records.model}{tuple(records.ids)}")
    return _rows(records)[0]


def _minutes(value: object) -> timedelta:
    return timedelta(minutes=value if isinstance(value, int | float) else 0)


def _number(row: Values) -> int:
    return _id(row["id"])


def _id(value: object) -> int:
    return value if isinstance(value, int) else 0
