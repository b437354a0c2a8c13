"""What is put on the wire for a description, and what is made of answers that no polite system gives."""

from typing import Any

import httpx
import pytest

from connectors.cmms.rest.loading import parse_description
from connectors.cmms.rest.reading import needed
from domain.cmms import OrderQuery
from domain.errors import ActionRequired, Refused, Unavailable
from domain.open_work import OpenWorkQuery
from domain.work_orders import WorkOrderRef, WorkOrderStatus
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
    gitlab_settings,
    order,
    reply,
    sent,
    settings_of,
)


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

    # An error for a person is asked again each hour, and each time one more note would be added.
    with pytest.raises(Refused, match=r"does not show it with our mark.*`note\.text`"):
        await connected(answer).add_note(REF, "n-1", "Seen.")


async def test_a_system_without_offsets_is_asked_in_the_time_of_the_site() -> None:
    text = SMALL.replace("since: =since", "since: '=since == null ? since : dyn(string(since).substring(0, 19))'")
    wire = Recorder(reply({"rows": []}), reply({"rows": []}))
    cmms = connected(wire, settings_of(text, time_zone="America/New_York"))
    page = await cmms.changed_since(None)
    assert "since" not in wire.asked[0].url.params
    await cmms.changed_since(page.cursor.replace('"watermark":null', '"watermark":"2026-11-30T07:30:00Z"'))
    assert wire.asked[1].url.params["since"] == "2026-11-30T02:28:00"


async def test_open_work_is_asked_for_by_its_own_list_if_the_description_has_one() -> None:
    own = "find_open: { method: GET, path: /open, query: { asset: =wanted.asset, from: =wanted.since } }\nread:"
    query = OpenWorkQuery(asset_external_id="PUMP-1", since=NOW)
    for text, path in ((SMALL, "/api/orders"), (SMALL.replace("\nread:", "\n" + own), "/api/open")):
        wire = Recorder(reply({"rows": [order(), order(id="a2", number="W-2", status="done")]}))
        found = await connected(wire, settings_of(text)).find_open_work(query)
        assert [each.ref.id for each in found.orders] == ["W-1"]
        (asked,) = wire.asked
        assert (asked.url.path, dict(asked.url.params)) == (path, {"asset": "PUMP-1", "from": "2026-11-30T08:00:00Z"})


async def test_gitlab_is_asked_for_the_newest_issues_that_are_open() -> None:
    wire = Recorder(reply({"id": 7, "name": "asset: PUMP-1"}), reply([]))
    await connected(wire, gitlab_settings()).find_open_work(OpenWorkQuery(asset_external_id="PUMP-1", since=NOW))
    asked = dict(wire.asked[1].url.params)
    assert asked.pop("created_after") == "2026-11-30T08:00:00Z"
    assert asked == {
        "scope": "all",
        "state": "opened",
        "labels": "asset: PUMP-1",
        "order_by": "created_at",
        "sort": "desc",
        "per_page": "20",
    }
