"""Events that wait for judging, or are held back by a shelf, when their asset leaves the plant."""

import asyncio
from datetime import timedelta

import pytest

from domain.anomaly import Received
from domain.loops import wait_until
from domain.suppression import shelving_limits
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.storage.events.event_store import EventStore
from millwright.storage.events.register import RegisterStore
from millwright.storage.judging.lines import LineStore
from millwright.storage.suppression.suppressions import SuppressionStore
from tests.support.judged_plant import Plant, judge_to_rest
from tests.support.plant import LINE, MOTOR, PUMP, START, code, deviation, register

MACHINE = "machine-001"
WAITING_FOR_A_LOCK = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
FATES = "SELECT fate, reason, count(*) FROM events GROUP BY 1, 2 ORDER BY 1"
SET_ASIDE = f"{PUMP} was retired on 2015-01-15 06:00 UTC, before this was judged"


@pytest.fixture
def store(plant: Plant) -> RegisterStore:
    return RegisterStore(plant.engine, plant.clock)


async def wait(plant: Plant, *items: Received) -> None:
    await plant.inbox.store(items, plant.clock.now())


async def test_events_that_waited_are_set_aside_with_the_reason_and_the_others_are_judged(
    plant: Plant, store: RegisterStore
) -> None:
    await wait(plant, code(1), deviation(2), deviation(2, asset=MOTOR))
    await store.retire([PUMP], "pat", "replaced")
    await judge_to_rest(plant.judging)
    assert await plant.rows(FATES) == [("decided", None, 1), ("unmapped", SET_ASIDE, 2)]
    assert await plant.rows("SELECT FROM pending") == []
    assert await plant.rows("SELECT due_at FROM due WHERE subject = :it", it=f"line/{LINE}") == [(None,)]
    assert await plant.rows("SELECT FROM cases") == []
    acts = "SELECT actor, body::json -> 'detail' ->> 'reason' FROM acts WHERE kind = 'event-unmapped'"
    assert await plant.rows(acts) == [("watch", SET_ASIDE)] * 2


async def test_a_line_of_which_every_asset_was_retired_comes_to_rest(plant: Plant, store: RegisterStore) -> None:
    await wait(plant, *(deviation(hour / 10) for hour in range(1, 31)))
    await store.retire([LINE], "pat", "the line is closed")
    batch = await plant.judging.judge_batch(LINE)
    assert (batch.events, batch.rested) == (30, True)


async def test_an_asset_that_leaves_while_its_line_is_judged_leaves_after_that(
    plant: Plant, store: RegisterStore
) -> None:
    await wait(plant, code(1), deviation(2))
    lines = LineStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    async with lines.open(LINE, 500) as work:
        retiring = asyncio.create_task(store.retire([MACHINE], "pat", "scrapped"))
        assert await wait_until(lambda: plant.rows(WAITING_FOR_A_LOCK), bool, every=0.02, timeout=30)
        assert not retiring.done()
        assert [event.asset for event in work.events] == [PUMP, PUMP]
    await retiring
    assert await plant.rows("SELECT count(*) FROM assets WHERE valid_to IS NULL") == [(2,)]


async def test_an_event_that_was_set_aside_is_judged_once_its_asset_is_back_and_it_is_redriven(
    plant: Plant, store: RegisterStore
) -> None:
    await wait(plant, deviation(2))
    await store.retire([MACHINE], "pat", "scrapped")
    await judge_to_rest(plant.judging)
    await store.keep(register(), "tests")
    ((event,),) = await plant.rows("SELECT id FROM events")
    again = deviation(2)
    assert (
        await EventStore(plant.engine, plant.clock).redriven(int(str(event)), again, by="olaf", corrected=None) is None
    )
    await judge_to_rest(plant.judging)
    assert await plant.rows(FATES) == [("decided", None, 1)]


async def test_a_new_event_of_an_asset_that_is_back_is_judged(plant: Plant, store: RegisterStore) -> None:
    await store.retire([MACHINE], "pat", "scrapped")
    plant.clock.time += timedelta(hours=1)
    await store.keep(register(), "tests")
    await plant.take(code(121.5), deviation(122))
    assert await plant.rows("SELECT asset, rung FROM cases") == [(PUMP, 4)]


@pytest.mark.parametrize("retired", [(), (MACHINE,)])
async def test_what_a_shelf_held_back_acts_on_its_return_only_if_the_asset_is_still_there(
    plant: Plant, store: RegisterStore, retired: tuple[str, ...]
) -> None:
    plant.clock.time = START
    shelving = SuppressionStore(
        plant.engine, plant.clock, shelving_limits("A=PT8H,B=P7D,C=P7D,D=P7D"), timedelta(days=14)
    )
    await shelving.shelve(PUMP, None, timedelta(hours=8), "ines", "sensor is being moved")
    await plant.take(code(1), deviation(2))
    await store.retire(retired, "pat", "scrapped")
    plant.clock.time = START + timedelta(hours=9)
    returned = await SuppressionEnd(plant.engine, plant.clock, StoredVersions(plant.catalogue)).return_due()
    assert len(returned) == 1
    assert len(await plant.rows("SELECT FROM cases")) == (0 if retired else 1)


async def test_a_return_gives_back_no_work_to_a_case_whose_asset_was_retired(
    plant: Plant, store: RegisterStore
) -> None:
    plant.clock.time = START
    shelving = SuppressionStore(
        plant.engine, plant.clock, shelving_limits("A=PT8H,B=P7D,C=P7D,D=P7D"), timedelta(days=14)
    )
    await plant.take(code(0.5), deviation(0.6))
    await shelving.shelve(PUMP, None, timedelta(hours=8), "ines", "sensor is being moved")
    await plant.take(code(1), deviation(2))
    await store.retire([MACHINE], "pat", "scrapped")
    plant.clock.time = START + timedelta(hours=9)
    assert await SuppressionEnd(plant.engine, plant.clock, StoredVersions(plant.catalogue)).return_due()
    assert await plant.rows("SELECT withdraw IS NOT NULL, fed FROM cases") == [(True, 1)]


async def test_the_events_of_a_retired_machines_parts_are_listed_under_the_machine(
    plant: Plant, store: RegisterStore
) -> None:
    await plant.take(deviation(1), deviation(2, asset=MOTOR))
    await store.retire([MACHINE], "pat", "scrapped")
    events = EventStore(plant.engine, plant.clock)
    found = await events.page(fate=None, asset=MACHINE, after=0, limit=10)
    assert [event.asset for event in found] == [PUMP, MOTOR]
