"""What the Maximo connector puts on the wire, and what it makes of answers that no polite server gives."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors.cmms.maximo import MaximoCmms, MaximoSettings, connect
from connectors.cmms.maximo.client import transaction_id
from domain.clock import WallClock
from domain.cmms import OrderQuery
from domain.errors import ActionRequired, Refused, Unavailable
from domain.work_orders import Touched, WorkOrderDraft, WorkOrderRef, WorkOrderStatus

BASE = "https://eam.test/maximo/api"
SETTINGS = MaximoSettings.model_validate({"url": BASE, "api_key": "swordfish", "time_zone": "America/New_York"})
HREF = f"{BASE}/os/mxapiwodetail/_X"
BY_KEY = OrderQuery(key="MWABCDEFGH")
REF = WorkOrderRef(system="maximo", id="1201", locator=HREF, key="MWABCDEFGH")
DRAFT = WorkOrderDraft(
    key="MWABCDEFGH",
    asset="m1/comp1",
    asset_attributes={"siteid": "BEDFORD"},
    asset_external_id="11430",
    summary="Bearing",
    paragraphs=("Seen.",),
    failure_mode="VIB",
    priority=1,
    released=False,
    reported_at=datetime(2015, 1, 5, tzinfo=UTC),
)


def order(**changes: Any) -> dict[str, Any]:
    return {
        "href": HREF,
        "wonum": "1201",
        "siteid": "BEDFORD",
        "status": "WAPPR",
        "statusdate": "2015-01-05T03:00:00-05:00",
        "externalrefid": "MWABCDEFGH",
        "assetnum": "11430",
        **changes,
    }


def members(*orders: dict[str, Any], next_page: str | None = None) -> httpx.Response:
    info = {"nextPage": {"href": next_page}} if next_page else {}
    return httpx.Response(200, json={"member": list(orders), "responseInfo": info})


class Wire:
    """Answers one after another, and what was asked; the schema is answered on the side."""

    def __init__(self, *answers: httpx.Response | Callable[[httpx.Request], httpx.Response]) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if "jsonschemas" in request.url.path:
            return httpx.Response(200, json={"properties": {"externalrefid": {"maxLength": 10}, "changeby": {}}})
        self.asked.append(request)
        answer = self._answers.pop(0)
        return answer if isinstance(answer, httpx.Response) else answer(request)

    def connector(self) -> MaximoCmms:
        return connect(
            SETTINGS, httpx.AsyncClient(transport=httpx.MockTransport(self)), system="maximo", clock=WallClock()
        )


async def test_every_request_is_lean_on_the_public_route_with_the_key_in_a_header() -> None:
    wire = Wire(members())
    assert await wire.connector().find_work_orders(BY_KEY) == ()
    (request,) = wire.asked
    assert request.url.path == "/maximo/api/os/mxapiwodetail"
    assert request.url.params["lean"] == "1"
    assert request.url.params["oslc.where"] == 'externalrefid="MWABCDEFGH"'
    assert "changeby" in request.url.params["oslc.select"]
    assert request.headers["apikey"] == "swordfish"
    assert request.headers["x-public-uri"] == BASE
    assert "swordfish" not in str(request.url)


async def test_where_a_sites_orders_have_no_date_of_report_neither_is_it_asked_for_nor_filtered_by() -> None:
    wire = Wire(members())
    query = OrderQuery(asset_external_id="11430", since=datetime(2015, 1, 5, tzinfo=UTC))
    assert await wire.connector().find_work_orders(query) == ()
    asked = wire.asked[0].url.params
    assert asked["oslc.where"] == 'assetnum="11430" and statusdate>="2015-01-04T19:00:00"'
    assert "reportdate" not in asked["oslc.select"]


async def test_an_order_is_looked_up_created_under_a_transaction_and_read_back() -> None:
    wire = Wire(members(), httpx.Response(201), members(order()))
    record = await wire.connector().create_work_order(DRAFT)
    assert (record.ref.id, record.ref.key, record.touched) == ("1201", "MWABCDEFGH", Touched.UNKNOWN)
    look, create, back = wire.asked
    assert look.url == back.url
    assert create.method == "POST"
    assert create.headers["transactionid"] == transaction_id("create", "MWABCDEFGH")
    assert create.headers["properties"] == "wonum,siteid,status,href"
    assert "x-method-override" not in create.headers
    assert json.loads(create.content)["externalrefid"] == "MWABCDEFGH"


async def test_an_order_that_is_there_is_not_created() -> None:
    wire = Wire(members(order()))
    await wire.connector().create_work_order(DRAFT)
    assert [request.method for request in wire.asked] == ["GET"]


@pytest.mark.parametrize(
    "duplicate",
    [
        httpx.Response(409),
        httpx.Response(400, json={"Error": {"reasonCode": "BMXAA4129E", "message": "duplicate", "statusCode": "400"}}),
    ],
)
async def test_an_order_that_another_process_made_meanwhile_is_found(duplicate: httpx.Response) -> None:
    record = await Wire(members(), duplicate, members(order())).connector().create_work_order(DRAFT)
    assert record.ref.id == "1201"


async def test_a_transaction_taken_whose_order_is_not_to_be_seen_is_asked_for_again_later() -> None:
    with pytest.raises(Unavailable) as caught:
        await Wire(members(), httpx.Response(409), members()).connector().create_work_order(DRAFT)
    assert caught.value.retry_after is not None


async def test_a_site_that_does_not_keep_our_key_is_named_before_a_second_order_is_made() -> None:
    with pytest.raises(ActionRequired) as caught:
        await Wire(members(), httpx.Response(201), members()).connector().create_work_order(DRAFT)
    assert caught.value.field == "externalrefid"


async def test_two_orders_with_one_key_need_a_person_who_is_told_their_numbers() -> None:
    both = members(order(), order(wonum="1202"))
    assert [found.ref.id for found in await Wire(both).connector().find_work_orders(BY_KEY)] == ["1201", "1202"]
    with pytest.raises(ActionRequired, match=r"1201 \(BEDFORD\), 1202 \(BEDFORD\)"):
        await Wire(both).connector().create_work_order(DRAFT)


async def test_one_order_answered_twice_is_one_order() -> None:
    assert len(await Wire(members(order(), order())).connector().find_work_orders(BY_KEY)) == 1


async def test_an_order_of_the_key_on_another_asset_needs_a_person() -> None:
    with pytest.raises(ActionRequired) as caught:
        await Wire(members(order(assetnum="99999"))).connector().create_work_order(DRAFT)
    assert caught.value.field == "assetnum"


async def test_an_order_of_the_key_on_an_asset_of_the_same_number_at_another_site_needs_a_person() -> None:
    wire = Wire(members(order(siteid="NASHUA")))
    with pytest.raises(ActionRequired, match="asset 11430 of site NASHUA, not 11430 of site BEDFORD") as caught:
        await wire.connector().create_work_order(DRAFT.model_copy(update={"released": True}))
    assert caught.value.field == "siteid"
    assert [request.method for request in wire.asked] == ["GET"]


async def test_an_order_whose_text_names_another_key_needs_a_person() -> None:
    wire = Wire(members(order(description_longdescription="Millwright key: MWZZZZZZZZ")))
    with pytest.raises(ActionRequired) as caught:
        await wire.connector().find_work_orders(BY_KEY)
    assert caught.value.field == "externalrefid"


async def test_a_draft_whose_site_nobody_knows_needs_a_person() -> None:
    with pytest.raises(ActionRequired) as caught:
        await Wire().connector().create_work_order(DRAFT.model_copy(update={"asset_attributes": {}}))
    assert caught.value.field == "siteid"


async def test_a_key_with_a_quotation_mark_never_reaches_a_filter() -> None:
    wire = Wire()
    with pytest.raises(Refused):
        await wire.connector().find_work_orders(OrderQuery(key='MW" or 1=1'))
    assert wire.asked == []


async def test_a_released_draft_is_approved_by_the_method_and_read_back() -> None:
    wire = Wire(members(order()), httpx.Response(204), httpx.Response(200, json=order(status="APPR")))
    record = await wire.connector().create_work_order(DRAFT.model_copy(update={"released": True}))
    assert record.status is WorkOrderStatus.APPROVED
    change = wire.asked[1]
    assert change.method == "POST"
    assert str(change.url) == f"{HREF}?action=wsmethod%3AchangeStatus&lean=1"
    assert change.headers["x-method-override"] == "PATCH"
    assert json.loads(change.content) == {"status": "APPR", "memo": "Millwright MWABCDEFGH"}


async def test_an_order_that_a_planner_moved_in_the_same_moment_is_returned_as_it_is() -> None:
    illegal = httpx.Response(400, json={"Error": {"reasonCode": "BMXAA4590E", "message": "no", "statusCode": "400"}})
    wire = Wire(httpx.Response(200, json=order()), illegal, httpx.Response(200, json=order(status="CAN")))
    record = await wire.connector().release_work_order(REF, "memo")
    assert record.status is WorkOrderStatus.CANCELLED


async def test_a_status_that_the_site_does_not_allow_needs_a_person() -> None:
    illegal = httpx.Response(400, json={"Error": {"reasonCode": "BMXAA4590E", "message": "no", "statusCode": "400"}})
    wire = Wire(httpx.Response(200, json=order()), illegal, httpx.Response(200, json=order()))
    with pytest.raises(ActionRequired, match="BMXAA4590E"):
        await wire.connector().release_work_order(REF, "memo")


async def test_a_memo_is_cut_to_maximos_length() -> None:
    ours = httpx.Response(200, json=order(changeby="MILLWRIGHT"))
    wire = Wire(ours, httpx.Response(204), httpx.Response(200, json=order(status="CAN")))
    await wire.connector().withdraw_work_order(REF, "word " * 40)
    assert len(json.loads(wire.asked[1].content)["memo"]) <= 50


async def test_a_note_is_merged_so_that_no_child_row_is_lost() -> None:
    wire = Wire(httpx.Response(200, json=order()), httpx.Response(409))
    await wire.connector().add_note(REF, "n1", "Seen again.")
    merge = wire.asked[1]
    assert merge.headers["x-method-override"] == "PATCH"
    assert merge.headers["patchtype"] == "MERGE"
    assert json.loads(merge.content) == {"worklog": [{"description": "[MW:n1] Seen again."}]}


@pytest.mark.parametrize(
    "href",
    ["http://inner-name:9080/maximo/oslc/os/mxapiwodetail/_X", "https://evil.test/os/mxapiwodetail/_X"],
)
async def test_our_key_goes_to_the_configured_host_only(href: str) -> None:
    wire = Wire(httpx.Response(200, json=order()))
    await wire.connector().read_work_order(REF.model_copy(update={"locator": href}))
    assert str(wire.asked[0].url).startswith(f"{HREF}?")


@pytest.mark.parametrize("href", ["https://eam.test/elsewhere", "https://eam.test/os/../../oslc/logout"])
async def test_an_address_that_is_no_orders_is_refused(href: str) -> None:
    with pytest.raises(Refused):
        await Wire().connector().read_work_order(REF.model_copy(update={"locator": href}))


async def test_an_order_without_an_address_is_found_by_its_key() -> None:
    wire = Wire(members(order()))
    assert (await wire.connector().read_work_order(REF.model_copy(update={"locator": None}))).ref.locator == HREF
    assert wire.asked[0].url.params["oslc.where"] == 'externalrefid="MWABCDEFGH"'


async def test_downtime_that_we_may_not_read_is_left_out_of_the_report() -> None:
    completed = order(status="COMP", actstart="2015-01-05T03:00:00-05:00", actfinish="2015-01-05T04:00:00-05:00")
    wire = Wire(httpx.Response(200, json=completed), httpx.Response(403))
    report = (await wire.connector().read_work_order(REF)).report
    assert report is not None
    assert report.downtime is None


async def test_a_report_waits_where_the_login_ends_between_the_order_and_its_downtime() -> None:
    completed = order(status="COMP", actstart="2015-01-05T03:00:00-05:00", actfinish="2015-01-05T04:00:00-05:00")
    with pytest.raises(ActionRequired):
        await Wire(httpx.Response(200, json=completed), httpx.Response(401)).connector().read_work_order(REF)


async def test_the_schema_is_read_once_and_stock_lengths_serve_where_it_is_forbidden() -> None:
    schemas = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal schemas
        if "jsonschemas" in request.url.path:
            schemas += 1
            return httpx.Response(403)
        return members(order())

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        connector = connect(SETTINGS, http, system="maximo", clock=WallClock())
        for _ in range(3):
            assert await connector.find_work_orders(BY_KEY)
    assert schemas == 1


async def test_changes_are_asked_for_by_local_time_in_ascending_order() -> None:
    wire = Wire(members(order(statusdate="2015-01-05T03:00:00.250-05:00")), members())
    connector = wire.connector()
    first = await connector.changed_since(None)
    await connector.changed_since(first.cursor)
    assert wire.asked[0].url.params["oslc.where"] == 'externalrefid="%MW%"'
    assert wire.asked[0].url.params["oslc.orderBy"] == "+statusdate,+wonum"
    assert "oslc.orderBy=%2Bstatusdate" in str(wire.asked[0].url)
    assert wire.asked[1].url.params["oslc.where"] == 'externalrefid="%MW%" and statusdate>="2015-01-05T02:58:01"'


async def test_orders_of_others_are_passed_over() -> None:
    others = members(order(externalrefid="XMW1"), order(wonum="7", externalrefid=None), next_page=f"{HREF}?pageno=2")
    page = await Wire(others, members(order())).connector().changed_since(None)
    assert [record.ref.id for record in page.records] == ["1201"]


async def test_a_whole_page_of_one_second_is_passed_by_its_next_page() -> None:
    onward = f"{BASE}/os/mxapiwodetail?pageno=2"
    first = members(order(), next_page=onward)
    wire = Wire(first, first, first, members(order(wonum="1202")))
    connector = wire.connector()
    given = await connector.changed_since(None)
    page = await connector.changed_since(given.cursor)
    assert [record.ref.id for record in page.records] == ["1202"]
    assert str(wire.asked[-1].url) == onward


async def test_pages_that_lead_in_a_circle_come_to_an_end() -> None:
    page = members(order(), next_page=f"{BASE}/os/mxapiwodetail?pageno=2")
    connector = Wire(page, page, page, page, page).connector()
    given = await connector.changed_since(None)
    with pytest.raises(Refused, match="circle"):
        await connector.changed_since(given.cursor)


async def test_a_cursor_that_is_not_ours_is_refused() -> None:
    with pytest.raises(Refused, match="cursor"):
        await Wire().connector().changed_since("yesterday")
