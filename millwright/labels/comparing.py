"""What changed in the labels from one manifest of a dataset to another: which labels, and which counts by class."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from domain.errors import ActRejected
from millwright.labels.manifest import DatasetManifest
from millwright.labels.place import Place
from millwright.labels.reading import rows_of
from millwright.labels.tables import LABELS, Row

_REVISION = ("case", "revision", "outcome")
_OF_THE_REVISION = frozenset(("revision", "made_at", "ledger_seq"))
"""Columns that differ in any two revisions."""


@dataclass(frozen=True, slots=True)
class ChangedLabel:
    """A label that has another revision now. `fields` names what it says otherwise, with the values before and now."""

    case: str
    asset: str
    failure_mode: str
    revisions: tuple[int, int]
    outcomes: tuple[str, str]
    fields: dict[str, tuple[object, object]]


@dataclass(slots=True)
class LabelComparison:
    """`counts` are the labels of each class that counted before and that count now; `new` cases had no label before."""

    before: int
    after: int
    new: int = 0
    changed: list[ChangedLabel] = field(default_factory=list)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def moved(self) -> dict[str, tuple[int, int]]:
        """The counts that are not the same."""
        return {name: both for name, both in self.counts.items() if both[0] != both[1]}


def compare(place: Place, before: int | None, after: int | None) -> LabelComparison:
    """Compares two manifests of a dataset.

    Args:
        place: the dataset.
        before: the number of the earlier manifest; None for the one before the later.
        after: the number of the later manifest; None for the one in force.

    Raises:
        ActRejected: there is no such manifest, or the first is not the earlier one.
    """
    numbers = place.numbers()
    after = after if after is not None else max(numbers, default=0)
    before = before if before is not None else after - 1
    for number in (before, after):
        if number not in numbers:
            known = f"the dataset has {numbers[0]} to {numbers[-1]}" if numbers else "the dataset has none"
            raise ActRejected(f"there is no manifest {number}", field="manifest", fix=known)
    if before >= after:
        raise ActRejected(f"manifest {before} is not before {after}", field="from", fix="name the earlier one first")
    earlier, later = place.manifest(before)[0], place.manifest(after)[0]
    old, new = _newest(place, earlier), _newest(place, later)
    found = LabelComparison(before, after, new=len(new.keys() - old.keys()))
    counts = [Counter(outcome for _, outcome in side.values()) for side in (old, new)]
    found.counts = {name: (counts[0][name], counts[1][name]) for name in sorted({*counts[0], *counts[1]})}
    revised = {case for case, (revision, _) in old.items() if new[case][0] != revision}
    found.changed = sorted(_changed(place, later, old, new, revised), key=lambda label: label.case)
    return found


def _newest(place: Place, manifest: DatasetManifest) -> dict[str, tuple[int, str]]:
    """The newest revision of each case's label, with its class."""
    newest: dict[str, tuple[int, str]] = {}
    for file in manifest.tables[LABELS.name].files:
        for row in rows_of(place, file, _REVISION):
            case, revision = str(row["case"]), _whole(row["revision"])
            if case not in newest or newest[case][0] < revision:
                newest[case] = revision, str(row["outcome"])
    return newest


def _changed(
    place: Place,
    later: DatasetManifest,
    old: dict[str, tuple[int, str]],
    new: dict[str, tuple[int, str]],
    revised: set[str],
) -> Iterator[ChangedLabel]:
    first: dict[str, Row] = {}
    last: dict[str, Row] = {}
    for file in later.tables[LABELS.name].files if revised else ():
        for row in rows_of(place, file):
            case, revision = str(row["case"]), row["revision"]
            if case in revised and revision == old[case][0]:
                first[case] = row
            elif case in revised and revision == new[case][0]:
                last[case] = row
    for case in revised:
        one, other = first[case], last[case]
        names = [name for name in other if name not in _OF_THE_REVISION and one.get(name) != other[name]]
        yield ChangedLabel(
            case=case,
            asset=str(other["asset"]),
            failure_mode=str(other["failure_mode"]),
            revisions=(old[case][0], new[case][0]),
            outcomes=(old[case][1], new[case][1]),
            fields={name: (one.get(name), other[name]) for name in names},
        )


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no revision")
    return value
