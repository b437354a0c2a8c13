"""The summary: what was received, judged, ordered and found, in figures."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.explaining.flooding import read_flood_figures
from millwright.explaining.waivers import read_waiver_notices
from millwright.storage.reporting.decided_times import decided_times
from millwright.storage.reporting.figures import read_figures
from millwright.storage.reporting.freshness_lists import open_blind_spells
from policies.evaluation.timing_costs import recorded_costs

_DAY = timedelta(days=1)


async def read_summary(engine: AsyncEngine, now: datetime) -> dict[str, object]:
    """The figures of the whole record, what the times for the work cost by the prices that were recorded with them, the
    floods of the plant's last day, how much is blind, and the waivers that end soon.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    figures = await read_figures(engine)
    flooding = await read_flood_figures(engine, now - _DAY, now)
    return {
        "events": figures.events,
        "rungs": {version: {str(rung): n for rung, n in counts.items()} for version, counts in figures.rungs.items()},
        "cases": figures.cases,
        "work_orders": figures.work_orders,
        "holds": figures.holds,
        "outcomes": figures.outcomes,
        "labels": figures.labels,
        "suppressed": figures.suppressed,
        "drift": figures.drift,
        "timing": recorded_costs(each.decision for each in await decided_times(engine)).model_dump(mode="json"),
        "floods": flooding.model_dump(mode="json"),
        "blind": await open_blind_spells(engine),
        "waivers": await read_waiver_notices(engine, now),
    }
