"""How records are created, changed, copied and deleted, and the notices that Odoo writes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sandbox.odoo import production_records
from sandbox.odoo.declarations import COMMON
from sandbox.odoo.errors import invalid
from sandbox.odoo.manufacturing import LOG, PRODUCTION, RESOURCE, WORK_CENTRE
from sandbox.odoo.reading import existing, is_done
from sandbox.odoo.schema import EQUIPMENT, MESSAGE, MODELS, REQUEST, STAGE
from sandbox.odoo.session import Session
from sandbox.odoo.store import Values
from sandbox.odoo.values import check_whole, taken

_CREATED: Final = '<div summary="o_mail_notification"><p>Maintenance Request created</p></div>'
_NOT_COPIED: Final = (*COMMON, "stage_id", "close_date")
_REFERENCES: Final[Mapping[str, tuple[str, str]]] = {
    EQUIPMENT: (REQUEST, "equipment_id"),
    STAGE: (REQUEST, "stage_id"),
    WORK_CENTRE: (LOG, "workcenter_id"),
}
"""Which records keep a record from being deleted: their model, and their field that links to it."""


def create(session: Session, model: str, given: Mapping[str, object]) -> int:
    """Creates a record, and gives its id.

    Raises:
        Problem: it is refused.
    """
    # The resource of a work centre is made first.
    session.check_right(RESOURCE if model == WORK_CENTRE else model, "create")
    defaults = {name: field.default for name, field in MODELS[model].fields.items() if field.settable}
    row: Values = {**defaults, **_own_defaults(session, model), **taken(session, model, given), **_stamps(session)}
    row |= {"create_date": session.began, "create_uid": session.user.id}
    if model == REQUEST:
        _settle_technician(session, row, given)
        _settle_end(session, row)
    if model == MESSAGE and row["model"] == REQUEST:
        existing(session, REQUEST, [_id(row["res_id"])])
    production_records.complete(session, model, row)
    check_whole(session, model, row)
    number = session.store.insert(model, row)
    _touch(session, model, row)
    if model == REQUEST:
        notice(session, number, _CREATED)
    production_records.settle(session.store, model, row, row)
    if model == PRODUCTION:
        for values in production_records.new_orders(given.get("workorder_ids"), number):
            create(session, *values)
    return number


def write(session: Session, model: str, numbers: Sequence[int], given: Mapping[str, object]) -> None:
    """Changes records. A request that moves to another stage is not blocked any more, and has the date of its end while
    the stage is done. A change of a tracked field leaves a notice.

    Raises:
        Problem: it is refused.
    """
    session.check_right(model, "write")
    for row in existing(session, model, numbers):
        changes = taken(session, model, given)
        if model == REQUEST and "stage_id" in changes and "kanban_state" not in changes:
            changes["kanban_state"] = "normal"
        changed: Values = {**row, **changes, **_stamps(session)}
        if model == REQUEST and "stage_id" in changes:
            changed["close_date"] = False
            _settle_end(session, changed)
        production_records.complete(session, model, changed)
        check_whole(session, model, changed)
        session.store.put(model, _id(row["id"]), changed)
        production_records.settle(session.store, model, row, changed)
        if changes.keys() & {"stage_id", "archive"}:
            _touch(session, model, changed)
        tracked = [name for name, field in MODELS[model].fields.items() if field.tracked]
        if model == REQUEST and any(row[name] != changed[name] for name in tracked):
            notice(session, _id(row["id"]), "")


def unlink(session: Session, model: str, numbers: Sequence[int]) -> None:
    """Deletes records with their messages.

    Raises:
        Problem: it is refused.
    """
    session.check_right(model, "unlink")
    store = session.store
    for row in existing(session, model, numbers):
        referring, name = _REFERENCES.get(model, ("", ""))
        if referring and any(other[name] == row["id"] for other in store.records[referring].values()):
            table, other_table = model.replace(".", "_"), referring.replace(".", "_")
            raise invalid(
                f'update or delete on table "{table}" violates RESTRICT setting of foreign key constraint '
                f'"{other_table}_{name}_fkey" on table "{other_table}"\n'
                f'DETAIL:  Key (id)=({row["id"]}) is referenced from table "{other_table}".\n'
            )
        store.remove(model, _id(row["id"]))
        _touch(session, model, row)
        production_records.settle(store, model, row, row)
        for message in store.messages_on(row["id"]):
            if store.records[MESSAGE][message]["model"] == model:
                store.remove(MESSAGE, message)


def copy(session: Session, model: str, numbers: Sequence[int], changes: Mapping[str, object]) -> list[int]:
    """Copies records. A copy of a request begins in the first stage, and has the description of the other."""
    copied = [
        {key: value for key, value in row.items() if key not in _NOT_COPIED}
        for row in existing(session, model, numbers)
    ]
    return [create(session, model, {**row, **changes}) for row in copied]


def notice(session: Session, request: int, body: str) -> None:
    """A message of Odoo's own on a request."""
    own = {"model": REQUEST, "res_id": request, "body": body, "message_type": "notification", "subtype_id": False}
    stamped = {"create_date": session.began, "create_uid": session.user.id, **_stamps(session)}
    session.store.insert(MESSAGE, own | stamped)


def shared_keys(model: str, values: Values) -> set[str]:
    """What two transactions that store such records both write: the counters of an equipment, or the state of a work
    centre."""
    target = {REQUEST: (EQUIPMENT, "equipment_id"), LOG: (WORK_CENTRE, "workcenter_id")}.get(model)
    return {f"{target[0]},{values[target[1]]}"} if target is not None and values.get(target[1]) else set()


def _own_defaults(session: Session, model: str) -> Values:
    company = min(session.store.records["res.company"])
    if model == EQUIPMENT:
        return {"company_id": company}
    if model != REQUEST:
        return production_records.defaults(session, model, company)
    stages = sorted(session.store.records[STAGE].values(), key=lambda row: (row["sequence"], row["id"]))
    return {
        "company_id": company,
        "request_date": session.began.date().isoformat(),
        "owner_user_id": session.user.id,
        "stage_id": stages[0]["id"],
    }


def _settle_technician(session: Session, row: Values, given: Mapping[str, object]) -> None:
    """A request gets the technician of its equipment."""
    if "user_id" not in given and row["equipment_id"]:
        row["user_id"] = session.store.records[EQUIPMENT][_id(row["equipment_id"])]["technician_user_id"]


def _settle_end(session: Session, row: Values) -> None:
    done = is_done(session.store, row)
    row["close_date"] = (row["close_date"] or session.began.date().isoformat()) if done else False


def _stamps(session: Session) -> Values:
    return {"write_date": session.began, "write_uid": session.user.id}


def _touch(session: Session, model: str, row: Values) -> None:
    for key in shared_keys(model, row):
        session.store.touch(key)


def _id(value: object) -> int:
    return value if isinstance(value, int) else 0
