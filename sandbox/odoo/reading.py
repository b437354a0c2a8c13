"""How records are searched and shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sandbox.odoo.declarations import COMMON, Field
from sandbox.odoo.domains import names_field, test_of
from sandbox.odoo.errors import missing, user_error, wrong_value
from sandbox.odoo.manufacturing import LOG, LOSS, PRODUCTION, WORK_CENTRE, WORK_ORDER
from sandbox.odoo.schema import EQUIPMENT, MESSAGE, MODELS, REQUEST, STAGE
from sandbox.odoo.session import Session
from sandbox.odoo.store import Store, Values

_ORDER: Final = re.compile(r"(\w+)(?:\s+(asc|desc))?", re.IGNORECASE)


def time_text(moment: object) -> object:
    """A time as Odoo shows it: UTC, without the parts of a second. An empty one is False."""
    return moment.strftime("%Y-%m-%d %H:%M:%S") if isinstance(moment, datetime) else False


def found(session: Session, model: str, domain: object, order: str | None = None) -> list[int]:
    """The ids of the records that match a domain and that the user may see. Archived equipment is found only where the
    domain names its field `active`.

    Raises:
        Problem: the domain or the order cannot be read, or the user may not read the model.
    """
    session.check_right(model, "read")
    test = test_of(session.store, model, domain)
    only_active = "active" in MODELS[model].fields and not names_field(domain, "active")
    rows = [
        row
        for row in _candidates(session.store, model, domain)
        if test(row) and session.sees(model, row) and (not only_active or row["active"])
    ]
    for name, backwards in reversed(_sorting(model, order or MODELS[model].order)):
        rows.sort(key=lambda row, name=name: _sort_key(row.get(name, False)), reverse=backwards)  # type: ignore[misc]
    return [_id(row) for row in rows]


def _candidates(store: Store, model: str, domain: object) -> list[Values]:
    """The records that a domain can match at all: fewer than all where it names their ids, those of the records that
    messages are on, or the work centres."""
    table = store.records[model]
    for item in domain if isinstance(domain, list) and all(isinstance(each, list) for each in domain) else ():
        name, operator, value = item
        listed = value if operator == "in" else [value] if operator == "=" else None
        if isinstance(listed, list) and name == "id":
            return [table[number] for number in dict.fromkeys(listed) if number in table]
        if isinstance(listed, list) and (model, name) == (MESSAGE, "res_id"):
            return [table[each] for number in dict.fromkeys(listed) for each in store.messages_on(number)]
        if isinstance(listed, list) and model in (LOG, WORK_ORDER) and name == "workcenter_id":
            numbers = {each for number in listed for each in store.at_centre(model, number)}
            return [table[each] for each in sorted(numbers)]
    return [*table.values()]


def rows_of(session: Session, model: str, numbers: Sequence[int], fields: Sequence[str] | None) -> list[Values]:
    """Records as a client gets them. Of one that was deleted, only the id is known.

    Raises:
        Problem: a field does not exist, or the user may not see a record.
    """
    session.check_right(model, "read")
    names = [*fields] if fields else [*COMMON, *MODELS[model].fields]
    for name in names:
        if MODELS[model].field(name) is None:
            raise wrong_value(f"Invalid field {name!r} on {model!r}")
    table = session.store.records[model]
    shown: list[Values] = []
    for number in numbers:
        row = table.get(number)
        if row is not None and not session.sees(model, row):
            raise session.hidden(model)
        if row is None and names == ["id"]:
            shown.append({"id": number})
        elif row is not None:
            shown.append({"id": number, **{name: _shown(session.store, model, name, row) for name in names}})
    return shown


def existing(session: Session, model: str, numbers: Sequence[int]) -> list[Values]:
    """Records that are to be changed.

    Raises:
        Problem: one was deleted, or the user may not see it.
    """
    rows = []
    for number in numbers:
        row = session.store.records[model].get(number)
        if row is None:
            raise missing(model, number, session.user.id)
        if not session.sees(model, row):
            raise session.hidden(model)
        rows.append(row)
    return rows


def display_name(store: Store, model: str, number: object) -> str:
    """What people call a record."""
    row = store.records[model].get(number if isinstance(number, int) else 0, {})
    name = str(row.get("name") or "")
    if model == WORK_ORDER:
        return f"{display_name(store, PRODUCTION, row.get('production_id'))} - {name}"
    if model == LOG:
        return display_name(store, LOSS, row.get("loss_id"))
    return f"{name}/{row['serial_no']}" if model == EQUIPMENT and row.get("serial_no") else name


def is_done(store: Store, row: Values) -> bool:
    """Whether the stage of a request says that its work is over."""
    stage = row["stage_id"]
    return isinstance(stage, int) and bool(stage) and bool(store.records[STAGE][stage]["done"])


def _shown(store: Store, model: str, name: str, row: Values) -> object:
    if name == "display_name":
        return display_name(store, model, row["id"])
    if (model, name) == (REQUEST, "done"):
        return is_done(store, row)
    if model in (WORK_ORDER, PRODUCTION):
        row = {**row, **_computed(store, model, row)}
    value, field = row.get(name, False), MODELS[model].field(name)
    if field is not None and field.kind == "datetime":
        return time_text(value)
    return _link(store, field, value) if field is not None and field.kind == "many2one" else value


def _computed(store: Store, model: str, row: Values) -> Values:
    """The fields of a work order or a manufacturing order that are those of other records."""
    if model == PRODUCTION:
        return {"workorder_ids": store.linked(WORK_ORDER, "production_id", row["id"])}
    centre = store.records[WORK_CENTRE][_id({"id": row["workcenter_id"]})]
    logs = [store.records[LOG][number] for number in store.at_centre(LOG, row["workcenter_id"])]
    users = {log["user_id"] for log in logs if log["workorder_id"] == row["id"] and not log["date_end"]}
    return {"working_state": centre["working_state"], "working_user_ids": sorted(users, key=str)}


def _link(store: Store, field: Field, number: object) -> object:
    return [number, display_name(store, field.target, number)] if number else False


def _sorting(model: str, order: str) -> list[tuple[str, bool]]:
    parts = [part.strip() for part in order.split(",")]
    matches = [_ORDER.fullmatch(part) for part in parts]
    if None in matches:
        raise user_error(
            f'Invalid "order" specified ({order}). A valid "order" specification is a comma-separated list of valid '
            "field names (optionally followed by asc/desc for the direction)"
        )
    sorting = [(match[1], (match[2] or "").lower() == "desc") for match in matches if match is not None]
    for name, _ in sorting:
        if MODELS[model].field(name) is None:
            raise wrong_value(f"Invalid field {name!r} on model {model!r}")
    return sorting


def _sort_key(value: object) -> tuple[bool, object]:
    """Empty fields come last, and first where the order is turned round."""
    return (value is False, 0 if value is False else value)


def _id(row: Values) -> int:
    number = row["id"]
    return number if isinstance(number, int) else 0
