"""Which failures of the last year no alert preceded, as people read it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.maintenance_history import HISTORY
from domain.missed_failures import BlindSpot, DoubtfulWork, JudgedFailure, blind_spots
from domain.model import Model, Moment
from millwright.storage.database.engine import transaction
from millwright.storage.maintenance.failures import failure_record


class MissedFailures(Model):
    """Which failures of the last year no alert preceded.

    Args:
        since: work that ended earlier does not count.
        alerted, monitored, failures, rejected, missed, doubtful: see `domain.missed_failures.Recall`.
        recall: alerted / monitored; null without a monitored failure.
        coverage: monitored / failures; null without a failure.
        unread_assets: the machines and parts whose maintenance history is not known: their failures are missing here.
        blind_spots: what had failures and is not monitored, the most frequent first.
        listed: the failures, newest first.
        doubtful_work: the work of which a person must say whether something had failed, newest first.
    """

    since: Moment
    alerted: int
    monitored: int
    failures: int
    rejected: int
    missed: int
    doubtful: int
    recall: float | None
    coverage: float | None
    unread_assets: int
    blind_spots: tuple[BlindSpot, ...]
    listed: tuple[JudgedFailure, ...]
    doubtful_work: tuple[DoubtfulWork, ...]


async def missed_failures(engine: AsyncEngine, now: datetime, limit: int) -> MissedFailures:
    """Which failures of the last year no alert preceded.

    Args:
        limit: how many failures and how much doubtful work is listed, the newest; the figures count all.
    """
    async with transaction(engine) as connection:
        known = await failure_record(connection, now)
    recall = known.recall
    doubtful = sorted(known.doubtful, key=lambda work: (work.at, work.record), reverse=True)
    return MissedFailures(
        since=now - HISTORY,
        **recall.model_dump(),
        recall=recall.recall,
        coverage=recall.coverage,
        unread_assets=known.unread_assets,
        blind_spots=blind_spots(known.failures),
        listed=known.failures[:limit],
        doubtful_work=tuple(doubtful[:limit]),
    )
