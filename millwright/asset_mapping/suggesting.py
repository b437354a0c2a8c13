"""Suggests, for assets without a name in a CMMS, the records there that may be them. It maps nothing."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from typing import Final, NamedTuple

from rapidfuzz import fuzz, process

from domain.cmms import ListedAsset
from domain.model import Model

MOST_CANDIDATES: Final = 3
CLEAR_SCORE: Final = 90
"""The least score of a first candidate that is clear."""
CLEAR_GAP: Final = 10
"""How many points it must be ahead of the second one."""

_LEAST_ALIKE: Final = 50
_BY_SERIAL: Final = 100
_BY_NAME: Final = 99
"""The highest score without an equal serial number."""
_PARENT_MATCHES: Final = 10
_PARENT_DIFFERS: Final = -15
_SERIAL_DIFFERS: Final = -30
_NUMBERS_DIFFER: Final = -30
"""Machines of one kind have names that differ in nothing but a number."""
_NO_SERIAL: Final = frozenset({"na", "none", "unknown", "tbd", "nil", "xxx"})
_SHORTEST_SERIAL: Final = 3


class UnnamedAsset(Model):
    """An asset without a name in a CMMS.

    Args:
        id: its id.
        names: what people call it; the first one is shown.
        serial: the manufacturer's serial number.
        above: the names that the assets above it have in the CMMS.
    """

    id: str
    names: tuple[str, ...]
    serial: str | None = None
    above: tuple[str, ...] = ()


class Candidate(Model):
    """A record that may be an asset. `score` is from 0 to 100; 100 means that the serial numbers are equal."""

    listed: ListedAsset
    score: int
    reasons: tuple[str, ...]


class NameSuggestion(Model):
    """The candidates of an asset, the likeliest first.

    Args:
        asset: the asset.
        candidates: at most `MOST_CANDIDATES`.
        clear: whether the first one stands out, and is the first of no other asset.
    """

    asset: UnnamedAsset
    candidates: tuple[Candidate, ...]
    clear: bool


class _Listed(NamedTuple):
    """The records of a CMMS, prepared for the comparison."""

    assets: list[ListedAsset]
    texts: list[str]
    numbers: list[list[str]]
    """The numbers in each of the texts."""
    owners: list[int]
    """Of which record each of the texts is."""
    by_serial: Mapping[str, list[int]]


def suggest(
    assets: Sequence[UnnamedAsset], listed: Iterable[ListedAsset], taken: Collection[str] = ()
) -> list[NameSuggestion]:
    """A suggestion for each asset, in the order of the assets. The order of the records makes no difference.

    Args:
        assets: those without a name.
        listed: the records of the CMMS.
        taken: the names there that other assets have.
    """
    prepared = _prepared(listed, set(taken))
    found = [(asset, _candidates(asset, prepared)) for asset in assets]
    names = Counter(record.external_id for record in prepared.assets)
    first = Counter(ranked[0].listed.external_id for _, ranked in found if ranked)
    suggestions: list[NameSuggestion] = []
    for asset, ranked in found:
        name = ranked[0].listed.external_id if ranked else ""
        clear = _stands_out(ranked) and names[name] == 1 and first[name] == 1
        suggestions.append(NameSuggestion(asset=asset, candidates=tuple(ranked), clear=clear))
    return suggestions


def _prepared(listed: Iterable[ListedAsset], taken: set[str]) -> _Listed:
    different = {_key(record): record for record in listed if record.external_id not in taken}
    records = [different[key] for key in sorted(different)]
    texts: list[str] = []
    owners: list[int] = []
    by_serial: defaultdict[str, list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        for text in filter(None, (_words(record.description or ""), _words(record.external_id))):
            texts.append(text)
            owners.append(place)
        serial = _serial(record.serial)
        if serial is not None:
            by_serial[serial].append(place)
    return _Listed(records, texts, [_numbers(text) for text in texts], owners, by_serial)


def _candidates(asset: UnnamedAsset, listed: _Listed) -> list[Candidate]:
    alike: dict[int, float] = {}
    for name in (*asset.names, asset.id):
        text = _words(name)
        numbers = _numbers(text)
        near = process.extract(text, listed.texts, scorer=fuzz.ratio, limit=None, score_cutoff=_LEAST_ALIKE)
        for _, score, place in near:
            owner = listed.owners[place]
            fewer = 0 if numbers == listed.numbers[place] else _NUMBERS_DIFFER
            alike[owner] = max(alike.get(owner, 0.0), score + fewer)
    serial = _serial(asset.serial)
    same_serial = set(listed.by_serial.get(serial, ())) if serial is not None else set()
    scored = [
        (-_score(asset, listed.assets[place], alike.get(place, 0.0), same_serial=place in same_serial), place)
        for place in alike.keys() | same_serial
    ]
    # The records are in an order of their own, which decides between equal scores.
    best = nsmallest(MOST_CANDIDATES, (each for each in scored if -each[0] >= _LEAST_ALIKE))
    return [
        Candidate(
            listed=listed.assets[place],
            score=-score,
            reasons=tuple(_reasons(asset, listed.assets[place], alike.get(place), same_serial=place in same_serial)),
        )
        for score, place in best
    ]


def _score(asset: UnnamedAsset, record: ListedAsset, alike: float, *, same_serial: bool) -> int:
    if same_serial:
        return _BY_SERIAL
    score = alike
    if record.parent is not None and asset.above:
        score += _PARENT_MATCHES if record.parent in asset.above else _PARENT_DIFFERS
    if _both_have_serials(asset, record):
        score += _SERIAL_DIFFERS
    return max(0, min(_BY_NAME, round(score)))


def _reasons(asset: UnnamedAsset, record: ListedAsset, alike: float | None, *, same_serial: bool) -> Iterator[str]:
    if same_serial:
        yield "serial number equal"
    if alike:
        yield f"name {round(alike)} % similar"
    if record.parent is not None and asset.above:
        yield "parent matches" if record.parent in asset.above else "parent differs"
    if not same_serial and _both_have_serials(asset, record):
        yield "serial number differs"


def _both_have_serials(asset: UnnamedAsset, record: ListedAsset) -> bool:
    """Whether both have a usable serial number."""
    return _serial(asset.serial) is not None and _serial(record.serial) is not None


def _stands_out(ranked: Sequence[Candidate]) -> bool:
    if not ranked:
        return False
    second = ranked[1].score if len(ranked) > 1 else 0
    if ranked[0].score == _BY_SERIAL:
        return second < _BY_SERIAL
    return ranked[0].score >= CLEAR_SCORE and ranked[0].score - second >= CLEAR_GAP


def _key(record: ListedAsset) -> tuple[str, str]:
    return record.external_id, record.model_dump_json(exclude={"external_id"})


def _words(text: str) -> str:
    """The words of a name in order, without punctuation and leading zeros."""
    return " ".join(sorted(_number_or_word(word) for word in re.findall(r"\d+|[^\W\d_]+", text.casefold())))


def _number_or_word(word: str) -> str:
    return word.lstrip("0") or "0" if word.isdigit() else word


def _numbers(words: str) -> list[str]:
    return [word for word in words.split() if word.isdigit()]


def _serial(serial: str | None) -> str | None:
    """A serial number without case and punctuation; None if it is a placeholder."""
    plain = "".join(character for character in (serial or "").casefold() if character.isalnum())
    if len(plain) < _SHORTEST_SERIAL or plain in _NO_SERIAL or not plain.strip("0"):
        return None
    return plain
