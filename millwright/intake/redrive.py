"""Events taken up again once the register, or the event itself, was mended."""

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
    """What became of an event: its new fate, None where it waits for judging, and why."""

    fate: Fate | None
    reason: str | None
    field: str | None


async def redrive(storage: Storage, event_id: int, by: str, fixed_raw: bytes | None = None) -> Redriven:
    """Reads a quarantined or unmapped event again, against the register as it is now.

    Nothing that was received is counted again: the row keeps its receipt, its identity and its bytes, and what was
    done stands in the ledger.

    Args:
        by: the person who asks, or the door through which its sender sent it corrected.
        fixed_raw: what to read in the place of the stored bytes, as one JSON text.

    Raises:
        ActRejected: there is no such event, or its fate is another.
        StorageUnavailable: nothing was changed.
    """
    events = EventStore(storage.engine, storage.clock)
    event, raw = await events.raw(event_id)
    register = Register.of(await storage.register.read())
    delivery = Delivery(event.door, event.sequence, storage.clock.now(), first_at=event.received_at)
    # It keeps the id under which it is stored: what it bears may be another's too.
    again = renamed(
        read_again(raw if fixed_raw is None else fixed_raw, delivery, register), event.source, event.external_id
    )
    fate = await events.redriven(event_id, again, by=by, corrected=fixed_raw)
    return Redriven(fate, None if fate is None else again.reason, None if fate is None else again.field)


async def mend(storage: Storage, again: Iterable[tuple[Received, int]], by: str) -> dict[Receipt, Redriven]:
    """Takes what came again, and can be read now, as the correction of an event in quarantine or unmapped.

    A sender who is told which field failed mends it and sends the event again, as the same event. That is a duplicate
    receipt, and would be nothing more.

    Args:
        again: what was just stored, each with its event; see `Stored.again`.
    """
    mended: dict[Receipt, Redriven] = {}
    for item, event_id in again:
        try:
            mended[item.door, item.sequence] = await redrive(storage, event_id, by, item.raw)
        except ActRejected:
            continue  # Another door was quicker.
    return mended
