"""The figures for the summary, the API and the console."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.anomaly import OWN_WRITE_BACK
from domain.sensors import INSTRUMENT_MODE
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from millwright.storage.database.engine import transaction
from millwright.storage.database.live_holds import LIVE_STATES
from millwright.storage.events.pending import EVENTS, FATE
from millwright.storage.reporting.drift_lists import OPEN_BY_KIND

# The newest revision of each verdict is the valid one.
_STANDING = """
SELECT DISTINCT ON (v.version, v.event_id) v.version, v.event_id, v.rung, v.asset, v.failure_mode, v.at
FROM verdicts v ORDER BY v.version, v.event_id, v.revision DESC
"""
_RUNGS = text(
    f"SELECT p.version, s.rung, count(*) FROM ({_STANDING}) s JOIN policy_versions p "
    "ON p.digest = s.version GROUP BY 1, 2 ORDER BY 1, 2"
)
_ORDERINGS = text(
    f"SELECT p.version, s.asset, s.failure_mode, s.at, s.rung FROM ({_STANDING}) s JOIN policy_versions p "
    "ON p.digest = s.version WHERE s.rung >= :rung AND (CAST(:version AS text) IS NULL OR p.version = :version) "
    "ORDER BY p.version, s.at, s.asset, s.event_id LIMIT :limit OFFSET :after"
)
# The order of a person has no key of ours.
_OURS = "coalesce(record -> 'ref' ->> 'key', 'none yet') <> ''"
_DUPLICATES = text("SELECT count(*) FROM duplicates")
_WRITE_BACKS = text("SELECT count(*) FROM events WHERE fate = 'not_an_anomaly' AND reason = :reason")
_REVIEWED = text(
    "SELECT count(*) AS waited, count(*) FILTER (WHERE status = 'waiting_approval') AS waiting, "
    "count(*) FILTER (WHERE status <> 'waiting_approval' AND NOT status = ANY(:not_done)) AS approved, "
    "count(*) FILTER (WHERE status = ANY(:not_done)) AS not_done "
    f"FROM work_orders WHERE external_id IS NOT NULL AND NOT (draft ->> 'released')::boolean AND {_OURS}"
)
_ATTACHED = text(f"SELECT count(*) FROM work_orders WHERE NOT {_OURS}")
_ORDERING_CASES = text(
    "SELECT count(*) FROM cases c WHERE (c.rung >= :rung OR (c.decision->>'approved')::boolean) "
    "AND NOT (coalesce(c.closed_as, '') IN ('withdrawn', 'rejected') "
    "AND NOT EXISTS (SELECT FROM work_orders w WHERE w.case_id = c.id))"
)


class _CountRow(NamedTuple):
    name: str
    number: int


class _RungRow(NamedTuple):
    version: str
    rung: int
    verdicts: int


class _OrderingRow(NamedTuple):
    version: str
    asset: str
    failure_mode: str
    at: datetime
    rung: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts by name; `rungs` are by number of the policy version, and by rung."""

    events: dict[str, int]
    rungs: dict[str, dict[int, int]]
    cases: dict[str, int]
    work_orders: dict[str, int]
    """The orders that we created, by status; `created` is all of them, and `attached` the orders of persons that are
    orders of cases, which count nowhere else."""
    reviewed: dict[str, int]
    """The orders that were placed in the planner's waiting state: `waited` is all of them, `waiting` those that still
    wait, `not_done` those that were cancelled, skipped or deleted, and `approved` the others."""
    holds: dict[str, int]
    outcomes: dict[str, int]
    labels: dict[str, int]
    suppressed: dict[str, int]
    sensors: dict[str, int]
    """The `cases` of suspected sensors, how many of them are done (`repaired`), the sensors that were `masked`, and the
    masks that ended because the repair was `verified`."""
    drift: dict[str, int]
    """What the reconciles found to differ and has not ended, by kind."""
    write_backs: int
    """Received events that our own patches of twins caused. Their number depends on holds and outcomes."""


_SENSORS = text(
    "SELECT (SELECT count(*) FROM cases WHERE failure_mode = :mode) AS cases, "
    "(SELECT count(*) FROM cases WHERE failure_mode = :mode AND closed_as = 'done') AS repaired, "
    "(SELECT count(*) FROM suppressions WHERE kind = 'mask') AS masked, "
    "(SELECT count(*) FROM suppressions WHERE kind = 'mask' "
    "AND ended_because LIKE 'the repair is verified%') AS verified"
).bindparams(mode=INSTRUMENT_MODE)


@dataclass(frozen=True, slots=True)
class Ordering:
    """A valid verdict that asked for an order: its version, machine, component and event time.

    `machine` is the number and `component` the last part of the asset's id (`machine-017-comp1`).
    """

    version: str
    asset: str
    failure_mode: str
    machine: int
    component: str
    at: datetime
    rung: int


async def read_figures(engine: AsyncEngine) -> Figures:
    """The current figures, all from one snapshot."""
    async with transaction(engine) as connection:
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        events = await _counts(connection, f"SELECT {FATE}, count(*) FROM {EVENTS} GROUP BY 1")
        duplicates = (await connection.execute(_DUPLICATES)).scalar_one()
        fates = ("decided", "not_an_anomaly", "unmapped", "quarantined", "undecided")
        by_fate = {fate: events.get(fate, 0) for fate in fates} | {"duplicate": duplicates + events.get("duplicate", 0)}
        rungs: dict[str, dict[int, int]] = {}
        for row in map(_RungRow._make, await connection.execute(_RUNGS)):
            rungs.setdefault(row.version, {})[row.rung] = row.verdicts
        return Figures(
            events={"received": sum(by_fate.values()), **by_fate},
            rungs=rungs,
            cases=await _counts(
                connection,
                "SELECT CASE WHEN closed_as IS NULL THEN 'open' WHEN closed_at IS NULL THEN 'awaiting_release' "
                "ELSE closed_as END, count(*) FROM cases GROUP BY 1 ORDER BY 1",
                "opened",
            ),
            work_orders=await _counts(
                connection,
                f"SELECT coalesce(status, 'intended'), count(*) FROM work_orders WHERE {_OURS} GROUP BY 1 ORDER BY 1",
                "created",
            )
            | {"attached": (await connection.execute(_ATTACHED)).scalar_one()},
            reviewed=await _reviewed(connection),
            holds=await _holds(connection),
            outcomes=await _counts(connection, "SELECT outcome, count(*) FROM outcomes GROUP BY 1 ORDER BY 1"),
            labels=await _counts(connection, "SELECT outcome, count(*) FROM labels GROUP BY 1 ORDER BY 1", "made"),
            suppressed=await _suppressed(connection),
            sensors=dict((await connection.execute(_SENSORS)).mappings().one()),
            drift=await _counts(connection, OPEN_BY_KIND, "open"),
            write_backs=(await connection.execute(_WRITE_BACKS, {"reason": OWN_WRITE_BACK})).scalar_one(),
        )


async def read_orderings(
    engine: AsyncEngine, *, version: str | None = None, limit: int | None = None, after: int = 0
) -> list[Ordering]:
    """The valid verdicts that asked for an order, by version and event time.

    Args:
        version: the number of a version; None for all.
        limit: maximum number of verdicts; None for all.
        after: how many to pass over.
    """
    values = {"rung": int(Rung.DRAFT), "version": version, "limit": limit, "after": after}
    async with transaction(engine) as connection:
        rows = [_OrderingRow._make(row) for row in await connection.execute(_ORDERINGS, values)]
        return [
            Ordering(
                version=row.version,
                asset=row.asset,
                failure_mode=row.failure_mode,
                machine=_number(row.asset),
                component=row.asset.rsplit("-", 1)[-1],
                at=row.at,
                rung=row.rung,
            )
            for row in rows
        ]


async def count_ordering_cases(engine: AsyncEngine) -> int:
    """How many cases asked for an order and were not called off before they had one. There must be as many orders."""
    async with transaction(engine) as connection:
        count: int = (await connection.execute(_ORDERING_CASES, {"rung": int(Rung.DRAFT)})).scalar_one()
    return count


async def _counts(connection: AsyncConnection, statement: str, total: str | None = None) -> dict[str, int]:
    found = dict(_CountRow._make(row) for row in await connection.execute(text(statement)))
    return {total: sum(found.values()), **found} if total else found


async def _reviewed(connection: AsyncConnection) -> dict[str, int]:
    not_done = [status.value for status in WorkOrderStatus if status.not_done]
    found = (await connection.execute(_REVIEWED, {"not_done": not_done})).mappings()
    return {name: int(count) for name, count in found.one().items()}


async def _holds(connection: AsyncConnection) -> dict[str, int]:
    """Holds by state, how many of those placed are advisory, the placements that the MES accepted or that are not
    proved to be ours, and the walk-downs in which a machine was held."""
    found = (
        await connection.execute(
            text(
                "SELECT count(*) FILTER (WHERE p.accepted > 0) AS placed, "
                "count(*) FILTER (WHERE h.state = 'released') AS released, "
                "count(*) FILTER (WHERE h.state = 'overruled') AS overruled, "
                f"count(*) FILTER (WHERE h.state IN {LIVE_STATES}) AS left_open, "
                "count(*) FILTER (WHERE h.state = 'void') AS not_needed, "
                "count(*) FILTER (WHERE p.accepted > 0 AND p.advisory) AS advisory, "
                "coalesce(sum(p.accepted), 0) AS placements, coalesce(sum(p.unproven), 0) AS unproven, "
                "(SELECT count(*) FROM walk_downs WHERE accepted_at IS NOT NULL) AS walk_downs "
                "FROM holds h LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE accepted_at IS NOT NULL) AS accepted, "
                "bool_or(plan ->> 'enforcement' = 'advisory') AS advisory, "
                "count(*) FILTER (WHERE accepted_at IS NULL AND state NOT IN ('intended', 'void')) AS unproven "
                "FROM hold_placements WHERE hold_key = h.key) p ON true"
            )
        )
    ).mappings()
    return {name: int(count) for name, count in found.one().items()}


async def _suppressed(connection: AsyncConnection) -> dict[str, int]:
    """Suppressions by kind, and the verdicts that are still suppressed or acted at the end."""
    made = {"shelf": 0, "window": 0, "work": 0}
    made |= await _counts(connection, "SELECT kind, count(*) FROM suppressions GROUP BY 1")
    stands = await _counts(
        connection,
        "SELECT how, count(*) FROM (SELECT DISTINCT ON (event_id, version) how FROM suppressed "
        "ORDER BY event_id, version, id DESC) s GROUP BY 1",
    )
    return made | {"held_back": 0, "let_in": 0} | stands


def _number(asset: str) -> int:
    found = re.search(r"\d+", asset)
    return int(found.group()) if found else 0
