"""A row of Maximo's that cannot be read is reported with its field, and hides no other row."""

import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.cmms.maximo import MaximoCmms, MaximoSettings, connect
from domain.clock import WallClock
from domain.cmms import OrderQuery
from domain.errors import ActionRequired, ConnectorError
from domain.unreadable import LONGEST_RAW
from domain.work_orders import ChangePage, WorkOrderRef, WorkOrderStatus
from tests.connectors.test_maximo_requests import BASE, HREF, order

SETTINGS = MaximoSettings.model_validate({"url": BASE, "api_key": "swordfish"})
KEY = "MWODDODDOD"
REF = WorkOrderRef(system="maximo", id="1300", locator=HREF, key=KEY)
LATER = "2015-01-05T03:01:00-05:00"
"""Within the overlap, for the answers here ignore what was asked for."""


def row(**changes: Any) -> str:
    return json.dumps(order(**changes))


def odd(field: str, value: str) -> str:
    """A row in which the JSON of one field is this text; no text leaves the field out."""
    plain = order(wonum="1300", externalrefid=KEY)
    del plain["href"]
    fields = {name: json.dumps(content) for name, content in plain.items()} | {field: value}
    return "{" + ", ".join(f'"{name}": {content}' for name, content in fields.items() if content) + "}"


ODDITIES = {
    "no number": (odd("wonum", ""), "wonum"),
    "null as number": (odd("wonum", "null"), "wonum"),
    "an empty number": (odd("wonum", '""'), "wonum"),
    "NaN as number": (odd("wonum", "NaN"), "wonum"),
    "a fraction as number": (odd("wonum", "1300.5"), "wonum"),
    "NUL in the number": (odd("wonum", '"13\\u000000"'), "wonum"),
    "a lone surrogate in the number": (odd("wonum", '"13\\ud80000"'), "wonum"),
    "NUL in our key": (odd("externalrefid", '"MWODD\\u0000"'), "externalrefid"),
    "no site": (odd("siteid", ""), "siteid"),
    "a list as status": (odd("status", '["WAPPR"]'), "status"),
    "no date": (odd("statusdate", ""), "statusdate"),
    "a text as date": (odd("statusdate", '"yesterday"'), "statusdate"),
    "a number as date": (odd("statusdate", "20150105"), "statusdate"),
    "digits as date": (odd("statusdate", '"20150105"'), "statusdate"),
    "the year 0001": (odd("statusdate", '"0001-01-01T00:00:00+00:00"'), "statusdate"),
    "the year 9999": (odd("statusdate", '"9999-12-31T23:59:59+00:00"'), "statusdate"),
    "an offset of 23 hours": (odd("statusdate", '"2015-01-05T03:00:00+23:00"'), "statusdate"),
    "a date far ahead": (odd("statusdate", '"2101-01-05T03:00:00+00:00"'), "statusdate"),
    "a finish in the year 9999": (odd("actfinish", '"9999-12-31T23:59:59"'), "actfinish"),
    "NaN hours": (odd("labtrans", '[{"laborcode": "A", "regularhrs": NaN}]'), "labtrans.0.regularhrs"),
    "infinite hours": (odd("labtrans", '[{"laborcode": "A", "regularhrs": 1e999}]'), "labtrans.0.regularhrs"),
    "NaN in a text as quantity": (odd("matusetrans", '[{"quantity": "NaN"}]'), "matusetrans.0.quantity"),
    "a text as quantity": (odd("matusetrans", '[{"quantity": "1,5"}]'), "matusetrans.0.quantity"),
    "a priority beyond int64": (odd("wopriority", "9223372036854775808"), "wopriority"),
    "a priority of 5000 digits": (odd("wopriority", "9" * 5000), "wopriority"),
    "null where a list is expected": (odd("worklog", "null"), "worklog"),
    "null in a list": (odd("worklog", "[null]"), "worklog.0"),
    "a number as row": ("7", None),
    "null as row": ("null", None),
}


class Maximo:
    """Answers every question with its rows, whatever was asked for."""

    def __init__(self, *rows: str) -> None:
        self.rows = list(rows)
        self.pages: list[list[str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if "jsonschemas" in request.url.path:
            return httpx.Response(200, json={"properties": {"externalrefid": {"maxLength": 10}, "changeby": {}}})
        if "mxapiasset" in request.url.path:
            return httpx.Response(200, json={"member": []})
        if request.url.path.endswith("/_X"):
            return httpx.Response(200, text=self.rows[0])
        pages = self.pages or [self.rows]
        number = int(request.url.params.get("pageno", "0"))
        onward = {"nextPage": {"href": f"{BASE}/os/mxapiwodetail?pageno={number + 1}"}}
        info = onward if number + 1 < len(pages) else {}
        members = ", ".join(pages[number])
        return httpx.Response(
            200, content=f'{{"member": [{members}], "responseInfo": {json.dumps(info)}}}'.encode("utf-8", "replace")
        )

    def connector(self) -> MaximoCmms:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return connect(SETTINGS, http, system="maximo", clock=WallClock())


async def polled(connector: MaximoCmms, cursor: str | None) -> list[ChangePage]:
    """The pages of one poll, as `poll-changes` reads them; more than ten mean that it does not end."""
    pages: list[ChangePage] = []
    while len(pages) < 10:
        page = await connector.changed_since(cursor)
        pages.append(page)
        if page.cursor == cursor or not (page.records or page.unreadable):
            return pages
        cursor = page.cursor
    raise AssertionError("the poll does not end")


def numbers(pages: Sequence[ChangePage]) -> list[str]:
    return [record.ref.id for page in pages for record in page.records]


def fields(pages: Sequence[ChangePage]) -> list[str | None]:
    return [record.field for page in pages for record in page.unreadable]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(("content", "field"), ODDITIES.values(), ids=ODDITIES)
async def test_a_poll_takes_the_other_rows_reports_the_odd_one_once_and_goes_on(
    content: str, field: str | None, place: int
) -> None:
    rows = [row(), row(wonum="1202", externalrefid="MWOTHEROTH")]
    maximo = Maximo(*rows[:place], content, *rows[place:])
    connector = maximo.connector()
    first = await polled(connector, None)
    assert numbers(first) == ["1201", "1202"]
    assert fields(first) == [field]
    maximo.rows.append(row(wonum="1203", statusdate=LATER))
    second = await polled(connector, first[-1].cursor)
    assert numbers(second) == ["1203"]
    assert fields(second) == []


@pytest.mark.parametrize(("content", "field"), ODDITIES.values(), ids=ODDITIES)
async def test_an_odd_order_that_is_read_needs_a_person_who_is_told_the_field(content: str, field: str | None) -> None:
    connector = Maximo(content).connector()
    for reading in (connector.read_work_order(REF), connector.find_work_orders(OrderQuery(key=KEY))):
        with pytest.raises(ActionRequired) as caught:
            await reading
        assert caught.value.field == field
        assert "cannot be read" in caught.value.problem


async def test_hours_that_add_up_to_infinity_are_reported_with_their_field() -> None:
    done = {"status": "COMP", "labtrans": [{"laborcode": "A", "regularhrs": 1e308}] * 2}
    maximo = Maximo(row(wonum="1300", **done), row())
    pages = await polled(maximo.connector(), None)
    assert (numbers(pages), fields(pages)) == (["1201"], ["hours"])
    with pytest.raises(ActionRequired) as caught:
        await maximo.connector().read_work_order(REF.model_copy(update={"key": "MWABCDEFGH"}))
    assert caught.value.field == "hours"


async def test_rows_of_one_number_and_two_keys_are_both_reported() -> None:
    maximo = Maximo(row(), row(wonum="1300", externalrefid="MWA"), row(wonum="1300", externalrefid="MWB"))
    pages = await polled(maximo.connector(), None)
    assert (numbers(pages), fields(pages)) == (["1201"], ["wonum", "wonum"])


async def test_a_row_that_comes_twice_is_one_order() -> None:
    pages = await polled(Maximo(row(), row()).connector(), None)
    assert (numbers(pages), fields(pages)) == (["1201"], [])


@pytest.mark.parametrize("number", ["1201", '"1201"'])
async def test_a_number_and_a_text_are_the_same_number_of_an_order(number: str) -> None:
    pages = await polled(Maximo(odd("wonum", number)).connector(), None)
    assert (numbers(pages), fields(pages)) == (["1201"], [])


async def test_an_unknown_status_is_work_in_progress() -> None:
    pages = await polled(Maximo(odd("status", '"PARKED"')).connector(), None)
    assert pages[0].records[0].status is WorkOrderStatus.IN_PROGRESS


async def test_what_cannot_be_stored_in_the_words_of_people_is_shown() -> None:
    note = '[{"description": "wet\\u0000 and \\ud800worn", "createby": "TECH"}]'
    content = odd("worklog", note).replace('"WAPPR"', '"COMP"')
    pages = await polled(Maximo(content).connector(), None)
    report = pages[0].records[0].report
    assert report is not None
    assert report.notes == ("wet\ufffd and \ufffdworn",)


async def test_bytes_that_are_not_utf_8_spoil_no_other_row() -> None:
    rows = b"%s, %s" % (row().encode(), odd("wonum", '"J\xfcrgen"').encode("latin-1"))
    latin = httpx.Response(200, content=b'{"member": [%s]}' % rows)
    none = Maximo()
    answers = httpx.MockTransport(lambda request: none(request) if "schemas" in request.url.path else latin)
    connector = connect(SETTINGS, httpx.AsyncClient(transport=answers), system="maximo", clock=WallClock())
    pages = await polled(connector, None)
    assert (numbers(pages), fields(pages)) == (["1201"], ["wonum"])


async def test_the_report_names_the_record_and_has_its_content_within_bounds() -> None:
    content = odd("description", json.dumps("swordfish\0" + "x" * 9000)).replace('"wonum": "1300", ', "")
    (page, *_) = await polled(Maximo(content).connector(), None)
    (report,) = page.unreadable
    assert (report.system, report.record, report.reason) == ("maximo", KEY, "is missing")
    assert len(report.raw) == LONGEST_RAW
    assert "[secret]\ufffd" in report.raw.replace("\\u0000", "\ufffd")
    assert "\0" not in report.raw


async def test_an_odd_row_that_is_corrected_comes_as_an_order_and_one_that_changes_is_reported_again() -> None:
    maximo = Maximo(odd("statusdate", '"yesterday"'))
    connector = maximo.connector()
    cursor = (await polled(connector, None))[-1].cursor
    maximo.rows = [odd("statusdate", '"tomorrow"')]
    second = await polled(connector, cursor)
    assert fields(second) == ["statusdate"]
    maximo.rows = [odd("statusdate", json.dumps(LATER))]
    assert numbers(await polled(connector, second[-1].cursor)) == ["1300"]


@pytest.mark.parametrize("date", [json.dumps(LATER), '"yesterday"'])
async def test_a_page_of_which_no_row_can_be_read_does_not_hide_the_next_page(date: str) -> None:
    maximo = Maximo()
    bad = [odd("siteid", "null").replace('"1300"', f'"13{number:02}"') for number in range(3)]
    dated = [content.replace('"2015-01-05T03:00:00-05:00"', date) for content in bad]
    maximo.pages = [dated, [row(statusdate=LATER)]]
    connector = maximo.connector()
    pages = await polled(connector, None)
    reached = await polled(connector, pages[-1].cursor)
    assert numbers([*pages, *reached]) == ["1201"]
    assert len(fields([*pages, *reached])) == 3


async def test_more_rows_without_a_date_than_a_cursor_remembers_do_not_keep_a_poll_from_ending() -> None:
    maximo = Maximo(*(odd("statusdate", f'"day {number}"') for number in range(1500)), row())
    connector = maximo.connector()
    first = await polled(connector, None)
    assert numbers(first) == ["1201"]
    assert numbers(await polled(connector, first[-1].cursor)) == []
    assert len(first[-1].cursor) < 40_000


async def test_an_odd_row_of_somebody_else_is_not_reported() -> None:
    pages = await polled(Maximo(odd("wonum", "").replace(KEY, "THEIRS")).connector(), None)
    assert fields(pages) == []


async def test_a_cursor_with_odd_rows_is_read_by_builds_that_know_none() -> None:
    pages = await polled(Maximo(odd("statusdate", '"yesterday"')).connector(), None)
    kept = json.loads(pages[-1].cursor)
    assert kept.keys() == {"version", "watermark", "seen"}
    assert all(isinstance(second, int) for second in kept["seen"].values())


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None))
    | st.sampled_from(["0001-01-01", "9999-12-31T23:59:59Z", "2015-01-05T03:00:00-05:00", "MWABCDEFGH", "COMP"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    *("wonum", "siteid", "status", "status_maxvalue", "statusdate", "reportdate", "href", "_rowstamp", "assetnum"),
    *("wopriority", "externalrefid", "changeby", "actstart", "actfinish", "failurecode", "failurereport", "labtrans"),
    *("matusetrans", "worklog", "wostatus", "description_longdescription"),
)
ROWS = VALUES | st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4).map(lambda changes: order() | changes)


@given(st.lists(ROWS, max_size=3))
def test_no_row_whatever_makes_a_poll_raise_anything_but_our_own_errors(contents: list[object]) -> None:
    import asyncio

    async def poll() -> None:
        connector = Maximo(*(json.dumps(content) for content in contents), row(wonum="9000")).connector()
        try:
            pages = await polled(connector, None)
        except ConnectorError:
            return
        assert "9000" in numbers(pages) or any(fields(pages))

    asyncio.run(poll())
