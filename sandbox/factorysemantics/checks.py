"""What the server checks in a request before it carries it out. It refuses in the words of FastAPI."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from starlette.datastructures import QueryParams

from sandbox.factorysemantics.errors import unreadable

Body = Mapping[str, object]


def body_of(content: bytes) -> Body:
    """The object in the body of a request."""
    try:
        given = json.loads(content) if content else None
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise unreadable("missing", ["body"], "Field required", None)
    return given


def text(body: Body, name: str) -> str:
    """A text that must be there."""
    value = _needed(body, name)
    if not isinstance(value, str):
        raise unreadable("string_type", ["body", name], "Input should be a valid string", value)
    return value


def optional_text(body: Body, name: str) -> str | None:
    """A text that may be missing."""
    return None if body.get(name) is None else text(body, name)


def number(body: Body, name: str, default: float | None = None) -> float:
    """A number; it must be there without a default."""
    value = _needed(body, name) if default is None else body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        words = "Input should be a valid number, unable to parse string as a number"
        raise unreadable("float_parsing", ["body", name], words, value)
    return float(value)


def optional_number(body: Body, name: str) -> float | None:
    """A number that may be missing."""
    return None if body.get(name) is None else number(body, name)


def one_of(body: Body, name: str, values: Sequence[str]) -> str:
    """A word of a list."""
    return _in_list(_needed(body, name), ["body", name], values)


def rows(body: Body, name: str) -> list[Body]:
    """A list of objects."""
    value = _needed(body, name)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise unreadable("list_type", ["body", name], "Input should be a valid list", value)
    return value


def statuses(query: QueryParams, values: Sequence[str]) -> list[str]:
    """The statuses that a list is asked for."""
    given = query.getlist("status")
    return [_in_list(value, ["query", "status", place], values) for place, value in enumerate(given)]


def whole(query: QueryParams, name: str, default: int, least: int, most: int) -> int:
    """A whole number of a query."""
    value = query.get(name)
    if value is None:
        return default
    try:
        found = int(value)
    except ValueError:
        words = "Input should be a valid integer, unable to parse string as an integer"
        raise unreadable("int_parsing", ["query", name], words, value) from None
    if found > most:
        words = f"Input should be less than or equal to {most}"
        raise unreadable("less_than_equal", ["query", name], words, value, le=most)
    if found < least:
        words = f"Input should be greater than or equal to {least}"
        raise unreadable("greater_than_equal", ["query", name], words, value, ge=least)
    return found


def _needed(body: Body, name: str) -> object:
    if name not in body:
        raise unreadable("missing", ["body", name], "Field required", dict(body))
    return body[name]


def _in_list(value: object, place: Sequence[str | int], values: Sequence[str]) -> str:
    if value in values:
        return str(value)
    quoted = [f"'{each}'" for each in values]
    expected = f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    raise unreadable("enum", place, f"Input should be {expected}", value, expected=expected)
