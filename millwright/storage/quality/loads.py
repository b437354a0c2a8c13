"""Reads the alarms of operators, and the drafts of planners, for the two boards of their load."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.alarms import Alarm, BoardAlarm
from domain.outcomes import Worth
from domain.verdict import Rung
from millwright.storage.quality.reading import worth_sql

# As `storage.reporting.alarms` defines an alarm.
_ALARMS = text("""
SELECT e.line, v.at, v.asset, v.failure_mode, v.body::json ->> 'severity' AS severity
FROM verdicts v JOIN events e ON e.id = v.event_id
WHERE v.role = 'active' AND v.revision = 0 AND v.rung >= :watch AND v.at > :since AND v.at <= :until
ORDER BY e.line, v.at, v.event_id
""")
# The rule of the newest of the alarms that asked for most says best why there is one.
_RULES = text("""
SELECT f.asset, f.failure_mode, v.version, v.body::json ->> 'rule' AS rule, v.body::json ->> 'severity' AS severity,
    v.body::json ->> 'due_within' AS due_within
FROM unnest(CAST(:assets AS text[]), CAST(:modes AS text[])) f(asset, failure_mode)
CROSS JOIN LATERAL (SELECT version, body FROM verdicts
    WHERE asset = f.asset AND failure_mode = f.failure_mode AND role = 'active' AND revision = 0
        AND rung >= :watch AND at > :since AND at <= :until
    ORDER BY rung DESC, at DESC, event_id LIMIT 1) v
""")
_ALERTS = text(f"""
SELECT asset, failure_mode, count(*) AS alerts, count(*) FILTER (WHERE {worth_sql()} = :right) AS right,
    count(*) FILTER (WHERE {worth_sql()} = :wrong) AS wrong
FROM alert_facts WHERE opened_at > :since AND opened_at <= :until AND closed_as IS DISTINCT FROM 'withdrawn'
GROUP BY 1, 2
""")
_DRAFTED = text("""
SELECT coalesce(site, '') AS site, placed_at FROM alert_facts
WHERE NOT attached AND placed_at > :since AND placed_at <= :until
""")
# What the newest case of each crew was told, as `storage.reporting.crew_lists` reads it.
_BOUNDS = text("""
SELECT site, sum(bound)::integer AS orders_a_week FROM (
    SELECT DISTINCT ON (crew, site) crew, coalesce(site, '') AS site, bound FROM admissions
    WHERE coalesce(admitted_at, asked_at) <= :until ORDER BY crew, site, coalesce(admitted_at, asked_at) DESC, case_id
) b GROUP BY 1
""")


class _AlarmRow(NamedTuple):
    line: str
    at: datetime
    asset: str
    failure_mode: str
    severity: str


class AlarmRule(NamedTuple):
    """The rule that decided the strongest alarm of a fault, and its version; `due_within` is ISO 8601."""

    asset: str
    failure_mode: str
    version: str
    rule: str
    severity: str
    due_within: str | None


class FaultAlerts(NamedTuple):
    """The alerts of a fault, and how many were right and wrong."""

    asset: str
    failure_mode: str
    alerts: int
    right: int
    wrong: int


class _DraftedRow(NamedTuple):
    site: str
    placed_at: datetime


class _BoundRow(NamedTuple):
    site: str
    orders_a_week: int


class LoadReading:
    """Reads a period: after `since`, and up to `until`."""

    def __init__(self, connection: AsyncConnection, since: datetime, until: datetime) -> None:
        self._connection = connection
        self._period: dict[str, object] = {"since": since, "until": until}

    async def alarms(self) -> dict[str, list[BoardAlarm]]:
        """The alarms of each line, ascending by event time."""
        found: dict[str, list[BoardAlarm]] = {}
        values = {**self._period, "watch": int(Rung.WATCH)}
        for row in map(_AlarmRow._make, await self._connection.execute(_ALARMS, values)):
            heard = BoardAlarm(Alarm(row.at, row.asset, row.failure_mode), row.severity)
            found.setdefault(row.line, []).append(heard)
        return found

    async def rules(self, faults: list[tuple[str, str]]) -> dict[tuple[str, str], AlarmRule]:
        """The rule that decided the strongest alarm of each of these faults."""
        named = {"assets": [asset for asset, _ in faults], "modes": [mode for _, mode in faults]}
        values = {**self._period, **named, "watch": int(Rung.WATCH)}
        rows = map(AlarmRule._make, await self._connection.execute(_RULES, values))
        return {(row.asset, row.failure_mode): row for row in rows}

    async def alerts(self) -> dict[tuple[str, str], FaultAlerts]:
        """The alerts of each fault whose case was opened in the period, by the plant's clock."""
        values = {**self._period, "right": Worth.RIGHT.value, "wrong": Worth.WRONG.value}
        rows = map(FaultAlerts._make, await self._connection.execute(_ALERTS, values))
        return {(row.asset, row.failure_mode): row for row in rows}

    async def drafted(self) -> dict[str, list[datetime]]:
        """When our drafts were in the CMMS, by site."""
        found: dict[str, list[datetime]] = {}
        for row in map(_DraftedRow._make, await self._connection.execute(_DRAFTED, self._period)):
            found.setdefault(row.site, []).append(row.placed_at)
        return found

    async def bounds(self) -> dict[str, int]:
        """The new orders a week that the bounded crews of each site get."""
        return dict(_BoundRow._make(row) for row in await self._connection.execute(_BOUNDS, self._period))
