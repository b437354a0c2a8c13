"""The false alerts of a period, each with the stage that caused it. No figure is by person."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.blame import Blame, Stage, blame
from domain.model import Model, Moment
from millwright.storage.database.engine import transaction
from millwright.storage.quality.false_alerts import read_false_alerts
from millwright.storage.quality.keeping import keep_now


class StageShare(Model):
    """The false alerts of one stage; the share is None if there are none at all."""

    stage: Stage
    alerts: int
    share: float | None


class BlameReport(Model):
    """The false alerts of a period, and the share of each stage; that of `undetermined` is shown too."""

    since: Moment
    until: Moment
    stages: tuple[StageShare, ...]
    alerts: tuple[Blame, ...]


async def read_blame(engine: AsyncEngine, since: datetime, until: datetime) -> BlameReport:
    """The false alerts whose case was opened in a period, by the plant's clock.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    await keep_now(engine)
    async with transaction(engine) as connection:
        found = await read_false_alerts(connection, since, until)
    blamed = tuple(blame(facts) for facts in found)
    return BlameReport(since=since, until=until, stages=_stages(blamed), alerts=blamed)


def _stages(blamed: Sequence[Blame]) -> tuple[StageShare, ...]:
    counts = Counter(each.stage for each in blamed)
    return tuple(
        StageShare(
            stage=stage,
            alerts=counts[stage],
            share=round(counts[stage] / len(blamed), 4) if blamed else None,
        )
        for stage in Stage
    )
