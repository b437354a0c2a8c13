"""What the Atlas connector keeps beyond the contract suite, against the sandbox's Atlas."""

import asyncio
import html
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain.errors import ActionRequired
from domain.work_orders import RecordKind, Touched, WorkOrderStatus
from tests.contract.atlas_plant import Atlas13Plant, AtlasPlant, FreeAtlasPlant
from tests.contract.cmms_plant import found_by, read_all


@pytest.fixture(params=[AtlasPlant, Atlas13Plant], ids=["1.8+", "1.3"])
async def atlas(request: pytest.FixtureRequest) -> AsyncIterator[AtlasPlant]:
    plant: AtlasPlant = request.param()
    await plant.start()
    yield plant
    await plant.stop()


@pytest.mark.parametrize("released", [False, True], ids=["request", "order"])
async def test_a_summary_of_three_hundred_characters_with_signs_keeps_its_key(
    atlas: AtlasPlant, released: bool
) -> None:
    draft = atlas.draft(released=released)
    long = draft.model_copy(update={"summary": "Überdruck ⚙ <&>" * 20, "paragraphs": ("Über 5 <&> 7. " * 2_000,)})
    created = await atlas.connector().create_work_order(long)
    record = atlas.shown(created.ref)
    assert len(record.title) <= 255
    assert html.unescape(record.title).startswith("Überdruck ⚙ <&>Überdruck")
    assert await found_by(atlas.connector(), draft.key) == [created]


async def test_a_session_that_ends_while_we_work_is_not_noticed(atlas: AtlasPlant) -> None:
    cmms = atlas.connector()
    created = await cmms.create_work_order(atlas.draft())
    signed_in = atlas.server.sessions.given
    atlas.wait(timedelta(days=15))
    assert await cmms.read_work_order(created.ref) == created
    assert atlas.server.sessions.given == signed_in + 1


async def test_many_requests_whose_session_ended_at_once_sign_in_once(atlas: AtlasPlant) -> None:
    cmms = atlas.connector()
    created = await cmms.create_work_order(atlas.draft())
    signed_in = atlas.server.sessions.given
    atlas.wait(timedelta(days=15))
    await asyncio.gather(*(cmms.read_work_order(created.ref) for _ in range(8)))
    assert atlas.server.sessions.given == signed_in + 1


async def test_a_note_on_a_request_goes_over_to_its_order_and_is_not_added_again(atlas: AtlasPlant) -> None:
    cmms = atlas.connector()
    created = await cmms.create_work_order(atlas.draft())
    await cmms.add_note(created.ref, "note-1", "Seen again.")
    atlas.approve(created.ref)
    await cmms.add_note(created.ref, "note-1", "Seen again.")
    await cmms.add_note(created.ref, "note-2", "And again.")
    assert [note[:12] for note in await atlas.notes(created.ref)] == ["[MW:note-1] ", "[MW:note-2] "]
    atlas.complete(created.ref, "Regulator burnt.")
    report = (await cmms.read_work_order(created.ref)).report
    assert report is not None
    assert report.notes == ("Regulator burnt.",)


async def test_a_note_on_a_rejected_request_leaves_it_rejected(atlas: AtlasPlant) -> None:
    cmms = atlas.connector()
    created = await cmms.create_work_order(atlas.draft())
    atlas.cancel(created.ref)
    await cmms.add_note(created.ref, "note-1", "Seen again.")
    assert (await cmms.read_work_order(created.ref)).status is WorkOrderStatus.CANCELLED


async def test_an_order_that_a_person_archived_is_cancelled_and_told_by_the_poll(atlas: AtlasPlant) -> None:
    cmms = atlas.connector()
    created = await cmms.create_work_order(atlas.draft(released=True))
    _, cursor = await read_all(cmms, None)
    atlas.wait(timedelta(minutes=1))
    atlas.cancel(created.ref)
    (record,), _ = await read_all(cmms, cursor)
    assert (record.status, record.vendor_status) == (WorkOrderStatus.CANCELLED, "OPEN, archived")


async def test_a_comment_of_a_person_keeps_an_order_from_being_withdrawn() -> None:
    atlas = AtlasPlant()
    await atlas.start()
    cmms = atlas.connector()
    created = await cmms.create_work_order(atlas.draft(released=True))
    atlas.server.add_comment(atlas.shown(created.ref), "I look at it tomorrow.")
    assert (await cmms.withdraw_work_order(created.ref, "revised")).status is WorkOrderStatus.APPROVED
    await atlas.stop()


async def test_different_orders_created_by_many_at_once_are_each_followed_by_their_id(atlas: AtlasPlant) -> None:
    drafts = [atlas.draft() for _ in range(8)]
    records = await asyncio.gather(*(atlas.connector().create_work_order(draft) for draft in drafts))
    assert len({record.ref.locator for record in records}) == 8
    for record in records:
        assert (await atlas.connector().read_work_order(record.ref)).ref.key == record.ref.key


async def test_the_first_request_of_an_asset_that_two_machines_share_needs_a_person(atlas: AtlasPlant) -> None:
    atlas.server.add_asset("M001-COMP1", name="A copy")
    with pytest.raises(ActionRequired, match="2 assets with the barCode M001-COMP1"):
        await atlas.connector().create_work_order(atlas.draft())


async def test_an_order_beyond_the_free_ones_is_told_in_the_words_of_atlas() -> None:
    atlas = FreeAtlasPlant()
    await atlas.start()
    cmms = atlas.connector()
    for _ in range(30):
        await cmms.create_work_order(atlas.draft(released=True))
    with pytest.raises(ActionRequired, match="Free Limit of 30 incomplete work orders reached"):
        await cmms.create_work_order(atlas.draft(released=True))
    waiting = await cmms.create_work_order(atlas.draft())
    assert waiting.ref.kind is RecordKind.REQUEST
    await atlas.stop()


@pytest.mark.parametrize("step", ["note", "release"])
async def test_what_a_planner_changed_before_a_change_of_ours_is_not_withdrawn(atlas: AtlasPlant, step: str) -> None:
    cmms = atlas.connector()
    created = await cmms.create_work_order(atlas.draft())
    record = atlas.shown(created.ref)
    atlas.server.edit(record, record.title, f"Bring the long ladder.\n\n{record.content['description']}")
    if step == "note":
        await cmms.add_note(created.ref, "note-1", "Seen again.")
    else:
        created = await cmms.release_work_order(created.ref, "approved in the console")
    kept = await cmms.withdraw_work_order(created.ref, "revised")
    expected = WorkOrderStatus.WAITING_APPROVAL if step == "note" else WorkOrderStatus.APPROVED
    assert (kept.status, kept.touched) == (expected, Touched.YES)
    assert str(atlas.shown(created.ref).content["description"]).startswith("Bring the long ladder.")


async def test_a_user_who_may_not_create_requests_is_told_so_before_the_first_order(atlas: AtlasPlant) -> None:
    atlas.server.robot.role = "LIMITED_ADMIN"
    with pytest.raises(ActionRequired, match="may not do there: create requests; give it the role Administrator"):
        await atlas.connector().check()
