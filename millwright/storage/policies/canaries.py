"""Counts of what canaries did, and of what was usual before them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.alarms import Alarm
from domain.assigning import Place, Scope
from domain.outcomes import OutcomeClass
from domain.verdict import Rung
from millwright.storage.database.engine import transaction

BEFORE = timedelta(days=30)
"""The period before a canary over which the usual figures are counted."""

_MACHINES = text(
    "SELECT DISTINCT ON (coalesce(machine, id)) coalesce(machine, id) AS machine, asset_class, line, site FROM assets "
    "WHERE valid_to IS NULL AND line IS NOT NULL AND machine IS NOT NULL ORDER BY coalesce(machine, id), id"
)
_CASES = text(
    "SELECT c.machine, o.outcome FROM cases c LEFT JOIN outcomes o ON o.case_id = c.id AND NOT o.cancelled "
    "WHERE c.opened_at > :since AND c.opened_at <= :until AND c.rung >= :rung "
    "AND (CAST(:version AS text) IS NULL OR c.version = :version) ORDER BY o.found_at, c.id"
)
_ALARMS = text(
    "SELECT a.line, v.at, v.asset, v.failure_mode FROM verdicts v "
    "JOIN assets a ON a.id = v.asset AND a.valid_to IS NULL "
    "WHERE v.role = 'active' AND v.revision = 0 AND v.rung >= :rung AND v.at > :since AND v.at <= :until "
    "AND (CAST(:version AS text) IS NULL OR v.version = :version) AND coalesce(a.machine, a.id) = ANY(:machines) "
    "ORDER BY a.line, v.at"
)


class _MachineRow(NamedTuple):
    machine: str
    asset_class: str | None
    line: str
    site: str | None


class _CaseRow(NamedTuple):
    machine: str
    outcome: str | None


class _AlarmRow(NamedTuple):
    line: str
    at: datetime
    asset: str
    failure_mode: str


_NOTHING = frozenset(found for found in OutcomeClass if found.false_alarm) - {OutcomeClass.DUPLICATE}
"""What counts against a canary. A duplicate does not: another order of the time before it may have caused it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The figures of a scope's machines between two times. `alarms` are by line, in order of time. `findings` says
    of each piece of finished work whether it found something, in the order in which the work ended.

    Work that prevented a failure, found another defect, was a duplicate, was not inspected, or has an unknown outcome
    is neither in `found` nor in `nothing`.
    """

    machines: int
    lines: int
    days: float
    orders: int
    found: int
    nothing: int
    findings: tuple[bool, ...]
    alarms: dict[str, list[Alarm]]


class CanaryCounts:
    """Counts orders, findings and alarms.

    Args:
        engine: the database.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def count(self, scope: Scope, since: datetime, until: datetime, version: str | None) -> Counted:
        """The figures of a version on a scope's machines, or of all versions if it is None.

        Raises:
            StorageUnavailable: the database does not answer.
        """
        async with transaction(self._engine) as connection:
            return await _count(connection, scope, since, until, version)


async def _count(
    connection: AsyncConnection, scope: Scope, since: datetime, until: datetime, version: str | None
) -> Counted:
    places = {
        row.machine: Place(
            asset=row.machine, machine=row.machine, asset_class=row.asset_class, line=row.line, site=row.site
        )
        for row in map(_MachineRow._make, await connection.execute(_MACHINES))
    }
    inside = {machine: place for machine, place in places.items() if scope.covers(place)}
    period: dict[str, object] = {"since": since, "until": until, "version": version}
    ordered = await connection.execute(_CASES, period | {"rung": int(Rung.DRAFT)})
    cases = [row for row in map(_CaseRow._make, ordered) if row.machine in inside]
    heard = await connection.execute(_ALARMS, period | {"rung": int(Rung.WATCH), "machines": sorted(inside)})
    alarms: dict[str, list[Alarm]] = {}
    for row in map(_AlarmRow._make, heard):
        alarms.setdefault(row.line, []).append(Alarm(row.at, row.asset, row.failure_mode))
    return Counted(
        machines=len(inside),
        lines=len({place.line for place in inside.values()}),
        days=max((until - since) / timedelta(days=1), 0.0),
        orders=len(cases),
        found=sum(row.outcome == OutcomeClass.CONFIRMED for row in cases),
        nothing=sum(row.outcome in _NOTHING for row in cases),
        findings=tuple(
            row.outcome == OutcomeClass.CONFIRMED
            for row in cases
            if row.outcome == OutcomeClass.CONFIRMED or row.outcome in _NOTHING
        ),
        alarms=alarms,
    )
