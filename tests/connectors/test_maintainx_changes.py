"""The poll of MaintainX: which orders it gives out, in which order, and that it comes to an end."""

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.cmms.maintainx import MaintainXCmms, MaintainXSettings, connect
from domain.clock import WallClock
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.unreadable import UnreadableRecord
from domain.work_orders import WorkOrderRecord
from tests.connectors.maintainx_answers import KEY, SETTINGS, MaintainXWire, connected, key_of, listed, order, page

START = datetime.fromisoformat("2026-11-21T06:00:00+00:00")
SMALL = MaintainXSettings.model_validate({**SETTINGS.model_dump(), "page_size": 3})


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


class Shelf:
    """Orders that are answered as MaintainX does, ten in a page."""

    def __init__(self, size: int = 10) -> None:
        self.orders: dict[int, dict[str, Any]] = {}
        self.size = size
        self.arranged: Callable[[Sequence[dict[str, Any]]], Sequence[dict[str, Any]]] = lambda rows: rows
        self.singles: dict[int, httpx.Response] = {}
        self.asked: list[httpx.Request] = []

    def put(self, number: int, minutes: float, **changes: Any) -> None:
        key = key_of(number)
        data = {"millwright": key, "written": "x"}
        whole = order(
            id=number, sequentialId=number, title=f"Bearing [{key}]", externalData=data, updatedAt=at(minutes)
        )
        self.orders[number] = {**whole, **changes}

    def __call__(self, asked: httpx.Request) -> httpx.Response:
        self.asked.append(asked)
        _, _, number = asked.url.path.partition("/v1/workorders/")
        if number:
            whole = httpx.Response(200, json={"workOrder": self.orders[int(number)]})
            return self.singles.get(int(number), whole)
        params = asked.url.params
        since = datetime.fromisoformat(params.get("updatedAt[gte]", "1970-01-01T00:00:00Z"))
        rows = sorted(self.orders.values(), key=lambda row: str(row["updatedAt"]))
        rows = [
            row for row in rows if not is_moment(row["updatedAt"]) or datetime.fromisoformat(row["updatedAt"]) >= since
        ]
        rows = [row for row in self.arranged(rows) if params["title"] in str(row["title"])]
        begin = int(params.get("cursor", "0"))
        end = begin + self.size
        found = [listed(row["id"], row["updatedAt"], **shown(row)) for row in rows[begin:end]]
        return page(*found, cursor=str(end) if end < len(rows) else None)


def shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("sequentialId", "title", "status")}


def is_moment(text: object) -> bool:
    return isinstance(text, str) and text.endswith("+00:00")


def cmms_of(shelf: Shelf) -> MaintainXCmms:
    client = httpx.AsyncClient(transport=httpx.MockTransport(shelf))
    return connect(SMALL, client, system="maintainx", clock=WallClock())


async def polled(cmms: MaintainXCmms, cursor: str | None) -> tuple[list[WorkOrderRecord], list[UnreadableRecord], str]:
    records: list[WorkOrderRecord] = []
    unreadable: list[UnreadableRecord] = []
    for _ in range(100):
        got = await cmms.changed_since(cursor)
        cursor = got.cursor
        if not got.records and not got.unreadable:
            return records, unreadable, cursor
        records += got.records
        unreadable += got.unreadable
    raise AssertionError("the poll does not end")


async def numbers(cmms: MaintainXCmms, cursor: str | None = None) -> tuple[list[str], str]:
    records, _, after = await polled(cmms, cursor)
    return [record.ref.id for record in records], after


def shelf_of(count: int, step: float = 5, size: int = 10) -> Shelf:
    shelf = Shelf(size)
    for number in range(1, count + 1):
        shelf.put(number, number * step)
    return shelf


def backwards(rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    return list(reversed(rows))


@pytest.mark.parametrize("step", [0, 0.001, 1, 60], ids=["one moment", "60 ms", "a minute", "an hour"])
@pytest.mark.parametrize("arranged", [list, backwards], ids=["rising", "falling"])
async def test_every_order_is_given_out_once_oldest_first_however_the_list_is_sorted(
    step: float, arranged: Callable[[Sequence[dict[str, Any]]], Sequence[dict[str, Any]]]
) -> None:
    shelf = shelf_of(25, step)
    shelf.arranged = arranged
    records, unreadable, cursor = await polled(cmms_of(shelf), None)
    assert sorted(int(record.ref.id) for record in records) == list(range(1, 26))
    assert [record.changed_at for record in records] == sorted(record.changed_at for record in records)
    assert unreadable == []
    assert await numbers(cmms_of(shelf), cursor) == ([], cursor)


async def test_the_list_is_asked_for_our_tag_by_rising_change_from_before_the_last_one() -> None:
    shelf = shelf_of(1)
    _, cursor = await numbers(cmms_of(shelf))
    first = dict(shelf.asked[0].url.params)
    tagged = {"title": "[MW", "sort": "updatedAt", "limit": "200", "expand": "assignees", "show_upcoming": "true"}
    assert first == tagged
    shelf.asked.clear()
    await numbers(cmms_of(shelf), cursor)
    assert dict(shelf.asked[0].url.params)["updatedAt[gte]"] == "2026-11-21T06:03:00.000Z"


async def test_an_order_that_changed_is_given_out_again() -> None:
    shelf = shelf_of(12)
    cmms = cmms_of(shelf)
    _, cursor = await numbers(cmms)
    shelf.put(3, 90, status="DONE")
    assert (await numbers(cmms, cursor))[0] == ["3"]


async def test_a_change_in_the_same_moment_is_seen_by_its_status() -> None:
    shelf = shelf_of(2)
    _, cursor = await numbers(cmms_of(shelf))
    shelf.put(2, 10, status="IN_PROGRESS")
    assert (await numbers(cmms_of(shelf), cursor))[0] == ["2"]


async def test_a_change_that_is_stamped_a_little_back_is_not_missed() -> None:
    shelf = shelf_of(5)
    _, cursor = await numbers(cmms_of(shelf))
    shelf.put(9, 24)
    assert (await numbers(cmms_of(shelf), cursor))[0] == ["9"]


async def test_an_order_that_moves_to_the_end_during_a_poll_hides_none() -> None:
    shelf = shelf_of(25)
    given, cursor = [], None
    for _ in range(3):
        got = await cmms_of(shelf).changed_since(cursor)
        given += [record.ref.id for record in got.records]
        cursor = got.cursor
    shelf.put(1, 500)
    rest, _ = await numbers(cmms_of(shelf), cursor)
    assert set(given) | set(rest) == {str(number) for number in range(1, 26)}
    assert rest[-1] == "1"


async def test_more_orders_near_the_last_change_than_a_page_has_are_passed() -> None:
    shelf = shelf_of(35, step=0.01)
    _, cursor = await numbers(cmms_of(shelf))
    shelf.put(99, 0.5)
    assert (await numbers(cmms_of(shelf), cursor))[0] == ["99"]


@pytest.mark.parametrize("minutes", [60 * 24 * 365 * 100], ids=["far"])
async def test_a_change_in_the_future_is_reported_once_and_moves_nothing(minutes: float) -> None:
    shelf = shelf_of(3)
    shelf.put(2, minutes)
    records, unreadable, cursor = await polled(cmms_of(shelf), None)
    assert [record.ref.id for record in records] == ["1", "3"]
    assert [(each.field, "future" in each.reason) for each in unreadable] == [("updatedAt", True)]
    shelf.put(4, 30)
    assert (await numbers(cmms_of(shelf), cursor))[0] == ["4"]


@pytest.mark.parametrize("stamp", [None, 5, "soon", "2026-11-21T06:50:10"], ids=str)
async def test_a_row_without_a_date_is_reported_once_and_hides_no_other(stamp: object) -> None:
    shelf = shelf_of(12)
    shelf.orders[2]["updatedAt"] = stamp
    records, unreadable, cursor = await polled(cmms_of(shelf), None)
    assert len(records) == 11
    assert [(each.record, each.field) for each in unreadable] == [("2", "updatedAt")]
    assert (await polled(cmms_of(shelf), cursor))[:2] == ([], [])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": f"Bearing [{KEY}]\0"}, "title"),
        ({"createdAt": "soon"}, "createdAt"),
        ({"externalData": None}, "externalData"),
        ({"title": "Bearing [MW22222222]"}, "title"),
        ({"status": "DONE", "extraFields": 5}, "extraFields"),
    ],
    ids=str,
)
async def test_an_order_that_cannot_be_read_is_reported_and_hides_no_other(changes: dict[str, Any], field: str) -> None:
    shelf = shelf_of(5)
    shelf.orders[2] |= changes
    records, unreadable, cursor = await polled(cmms_of(shelf), None)
    assert [record.ref.id for record in records] == ["1", "3", "4", "5"]
    assert [(each.record, each.field) for each in unreadable] == [("2", field)]
    assert (await polled(cmms_of(shelf), cursor))[:2] == ([], [])
    shelf.put(2, 60)
    assert (await numbers(cmms_of(shelf), cursor))[0] == ["2"]


@pytest.mark.parametrize("status", [400, 403])
async def test_an_order_that_is_refused_is_reported_and_hides_no_other(status: int) -> None:
    shelf = shelf_of(5)
    shelf.singles[2] = httpx.Response(status, json={"error": "broken"})
    records, unreadable, _ = await polled(cmms_of(shelf), None)
    assert [record.ref.id for record in records] == ["1", "3", "4", "5"]
    assert [(each.record, "broken" in each.reason) for each in unreadable] == [("2", True)]


@pytest.mark.parametrize("answer", [[], {}, {"workOrder": None}, {"workOrder": [1]}, "text", 5], ids=str)
async def test_an_order_whose_answer_has_another_shape_is_reported(answer: object) -> None:
    shelf = shelf_of(3)
    shelf.singles[2] = httpx.Response(200, json=answer)
    records, unreadable, _ = await polled(cmms_of(shelf), None)
    assert (len(records), [each.record for each in unreadable]) == (2, ["2"])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(500, json={"error": "broken"}), Unavailable),
        (httpx.Response(503), Unavailable),
        (httpx.Response(200, content=b'{"workOrder": {"id": 2, "ti'), Refused),
        (httpx.Response(200, content=b""), Refused),
        (httpx.Response(204), Refused),
    ],
    ids=["failed", "not ready", "cut off", "empty", "without content"],
)
async def test_a_passing_fault_on_one_order_of_a_poll_loses_no_change(
    answer: httpx.Response, kind: type[ConnectorError]
) -> None:
    shelf = shelf_of(5)
    shelf.singles[2] = answer
    cmms = cmms_of(shelf)
    with pytest.raises(kind):
        await cmms.changed_since(None)
    del shelf.singles[2]
    assert (await numbers(cmms))[0] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(("status", "kind"), [(401, ActionRequired), (429, Unavailable), (502, Unavailable)])
async def test_what_is_about_all_orders_ends_the_poll(status: int, kind: type[Exception]) -> None:
    shelf = shelf_of(3)
    shelf.singles[2] = httpx.Response(status)
    with pytest.raises(kind):
        await polled(cmms_of(shelf), None)


async def test_an_order_that_is_deleted_meanwhile_and_those_of_people_are_passed() -> None:
    shelf = shelf_of(8)
    shelf.singles[1] = httpx.Response(404, json={"error": "Not found"})
    for number in (2, 3, 4):
        shelf.orders[number] |= {"title": "Ask [MW-12]", "externalData": "of people"}
    assert (await numbers(cmms_of(shelf)))[0] == ["5", "6", "7", "8"]


async def test_a_list_without_orders_is_an_empty_page() -> None:
    got = await cmms_of(Shelf()).changed_since(None)
    assert (got.records, got.unreadable) == ((), ())
    assert (await cmms_of(Shelf()).changed_since(got.cursor)).cursor == got.cursor


async def test_a_list_that_gives_one_cursor_twice_is_refused() -> None:
    rows = itertools.repeat(page(listed(), cursor="again"))
    wire = MaintainXWire({"GET /workorders": lambda _: next(rows)})
    with pytest.raises(Refused, match="does not end"):
        await connected(wire).changed_since(None)


@pytest.mark.parametrize("cursor", ["", "{}x", '{"version": 2}', '{"seen": 1}'])
async def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    with pytest.raises(Refused, match="cursor"):
        await connected(MaintainXWire()).changed_since(cursor)
