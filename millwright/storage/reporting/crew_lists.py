"""The new orders of each crew within the last seven days, and the cases that wait for their turn, by risk."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.admission import counted_since, next_free_at
from domain.model import Model, Moment
from domain.verdict import Rung
from millwright.storage.cases.admissions import ADMITTED, NOT_DONE, RISKS, WAITS, AdmittedRow, RiskRow
from millwright.storage.database.engine import transaction

_ADMITTED = text(ADMITTED)
_WAITING = text(f"{RISKS} WHERE n.crew IS NOT NULL AND {WAITS}")
# What the crew's newest case was told; versions in force side by side may say different things.
_BOUNDS = text(
    "SELECT DISTINCT ON (n.crew, n.site) n.crew, n.site, n.bound FROM admissions n JOIN cases c ON c.id = n.case_id "
    f"WHERE n.admitted_at > :since OR {WAITS} "
    "ORDER BY n.crew, n.site, coalesce(n.admitted_at, n.asked_at) DESC, n.case_id"
)

_Crew = tuple[str, str | None]
"""The name of a crew, and its site."""


class _BoundRow(NamedTuple):
    crew: str
    site: str | None
    bound: int


class WaitingCase(Model):
    """A case that waits for its turn.

    Args:
        rank: its place among those that wait for the same crew, by risk, from 1.
        asked_at: when it asked first.
        waiting_for: what it waits for just now. While that is something else, others of the crew go first.
    """

    case: str
    rank: int
    asset: str
    failure_mode: str
    rung: str
    severity: str
    criticality: str | None
    priority: int
    opened_at: Moment
    asked_at: Moment
    waiting_for: str | None


class SeenCrew(Model):
    """A crew of a site whose new orders are bounded.

    Args:
        bound: how many new orders it gets within seven days, as the newest of its cases was told.
        used: how many it got within the last seven days. Exempt orders count, so it can be more than the bound.
        next_free_at: when it gets another one; None if it gets one now.
        waiting: how many cases wait for their turn.
        next: the riskiest of them, the first first.
    """

    crew: str
    site: str | None
    bound: int
    used: int
    next_free_at: Moment | None
    waiting: int
    next: tuple[WaitingCase, ...]


async def crew_page(engine: AsyncEngine, now: datetime, *, limit: int = 100) -> list[SeenCrew]:
    """Each crew that got a new order within the last seven days, or for which a case waits, by name and site.

    Args:
        now: the plant's time.
        limit: how many waiting cases are listed of each crew.
    """
    async with transaction(engine) as connection:
        values = {"since": counted_since(now)}
        bounds = [_BoundRow._make(row) for row in await connection.execute(_BOUNDS, values)]
        admitted = await _admitted(connection, now)
        waiting = await _waiting(connection)
    return [
        SeenCrew(
            crew=each.crew,
            site=each.site,
            bound=each.bound,
            used=len(admitted[each.crew, each.site]),
            next_free_at=next_free_at(admitted[each.crew, each.site], each.bound, now),
            waiting=len(waiting[each.crew, each.site]),
            next=tuple(waiting[each.crew, each.site][:limit]),
        )
        for each in bounds
    ]


async def _admitted(connection: AsyncConnection, now: datetime) -> Mapping[_Crew, Sequence[datetime]]:
    found: defaultdict[_Crew, list[datetime]] = defaultdict(list)
    values = {"since": counted_since(now), "not_done": list(NOT_DONE)}
    for row in map(AdmittedRow._make, await connection.execute(_ADMITTED, values)):
        found[row.crew, row.site].append(row.admitted_at)
    return found


async def _waiting(connection: AsyncConnection) -> Mapping[_Crew, Sequence[WaitingCase]]:
    found: defaultdict[_Crew, list[WaitingCase]] = defaultdict(list)
    rows = sorted((RiskRow._make(row) for row in await connection.execute(_WAITING)), key=lambda row: row.risk)
    for row in rows:
        if row.crew is not None and row.asked_at is not None:
            own = found[row.crew, row.site]
            own.append(_seen(row, row.asked_at, 1 + len(own)))
    return found


def _seen(row: RiskRow, asked_at: datetime, rank: int) -> WaitingCase:
    return WaitingCase(
        case=row.case,
        rank=rank,
        asset=row.asset,
        failure_mode=row.failure_mode,
        rung=Rung(row.rung).word,
        severity=row.severity,
        criticality=row.criticality,
        priority=row.priority,
        opened_at=row.opened_at,
        asked_at=asked_at,
        waiting_for=row.waiting_for,
    )
