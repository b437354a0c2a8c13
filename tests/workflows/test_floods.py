"""Floods on the real engine and the real database: many events, one case and one order per fault."""

import pytest
from sqlalchemy import text

from domain.anomaly import Received
from domain.keys import line_workflow_id
from millwright.explaining.flooding import read_flood_figures, read_floods
from tests.support.plant import LINE, MOTOR, PUMP, START, code, deviation
from tests.workflows.fake_plant import FakePlant

EVENTS = 5000
_STORED_AT_ONCE = 100
_SECONDS_APART = 0.01
_HISTORY_PER_THOUSAND = 20
FIRST_PASS = 5
"""History events of a pass that had begun before: of its watch's task, what it judged, and the signal."""


def flood(asset: str, codes: tuple[str, ...], count: int) -> list[Received]:
    """A component's error codes, then its shifted signal again and again within a minute."""
    shifts = [
        deviation(1 + number * _SECONDS_APART / 3600, asset=asset, external_id=f"{asset}-shift-{number}")
        for number in range(count - len(codes))
    ]
    return [*(code(0.9, name, asset=asset) for name in codes), *shifts]


async def pour(plant: FakePlant, events: list[Received]) -> None:
    for at in range(0, len(events), _STORED_AT_ONCE):
        await plant.storage.inbox.store(events[at : at + _STORED_AT_ONCE], plant.clock.now())
    await plant.at_rest()


async def opened_by(plant: FakePlant) -> dict[str, str]:
    """The event that opened each asset's case."""
    async with plant.engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT c.asset, e.external_id FROM cases c JOIN evidence v ON v.case_id = c.id AND v.how = 'opened' "
                "JOIN events e ON e.id = v.event_id"
            )
        )
        return {row.asset: row.external_id for row in rows}


async def test_a_flood_on_one_asset_is_one_case_and_one_order_and_keeps_the_first_out(plant: FakePlant) -> None:
    await pour(plant, flood(PUMP, ("error1",), EVENTS))
    case = await plant.case()
    assert list(plant.cmms.orders) == [case.id]
    assert await opened_by(plant) == {PUMP: f"{PUMP}-shift-0"}


async def test_a_flood_on_all_assets_is_one_case_and_one_order_for_each(plant: FakePlant) -> None:
    both = zip(flood(PUMP, ("error1",), EVENTS // 2), flood(MOTOR, ("error2", "error3"), EVENTS // 2), strict=True)
    await pour(plant, [event for pair in both for event in pair])
    assert sorted(case.asset.id for case in await plant.cases()) == [PUMP, MOTOR]
    assert len(plant.cmms.orders) == 2
    assert await opened_by(plant) == {PUMP: f"{PUMP}-shift-0", MOTOR: f"{MOTOR}-shift-0"}


async def test_a_flood_costs_the_line_few_history_events(plant: FakePlant) -> None:
    await pour(plant, flood(PUMP, ("error1",), EVENTS))
    watch = await plant.client.get_workflow_handle(line_workflow_id(LINE)).describe()
    assert watch.history_length < _HISTORY_PER_THOUSAND * EVENTS / 1000


async def test_a_flood_that_comes_little_by_little_costs_no_more(plant: FakePlant) -> None:
    events = flood(PUMP, ("error1",), 60)
    await pour(plant, events[:1])
    watch = plant.client.get_workflow_handle(line_workflow_id(LINE))
    before = (await watch.describe()).history_length
    for event in events[1:]:
        await pour(plant, [event])
    assert (await watch.describe()).history_length - before <= FIRST_PASS


async def test_a_line_whose_worker_was_killed_is_judged_by_the_next(plant: FakePlant) -> None:
    await plant.stop_worker()
    async with plant.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO due (subject, generation, lease_until) "
                "VALUES (:line, 0, clock_timestamp() + interval '1 second')"
            ),
            {"line": line_workflow_id(LINE)},
        )
    plant.start_worker()
    await pour(plant, flood(PUMP, ("error1",), 10))
    assert (await plant.storage.inbox.counts())["decided"] == 10


@pytest.mark.parametrize(("alarms", "told"), [(10, []), (50, [(LINE, 50)])])
async def test_a_flood_is_told_as_one_and_a_busy_minute_is_not(
    plant: FakePlant, alarms: int, told: list[tuple[str, int]]
) -> None:
    await pour(plant, flood(PUMP, ("error1",), alarms))
    floods = await read_floods(plant.engine, START, plant.clock.now())
    assert [(listed.position, listed.alarms) for listed in floods] == told
    assert all([fault.asset for fault in listed.first_out] == [PUMP] for listed in floods)
    figures = await read_flood_figures(plant.engine, START, plant.clock.now())
    assert (figures.alarms, figures.alarms_in_floods) == (alarms, sum(count for _, count in told))
