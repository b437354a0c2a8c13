"""Stores the events of a request, and builds the answer with the result of each."""

from collections.abc import Mapping, Sequence

import orjson
from pydantic import BaseModel, ConfigDict

from domain.anomaly import Fate, Received
from domain.senders import Binding
from millwright.api.dependencies import Dependencies
from millwright.api.sign_in import Person, not_its_own
from millwright.intake.reading import read_items
from millwright.intake.redrive import Redriven, mend
from millwright.storage.events.inbox import Receipt

_MAY_BE_KNOWN_NOW = (Fate.UNMAPPED, Fate.QUARANTINED)


class TakenItem(BaseModel):
    """What became of one event: `accepted` (it waits for judging), `duplicate`, `redriven` (the corrected form of one
    that was quarantined or unmapped), `not_an_anomaly`, `unmapped`, `quarantined`, or `refused` (not stored: the sender
    is not bound to its source or type)."""

    model_config = ConfigDict(frozen=True)

    id: str
    status: str
    field: str | None = None
    reason: str | None = None


class TakenEvents(BaseModel):
    """The results of a request's events. Every event is stored, with any status but `refused`."""

    model_config = ConfigDict(frozen=True)

    accepted: int
    """How many were new."""
    duplicates: int
    refused: int
    items: list[TakenItem]


class Taken:
    """A request's events, stored.

    Args:
        items: the events as read, in their order.
        kept: the receipts of the new events.
        mended: the results of events that corrected an earlier one.
        refused: the events that were not stored, each with the attribute and why.
    """

    def __init__(
        self,
        items: Sequence[Received],
        kept: frozenset[Receipt],
        mended: Mapping[Receipt, Redriven],
        refused: Mapping[Receipt, tuple[str, str]],
    ) -> None:
        self.items = items
        self._kept = kept
        self._mended = mended
        self._refused = refused

    def answer(self) -> bytes:
        """The body of the answer; see `TakenEvents`."""
        said = [self.said(item) for item in self.items]
        new = sum((item.ingress, item.sequence) in self._kept for item in self.items)
        refused = len(self._refused)
        return orjson.dumps(
            {"accepted": new, "duplicates": len(said) - new - refused, "refused": refused, "items": said}
        )

    def said(self, item: Received) -> dict[str, object]:
        """The result of one event; see `TakenItem`."""
        receipt = (item.ingress, item.sequence)
        if receipt in self._kept:
            if item.fate is None:
                return {"id": item.external_id, "status": "accepted"}
            return _told(item, item.fate.value, item.field, item.reason)
        refused = self._refused.get(receipt)
        if refused is not None:
            return _told(item, "refused", *refused)
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
    deps: Dependencies,
    body: bytes,
    content_type: str | None,
    headers: Mapping[str, str],
    by: Person,
    binding: Binding | None = None,
) -> Taken:
    """Reads a request and stores its events.

    Args:
        binding: what the sender may send; None for events that the API makes itself.

    Raises:
        Problem: none of the events may be sent by this sender. If some may, the others are in the answer.
        StorageUnavailable: nothing was stored.
    """
    items = await _read(deps, body, content_type, headers, f"http/{by.name}")
    refused = {} if binding is None else _refusals(items, binding)
    if refused and len(refused) == len(items):
        raise not_its_own(by, *refused[items[0].ingress, items[0].sequence])
    stored = await deps.group_commit.store([item for item in items if (item.ingress, item.sequence) not in refused])
    deps.outage.is_over()
    own = {(item.ingress, item.sequence) for item in items}
    again = [(item, event) for item, event in stored.again if (item.ingress, item.sequence) in own]
    return Taken(items, stored.kept, await mend(deps.storage, again, by.name), refused)


def _refusals(items: Sequence[Received], binding: Binding) -> dict[Receipt, tuple[str, str]]:
    # Hardly ever does a request have more than a few sources and types.
    found = {said: binding.refusal(*said) for said in {_says(item) for item in items}}
    if not any(found.values()):
        return {}
    refused = ((item, found[_says(item)]) for item in items)
    return {(item.ingress, item.sequence): refusal for item, refusal in refused if refusal is not None}


def _says(item: Received) -> tuple[str | None, str | None]:
    """The source and the type of an event, for its sender's binding."""
    # An event whose source cannot be read is stored under its ingress, which is the sender's own.
    unread = item.fate is Fate.QUARANTINED and item.source == item.ingress
    return None if unread else item.source, item.type


async def _read(
    deps: Dependencies, body: bytes, content_type: str | None, headers: Mapping[str, str], ingress: str
) -> list[Received]:
    now = deps.storage.clock.now()
    register = await deps.snapshot.current()
    items = read_items(
        body, content_type, headers, ingress=ingress, sequences=deps.sequences, now=now, register=register
    )
    if any(item.fate in _MAY_BE_KNOWN_NOW for item in items):
        newest = await deps.snapshot.newest()
        if newest is not register:
            return read_items(
                body, content_type, headers, ingress=ingress, sequences=deps.sequences, now=now, register=newest
            )
    return items
