"""The poll of requests and orders: one order of both, equal stamps, and records that cannot be read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.cmms.atlas import AtlasCmms
from connectors.cmms.atlas.changes import AtlasCursor
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.unreadable import UnreadableRecord
from domain.work_orders import RecordKind, WorkOrderRecord, WorkOrderRef
from tests.connectors.atlas_answers import KEY, SETTINGS, AtlasWire, connected, key_of, order, page, request

FIRST = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def stamp(minutes: float) -> str:
    moment = FIRST + timedelta(minutes=minutes)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


class Lists:
    """Requests and orders as Atlas lists them, in pages. Rows of one date have another order on each page."""

    def __init__(self, requests: list[dict[str, Any]], orders: list[dict[str, Any]], size: int = 2) -> None:
        self._rows = {"requests": requests, "work-orders": orders}
        self._size = size
        self.wire = AtlasWire()
        self.wire.answer({"POST /requests/search": self._requests, "POST /work-orders/search": self._orders})

    def _requests(self, asked: httpx.Request) -> httpx.Response:
        return self._page("requests", asked)

    def _orders(self, asked: httpx.Request) -> httpx.Response:
        return self._page("work-orders", asked)

    def _page(self, name: str, asked: httpx.Request) -> httpx.Response:
        body = json.loads(asked.content)
        assert body["filterFields"][0] == {"field": "title", "operation": "cn", "value": "[MW"}
        bounds = {each["operation"]: each["value"] for each in body["filterFields"][1:]}
        since, until = bounds.get("ge", ""), bounds.get("le", "~")
        rows = [row for row in self._rows[name] if since <= str(row.get("updatedAt") or "9") <= until]
        rows.sort(key=lambda row: row["id"], reverse=body["sortField"] != "id" and body["pageNum"] % 2 == 0)
        if body["sortField"] != "id":
            rows.sort(key=lambda row: str(row.get("updatedAt") or "9"))
        begin = body["pageNum"] * self._size
        return page(*rows[begin : begin + self._size], last=begin + self._size >= len(rows))

    def cmms(self) -> AtlasCmms:
        return connected(self.wire, SETTINGS.model_copy(update={"page_size": self._size}))


async def polled(
    cmms: AtlasCmms, cursor: str | None = None
) -> tuple[list[WorkOrderRecord], list[UnreadableRecord], str]:
    records: list[WorkOrderRecord] = []
    unreadable: list[UnreadableRecord] = []
    for _ in range(50):
        found = await cmms.changed_since(cursor)
        ended, cursor = not found.records and not found.unreadable, found.cursor
        records += found.records
        unreadable += found.unreadable
        if ended:
            return records, unreadable, cursor
    raise AssertionError("the poll does not end")


def an_order(number: int, minutes: float, **changes: Any) -> dict[str, Any]:
    title = f"Bearing [{key_of(number)}]"
    given = {"id": number, "customId": f"WO{number:06d}", "updatedAt": stamp(minutes), "title": title}
    return order(**{**given, "description": "", **changes})


def a_request(number: int, minutes: float, **changes: Any) -> dict[str, Any]:
    title = f"Bearing [{key_of(number)}]"
    given = {"id": number, "customId": f"R{number:06d}", "updatedAt": stamp(minutes), "title": title}
    return {**request(), **given, "description": "", **changes}


async def test_requests_and_orders_come_in_one_order_however_their_pages_lie() -> None:
    requests = [a_request(number, minutes) for number, minutes in ((11, 1), (12, 8), (13, 9), (14, 30))]
    orders = [an_order(number, minutes) for number, minutes in ((1, 0), (2, 2), (3, 3), (4, 10), (5, 11))]
    records, _, _ = await polled(Lists(requests, orders).cmms())
    assert [record.changed_at for record in records] == sorted(record.changed_at for record in records)
    assert {record.ref.key for record in records} == {key_of(n) for n in (1, 2, 3, 4, 5, 11, 12, 13, 14)}


@pytest.mark.parametrize("minutes", [0.0, 0.00001])
async def test_more_changes_of_one_moment_than_a_page_holds_are_all_read_once(minutes: float) -> None:
    orders = [an_order(number, minutes * number) for number in range(1, 9)]
    later = an_order(9, 1)
    records, _, cursor = await polled(Lists([], [*orders, later]).cmms())
    assert sorted(record.ref.id for record in records) == [f"WO{number:06d}" for number in range(1, 10)]
    again, _, same = await polled(Lists([], [*orders, later]).cmms(), cursor)
    assert (again, same) == ([], cursor)


async def test_an_unreadable_record_among_many_of_one_moment_is_reported_once() -> None:
    orders = [an_order(number, 0) for number in range(1, 9)]
    records, (report,), _ = await polled(Lists([], [*orders, an_order(10, 0, status=7)]).cmms())
    assert (len(records), report.record) == (8, "WO000010")


async def test_a_request_that_became_an_order_is_told_by_the_order_alone() -> None:
    made = {"id": 1, "title": "x", "customId": "WO000001"}
    parent = {"id": 11, "title": f"Bearing [{key_of(11)}]", "customId": "R000011"}
    lists = Lists(
        [a_request(11, 5, workOrder=made)], [an_order(1, 5, parentRequest=parent, title=f"Bearing [{key_of(11)}]")]
    )
    (record,), _, _ = await polled(lists.cmms())
    assert (record.ref.kind, record.ref.id) == (RecordKind.REQUEST, "R000011")
    assert record.order is not None


async def test_a_change_of_the_same_millisecond_after_the_poll_is_in_the_next() -> None:
    _, _, cursor = await polled(Lists([], [an_order(1, 0)]).cmms())
    (record,), _, _ = await polled(Lists([], [an_order(1, 0), an_order(2, 0)]).cmms(), cursor)
    assert record.ref.id == "WO000002"


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        ({"title": "Bearing [MW\0ODD]"}, "title"),
        ({"title": None}, "title"),
        ({"status": 7}, "status"),
        ({"status": None}, "status"),
        ({"customId": 7.5}, "customId"),
        ({"updatedAt": None}, "updatedAt"),
        ({"updatedAt": 1795243806}, "updatedAt"),
        ({"updatedAt": "yesterday"}, "updatedAt"),
        ({"updatedAt": "2026-11-21T06:00:00"}, "updatedAt"),
        ({"updatedAt": "9999-12-31T23:59:59.999Z"}, "updatedAt"),
        ({"updatedAt": "2199-01-01T00:00:00.000Z"}, "updatedAt"),
        ({"createdAt": "0001-01-01T00:00:00.000Z"}, "createdAt"),
        ({"updatedBy": "robot"}, "updatedBy"),
        ({"asset": {"name": "no id"}}, "asset.id"),
        ({"customFieldValues": [{"value": 1}]}, "customFieldValues.0.customField"),
    ],
    ids=str,
)
async def test_an_order_that_cannot_be_read_is_reported_once_and_hides_no_other(
    broken: dict[str, Any], field: str
) -> None:
    lists = Lists([a_request(11, 2)], [an_order(1, 1), an_order(2, 2, **broken), an_order(3, 3)])
    records, unreadable, cursor = await polled(lists.cmms())
    assert sorted(record.ref.id for record in records) == ["R000011", "WO000001", "WO000003"]
    (report,) = unreadable
    assert report.field == field
    assert report.record == ("2" if field == "customId" else "WO000002")
    assert "\0" not in report.raw
    again = await polled(lists.cmms(), cursor)
    assert again[:2] == ([], [])


async def test_an_order_that_is_no_object_is_named_by_its_place() -> None:
    wire = AtlasWire()
    wire.answer({"POST /work-orders/search": page("nonsense", an_order(1, 1))})
    found = await connected(wire).changed_since(None)
    assert [report.record for report in found.unreadable] == ["row 1 of a page"]
    assert [record.ref.id for record in found.records] == ["WO000001"]


async def test_labour_that_cannot_be_added_up_is_reported_and_hides_no_other() -> None:
    done = an_order(1, 1, status="COMPLETE", completedOn=stamp(1))
    lists = Lists([], [done, an_order(2, 2)])
    huge = [{"assignedTo": {"id": 7}, "duration": 1.7e308}] * 10_000
    lists.wire.answer({"GET /labors/work-order/1": httpx.Response(200, json=huge)})
    records, (report,), _ = await polled(lists.cmms())
    assert [record.ref.id for record in records] == ["WO000002"]
    assert report.record == "WO000001"


async def test_what_of_the_report_cannot_be_read_is_left_out_of_it() -> None:
    done = an_order(1, 1, status="COMPLETE", completedOn=stamp(1))
    lists = Lists([], [done])
    odd = [{"assignedTo": "Toni", "duration": 60}, {"assignedTo": {"id": 7}, "duration": 3600}]
    lists.wire.answer({"GET /labors/work-order/1": httpx.Response(200, json=odd)})
    (record,), _, _ = await polled(lists.cmms())
    assert record.report is not None
    assert [each.hours for each in record.report.labor] == [1.0]


ACCESS_DENIED = {"success": False, "message": "Access Denied"}
FAILED_INSIDE = {"success": False, "message": "could not initialize proxy - no Session"}
BESIDE = (
    "POST /comments/search/2",
    "GET /labors/work-order/2",
    "GET /part-quantities/work-order/2",
    "GET /assets/6",
)


@pytest.mark.parametrize("asked", BESIDE)
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            httpx.Response(403, json=ACCESS_DENIED),
            "(HTTP 403: Access Denied; give our user the role Administrator there)",
        ),
        (httpx.Response(500, json=FAILED_INSIDE), "it failed inside (HTTP 500"),
        (httpx.Response(400, json=ACCESS_DENIED), "HTTP 400: Access Denied"),
        (httpx.Response(200, json="nonsense"), "unreadable reply"),
    ],
    ids=["403", "500", "400", "nonsense"],
)
async def test_what_is_refused_beside_one_order_is_reported_and_hides_no_other(
    asked: str, answer: httpx.Response, words: str
) -> None:
    lists = Lists([a_request(11, 2)], [an_order(1, 1), an_order(2, 2, asset={"id": 6}), an_order(3, 3)])
    lists.wire.answer({asked: answer})
    records, (report,), cursor = await polled(lists.cmms())
    assert sorted(record.ref.id for record in records) == ["R000011", "WO000001", "WO000003"]
    assert report.record == "WO000002"
    assert words in report.reason
    assert await polled(lists.cmms(), cursor) == ([], [], cursor)


@pytest.mark.parametrize("asked", BESIDE)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(403), ActionRequired),
        (httpx.Response(429, json={"error": "Rate limit exceeded"}), Unavailable),
        (httpx.Response(503), Unavailable),
    ],
    ids=["ended session", "rate limit", "down"],
)
async def test_what_is_about_all_records_ends_the_poll(
    asked: str, answer: httpx.Response, kind: type[ConnectorError]
) -> None:
    lists = Lists([], [an_order(1, 1), an_order(2, 2, asset={"id": 6})])
    lists.wire.answer({asked: answer})
    with pytest.raises(kind):
        await polled(lists.cmms())


@pytest.mark.parametrize("asked", BESIDE)
async def test_what_is_refused_beside_an_order_is_an_error_of_a_call_for_that_order(asked: str) -> None:
    wire = AtlasWire()
    answers = {asked: httpx.Response(403, json=ACCESS_DENIED)}
    wire.answer({"GET /work-orders/2": httpx.Response(200, json=an_order(2, 2, asset={"id": 6})), **answers})
    ref = WorkOrderRef(system="atlas", id="WO000002", locator="2", key=key_of(2))
    with pytest.raises(ActionRequired, match="Access Denied"):
        await connected(wire).read_work_order(ref)


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(404, json={"success": False, "message": "Not found"}), httpx.Response(200, json={"id": "five"})],
    ids=["gone", "unreadable"],
)
async def test_an_asset_that_cannot_be_read_leaves_only_its_name_out(answer: httpx.Response) -> None:
    lists = Lists([], [an_order(1, 1), an_order(2, 2, asset={"id": 6})])
    lists.wire.answer(
        {"GET /assets/5": answer, "GET /assets/6": httpx.Response(200, json={"id": 6, "barCode": "EQ-8"})}
    )
    records, unreadable, _ = await polled(lists.cmms())
    assert [record.asset_external_id for record in records] == [None, "EQ-8"]
    assert unreadable == []


async def test_a_record_that_is_read_and_cannot_be_needs_a_person_who_is_told_the_field() -> None:
    wire = AtlasWire()
    wire.answer({"GET /requests/9": httpx.Response(200, json={**request(), "updatedAt": "never"})})
    ref = WorkOrderRef(system="atlas", kind=RecordKind.REQUEST, id="R000001", locator="9", key=KEY)
    with pytest.raises(ActionRequired, match="R000001 cannot be read") as caught:
        await connected(wire).read_work_order(ref)
    assert caught.value.field == "updatedAt"


async def test_a_cursor_of_another_connector_is_refused() -> None:
    with pytest.raises(Refused, match="not one that this connector gave out"):
        await connected(AtlasWire()).changed_since('{"since": 7}')


def test_the_text_of_a_cursor_is_read_back() -> None:
    cursor = AtlasCursor(watermark=FIRST, seen={"abc": 7})
    assert AtlasCursor.parse(cursor.text()) == cursor
    assert cursor.start(timedelta(minutes=2)) == FIRST - timedelta(minutes=2)
