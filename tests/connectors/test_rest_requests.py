"""What is put on the wire for a description, and what is made of answers that no polite system gives."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from connectors.cmms.rest.loading import parse_description
from connectors.cmms.rest.reading import needed
from domain.cmms import OrderQuery
from domain.errors import ActionRequired, Refused, Unavailable
from domain.work_orders import Touched, WorkOrderRef, WorkOrderStatus
from tests.connectors.rest_answers import (
    CALL,
    GITLAB,
    KEY,
    NOW,
    REF,
    SMALL,
    Recorder,
    acme,
    client_of,
    connected,
    draft,
    gitlab_settings,
    order,
    reply,
    sent,
    settings_of,
)

CREATED: Mapping[str, str] = {"Location": "/orders/a1"}
"""What an answer to a creation says of the new order."""


async def test_a_value_is_one_segment_of_a_path_and_one_parameter() -> None:
    wire = Recorder(reply({"rows": []}))
    client = client_of(wire, settings_of(values={"plant": "N/1?x=#é "}))
    await client.rows(CALL, needed(settings_of().description.description.find), {"wanted.key": "a&b=c d"})
    assert wire.asked[0].url.raw_path == b"/api/plants/N%2F1%3Fx%3D%23%C3%A9%20/orders?key=a%26b%3Dc+d&size=20"
    assert wire.asked[0].url.host == "acme.example"


@pytest.mark.parametrize("locator", ["..", ".", ""])
async def test_a_value_that_would_name_another_path_is_refused(locator: str) -> None:
    client = client_of(Recorder(), settings_of())
    read = needed(settings_of().description.description.read)
    with pytest.raises(ActionRequired, match="which is no part of a path") as refused:
        await client.send(CALL, read.request, {"order.locator": locator})
    assert refused.value.field == "read.request.path"


async def test_a_field_that_is_null_is_left_out_and_lists_and_words_are_sent_as_written() -> None:
    made = order()
    wire = Recorder(
        reply({"rows": []}),
        reply({}, 201, {"Location": "/orders/a1"}),
        reply({"rows": [made]}),
        reply({"name": "bot"}),
        reply({"rows": []}),
    )
    record = await connected(wire).create_work_order(draft(due_at=None, summary="Voltage"))
    assert sent(wire.asked[1]) == {"key": KEY, "title": "Voltage", "tags": ["millwright", "high"]}
    assert (record.ref, record.touched) == (REF, Touched.NO)


def made_and_not_found(*after: httpx.Response, headers: Mapping[str, str] = CREATED) -> Recorder:
    """What answers a creation after which the search does not show the order."""
    return Recorder(reply({"rows": []}), reply({}, 201, headers), reply({"rows": []}), *after)


async def test_an_order_that_the_search_does_not_show_yet_is_read_where_the_creation_says() -> None:
    wire = made_and_not_found(reply(order()), reply({"name": "bot"}), reply({"rows": []}))
    assert (await connected(wire).create_work_order(draft())).ref == REF
    assert [request.url.path for request in wire.asked[3:4]] == ["/api/orders/a1"]


@pytest.mark.parametrize(
    ("after", "words"),
    [
        ((reply({}, 404), reply({"name": "bot"})), "it is gone"),
        ((reply({}, 404), reply({}, 404)), "our user may not see it"),
        ((reply({}, 403),), "HTTP 403"),
        ((reply({}, 503),), "HTTP 503"),
        ((reply(order(key=None)),), "it does not have this key"),
        ((reply(order(key="MWBBBBBBBB")),), "it does not have this key"),
        ((reply(order(changed="soon")),), "order.changed_at"),
        ((reply(order(id="b2")),), "answers with the order b2"),
        ((reply(order()), reply({"name": "bot"}), reply({}, 503)), "HTTP 503"),
    ],
    ids=["gone", "hidden", "forbidden", "unavailable", "no key", "another key", "unreadable", "another order", "notes"],
)
async def test_an_order_that_was_made_and_cannot_be_shown_is_not_made_again(
    after: tuple[httpx.Response, ...], words: str
) -> None:
    with pytest.raises(Refused, match="the order a1 was created, and the search for its key does not show it") as error:
        await connected(made_and_not_found(*after)).create_work_order(draft())
    assert words in error.value.problem


@pytest.mark.parametrize(
    ("text", "headers"),
    [(SMALL.replace('  locator: headers.location.split("/")[2]\n', ""), CREATED), (SMALL, {})],
    ids=["no locator in the description", "no locator in the answer"],
)
async def test_an_order_that_was_made_and_has_no_locator_is_not_made_again(
    text: str, headers: Mapping[str, str]
) -> None:
    wire = made_and_not_found(headers=headers)
    with pytest.raises(Refused, match="an order was created, and the search for its key does not show it"):
        await connected(wire, settings_of(text)).create_work_order(draft())


async def test_an_answer_that_names_another_order_than_the_search_is_for_a_person() -> None:
    wire = Recorder(reply({"rows": []}), reply({}, 201, {"Location": "/orders/b2"}), reply({"rows": [order()]}))
    with pytest.raises(ActionRequired, match="b2 was created, and the search for its key finds a1"):
        await connected(wire).create_work_order(draft())


async def test_a_creation_whose_answer_has_no_locator_names_the_place_in_the_description() -> None:
    wire = Recorder(reply({"rows": []}), reply({}, 201), reply({"rows": [order()]}))
    with pytest.raises(ActionRequired) as refused:
        await connected(wire).create_work_order(draft())
    assert refused.value.field == "create.locator"


async def test_two_orders_with_one_key_are_for_a_person() -> None:
    with pytest.raises(ActionRequired, match="W-1, W-2"):
        await connected(acme(order(), order(id="a2", number="W-2"))).create_work_order(draft())


async def test_an_order_of_another_asset_with_this_key_is_for_a_person() -> None:
    with pytest.raises(ActionRequired, match="is for the asset PUMP-2, not PUMP-1"):
        await connected(acme(order(asset="PUMP-2"))).create_work_order(draft())


async def test_what_a_search_finds_too_much_is_not_taken() -> None:
    others = [order(key=None), order(id="a2", key="MWBBBBBBBB"), order(id="a3", key="about " + KEY)]
    assert await connected(acme(*others)).find_work_orders(OrderQuery(key=KEY)) == ()


async def test_an_order_that_answers_for_another_one_is_not_taken() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return reply(order(id="b2"))

    with pytest.raises(ActionRequired, match="answers with the order b2 for a1"):
        await connected(answer).read_work_order(REF)


async def test_an_order_is_gone_only_if_the_proof_is_there() -> None:
    gone = await connected(acme()).read_work_order(REF)
    assert (gone.status, gone.changed_at) == (WorkOrderStatus.DELETED, NOW)

    def nothing(request: httpx.Request) -> httpx.Response:
        return reply({}, 404)

    with pytest.raises(ActionRequired, match="neither the order nor what must be there") as refused:
        await connected(nothing).read_work_order(REF)
    assert refused.value.field is not None


async def test_without_a_request_for_it_nothing_is_withdrawn() -> None:
    record = await connected(acme(order())).withdraw_work_order(REF, "revised")
    assert record.status is WorkOrderStatus.APPROVED


async def test_orders_that_are_asked_for_neither_by_key_nor_by_asset_are_refused() -> None:
    with pytest.raises(ActionRequired, match="by key or by asset"):
        await connected(acme()).find_work_orders(OrderQuery(since=NOW))


async def test_only_one_of_several_equal_notes_stays_and_a_quotation_is_left_alone() -> None:
    gone: list[str] = []
    notes: list[dict[str, Any]] = [
        {"id": "1", "text": "[MW:n-1] Seen."},
        {"id": "2", "text": "[MW:n-1] Seen."},
        {"id": "3", "text": "[MW:n-1] Seen. I did not see it."},
        {"id": "4", "text": None},
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            gone.append(request.url.path)
            return reply({}, 404)
        return acme(order(), notes=notes)(request)

    await connected(answer).add_note(REF, "n-1", "Seen.")
    assert gone == ["/api/notes/2"]


PAGES: Mapping[str, tuple[str, tuple[Any, ...], list[str]]] = {
    "page": (
        "{ by: page, parameter: page, first: 0 }",
        (reply({"rows": [1, 2]}), reply({"rows": [3]}), reply({"rows": []})),
        ["page=0", "page=1", "page=2"],
    ),
    "offset": (
        "{ by: offset, parameter: offset }",
        (reply({"rows": [1, 2]}), reply({"rows": [3]}), reply({"rows": []})),
        ["", "offset=2", "offset=3"],
    ),
    "cursor": (
        "{ by: cursor, parameter: after, next: 'has(body.more) ? body.more : null' }",
        (reply({"rows": [1, 2], "more": "c 1"}), reply({"rows": [3]})),
        ["", "after=c+1"],
    ),
    "next_link": (
        "{ by: next_link, next: 'has(body.more) ? body.more : null' }",
        (reply({"rows": [1, 2], "more": "/api/orders?skip=2"}), reply({"rows": [3]})),
        ["", "skip=2"],
    ),
    "link_header": (
        "{ by: link_header }",
        (
            reply({"rows": [1, 2]}, headers={"Link": '<https://acme.example/api/orders?page=2>; rel="next"'}),
            reply({"rows": [3]}, headers={"Link": '<https://acme.example/api/orders?page=1>; rel="first"'}),
        ),
        ["", "page=2"],
    ),
    "none": ("{ by: none }", (reply({"rows": [1, 2, 3]}),), [""]),
}


@pytest.mark.parametrize("by", PAGES)
async def test_every_page_of_a_list_is_read(by: str) -> None:
    paging, answers, asked = PAGES[by]
    settings = settings_of(SMALL.replace("{ by: none }", paging))
    wire = Recorder(*answers)
    rows = await client_of(wire, settings).rows(CALL, needed(settings.description.description.changes), {"since": None})
    assert rows == [1, 2, 3]
    assert [request.url.query.decode().replace("sort=changed", "").strip("&") for request in wire.asked] == asked


@pytest.mark.parametrize(
    "link", ["https://evil.example/api/orders", "http://acme.example/api/orders", "//evil.example/"]
)
async def test_a_link_to_another_host_is_not_followed(link: str) -> None:
    settings = settings_of(SMALL.replace("{ by: none }", "{ by: link_header }"))
    wire = Recorder(reply({"rows": [1]}, headers={"Link": f'<{link}>; rel="next"'}))
    with pytest.raises(ActionRequired, match="another host") as refused:
        await client_of(wire, settings).rows(CALL, needed(settings.description.description.changes), {"since": None})
    assert (refused.value.field, len(wire.asked)) == ("url", 1)


async def test_pages_that_lead_in_a_circle_end() -> None:
    settings = settings_of(SMALL.replace("{ by: none }", "{ by: next_link, next: body.more }"))

    def answer(request: httpx.Request) -> httpx.Response:
        return reply({"rows": [1], "more": "/api/orders?skip=1"})

    with pytest.raises(Refused, match="do not end"):
        await client_of(answer, settings).rows(CALL, needed(settings.description.description.changes), {"since": None})


async def test_changes_are_asked_for_from_the_overlap_on() -> None:
    wire = Recorder(reply([]), reply([]))
    cmms = connected(wire, gitlab_settings())
    page = await cmms.changed_since(None)
    assert wire.asked[0].url.raw_path == (
        b"/api/v4/projects/plant%2Fmaintenance/issues?scope=all&labels=millwright&order_by=updated_at&sort=asc&per_page=20"
    )
    cursor = page.cursor.replace('"watermark":null', '"watermark":"2026-11-30T07:30:00Z"')
    await cmms.changed_since(cursor)
    assert wire.asked[1].url.params["updated_after"] == "2026-11-30T07:28:00Z"


async def test_a_cursor_of_somebody_else_is_refused() -> None:
    with pytest.raises(Refused, match="cursor"):
        await connected(acme()).changed_since("page-7")


async def test_an_expression_without_an_end_is_stopped() -> None:
    text = SMALL.replace(
        "touched: row.by != us", "touched: row.l.exists(a, row.l.exists(b, row.l.exists(c, a + b + c < 0)))"
    )
    cmms = connected(acme(order(l=list(range(400)))), settings_of(text))
    with pytest.raises(ActionRequired, match="Iteration budget exceeded") as refused:
        await cmms.read_work_order(REF)
    assert refused.value.field == "order.touched"


def test_an_expression_never_sees_a_secret() -> None:
    settings = settings_of()
    client = client_of(Recorder(), settings)
    assert "the-token" not in str(client.known({}))
    with pytest.raises(ValueError, match="undeclared reference"):
        parse_description(SMALL.replace("=wanted.key", "=settings.token"), "acme.yaml")


async def test_gitlab_is_asked_for_its_label_before_an_order_is_created() -> None:
    wire = Recorder(reply([]), reply({"message": "404 Label Not Found"}, 404))
    with pytest.raises(ActionRequired, match="no asset named PUMP/1") as refused:
        await connected(wire, gitlab_settings()).create_work_order(draft(asset_external_id="PUMP/1"))
    assert refused.value.field == "asset"
    assert wire.asked[1].url.raw_path == b"/api/v4/projects/plant%2Fmaintenance/labels/asset%3A%20PUMP%2F1"


async def test_an_issue_of_gitlab_is_withdrawn_by_one_request() -> None:
    closed = {**GITLAB, "state": "closed", "labels": ["cancelled", "asset: PUMP-1"]}

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        path = request.url.path
        if path.endswith("/user"):
            return reply({"username": "bot"})
        if path.endswith(("/notes", "_events")):
            return reply([])
        return reply(closed if any(each.method == "PUT" for each in asked) else GITLAB)

    asked: list[httpx.Request] = []
    ref = WorkOrderRef(system="rest", id="4", locator="4", key=KEY)
    record = await connected(answer, gitlab_settings()).withdraw_work_order(ref, "revised")
    assert record.status is WorkOrderStatus.CANCELLED
    (changed,) = [request for request in asked if request.method == "PUT"]
    assert sent(changed) == {
        "add_labels": "cancelled",
        "remove_labels": "waiting for approval",
        "state_event": "close",
    }


@pytest.mark.parametrize("operation", ["withdraw", "release"])
async def test_what_somebody_changes_in_between_is_left_alone(operation: str) -> None:
    waiting = {**GITLAB, "labels": ["waiting for approval"]}

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        path = request.url.path
        if path.endswith("/user"):
            return reply({"username": "bot"})
        if path.endswith(("/notes", "_events")):
            return reply([])
        first = sum(each.url.path == path for each in asked) == 1
        return reply(waiting if first else {**waiting, "updated_at": "2026-11-30T07:45:00.000Z"})

    asked: list[httpx.Request] = []
    cmms = connected(answer, gitlab_settings())
    ref = WorkOrderRef(system="rest", id="4", locator="4", key=KEY)
    if operation == "withdraw":
        assert (await cmms.withdraw_work_order(ref, "")).status is WorkOrderStatus.WAITING_APPROVAL
    else:
        with pytest.raises(Unavailable, match="changed meanwhile"):
            await cmms.release_work_order(ref, "")
    assert [request for request in asked if request.method != "GET"] == []


async def test_a_parameter_is_one_value_and_true_and_false_are_words() -> None:
    text = SMALL.replace("since: =since, sort: changed", "all: true, half: =1 == 2, n: =1 + 1, list: '=[since]'")
    settings = settings_of(text)
    listing = needed(settings.description.description.changes)
    with pytest.raises(ActionRequired, match="the parameter list has several values"):
        await client_of(Recorder(), settings).rows(CALL, listing, {"since": None})
    settings = settings_of(text.replace(", list: '=[since]'", ""))
    wire = Recorder(reply({"rows": []}))
    await client_of(wire, settings).rows(CALL, needed(settings.description.description.changes), {"since": None})
    assert wire.asked[0].url.query == b"all=true&half=false&n=2"


async def test_changes_that_do_not_come_by_rising_time_are_not_believed() -> None:
    newest_first = [order(id="a2", number="W-2", changed="2026-11-30T07:40:00Z"), order()]
    paged = settings_of(SMALL.replace("{ by: none }", "{ by: page, parameter: page }"))
    with pytest.raises(ActionRequired, match="rising time of change") as refused:
        await connected(acme(*newest_first), paged).changed_since(None)
    assert refused.value.field == "changes"
    page = await connected(acme(*newest_first)).changed_since(None)
    assert [record.ref.id for record in page.records] == ["W-1", "W-2"]


async def test_a_note_is_known_by_its_mark_in_html_too() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        return acme(order(), notes=[{"id": "1", "text": "<p>[MW:n-1]&nbsp;Seen.</p>"}])(request)

    await connected(answer).add_note(REF, "n-1", "Seen.")


async def test_a_note_that_is_not_listed_after_it_was_added_is_told() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return reply({}, 201) if request.method == "POST" else acme(order())(request)

    with pytest.raises(ActionRequired, match="does not show it with our mark") as refused:
        await connected(answer).add_note(REF, "n-1", "Seen.")
    assert refused.value.field == "note.text"


async def test_an_order_of_another_asset_is_not_released_either() -> None:
    waiting = {**GITLAB, "iid": 4, "labels": ["asset: PUMP-2", "millwright", "waiting for approval"]}

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET"
        path = request.url.path
        if path.endswith("/user"):
            return reply({"username": "bot"})
        return reply([] if path.endswith(("/notes", "_events")) else [waiting])

    with pytest.raises(ActionRequired, match="is for the asset PUMP-2"):
        await connected(answer, gitlab_settings()).create_work_order(draft(released=True))


async def test_a_system_without_offsets_is_asked_in_the_time_of_the_site() -> None:
    text = SMALL.replace("since: =since", "since: '=since == null ? since : dyn(string(since).substring(0, 19))'")
    wire = Recorder(reply({"rows": []}), reply({"rows": []}))
    cmms = connected(wire, settings_of(text, time_zone="America/New_York"))
    page = await cmms.changed_since(None)
    assert "since" not in wire.asked[0].url.params
    await cmms.changed_since(page.cursor.replace('"watermark":null', '"watermark":"2026-11-30T07:30:00Z"'))
    assert wire.asked[1].url.params["since"] == "2026-11-30T02:28:00"
