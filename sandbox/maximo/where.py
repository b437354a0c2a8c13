"""Maximo's query language, as far as it is safe: conditions joined by `and`.

A live server refuses parentheses (BMXAA8744E) and gets `or` wrong; this one refuses both, so that no client
leans on them.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from typing import Final

from sandbox.maximo.attributes import TEXTS, Attribute
from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.mbo import Mbo, Value, rank
from sandbox.maximo.structures import MboStructure

_TOKEN = re.compile(
    r"""\s*(?: (?P<string>"[^"]*") | (?P<number>-?\d+(?:\.\d+)?) | (?P<operator><=|>=|!=|=|<|>)
      | (?P<word>[A-Za-z_][A-Za-z0-9_.:]*) | (?P<mark>[\[\],]) )""",
    re.VERBOSE,
)

_COMPARE: Final[Mapping[str, Callable[[tuple[float, str], tuple[float, str]], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """`attribute operator operand`: an operator of the language, or `null`, `not null`, `like`, `not like`."""

    attribute: Attribute
    operator: str
    operand: tuple[Value, ...]

    def holds(self, mbo: Mbo) -> bool:
        """As SQL has it: a null satisfies nothing but the test for null."""
        value = mbo.attributes.get(self.attribute.name)
        if self.operator in ("null", "not null"):
            return (value is None) == (self.operator == "null")
        if value is None:
            return False
        if self.is_like:
            return (self._pattern.fullmatch(str(value)) is not None) == (self.operator == "like")
        if self.operator in ("=", "in"):
            return value in self.operand
        if self.operator == "!=":
            return value not in self.operand
        return _COMPARE[self.operator](rank(value), self._rank)

    @property
    def is_like(self) -> bool:
        """Whether it compares with a pattern, which costs more than the others."""
        return self.operator in ("like", "not like")

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(".*".join(re.escape(part) for part in str(self.operand[0]).split("%")), re.DOTALL)

    @cached_property
    def _rank(self) -> tuple[float, str]:
        return rank(self.operand[0])


def parse_where(text: str, structure: MboStructure, zone: tzinfo) -> tuple[Condition, ...]:
    """The conditions of an `oslc.where`, all of which must hold.

    A date in it is plant-local (`zone`); an offset is not read, as live servers were seen to do.

    Raises:
        MaximoError: 400; BMXAA8744E for what is not the language, else naming the attribute.
    """
    tokens = _tokens(text)
    conditions = []
    while True:
        conditions.append(_condition(tokens, structure, zone))
        kind, token = next(tokens)
        if kind == "end":
            return tuple(conditions)
        if token.lower() != "and":
            raise _not_understood(token)


def parse_internal_where(text: str, structure: MboStructure) -> tuple[str, bool, frozenset[str]]:
    """A `domaininternalwhere`: the attribute, whether it must (else: must not) be one of the values, and those."""
    found = re.fullmatch(r"\s*(\w+)\s*(!?=)\s*(\w+(?:\s*,\s*\w+)*)\s*", text)
    if found is None:
        raise _not_understood(text)
    name, operator, values = found.groups()
    attribute = persistent_attribute(structure, name)
    if not attribute.domain:
        raise attribute.refusal(name, structure.name, "has no synonym domain")
    return name, operator == "=", frozenset(value.strip() for value in values.split(","))


def persistent_attribute(structure: MboStructure, name: str) -> Attribute:
    """The attribute a filter or an order names; 400 naming it where the object has none such to search by."""
    attribute = structure.attributes.get(name.removeprefix("spi:"))
    if attribute is None or not attribute.persistent:
        raise MaximoError(
            UNSTATED,
            f"{name} is not a persistent attribute of {structure.name}.",
            attribute=name,
            object_name=structure.name,
        )
    return attribute


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while text[position:].strip():
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise _not_understood(text[position:])
        yield found.lastgroup, found.group(found.lastgroup)
        position = found.end()
    while True:
        yield "end", ""


def _condition(tokens: Iterator[tuple[str, str]], structure: MboStructure, zone: tzinfo) -> Condition:
    kind, name = next(tokens)
    if kind != "word":
        raise _not_understood(name)
    attribute = persistent_attribute(structure, name)
    kind, operator = next(tokens)
    if kind == "word" and operator.lower() == "in":
        return Condition(attribute, "in", tuple(_list(tokens, attribute, structure, zone)))
    if kind != "operator":
        raise _not_understood(operator)
    kind, written = next(tokens)
    if written == '"*"' and operator in ("=", "!="):
        return Condition(attribute, "not null" if operator == "=" else "null", ())
    operand = _operand(kind, written, attribute, structure, zone)
    if isinstance(operand, str) and "%" in operand and operator in ("=", "!="):
        return Condition(attribute, "like" if operator == "=" else "not like", (operand,))
    return Condition(attribute, operator, (operand,))


def _list(
    tokens: Iterator[tuple[str, str]], attribute: Attribute, structure: MboStructure, zone: tzinfo
) -> Iterator[Value]:
    _, opening = next(tokens)
    if opening != "[":
        raise _not_understood(opening)
    while True:
        kind, token = next(tokens)
        yield _operand(kind, token, attribute, structure, zone)
        _, mark = next(tokens)
        if mark == "]":
            return
        if mark != ",":
            raise _not_understood(mark)


def _operand(kind: str, token: str, attribute: Attribute, structure: MboStructure, zone: tzinfo) -> Value:
    """The language is type sensitive: texts and dates in quotes, numbers and booleans bare."""
    if attribute.kind in TEXTS and kind == "string":
        return token[1:-1]
    if attribute.kind == "DATETIME" and kind == "string":
        return attribute.read_date(token[1:-1], structure.name, zone, offset_unread=True)
    if attribute.kind == "YORN" and kind == "number" and float(token) in (0, 1):
        return bool(float(token))
    if attribute.kind in ("INTEGER", "DECIMAL") and kind == "number":
        return float(token)
    if kind not in ("string", "number"):
        raise _not_understood(token)
    raise attribute.refusal(token, structure.name, f"is not written as a value of type {attribute.kind}")


def _not_understood(text: str) -> MaximoError:
    return MaximoError("BMXAA8744E", f"The where clause cannot be read at: {text or 'its end'}")
