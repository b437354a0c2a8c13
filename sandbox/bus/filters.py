"""Rules of subscriptions: correlation filters and the SQL filter language.

SQL filters follow "Subscription Rule SQL Filter Syntax" of Service Bus without arithmetic and functions other than
`EXISTS`: comparisons, `AND`, `OR`, `NOT`, `IN`, `LIKE … ESCAPE`, `IS [NOT] NULL`, literals, and properties as `name`,
`[any name]`, `"any name"`, `user.name` or `sys.Name`. A comparison with an absent property or with a value of another
kind is unknown, and only what is true is selected.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn, Protocol

from sandbox.bus.message import Message, Properties

_SYSTEM: Final = {
    "messageid": "message_id",
    "to": "to",
    "label": "subject",
    "subject": "subject",
    "replyto": "reply_to",
    "correlationid": "correlation_id",
    "contenttype": "content_type",
    "sessionid": "session_id",
    "replytosessionid": "reply_to_session_id",
}


class Filter(Protocol):
    """What a subscription's rule selects messages by."""

    def matches(self, message: Message) -> bool:
        """Whether the subscription gets the message; CodecError where its properties are malformed."""


@dataclass(frozen=True)
class CorrelationFilter:
    """All given system properties (`message_id`, `subject`, …) and application properties are equal."""

    system: Mapping[str, str] = field(default_factory=dict)
    application: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = set(self.system) - set(Properties._fields)
        if unknown:
            raise ValueError(f"no system property is called {', '.join(sorted(unknown))}")

    def matches(self, message: Message) -> bool:
        properties, application = message.properties, message.application_properties
        return all(getattr(properties, name) == value for name, value in self.system.items()) and all(
            name in application and application[name] == value for name, value in self.application.items()
        )


class SqlFilter:
    """A condition in Service Bus's SQL filter language, parsed once.

    Raises:
        ValueError: the expression is malformed or outside the subset.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._condition = _Parser(expression).parse()

    def matches(self, message: Message) -> bool:
        return self._condition(message) is True


Operand = Callable[[Message], object]
Condition = Callable[[Message], bool | None]

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<text>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\])
      | (?P<word>[A-Za-z_][A-Za-z0-9_$#@]*)
      | (?P<symbol><>|!=|<=|>=|[=<>(),.\-+])
    )""",
    re.VERBOSE,
)
_KEYWORDS: Final = frozenset(("AND", "OR", "NOT", "IN", "LIKE", "ESCAPE", "IS", "NULL", "TRUE", "FALSE", "EXISTS"))
_COMPARISONS: Final = frozenset(("=", "<>", "!=", "<", "<=", ">", ">="))


class _Parser:
    def __init__(self, expression: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position, end = 0, len(expression.rstrip())
        while position < end:
            match = _TOKEN.match(expression, position)
            if match is None:
                raise ValueError(f"SQL filter: cannot read {expression[position:]!r}")
            kind = str(match.lastgroup)
            text = match.group(kind)
            if kind == "word" and text.upper() in _KEYWORDS:
                kind, text = "keyword", text.upper()
            self._tokens.append((kind, text))
            position = match.end()
        self._next = 0

    def parse(self) -> Condition:
        condition = self._or()
        if self._next < len(self._tokens):
            self._fail("the end")
        return condition

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "")

    def _take(self, *texts: str) -> str | None:
        kind, text = self._peek()
        if kind in ("keyword", "symbol") and text in texts:
            self._next += 1
            return text
        return None

    def _expect(self, text: str) -> None:
        if self._take(text) is None:
            self._fail(text)

    def _fail(self, wanted: str) -> NoReturn:
        raise ValueError(f"SQL filter: expected {wanted}, found {self._peek()[1] or 'the end'!r}")

    def _or(self) -> Condition:
        condition = self._and()
        while self._take("OR"):
            condition = _either(condition, self._and())
        return condition

    def _and(self) -> Condition:
        condition = self._not()
        while self._take("AND"):
            condition = _both(condition, self._not())
        return condition

    def _not(self) -> Condition:
        if self._take("NOT"):
            return _negated(self._not())
        return self._predicate()

    def _predicate(self) -> Condition:
        if self._take("("):
            condition = self._or()
            self._expect(")")
            return condition
        if self._take("EXISTS"):
            self._expect("(")
            subject = self._property()
            self._expect(")")
            return lambda message: subject(message) is not None
        left = self._operand()
        if self._take("IS"):
            negated = self._take("NOT") is not None
            self._expect("NULL")
            return lambda message: (left(message) is None) is not negated
        negated = self._take("NOT") is not None
        if self._take("IN"):
            condition = self._in(left)
        elif self._take("LIKE"):
            condition = self._like(left)
        elif negated:
            self._fail("IN or LIKE")
        else:
            comparison = self._take(*_COMPARISONS)
            if comparison is None:
                return lambda message: _as_truth(left(message))
            condition = _compared(comparison, left, self._operand())
        return _negated(condition) if negated else condition

    def _in(self, left: Operand) -> Condition:
        self._expect("(")
        choices = [self._operand()]
        while self._take(","):
            choices.append(self._operand())
        self._expect(")")
        condition = _compared("=", left, choices[0])
        for choice in choices[1:]:
            condition = _either(condition, _compared("=", left, choice))
        return condition

    def _like(self, left: Operand) -> Condition:
        pattern = self._text()
        escape = self._text() if self._take("ESCAPE") else ""
        if len(escape) > 1:
            raise ValueError(f"SQL filter: ESCAPE takes one character, not {escape!r}")
        compiled = re.compile(_like_to_regex(pattern, escape), re.DOTALL)

        def condition(message: Message) -> bool | None:
            value = left(message)
            return compiled.fullmatch(value) is not None if isinstance(value, str) else None

        return condition

    def _text(self) -> str:
        kind, text = self._peek()
        if kind != "text":
            self._fail("a string")
        self._next += 1
        return text[1:-1].replace("''", "'")

    def _operand(self) -> Operand:
        sign = -1 if self._take("-") else 1
        kind, text = self._peek()
        if kind == "number":
            self._next += 1
            number = sign * (int(text) if text.isdigit() else float(text))
            return lambda _: number
        if sign < 0:
            self._fail("a number")
        if kind == "text":
            literal = self._text()
            return lambda _: literal
        if kind == "keyword" and text in ("TRUE", "FALSE", "NULL"):
            self._next += 1
            constant = {"TRUE": True, "FALSE": False, "NULL": None}[text]
            return lambda _: constant
        return self._property()

    def _name(self) -> str:
        kind, text = self._peek()
        if kind not in ("word", "quoted"):
            self._fail("a property")
        self._next += 1
        if kind == "word":
            return text
        return text[1:-1].replace(text[-1] * 2, text[-1])

    def _property(self) -> Operand:
        plain = self._peek()[0] == "word"
        name = self._name()
        scope = name.lower() if plain and self._take(".") else ""
        if scope == "sys":
            wanted = self._name()
            system = _SYSTEM.get(wanted.lower())
            if system is None:
                raise ValueError(f"SQL filter: no system property is called {wanted!r}")
            return lambda message: getattr(message.properties, system)
        if scope not in ("", "user"):
            raise ValueError(f"SQL filter: the scope is sys or user, not {scope!r}")
        if scope:
            name = self._name()
        return lambda message: message.application_properties.get(name)


def _both(left: Condition, right: Condition) -> Condition:
    def condition(message: Message) -> bool | None:
        values = (left(message), right(message))
        if False in values:
            return False
        return None if None in values else True

    return condition


def _either(left: Condition, right: Condition) -> Condition:
    return _negated(_both(_negated(left), _negated(right)))


def _negated(inner: Condition) -> Condition:
    def condition(message: Message) -> bool | None:
        value = inner(message)
        return None if value is None else not value

    return condition


def _as_truth(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _compared(comparison: str, left: Operand, right: Operand) -> Condition:
    def condition(message: Message) -> bool | None:
        return _compare(comparison, left(message), right(message))

    return condition


def _compare(comparison: str, left: object, right: object) -> bool | None:
    if isinstance(left, bool) is not isinstance(right, bool):
        return None
    order = _order(left, right)
    if order is None:
        return None
    match comparison:
        case "=":
            return order == 0
        case "<>" | "!=":
            return order != 0
        case "<":
            return order < 0
        case "<=":
            return order <= 0
        case ">":
            return order > 0
        case _:
            return order >= 0


def _order(left: object, right: object) -> int | None:
    """Negative, zero or positive; None where the two are of kinds that do not compare."""
    if isinstance(left, str) and isinstance(right, str):
        return (left > right) - (left < right)
    if isinstance(left, int | float) and isinstance(right, int | float):
        return (left > right) - (left < right)
    return None


def _like_to_regex(pattern: str, escape: str) -> str:
    out, characters = "", iter(pattern)
    for character in characters:
        if escape and character == escape:
            out += re.escape(next(characters, ""))
        else:
            out += {"%": ".*", "_": "."}.get(character) or re.escape(character)
    return out
