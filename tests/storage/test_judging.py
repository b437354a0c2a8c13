"""Judging a line on a real database: order of arrival, repetition, poison and cases."""

import random

import pytest
from sqlalchemy import text

from domain.errors import PolicyRejected
from tests.support.judged_plant import Plant, judge_to_rest
from tests.support.plant import LINE, MOTOR, PUMP, code, deviation


async def test_a_shift_confirmed_by_its_code_opens_one_case(plant: Plant) -> None:
    await plant.take(deviation(1), deviation(2), code(3), deviation(3), deviation(4))
    cases = await plant.rows("SELECT asset, failure_mode, rung, fed FROM cases")
    assert cases == [(PUMP, "PDE", 4, 2)]
    assert await plant.rows("SELECT count(*) FROM due WHERE subject LIKE 'case/%' AND due_at IS NOT NULL") == [(1,)]


async def test_an_unconfirmed_shift_is_watched_and_its_shadow_orders(plant: Plant) -> None:
    await plant.take(deviation(1), deviation(2))
    assert await plant.rows("SELECT count(*) FROM cases") == [(0,)]
    assert [rung for _, rung, _ in await plant.final_rungs("1.1.0")] == [1, 1]
    assert [rung for _, rung, _ in await plant.final_rungs("1.0.0")] == [4, 4]


async def test_the_order_of_arrival_within_lateness_changes_no_final_verdict(plant: Plant) -> None:
    events = [deviation(h) for h in (1, 1.5, 2, 3, 4, 5)] + [code(2.5), code(4.5)]
    events += [code(2, "error2", asset=MOTOR), code(3, "error3", asset=MOTOR), deviation(3, asset=MOTOR)]
    await plant.take(*events)
    expected = {version: await plant.final_rungs(version) for version in ("1.0.0", "1.1.0")}
    other = Plant(plant.engine)
    other.digests = plant.digests
    random.Random(7).shuffle(events)
    async with plant.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE verdicts DISABLE TRIGGER append_only"))
        for table in ("evidence", "cases", "verdicts", "memories", "events"):
            await connection.execute(text(f"DELETE FROM {table}"))
    for event in events:
        await other.take(event)
    assert {version: await other.final_rungs(version) for version in ("1.0.0", "1.1.0")} == expected


async def test_a_code_that_comes_late_confirms_the_shift_it_belongs_to(plant: Plant) -> None:
    await plant.take(deviation(1), deviation(2), deviation(3))
    assert await plant.rows("SELECT count(*) FROM cases") == [(0,)]
    await plant.take(code(1.5))
    assert await plant.rows("SELECT count(*) FROM cases") == [(1,)]
    assert [rung for _, rung, _ in await plant.final_rungs("1.1.0")] == [1, 1, 4, 4]


async def test_an_event_later_than_lateness_is_judged_aside_and_moves_nothing(plant: Plant) -> None:
    await plant.take(deviation(1), deviation(20))
    before = await plant.rows("SELECT body FROM memories ORDER BY version")
    await plant.take(code(2))
    assert await plant.rows("SELECT body FROM memories ORDER BY version") == before
    assert await plant.rows("SELECT count(*) FROM events WHERE fate = 'decided'") == [(3,)]


async def test_the_same_observation_under_a_new_id_is_a_duplicate(plant: Plant) -> None:
    await plant.take(deviation(1), deviation(1), deviation(1, external_id="again"))
    counts = await plant.inbox.counts()
    assert counts == {"decided": 1, "duplicate": 2, "received": 3}


async def test_a_redelivery_counts_nothing(plant: Plant) -> None:
    event = deviation(1)
    await plant.take(event)
    await plant.take(event)
    assert (await plant.inbox.counts())["received"] == 1


async def test_one_bad_row_among_a_hundred_is_quarantined_and_the_rest_decided(plant: Plant) -> None:
    await plant.inbox.store([deviation(h / 10) for h in range(100)], plant.clock.now())
    async with plant.engine.begin() as connection:
        await connection.execute(
            text('UPDATE events SET anomaly = \'{"kind": "nonsense"}\' WHERE id = (SELECT id FROM events LIMIT 1)')
        )
    await judge_to_rest(plant.judging)
    counts = await plant.inbox.counts()
    assert (counts["decided"], counts["quarantined"]) == (99, 1)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("leased", [False, True])
async def test_a_line_that_was_never_woken_is_at_rest(plant: Plant, leased: bool) -> None:
    assert await plant.rows("SELECT count(*) FROM due") == [(0,)]
    assert (await plant.judging.judge_batch(LINE, leased=leased)).rested
    assert await judge_to_rest(plant.judging) == set()


async def test_further_evidence_after_the_work_is_noted_and_opens_nothing(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    async with plant.engine.begin() as connection:
        await connection.execute(text("UPDATE cases SET closed_at = now(), closed_as = 'done'"))
    await plant.take(deviation(12))
    assert await plant.rows("SELECT count(*) FROM cases") == [(1,)]
    assert await plant.rows("SELECT how FROM evidence ORDER BY id") == [("opened",), ("noted",)]


async def test_a_failure_after_the_episode_has_ended_is_another_case(plant: Plant) -> None:
    await plant.take(code(1), deviation(2))
    async with plant.engine.begin() as connection:
        await connection.execute(text("UPDATE cases SET closed_at = now(), closed_as = 'done'"))
    await plant.take(code(40), deviation(41))
    assert await plant.rows("SELECT count(*) FROM cases") == [(2,)]


async def test_no_line_is_judged_by_a_version_that_nobody_else_approved(plant: Plant) -> None:
    async with plant.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE policy_signatures DISABLE TRIGGER append_only"))
        await connection.execute(text("DELETE FROM policy_signatures WHERE act = 'approve'"))
    await plant.inbox.store([deviation(1)], plant.clock.now())
    with pytest.raises(PolicyRejected, match="no approval"):
        await judge_to_rest(plant.judging)


@pytest.mark.parametrize("table", ["ledger", "verdicts", "acts", "contexts"])
async def test_the_database_itself_refuses_to_change_the_record(plant: Plant, table: str) -> None:
    await plant.take(code(1), deviation(2))
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}"):
        # A table that others refer to cannot be emptied alone anyway.
        with pytest.raises(Exception, match=r"append-only|referenced in a foreign key"):
            async with plant.engine.begin() as connection:
                await connection.execute(text(statement))
