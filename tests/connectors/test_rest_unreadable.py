"""Rows that cannot be read: each is reported with field and reason, and hides no other."""

from typing import Any

import httpx
import pytest

from connectors.cmms.rest import RestCmms
from domain.cmms import OrderQuery
from domain.errors import ActionRequired, Refused, Unavailable
from domain.unreadable import UnreadableRecord
from tests.connectors.rest_answers import KEY, SMALL, acme, connected, order, reply, settings_of

GOOD = order(id="a2", number="W-2", key="MWBBBBBBBB")


async def polled(cmms: RestCmms) -> tuple[list[str], list[UnreadableRecord]]:
    """What a poll gives until an empty page: the numbers of the orders, and the reports."""
    numbers: list[str] = []
    reports: list[UnreadableRecord] = []
    cursor = None
    for _ in range(10):
        page = await cmms.changed_since(cursor)
        cursor = page.cursor
        if not page.records and not page.unreadable:
            return numbers, reports
        numbers += [record.ref.id for record in page.records]
        reports += page.unreadable
    raise AssertionError("the poll does not end")


@pytest.mark.parametrize(
    ("changes", "record", "field", "reason"),
    [
        ({"id": None}, "W-1", "order.locator", "is missing"),
        ({"number": {"a": 1}}, "a1", "order.id", "not a text"),
        ({"changed": "soon"}, "W-1", "order.changed_at", "not a time"),
        ({"changed": "2030-01-01T00:00:00Z"}, "W-1", "order.changed_at", "in the future"),
        ({"created": None}, "W-1", "order.created_at", "is missing"),
        ({"key": "MW\0ODD"}, "W-1", "order.key.field", "no name can have"),
        ({"status": ["open"]}, "W-1", "order.status.word", "not a text"),
        ({"by": 7}, "W-1", None, ""),
    ],
    ids=["id", "number", "changed", "future", "created", "key", "status", "another user"],
)
async def test_an_odd_row_is_reported_once_and_the_others_are_taken(
    changes: dict[str, Any], record: str, field: str | None, reason: str
) -> None:
    numbers, reports = await polled(connected(acme(order(**changes), GOOD)))
    if field is None:
        assert (numbers, reports) == (["W-1", "W-2"], [])
        return
    assert numbers == ["W-2"]
    (report,) = reports
    assert (report.record, report.field) == (record, field)
    assert reason in report.reason
    assert "\0" not in report.raw


async def test_a_row_that_is_no_record_is_named_by_its_place() -> None:
    numbers, (report,) = await polled(connected(acme("odd", GOOD)))  # type: ignore[arg-type]
    assert numbers == ["W-2"]
    assert report.record == "row 1 of a page"


async def test_a_row_of_people_that_cannot_be_read_is_not_reported() -> None:
    numbers, reports = await polled(connected(acme(order(key=None, changed="soon"), GOOD)))
    assert (numbers, reports) == (["W-2"], [])


async def test_an_order_with_two_keys_is_not_believed() -> None:
    numbers, reports = await polled(connected(acme(order(), order(key="MWCCCCCCCC"), GOOD)))
    assert numbers == ["W-2"]
    assert {report.reason for report in reports} == {"came with two keys"}


async def test_a_row_that_cannot_be_read_may_be_the_one_that_is_looked_for() -> None:
    with pytest.raises(ActionRequired, match=r"W-1.*order\.changed_at") as refused:
        await connected(acme(order(changed="soon"))).find_work_orders(OrderQuery(key=KEY))
    assert refused.value.field == "order.changed_at"


@pytest.mark.parametrize("status", [400, 404, 410, 422])
async def test_what_is_refused_beside_one_order_is_reported_and_hides_no_other(status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/orders/a1/notes":
            return reply({"message": "no notes here"}, status)
        return acme(order(), GOOD)(request)

    numbers, (report,) = await polled(connected(answer))
    assert (numbers, report.record) == (["W-2"], "W-1")
    assert "no notes here" in report.reason


@pytest.mark.parametrize(
    "fault",
    [*(reply({}, status) for status in (409, 429, 500, 503)), httpx.Response(200, text='{"rows": [')],
    ids=["409", "429", "500", "503", "cut off"],
)
async def test_what_may_pass_or_is_refused_for_all_orders_ends_the_poll_and_loses_no_change(
    fault: httpx.Response,
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return faults.pop() if faults and request.url.path == "/api/orders/a1/notes" else acme(order(), GOOD)(request)

    faults = [fault]
    cmms = connected(answer)
    with pytest.raises((Unavailable, Refused)):
        await cmms.changed_since(None)
    assert await polled(cmms) == (["W-1", "W-2"], [])


async def test_an_expression_that_fails_is_told_with_its_place_and_the_order() -> None:
    text = SMALL.replace("touched: row.by != us", "touched: row.changed_by != us")
    numbers, reports = await polled(connected(acme(order(), {**GOOD, "changed_by": "bot"}), settings_of(text)))
    assert numbers == ["W-2"]
    (report,) = reports
    assert (report.record, report.field) == ("W-1", "order.touched")
    assert "changed_by" in report.reason
