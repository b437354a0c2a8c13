"""On the real engine: the poll goes on with the reconcile, also after its worker was lost."""

from datetime import timedelta

from sqlalchemy import text

from tests.support.plant import code, deviation
from tests.workflows.fake_plant import FakePlant


async def rows(plant: FakePlant, statement: str) -> list[tuple[object, ...]]:
    async with plant.engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(statement))]


async def test_a_second_order_is_listed_in_the_night_by_whichever_worker_polls(plant: FakePlant) -> None:
    await plant.take(code(1), deviation(2))
    await plant.hint()
    case = await plant.case()
    assert case.order is not None
    copy = plant.cmms.people_copy(case.id)
    await plant.stop_worker()
    plant.start_worker()
    await plant.pass_time(timedelta(days=1))
    await plant.pass_time(timedelta(minutes=1))
    listed = "SELECT kind, subject, case_id FROM drifts WHERE ended_at IS NULL"
    assert await rows(plant, listed) == [("double_order", copy, case.id)]
    assert await rows(plant, "SELECT count(*), count(finished_at) FROM reconcile_runs") == [(2, 2)]
