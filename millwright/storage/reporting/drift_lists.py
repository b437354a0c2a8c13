"""Lists of drift, and how far the reconciles have come."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.drift import DriftKind, fix_of
from domain.model import Model, Moment
from domain.reconcile import ReconcileStage
from millwright.storage.database.engine import transaction

_PAGE = text(
    'SELECT system, kind, subject, case_id AS "case", ours, theirs, first_seen_at, last_seen_at, ended_at FROM drifts '
    "WHERE :ended OR ended_at IS NULL ORDER BY ended_at IS NOT NULL, first_seen_at DESC, id DESC LIMIT :limit"
)
OPEN_BY_KIND = "SELECT kind, count(*) FROM drifts WHERE ended_at IS NULL GROUP BY 1 ORDER BY 1"
_LAST = text("""
SELECT DISTINCT ON (r.system) r.system, r.started_at, r.stage, r.orders, r.twins, r.problem, r.finished_at,
    (SELECT max(f.finished_at) FROM reconcile_runs f WHERE f.system = r.system) AS last_finished_at
FROM reconcile_runs r ORDER BY r.system, r.started_at DESC
""")


class ListedDrift(Model):
    """A difference in a list.

    Args:
        system: the CMMS instance, or the one whose cases wrote to the twin.
        subject: the order's number, the twin's id, or the system.
        case: the case that it is about; None if there is none.
        ours: what our record says.
        theirs: what the other system says.
        fix: what to do, in words.
        first_seen_at: when a reconcile first found it.
        last_seen_at: when one last found it.
        ended_at: when it was seen to have ended; None while it lasts.
    """

    system: str
    kind: DriftKind
    subject: str
    case: str | None
    ours: str
    theirs: str
    fix: str
    first_seen_at: Moment
    last_seen_at: Moment
    ended_at: Moment | None


class LastReconcile(Model):
    """The newest reconcile of a CMMS.

    Args:
        stage: what it reads now, or read last.
        orders: how many orders it has read.
        twins: how many twins it has read.
        problem: why it could not go on; None if it could.
        finished_at: None while it has not read everything.
        last_finished_at: when one was last finished; None if none was.
    """

    system: str
    started_at: Moment
    stage: ReconcileStage
    orders: int
    twins: int
    problem: str | None
    finished_at: Moment | None
    last_finished_at: Moment | None


class _KindRow(NamedTuple):
    kind: str
    number: int


async def drift_page(engine: AsyncEngine, *, ended: bool, limit: int) -> list[ListedDrift]:
    """What differs, the newest first.

    Args:
        ended: also what has ended, after what lasts.
    """
    async with transaction(engine) as connection:
        rows = (await connection.execute(_PAGE, {"ended": ended, "limit": limit})).mappings()
        return [ListedDrift.model_validate({**row, "fix": fix_of(DriftKind(row["kind"]))}) for row in rows]


async def open_drift(engine: AsyncEngine) -> dict[str, int]:
    """How many differences last, by kind."""
    async with transaction(engine) as connection:
        rows = map(_KindRow._make, await connection.execute(text(OPEN_BY_KIND)))
        return {row.kind: row.number for row in rows}


async def last_reconciles(engine: AsyncEngine) -> list[LastReconcile]:
    """The newest reconcile of each CMMS."""
    async with transaction(engine) as connection:
        rows = (await connection.execute(_LAST)).mappings()
        return [LastReconcile.model_validate(dict(row)) for row in rows]
