"""The condition of storage: what is overdue, how many cases wait, and which records disagree."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assigning import Place, choose
from domain.casework import LEASE_LASTS
from domain.clock import Clock
from domain.work_orders import FINISHED_STATUSES
from millwright.storage.database.engine import raw, transaction
from millwright.storage.database.live_holds import LIVE_STATES
from millwright.storage.ledger.act_times import clock_fault
from millwright.storage.ledger.ledger import Head, read_head
from millwright.storage.policies.assignments import AssignedVersions, VersionTerms
from millwright.storage.policies.checked_assignments import read_assignments

_PLACES = text(
    "SELECT DISTINCT line, site, asset_class FROM assets WHERE line IS NOT NULL AND machine IS NOT NULL "
    "AND valid_to IS NULL ORDER BY 1, 2, 3"
)
_ASSETS = text("SELECT line FROM assets WHERE valid_to IS NULL")
_OVERDUE = text("SELECT subject FROM due WHERE due_at < :before ORDER BY due_at")
_NEVER_DUE = text(
    "SELECT 'case/' || c.id AS subject FROM cases c LEFT JOIN due d ON d.subject = 'case/' || c.id "
    "WHERE c.closed_at IS NULL AND d.due_at IS NULL "
    "AND (c.waiting_for IS NULL OR c.lane = 'review' AND c.decision IS NOT NULL) "
    "UNION ALL SELECT subject FROM due WHERE subject LIKE 'poll/%' AND (due_at > :poll_by) IS NOT FALSE "
    "UNION ALL SELECT system || ' ' || scope FROM order_leases WHERE lease_until > :lease_by ORDER BY 1"
)
_LANES = text("SELECT lane, count(*) AS cases FROM cases WHERE lane IS NOT NULL GROUP BY 1")
_OPEN = text("SELECT id FROM cases WHERE closed_at IS NULL ORDER BY opened_at, id")
_HOLDS = text(f"""
SELECT h.key, h.equipment,
    EXISTS (SELECT FROM hold_placements p WHERE p.hold_key = h.key AND p.state = 'unproven')
        OR NOT EXISTS (SELECT FROM hold_claims c JOIN cases k ON k.id = c.case_id
            WHERE c.hold_key = h.key AND c.dropped_at IS NULL AND k.closed_at IS NULL) AS adrift,
    EXISTS (SELECT FROM hold_placements p WHERE p.hold_key = h.key AND p.state = 'accepted') AS not_in_effect,
    coalesce((SELECT bool_and(c.ready_at IS NOT NULL) AND max(c.ready_at) < :ready_before FROM hold_claims c
        WHERE c.hold_key = h.key AND c.dropped_at IS NULL), false) AS late
FROM holds h WHERE h.state IN {LIVE_STATES} ORDER BY h.intended_at, h.key
""")
# Orders with a key of ours that no case follows: another installation created them, or they are copies of an order.
# One that people have finished there needs nobody any more.
_UNMATCHED = text(
    "SELECT system || '/' || external_id AS it FROM (SELECT DISTINCT ON (system, external_id) system, external_id, "
    "record ->> 'status' AS status FROM changes WHERE case_id IS NULL "
    "ORDER BY system, external_id, changed_at DESC) newest WHERE (status <> ALL(:finished)) IS NOT FALSE ORDER BY it"
)
_UNREAD = text(
    "SELECT system || '/' || external_id AS it FROM work_orders WHERE external_id IS NOT NULL "
    "AND status <> ALL(:finished) AND (read_at IS NULL OR read_at < :before) ORDER BY it"
)
_HELD_UNORDERED = text(
    "SELECT DISTINCT h.key || ' on ' || h.equipment AS it FROM holds h "
    "JOIN hold_placements p ON p.hold_key = h.key AND p.state = 'in_effect' "
    "JOIN hold_claims c ON c.hold_key = h.key AND c.dropped_at IS NULL AND c.ready_at IS NULL "
    "JOIN cases k ON k.id = c.case_id LEFT JOIN work_orders w ON w.case_id = k.id "
    f"WHERE h.state IN {LIVE_STATES} AND w.external_id IS NULL "
    "AND k.opened_at + (k.verdict ->> 'due_within')::interval < :now ORDER BY it"
)
_LAST = text("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")
_SHOWN = 5


class _AssetRow(NamedTuple):
    line: str | None


class _DueRow(NamedTuple):
    subject: str


class _LaneRow(NamedTuple):
    lane: str
    cases: int


class _CaseRow(NamedTuple):
    id: str


class _HoldRow(NamedTuple):
    key: str
    equipment: str
    adrift: bool
    not_in_effect: bool
    late: bool


@dataclass(frozen=True, slots=True)
class Overdue:
    """How many subjects have been due since before a time, and the oldest of them."""

    count: int
    longest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HoldFaults:
    """Live holds that a person must look at, each as its key and equipment."""

    adrift: tuple[str, ...]
    """Holds that are not proved to be ours, or that no open case claims."""
    not_in_effect: tuple[str, ...]
    """Holds that the MES accepted, but whose job was not read as held."""
    late: tuple[str, ...]
    """Holds whose cases' work was done before the given time."""


@dataclass(frozen=True, slots=True)
class OrderFaults:
    """Orders, holds and cases that do not agree."""

    unmatched: tuple[str, ...]
    """Orders with a key of ours that no case follows, as `system/number`."""
    unread: tuple[str, ...]
    """Unfinished orders that were not read from their CMMS since the given time."""
    held_unordered: tuple[str, ...]
    """Holds in effect for a case without an order, although the policy wanted its work done by now."""


async def read_lines(engine: AsyncEngine, now: datetime) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """The number of assets, their lines, and the lines for which no policy is in force."""
    async with transaction(engine) as connection:
        lines = [_AssetRow._make(row).line for row in await connection.execute(_ASSETS)]
        places = [Place(**row) for row in (await connection.execute(_PLACES)).mappings()]
        placements = (await read_assignments(await raw(connection))).placements
    unruled = {place.line or "" for place in places if choose(placements, place, now, now).active is None}
    return len(lines), tuple(sorted({line for line in lines if line is not None})), tuple(sorted(unruled))


async def read_clock_fault(engine: AsyncEngine, now: datetime) -> str | None:
    """Whether the clock was set back, as text with both times; None if it was not."""
    async with transaction(engine) as connection:
        return await clock_fault(connection, now)


async def read_policy_faults(engine: AsyncEngine, terms: VersionTerms, clock: Clock) -> list[str]:
    """The faults of assignments in force that are not what people approved and signed, as text."""
    async with transaction(engine) as connection:
        driver = await raw(connection)
        async with driver.cursor() as cursor:
            return (await AssignedVersions(terms).read(cursor, clock.now)).faults


async def read_overdue(engine: AsyncEngine, before: datetime) -> Overdue:
    """The subjects that have been due since before a time."""
    async with transaction(engine) as connection:
        subjects = [_DueRow._make(row).subject for row in await connection.execute(_OVERDUE, {"before": before})]
    return Overdue(len(subjects), tuple(subjects[:_SHOWN]))


async def read_never_due(engine: AsyncEngine, now: datetime, poll_interval: timedelta) -> tuple[str, ...]:
    """Open cases that wait for nothing and are not due, polls that are not due within an interval, and leases that end
    later than any that we give: somebody has altered these rows."""
    values = {"poll_by": now + poll_interval, "lease_by": now + LEASE_LASTS}
    async with transaction(engine) as connection:
        return tuple(await connection.scalars(_NEVER_DUE, values))


async def read_lanes(engine: AsyncEngine) -> dict[str, int]:
    """How many cases wait in each lane. A closed case waits only if its outcome is unknown."""
    async with transaction(engine) as connection:
        return dict(_LaneRow._make(row) for row in await connection.execute(_LANES))


async def read_open_cases(engine: AsyncEngine) -> list[str]:
    """The cases that are not closed, oldest first."""
    async with transaction(engine) as connection:
        return [_CaseRow._make(row).id for row in await connection.execute(_OPEN)]


async def read_hold_faults(engine: AsyncEngine, ready_before: datetime) -> HoldFaults:
    """The faults of live holds.

    Args:
        ready_before: a hold whose work was done before this time should have been released.
    """
    async with transaction(engine) as connection:
        rows = [_HoldRow._make(row) for row in await connection.execute(_HOLDS, {"ready_before": ready_before})]
    named = [(f"{row.key} on {row.equipment}", row) for row in rows]
    return HoldFaults(
        adrift=tuple(name for name, row in named if row.adrift),
        not_in_effect=tuple(name for name, row in named if row.not_in_effect),
        late=tuple(name for name, row in named if row.late),
    )


async def read_order_faults(engine: AsyncEngine, now: datetime, read_before: datetime) -> OrderFaults:
    """The orders, holds and cases that do not agree.

    Args:
        now: the time at which work is overdue.
        read_before: an unfinished order should have been read since this time.
    """
    finished = list(FINISHED_STATUSES)
    async with transaction(engine) as connection:
        return OrderFaults(
            unmatched=tuple(await connection.scalars(_UNMATCHED, {"finished": finished})),
            unread=tuple(await connection.scalars(_UNREAD, {"finished": finished, "before": read_before})),
            held_unordered=tuple(await connection.scalars(_HELD_UNORDERED, {"now": now})),
        )


async def ledger_agrees(engine: AsyncEngine) -> tuple[int, bool]:
    """The number of the ledger's head, and whether the last row is the one that the head names."""
    async with transaction(engine) as connection:
        head = await read_head(connection)
        last = (await connection.execute(_LAST)).one_or_none()
    agrees = head.seq == 0 if last is None else Head._make(last) == head
    return head.seq, agrees
