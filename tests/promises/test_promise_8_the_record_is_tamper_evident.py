"""Promise 8: the record is append-only, hash-chained, and what was changed behind its back is found and named."""

import pytest
from sqlalchemy import text

from millwright.audit.verifying import verify
from millwright.storage.database.tables import APPEND_ONLY
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
async def test_promise_8_the_database_itself_refuses_to_empty_the_record(judged: Plant, table: str) -> None:
    with pytest.raises(Exception, match="append-only"):
        async with judged.engine.begin() as connection:
            await connection.execute(text(f"TRUNCATE {table} CASCADE"))


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("verdicts", "UPDATE verdicts SET body = replace(body, 'S2', 'S3')"),
        ("acts", "UPDATE acts SET actor = 'nobody' WHERE kind = 'case-opened'"),
        ("ledger", "UPDATE ledger SET at = at + interval '1 hour' WHERE seq = 1"),
    ],
)
async def test_promise_8_what_was_changed_behind_its_back_is_found(judged: Plant, table: str, change: str) -> None:
    await judged.take(code(1), deviation(2))
    assert (await verify(judged.engine)).verified
    async with judged.engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER append_only"))
        await connection.execute(text(change))
    report = await verify(judged.engine)
    assert not report.verified
    assert report.findings


async def test_promise_8_a_removed_tail_shows_against_the_head_that_was_published(judged: Plant) -> None:
    await judged.take(code(1))
    before = (await verify(judged.engine)).head
    await judged.take(deviation(2))
    published = (await verify(judged.engine)).head
    assert before != published
    assert (await verify(judged.engine, head=published)).verified
    forged = f"{published.split(':')[0]}:{'0' * 64}"
    assert not (await verify(judged.engine, head=forged)).verified
