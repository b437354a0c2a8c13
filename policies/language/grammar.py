"""The part of CEL that conditions may use. It is small enough to explain, to bound, and to prove properties of.

Boolean operators, comparisons, `in` a list, arithmetic, `double(…)` and the text methods `startsWith`, `endsWith` and
`contains`. Macros (`all`, `map`, …), regular expressions, ternaries, indexing and comments are not allowed: with them a
short condition could take very long, or be hard to understand. The allowed part takes time linear in its length.

Precedence is CEL's (https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax). CEL itself evaluates; this
parser only finds the parts, their names and their places.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from domain.errors import PolicyRejected

MAX_LENGTH = 1_000
MAX_NESTING = 10
MAX_PARTS = 200


class Bounds(NamedTuple):
    """Maximum size of a condition: its characters, its levels of nesting, its parts."""

    length: int
    nesting: int
    parts: int


WRITTEN = Bounds(MAX_LENGTH, MAX_NESTING, MAX_PARTS)
"""The limit for a condition that an author writes."""
COMPOSED = Bounds(8 * MAX_LENGTH, MAX_NESTING + 4, 8 * MAX_PARTS)
"""The limit for a condition after tables, overrides and waivers are expanded."""

_TOKEN = re.compile(
    r"""(?P<number>[0-9]+\.[0-9]+|[0-9]+)(?![\w.])
    |(?P<text>'[^'\\\n]*'|"[^"\\\n]*")
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
    |(?P<mark>&&|\|\||==|!=|<=|>=|[<>!()\[\],+\-*/])""",
    re.VERBOSE,
)
_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")
_METHODS = ("startsWith", "endsWith", "contains")


class ConditionRejected(PolicyRejected):
    """A condition that is outside the language. `offset` is the character where, from 0."""

    def __init__(self, problem: str, *, offset: int, fix: str | None = None) -> None:
        super().__init__(problem, fix=fix)
        self.offset = offset


class Part(StrEnum):
    """The kind of a part of a condition."""

    ANY = "||"
    ALL = "&&"
    NOT = "!"
    COMPARISON = "comparison"
    ARITHMETIC = "arithmetic"
    CALL = "call"
    LIST = "list"
    NAME = "name"
    NUMBER = "number"
    TEXT = "text"
    TRUTH = "truth"


@dataclass(frozen=True)
class Node:
    """A part of a condition: its position in the text, and its own parts.

    `word` is the name, literal, operator or function.
    """

    part: Part
    word: str
    start: int
    end: int
    parts: tuple["Node", ...] = ()

    def walk(self) -> Iterator["Node"]:
        """This part and all within it, outermost first."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def atoms(self) -> Iterator["Node"]:
        """The statements that `&&`, `||` and `!` join, from left to right."""
        if self.part in (Part.ANY, Part.ALL, Part.NOT):
            for part in self.parts:
                yield from part.atoms()
        else:
            yield self


@dataclass(frozen=True)
class _Token:
    kind: str
    word: str
    start: int
    end: int


def _tokens(text: str) -> list[_Token]:
    tokens = []
    at = 0
    while at < len(text):
        if text[at] in " \t\n":
            at += 1
            continue
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise ConditionRejected(f"{text[at]!r} is not understood here", offset=at)
        tokens.append(_Token(found.lastgroup, found.group(), at, found.end()))
        at = found.end()
    tokens.append(_Token("end", "the end", len(text), len(text)))
    return tokens


class _Parser:
    """A recursive-descent parser with a bounded depth."""

    def __init__(self, text: str, bounds: Bounds) -> None:
        self._tokens = _tokens(text)
        self._bounds = bounds
        self._at = 0
        self._depth = 0
        self._parts = 0

    def parse(self) -> Node:
        node = self._any()
        if self._now.kind != "end":
            raise self._unexpected()
        return node

    @property
    def _now(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._now
        self._at += 1
        return token

    def _sees(self, *words: str) -> bool:
        return self._now.word in words and self._now.kind in ("mark", "name")

    def _expect(self, word: str) -> _Token:
        if not self._sees(word):
            raise self._unexpected(fix=f"{word} is missing")
        return self._take()

    def _unexpected(self, fix: str | None = None) -> ConditionRejected:
        return ConditionRejected(f"{self._now.word} does not belong here", offset=self._now.start, fix=fix)

    def _node(self, part: Part, word: str, start: int, *parts: Node) -> Node:
        self._parts += 1
        if self._parts > self._bounds.parts:
            raise ConditionRejected(f"has more than {self._bounds.parts} parts", offset=start, fix="split the rule")
        return Node(part, word, start, self._tokens[self._at - 1].end, parts)

    def _joined(self, part: Part, inner: Callable[[], Node]) -> Node:
        nodes = [inner()]
        while self._sees(part.value):
            self._take()
            nodes.append(inner())
        return nodes[0] if len(nodes) == 1 else self._node(part, part.value, nodes[0].start, *nodes)

    def _any(self) -> Node:
        self._depth += 1
        if self._depth > self._bounds.nesting:
            problem = f"is nested deeper than {self._bounds.nesting} levels"
            raise ConditionRejected(problem, offset=self._now.start, fix="split the rule")
        node = self._joined(Part.ANY, self._all)
        self._depth -= 1
        return node

    def _all(self) -> Node:
        return self._joined(Part.ALL, self._comparison)

    def _comparison(self) -> Node:
        left = self._sum()
        if not self._sees(*_COMPARISONS, "in"):
            return left
        word = self._take().word
        return self._node(Part.COMPARISON, word, left.start, left, self._sum())

    def _sum(self) -> Node:
        return self._arithmetic(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._arithmetic(("*", "/"), self._unary)

    def _arithmetic(self, operators: tuple[str, ...], inner: Callable[[], Node]) -> Node:
        node = inner()
        while self._sees(*operators):
            word = self._take().word
            node = self._node(Part.ARITHMETIC, word, node.start, node, inner())
        return node

    def _unary(self) -> Node:
        if self._sees("!", "-"):
            sign = self._take()
            if self._sees("!", "-"):
                raise self._unexpected(fix="write one sign")
            part = Part.NOT if sign.word == "!" else Part.ARITHMETIC
            return self._node(part, sign.word, sign.start, self._operand())
        return self._operand()

    def _operand(self) -> Node:
        token = self._now
        if token.kind == "number":
            return self._node(Part.NUMBER, self._take().word, token.start)
        if token.kind == "text":
            return self._node(Part.TEXT, self._take().word, token.start)
        if token.kind == "name":
            return self._named()
        if self._sees("("):
            self._take()
            inner = self._any()
            self._expect(")")
            return Node(inner.part, inner.word, token.start, self._tokens[self._at - 1].end, inner.parts)
        if self._sees("["):
            self._take()
            return self._node(Part.LIST, "[]", token.start, *self._listed("]"))
        raise self._unexpected()

    def _named(self) -> Node:
        token = self._take()
        if token.word in ("true", "false"):
            return self._node(Part.TRUTH, token.word, token.start)
        if token.word in ("null", "in"):
            raise ConditionRejected(f"{token.word} does not belong here", offset=token.start)
        if not self._sees("("):
            return self._node(Part.NAME, token.word, token.start)
        owner, _, function = token.word.rpartition(".")
        if (function not in _METHODS) if owner else (function != "double"):
            known = ", ".join(_METHODS)
            raise ConditionRejected(
                f"{function} is no function of conditions",
                offset=token.start + len(token.word) - len(function),
                fix=f"there are {known} of a text, and double of a whole number",
            )
        self._take()
        arguments = self._listed(")")
        if owner:
            arguments = (Node(Part.NAME, owner, token.start, token.start + len(owner)), *arguments)
        return self._node(Part.CALL, function, token.start, *arguments)

    def _listed(self, closing: str) -> tuple[Node, ...]:
        nodes = []
        while not self._sees(closing):
            nodes.append(self._any())
            if not self._sees(closing):
                self._expect(",")
        self._expect(closing)
        return tuple(nodes)


def parse(text: str, bounds: Bounds = WRITTEN) -> Node:
    """The parts of a condition.

    Raises:
        ConditionRejected: it is outside the language, or larger than a condition can need.
    """
    if len(text) > bounds.length:
        problem = f"is longer than {bounds.length} characters"
        raise ConditionRejected(problem, offset=bounds.length, fix="split the rule")
    return _Parser(text, bounds).parse()
