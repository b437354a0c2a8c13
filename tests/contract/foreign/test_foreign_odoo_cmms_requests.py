"""What Odoo and its people do with our maintenance requests, on a real Odoo."""

import asyncio
from datetime import timedelta

import pytest

from connectors.call import Call
from connectors.cmms.odoo import mapping
from connectors.cmms.odoo.text import text_of
from domain.clock import WallClock
from domain.cmms import OrderQuery
from domain.errors import ActionRequired, Unavailable
from domain.maintenance_history import HISTORY, CmmsAsset, WorkKind
from domain.open_work import OpenWorkQuery
from domain.work_orders import Touched, WorkOrderRef, WorkOrderStatus
from tests.contract.cmms_plant import found_by, read_all, reports
from tests.contract.foreign.odoo_cmms_plant import OdooCmmsPlant
from tests.contract.odoo_people import ASSETS, IN_PROGRESS, REPAIRED, REQUESTS, SCRAP

pytestmark = pytest.mark.foreign
_WORKED_ON = (ASSETS[0], ASSETS[0], ASSETS[1])


@pytest.fixture
def plant(odoo_cmms_plant: OdooCmmsPlant) -> OdooCmmsPlant:
    return odoo_cmms_plant


async def test_eight_processes_that_create_one_order_at_once_make_one_request(plant: OdooCmmsPlant) -> None:
    draft = plant.draft()
    records = await asyncio.gather(*(plant.connector().create_work_order(draft) for _ in range(8)))
    assert len({record.ref for record in records}) == 1
    assert plant.orders_of(draft.key) == 1


async def test_twenty_answers_that_are_lost_after_the_commit_give_one_request_each(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    drafts = [plant.draft() for _ in range(20)]
    for draft in drafts:
        plant.misbehave("create", "commit_then_drop")
        with pytest.raises(Unavailable):
            await cmms.create_work_order(draft)
        assert (await cmms.create_work_order(draft)).ref.key == draft.key
    assert [plant.orders_of(draft.key) for draft in drafts] == [1] * 20


async def test_a_request_of_a_person_is_found_and_never_changed(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    theirs = await plant.people_open(ASSETS[0])
    before = plant.database.rows("SELECT write_date, write_uid FROM maintenance_request WHERE id = %s", int(theirs))
    ours = await cmms.create_work_order(plant.draft())
    found = {record.ref.id: record for record in await cmms.find_work_orders(OrderQuery(asset_external_id=ASSETS[0]))}
    assert found.keys() == {theirs, ours.ref.id}
    assert (found[theirs].ref.key, found[theirs].touched) == ("", Touched.YES)
    with pytest.raises(ActionRequired, match="has no external id of ours"):
        await cmms.withdraw_work_order(found[theirs].ref.model_copy(update={"key": ours.ref.key}), "mistaken")
    after = plant.database.rows("SELECT write_date, write_uid FROM maintenance_request WHERE id = %s", int(theirs))
    assert after == before
    assert [record.ref.id for record in (await read_all(cmms, None))[0]] == [ours.ref.id]


async def test_open_work_is_what_odoo_takes_neither_for_done_nor_for_archived_also_without_a_stage(
    plant: OdooCmmsPlant,
) -> None:
    numbers = [await plant.people_open(ASSETS[0]) for _ in range(4)]
    refs = [WorkOrderRef(system="odoo", id=number, key="") for number in numbers]
    changes: list[dict[str, object]] = [{}, {"stage_id": False}, {"stage_id": REPAIRED}, {"archive": True}]
    for ref, values in zip(refs, changes, strict=True):
        plant.write(ref, values, by="planner")
    about = OpenWorkQuery(asset_external_id=ASSETS[0], since=WallClock().now() - timedelta(days=1))
    found = await plant.connector().find_open_work(about)
    assert [order.ref.id for order in found.orders] == [numbers[1], numbers[0]]
    assert {(order.summary, order.ref.key) for order in found.orders} == {("It drips.", "")}
    assert all(order.reported_by for order in found.orders)


async def test_what_people_wrote_is_not_overwritten_when_an_order_is_asked_for_again(plant: OdooCmmsPlant) -> None:
    cmms, draft = plant.connector(), plant.draft()
    created = await cmms.create_work_order(draft)
    plant.write(created.ref, {"name": "Regulator of press 7", "priority": "0", "description": "<p>Seen.</p>"})
    # The key is out of the text, so the request is not found before the creation. Odoo finds it by the external id.
    again = await cmms.create_work_order(draft)
    assert (again.ref, again.touched, again.priority) == (created.ref, Touched.YES, 4)
    rows = plant.database.rows("SELECT name, priority FROM maintenance_request")
    assert rows == [("Regulator of press 7", "0")]


async def test_a_copy_that_a_person_made_is_not_taken_for_ours_when_ours_is_deleted(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    (copy,) = plant.database.do("planner", REQUESTS, "copy", ids=[int(created.ref.id)])
    assert [record.ref for record in await found_by(cmms, created.ref.key)] == [created.ref]
    assert [record.ref for record in (await read_all(cmms, None))[0]] == [created.ref]
    plant.delete(created.ref)
    assert (await cmms.read_work_order(created.ref)).status is WorkOrderStatus.DELETED
    assert await found_by(cmms, created.ref.key) == []
    assert plant.database.rows("SELECT id FROM maintenance_request") == [(copy,)]


async def test_a_request_whose_external_id_was_removed_needs_a_person(plant: OdooCmmsPlant) -> None:
    cmms, draft = plant.connector(), plant.draft()
    created = await cmms.create_work_order(draft)
    plant.database.change("DELETE FROM ir_model_data WHERE module = 'millwright' AND model = %s", REQUESTS)
    for ask in (cmms.create_work_order(draft), cmms.read_work_order(created.ref), found_by(cmms, draft.key)):
        with pytest.raises(ActionRequired, match=r"give it the external id millwright\.order_MW00000001 again"):
            await ask
    assert plant.orders_of(draft.key) == 1
    (report,) = await reports(cmms)
    assert (report.record, report.field) == (created.ref.id, "external id")


async def test_a_request_that_our_user_may_not_see_is_not_taken_for_deleted(plant: OdooCmmsPlant) -> None:
    created = await plant.connector().create_work_order(plant.draft())
    # The operator of production is no Equipment Manager, and sees own requests only.
    elsewhere = plant.connector(secret=plant.database.keys["operator"])
    with pytest.raises(ActionRequired, match="our user may not see the request"):
        await elsewhere.read_work_order(created.ref)
    with pytest.raises(ActionRequired, match="no equipment has it"):
        await elsewhere.create_work_order(plant.draft())


async def test_a_stage_that_a_person_renames_keeps_its_meaning_by_its_external_id(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.database.do("planner", "maintenance.stage", "write", ids=[1], vals={"name": "Eingang"})
    try:
        record = await cmms.read_work_order(created.ref)
        other = await cmms.create_work_order(plant.draft())
    finally:
        plant.database.do("planner", "maintenance.stage", "write", ids=[1], vals={"name": "New Request"})
    assert (record.status, record.vendor_status) == (WorkOrderStatus.WAITING_APPROVAL, "Eingang")
    assert other.status is WorkOrderStatus.WAITING_APPROVAL


async def test_a_stage_that_is_named_and_was_renamed_needs_a_person_and_ends_no_order(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    released = await cmms.create_work_order(plant.draft(released=True))
    waiting = await cmms.create_work_order(plant.draft())
    stages = plant.database.do("planner", "maintenance.stage", "search", domain=[["name", "=", "Approved"]])
    plant.database.do("planner", "maintenance.stage", "write", ids=stages, vals={"name": "Freigegeben", "done": True})
    try:
        record = await cmms.read_work_order(released.ref)
        for ask in (cmms.release_work_order(waiting.ref, "go on"), cmms.check()):
            with pytest.raises(ActionRequired, match="no single stage 'Approved'") as caught:
                await ask
            assert caught.value.field == "approved_stage"
    finally:
        values = {"name": "Approved", "done": False}
        plant.database.do("planner", "maintenance.stage", "write", ids=stages, vals=values)
    assert (record.status, record.status_guessed) == (WorkOrderStatus.IN_PROGRESS, True)
    assert (await cmms.release_work_order(waiting.ref, "go on")).status is WorkOrderStatus.APPROVED


TITLES = ["<b>&amp; 'quoted' \"twice\" & < >", "Lager ä ö ü ß é ø 轴承 محمل 🔧", "x" * 300, "%_\\ 100 % of it"]


@pytest.mark.parametrize("title", TITLES, ids=["markup", "scripts", "long", "pattern"])
async def test_titles_and_texts_come_back_as_they_were_sent(plant: OdooCmmsPlant, title: str) -> None:
    summary = (title * 20)[:300].strip()
    draft = plant.draft().model_copy(update={"summary": summary, "paragraphs": (summary, "Two\nlines <&> here.")})
    created = await plant.connector().create_work_order(draft)
    ((name, description),) = plant.database.rows("SELECT name, description FROM maintenance_request")
    assert name == " ".join(summary.split())
    assert text_of(description).splitlines() == [
        summary, "Two", "lines <&> here.", f"Millwright key: {draft.key}"
    ]  # fmt: skip
    assert (await plant.connector().create_work_order(draft)) == created
    await plant.connector().add_note(created.ref, "note-1", summary)
    (note,) = await plant.notes(created.ref)
    assert text_of(note) == f"[MW:note-1] {summary}"


async def test_the_key_is_found_in_what_the_editor_of_odoo_makes_of_the_text(plant: OdooCmmsPlant) -> None:
    cmms, draft = plant.connector(), plant.draft()
    created = await cmms.create_work_order(draft)
    edited = f'<h2>Press</h2><div class="o-x">\ufeffMillwright&nbsp;key: {draft.key}<br></div><p>Later words.</p>'
    plant.write(created.ref, {"description": edited})
    plant.write(created.ref, {"description": edited.replace(draft.key, "MW77777777")})
    with pytest.raises(ActionRequired, match="has the key MW77777777"):
        await cmms.read_work_order(created.ref)
    plant.write(created.ref, {"description": edited})
    assert (await cmms.read_work_order(created.ref)).ref == created.ref


async def test_changes_of_one_second_are_all_read_though_a_page_holds_three(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    created = {(await cmms.create_work_order(plant.draft())).ref.id for _ in range(10)}
    plant.database.change("UPDATE maintenance_request SET write_date = '2026-01-01 00:00:00.4'")
    records, cursor = await read_all(cmms, None)
    assert sorted(record.ref.id for record in records) == sorted(created)
    plant.database.change("UPDATE maintenance_request SET kanban_state = 'blocked' WHERE mod(id, 2) = 0")
    again, cursor = await read_all(cmms, cursor)
    assert {record.status for record in again} == {WorkOrderStatus.ON_HOLD}
    assert (await read_all(cmms, cursor))[0] == []


async def test_what_was_changed_by_others_before_a_release_stays_known(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.write(created.ref, {"name": "Regulator of press 7"})
    released = await cmms.release_work_order(created.ref, "accepted by pat")
    assert (released.status, released.touched) == (WorkOrderStatus.APPROVED, Touched.YES)
    assert (await cmms.withdraw_work_order(created.ref, "revised")).status is WorkOrderStatus.APPROVED
    said = [text_of(note) for note in await plant.notes(created.ref)]
    assert "[MW:released] accepted by pat" in said


async def test_work_in_progress_is_not_withdrawn_and_scrap_ends_it_with_its_stage(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft(released=True))
    plant.write(created.ref, {"stage_id": IN_PROGRESS}, by="technician")
    assert (await cmms.withdraw_work_order(created.ref, "revised")).status is WorkOrderStatus.IN_PROGRESS
    plant.write(created.ref, {"stage_id": SCRAP}, by="technician")
    record = await cmms.read_work_order(created.ref)
    assert (record.status, record.vendor_status) == (WorkOrderStatus.COMPLETED, "Scrap")
    assert record.report is not None
    assert record.report.disposition == "maintenance.stage_4"
    plant.database.do("technician", REQUESTS, "reset_equipment_request", ids=[int(created.ref.id)])
    reopened = await cmms.read_work_order(created.ref)
    assert (reopened.status, reopened.report) == (WorkOrderStatus.WAITING_APPROVAL, None)


async def test_completed_work_that_is_archived_later_stays_completed(plant: OdooCmmsPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft(released=True))
    plant.complete(created.ref, "Regulator burnt.")
    plant.cancel(created.ref)
    record = await cmms.read_work_order(created.ref)
    assert (record.status, record.vendor_status) == (WorkOrderStatus.COMPLETED, "Repaired, archived")


async def test_equipment_that_is_archived_needs_a_person_and_its_orders_are_still_found(plant: OdooCmmsPlant) -> None:
    created = await plant.connector().create_work_order(plant.draft(asset=ASSETS[1]))
    number = plant.database.do("planner", "maintenance.equipment", "search", domain=[["serial_no", "=", ASSETS[1]]])
    plant.database.do("planner", "maintenance.equipment", "write", ids=number, vals={"active": False})
    try:
        with pytest.raises(ActionRequired, match="is archived"):
            await plant.connector().create_work_order(plant.draft(asset=ASSETS[1]))
        found = await plant.connector().find_work_orders(OrderQuery(asset_external_id=ASSETS[1]))
    finally:
        plant.database.do("planner", "maintenance.equipment", "write", ids=number, vals={"active": True})
    assert [(record.ref, record.asset_external_id) for record in found] == [(created.ref, ASSETS[1])]


async def test_orders_of_one_asset_that_are_created_at_once_are_refused_or_made_and_never_made_twice(
    plant: OdooCmmsPlant,
) -> None:
    drafts = [plant.draft() for _ in range(6)]
    cmms = plant.connector()
    assert cmms.capabilities.one_at_a_time_per_asset
    made = await asyncio.gather(*(cmms.create_work_order(draft) for draft in drafts), return_exceptions=True)
    assert all(isinstance(each, Unavailable) for each in made if isinstance(each, BaseException))
    for draft in drafts:
        await cmms.create_work_order(draft)
    assert [plant.orders_of(draft.key) for draft in drafts] == [1] * 6


async def test_the_company_of_the_settings_must_be_that_of_the_equipment(plant: OdooCmmsPlant) -> None:
    with pytest.raises(ActionRequired, match="not of company 9") as caught:
        await plant.connector(company=9).create_work_order(plant.draft())
    assert caught.value.field == "company"
    assert (await plant.connector(company=1).create_work_order(plant.draft())).asset_external_id == ASSETS[0]


async def test_a_note_that_is_loaded_twice_is_one_note(plant: OdooCmmsPlant) -> None:
    created = await plant.connector().create_work_order(plant.draft())
    values = mapping.note_values(int(created.ref.id), created.ref.key, "note-1", "Seen again.")
    client = plant.connector()._client
    call = Call("odoo", "add-note")
    await client.add_note(call, values)
    await client.add_note(call, values)
    assert len(await plant.notes(created.ref)) == 1


async def test_what_odoo_does_of_itself_at_a_creation_is_not_taken_for_people(plant: OdooCmmsPlant) -> None:
    database = plant.database
    (technician,) = database.do("manager", "res.users", "search", domain=[["login", "=", "technician"]])
    number = database.do("planner", "maintenance.equipment", "search", domain=[["serial_no", "=", ASSETS[1]]])
    database.do("planner", "maintenance.equipment", "write", ids=number, vals={"technician_user_id": technician})
    created = await plant.connector().create_work_order(plant.draft(asset=ASSETS[1]))
    rows = database.rows("SELECT user_id FROM maintenance_request WHERE id = %s", int(created.ref.id))
    assert (rows, created.touched) == ([(technician,)], Touched.NO)
    cancelled = await plant.connector().withdraw_work_order(created.ref, "revised")
    assert (cancelled.status, cancelled.touched) == (WorkOrderStatus.CANCELLED, Touched.NO)


async def test_the_work_of_people_is_told_and_none_that_is_open(plant: OdooCmmsPlant) -> None:
    cmms, asset = plant.connector(), CmmsAsset(ASSETS[0], {})
    done, _, elsewhere = [WorkOrderRef(system="odoo", id=await plant.people_open(name), key="") for name in _WORKED_ON]
    plant.write(done, {"maintenance_type": "preventive", "stage_id": REPAIRED})
    plant.write(elsewhere, {"stage_id": REPAIRED})
    since = WallClock().now() - HISTORY
    ((work,), (other,)) = await cmms.completed_work([asset, CmmsAsset(ASSETS[1], {})], since)  # type: ignore[misc]  # both are known
    assert (work.record, work.kind, other.record) == (done.id, WorkKind.PREVENTIVE, elsewhere.id)
    assert abs(WallClock().now() - work.done_at) < timedelta(minutes=5)
    with pytest.raises(ActionRequired, match="is not one equipment there"):
        await cmms.completed_work([CmmsAsset("nobody's", {})], since)
