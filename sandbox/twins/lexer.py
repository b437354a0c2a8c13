"""The words of the query language, and a cursor over them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

Path = tuple[str, ...]


class ExpressionError(ValueError):
    """The text is not of the language; the message says where."""


@dataclass(frozen=True)
class Token:
    """A piece of the text: `kind` is number, string, name, symbol or end."""

    kind: str
    text: str
    position: int


_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | \[\[(?P<escaped>[^\]]+)\]\]
      | (?P<name>\$?[^\W\d]\w*)
      | (?P<symbol><=|>=|!=|<>|[=<>(),.*\[\]])
    )""",
    re.VERBOSE,
)


def tokens(text: str) -> list[Token]:
    """Raises ExpressionError for a character that begins nothing."""
    found: list[Token] = []
    text = text.rstrip()
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(f"unexpected {text[position : position + 10]!r} at character {position}")
        kind = match.lastgroup or "symbol"
        found.append(Token("name" if kind == "escaped" else kind, match[kind], match.start(kind)))
        position = match.end()
    found.append(Token("end", "", len(text)))
    return found


class TokenReader:
    """A cursor over tokens; keywords are matched without regard to case."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0

    @property
    def current(self) -> Token:
        return self._tokens[self._at]

    @property
    def next(self) -> Token:
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def advance(self) -> Token:
        token = self.current
        self._at += 1
        return token

    def at_keyword(self, *words: str) -> bool:
        return self.current.kind == "name" and self.current.text.upper() in words

    def accept_keyword(self, word: str) -> bool:
        if self.at_keyword(word):
            self._at += 1
            return True
        return False

    def accept(self, symbol: str) -> bool:
        if self.current.kind == "symbol" and self.current.text == symbol:
            self._at += 1
            return True
        return False

    def expect(self, symbol_or_word: str) -> None:
        if not (self.accept(symbol_or_word) or self.accept_keyword(symbol_or_word)):
            raise self.unexpected(symbol_or_word)

    def name(self) -> str:
        if self.current.kind != "name":
            raise self.unexpected("a name")
        return self.advance().text

    def integer(self) -> int:
        if self.current.kind != "number" or not self.current.text.isdigit():
            raise self.unexpected("a whole number")
        return int(self.advance().text)

    def path(self) -> Path:
        parts = [self.name()]
        while self.accept("."):
            parts.append(self.name())
        return tuple(parts)

    def end(self) -> None:
        if self.current.kind != "end":
            raise self.unexpected("the end")

    def unexpected(self, wanted: str) -> ExpressionError:
        found = self.current.text or "the end"
        return ExpressionError(f"expected {wanted} at character {self.current.position}, found {found!r}")
