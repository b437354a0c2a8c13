"""The tables of the figures on alert quality: kept as the ledger grows, they are what a full recompute gives."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.alert_quality.blaming import read_blame
from millwright.alert_quality.boards import read_alarm_board, read_load_board
from millwright.alert_quality.report import read_quality
from millwright.storage.audit.record import read_record
from millwright.storage.quality.keeping import DIFFERENCES, AlteredRow, keep_now
from millwright.storage.reporting.alarms import read_alarms
from tests.audit.full_record import build_full
from tests.support.independent_quality import figures
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, START, code, deviation

_EVER = (START.replace(year=1970), START.replace(year=2100))


async def different(engine: AsyncEngine) -> list[AlteredRow]:
    """The rows that a full recompute gives otherwise."""
    async with read_record(engine) as record:
        return [row for statement in DIFFERENCES for row in await record.rows(statement, AlteredRow._make)]


async def test_what_is_kept_step_by_step_is_what_a_full_recompute_gives(plant: Plant) -> None:
    await plant.take(*(deviation(hour) for hour in range(3)), code(1))
    first = await keep_now(plant.engine)
    await plant.take(code(7), deviation(8), deviation(4.5, asset=MOTOR))
    assert await different(plant.engine) == []
    second = await keep_now(plant.engine)
    assert second.until > second.after == first.until
    assert await different(plant.engine) == []
    assert await keep_now(plant.engine) == (second.until, second.until)


async def test_what_is_kept_in_small_steps_is_the_same(plant: Plant) -> None:
    await plant.take(*(deviation(hour) for hour in range(3)), code(1))
    await plant.take(code(7), deviation(8))
    added = await keep_now(plant.engine, step=1)
    assert added.until > 1
    assert await different(plant.engine) == []


async def test_a_full_record_is_kept_as_it_is_recomputed(storage_engine: AsyncEngine, tmp_path: Path) -> None:
    await build_full(storage_engine, tmp_path)
    assert await different(storage_engine) == []
    told = await read_quality(storage_engine, *_EVER)
    assert told.all.alerts == sum(each.alerts for each in told.by["class"].values()) > 0


async def test_the_figures_are_those_of_an_independent_script_over_the_raw_tables(
    database_url: str, storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    await build_full(storage_engine, tmp_path)
    told, again = (await read_quality(storage_engine, *_EVER)).all, figures(database_url)
    assert (told.alerts, told.right, told.wrong, told.rejected) == tuple(
        again[name] for name in ("alerts", "right", "wrong", "rejected")
    )
    assert (told.bounds.least, told.bounds.most) == again["bounds"]
    assert (told.lead_hours.median, told.false_alarms.crew_hours) == (again["lead_hours"], again["wrong_hours"])


async def test_each_false_alert_of_a_record_has_one_stage_and_the_boards_count_every_alarm(
    storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    await build_full(storage_engine, tmp_path)
    told, blamed = await read_quality(storage_engine, *_EVER), await read_blame(storage_engine, *_EVER)
    assert len(blamed.alerts) == told.all.wrong + told.all.rejected
    assert sum(each.alerts for each in blamed.stages) == len(blamed.alerts)
    board, heard = await read_alarm_board(storage_engine, *_EVER), await read_alarms(storage_engine, *_EVER)
    assert {each.position: each.alarms for each in board.positions} == {line: len(own) for line, own in heard.items()}
    assert sum(actor.fault.share for actor in board.bad_actors) == pytest.approx(1, abs=0.001)
    assert all(actor.sheet is not None and actor.sheet.response for actor in board.bad_actors)
    load = await read_load_board(storage_engine, *_EVER)
    assert [each.site for each in load.sites] == sorted({each.site for each in load.sites})
