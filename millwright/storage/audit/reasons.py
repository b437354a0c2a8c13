"""Finding what somebody asks about by whatever name they know it."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from domain.errors import ActRejected
from domain.suppression import Suppression
from millwright.storage.audit.record import Record
from millwright.storage.audit.record_rows import CaseIdRow, EventIdRow

Kind = Literal["case", "work order", "hold", "event", "receipt"]

_CASE = "SELECT id FROM cases WHERE id = upper(%s)"
# An order of a person that was detached is in its own table only.
_ORDER = (
    "SELECT case_id, system FROM (SELECT case_id, system, external_id FROM work_orders "
    "UNION SELECT case_id, system, external_id FROM attached_orders) o WHERE external_id = %s ORDER BY system, case_id"
)
_HOLD = "SELECT case_id FROM hold_claims WHERE hold_key = %s ORDER BY claimed_at LIMIT 1"
_EVENT = "SELECT id, source FROM events WHERE source || '|' || external_id = %s"
_EXTERNAL = "SELECT id, source FROM events WHERE external_id = %s ORDER BY id LIMIT 6"
_NUMBER = "SELECT id, source FROM events WHERE id = %s"
_RECEIPTS = """
SELECT d.source, d.external_id, d.ingress, d.received_at, e.id FROM duplicates d
LEFT JOIN events e ON e.source = d.source AND e.external_id = d.external_id
WHERE d.external_id = %s OR d.source || '|' || d.external_id = %s ORDER BY d.received_at, d.sequence
"""
# The last that opened or raised the case asked for what was done; before it there may have been smaller things.
_DECIDING = "SELECT event_id FROM evidence WHERE case_id = %s AND how IN ('opened', 'raised') ORDER BY id DESC LIMIT 1"
_ENTERED = "SELECT case_id, how, revision FROM evidence WHERE event_id = %s ORDER BY id"
_HELD = """
SELECT row_to_json(s), (SELECT n.how FROM suppressed n WHERE n.event_id = u.event_id ORDER BY n.id DESC LIMIT 1)
FROM (SELECT DISTINCT suppression, event_id FROM suppressed WHERE event_id = %s AND how = 'held_back') u
JOIN suppressions s ON s.id = u.suppression ORDER BY s.end_at DESC, s.id
"""
_LARGEST = 2**63 - 1
_DIGITS = re.compile("[0-9]{1,19}")


class Receipt(NamedTuple):
    """A message that brought nothing new; `event` is the stored one, where it is known by the same id."""

    source: str
    external_id: str
    ingress: str
    received_at: datetime
    event: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a reference names: a case, or an event, or only a receipt of one stored under another id."""

    kind: Kind
    case: str | None = None
    event: int | None = None
    receipt: Receipt | None = None


class Entry(NamedTuple):
    """How an event came into a case."""

    case: str
    how: str
    revision: int


class _OrderRow(NamedTuple):
    case: str
    system: str


class _LabelledRow(NamedTuple):
    event: int
    source: str


class _HeldRow(NamedTuple):
    suppression: object
    how: str


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The shelves and windows that held an event's action back, the last to end first; `stands` while one does."""

    by: tuple[Suppression, ...] = ()
    stands: bool = False


async def find(record: Record, ref: str) -> Found:
    """What a reference names: a case, a work order's number, a hold's key, then an event.

    `case/…`, `order/…` and `event/…` say which is meant where a number could be either.

    Raises:
        ActRejected: nothing is known by it, or several things are.
    """
    word, _, rest = ref.partition("/")
    named = rest if rest and word in ("case", "order", "event") else None
    name = named or ref
    found = None
    if named is None or word == "case":
        found = await _case(record, name)
    if found is None and (named is None or word == "order"):
        found = await _order(record, name)
    if found is None and (named is None or word == "event"):
        found = await _event(record, name)
    if found is None:
        raise ActRejected(
            f"nothing is known by {ref!r}",
            field="ref",
            fix="give an event's id, `source|id`, a work order's number or a case",
        )
    return found


async def receipts_of(record: Record, name: str) -> list[Receipt]:
    """The receipts that brought nothing new under an external id, or `source|id`."""
    return await record.rows(_RECEIPTS, Receipt._make, name, name)


async def deciding_event(record: Record, case: str) -> int | None:
    """The event whose verdict asked for what a case became."""
    rows = await record.rows(_DECIDING, EventIdRow._make, case)
    return rows[0].event if rows else None


async def entries_of(record: Record, event: int) -> list[Entry]:
    """The cases that an event opened, raised or revised, or was noted on."""
    return await record.rows(_ENTERED, Entry._make, event)


async def held_back(record: Record, event: int) -> HeldBack:
    """What held an event's action back, and whether it acted on a return."""
    rows = await record.rows(_HELD, _HeldRow._make, event)
    by = tuple(Suppression.model_validate(row.suppression) for row in rows)
    return HeldBack(by, stands=any(row.how == "held_back" for row in rows))


async def _case(record: Record, name: str) -> Found | None:
    rows = await record.rows(_CASE, CaseIdRow._make, name)
    if rows:
        return Found("case", case=rows[0].case)
    rows = await record.rows(_HOLD, CaseIdRow._make, name)
    return Found("hold", case=rows[0].case) if rows else None


async def _order(record: Record, name: str) -> Found | None:
    rows = await record.rows(_ORDER, _OrderRow._make, name)
    if len(rows) > 1:
        systems = ", ".join(f"{row.system}: case {row.case}" for row in rows)
        raise ActRejected(f"several work orders are {name} ({systems})", field="ref", fix="give the case")
    return Found("work order", case=rows[0].case) if rows else None


async def _event(record: Record, name: str) -> Found | None:
    rows = await record.rows(_EVENT, _LabelledRow._make, name)
    if not rows:
        rows = await record.rows(_EXTERNAL, _LabelledRow._make, name)
        if len(rows) > 1:
            told = " or ".join(f"{row.source}|{name}" for row in rows)
            raise ActRejected(f"several events are called {name}", field="ref", fix=f"write {told}")
    if not rows and _DIGITS.fullmatch(name) and int(name) <= _LARGEST:
        rows = await record.rows(_NUMBER, _LabelledRow._make, int(name))
    if rows:
        return Found("event", event=rows[0].event)
    receipts = await receipts_of(record, name)
    return Found("receipt", receipt=receipts[0]) if receipts else None
