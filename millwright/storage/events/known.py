"""Which messages of a batch are new, which were stored before, and which correct one that was."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from psycopg.rows import class_row

from domain.anomaly import Fate, Received
from domain.identity import content, corrects, own_id, renamed
from millwright.storage.database.engine import Driver

Label = tuple[str, str]
"""A source and an external id: unique in storage, and not always where it comes from."""

_LABELLED = """
SELECT e.id AS event, e.ingress, e.sequence, e.enqueued_at, e.source, e.external_id, e.fate, e.field, e.raw, e.corrected
FROM events e
JOIN unnest(%s::text[], %s::text[]) AS k(source, external_id)
  ON e.source = k.source AND e.external_id = k.external_id
"""
_KEYED = "SELECT natural_key FROM events WHERE natural_key = ANY(%s::text[])"
_MENDABLE = (Fate.QUARANTINED, Fate.UNMAPPED)


class _KeyRow(NamedTuple):
    natural_key: str


@dataclass(frozen=True, slots=True)
class Held:
    """An event that has a label: a stored one, or an earlier one of the batch."""

    event: int
    ingress: str
    sequence: int
    enqueued_at: datetime | None
    source: str
    external_id: str
    fate: str | None
    field: str | None
    raw: bytes
    corrected: bytes | None = None

    def says(self, item: Received) -> bool:
        """Whether the message says what this event says, or what it was read as once it was corrected."""
        if item.raw in (self.raw, self.corrected):
            return True
        said = content(item.raw)
        return said == content(self.raw) or (self.corrected is not None and said == content(self.corrected))

    def came_as(self, item: Received) -> bool:
        """Whether the message, which says the same, is this event's own delivery once more."""
        # What an earlier build stored has no time.
        same_time = self.enqueued_at is None or self.enqueued_at == item.enqueued_at
        return (self.ingress, self.sequence) == (item.ingress, item.sequence) and same_time

    def is_corrected_by(self, item: Received) -> bool:
        """Whether the message, which says something else, is what this event should have been, by its own sender."""
        if item.fate is not None or self.fate != Fate.QUARANTINED or self.ingress != item.ingress:
            return False
        return corrects(self.raw, self.field, item.raw)


@dataclass(slots=True)
class SortedOut:
    """A batch, sorted out.

    Attributes:
        new: what is to be stored as an event, by its number.
        receipts: what brought nothing new.
        again: those of the rest that can be read, each with the quarantined or unmapped event that it was or corrects.
    """

    new: dict[int, Received] = field(default_factory=dict)
    receipts: list[Received] = field(default_factory=list)
    again: list[tuple[Received, int]] = field(default_factory=list)


async def sort_out(driver: Driver, numbered: Mapping[int, Received]) -> SortedOut:
    """Sorts out a batch by what is stored now. Who stores at the same time is not seen: their keys are refused later.

    Args:
        numbered: messages, each with the number under which it is stored if it is new.
    """
    keys = await _keys(driver, {item.natural_key for item in numbered.values() if item.natural_key is not None})
    looked: dict[Label, Held | None] = {}
    wanted = {(item.source, item.external_id) for item in numbered.values()}
    while True:
        looked |= await _labelled(driver, wanted)
        sorting = _Sorting(looked, set(keys))
        for number, item in numbered.items():
            sorting.place(number, item)
        if not sorting.unknown:
            return sorting.found
        wanted = sorting.unknown


class _Sorting:
    """One way through a batch.

    Args:
        looked: the labels that were asked for, each with its event if it has one.
        keys: the natural keys that are stored.
    """

    def __init__(self, looked: Mapping[Label, Held | None], keys: set[str]) -> None:
        self.found = SortedOut()
        self.unknown: set[Label] = set()
        self._looked = looked
        self._keys = keys
        self._batch: dict[Label, Held] = {}

    def place(self, number: int, item: Received) -> None:
        held = self._held(item)
        if held is not None and not held.says(item):
            if held.is_corrected_by(item):
                self.found.receipts.append(item)
                self.found.again.append((item, held.event))
                return
            item = renamed(item, item.source, own_id(item.external_id, item.raw))
            held = self._held(item)
        if held is not None:
            self._repeat(held, item)
        elif item.natural_key in self._keys:
            self.found.receipts.append(item)
        else:
            self._keep(number, item)

    def _repeat(self, held: Held, item: Received) -> None:
        if not held.came_as(item):
            self.found.receipts.append(item)
        if item.fate is None and held.fate in _MENDABLE:
            self.found.again.append((item, held.event))

    def _keep(self, number: int, item: Received) -> None:
        self.found.new[number] = item
        if item.natural_key is not None:
            self._keys.add(item.natural_key)
        self._batch[item.source, item.external_id] = Held(
            event=number,
            ingress=item.ingress,
            sequence=item.sequence,
            enqueued_at=item.enqueued_at,
            source=item.source,
            external_id=item.external_id,
            fate=item.fate,
            field=item.field,
            raw=item.raw,
        )

    def _held(self, item: Received) -> Held | None:
        label = (item.source, item.external_id)
        if label in self._batch:
            return self._batch[label]
        if label not in self._looked:
            self.unknown.add(label)
        return self._looked.get(label)


async def _keys(driver: Driver, keys: Iterable[str]) -> set[str]:
    async with driver.cursor() as cursor:
        await cursor.execute(_KEYED, (sorted(keys),))
        return {_KeyRow._make(row).natural_key for row in await cursor.fetchall()}


async def _labelled(driver: Driver, labels: Iterable[Label]) -> dict[Label, Held | None]:
    found: dict[Label, Held | None] = dict.fromkeys(labels)
    async with driver.cursor(row_factory=class_row(Held)) as cursor:
        await cursor.execute(_LABELLED, ([source for source, _ in found], [name for _, name in found]))
        return found | {(held.source, held.external_id): held for held in await cursor.fetchall()}
