"""How the Atlas connector releases and withdraws a record and adds a note to it, and what it leaves as it is."""

from typing import Any

import httpx
import pytest

from domain.errors import ActionRequired, Unavailable
from domain.work_orders import WorkOrderRef, WorkOrderStatus
from tests.connectors.atlas_answers import (
    APPROVED,
    ASSET,
    GONE,
    KEY,
    MADE,
    NO_ADDRESS,
    ORDER,
    PARENT,
    REQUEST,
    AtlasWire,
    connected,
    ok,
    order,
    request,
    sent,
)


async def test_a_release_approves_the_request_with_a_body_and_keeps_both_references() -> None:
    wire = AtlasWire()
    wire.answer(
        {
            "GET /requests/9": [ok(request()), ok(request()), ok({**request(), "workOrder": MADE})],
            "PATCH /requests/9/approve": ok(order(parentRequest=PARENT)),
            "GET /work-orders/1": ok(order(parentRequest=PARENT)),
        }
    )
    record = await connected(wire).release_work_order(REQUEST, "approved in the console")
    assert (record.status, record.ref) == (WorkOrderStatus.APPROVED, APPROVED)
    assert record.order == ORDER
    assert sent(wire.of("PATCH", "/requests/9/approve")[0]) == {}


TOUCHED = (
    "[MW:touched] Others may have changed it before Millwright did. / "
    "Otros pueden haberla cambiado antes que Millwright."
)


async def test_a_release_of_a_request_that_others_changed_says_so_in_it_first() -> None:
    wire = AtlasWire()
    edited, marked = request(updatedBy=7), request(description=f"Seen.\n\nMillwright key: {KEY}\n\n{TOUCHED}")
    made = order(parentRequest=PARENT, description=marked["description"])
    wire.answer(
        {
            "GET /requests/9": [ok(edited), ok(edited), ok(marked), ok({**marked, "workOrder": MADE})],
            "PATCH /requests/9": ok(marked),
            "PATCH /requests/9/approve": ok(made),
            "GET /work-orders/1": ok(made),
        }
    )
    record = await connected(wire).release_work_order(REQUEST, "approved")
    (change,) = wire.of("PATCH", "/requests/9")
    assert sent(change)["description"] == f"{edited['description']}\n\n{TOUCHED}"
    assert (record.status, record.touched) == (WorkOrderStatus.APPROVED, "yes")


async def test_a_request_that_others_changed_and_reject_meanwhile_is_not_approved() -> None:
    wire = AtlasWire()
    edited = request(updatedBy=7)
    rejected = {**edited, "cancelled": True}
    wire.answer({"GET /requests/9": [ok(edited), ok(edited), ok(rejected)], "PATCH /requests/9": ok(edited)})
    record = await connected(wire).release_work_order(REQUEST, "approved")
    assert record.status is WorkOrderStatus.CANCELLED
    assert wire.of("PATCH", "/requests/9/approve") == []


@pytest.mark.parametrize("again", [False, True], ids=["first note", "another note"])
async def test_a_note_on_a_request_that_others_changed_says_so_once(again: bool) -> None:
    wire = AtlasWire()
    before = f"Their words.\n\n{TOUCHED}" if again else "Their words."
    wire.answer({"GET /requests/9": ok(request(updatedBy=7, description=before)), "PATCH /requests/9": ok(request())})
    await connected(wire).add_note(REQUEST, "note-1", "Seen again.")
    (change,) = wire.of("PATCH", "/requests/9")
    assert sent(change)["description"] == f"Their words.\n\n{TOUCHED}\n\n[MW:note-1] Seen again."


async def test_a_request_that_others_changed_before_our_note_is_not_withdrawn() -> None:
    wire = AtlasWire()
    wire.answer({"GET /requests/9": ok(request(description=f"Their words.\n\n{TOUCHED}"))})
    record = await connected(wire).withdraw_work_order(REQUEST, "revised")
    assert (record.status, record.touched) == (WorkOrderStatus.WAITING_APPROVAL, "yes")
    assert wire.of("PATCH", "/requests/9/cancel") == []


async def test_a_request_that_a_planner_approved_in_the_same_moment_is_not_approved_twice() -> None:
    wire = AtlasWire()
    refused = httpx.Response(406, json={"success": False, "message": "Request is already approved"})
    wire.answer(
        {
            "GET /requests/9": [ok(request()), ok(request()), ok({**request(), "workOrder": MADE})],
            "PATCH /requests/9/approve": refused,
            "GET /work-orders/1": ok(order(parentRequest=PARENT, createdBy=3)),
        }
    )
    record = await connected(wire).release_work_order(REQUEST, "approved")
    assert (record.status, record.touched) == (WorkOrderStatus.APPROVED, "yes")


async def test_a_request_whose_order_does_not_show_is_asked_for_later() -> None:
    wire = AtlasWire()
    wire.answer({"GET /requests/9": ok(request()), "PATCH /requests/9/approve": ok(order())})
    with pytest.raises(Unavailable, match="shows no order of it"):
        await connected(wire).release_work_order(REQUEST, "approved")


async def test_a_withdrawn_request_is_rejected_with_the_reason_in_the_address() -> None:
    wire = AtlasWire()
    rejected = {**request(), "cancelled": True}
    wire.answer(
        {"GET /requests/9": [ok(request()), ok(request()), ok(rejected)], "PATCH /requests/9/cancel": ok(rejected)}
    )
    record = await connected(wire).withdraw_work_order(REQUEST, "revised & <gone>")
    assert record.status is WorkOrderStatus.CANCELLED
    assert wire.of("PATCH", "/requests/9/cancel")[0].url.params["reason"] == "revised & <gone>"


async def test_a_withdrawn_order_is_archived_and_everything_else_is_sent_as_it_was_read() -> None:
    wire = AtlasWire()
    wire.answer(
        {
            "GET /work-orders/1": [ok(order()), ok(order()), ok(order(archived=True))],
            "PATCH /work-orders/1": ok(order(archived=True)),
        }
    )
    record = await connected(wire).withdraw_work_order(ORDER, "revised")
    assert record.status is WorkOrderStatus.CANCELLED
    assert sent(wire.of("PATCH", "/work-orders/1")[0]) == {
        "dueDate": "2026-11-23T06:50:10.000+00:00",
        "priority": "HIGH",
        "estimatedDuration": 1.5,
        "estimatedStartDate": None,
        "description": f"Vibration RMS 9.1 mm/s.\n\nMillwright key: {KEY}",
        "title": f"Bearing wear on Press 7 [{KEY}]",
        "requiredSignature": False,
        "image": None,
        "category": {"id": 3},
        "location": {"id": 4},
        "team": None,
        "primaryUser": {"id": 2},
        "asset": {"id": 5},
        "assignedTo": [],
        "customers": [],
        "files": [],
        "completedOn": None,
        "completedBy": None,
        "archived": True,
    }


@pytest.mark.parametrize("changes", [{"updatedBy": 3}, {"status": "IN_PROGRESS"}, {"updatedBy": None}], ids=str)
async def test_what_others_have_in_hand_is_not_withdrawn(changes: dict[str, Any]) -> None:
    wire = AtlasWire()
    wire.answer({"GET /work-orders/1": ok(order(**changes))})
    await connected(wire).withdraw_work_order(ORDER, "revised")
    assert wire.of("PATCH", "/work-orders/1") == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "IN_PROGRESS", "updatedBy": 7}, WorkOrderStatus.IN_PROGRESS),
        ({"updatedBy": 7}, WorkOrderStatus.APPROVED),
        ({"status": "COMPLETE"}, WorkOrderStatus.COMPLETED),
        ({"updatedAt": "2026-11-21T06:50:12.195Z"}, WorkOrderStatus.APPROVED),
    ],
    ids=str,
)
async def test_an_order_that_is_changed_while_its_work_is_read_is_not_archived(
    changes: dict[str, Any], status: WorkOrderStatus
) -> None:
    wire = AtlasWire()

    def begun_meanwhile(_: httpx.Request) -> httpx.Response:
        wire.answer({"GET /work-orders/1": ok(order(**changes))})
        return httpx.Response(200, json=[])

    wire.answer({"GET /work-orders/1": ok(order()), "GET /part-quantities/work-order/1": begun_meanwhile})
    record = await connected(wire).withdraw_work_order(ORDER, "revised")
    assert record.status is status
    assert wire.of("PATCH", "/work-orders/1") == []


async def test_an_order_that_is_deleted_while_its_work_is_read_is_deleted() -> None:
    wire = AtlasWire()
    wire.answer({"GET /work-orders/1": [ok(order()), GONE]})
    assert (await connected(wire).withdraw_work_order(ORDER, "revised")).status is WorkOrderStatus.DELETED
    assert wire.of("PATCH", "/work-orders/1") == []


async def test_a_request_that_is_changed_after_it_was_judged_is_not_rejected() -> None:
    wire = AtlasWire()

    def edited_meanwhile(_: httpx.Request) -> httpx.Response:
        wire.answer({"GET /requests/9": ok(request(updatedBy=7))})
        return httpx.Response(200, json=ASSET)

    wire.answer({"GET /requests/9": ok(request()), "GET /assets/5": edited_meanwhile})
    record = await connected(wire).withdraw_work_order(REQUEST, "revised")
    assert (record.status, record.touched) == (WorkOrderStatus.WAITING_APPROVAL, "yes")
    assert wire.of("PATCH", "/requests/9/cancel") == []


async def test_a_request_that_a_planner_rejects_before_it_is_released_stays_rejected() -> None:
    wire = AtlasWire()
    wire.answer({"GET /requests/9": [ok(request()), ok({**request(), "cancelled": True})]})
    record = await connected(wire).release_work_order(REQUEST, "approved")
    assert record.status is WorkOrderStatus.CANCELLED
    assert wire.of("PATCH", "/requests/9/approve") == []


async def test_a_note_in_a_description_keeps_what_a_person_wrote_meanwhile() -> None:
    wire = AtlasWire()
    now = order(description="A person's words.", status="IN_PROGRESS", archived=True)
    wire.answer({"GET /work-orders/1": [ok(order()), ok(now)], "POST /comments/search/1": NO_ADDRESS})
    await connected(wire).add_note(ORDER, "note-1", "Seen again.")
    body = sent(wire.of("PATCH", "/work-orders/1")[0])
    assert (body["description"], body["archived"]) == ("A person's words.\n\n[MW:note-1] Seen again.", True)


async def test_a_note_on_an_order_is_a_comment_once() -> None:
    wire = AtlasWire()
    ours = {"user": {"id": 2}, "content": "[MW:note-1] Seen &amp; again."}
    wire.answer({"GET /work-orders/1": ok(order()), "POST /comments/search/1": [ok([]), ok([ours])]})  # type: ignore[arg-type]
    cmms = connected(wire)
    await cmms.add_note(ORDER, "note-1", "Seen & again.")
    await cmms.add_note(ORDER, "note-1", "Seen & again.")
    (comment,) = wire.of("POST", "/comments")
    assert sent(comment) == {"content": "[MW:note-1] Seen & again.", "workOrder": {"id": 1}}


@pytest.mark.parametrize(
    ("ref", "path", "row"), [(REQUEST, "/requests/9", request()), (ORDER, "/work-orders/1", order())]
)
async def test_a_note_on_a_request_or_without_comments_goes_to_the_description(
    ref: WorkOrderRef, path: str, row: dict[str, Any]
) -> None:
    wire = AtlasWire()
    wire.answer({f"GET {path}": ok(row), "POST /comments/search/1": NO_ADDRESS, f"PATCH {path}": ok(row)})
    await connected(wire).add_note(ref, "note-1", "Seen again.")
    body = sent(wire.of("PATCH", path)[0])
    assert body["description"] == f"{row['description']}\n\n[MW:note-1] Seen again."
    assert body["title"] == row["title"]
    assert body.get("cancelled") == row.get("cancelled")
    assert wire.of("POST", "/comments") == []


async def test_a_full_description_needs_a_person() -> None:
    wire = AtlasWire()
    wire.answer({"GET /requests/9": ok(request(description="x" * 10_000))})
    with pytest.raises(ActionRequired, match="description of R000001 is full") as caught:
        await connected(wire).add_note(REQUEST, "note-1", "Seen again.")
    assert caught.value.field == "description"


async def test_a_request_that_is_approved_while_a_note_is_added_takes_the_note_later() -> None:
    wire = AtlasWire()
    fixed = httpx.Response(406, json={"success": False, "message": "Can't patch an approved request"})
    wire.answer({"GET /requests/9": ok(request()), "PATCH /requests/9": fixed})
    with pytest.raises(Unavailable, match="approved meanwhile"):
        await connected(wire).add_note(REQUEST, "note-1", "Seen again.")
