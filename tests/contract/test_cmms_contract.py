"""What every connector to a CMMS keeps, against a server that keeps its vendor's contract."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from domain.cmms import OrderQuery
from domain.errors import ActionRequired, Unavailable
from domain.open_work import OpenWorkQuery
from domain.work_orders import Escalation, OrderRejection, Touched, WorkOrderStatus
from tests.contract.cmms_plant import CmmsPlant, found_by, read_all, released, reports


async def test_opening_again_days_later_opens_once(cmms_plant: CmmsPlant) -> None:
    draft = cmms_plant.draft()
    cmms = cmms_plant.connector()
    first = await cmms.create_work_order(draft)
    cmms_plant.wait(timedelta(days=3))
    assert (await cmms.create_work_order(draft)).ref == first.ref
    assert cmms_plant.orders_of(draft.key) == 1


async def test_all_orders_of_an_asset_since_a_time_are_found_peoples_too(cmms_plant: CmmsPlant) -> None:
    cmms, first = cmms_plant.connector(), cmms_plant.draft()
    asset = first.asset_external_id
    await cmms.create_work_order(first)
    cmms_plant.wait(timedelta(hours=1))
    since = (await cmms.create_work_order(cmms_plant.draft())).changed_at
    ours = await cmms.create_work_order(cmms_plant.draft())
    theirs = await cmms_plant.people_open(asset)
    await cmms.create_work_order(cmms_plant.draft(asset="M002-COMP1"))
    about = OpenWorkQuery(asset_external_id=asset, asset_attributes={"siteid": "BEDFORD"}, since=since)
    query = OrderQuery(**about.model_dump(), open_only=True)
    assert [found.ref.id for found in await cmms.find_work_orders(query)][-2:] == [ours.ref.id, theirs]
    told = {order.ref.id: order for order in (await cmms.find_open_work(about)).orders}
    assert set(told) == {found.ref.id for found in await cmms.find_work_orders(query)}
    assert (len(told), told[theirs].ref.key, told[ours.ref.id].ref) == (3, "", ours.ref)
    assert all(order.summary and order.reported_at and not order.status.finished for order in told.values())
    cmms_plant.cancel(ours.ref)
    assert ours.ref.id not in {found.ref.id for found in await cmms.find_work_orders(query)}
    assert ours.ref.id not in {order.ref.id for order in (await cmms.find_open_work(about)).orders}


async def test_an_order_that_people_deleted_is_deleted_and_not_merely_silent(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    created = await cmms.create_work_order(cmms_plant.draft())
    cmms_plant.delete(created.ref)
    record = await cmms.read_work_order(created.ref)
    assert (record.status, record.ref) == (WorkOrderStatus.DELETED, created.ref)
    assert (await cmms.release_work_order(created.ref, "approved")).status is WorkOrderStatus.DELETED
    assert (await cmms.withdraw_work_order(created.ref, "revised")).status is WorkOrderStatus.DELETED
    with pytest.raises(ActionRequired):
        await cmms.add_note(created.ref, "note-1", "Seen again.")


async def test_an_order_whose_key_people_took_off_is_followed_by_its_place(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    created = await cmms.create_work_order(cmms_plant.draft())
    cmms_plant.put_key(created.ref, None)
    record = await cmms.read_work_order(created.ref)
    assert record.ref == created.ref
    assert record.touched is Touched.YES


async def test_an_order_that_carries_another_key_now_is_not_taken_for_the_cases(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    created = await cmms.create_work_order(cmms_plant.draft())
    cmms_plant.put_key(created.ref, "MW77777777")
    with pytest.raises(ActionRequired, match="MW77777777"):
        await cmms.read_work_order(created.ref)


async def test_an_order_of_a_person_is_read_and_noted_as_theirs_until_it_has_a_key_of_ours(
    cmms_plant: CmmsPlant,
) -> None:
    cmms, draft = cmms_plant.connector(), cmms_plant.draft()
    since = (await cmms.create_work_order(draft)).changed_at
    number = await cmms_plant.people_open(draft.asset_external_id)
    site = {"siteid": "BEDFORD"}
    about = OpenWorkQuery(asset_external_id=draft.asset_external_id, asset_attributes=site, since=since)
    [theirs] = [order.ref for order in (await cmms.find_open_work(about)).orders if order.ref.id == number]
    record = await cmms.read_work_order(theirs)
    assert (record.ref, record.status.finished, record.touched) == (theirs, False, Touched.YES)
    for connector in (cmms, cmms_plant.connector()):
        await connector.add_note(theirs, f"{draft.key}-attached-1", f"Millwright {draft.key} found the same fault.")
    assert len(await cmms_plant.notes(theirs)) == 1
    assert (await cmms.read_work_order(theirs)).ref == theirs
    cmms_plant.put_key(theirs, "MW77777777")
    with pytest.raises(ActionRequired, match="MW77777777"):
        await cmms.read_work_order(theirs)
    cmms_plant.put_key(theirs, None)
    cmms_plant.delete(theirs)
    assert (await cmms.read_work_order(theirs)).status is WorkOrderStatus.DELETED


async def test_an_order_that_waits_for_a_part_is_on_hold(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    created = await cmms.create_work_order(cmms_plant.draft(released=True))
    cmms_plant.set_aside(created.ref)
    assert (await cmms.read_work_order(created.ref)).status is WorkOrderStatus.ON_HOLD


async def test_until_when_people_put_an_order_off_comes_back(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    created = await cmms.create_work_order(cmms_plant.draft(released=True))
    _, cursor = await read_all(cmms, None)
    cmms_plant.wait(timedelta(hours=1))
    begins = cmms_plant.put_off(created.ref, "2026-12-07")
    record = await cmms.read_work_order(created.ref)
    until = datetime(2026, 12, 7, tzinfo=UTC) + begins
    assert (record.status, record.put_off_until, record.rejection) == (WorkOrderStatus.ON_HOLD, until, None)
    assert [changed.put_off_until for changed in (await read_all(cmms, cursor))[0]] == [until]
    assert created.put_off_until is None


async def test_a_field_that_the_site_demands_is_named(cmms_plant: CmmsPlant) -> None:
    draft = cmms_plant.draft()
    cmms_plant.misbehave("create", "refuse_field", field="glaccount", code="BMXAA5401E")
    with pytest.raises(ActionRequired) as caught:
        await cmms_plant.connector().create_work_order(draft)
    assert caught.value.field == ("glaccount" if cmms_plant.names_fields else None)
    assert (await cmms_plant.connector().create_work_order(draft)).ref.key == draft.key


async def test_a_touched_order_is_not_withdrawn(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    created = await cmms.create_work_order(cmms_plant.draft())
    cmms_plant.approve(created.ref)
    record = await cmms.withdraw_work_order(created.ref, "revised")
    assert record.status is WorkOrderStatus.APPROVED
    assert record.touched is Touched.YES


async def test_an_order_that_a_planner_cancelled_is_not_released(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    created = await cmms.create_work_order(cmms_plant.draft())
    cmms_plant.cancel(created.ref)
    record = await cmms.release_work_order(created.ref, "approved in the console")
    assert record.status is WorkOrderStatus.CANCELLED
    assert record.touched is Touched.YES
    assert record.report is None


async def test_a_worse_fault_raises_an_open_order_in_place_and_a_priority_of_people_is_kept(
    cmms_plant: CmmsPlant,
) -> None:
    cmms, draft = cmms_plant.connector(), cmms_plant.draft()
    created = await cmms.create_work_order(draft)
    raised = await cmms.escalate_work_order(created.ref, Escalation(priority=1, was=draft.priority))
    if not cmms.capabilities.raises_priority:
        assert raised.priority == created.priority
        return
    assert (raised.priority, raised.status, raised.touched) == (1, created.status, Touched.NO)
    # People have set it otherwise than we wrote it last.
    kept = await cmms.escalate_work_order(created.ref, Escalation(priority=2, was=4))
    assert (kept.priority, kept.touched) == (1, Touched.NO)
    cmms_plant.approve(created.ref)
    cmms_plant.wait(timedelta(hours=1))
    cmms_plant.complete(created.ref, "Regulator burnt.")
    ended = await cmms.escalate_work_order(created.ref, Escalation(priority=1, was=2))
    assert ended.status is WorkOrderStatus.COMPLETED


async def test_an_order_that_was_deleted_is_not_raised(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    created = await cmms.create_work_order(cmms_plant.draft())
    cmms_plant.delete(created.ref)
    after = await cmms.escalate_work_order(created.ref, Escalation(priority=1, was=2))
    assert after.status is WorkOrderStatus.DELETED


async def test_why_people_rejected_an_order_comes_back(cmms_plant: CmmsPlant) -> None:
    cmms, drafts = cmms_plant.connector(), [cmms_plant.draft() for _ in range(2)]
    rejected, ours = [await cmms.create_work_order(draft) for draft in drafts]
    _, cursor = await read_all(cmms, None)
    cmms_plant.wait(timedelta(hours=1))
    reason = "No seal & no budget before <week 49>. [MW:note] Millwright key: MW77777777"
    by = cmms_plant.reject(rejected.ref, reason)
    record = await cmms.read_work_order(rejected.ref)
    assert (record.status.not_done, record.touched, record.ref) == (True, Touched.YES, rejected.ref)
    assert record.rejection == OrderRejection(reason=reason, by=by)
    records, _ = await read_all(cmms, cursor)
    assert [changed.rejection for changed in records if changed.ref.id == rejected.ref.id] == [record.rejection]
    assert (await cmms.withdraw_work_order(ours.ref, "rejected: revised")).rejection is None


async def test_a_note_is_added_once_and_never_taken_for_the_technicians(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    created = await cmms.create_work_order(cmms_plant.draft())
    await cmms.add_note(created.ref, "note-1", "Seen again. " * 20)
    await cmms_plant.connector().add_note(created.ref, "note-1", "Seen again. " * 20)
    await cmms.add_note(created.ref, "note-2", "And again.")
    assert len(await cmms_plant.notes(created.ref)) == 2
    assert (await cmms.read_work_order(created.ref)).touched is Touched.NO
    cmms_plant.approve(created.ref)
    cmms_plant.wait(timedelta(hours=3))
    cmms_plant.complete(created.ref, "Regulator burnt.")
    report = (await cmms.read_work_order(created.ref)).report
    assert report is not None
    assert report.notes == ("Regulator burnt.",)


async def test_a_note_added_from_several_processes_at_once_is_added_once(cmms_plant: CmmsPlant) -> None:
    created = await cmms_plant.connector().create_work_order(cmms_plant.draft())
    await asyncio.gather(*(cmms_plant.connector().add_note(created.ref, "note-1", "Seen again.") for _ in range(4)))
    assert len(await cmms_plant.notes(created.ref)) == 1


async def test_a_release_whose_answer_was_lost_is_found_done(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    draft = cmms_plant.draft(released=True)
    cmms_plant.misbehave("status", "commit_then_drop")
    with pytest.raises(Unavailable):
        await released(cmms, draft)
    assert (await cmms.create_work_order(draft)).status is WorkOrderStatus.APPROVED
    assert cmms_plant.orders_of(draft.key) == 1


async def test_a_release_that_was_not_done_is_done_by_the_next_call(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    draft = cmms_plant.draft(released=True)
    cmms_plant.misbehave("status", "drop_then_nothing")
    with pytest.raises(Unavailable):
        await released(cmms, draft)
    assert (await cmms.create_work_order(draft)).status is WorkOrderStatus.APPROVED


async def test_what_the_technician_found_comes_back(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    created = await cmms.create_work_order(cmms_plant.draft())
    cmms_plant.approve(created.ref)
    cmms_plant.wait(timedelta(hours=5))
    cmms_plant.complete(created.ref, "Regulator burnt.")
    record = await cmms.read_work_order(created.ref)
    assert record.status is WorkOrderStatus.COMPLETED
    assert record.report is not None
    report = record.report
    told = cmms_plant.told
    assert {chosen.role: (chosen.group, chosen.code) for chosen in report.codes} == told.codes
    assert (report.downtime, report.disposition) == (told.downtime, told.disposition)
    assert (report.started_at is None) == (told.work_lasted is None)
    lasted = report.started_at and report.finished_at and report.finished_at - report.started_at
    assert (lasted, report.finished_at is not None) == (told.work_lasted, told.tells_end)


async def test_changes_come_oldest_first_with_none_left_out_and_then_an_empty_page(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    created = []
    for _ in range(8):
        created.append(await cmms.create_work_order(cmms_plant.draft()))
        cmms_plant.wait(timedelta(minutes=7))
    records, cursor = await read_all(cmms, None)
    assert {record.ref.key for record in records} == {record.ref.key for record in created}
    assert [record.changed_at for record in records] == sorted(record.changed_at for record in records)
    cmms_plant.wait(timedelta(hours=1))
    cmms_plant.approve(created[2].ref)
    cmms_plant.cancel(created[5].ref)
    cmms_plant.complete(created[2].ref, "Done.")
    records, cursor = await read_all(cmms, cursor)
    latest = {record.ref.id: record for record in records}
    assert latest[created[2].ref.id].status is WorkOrderStatus.COMPLETED
    assert latest[created[2].ref.id].report is not None
    assert latest[created[5].ref.id].status is WorkOrderStatus.CANCELLED
    assert (await read_all(cmms, cursor))[0] == []


async def test_a_change_in_the_moment_of_a_poll_is_in_the_next(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    created = await cmms.create_work_order(cmms_plant.draft())
    _, cursor = await read_all(cmms, None)
    cmms_plant.approve(created.ref)
    records, _ = await read_all(cmms, cursor)
    assert [record.status for record in records] == [WorkOrderStatus.APPROVED]


@pytest.mark.parametrize("kind", ["duplicate_answer", "reorder_answers"])
async def test_answers_in_disorder_lose_nothing(cmms_plant: CmmsPlant, kind: str) -> None:
    cmms = cmms_plant.connector()
    keys = set()
    for _ in range(5):
        keys.add((await cmms.create_work_order(cmms_plant.draft())).ref.key)
        cmms_plant.wait(timedelta(minutes=1))
    cmms_plant.misbehave("query", kind)
    records, _ = await read_all(cmms, None)
    assert {record.ref.key for record in records} == keys


async def test_a_session_that_has_ended_needs_a_person_and_then_goes_on(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    cmms_plant.misbehave("query", "session_expired")
    with pytest.raises(ActionRequired):
        await found_by(cmms, "MW00000001")
    assert await found_by(cmms, "MW00000001") == []


async def test_an_order_that_cannot_be_read_is_reported_and_hides_no_other(cmms_plant: CmmsPlant) -> None:
    cmms = cmms_plant.connector()
    odd = await cmms.create_work_order(cmms_plant.draft())
    other = await cmms.create_work_order(cmms_plant.draft())
    cmms_plant.put_key(odd.ref, "MW\0ODD")
    records, cursor = await read_all(cmms, None)
    assert [record.ref.id for record in records] == [other.ref.id]
    (report,) = await reports(cmms)
    assert (report.record, report.field is not None, "\0" in report.raw) == (odd.ref.id, True, False)
    with pytest.raises(ActionRequired) as caught:
        await cmms.read_work_order(odd.ref)
    assert caught.value.field == report.field
    cmms_plant.put_key(odd.ref, odd.ref.key)
    cmms_plant.approve(odd.ref)
    assert [record.ref.id for record in (await read_all(cmms, cursor))[0]] == [odd.ref.id]
