"""The values at which the conditions of a version change their result when one value moves and all others are fixed.

Conditions are finite combinations of comparisons, so nothing changes between two neighbouring thresholds. It is enough
to evaluate at each threshold and directly beside it.
"""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from policies.language.expressions import Chain
from policies.language.grammar import Node, Part
from policies.language.variables import RULE_VARIABLES, Value

OTHER = "something else"
"""A text that no condition names."""
MAX_COUNT = 64
"""Up to here every count in arithmetic is evaluated; memory counts no further than 32."""

_LARGEST = 1.7976931348623157e308
_EQUALITIES = ("==", "!=", "in")


@dataclass
class Thresholds:
    """The values at which a result may change; `exact` is false if a condition could not be searched completely."""

    values: set[Value] = field(default_factory=set)
    exact: bool = True


def thresholds(chain: Chain, name: str, values: Mapping[str, Value]) -> Thresholds:
    """The thresholds of one name, with these values of all others."""
    found = Thresholds()
    for position, condition in enumerate(chain.conditions):
        if name not in condition.names:
            continue
        for atom in condition.node.atoms():
            if any(part.part is Part.NAME and part.word == name for part in atom.walk()):
                _add(found, _Asked(chain, position, atom, name, values))
    variable = RULE_VARIABLES[name]
    if variable.type == "BOOL":
        found.values = {not values[name]}
    if variable.type == "STRING":
        found.values.update(variable.words or ("", OTHER))
    return found


def beside(threshold: float) -> tuple[float, float, float]:
    """A threshold with its lower and upper neighbour."""
    return math.nextafter(threshold, -math.inf), threshold, math.nextafter(threshold, math.inf)


@dataclass(frozen=True)
class _Asked:
    """One statement of one condition, about one name."""

    chain: Chain
    position: int
    atom: Node
    name: str
    values: Mapping[str, Value]

    def held(self, value: Value) -> bool:
        """Whether the statement is true with another value for the name."""
        return self.chain.holds(self.position, self.atom, {**self.values, self.name: value})

    def value(self, node: Node) -> Value | None:
        """The value of a part of the statement; None if it is no plain value, or an error."""
        if node.part is Part.NAME:
            return self.values[node.word]
        given = self.chain.value(self.position, node, self.values)
        return given if isinstance(given, (bool, int, float, str)) else None


def _add(found: Thresholds, asked: _Asked) -> None:
    atom, kind = asked.atom, RULE_VARIABLES[asked.name].type
    if kind == "BOOL":
        return
    if atom.part is Part.COMPARISON:
        left, right = atom.parts
        for mine, other in ((left, right), (right, left)):
            if mine.part is Part.NAME and mine.word == asked.name and not _names(other, asked.name):
                members = other.parts if other.part is Part.LIST else (other,)
                given = [asked.value(member) for member in members]
                found.values.update(value for value in given if value is not None)
                return
    if kind == "STRING":
        literals = [part.word[1:-1] for part in atom.walk() if part.part is Part.TEXT]
        found.values.update(literals)
        # One method needs one text; several together could need a text that the policy does not contain.
        found.exact = found.exact and atom.part is Part.CALL and len(literals) == 1
        return
    if kind == "INT":
        found.values.update(range(MAX_COUNT + 1))
        found.exact = found.exact and asked.name != "memory.seen"
    if kind == "DOUBLE":
        once = sum(part.part is Part.NAME and part.word == asked.name for part in atom.walk()) == 1
        found.exact = found.exact and once and atom.word not in _EQUALITIES
        found.values.update(_crossings(asked))


def _names(node: Node, name: str) -> bool:
    return any(part.part is Part.NAME and part.word == name for part in node.walk())


def _crossings(asked: _Asked) -> Iterator[float]:
    """The values at which a statement with arithmetic changes: on each side of 0 every operation is monotone."""
    for low, high in ((-_LARGEST, -0.0), (0.0, _LARGEST)):
        first, last = _rank(low), _rank(high)
        if asked.held(low) == asked.held(high):
            continue
        while last - first > 1:
            middle = (first + last) // 2
            if asked.held(_ranked(middle)) == asked.held(low):
                first = middle
            else:
                last = middle
        # Of the two neighbours the one that a person would write; the other is evaluated as its neighbour.
        yield min(_ranked(first), _ranked(last), key=lambda value: len(repr(value)))


def _rank(value: float) -> int:
    """The position of a double in the order of all doubles."""
    bits = int(struct.unpack("<q", struct.pack("<d", value))[0])
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF) - 1


def _ranked(rank: int) -> float:
    bits = rank if rank >= 0 else (-(rank + 1)) | (1 << 63)
    return float(struct.unpack("<d", struct.pack("<Q", bits))[0])
