"""Twins whose content cannot be read: they are left out of an import with everything in them, and reported."""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from connectors.azure.digital_twins.faults import SYSTEM
from connectors.azure.digital_twins.settings import TwinVocabulary
from domain.unreadable import UnreadableRecord
from domain.vendor_texts import storable

Row = Mapping[str, object]
_ENDS: Final = ("$sourceId", "$targetId", "$relationshipName")


def readable(
    twins: Iterable[Row], relationships: Iterable[Row], words: TwinVocabulary
) -> tuple[list[Row], list[Row], tuple[UnreadableRecord, ...]]:
    """The twins and relationships that can be read, and a report on each twin that cannot.

    A twin in an unreadable one is left out too, because its place in the plant is unknown.
    """
    kept: dict[str, Row] = {}
    reports: dict[str, UnreadableRecord] = {}
    for place, twin in enumerate(twins, start=1):
        name = twin.get("$dtId")
        fault = _fault(twin, words)
        if isinstance(name, str) and fault is None:
            kept[name] = twin
        else:
            known = name if isinstance(name, str) and name and storable(name) == name else f"twin {place} of the graph"
            field, reason = fault or ("$dtId", "is missing")
            reports[known] = UnreadableRecord.of(SYSTEM, known, field, reason, dict(twin))
    whole = [each for each in relationships if all(isinstance(each.get(end), str) for end in _ENDS)]
    above: dict[str, str] = {}
    for each in whole:
        source, target = str(each["$sourceId"]), str(each["$targetId"])
        if each["$relationshipName"] == words.contains:
            above[target] = source
        elif each["$relationshipName"] == words.monitors:
            above[source] = target
    lost = set(reports)
    while below := {name for name in kept if above.get(name) in lost} - lost:
        for name in below:
            reason = f"stands in {above[name]}, which cannot be read"
            reports[name] = UnreadableRecord.of(SYSTEM, name, words.contains, reason, dict(kept[name]))
        lost |= below
    readable_twins = [twin for name, twin in kept.items() if name not in lost]
    readable_ends = [each for each in whole if not {each["$sourceId"], each["$targetId"]} & lost]
    return readable_twins, readable_ends, tuple(reports[name] for name in sorted(reports))


def _fault(twin: Row, words: TwinVocabulary) -> tuple[str, str] | None:
    """The first of our properties whose value cannot be read, and why."""
    numbers = (words.normal_mean, words.normal_sd, words.lowest, words.highest, words.max_rate)
    relationships = (words.contains, words.monitors, words.feeds, words.standby)
    # A serial number is only for suggestions: no twin is left out because of it.
    named = set(words.model_dump().values()) - {*numbers, *relationships, words.serial_number}
    for name in ("$dtId", *sorted(named)):
        value = twin.get(name)
        if value is not None and not isinstance(value, str):
            return name, "is no text"
        if isinstance(value, str) and storable(value) != value:
            return name, "has a character that no name can have"
    for name in numbers:
        value = twin.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            return name, "is no number"
        if isinstance(value, float) and not math.isfinite(value):
            return name, f"is {value}, which is no number that can be kept"
    low, high, rate = (twin.get(name) for name in (words.lowest, words.highest, words.max_rate))
    if isinstance(low, int | float) and isinstance(high, int | float) and low >= high:
        return words.lowest, f"is {low}, which is not below {words.highest}"
    if isinstance(rate, int | float) and rate <= 0:
        return words.max_rate, f"is {rate}; a rate of change is above 0"
    return None
