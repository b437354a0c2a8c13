"""The records that a domain of Odoo selects: `["|", ["stage_id.done", "=", false], ["archive", "=", true]]`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Final

from sandbox.odoo.declarations import Field
from sandbox.odoo.errors import Problem, wrong_value
from sandbox.odoo.schema import MODELS
from sandbox.odoo.store import Store, Values

Test = Callable[[Values], bool]
_OPERANDS: Final[Mapping[str, int]] = {"&": 2, "|": 2, "!": 1}
_ORDERED: Final[Mapping[str, Callable[[object, object], bool]]] = {
    "<": lambda left, right: left < right,  # type: ignore[operator]  # both are of the field's kind
    "<=": lambda left, right: left <= right,  # type: ignore[operator]
    ">": lambda left, right: left > right,  # type: ignore[operator]
    ">=": lambda left, right: left >= right,  # type: ignore[operator]
}
_PATTERNS: Final = ("like", "ilike", "=like", "=ilike")
_OPERATORS: Final = frozenset(
    ("=", "!=", "in", "not in", *_ORDERED, *_PATTERNS, *(f"not {each}" for each in _PATTERNS))
)


def test_of(store: Store, model: str, domain: object) -> Test:
    """Whether a record of a model is selected.

    Raises:
        Problem: the domain cannot be read, as Odoo answers.
    """
    if not isinstance(domain, list):
        raise wrong_value(f"Domain() invalid item in domain: {domain!r}")
    stack: list[Test] = []
    for item in reversed(domain):
        if isinstance(item, str) and item in _OPERANDS:
            if len(stack) < _OPERANDS[item]:
                raise wrong_value(f"Domain() malformed domain {domain!r}")
            stack.append(_joined(item, [stack.pop() for _ in range(_OPERANDS[item])]))
        elif isinstance(item, list) and len(item) == 3 and isinstance(item[0], str):
            stack.append(_condition(store, model, item[0], item[1], item[2]))
        else:
            raise wrong_value(f"Domain() invalid item in domain: {item!r}")
    return lambda row: _meets_all(stack, row)


def _meets_all(tests: list[Test], row: Values) -> bool:
    # A generator for each of a hundred thousand records would cost more than the tests.
    for test in tests:  # noqa: SIM110
        if not test(row):
            return False
    return True


def names_field(domain: object, name: str) -> bool:
    """Whether a condition of a domain is about a field of the model itself."""
    return isinstance(domain, list) and any(isinstance(item, list) and item and item[0] == name for item in domain)


def as_time(text: object) -> datetime:
    """A time as clients write it.

    Raises:
        Problem: it is none.
    """
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise wrong_value(f"Invalid term {text!r} in expression date: {text!r}") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _joined(operator: str, tests: list[Test]) -> Test:
    if operator == "!":
        (one,) = tests
        return lambda row: not one(row)
    left, right = tests
    if operator == "|":
        return lambda row: left(row) or right(row)
    return lambda row: left(row) and right(row)


def _condition(store: Store, model: str, path: str, operator: object, value: object) -> Test:
    told = f"({path!r}, {operator!r}, {value!r})"
    if operator not in _OPERATORS:
        raise wrong_value(f"Invalid operator in condition {told}")
    name, _, rest = path.partition(".")
    field = MODELS[model].field(name)
    if field is None:
        raise wrong_value(f"Invalid field {model}.{name} in condition {told}")
    if rest:
        if field.kind != "many2one":
            raise wrong_value(f"Invalid field {model}.{name} in condition {told}")
        beyond = _condition(store, field.target, rest, operator, value)
        return lambda row: row.get(name) in store.records[field.target] and beyond(_linked(store, field, row[name]))
    return _of_field(name, field, str(operator), value, wrong_value(f"Invalid value in condition {told}"))


def _linked(store: Store, field: Field, number: object) -> Values:
    return store.records[field.target][number] if isinstance(number, int) else {}


def _of_field(name: str, field: Field, operator: str, value: object, refusal: Problem) -> Test:
    negated = operator == "!=" or operator.startswith("not ")
    plain = operator.removeprefix("not ")
    if plain in ("=", "!=", "in"):
        listed = value if isinstance(value, list) else [value]
        wanted = [_compared(field, each) for each in listed]
        return lambda row: (row.get(name, False) in wanted) != negated
    if plain in _PATTERNS:
        pattern = _pattern(str(value), whole=plain.startswith("="), ignore_case=plain.endswith("ilike"))
        return lambda row: (isinstance(row.get(name), str) and pattern(str(row[name]))) != negated
    limit = _compared(field, value)
    if limit is False or isinstance(limit, list):
        raise refusal
    compare = _ORDERED[plain]
    return lambda row: row.get(name, False) is not False and compare(row[name], limit)


def _compared(field: Field, value: object) -> object:
    """A value of a condition as a record has it."""
    if field.kind == "datetime" and value is not False:
        return as_time(value)
    if field.kind == "date" and value is not False:
        return date.fromisoformat(str(value)).isoformat()
    return value


def _pattern(text: str, *, whole: bool, ignore_case: bool) -> Callable[[str], bool]:
    """A pattern of SQL's LIKE: `%` for any text, `_` for one character, a backslash before one that means itself."""
    parts, escaped = [], False
    for sign in text if whole else f"%{text}%":
        if escaped:
            parts.append(re.escape(sign))
            escaped = False
        elif sign == "\\":
            escaped = True
        else:
            parts.append({"%": ".*", "_": "."}.get(sign, re.escape(sign)))
    compiled = re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if ignore_case else 0))
    return lambda found: compiled.fullmatch(found) is not None
