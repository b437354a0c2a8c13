"""What waits for judging, and that an event is written once."""

from collections.abc import Sequence

import pytest
from sqlalchemy import text

from domain.anomaly import Received
from domain.errors import StorageUnavailable
from domain.judging import Spoiled
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.judging.lines import LineStore
from millwright.storage.scheduling.due import looking
from tests.support.judged_plant import Plant, judge_to_rest
from tests.support.plant import LINE, MOTOR, PUMP, deviation


async def test_an_event_waits_until_it_is_judged_and_is_not_written_again(plant: Plant) -> None:
    await plant.inbox.store([deviation(1), deviation(2)], plant.clock.now())
    written = await plant.rows("SELECT id, xmin FROM events ORDER BY id")
    assert (await plant.inbox.counts())["undecided"] == 2
    await judge_to_rest(plant.judging)
    assert await plant.rows("SELECT FROM pending") == []
    assert await plant.inbox.counts() == {"decided": 2, "duplicate": 0, "received": 2}
    assert await plant.rows("SELECT id, xmin FROM events ORDER BY id") == written


async def test_a_batch_with_a_known_message_in_it_keeps_the_new_ones(plant: Plant) -> None:
    await plant.inbox.store([deviation(1)], plant.clock.now())
    stored = await plant.inbox.store([deviation(2), deviation(1, external_id="again"), deviation(3)], plant.clock.now())
    assert (stored.new, stored.duplicates, stored.lines) == (2, 1, frozenset({LINE}))
    assert await plant.rows("SELECT count(*) FROM pending") == [(3,)]


async def test_a_line_that_was_judged_comes_to_rest(plant: Plant) -> None:
    async with plant.engine.begin() as connection:
        await connection.execute(text("INSERT INTO due (subject, generation) VALUES (:s, 5)"), {"s": f"line/{LINE}"})
    await plant.inbox.store([deviation(1)], plant.clock.now())
    judged = await plant.judging.judge_batch(LINE)
    assert (judged.events, judged.rested) == (1, True)
    assert await plant.rows("SELECT due_at, generation FROM due") == [(None, 6)]


async def judge(plant: Plant, meanwhile: Sequence[Received] = (), *, killed: bool = False) -> bool:
    """A transaction of the activity that judges the line, more coming meanwhile; whether the line came to rest."""
    lines = LineStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    async with lines.open(LINE, 500, leased=True) as work:
        await plant.inbox.store(meanwhile, plant.clock.now())
        await work.write([], {}, {}, [Spoiled(event.id, "as drawn") for event in work.events])
        if killed:
            raise StorageUnavailable("killed before the commit")
    return work.rested


async def test_a_line_that_an_activity_judges_comes_to_rest_and_says_that_it_is_judged(plant: Plant) -> None:
    await plant.inbox.store([deviation(1)], plant.clock.now())
    assert await judge(plant)
    assert await plant.rows("SELECT due_at, lease_until > clock_timestamp() FROM due") == [(None, True)]
    await plant.inbox.store([deviation(2)], plant.clock.now())
    async with looking(plant.engine) as due:
        assert [each.leased for each in await due(plant.clock.now())] == [True]


async def test_a_line_that_an_activity_judges_and_to_which_nothing_came_rests_all_the_same(plant: Plant) -> None:
    await plant.inbox.store([deviation(1)], plant.clock.now())
    assert await judge(plant)
    assert await judge(plant)
    assert await plant.rows("SELECT due_at FROM due") == [(None,)]


async def test_a_line_that_an_activity_judges_and_to_which_more_came_stays_due(plant: Plant) -> None:
    await plant.inbox.store([deviation(1)], plant.clock.now())
    async with plant.engine.begin() as connection:
        await connection.execute(text("UPDATE due SET lease_until = clock_timestamp() - interval '1 minute'"))
    assert not await judge(plant, meanwhile=[deviation(2)])
    told = await plant.rows("SELECT due_at IS NULL, lease_until > clock_timestamp() FROM due")
    assert told == [(False, True)]


async def test_a_line_of_which_the_judging_is_undone_is_not_at_rest(plant: Plant) -> None:
    await plant.inbox.store([deviation(1)], plant.clock.now())
    with pytest.raises(StorageUnavailable):
        await judge(plant, killed=True)
    assert await plant.rows("SELECT due_at IS NULL, lease_until FROM due") == [(False, None)]


async def test_a_line_that_is_left_is_for_everybody_to_wake_at_once(plant: Plant) -> None:
    await plant.inbox.store([deviation(1)], plant.clock.now())
    lines = LineStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    assert await judge(plant)
    await plant.inbox.store([deviation(2)], plant.clock.now())
    await lines.leave(LINE)
    async with looking(plant.engine) as due:
        assert [each.leased for each in await due(plant.clock.now())] == [False]


async def test_a_quiet_fault_does_not_wait_behind_the_flood_of_another(plant: Plant) -> None:
    flood = [deviation(hour / 10) for hour in range(1, 11)]
    await plant.inbox.store([*flood, deviation(5, asset=MOTOR)], plant.clock.now())
    lines = LineStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    async with lines.open(LINE, 4) as work:
        taken = [(event.id, event.asset) for event in work.events]
    assert [asset for _, asset in taken].count(MOTOR) == 1
    # Of the fault that floods it is the oldest that are taken: its events are judged as they came.
    oldest = await plant.rows("SELECT id, asset FROM events WHERE asset = :pump ORDER BY id LIMIT 3", pump=PUMP)
    assert [row for row in taken if row[1] == PUMP] == oldest


async def test_of_more_than_a_transaction_takes_every_event_is_judged(plant: Plant) -> None:
    flood = [deviation(hour / 10) for hour in range(1, 31)]
    await plant.inbox.store([*flood, deviation(5, asset=MOTOR)], plant.clock.now())
    lines = LineStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    left = 31
    while left:
        async with lines.open(LINE, 4) as work:
            await work.write([], {}, {}, [Spoiled(event.id, "as drawn") for event in work.events])
            left -= len(work.events)
    assert await plant.rows("SELECT count(*) FROM pending") == [(0,)]


async def test_an_event_that_was_taken_off_the_list_of_those_that_wait_is_named(plant: Plant) -> None:
    await plant.inbox.store([deviation(1, external_id="waits")], plant.clock.now())
    assert (await verify(plant.engine)).findings == ()
    async with plant.engine.begin() as connection:
        await connection.execute(text("DELETE FROM pending"))
    found = [(finding.kind, finding.what) for finding in (await verify(plant.engine)).findings]
    assert found == [("event", "was decided, and there is no verdict of an active version on it")]
