"""The codes of a site that the notes on an order may mean. They are shown to people, and never applied."""

import re
import unicodedata
from collections.abc import Iterable
from heapq import nsmallest
from typing import Final

from rapidfuzz import fuzz

from domain.code_descriptions import CodeDescriptions
from domain.outcomes import CodeSuggestion

_MOST: Final = 3
_LEAST_ALIKE: Final = 75
"""The least score of a suggestion. Most single words that a note and a description have in common stay below it."""
_WORD: Final = re.compile(r"\w+")


def suggest(notes: Iterable[str], descriptions: CodeDescriptions) -> tuple[CodeSuggestion, ...]:
    """The three codes whose descriptions are most like a line of the notes, the most alike first.

    Capitals, accents and punctuation do not count.
    """
    lines = [words for note in notes for line in note.splitlines() if (words := _words(line))]
    scored = [
        CodeSuggestion(role=role, code=code, description=description, score=score)
        for role, code, description in descriptions.each()
        if (score := _score(_words(description), lines)) >= _LEAST_ALIKE
    ]
    return tuple(nsmallest(_MOST, scored, key=lambda each: (-each.score, each.name)))


def _score(description: str, lines: Iterable[str]) -> int:
    return max((round(_alike(description, line)) for line in lines), default=0) if description else 0


def _alike(description: str, line: str) -> float:
    """How much of a description a line says.

    A line with fewer words than it must be like it as a whole: "bearing" alone does not say "bearing worn".
    """
    whole = len(line.split()) < len(description.split())
    return fuzz.token_sort_ratio(description, line) if whole else fuzz.token_set_ratio(description, line)


def _words(text: str) -> str:
    """The words of a text without accents, in lower case."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(_WORD.findall("".join(each for each in plain if not unicodedata.combining(each))))
