"""OData V2 on the server's side: values in JSON, filters and keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.sap_pm.errors import malformed
from sandbox.sap_pm.fields import Kind, Property

Value = str | bool | float | datetime | None
Record = Mapping[str, Value]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DATE: Final = re.compile(r"/Date\((-?\d+)(?:\+0000)?\)/")
_TIME: Final = re.compile(r"PT\d\dH\d\dM\d\dS")
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<moment>datetimeoffset'[^']*')|(?P<text>'(?:[^']|'')*')|(?P<word>[\w.]+))"
)
_KEY: Final = re.compile(r"\w+\(('(?:[^']|'')*')\)")
_COMPARISONS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "eq": lambda one, other: one == other,
    "ne": lambda one, other: one != other,
    "ge": lambda one, other: one >= other,
    "gt": lambda one, other: one > other,
    "le": lambda one, other: one <= other,
    "lt": lambda one, other: one < other,
}


def shown(value: Value, kind: Kind) -> object:
    """A value in JSON."""
    if not isinstance(value, datetime):
        return str(value) if kind is Kind.DOUBLE and value is not None else value
    milliseconds = int((value - _EPOCH) / timedelta(milliseconds=1))
    return f"/Date({milliseconds}{'+0000' if kind is Kind.MOMENT else ''})/"


def taken(name: str, given: object, of: Property) -> Value:
    """A value that a client sends.

    Raises:
        Refusal: it is of another type, too long, or none of those that are allowed.
    """
    if given is None:
        return None
    match of.kind:
        case Kind.TEXT if isinstance(given, str):
            if of.length is not None and len(given) > of.length:
                raise malformed(f"Property '{name}' at offset '0' has a value longer than {of.length} characters", name)
            value = given.upper() if of.upper else given
            if of.values and value not in of.values:
                raise malformed(f"Value '{given}' of property '{name}' is not allowed", name)
            return value
        case Kind.FLAG if isinstance(given, bool):
            return given
        case Kind.DOUBLE if isinstance(given, str | float | int) and not isinstance(given, bool):
            return float(given)
        case Kind.TIME if isinstance(given, str) and _TIME.fullmatch(given):
            return given
        case Kind.DATE | Kind.MOMENT if isinstance(given, str) and (found := _DATE.fullmatch(given)):
            return _EPOCH + timedelta(milliseconds=int(found.group(1)))
    raise malformed(f"Property '{name}' has an invalid value of type {of.kind.value}", name)


def text_of_literal(literal: str) -> str:
    """The text of a literal in quotation marks."""
    return literal[1:-1].replace("''", "'")


def key_of(segment: str) -> str | None:
    """The key in a path segment; None if it has none."""
    found = _KEY.fullmatch(segment)
    return text_of_literal(found.group(1)) if found else None


def day_of(moment: datetime) -> datetime:
    """A moment's day, as an `Edm.DateTime`."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def time_of(moment: datetime) -> str:
    """A moment's time of day, as an `Edm.Time`."""
    return f"PT{moment:%H}H{moment:%M}M{moment:%S}S"


class Filter:
    """A `$filter` of comparisons, `and`, `or` and parentheses.

    Raises:
        Refusal: it cannot be parsed, or names a property that does not exist or cannot be filtered by.
    """

    def __init__(self, text: str, properties: Mapping[str, Property]) -> None:
        self._properties = properties
        self._tokens = self._split(text)
        self._test = self._any()
        if self._tokens:
            raise malformed("Syntax error in the filter expression")

    def __call__(self, record: Record) -> bool:
        return self._test(record)

    def _split(self, text: str) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            found = _TOKEN.match(text, position)
            if found is None:
                raise malformed(f"Syntax error in the filter expression at position {position}")
            tokens.append((str(found.lastgroup), found.group(str(found.lastgroup))))
            position = found.end()
        return tokens

    def _any(self) -> Callable[[Record], bool]:
        tests = [self._all()]
        while self._tokens and self._tokens[0] == ("word", "or"):
            self._tokens.pop(0)
            tests.append(self._all())
        return lambda record: any(test(record) for test in tests)

    def _all(self) -> Callable[[Record], bool]:
        tests = [self._term()]
        while self._tokens and self._tokens[0] == ("word", "and"):
            self._tokens.pop(0)
            tests.append(self._term())
        return lambda record: all(test(record) for test in tests)

    def _term(self) -> Callable[[Record], bool]:
        kind, name = self._next()
        if kind == "open":
            test = self._any()
            if self._next()[0] != "close":
                raise malformed("Syntax error in the filter expression: a parenthesis is missing")
            return test
        (_, comparison), (literal_kind, literal) = self._next(), self._next()
        of = self._properties.get(name)
        if of is None or comparison not in _COMPARISONS:
            raise malformed(f"Invalid filter property '{name}'", name)
        if not of.filterable:
            raise malformed(f"Property '{name}' cannot be used in a filter", name)
        if (literal_kind == "moment") != (of.kind is Kind.MOMENT):
            raise malformed(f"The literal of '{name}' has another type than the property", name)
        wanted, compare = _comparable_literal(literal_kind, literal), _COMPARISONS[comparison]
        return lambda record: compare(_comparable(record.get(name)), wanted)

    def _next(self) -> tuple[str, str]:
        if not self._tokens:
            raise malformed("Syntax error in the filter expression: it ends too early")
        return self._tokens.pop(0)


def _comparable_literal(kind: str, literal: str) -> str:
    match kind:
        case "text":
            return text_of_literal(literal)
        case "moment":
            return _comparable(datetime.fromisoformat(literal.removeprefix("datetimeoffset").strip("'")))
    return literal


def _comparable(value: Value) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value).lower() if isinstance(value, bool) else str("" if value is None else value)
