"""Events and receipts go through the migration of identity both ways, also where a number was given twice."""

from datetime import timedelta

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Received
from millwright.storage.database import schema
from millwright.storage.events.inbox import Inbox
from tests.support.plant import START, deviation

OLDER = "0013_studies"
COUNTS = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM duplicates), (SELECT count(*) FROM pending)"


def delivered(event: Received, sequence: int, hours: float) -> Received:
    return event.model_copy(update={"sequence": sequence, "enqueued_at": START + timedelta(hours=hours)})


async def test_numbers_that_were_given_twice_go_back_and_forth(storage_engine: AsyncEngine, database_url: str) -> None:
    inbox = Inbox(storage_engine)
    first, second = deviation(1, external_id="a"), deviation(2, external_id="b")
    await inbox.take([delivered(first, 1, 0), delivered(second, 1, 5)], START)
    await inbox.take([delivered(first, 2, 1), delivered(first, 2, 6)], START)
    await storage_engine.dispose()
    with psycopg.connect(database_url) as connection:
        before = connection.execute(COUNTS).fetchone()
    schema.downgrade(database_url, OLDER)
    schema.upgrade(database_url)
    schema.check(database_url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute(COUNTS).fetchone() == before == (2, 2, 2)
        refused = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'duplicates'::regclass AND tgenabled = 'O'"
        assert connection.execute(refused).fetchone() == (1,)


async def test_a_redelivery_of_what_an_earlier_build_stored_counts_nothing(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    event = deviation(1, external_id="a")
    inbox = Inbox(storage_engine)
    await inbox.take([delivered(event, 1, 0)], START)
    await storage_engine.dispose()
    schema.downgrade(database_url, OLDER)
    schema.upgrade(database_url)
    await inbox.take([delivered(event, 1, 0)], START)
    assert (await inbox.counts())["received"] == 1
