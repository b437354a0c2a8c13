"""Redrives events after the register, or the event itself, was corrected."""

from collections.abc import Iterable
from typing import NamedTuple

from domain.anomaly import Fate, Received
from domain.errors import ActRejected
from domain.identity import renamed
from millwright.bootstrap import Storage
from millwright.intake.message import Delivery
from millwright.intake.reading import read_again
from millwright.intake.register import Register
from millwright.storage.events.event_store import EventStore
from millwright.storage.events.inbox import Receipt


class Redriven(NamedTuple):
    """The result of a redrive: the new fate, None if the event waits for judging, and the reason."""

    fate: Fate | None
    reason: str | None
    field: str | None


async def redrive(
    storage: Storage, event_id: int, by: str, fixed_raw: bytes | None = None, *, by_sender: bool = False
) -> Redriven:
    """Reads a quarantined or unmapped event again, with the current register.

    Receipts are not counted again: the row keeps its receipt, its identity and its bytes, and the act is in the ledger.

    Args:
        by: the person or, for a sender's correction, the sender or the entity of a bus.
        fixed_raw: the JSON text to read instead of the stored bytes.
        by_sender: whether it is a sender's correction, which is no act of a person.

    Raises:
        ActRejected: there is no such event, its fate is another, or the person may not do it.
        StorageUnavailable: nothing was changed.
    """
    events = EventStore(storage.engine, storage.clock)
    event, raw = await events.raw(event_id)
    register = Register.of(await storage.register.read())
    delivery = Delivery(event.ingress, event.sequence, storage.clock.now(), first_at=event.received_at)
    # It keeps its stored id, because the id in its text may belong to another event too.
    again = renamed(
        read_again(raw if fixed_raw is None else fixed_raw, delivery, register), event.source, event.external_id
    )
    if fixed_raw is not None and not by_sender:
        _check_name(again, read_again(raw, delivery, register), by)
    fate = await events.redriven(event_id, again, by=by, corrected=fixed_raw, by_sender=by_sender)
    return Redriven(fate, None if fate is None else again.reason, None if fate is None else again.field)


async def mend(storage: Storage, again: Iterable[tuple[Received, int]], by: str) -> dict[Receipt, Redriven]:
    """Accepts a repeated event that can be read now as the correction of a quarantined or unmapped event.

    A sender that is told which field failed corrects it and sends the event again under the same id. Without this
    function it would only be a duplicate.

    Args:
        again: what was just stored, each with its event; see `Stored.again`.
    """
    mended: dict[Receipt, Redriven] = {}
    for item, event_id in again:
        try:
            mended[item.ingress, item.sequence] = await redrive(storage, event_id, by, item.raw, by_sender=True)
        except ActRejected:
            continue  # Another process redrove it first.
    return mended


def _check_name(corrected: Received, before: Received, by: str) -> None:
    """Refuses a person's correction that puts an alarm in the name of somebody else.

    Raises:
        ActRejected: naming them.
    """
    name = None if corrected.anomaly is None else corrected.anomaly.raised_by
    if name not in (None, by, None if before.anomaly is None else before.anomaly.raised_by):
        raise ActRejected(f"is in the name of {name}", field="data.raised_by", fix="raise the alarm in your own name")
