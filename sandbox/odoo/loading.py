"""The method `load`: rows of texts become records under their external ids, all of them or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sandbox.odoo.declarations import Field
from sandbox.odoo.errors import Problem, denied, invalid, wrong_value
from sandbox.odoo.reading import existing
from sandbox.odoo.schema import MESSAGE, MODELS, REQUEST
from sandbox.odoo.session import Session
from sandbox.odoo.store import ExternalId, Values
from sandbox.odoo.values import MissingValue
from sandbox.odoo.writing import create, shared_keys, write

Message = dict[str, object]
_CONFLICT: Final = "could not serialize access due to concurrent update\n"
_NO_ID: Final = "Cannot update a record without specifying its id or xml_id"
_OF_PEOPLE: Final = "odoo.exceptions."
_PREFIX: Final = "The operation cannot be completed: "


class NotLoaded(Exception):
    """A row was not taken, so that none is kept."""

    def __init__(self, messages: Sequence[Message]) -> None:
        super().__init__()
        self.messages = messages


@dataclass(frozen=True)
class _Row:
    """A row that was read."""

    number: int
    name: str
    values: Values

    def refused(self, words: str, **more: object) -> Message:
        """Why the row is not taken."""
        place = {"rows": {"from": self.number, "to": self.number}, "record": self.number, "type": "error"}
        return {**place, "message": words, **more}


def loaded(session: Session, model: str, fields: Sequence[str], data: Sequence[Sequence[str]]) -> dict[str, object]:
    """The answer to rows that were all taken.

    With `mode` "update" in the context each row needs an external id, and a record that was loaded with `noupdate`
    stays as it is.

    Raises:
        NotLoaded: a row was not taken. The HTTP status is 200 all the same.
        Problem: a field does not exist.
    """
    for field in fields:
        if field != "id" and MODELS[model].field(field.partition("/")[0]) is None:
            raise wrong_value(f"Invalid field name {field!r}")
    messages: list[Message] = []
    rows = [_read(session, model, fields, row, number, messages) for number, row in enumerate(data)]
    ids = []
    for row in rows:
        try:
            ids.append(_stored(session, model, row))
        except MissingValue as problem:
            messages.append(row.refused(problem.plain, field=problem.field))
        except Problem as problem:
            known = problem.name.startswith(_OF_PEOPLE)
            unknown = f"Unknown error during import: <class '{problem.name.rpartition('.')[2]}'>: {problem.words}"
            messages.append(row.refused(problem.words.removeprefix(_PREFIX) if known else unknown))
    if messages:
        raise NotLoaded(messages)
    return {"ids": ids, "messages": [], "nextrow": 0}


def not_loaded(messages: Sequence[Message]) -> dict[str, object]:
    """The answer to rows of which one was not taken."""
    return {"ids": False, "messages": [*messages], "nextrow": 0}


def missing_value(field: str) -> Message:
    """The message about a field that the site demands and that was not given."""
    words = f"Missing required value for the field 'GL Account' ({field}).\n- create/update: a mandatory field"
    return _Row(0, "", {}).refused(words, field=field)


def conflict() -> Message:
    """The message about another transaction that wrote the same record first. Odoo does not try a `load` again."""
    return _Row(0, "", {}).refused(_CONFLICT)


def _stored(session: Session, model: str, row: _Row) -> int:
    store, updating = session.store, session.context.get("mode") == "update"
    if not row.name:
        if updating:
            raise invalid(_NO_ID)
        return create(session, model, row.values)
    name = row.name if "." in row.name else f"__import__.{row.name}"
    if store.written_since(session.snapshot, {name, *shared_keys(model, row.values)}):
        raise Problem(f"{_OF_PEOPLE}ConcurrencyError", _CONFLICT, 500)
    named = store.external_ids.get(name)
    if named is not None:
        if named.model != model:
            raise invalid(
                f"For external id {name} when trying to create/update a record of model {model} found record of "
                f"different model {named.model} ({named.number})"
            )
        if not (updating and named.fixed):
            write(session, model, [named.number], row.values)
        return named.number
    if model == MESSAGE:
        _check_document(session, row.values)
    number = create(session, model, row.values)
    store.name(name, ExternalId(model, number, bool(session.context.get("noupdate"))))
    store.touch(name)
    return number


def _check_document(session: Session, values: Values) -> None:
    """Refuses a message on a request that the user may not see."""
    number = values.get("res_id")
    request = session.store.records[REQUEST].get(number if isinstance(number, int) else 0)
    if request is None:
        existing(session, REQUEST, [number if isinstance(number, int) else 0])
    elif not session.sees(REQUEST, request):
        raise denied(
            "The requested operation cannot be completed due to security restrictions. Please contact your system "
            f"administrator.\n\n(Document type: Message, Operation: create)\n\nRecords: , User: {session.user.id}"
        )


def _read(
    session: Session, model: str, fields: Sequence[str], row: Sequence[str], number: int, messages: list[Message]
) -> _Row:
    read = _Row(number, "", {})
    name = ""
    values: Values = {}
    for path, text in zip(fields, row, strict=True):
        if path == "id":
            name = text
            continue
        field_name, _, way = path.partition("/")
        field = MODELS[model].field(field_name)
        if field is None or text == "":
            values[field_name] = False
            continue
        try:
            values[field_name] = _converted(session, field, way, text)
        except ValueError as error:
            label = {"field": field_name, "field_name": field.label}
            messages.append(read.refused(str(error), **label, **_moreinfo(field)))
    return _Row(number, name, values)


def _converted(session: Session, field: Field, way: str, text: str) -> object:
    """The value that a text means; ValueError with Odoo's words if it means none."""
    match field.kind:
        case "many2one":
            return _linked(session, field, way, text)
        case "selection":
            for value, label in (field.choices or {}).items():
                if text in (value, label):
                    return value
            raise ValueError(f"Value '{text}' not found in selection field '{field.label}'")
        case "integer":
            if not text.lstrip("-").isdigit():
                raise ValueError(f"'{text}' does not seem to be an integer for field '{field.label}'")
            return int(text)
        case "boolean":
            return text.lower() in ("1", "true", "yes")
        case "date" | "datetime":
            try:
                (date if field.kind == "date" else datetime).fromisoformat(text)
            except ValueError:
                raise ValueError(f"'{text}' does not seem to be a valid date for field '{field.label}'") from None
    return text


def _linked(session: Session, field: Field, way: str, text: str) -> int:
    if way == "id":
        named = session.store.external_ids.get(text)
        if named is None or named.model != field.target:
            raise ValueError(f"No matching record found for external id '{text}' in field '{field.label}'")
        return named.number
    if way == ".id":
        if not text.isdigit():
            raise ValueError(f"Invalid database id '{text}' for the field '{field.label}'")
        if int(text) not in session.store.records[field.target]:
            raise ValueError(f"No matching record found for database id '{text}' in field '{field.label}'")
        return int(text)
    found = [number for number, row in session.store.records[field.target].items() if row.get("name") == text]
    if not found:
        raise ValueError(f"No matching record found for name '{text}' in field '{field.label}'")
    return found[0]


def _moreinfo(field: Field) -> Mapping[str, object]:
    if field.choices is not None:
        return {"moreinfo": [*field.choices.values()]}
    if field.kind != "many2one":
        return {"moreinfo": "Use the format '2012-12-31'"}
    action = {
        "name": "Possible Values",
        "type": "ir.actions.act_window",
        "target": "new",
        "view_mode": "list,form",
        "views": [[False, "list"], [False, "form"]],
        "context": {"create": False},
        "help": "See all possible values",
        "res_model": "ir.model.data",
        "domain": [["model", "=", field.target]],
    }
    return {"moreinfo": action}
