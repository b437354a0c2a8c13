"""The language of an order's text. English is written in the code; the other languages are in catalogues.

A message is a sentence or a part of one, with named placeholders. Its English is its name in the catalogues, as in
gettext. Code says a message with `say("Seen: {observations}.", observations=…)`, and a table of messages marks each
one with `message`, so that a test finds every message and compares it with the catalogues.

Times are ISO 8601 dates with hours and minutes in UTC in every language. What people write, such as the reasons of a
policy's author, is not translated.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Final

from domain import spanish

_DECIMAL: Final = re.compile(r"-?\d+\.\d+")
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


class Language(StrEnum):
    """A language in which an order can be written (ISO 639-1)."""

    ENGLISH = "en"
    SPANISH = "es"


def message(english: str) -> str:
    """Marks a message that is said later, from a table."""
    return english


class Wording:
    """Says messages in one language.

    Args:
        translations: the messages of the code, each by its English text; empty for English.
        recorded: the same for sentences that the record keeps in English.
        decimal_mark: what stands before the decimals of a number. In tables a semicolon is between the cells if it is a
            comma.
        group_mark: what stands between groups of three digits.
    """

    def __init__(
        self,
        language: Language,
        translations: Mapping[str, str],
        recorded: Mapping[str, str],
        decimal_mark: str,
        group_mark: str,
    ) -> None:
        self.language = language
        self._translations = translations
        self._recorded = recorded
        self.decimal_mark = decimal_mark
        self.list_mark = ";" if decimal_mark == "," else ","
        self._marks = str.maketrans({".": decimal_mark, ",": group_mark})

    def __call__(self, english: str, /, **values: object) -> str:
        """A message with the values of its placeholders. One that the catalogue does not have is said in English."""
        return self._translations.get(english, english).format_map(values)

    def number(self, value: float | Decimal, decimals: int) -> str:
        """A number, rounded, as the language writes it."""
        return f"{value:,.{decimals}f}".translate(self._marks)

    def plain_number(self, value: float | Decimal, decimals: int) -> str:
        """The same without groups of digits, as a measured value is written."""
        return f"{value:.{decimals}f}".translate(self._marks)

    def recorded(self, sentence: str) -> str:
        """A sentence that the record keeps in English, such as why nothing was priced.

        One that is no recorded message is returned as it is: it may be a person's.
        """
        for english, pattern in self._patterns:
            found = pattern.fullmatch(sentence)
            if found is not None:
                values = {name: self.recorded(value) for name, value in found.groupdict().items()}
                return self._recorded[english].format_map(values)
        return sentence.translate(self._marks) if _DECIMAL.fullmatch(sentence) else sentence

    @cached_property
    def _patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        """The recorded messages with the pattern of their sentences, the longest first: it says most of what it
        matches."""
        return tuple(
            (english, re.compile("".join(_pattern(english)), re.DOTALL))
            for english in sorted(self._recorded, key=len, reverse=True)
        )


def _pattern(english: str) -> Iterator[str]:
    for place, part in enumerate(_PLACEHOLDER.split(english)):
        yield f"(?P<{part}>.+?)" if place % 2 else re.escape(part)


ENGLISH: Final = Wording(Language.ENGLISH, {}, {}, ".", ",")
SPANISH: Final = Wording(Language.SPANISH, spanish.MESSAGES, spanish.RECORDED, ",", " ")
WORDINGS: Final[Mapping[Language, Wording]] = {Language.ENGLISH: ENGLISH, Language.SPANISH: SPANISH}
