"""Whether twin, label and ledger say the same of every closed case, from our storage and the plant's own twins."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from domain.model import Model
from millwright.storage.reporting.closed_cases import ClosedCase


class Agreement(Model):
    """The closed cases whose twin, label and ledger agree, and the ids of those whose do not."""

    closed: int
    agree: int
    differ: tuple[str, ...] = ()


def compare(cases: Sequence[ClosedCase], twins: Mapping[str, Mapping[str, object]]) -> Agreement:
    """Compares every closed case.

    A twin has the outcome of the last case of its asset only, so the twin of an earlier case must name a later one.

    Args:
        cases: those that were closed first first.
        twins: the plant's twins, by their ids.
    """
    places = {case.id: place for place, case in enumerate(cases)}
    named = [_named(case, twins, places) for case in cases]
    differ = tuple(case.id for case, alike in zip(cases, named, strict=True) if not (alike and case.recorded_alike))
    return Agreement(closed=len(cases), agree=len(cases) - len(differ), differ=differ)


def read_twins(file: Path) -> dict[str, Mapping[str, object]]:
    """The twins of the plant's export, by their ids."""
    rows = (json.loads(line) for line in file.read_text().splitlines() if line)
    return {str(row["$dtId"]): row for row in rows}


def _named(case: ClosedCase, twins: Mapping[str, Mapping[str, object]], places: Mapping[str, int]) -> bool:
    """Whether the twin says the outcome of the case, or names a later case of its asset."""
    if case.outcome is None:
        return True
    twin = twins.get(case.twin or "", {})
    last = str(twin.get("lastCaseId"))
    if last == case.id:
        return twin.get("lastOutcome") == case.outcome
    return places.get(last, -1) > places[case.id]
