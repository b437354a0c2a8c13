"""The glossary: each word once, in order, in one sentence, with where it comes from and where it lives."""

import re
from pathlib import Path

import pytest

from domain.anomaly import Fate
from domain.cases import Lane
from domain.verdict import Rung

_ROOT = Path(__file__).resolve().parents[2]
_ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in (_ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| word |")
]
_WORDS = [row[0] for row in _ROWS]
_NEEDED = [
    "asset",
    "crosswalk",
    "event",
    "anomaly",
    "policy",
    "verdict",
    "ladder",
    "rung",
    "urgency",
    "case",
    "fate",
    "memory",
    "hold",
    "review",
    "outcome",
    "label",
    "ledger",
    "autonomy",
    "version",
    "digest",
    "placement",
    "generation",
    "lease",
    "wake",
    "shelve",
    "canary",
    "redrive",
    "keeper",
    "home",
    "work order",
    "due row",
    "line watch",
    "task queue",
    "priority",
    "mark",
]


def _stem(word: str) -> str:
    """The word without what tells its two meanings apart."""
    return word.partition(" (")[0]


def test_the_words_are_in_alphabetical_order_and_unique() -> None:
    assert sorted(_WORDS, key=str.lower) == _WORDS
    assert len({word.lower() for word in _WORDS}) == len(_WORDS)


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row[0])
def test_a_word_has_one_sentence_an_origin_and_a_place_that_exists(row: tuple[str, ...]) -> None:
    _, meaning, origin, place = row
    assert re.fullmatch(r"[A-Z][^.]*(?:\.[^. ][^.]*)*\.", meaning), "one sentence, from a capital to a full stop"
    assert origin
    path = re.fullmatch(r"`([\w./-]+)`", place)
    assert path is not None
    assert (_ROOT / path[1]).exists(), path[1]


@pytest.mark.parametrize("word", _NEEDED)
def test_every_word_that_the_project_rests_on_is_explained(word: str) -> None:
    assert word in {_stem(known) for known in _WORDS}


@pytest.mark.parametrize("word", [*Fate, *(rung.word for rung in Rung), *Lane])
def test_every_fate_rung_and_lane_is_explained(word: str) -> None:
    assert word in {_stem(known) for known in _WORDS}
