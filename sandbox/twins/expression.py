"""The condition language that queries and event route filters share.

Comparisons with something absent are undefined (None), which is neither true nor false: NOT of it is undefined too,
and a row or event whose condition is undefined does not pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

from sandbox.twins.document import JsonValue
from sandbox.twins.lexer import ExpressionError, Path, TokenReader


class Missing:
    """The value of a path that leads nowhere."""


MISSING: Final = Missing()
Value: TypeAlias = "JsonValue | Missing"


class Scope(Protocol):
    """Where a condition's paths are looked up: a row of a query, or an event."""

    def lookup(self, path: Path) -> Value: ...


Operand = Callable[[Scope], Value]
Condition = Callable[[Scope], bool | None]


_LITERALS: Final[Mapping[str, bool | None]] = MappingProxyType({"true": True, "false": False, "null": None})
_SIGNS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType({"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)})
MAX_IN_VALUES: Final = 50


class ConditionParser:
    """Parses conditions; a subclass adds functions of its own by `function`."""

    def __init__(self, reader: TokenReader) -> None:
        self.reader = reader
        self.paths: list[Path] = []

    def condition(self) -> Condition:
        """`a AND NOT b OR c`, with the usual precedence and parentheses."""
        left = self._conjunction()
        while self.reader.accept_keyword("OR"):
            left = _or(left, self._conjunction())
        return left

    def function(self, name: str) -> Condition:
        """A call, its name and opening parenthesis already read."""
        predicate = _TESTS.get(name)
        if predicate is not None:
            operand = self.operand()
            self.reader.expect(")")
            return _test(predicate, operand)
        relation = _RELATIONS.get(name)
        if relation is None:
            raise ExpressionError(f"unknown function {name}")
        left = self.operand()
        self.reader.expect(",")
        right = self.operand()
        self.reader.expect(")")
        return _relate(relation, left, right)

    def operand(self) -> Operand:
        """A literal or a path."""
        token = self.reader.current
        if token.kind == "number":
            self.reader.advance()
            number = int(token.text) if token.text.lstrip("-").isdigit() else float(token.text)
            return lambda _: number
        if token.kind == "string":
            self.reader.advance()
            text = re.sub(r"\\(.)", r"\1", token.text[1:-1])
            return lambda _: text
        if token.kind == "name" and token.text.lower() in _LITERALS:
            self.reader.advance()
            literal = _LITERALS[token.text.lower()]
            return lambda _: literal
        path = self.reader.path()
        self.paths.append(path)
        return lambda scope: scope.lookup(path)

    def _conjunction(self) -> Condition:
        left = self._negation()
        while self.reader.accept_keyword("AND"):
            left = _and(left, self._negation())
        return left

    def _negation(self) -> Condition:
        if self.reader.accept_keyword("NOT"):
            return _not(self._negation())
        if self.reader.accept("("):
            inner = self.condition()
            self.reader.expect(")")
            return inner
        following = self.reader.next
        if self.reader.current.kind == "name" and following.kind == "symbol" and following.text == "(":
            name = self.reader.advance().text.upper()
            self.reader.expect("(")
            return self.function(name)
        return self._comparison()

    def _comparison(self) -> Condition:
        left = self.operand()
        if self.reader.at_keyword("IN", "NIN"):
            negated = self.reader.advance().text.upper() == "NIN"
            return _member(left, self._values(), negated=negated)
        for symbol in ("=", "!=", "<>", "<=", ">=", "<", ">"):
            if self.reader.accept(symbol):
                return _compare(symbol, left, self.operand())
        return lambda scope: left(scope) is True

    def _values(self) -> Sequence[Operand]:
        self.reader.expect("[")
        values = [self.operand()]
        while self.reader.accept(","):
            values.append(self.operand())
        self.reader.expect("]")
        if len(values) > MAX_IN_VALUES:
            raise ExpressionError(f"IN has more than {MAX_IN_VALUES} values")
        return values


def _or(left: Condition, right: Condition) -> Condition:
    def either(scope: Scope) -> bool | None:
        first = left(scope)
        if first:
            return True
        second = right(scope)
        return second if first is False or second else None

    return either


def _and(left: Condition, right: Condition) -> Condition:
    def both(scope: Scope) -> bool | None:
        first = left(scope)
        if first is False:
            return False
        second = right(scope)
        return second if first or second is False else None

    return both


def _not(inner: Condition) -> Condition:
    def negated(scope: Scope) -> bool | None:
        outcome = inner(scope)
        return None if outcome is None else not outcome

    return negated


def _compare(symbol: str, left: Operand, right: Operand) -> Condition:
    def compared(scope: Scope) -> bool | None:
        first, second = left(scope), right(scope)
        if isinstance(first, Missing) or isinstance(second, Missing):
            return None
        if symbol == "=":
            return _same(first, second)
        if symbol in {"!=", "<>"}:
            return not _same(first, second)
        sign = _sign(first, second)
        return None if sign is None else sign in _SIGNS[symbol]

    return compared


def _member(left: Operand, values: Sequence[Operand], *, negated: bool) -> Condition:
    def member(scope: Scope) -> bool | None:
        value = left(scope)
        if isinstance(value, Missing):
            return None
        return any(_same(value, each(scope)) for each in values) != negated

    return member


def _test(predicate: Callable[[Value], bool], operand: Operand) -> Condition:
    return lambda scope: predicate(operand(scope))


def _relate(relation: Callable[[Value, Value], bool], left: Operand, right: Operand) -> Condition:
    return lambda scope: relation(left(scope), right(scope))


def _same(first: Value, second: Value) -> bool:
    return isinstance(first, bool) == isinstance(second, bool) and first == second


def _sign(first: Value, second: Value) -> int | None:
    """-1, 0 or 1; None for values that have no order among them."""
    if isinstance(first, str) and isinstance(second, str):
        return (first > second) - (first < second)
    if isinstance(first, int | float) and isinstance(second, int | float) and _number(first) and _number(second):
        return (first > second) - (first < second)
    return None


def _number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _starts(value: Value, text: Value) -> bool:
    return isinstance(value, str) and isinstance(text, str) and value.startswith(text)


def _ends(value: Value, text: Value) -> bool:
    return isinstance(value, str) and isinstance(text, str) and value.endswith(text)


def _contains(value: Value, text: Value) -> bool:
    return isinstance(value, str) and isinstance(text, str) and text in value


def _holds(value: Value, element: Value) -> bool:
    return isinstance(value, list) and any(_same(each, element) for each in value)


_TESTS: Final[Mapping[str, Callable[[Value], bool]]] = MappingProxyType(
    {
        "IS_DEFINED": lambda value: not isinstance(value, Missing),
        "IS_NULL": lambda value: value is None,
        "IS_BOOL": lambda value: isinstance(value, bool),
        "IS_NUMBER": _number,
        "IS_STRING": lambda value: isinstance(value, str),
        "IS_OBJECT": lambda value: isinstance(value, dict),
        "IS_PRIMITIVE": lambda value: not isinstance(value, dict | list | Missing),
    }
)
_RELATIONS: Final[Mapping[str, Callable[[Value, Value], bool]]] = MappingProxyType(
    {
        "STARTSWITH": _starts,
        "STARTS_WITH": _starts,
        "ENDSWITH": _ends,
        "ENDS_WITH": _ends,
        "CONTAINS": _contains,
        "ARRAY_CONTAINS": _holds,
    }
)
