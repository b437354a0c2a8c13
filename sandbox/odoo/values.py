"""What Odoo checks in the values that a record is given, and what it makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from sandbox.odoo.declarations import COMPANY, Field
from sandbox.odoo.errors import Problem, invalid, missing, required, user_error, wrong_value
from sandbox.odoo.html_fields import sanitized
from sandbox.odoo.reading import display_name
from sandbox.odoo.schema import EQUIPMENT, MODELS, REQUEST, STAGE
from sandbox.odoo.session import Session
from sandbox.odoo.store import Values

_TIME: Final = "%Y-%m-%d %H:%M:%S"
_REPLACE: Final = 6
"""The command that puts records in the place of those that a field has."""


def taken(session: Session, model: str, given: Mapping[str, object]) -> Values:
    """Values as they are stored. Those of fields that Odoo computes are passed over.

    Raises:
        Problem: a field does not exist, or a value is none of its kind.
    """
    for name in given:
        if MODELS[model].field(name) is None:
            raise wrong_value(f"Invalid field {name!r} in {model!r}")
    fields = {name: MODELS[model].fields[name] for name in given if name in MODELS[model].fields}
    return {name: _value(session, model, name, field, given[name]) for name, field in fields.items() if field.settable}


def check_whole(session: Session, model: str, row: Values) -> None:
    """Refuses a record as it would be stored.

    Raises:
        Problem: a field that must have a value has none, its serial number is another's, or it is of another company
            than its equipment.
    """
    for name, field in MODELS[model].fields.items():
        if field.required and row.get(name, False) in (False, ""):
            raise MissingValue(model, name, field)
    store = session.store
    if model == EQUIPMENT and row["serial_no"]:
        same = [other for other in store.records[model].values() if other["serial_no"] == row["serial_no"]]
        if any(other["id"] != row.get("id") for other in same):
            raise invalid("Another asset already exists with this serial number!")
    equipment = store.records[EQUIPMENT].get(_id(row.get("equipment_id"))) if model == REQUEST else None
    if equipment is not None and equipment["company_id"] not in (False, row["company_id"]):
        raise user_error(
            "Uh-oh! You’ve got some company inconsistencies here:\n"
            f"- “{row['name']}” belongs to company “{display_name(store, COMPANY, row['company_id'])}” while "
            f"“Equipment” (equipment_id: {display_name(store, EQUIPMENT, equipment['id'])}) belongs to another company."
        )


class MissingValue(Problem):
    """A field that must have a value has none. `load` names it."""

    def __init__(self, model: str, field: str, declared: Field) -> None:
        self.field = field
        self.plain = required(model, MODELS[model].title, field, declared.label)
        refusal = invalid(self.plain)
        super().__init__(refusal.name, refusal.words, refusal.status)


def _value(session: Session, model: str, name: str, field: Field, value: object) -> object:
    match field.kind:
        case "boolean":
            return bool(value)
        case "many2one" if value:
            return _link(session, model, name, field, value)
        case "selection" if value not in (None, False, ""):
            if field.choices is None or value not in field.choices:
                raise wrong_value(f"Wrong value for {model}.{name}: {value!r}")
            return value
        case "html" if isinstance(value, str):
            return sanitized(value)
        case "integer":
            return value if isinstance(value, int) else 0
        case "float":
            return float(value) if isinstance(value, int | float) else 0.0
        case "many2many":
            return _linked(value)
        case "datetime" if value:
            return _moment(str(value))
        case "date" if value:
            return _day(str(value))
    if value in (None, False) or (value == "" and field.kind != "html"):
        return False
    if "\0" in str(value):
        raise wrong_value("A string literal cannot contain NUL (0x00) characters.")
    return str(value)


def _link(session: Session, model: str, name: str, field: Field, value: object) -> int:
    number = _id(value)
    if number in session.store.records[field.target]:
        return number
    if field.target == STAGE:
        raise missing(STAGE, number, session.user.id)
    raise invalid(
        "Another model is using the record you are trying to delete.\n\n"
        f"The troublemaker is: '{MODELS[model].title}' ({model})\n"
        f"Thanks to the following constraint: '{field.label}' ({name})\nHow about archiving the record instead?"
    )


def _linked(commands: object) -> tuple[int, ...]:
    """The records of the commands "replace by these" and "add this one" to a field without any."""
    numbers: list[int] = []
    for command in commands if isinstance(commands, list | tuple) else ():
        numbers = [*command[2]] if command[0] == _REPLACE else [*numbers, command[1]]
    return tuple(numbers)


def _moment(text: str) -> datetime:
    # Odoo takes as much of its format as the text is long.
    form = _TIME[: len(text) - 2]
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        raise wrong_value(f"time data {text!r} does not match format {form!r}") from None


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise wrong_value(f"time data {text!r} does not match format '%Y-%m-%d'") from None


def _id(value: object) -> int:
    return value if isinstance(value, int) else 0
