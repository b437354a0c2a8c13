"""Stores the events of a request, and builds the answer with the result of each."""

from collections.abc import Mapping, Sequence

import orjson
from pydantic import BaseModel, ConfigDict

from domain.anomaly import Fate, Received
from millwright.api.dependencies import Dependencies
from millwright.intake.reading import read_items
from millwright.intake.redrive import Redriven, mend
from millwright.storage.events.inbox import Receipt

INGRESS = "http"
_MAY_BE_KNOWN_NOW = (Fate.UNMAPPED, Fate.QUARANTINED)


class TakenItem(BaseModel):
    """What became of one event: `accepted` (it waits for judging), `duplicate`, `redriven` (the corrected form of one
    that was quarantined or unmapped), `not_an_anomaly`, `unmapped` or `quarantined`."""

    model_config = ConfigDict(frozen=True)

    id: str
    status: str
    field: str | None = None
    reason: str | None = None


class TakenEvents(BaseModel):
    """The results of a request's events. Every event is stored, with any status."""

    model_config = ConfigDict(frozen=True)

    accepted: int
    """How many were new."""
    duplicates: int
    items: list[TakenItem]


class Taken:
    """A request's events, stored.

    Args:
        items: the events as read, in their order.
        kept: the receipts of the new events.
        mended: the results of events that corrected an earlier one.
    """

    def __init__(self, items: Sequence[Received], kept: frozenset[Receipt], mended: Mapping[Receipt, Redriven]) -> None:
        self.items = items
        self._kept = kept
        self._mended = mended

    def answer(self) -> bytes:
        """The body of the answer; see `TakenEvents`."""
        said = [self.said(item) for item in self.items]
        new = sum((item.ingress, item.sequence) in self._kept for item in self.items)
        return orjson.dumps({"accepted": new, "duplicates": len(said) - new, "items": said})

    def said(self, item: Received) -> dict[str, object]:
        """The result of one event; see `TakenItem`."""
        receipt = (item.ingress, item.sequence)
        if receipt in self._kept:
            if item.fate is None:
                return {"id": item.external_id, "status": "accepted"}
            return _told(item, item.fate.value, item.field, item.reason)
        mended = self._mended.get(receipt)
        if mended is not None:
            return _told(item, "redriven" if mended.fate is None else mended.fate.value, mended.field, mended.reason)
        return _told(item, Fate.DUPLICATE.value, item.field, item.reason)


def _told(item: Received, status: str, field: str | None, reason: str | None) -> dict[str, object]:
    told: dict[str, object] = {"id": item.external_id, "status": status}
    if field is not None:
        told["field"] = field
    if reason is not None:
        told["reason"] = reason
    return told


async def take_in(
    deps: Dependencies, body: bytes, content_type: str | None, headers: Mapping[str, str], by: str
) -> Taken:
    """Reads a request and stores all its events.

    Raises:
        StorageUnavailable: nothing was stored.
    """
    items = await _read(deps, body, content_type, headers)
    stored = await deps.group_commit.store(items)
    deps.outage.is_over()
    own = {(item.ingress, item.sequence) for item in items}
    again = [(item, event) for item, event in stored.again if (item.ingress, item.sequence) in own]
    return Taken(items, stored.kept, await mend(deps.storage, again, by))


async def _read(
    deps: Dependencies, body: bytes, content_type: str | None, headers: Mapping[str, str]
) -> list[Received]:
    now = deps.storage.clock.now()
    register = await deps.snapshot.current()
    items = read_items(
        body, content_type, headers, ingress=INGRESS, sequences=deps.sequences, now=now, register=register
    )
    if any(item.fate in _MAY_BE_KNOWN_NOW for item in items):
        newest = await deps.snapshot.newest()
        if newest is not register:
            return read_items(
                body, content_type, headers, ingress=INGRESS, sequences=deps.sequences, now=now, register=newest
            )
    return items
