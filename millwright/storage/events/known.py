"""Which messages of a batch are new, which were stored before, and which correct one that was."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from psycopg.rows import class_row

from domain.anomaly import Fate, Received
from domain.canonical import canonical
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
_KEYED = (
    "SELECT natural_key, id AS event, fate, anomaly::text AS anomaly FROM events WHERE natural_key = ANY(%s::text[])"
)
_MENDABLE = (Fate.QUARANTINED, Fate.UNMAPPED)


class _Observed(NamedTuple):
    """An event that tells of an observation, and the anomaly that was read."""

    natural_key: str
    event: int
    fate: str | None
    anomaly: str | None


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
        sorting = _Sorting(looked, dict(keys))
        for number, item in numbered.items():
            sorting.place(number, item)
        if not sorting.unknown:
            return sorting.found
        wanted = sorting.unknown


class _Sorting:
    """One way through a batch.

    Args:
        looked: the labels that were asked for, each with its event if it has one.
        keys: the natural keys that are stored, each with its event.
    """

    def __init__(self, looked: Mapping[Label, Held | None], keys: dict[str, _Observed]) -> None:
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
        elif item.natural_key is not None and item.natural_key in self._keys:
            self._repeat_observation(number, self._keys[item.natural_key], item)
        else:
            self._keep(number, item)

    def _repeat(self, held: Held, item: Received) -> None:
        if not held.came_as(item):
            self.found.receipts.append(item)
        if item.fate is None and held.fate in _MENDABLE:
            self.found.again.append((item, held.event))

    def _repeat_observation(self, number: int, stored: _Observed, item: Received) -> None:
        """The observation is stored under another id. A receipt does not hold what a message says, so one that says
        something else is an event. One that can be read, where the stored one could not be placed, mends that one."""
        mends = item.fate is None and stored.fate == Fate.UNMAPPED
        if mends:
            self.found.again.append((item, stored.event))
        if mends or _anomaly_text(item) == stored.anomaly:
            self.found.receipts.append(item)
        else:
            self.found.new[number] = _told_otherwise(item)

    def _keep(self, number: int, item: Received) -> None:
        self.found.new[number] = item
        if item.natural_key is not None:
            fate = item.fate.value if item.fate else None
            self._keys[item.natural_key] = _Observed(item.natural_key, number, fate, _anomaly_text(item))
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


def _anomaly_text(item: Received) -> str | None:
    """The anomaly as it is stored."""
    return canonical(item.anomaly).decode() if item.anomaly else None


def _told_otherwise(item: Received) -> Received:
    """The message as an event that is not judged: each observation is judged once."""
    reason = "it says something else of an observation that is stored already under another id"
    return item.model_copy(
        update={"fate": Fate.DUPLICATE, "reason": reason, "natural_key": None, "anomaly": None, "line": None}
    )


async def _keys(driver: Driver, keys: Iterable[str]) -> dict[str, _Observed]:
    async with driver.cursor() as cursor:
        await cursor.execute(_KEYED, (sorted(keys),))
        return {found.natural_key: found for found in map(_Observed._make, await cursor.fetchall())}


async def _labelled(driver: Driver, labels: Iterable[Label]) -> dict[Label, Held | None]:
    found: dict[Label, Held | None] = dict.fromkeys(labels)
    async with driver.cursor(row_factory=class_row(Held)) as cursor:
        await cursor.execute(_LABELLED, ([source for source, _ in found], [name for _, name in found]))
        return found | {(held.source, held.external_id): held for held in await cursor.fetchall()}
