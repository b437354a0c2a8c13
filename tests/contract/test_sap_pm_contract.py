"""What the connector to SAP Plant Maintenance promises beyond the suite of every CMMS: a notification and its order."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain.cmms import OrderQuery
from domain.errors import ActionRequired, Unavailable
from domain.work_orders import RecordKind, Touched, WorkOrderRecord, WorkOrderStatus
from tests.contract.cmms_plant import found_by, read_all, reports
from tests.contract.sap_pm_plant import SapPmPlant


@pytest.fixture
async def plant() -> AsyncIterator[SapPmPlant]:
    made = SapPmPlant()
    await made.start()
    yield made
    await made.stop()


async def test_a_draft_waits_as_a_notification_and_a_planner_makes_the_order_of_it(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    assert (created.ref.kind, created.order) == (RecordKind.REQUEST, None)
    order = plant.order(created.ref)
    made = await cmms.read_work_order(created.ref)
    assert made.order is not None
    assert (made.ref, made.order.id, made.order.kind) == (created.ref, order, RecordKind.ORDER)
    assert (made.status, made.touched) == (WorkOrderStatus.WAITING_APPROVAL, Touched.YES)


async def test_what_happens_to_the_order_alone_is_seen_by_the_poll(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.approve(created.ref)
    _, cursor = await read_all(cmms, None)
    seen = []
    for final in (False, True):
        plant.wait(timedelta(minutes=5))
        plant.server.confirm(plant.order(created.ref), final=final, by="TECH1")
        records, cursor = await read_all(cmms, cursor)
        seen += [(record.ref.id, record.status, record.work_has_begun) for record in records]
    assert seen == [(created.ref.id, WorkOrderStatus.IN_PROGRESS, True)] * 2
    assert (await read_all(cmms, cursor))[0] == []


async def test_orders_of_others_are_read_by_the_poll_and_given_to_nobody(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    ours = await cmms.create_work_order(plant.draft())
    for _ in range(7):
        number = plant.server.open_notification("M001-COMP1", "It drips.", by="PLANNER")
        plant.server.make_order(number, by="PLANNER")
        plant.server.open_order("M001-COMP1", by="PLANNER")
    plant.approve(ours.ref)
    assert [record.ref.id for record in (await read_all(cmms, None))[0]] == [ours.ref.id]


async def test_records_come_oldest_first_by_the_later_of_both_stamps(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    created = []
    for _ in range(6):
        created.append(await cmms.create_work_order(plant.draft()))
        plant.wait(timedelta(minutes=7))
    for number in (4, 0, 2):
        plant.approve(created[number].ref)
        plant.wait(timedelta(minutes=7))
        plant.server.confirm(plant.order(created[number].ref), final=False, by="TECH1")
    records, _ = await read_all(cmms, None)
    stamps = [record.changed_at for record in records]
    assert stamps == sorted(stamps)
    assert [record.ref.id for record in records] == [created[number].ref.id for number in (1, 3, 5, 4, 0, 2)]


@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_many_changes_of_one_second_are_all_read_however_few_records_a_page_has(
    plant: SapPmPlant, limit: int
) -> None:
    cmms = plant.connector(page_size=4)
    created = [await cmms.create_work_order(plant.draft()) for _ in range(9)]
    plant.server.routes.page_limit = limit
    records, cursor = await read_all(cmms, None)
    assert sorted(record.ref.id for record in records) == sorted(each.ref.id for each in created)
    for each in created[::2]:
        plant.approve(each.ref)
    records, cursor = await read_all(cmms, cursor)
    assert {record.ref.id for record in records} == {each.ref.id for each in created[::2]}
    assert (await read_all(cmms, cursor))[0] == []


async def test_a_row_that_is_answered_twice_within_one_second_hides_no_other(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    created = [await cmms.create_work_order(plant.draft()) for _ in range(8)]
    _, cursor = await read_all(cmms, None)
    for each in created:
        plant.cancel(each.ref)
    plant.misbehave("query", "duplicate_answer", times=20)
    records, _ = await read_all(cmms, cursor)
    assert {record.ref.id for record in records} == {each.ref.id for each in created}


async def test_notifications_that_sap_has_not_stamped_yet_hide_no_other(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    changed = [await cmms.create_work_order(plant.draft()) for _ in range(4)]
    plant.wait(timedelta(hours=1))
    for _ in range(5):
        fresh = await cmms.create_work_order(plant.draft())
        plant.server.store.notifications[fresh.ref.id].values["LastChangeDateTime"] = None
    records, cursor = await read_all(cmms, None)
    assert {each.ref.id for each in changed} <= {record.ref.id for record in records}
    plant.approve(fresh.ref)
    assert [record.ref.id for record in (await read_all(cmms, cursor))[0]] == [fresh.ref.id]


async def test_however_many_orders_of_others_changed_one_poll_ends_and_the_next_goes_on(plant: SapPmPlant) -> None:
    cmms = plant.connector(page_size=2)
    ours = await cmms.create_work_order(plant.draft())
    plant.approve(ours.ref)
    _, cursor = await read_all(cmms, None)
    for _ in range(120):
        plant.wait(timedelta(minutes=5))
        plant.server.make_order(plant.server.open_notification("M001-COMP1", "It drips.", by="P"), by="P")
    plant.wait(timedelta(minutes=5))
    plant.server.confirm(plant.order(ours.ref), final=True, by="TECH1")
    polls, found = 0, list[WorkOrderRecord]()
    while not found:
        polls += 1
        before = len(plant.server.routes.asked)
        found, cursor = await read_all(cmms, cursor)
        assert len(plant.server.routes.asked) - before < 150
    assert ([record.ref.id for record in found], found[0].status) == ([ours.ref.id], WorkOrderStatus.IN_PROGRESS)
    assert polls > 1
    assert (await read_all(cmms, cursor))[0] == []


async def test_a_mass_change_of_others_within_the_overlap_does_not_stop_the_poll(plant: SapPmPlant) -> None:
    cmms = plant.connector(page_size=50)
    ours = await cmms.create_work_order(plant.draft())
    plant.approve(ours.ref)
    _, cursor = await read_all(cmms, None)
    theirs = plant.server.open_notification("M001-COMP1", "It drips.", by="P")
    for number in range(1200):
        plant.wait(timedelta(seconds=number % 12 == 0))
        plant.server.make_order(theirs, by="P")
    for _ in range(2):
        _, cursor = await read_all(cmms, cursor)
    plant.wait(timedelta(minutes=10))
    plant.server.confirm(plant.order(ours.ref), final=True, by="TECH1")
    found: list[WorkOrderRecord] = []
    for _ in range(3):
        records, cursor = await read_all(cmms, cursor)
        found += records
    assert [record.ref.id for record in found] == [ours.ref.id]
    assert found[0].status is WorkOrderStatus.IN_PROGRESS


async def test_from_the_beginning_no_orders_of_others_are_read(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    for _ in range(30):
        plant.server.make_order(plant.server.open_notification("M001-COMP1", "It drips.", by="P"), by="P")
    before = len(plant.server.routes.asked)
    assert (await read_all(cmms, None))[0] == []
    assert len(plant.server.routes.asked) - before == 1


async def test_a_stamp_that_was_set_back_within_the_overlap_is_seen_and_further_back_when_it_is_read(
    plant: SapPmPlant,
) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.wait(timedelta(hours=1))
    await cmms.create_work_order(plant.draft())
    _, cursor = await read_all(cmms, None)
    found = plant.server.store.notifications[created.ref.id]
    plant.cancel(created.ref)
    found.values["LastChangeDateTime"] = plant.clock.now() - timedelta(seconds=90)
    records, cursor = await read_all(cmms, cursor)
    assert [record.status for record in records] == [WorkOrderStatus.CANCELLED]
    found.statuses = ["OSNO"]
    plant.server.store.settle_notification(found)
    found.values["LastChangeDateTime"] = plant.clock.now() - timedelta(minutes=30)
    assert (await read_all(cmms, cursor))[0] == []
    assert (await cmms.read_work_order(created.ref)).status is WorkOrderStatus.WAITING_APPROVAL


async def test_an_order_that_cannot_be_read_is_reported_with_its_number_and_hides_no_other(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    odd, other = [await cmms.create_work_order(plant.draft()) for _ in range(2)]
    plant.approve(odd.ref)
    plant.approve(other.ref)
    plant.server.store.orders[plant.order(odd.ref)].values["TechnicalObject"] = "A\0B"
    records, cursor = await read_all(cmms, None)
    assert [record.ref.id for record in records] == [other.ref.id]
    (report,) = await reports(cmms)
    assert (report.record, report.field) == (plant.order(odd.ref), "TechnicalObject")
    with pytest.raises(ActionRequired, match=plant.order(odd.ref)):
        await cmms.read_work_order(odd.ref)
    plant.server.store.orders[plant.order(odd.ref)].values["TechnicalObject"] = "M001-COMP1"
    assert [record.ref.id for record in (await read_all(cmms, cursor))[0]] == [odd.ref.id]


async def test_a_notification_of_which_people_made_two_orders_is_reported_and_hides_no_other(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    odd, other = [await cmms.create_work_order(plant.draft()) for _ in range(2)]
    numbers = [plant.server.make_order(odd.ref.id, by="PLANNER") for _ in range(2)]
    plant.server.edit(odd.ref.id, MaintenanceOrder=None)
    assert [record.ref.id for record in (await read_all(cmms, None))[0]] == [other.ref.id]
    (report,) = await reports(cmms)
    assert (report.record, report.reason) == (odd.ref.id, f"has more than one order: {', '.join(numbers)}")
    plant.server.act(numbers[0], "SetMaintOrdStsToMrkdForDeltn", by="PLANNER")
    order = (await cmms.read_work_order(odd.ref)).order
    assert order is not None
    assert order.id == numbers[1]


async def test_an_answer_that_is_lost_after_the_commit_twenty_times_gives_one_notification_and_one_order_each(
    plant: SapPmPlant,
) -> None:
    for number in range(20):
        draft = plant.draft(released=True)
        operation = ("create", "create_order", "ReleaseMaintenanceOrder", "change")[number % 4]
        plant.misbehave(operation, "commit_then_drop")
        with pytest.raises(Unavailable):
            await plant.connector().create_work_order(draft)
        record = await plant.connector().create_work_order(draft)
        assert (record.status, record.touched) == (WorkOrderStatus.APPROVED, Touched.NO)
        assert plant.orders_of(draft.key) == 1
    assert len(plant.server.store.orders) == 20


@pytest.mark.parametrize("operation", ["create", "change", "create_order", "ReleaseMaintenanceOrder"])
async def test_a_session_that_ends_before_a_change_is_opened_again_and_the_change_is_made_once(
    plant: SapPmPlant, operation: str
) -> None:
    cmms = plant.connector()
    await cmms.create_work_order(plant.draft())
    opened = plant.server.sessions.opened
    plant.misbehave(operation, "session_expired")
    draft = plant.draft(released=True)
    assert (await cmms.create_work_order(draft)).status is WorkOrderStatus.APPROVED
    assert (plant.server.sessions.opened, plant.orders_of(draft.key)) == (opened + 1, 1)


async def test_one_connector_opens_one_session_for_all_its_requests(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    drafts = [plant.draft(released=True) for _ in range(6)]
    await asyncio.gather(*(cmms.create_work_order(draft) for draft in drafts))
    assert plant.server.sessions.opened == 1


async def test_an_order_of_ours_is_flagged_with_its_notification_when_it_is_withdrawn(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft(released=True))
    withdrawn = await cmms.withdraw_work_order(created.ref, "pat said no")
    assert withdrawn.status is WorkOrderStatus.CANCELLED
    assert plant.server.store.orders[plant.order(created.ref)].has("DLFL")
    assert plant.server.store.notifications[created.ref.id].has("DLFL")
    assert "[MW:withdrawn] pat said no [/MW]" in plant.text(created.ref)


async def test_what_a_planner_accepted_after_a_withdrawal_that_failed_is_not_completed(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.misbehave("CompleteMaintNotification", "status_500")
    with pytest.raises(Unavailable):
        await cmms.withdraw_work_order(created.ref, "pat said no")
    found = plant.server.store.notifications[created.ref.id]
    plant.server.store.process_notification(found)
    record = await cmms.withdraw_work_order(created.ref, "pat said no")
    assert (record.status, record.touched) == (WorkOrderStatus.APPROVED, Touched.YES)
    assert found.has("NOPR")


async def test_a_withdrawal_that_failed_is_completed_when_it_is_asked_for_again(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.misbehave("CompleteMaintNotification", "status_500")
    with pytest.raises(Unavailable):
        await cmms.withdraw_work_order(created.ref, "pat said no")
    assert (await cmms.withdraw_work_order(created.ref, "pat said no")).status is WorkOrderStatus.CANCELLED
    assert plant.text(created.ref).count("[MW:withdrawn]") == 1


async def test_by_do_not_execute_an_order_is_cancelled_where_the_word_for_it_is_known(plant: SapPmPlant) -> None:
    cmms = plant.connector(cancel_order_by="do_not_execute", not_executed_statuses=["znex"])
    created = await cmms.create_work_order(plant.draft(released=True))
    assert (await cmms.withdraw_work_order(created.ref, "no")).status is WorkOrderStatus.CANCELLED
    assert not plant.server.store.orders[plant.order(created.ref)].has("DLFL")


@pytest.mark.parametrize(
    "edit", [{"NotificationText": "Bearing, urgent"}, {"MaintPriority": "1"}, {"MainWorkCenter": "RES-0200"}]
)
@pytest.mark.parametrize("released", [False, True], ids=["request", "order"])
@pytest.mark.parametrize("noted", [False, True], ids=["without-note", "with-note"])
async def test_what_a_planner_edited_is_not_withdrawn_and_a_note_does_not_hide_it(
    plant: SapPmPlant, edit: dict[str, str], *, released: bool, noted: bool
) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft(released=released))
    if noted:
        await cmms.add_note(created.ref, "note-1", "Seen again.")
    plant.wait(timedelta(minutes=5))
    plant.server.edit(created.ref.id, **edit)
    await cmms.add_note(created.ref, "note-2", "And again.")
    record = await cmms.withdraw_work_order(created.ref, "revised")
    assert record.status is created.status
    assert record.touched is not Touched.NO
    values = plant.server.store.notifications[created.ref.id].values
    assert {name: values[name] for name in edit} == edit


async def test_notes_of_people_stay_as_they_wrote_them_and_ours_go_below(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.server.write_below(created.ref.id, "Ask Pat first.\n  Key is in the cabinet.")
    await cmms.add_note(created.ref, "note-1", "Seen again.")
    assert "\n\nAsk Pat first.\n  Key is in the cabinet.\n[MW:note-1] Seen again. [/MW]" in plant.text(created.ref)


async def test_a_notification_that_is_full_needs_a_person_and_loses_nothing(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.server.edit(created.ref.id, MaintNotifLongTextForEdit="x" * 1330)
    with pytest.raises(ActionRequired, match="no room") as caught:
        await cmms.add_note(created.ref, "note-1", "Seen again.")
    assert caught.value.field == "MaintNotifLongTextForEdit"
    assert plant.text(created.ref) == "x" * 1330


async def test_required_dates_that_sap_computes_are_no_change(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    values = plant.server.store.notifications[created.ref.id].values
    assert values["RequiredEndDate"] is not None
    assert (await cmms.read_work_order(created.ref)).touched is Touched.NO


async def test_what_a_planner_closed_without_order_and_findings_is_skipped(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.server.store.complete_notification(plant.server.store.notifications[created.ref.id])
    record = await cmms.read_work_order(created.ref)
    assert (record.status, record.touched, record.report) == (WorkOrderStatus.SKIPPED, Touched.YES, None)
    assert (await cmms.release_work_order(created.ref, "approved")).status is WorkOrderStatus.SKIPPED


async def test_orders_that_planners_made_without_a_notification_are_found_by_their_asset(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    theirs = plant.server.open_order("M001-COMP1", by="PLANNER")
    plant.server.open_order("M002-COMP1", by="PLANNER")
    query = OrderQuery(asset_external_id="M001-COMP1", since=plant.clock.now(), open_only=True)
    (found,) = await cmms.find_work_orders(query)
    assert (found.ref.id, found.ref.kind, found.ref.key, found.touched) == (theirs, RecordKind.ORDER, "", Touched.YES)
    plant.server.act(theirs, "SetMaintOrdStsToMrkdForDeltn", by="PLANNER")
    assert await cmms.find_work_orders(query) == ()


async def test_a_key_is_found_in_whatever_case_sap_keeps_it(plant: SapPmPlant) -> None:
    cmms = plant.connector()
    draft = plant.draft().model_copy(update={"key": "MWabcdefgh"})
    created = await cmms.create_work_order(draft)
    assert created.ref.key == "MWABCDEFGH"
    assert [record.ref for record in await found_by(cmms, "MWabcdefgh")] == [created.ref]
