"""The words of our English messages that no order in another language should have."""

import re
from functools import cache
from typing import Final

from domain import spanish

_WORD: Final = re.compile(r"[a-záéíóúñü]{2,}", re.IGNORECASE)
_NAMES: Final = {"mes", "utc", "iso", "millwright", "sfc"}


@cache
def only_english() -> frozenset[str]:
    """The words of our messages that no translation has."""
    english = {*spanish.MESSAGES, *spanish.RECORDED}
    translated = {*spanish.MESSAGES.values(), *spanish.RECORDED.values()}
    return frozenset(_words(english) - _words(translated) - _NAMES)


def _words(texts: set[str]) -> set[str]:
    return {word.lower() for text in texts for word in _WORD.findall(re.sub(r"\{\w+\}", "", text))}


def english_words(text: str) -> set[str]:
    return {word for word in _words({text}) if word in only_english()}
