"""What cannot be read is kept with its reason, is an act once, and is settled when it is read."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import ActRejected
from domain.unreadable import UnreadableRecord
from domain.work_orders import Touched, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from millwright.storage.cases.changes import ChangeStore
from millwright.storage.cases.unreadable import open_reports, settle_by_person
from millwright.storage.events.register import RegisterStore
from tests.support.judged_plant import Plant
from tests.support.plant import START, register


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare()
    return made


def report(record: str, **content: object) -> UnreadableRecord:
    return UnreadableRecord.of("maximo", record, "statusdate", "is no date", {"wonum": record, **content})


def order(number: str, key: str = "MWABCDEFGH") -> WorkOrderRecord:
    return WorkOrderRecord(
        ref=WorkOrderRef(system="maximo", id=number, locator="https://eam/os/_X", key=key),
        status=WorkOrderStatus.APPROVED,
        vendor_status="APPR",
        changed_at=START,
        touched=Touched.NO,
    )


async def acts(plant: Plant, kind: str) -> int:
    rows = await plant.rows(f"SELECT count(*) FROM acts WHERE kind = '{kind}'")
    return int(str(rows[0][0]))


async def test_a_report_is_kept_with_the_page_and_is_an_act_once(plant: Plant) -> None:
    changes = ChangeStore(plant.engine, plant.clock)
    await changes.store_page("maximo", [order("1201")], "1", [report("1300")])
    await changes.store_page("maximo", [], "2", [report("1300")])
    (kept,) = await open_reports(plant.engine)
    assert (kept.system, kept.record, kept.field, kept.reason) == ("maximo", "1300", "statusdate", "is no date")
    assert kept.last_seen_at >= kept.first_seen_at
    assert await acts(plant, "record-unreadable") == 1
    assert await plant.rows("SELECT cursor FROM cursors") == [("2",)]
    assert await plant.rows("SELECT external_id FROM changes") == [("1201",)]


async def test_another_content_of_a_record_is_another_act_and_the_newest_is_shown(plant: Plant) -> None:
    changes = ChangeStore(plant.engine, plant.clock)
    await changes.store_page("maximo", [], "1", [report("1300")])
    plant.clock.time += timedelta(minutes=1)
    await changes.store_page("maximo", [], "2", [report("1300", status="APPR")])
    (kept,) = await open_reports(plant.engine)
    assert "APPR" in kept.raw
    assert await acts(plant, "record-unreadable") == 2


@pytest.mark.parametrize("name", ["1300", "MWABCDEFGH", "https://eam/os/_X"])
async def test_a_record_that_is_read_later_is_settled_by_whichever_name_it_was_reported(
    plant: Plant, name: str
) -> None:
    changes = ChangeStore(plant.engine, plant.clock)
    await changes.store_page("maximo", [], "1", [report(name), report("1301")])
    await changes.store_page("maximo", [order("1300")], "2")
    assert [kept.record for kept in await open_reports(plant.engine)] == ["1301"]


async def test_a_record_that_cannot_be_read_again_is_open_again(plant: Plant) -> None:
    changes = ChangeStore(plant.engine, plant.clock)
    await changes.store_page("maximo", [], "1", [report("1300")])
    await changes.store_page("maximo", [order("1300")], "2")
    await changes.store_page("maximo", [], "3", [report("1300")])
    assert len(await open_reports(plant.engine)) == 1


async def test_what_postgresql_does_not_store_is_kept_visibly(plant: Plant) -> None:
    odd = UnreadableRecord.of("maximo", "13\x0000", "wo\ud800num", "has \x00 in it", {"wo\ud800num\x00": "\x00\udfff"})
    await ChangeStore(plant.engine, plant.clock).store_page("maximo", [], "1", [odd])
    (kept,) = await open_reports(plant.engine)
    assert (kept.record, kept.field, kept.reason) == ("13\ufffd00", "wo\ufffdnum", "has \ufffd in it")
    assert await plant.rows("SELECT raw::jsonb ->> 'wo\ufffdnum\ufffd' FROM unreadable_records") == [("\ufffd\ufffd",)]


async def test_a_person_settles_a_record_that_no_reading_will_settle(plant: Plant) -> None:
    await ChangeStore(plant.engine, plant.clock).store_page("maximo", [], "1", [report("row 3 of a page")])
    await settle_by_person(plant.engine, plant.clock, "maximo", "row 3 of a page", "pat", "it was deleted there")
    assert await open_reports(plant.engine) == []
    assert await plant.rows("SELECT actor FROM acts WHERE kind = 'record-settled'") == [("pat",)]
    with pytest.raises(ActRejected):
        await settle_by_person(plant.engine, plant.clock, "maximo", "row 3 of a page", "pat", "again")


async def test_an_unreadable_twin_is_kept_not_missing_and_settled_by_the_next_import(
    plant: Plant,
) -> None:
    whole = register()
    odd = UnreadableRecord.of("digital_twins", "machine-001", "deviceId", "is no text", {"deviceId": 5})
    part = whole.model_copy(
        update={"assets": tuple(each for each in whole.assets if each.id != "machine-001"), "unreadable": (odd,)}
    )
    store = RegisterStore(plant.engine, plant.clock)
    assert (await store.keep(part, "pat")).missing == ()
    assert [kept.record for kept in await open_reports(plant.engine)] == ["machine-001"]
    await store.keep(whole, "pat")
    assert await open_reports(plant.engine) == []
