"""What the MaintainX connector keeps beyond the contract suite, against the sandbox's MaintainX."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from connectors.cmms import maintainx
from domain.errors import ActionRequired, Unavailable
from domain.outcomes import OutcomeClass
from domain.work_orders import Touched, WorkOrderStatus
from tests.contract.cmms_plant import found_by, read_all, reports
from tests.contract.maintainx_plant import API_KEY, MaintainXPlant


@pytest.fixture
async def plant() -> AsyncIterator[MaintainXPlant]:
    made = MaintainXPlant()
    await made.start()
    yield made
    await made.stop()


@pytest.mark.parametrize(
    ("status", "ours"), [("SKIPPED", WorkOrderStatus.SKIPPED), ("CANCELED", WorkOrderStatus.CANCELLED)]
)
async def test_work_that_was_not_done_is_told_so_and_has_no_report(
    plant: MaintainXPlant, status: str, ours: WorkOrderStatus
) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    _, cursor = await read_all(cmms, None)
    plant.wait(timedelta(hours=1))
    plant.server.fill(plant.shown(created.ref), Problem="OVERVOLT")
    plant.server.change_status(plant.shown(created.ref), status)
    (record,), _ = await read_all(cmms, cursor)
    assert (record.status, record.vendor_status, record.report) == (ours, status, None)


async def test_what_the_site_says_of_its_codes_is_the_outcome(plant: MaintainXPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.complete(created.ref, "Regulator burnt.")
    report = (await cmms.read_work_order(created.ref)).report
    settings = maintainx.MaintainXSettings.model_validate(
        {"api_key": API_KEY, "outcomes": {"cause": {"Regulatr": "confirmed"}}}
    )
    assert report is not None
    assert maintainx.outcome_codes(settings).classify(report) is OutcomeClass.CONFIRMED


async def test_an_order_is_followed_after_people_have_taken_the_tag_off_its_title(plant: MaintainXPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    _, cursor = await read_all(cmms, None)
    plant.wait(timedelta(hours=1))
    plant.put_key(created.ref, None)
    plant.complete(created.ref, "Done.")
    assert (await read_all(cmms, cursor))[0] == []
    assert (await cmms.read_work_order(created.ref)).status is WorkOrderStatus.COMPLETED


async def test_an_order_whose_answer_was_lost_and_whose_tag_people_took_off_is_not_created_again(
    plant: MaintainXPlant,
) -> None:
    draft = plant.draft()
    plant.misbehave("create", "commit_then_drop")
    with pytest.raises(Unavailable):
        await plant.connector().create_work_order(draft)
    (order,) = plant.server.orders()
    plant.server.edit(order, title="Voltage of press 7")
    record = await plant.connector().create_work_order(draft)
    assert (record.ref.key, record.touched) == (draft.key, Touched.YES)
    assert len(plant.server.orders()) == 1


async def test_a_copy_that_a_person_makes_is_reported_and_not_taken_for_the_order(plant: MaintainXPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    copied = plant.server.open_order(plant.assets["M001-COMP1"], plant.shown(created.ref).title)
    assert await found_by(cmms, created.ref.key) == [created]
    (report,) = await reports(cmms)
    assert (report.record, report.field) == (str(copied.sequential_id), "externalData")
    plant.delete(created.ref)
    with pytest.raises(ActionRequired, match="if it is a copy"):
        await found_by(cmms, created.ref.key)


async def test_notes_of_several_kinds_are_each_once_and_leave_the_order_untouched(plant: MaintainXPlant) -> None:
    created = await plant.connector().create_work_order(plant.draft())
    for number in (1, 2, 1, 3, 2):
        await plant.connector().add_note(created.ref, f"note-{number}", "Seen again.\nAnd once more.")
    notes = await plant.notes(created.ref)
    assert [note[:11] for note in notes] == ["[MW:note-1]", "[MW:note-2]", "[MW:note-3]"]
    assert (await plant.connector().read_work_order(created.ref)).touched is Touched.NO


async def test_two_notes_at_once_are_both_there_after_they_were_tried_again(plant: MaintainXPlant) -> None:
    created = await plant.connector().create_work_order(plant.draft())

    async def add(key: str) -> None:
        await plant.connector().add_note(created.ref, key, "Seen again.")

    await asyncio.gather(*(add(f"note-{number}") for number in range(4)), return_exceptions=True)
    for number in range(4):
        await add(f"note-{number}")
    assert len(await plant.notes(created.ref)) == 4


async def test_a_comment_of_a_person_is_not_seen(plant: MaintainXPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.shown(created.ref).comments.append("I look at it tomorrow.")
    assert (await cmms.withdraw_work_order(created.ref, "revised")).status is WorkOrderStatus.CANCELLED
    assert [note for note in await plant.notes(created.ref) if "revised" in note] == ["[MW:withdrawn] revised"]


async def test_a_withdrawal_whose_answer_was_lost_is_found_done(plant: MaintainXPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.misbehave("change_status", "commit_then_drop")
    with pytest.raises(Unavailable):
        await cmms.withdraw_work_order(created.ref, "revised")
    assert (await cmms.withdraw_work_order(created.ref, "revised")).status is WorkOrderStatus.CANCELLED
    assert len(await plant.notes(created.ref)) == 1


async def test_an_asset_that_was_deleted_there_needs_a_person(plant: MaintainXPlant) -> None:
    draft = plant.draft()
    plant.server.store.assets.clear()
    with pytest.raises(ActionRequired, match="assetId: Asset not found") as caught:
        await plant.connector().create_work_order(draft)
    assert caught.value.field == "assetId"


async def test_an_order_of_another_organisation_is_gone_for_this_one(plant: MaintainXPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.shown(created.ref).organization = 2
    assert (await cmms.read_work_order(created.ref)).status is WorkOrderStatus.DELETED


async def test_a_key_of_several_organisations_without_the_setting_is_told_in_the_vendors_words(
    plant: MaintainXPlant,
) -> None:
    connector = plant.connector()
    plant.server.store.users[0] = plant.server.store.users[0].__class__(10, API_KEY, (2, 3))
    with pytest.raises(ActionRequired, match="not of this organization"):
        await connector.check()


async def test_twenty_answers_lost_after_the_commit_give_one_order_each(plant: MaintainXPlant) -> None:
    drafts = [plant.draft() for _ in range(20)]
    for draft in drafts:
        cmms = plant.connector()
        plant.misbehave("create", "commit_then_drop")
        with pytest.raises(Unavailable):
            await cmms.create_work_order(draft)
        assert (await cmms.create_work_order(draft)).ref.key == draft.key
    assert [plant.orders_of(draft.key) for draft in drafts] == [1] * 20


async def test_a_subscription_that_maintainx_deleted_is_named_with_what_to_do(plant: MaintainXPlant) -> None:
    """Nobody listens at the address, so each delivery fails."""
    number, secret = await plant.subscribe("http://127.0.0.1:9/webhooks/maintainx")
    cmms = plant.connector(subscriptions=[number])
    assert await cmms.check_webhooks() == "all 1 webhook subscriptions of the settings are there"
    order = plant.server.open_order(plant.assets["M001-COMP1"], "Bearing")
    for status in ("IN_PROGRESS", "ON_HOLD", "DONE"):
        plant.server.change_status(order, status)
        await plant.server.subscriptions.delivered()
    with pytest.raises(ActionRequired, match=f"the webhook subscription {number} is gone") as gone:
        await cmms.check_webhooks()
    assert (gone.value.field, secret in str(gone.value)) == ("subscriptions", False)
