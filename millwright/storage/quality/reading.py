"""Reads what the figures on alert quality are computed from. Alerts are added up in the database, by all their
dimensions at once: there are few combinations of these, whatever the number of alerts."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.alerts import BINS, Confident, Tally
from domain.outcomes import OutcomeClass, Worth
from domain.verdict import Rung


def worth_sql() -> str:
    """What an alert was worth, as an SQL expression: that of its outcome, and unlabelled without one."""
    named = " ".join(
        f"WHEN '{outcome.value}' THEN '{outcome.worth.value}'"
        for outcome in OutcomeClass
        if outcome.worth is not Worth.UNLABELLED
    )
    return f"CASE WHEN cancelled THEN 'unlabelled' ELSE (CASE outcome {named} ELSE 'unlabelled' END) END"


# Withdrawn cases are no alerts: late events took their reason away, and nobody was asked for work.
_ALERTS = f"""
SELECT case_id, asset, asset_class, site, rule, policy, policy_version, policy_digest, detectors, model_versions,
    confidence, event_at, opened_at, placed_at, found_at, labelled_at, closed_as, cancelled, crew_hours, parts,
    downtime_s, {worth_sql()} AS worth
FROM alert_facts
WHERE closed_as IS DISTINCT FROM 'withdrawn' AND opened_at >= :since AND opened_at < :until
"""
_GROUPED = "asset_class, site, rule, policy, policy_version, policy_digest, detectors, model_versions"
"""The dimensions, in the order of `Group`."""
_COMBINED = text(f"""
SELECT {_GROUPED}, worth,
    count(*) AS alerts, count(*) FILTER (WHERE closed_as = 'rejected') AS rejected,
    count(*) FILTER (WHERE closed_as IS NULL) AS open,
    array_agg(extract(epoch FROM found_at - event_at)::double precision)
        FILTER (WHERE worth = 'right' AND found_at >= event_at) AS leads,
    count(crew_hours) AS with_labor, coalesce(sum(crew_hours), 0) AS crew_hours,
    coalesce(sum(downtime_s), 0) AS downtime_s
FROM ({_ALERTS}) a GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
""")
_PARTS = text(f"""
SELECT {_GROUPED}, p.value ->> 'item' AS item, sum((p.value ->> 'quantity')::double precision) AS quantity
FROM ({_ALERTS}) a CROSS JOIN LATERAL jsonb_array_elements(a.parts) p WHERE worth = 'wrong'
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
""")
_CONFIDENT = text(f"""
SELECT asset_class, least(floor(confidence * {BINS}), {BINS - 1})::integer AS bin, count(*) AS alerts,
    count(*) FILTER (WHERE worth = 'right') AS right, sum(confidence) AS stated,
    sum((confidence - (worth = 'right')::integer) ^ 2) AS squared_error
FROM ({_ALERTS}) a WHERE worth IN ('right', 'wrong') AND confidence IS NOT NULL GROUP BY 1, 2
""")
_JUDGED = text("""
SELECT coalesce(sum(verdicts), 0) AS judged, coalesce(sum(verdicts) FILTER (WHERE rung >= :watch), 0) AS alarms,
    coalesce(sum(verdicts) FILTER (WHERE rung >= :inspect), 0) AS asked
FROM verdict_counts WHERE role = 'active' AND day >= :since AND day <= :until
""")
_IN_ORDER = text(f"""
SELECT array_agg(worth = 'right' ORDER BY found_at, case_id) FILTER (WHERE worth IN ('right', 'wrong')) AS "right",
    array_agg(extract(epoch FROM found_at - event_at)::double precision / 3600 ORDER BY found_at, case_id)
        FILTER (WHERE worth = 'right' AND found_at >= event_at) AS lead_hours
FROM ({_ALERTS}) a
""")
_BEGUN = text(f"SELECT asset, event_at FROM ({_ALERTS}) a")
_STEPS = text(f"""
SELECT count(*) AS alerts, count(placed_at) AS placed, count(found_at) FILTER (WHERE NOT cancelled) AS done,
    count(*) FILTER (WHERE worth <> 'unlabelled') AS found, count(labelled_at) AS labelled,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM opened_at - event_at)) AS to_case,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM placed_at - opened_at)) AS to_order,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM found_at - placed_at))
        FILTER (WHERE NOT cancelled) AS to_work,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM labelled_at - found_at)) AS to_label
FROM ({_ALERTS}) a
""")


class InOrder(NamedTuple):
    """Whether each finding was right, and the hours of each lead time, in the order in which the work ended."""

    right: Sequence[bool] | None
    lead_hours: Sequence[float] | None


class BegunAlert(NamedTuple):
    """An alert, and the time of its first evidence."""

    asset: str
    event_at: datetime


class Group(NamedTuple):
    """One combination of what alerts are told apart by. An alert may have several detectors and models."""

    asset_class: str | None
    site: str | None
    rule: str | None
    policy: str | None
    policy_version: str | None
    policy_digest: str
    detectors: tuple[str, ...]
    model_versions: tuple[str, ...]


_DIMENSIONS: Final = len(Group._fields)


class _Counted(NamedTuple):
    """What follows the dimensions in a row of `_COMBINED`."""

    worth: str
    alerts: int
    rejected: int
    open: int
    leads: Sequence[float] | None
    with_labor: int
    crew_hours: float
    downtime_s: float


class _Part(NamedTuple):
    """What follows them in a row of `_PARTS`."""

    item: str
    quantity: float


class _ConfidentRow(NamedTuple):
    asset_class: str | None
    bin: int
    alerts: int
    right: int
    stated: float
    squared_error: float


class JudgedCounts(NamedTuple):
    """First verdicts of versions in force: all, above `ignore`, and at `inspect` or above."""

    judged: int
    alarms: int
    asked: int


class AlertSteps(NamedTuple):
    """How far alerts came, and the median of the seconds of each step; None without an alert that has both times."""

    alerts: int
    placed: int
    done: int
    found: int
    labelled: int
    to_case: float | None
    to_order: float | None
    to_work: float | None
    to_label: float | None


class AlertReading:
    """Reads the tables within one transaction.

    Args:
        since: alerts whose case was opened then or later count, by the plant's clock.
        until: those opened before it.
    """

    def __init__(self, connection: AsyncConnection, since: datetime, until: datetime) -> None:
        self._connection = connection
        self._period = {"since": since, "until": until}
        self._days: dict[str, date] = {"since": since.date(), "until": until.date()}

    async def tallies(self) -> dict[Group, Tally]:
        """The alerts by every combination."""
        found: dict[Group, Tally] = {}
        for row in await self._connection.execute(_COMBINED, self._period):
            group, counted = _group(row), _Counted._make(row[_DIMENSIONS:])
            worth = Worth(counted.worth)
            tally = found.setdefault(group, Tally())
            tally.worths[worth] += counted.alerts
            tally.rejected += counted.rejected
            tally.open += counted.open
            tally.lead_s.extend(counted.leads or ())
            if worth is Worth.WRONG:
                tally.wrong_with_labor += counted.with_labor
                tally.wrong_hours[group.policy_digest] = counted.crew_hours
                tally.wrong_downtime_s += counted.downtime_s
        for row in await self._connection.execute(_PARTS, self._period):
            part, parts = _Part._make(row[_DIMENSIONS:]), found[_group(row)].wrong_parts
            parts[part.item] = parts.get(part.item, 0.0) + part.quantity
        return found

    async def confident(self) -> dict[str | None, list[Confident]]:
        """Alerts with a stated confidence that were right or wrong, by asset class and bin."""
        found: dict[str | None, list[Confident]] = {}
        for row in map(_ConfidentRow._make, await self._connection.execute(_CONFIDENT, self._period)):
            found.setdefault(row.asset_class, []).append(Confident(*row[1:]))
        return found

    async def judged(self) -> JudgedCounts:
        """The verdicts of these days (UTC, event time)."""
        values = {**self._days, "watch": int(Rung.WATCH), "inspect": int(Rung.INSPECT)}
        return JudgedCounts._make((await self._connection.execute(_JUDGED, values)).one())

    async def in_order(self) -> InOrder:
        """The findings and the lead times one after the other."""
        return InOrder._make((await self._connection.execute(_IN_ORDER, self._period)).one())

    async def begun(self) -> list[BegunAlert]:
        """Every alert."""
        return [BegunAlert._make(row) for row in await self._connection.execute(_BEGUN, self._period)]

    async def steps(self) -> AlertSteps:
        """How far the alerts came."""
        return AlertSteps._make((await self._connection.execute(_STEPS, self._period)).one())


def _group(row: Sequence[Any]) -> Group:
    """The dimensions, which are the first columns of a row."""
    group = Group._make(row[:_DIMENSIONS])
    return group._replace(detectors=tuple(group.detectors), model_versions=tuple(group.model_versions))
