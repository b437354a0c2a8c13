"""Shelves and windows: what they hold back is judged, recorded, told, and acts on the return if it is recent."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Criticality
from domain.errors import ActRejected
from domain.suppression import SuppressionKind, shelving_limits
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_transitions import case_of_event
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.storage.reporting.suppression_lists import suppression_page, whole_suppression
from millwright.storage.suppression.suppressions import PlannedWindow, SuppressionStore
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, START, code, deviation

LIMITS = shelving_limits("A=PT8H,B=P7D,C=P7D,D=P7D")


class Shelving:
    """A judged plant whose assets can be shelved; its clock begins with the events."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.store = SuppressionStore(plant.engine, plant.clock, LIMITS, timedelta(days=14))
        self.suppression_end = SuppressionEnd(plant.engine, plant.clock, StoredVersions(plant.catalogue))

    async def shelve(self, hours: float, asset: str = PUMP, mode: str | None = None) -> str:
        return (await self.store.shelve(asset, mode, timedelta(hours=hours), "ines", "sensor is being moved")).id

    async def at(self, hours: float) -> list[str]:
        """Moves the clock, and returns what is due by then."""
        self.plant.clock.time = START + timedelta(hours=hours)
        return await self.suppression_end.return_due()

    async def cases(self) -> list[tuple[object, ...]]:
        return await self.plant.rows("SELECT asset, fed FROM cases ORDER BY asset")


@pytest.fixture
async def shelving(storage_engine: AsyncEngine) -> Shelving:
    plant = Plant(storage_engine)
    await plant.prepare()
    plant.clock.time = START
    return Shelving(plant)


async def test_what_is_shelved_is_judged_and_opens_no_case(shelving: Shelving) -> None:
    await shelving.shelve(8)
    await shelving.plant.take(code(1), deviation(2))
    assert await shelving.cases() == []
    assert await shelving.plant.rows("SELECT max(rung) >= 3 FROM verdicts WHERE role = 'active'") == [(True,)]


async def test_what_was_held_back_is_recorded_with_by_whom_and_why(shelving: Shelving) -> None:
    shelf = await shelving.shelve(8)
    await shelving.plant.take(code(1), deviation(2))
    ((detail,),) = await shelving.plant.rows("SELECT body::json -> 'detail' FROM acts WHERE kind = 'action-suppressed'")
    assert isinstance(detail, dict)
    told = {name: detail[name] for name in ("suppression", "by", "reason")}
    assert told == {"suppression": shelf, "by": "ines", "reason": "sensor is being moved"}
    assert await shelving.plant.rows("SELECT suppression, how FROM suppressed") == [(shelf, "held_back")]


async def test_a_shelf_returns_by_itself_and_what_is_recent_opens_its_case_then(shelving: Shelving) -> None:
    shelf = await shelving.shelve(8)
    await shelving.plant.take(code(1), deviation(2), deviation(5))
    assert await shelving.at(7.9) == []
    assert await shelving.at(9) == [shelf]
    assert await shelving.cases() == [(PUMP, 2)]
    assert await shelving.plant.rows("SELECT how FROM evidence ORDER BY id") == [("opened",)]
    assert await shelving.at(10) == []


@pytest.mark.parametrize("due_at", ["NULL", "'9999-01-01'"])
async def test_a_shelf_returns_though_its_due_row_was_altered(shelving: Shelving, due_at: str) -> None:
    shelf = await shelving.shelve(8)
    async with shelving.plant.engine.begin() as connection:
        await connection.exec_driver_sql(f"UPDATE due SET due_at = {due_at} WHERE subject LIKE 'suppression/%%'")
    assert await shelving.at(7.9) == []
    assert await shelving.at(9) == [shelf]
    assert await shelving.at(10) == []


async def test_a_return_tells_what_arrived_meanwhile(shelving: Shelving) -> None:
    shelf = await shelving.shelve(8)
    await shelving.plant.take(code(1), deviation(2), deviation(5))
    await shelving.at(9)
    ((meanwhile,),) = await shelving.plant.rows(
        "SELECT body::json -> 'detail' -> 'meanwhile' FROM acts WHERE kind = 'suppression-returned'"
    )
    assert isinstance(meanwhile, list)
    [fault] = meanwhile
    ((case,),) = await shelving.plant.rows("SELECT id FROM cases")
    assert (fault["asset"], fault["verdicts"], fault["case"]) == (PUMP, 2, case)
    assert [verdict.let_in for verdict in (await whole_suppression(shelving.plant.engine, shelf)).arrived] == [
        True,
        True,
    ]


async def test_what_is_older_than_rearm_by_the_return_opens_nothing(shelving: Shelving) -> None:
    await shelving.shelve(40)
    await shelving.plant.take(code(1), deviation(2))
    await shelving.at(40)
    assert await shelving.cases() == []
    assert await shelving.plant.rows("SELECT how FROM suppressed") == [("held_back",)]


@pytest.mark.parametrize(("hour", "opened"), [(2, []), (30, [(PUMP, 1)])])
async def test_what_comes_after_the_return_ends_as_if_it_had_come_before(
    shelving: Shelving, hour: float, opened: list[tuple[object, ...]]
) -> None:
    await shelving.shelve(40)
    await shelving.at(40)
    await shelving.plant.take(code(hour - 1), deviation(hour))
    assert await shelving.cases() == opened


async def test_unshelving_brings_back_at_once(shelving: Shelving) -> None:
    shelf = await shelving.shelve(8)
    await shelving.plant.take(code(1), deviation(2))
    shelving.plant.clock.time = START + timedelta(hours=3)
    await shelving.store.end(await shelving.store.live(PUMP), "olaf", "it was the pump after all")
    assert await shelving.suppression_end.return_due() == [shelf]
    assert await shelving.cases() == [(PUMP, 1)]
    kinds = await shelving.plant.rows(
        "SELECT kind, actor FROM acts WHERE subject = :s ORDER BY id", s=f"suppression/{shelf}"
    )
    assert kinds == [("shelved", "ines"), ("unshelved", "olaf"), ("suppression-returned", "olaf")]


async def test_an_open_case_is_fed_again_only_on_the_return(shelving: Shelving) -> None:
    await shelving.plant.take(code(-2), deviation(-1))
    await shelving.shelve(8)
    await shelving.plant.take(deviation(2), deviation(3))
    assert await shelving.cases() == [(PUMP, 1)]
    await shelving.at(9)
    assert await shelving.cases() == [(PUMP, 3)]


async def test_a_case_is_not_that_of_an_event_that_was_held_back_from_it(shelving: Shelving) -> None:
    await shelving.plant.take(code(-2), deviation(-1))
    await shelving.shelve(8)
    await shelving.plant.take(deviation(2, external_id="held"))
    await shelving.at(8)
    await shelving.shelve(8)
    await shelving.plant.take(deviation(9, external_id="held too"))
    async with shelving.plant.engine.connect() as connection:
        cases = [
            await case_of_event(connection, int(str(number)))
            for (number,) in await shelving.plant.rows(
                "SELECT id FROM events WHERE external_id LIKE 'held%' ORDER BY id"
            )
        ]
    assert [case is None for case in cases] == [False, True]


async def test_another_failure_mode_or_another_asset_is_not_held_back(shelving: Shelving) -> None:
    await shelving.shelve(8, mode="LOO")
    await shelving.shelve(8, asset=MOTOR)
    await shelving.plant.take(code(1), deviation(2))
    assert await shelving.cases() == [(PUMP, 1)]


@pytest.mark.parametrize("asset", ["machine-001", "LINE-1", "BEDFORD"])
async def test_what_is_above_is_shelved_with_all_below_it(shelving: Shelving, asset: str) -> None:
    await shelving.shelve(8, asset=asset)
    await shelving.plant.take(code(1), deviation(2))
    assert await shelving.cases() == []
    await shelving.at(8)
    assert await shelving.cases() == [(PUMP, 1)]


async def test_of_two_that_hold_back_the_last_to_end_lets_in(shelving: Shelving) -> None:
    await shelving.shelve(4)
    await shelving.shelve(8, asset="machine-001")
    await shelving.plant.take(code(1), deviation(2))
    await shelving.at(5)
    assert await shelving.cases() == []
    await shelving.at(9)
    assert await shelving.cases() == [(PUMP, 1)]


async def test_nobody_shelves_for_longer_than_the_criticality_allows(storage_engine: AsyncEngine) -> None:
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.A)
    shelving = Shelving(plant)
    with pytest.raises(ActRejected, match="PT28800S at most"):
        await shelving.shelve(8.1, asset="BEDFORD")
    assert await shelving.shelve(8, asset="BEDFORD")


@pytest.mark.parametrize(("asset", "reason"), [("machine-999", "why"), (PUMP, " ")])
async def test_an_unknown_asset_or_no_reason_is_refused(shelving: Shelving, asset: str, reason: str) -> None:
    with pytest.raises(ActRejected):
        await shelving.store.shelve(asset, None, timedelta(hours=1), "ines", reason)


async def test_what_is_shelved_is_not_shelved_again_and_what_ended_is_not_ended_again(shelving: Shelving) -> None:
    shelf = await shelving.shelve(8)
    with pytest.raises(ActRejected, match=shelf):
        await shelving.shelve(2)
    await shelving.at(8)
    with pytest.raises(ActRejected, match="ended"):
        await shelving.store.end(shelf, "olaf", "why")
    assert await shelving.shelve(2)


def window(first: float, last: float, source: str = "PM-12") -> PlannedWindow:
    return PlannedWindow(
        asset="machine-001",
        from_at=START + timedelta(hours=first),
        until_at=START + timedelta(hours=last),
        reason="yearly overhaul",
        source=source,
    )


async def test_a_planned_window_holds_back_what_happens_in_it(shelving: Shelving) -> None:
    report = await shelving.store.keep_windows([window(1, 6), window(-9, -8, "PM-11")], "mona")
    assert (report.new, report.past) == (1, 1)
    await shelving.plant.take(code(1), deviation(2), code(1, "error2", asset=MOTOR), deviation(7))
    assert await shelving.cases() == [(PUMP, 1)]
    [seen] = await suppression_page(shelving.plant.engine, kind=SuppressionKind.WINDOW)
    assert (seen.suppression.source, seen.arrived) == ("PM-12", 1)


async def test_the_same_calendar_again_changes_nothing_and_a_moved_entry_moves_its_window(shelving: Shelving) -> None:
    await shelving.store.keep_windows([window(1, 6)], "mona")
    assert (await shelving.store.keep_windows([window(1, 6)], "mona")).unchanged == 1
    assert (await shelving.store.keep_windows([window(30, 36)], "mona")).moved == 1
    await shelving.plant.take(code(1), deviation(2))
    assert await shelving.cases() == [(PUMP, 1)]


async def test_one_window_that_is_too_long_refuses_the_whole_calendar(shelving: Shelving) -> None:
    with pytest.raises(ActRejected, match="PM-13"):
        await shelving.store.keep_windows([window(1, 6), window(1, 600, "PM-13")], "mona")
    assert await suppression_page(shelving.plant.engine) == []
