"""What the description of GitLab issues must get right beyond the suite for every CMMS."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from domain.errors import ActionRequired, Unavailable
from domain.open_work import OpenWorkQuery
from domain.work_orders import Touched, WorkOrderStatus
from tests.contract.cmms_plant import found_by, read_all
from tests.contract.rest_plant import TicketsPlant


@pytest.fixture
async def plant() -> AsyncIterator[TicketsPlant]:
    made = TicketsPlant()
    await made.start()
    yield made
    await made.stop()


@pytest.mark.parametrize("kind", ["commit_then_drop", "drop_then_nothing"])
async def test_a_release_whose_answer_was_lost_is_done_once(plant: TicketsPlant, kind: str) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.misbehave("change", kind)
    with pytest.raises(Unavailable):
        await cmms.release_work_order(created.ref, "approved in the console")
    released = await cmms.release_work_order(created.ref, "approved in the console")
    assert (released.status, released.touched) == (WorkOrderStatus.APPROVED, Touched.NO)
    removed = [event for event in plant.issue(created.ref).label_events if event.action == "remove"]
    assert len(removed) == 1


async def test_a_draft_that_was_released_meanwhile_releases_the_order_that_waits(plant: TicketsPlant) -> None:
    cmms = plant.connector()
    draft = plant.draft()
    created = await cmms.create_work_order(draft)
    again = await cmms.create_work_order(draft.model_copy(update={"released": True}))
    assert (again.ref, again.status) == (created.ref, WorkOrderStatus.APPROVED)


async def test_an_order_that_our_user_may_not_see_any_more_is_not_taken_for_deleted(plant: TicketsPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.server.dismiss_robot()
    with pytest.raises(ActionRequired, match="our user may not see it"):
        await cmms.read_work_order(created.ref)


async def test_a_sender_cannot_have_gitlab_act(plant: TicketsPlant) -> None:
    cmms = plant.connector()
    draft = plant.draft().model_copy(update={"paragraphs": ("/close", "Seen.\n/label ~cancelled")})
    created = await cmms.create_work_order(draft)
    await cmms.add_note(created.ref, "note-1", "Seen again.\n/close")
    record = await cmms.read_work_order(created.ref)
    assert (record.status, record.touched) == (WorkOrderStatus.WAITING_APPROVAL, Touched.NO)
    assert "\\/close" in (plant.issue(created.ref).description or "")


class SearchBehind(httpx.AsyncHTTPTransport):
    """A search that shows nothing yet."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if "search" in request.url.params:
            return httpx.Response(200, json=[])
        return await super().handle_async_request(request)


async def test_a_search_that_is_behind_does_not_make_an_issue_at_each_attempt(plant: TicketsPlant) -> None:
    draft = plant.draft()
    async with httpx.AsyncClient(transport=SearchBehind()) as http:
        created = await plant.connector(http=http).create_work_order(draft)
    assert (created.ref.id, created.status) == ("1", WorkOrderStatus.WAITING_APPROVAL)
    assert (await plant.connector().create_work_order(draft)).ref == created.ref
    assert plant.orders_of(draft.key) == 1


async def test_what_planners_say_after_a_hundred_notes_is_read(plant: TicketsPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft(released=True))
    issue = plant.issue(created.ref)
    plant.server.comment(issue, "Put off until: 2026-12-05")
    for number in range(120):
        plant.server.comment(issue, f"Call {number}")
    plant.put_off(created.ref, "2026-12-07")
    until = datetime(2026, 12, 7, tzinfo=UTC)
    assert (await cmms.read_work_order(created.ref)).put_off_until == until
    for number in range(120):
        plant.server.comment(issue, f"Call {number}")
    assert (await cmms.read_work_order(created.ref)).put_off_until == until
    plant.reject(created.ref, "no budget")
    rejection = (await cmms.read_work_order(created.ref)).rejection
    assert rejection is not None
    assert rejection.reason == "no budget"


async def test_an_issue_that_was_moved_is_not_completed_work(plant: TicketsPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft(released=True))
    issue = plant.issue(created.ref)
    issue.moved_to_id = 4711
    plant.server.store.change_state(issue, plant.server.planner, "close")
    record = await cmms.read_work_order(created.ref)
    assert (record.status, record.status_guessed, record.report) == (WorkOrderStatus.IN_PROGRESS, True, None)


async def test_an_issue_that_is_closed_as_a_duplicate_is_not_completed_work(plant: TicketsPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft(released=True))
    issue = plant.issue(created.ref)
    theirs = plant.server.open_issue("It drips.", "asset: M001-COMP1")
    _, cursor = await read_all(cmms, None)
    plant.wait(timedelta(minutes=5))
    plant.server.mark_duplicate(issue, theirs)
    records, _ = await read_all(cmms, cursor)
    assert [(record.status, record.touched, record.report) for record in records] == [
        (WorkOrderStatus.CANCELLED, Touched.YES, None)
    ]
    plant.server.store.change_state(issue, plant.server.planner, "reopen")
    assert (await cmms.read_work_order(created.ref)).status is WorkOrderStatus.APPROVED


async def test_open_work_is_found_behind_a_page_of_closed_issues(plant: TicketsPlant) -> None:
    cmms = plant.connector()
    theirs = plant.server.open_issue("It drips.", "asset: M001-COMP1")
    for number in range(4):
        plant.wait(timedelta(minutes=5))
        done = plant.server.open_issue(f"Round {number}", "asset: M001-COMP1")
        plant.server.finish_work(done, "Done.")
    query = OpenWorkQuery(asset_external_id="M001-COMP1", since=plant.clock.now() - timedelta(days=1))
    found = await cmms.find_open_work(query)
    assert ([order.ref.id for order in found.orders], found.complete) == ([str(theirs.iid)], True)


async def test_what_people_did_without_a_word_is_touched(plant: TicketsPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    issue = plant.issue(created.ref)
    plant.server.edit(issue, issue.title, f"{issue.description}\n\nCall Pat first.")
    record = await cmms.withdraw_work_order(created.ref, "revised")
    assert (record.status, record.touched) == (WorkOrderStatus.WAITING_APPROVAL, Touched.YES)


async def test_an_issue_of_people_that_quotes_our_key_is_not_taken_for_ours(plant: TicketsPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    plant.server.open_issue(f"See {created.ref.key} again", "asset: M001-COMP1", "millwright")
    assert [record.ref.id for record in await found_by(cmms, created.ref.key)] == [created.ref.id]
    records, _ = await read_all(cmms, None)
    assert [record.ref.id for record in records] == [created.ref.id]


async def test_a_second_issue_with_the_key_needs_a_person(plant: TicketsPlant) -> None:
    cmms = plant.connector()
    draft = plant.draft()
    await cmms.create_work_order(draft)
    plant.server.open_issue(f"Copy [{draft.key}]", "asset: M001-COMP1")
    with pytest.raises(ActionRequired, match="more than one order carries this key: 1, 2"):
        await cmms.create_work_order(draft)


async def test_more_notes_than_a_page_has_are_all_read(plant: TicketsPlant) -> None:
    cmms = plant.connector()
    created = await cmms.create_work_order(plant.draft())
    issue = plant.issue(created.ref)
    for number in range(130):
        plant.server.store.add_note(issue, plant.server.robot, f"Reading {number}")
    await cmms.add_note(created.ref, "note-1", "Seen again.")
    await cmms.add_note(created.ref, "note-1", "Seen again.")
    assert len(await plant.notes(created.ref)) == 1
