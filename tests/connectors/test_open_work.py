"""The open work on an asset, as each connector asks for it: one page, newest first, read row by row."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from domain.errors import ActionRequired
from domain.open_work import OpenWork, OpenWorkQuery
from domain.ports import Cmms
from domain.work_orders import RecordKind, WorkOrderStatus
from tests.connectors import atlas_answers as atlas
from tests.connectors import maintainx_answers as maintainx
from tests.connectors import sap_pm_answers as sap
from tests.connectors import test_maximo_requests as maximo
from tests.connectors import test_odoo_cmms_requests as odoo

SINCE = datetime(2015, 1, 1, tzinfo=UTC)


def about(asset: str, **attributes: str) -> OpenWorkQuery:
    return OpenWorkQuery(asset_external_id=asset, asset_attributes=attributes, since=SINCE)


def told(found: OpenWork) -> list[tuple[str, str, WorkOrderStatus, str | None]]:
    return [(order.ref.id, order.ref.key, order.status, order.summary) for order in found.orders]


class MaximoSite(maximo.Wire):
    """Its orders have a date of the report."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if "jsonschemas" in request.url.path:
            return httpx.Response(200, json={"properties": {"externalrefid": {"maxLength": 10}, "reportdate": {}}})
        return super().__call__(request)


def maximo_row(**changes: Any) -> dict[str, Any]:
    row = {"reportdate": "2015-01-04T03:00:00-05:00", "reportedby": "SMITH", "description": "Noise", **changes}
    return maximo.order(externalrefid=None, **row)


async def test_maximo_is_asked_for_the_newest_orders_that_are_not_finished() -> None:
    wire = MaximoSite(maximo.members(maximo_row(), maximo.order(wonum="1200", reportdate="2015-01-03T03:00:00")))
    found = await wire.connector().find_open_work(about("11430", siteid="BEDFORD"))
    assert told(found) == [
        ("1201", "", WorkOrderStatus.WAITING_APPROVAL, "Noise"),
        ("1200", "MWABCDEFGH", WorkOrderStatus.WAITING_APPROVAL, None),
    ]
    assert (found.orders[0].reported_by, found.complete) == ("SMITH", True)
    assert found.orders[0].reported_at == datetime(2015, 1, 4, 8, tzinfo=UTC)
    (asked,) = [request.url.params for request in wire.asked]
    assert asked["oslc.where"] == 'assetnum="11430" and siteid="BEDFORD" and reportdate>="2014-12-31T19:00:00"'
    assert asked["domaininternalwhere"] == "status!=COMP,CLOSE,CAN"
    assert (asked["oslc.orderBy"], asked["oslc.pageSize"]) == ("-reportdate,-wonum", "50")
    assert "worklog" not in asked["oslc.select"]


async def test_maximo_without_a_date_of_the_report_is_asked_by_the_date_of_the_status() -> None:
    wire = maximo.Wire(maximo.members(maximo_row(reportdate=None)))
    found = await wire.connector().find_open_work(about("11430"))
    assert found.orders[0].reported_at is None
    assert wire.asked[0].url.params["oslc.orderBy"] == "-statusdate,-wonum"
    assert "reportdate" not in str(wire.asked[0].url)


def finished_in_maximo() -> httpx.Response:
    return maximo.members(maximo_row(status="DONE", status_maxvalue="CLOSE"), maximo_row(wonum="1202"))


async def test_a_finished_order_of_maximos_that_comes_all_the_same_is_left_out() -> None:
    found = await maximo.Wire(finished_in_maximo()).connector().find_open_work(about("11430"))
    assert [order.ref.id for order in found.orders] == ["1202"]


async def test_odoo_is_asked_for_the_newest_requests_that_are_not_done() -> None:
    theirs = {
        **odoo.REQUEST, "id": 8, "name": "It drips", "create_uid": [9, "Pat Planner"], "kanban_state": "blocked",
    }  # fmt: skip
    made = odoo.site(request_search=[theirs, odoo.REQUEST], request_ids={"7": f"millwright.order_{odoo.KEY}", "8": ""})
    found = await made.cmms().find_open_work(about("M001-COMP1"))
    assert told(found) == [
        ("8", "", WorkOrderStatus.ON_HOLD, "It drips"),
        ("7", odoo.KEY, WorkOrderStatus.APPROVED, "Voltage"),
    ]
    assert found.orders[0].reported_by == "Pat Planner"
    (asked,) = made.bodies("maintenance.request/search_read")
    assert asked["domain"] == [
        ["equipment_id.serial_no", "=", "M001-COMP1"], ["create_date", ">=", "2015-01-01 00:00:00"],
        "|", ["stage_id", "=", False], ["stage_id.done", "=", False], ["archive", "=", False],
    ]  # fmt: skip
    assert (asked["order"], asked["limit"]) == ("create_date desc, id desc", 50)
    assert "description" not in asked["fields"]
    assert not made.bodies("mail.message/search_read")


async def test_a_stage_of_odoos_that_means_cancelled_is_not_open() -> None:
    over = {**odoo.REQUEST, "stage_id": [4, "Scrap"]}
    found = await odoo.site(request_search=[over]).cmms().find_open_work(about("M001-COMP1"))
    assert found.orders == ()


async def test_sap_is_asked_for_the_newest_notifications_and_orders_of_the_object() -> None:
    theirs = sap.notification(
        MaintenanceNotification="10000002", MaintNotifExtReferenceNumber="", ReportedByUser="SMITH",
        NotificationText="Noise", CreationDateTime=sap.LATER, MaintenanceOrder="4000001",
    )  # fmt: skip
    alone = sap.order(
        MaintenanceOrder="4000009", MaintenanceNotification="", MaintOrderCreationDateTime=sap.MADE,
        MaintenanceOrderDesc="Oil", CreatedByUser="PLANNER",
    )  # fmt: skip
    made = sap.order(MaintenanceNotification="10000002")
    wire = sap.Wire(sap.listed(theirs), sap.listed(alone), sap.listed(made))
    found = await wire.connector().find_open_work(about("10004711"))
    assert told(found) == [
        ("10000002", "", WorkOrderStatus.APPROVED, "Noise"),
        ("4000009", "", WorkOrderStatus.APPROVED, "Oil"),
    ]
    newest, other = found.orders
    assert newest.order is not None
    assert (newest.ref.kind, newest.order.id, newest.reported_by) == (RecordKind.REQUEST, "4000001", "SMITH")
    assert (other.reported_by, found.complete) == ("PLANNER", True)
    notifications, orders, _ = wire.asked
    assert sap.filter_of(notifications) == (
        "TechnicalObject eq '10004711' and TechObjIsEquipOrFuncnlLoc eq 'EAMS_EQUI' and "
        "CreationDateTime ge datetimeoffset'2015-01-01T00:00:00Z'"
    )
    assert sap.filter_of(orders).startswith("MaintenanceNotification eq '' and TechnicalObject eq '10004711'")
    assert [request.url.params["$orderby"] for request in (notifications, orders)] == [
        "CreationDateTime desc",
        "MaintOrderCreationDateTime desc",
    ]
    assert notifications.url.params["$top"] == "50"


async def test_a_notification_of_saps_that_is_over_is_not_open() -> None:
    over = sap.notification(ConcatenatedActiveSystStsName="NOCO")
    found = await sap.Wire(sap.listed(over), sap.listed(), sap.listed()).connector().find_open_work(about("10004711"))
    assert found.orders == ()


async def test_sap_names_an_order_that_cannot_be_read_and_the_others_are_told() -> None:
    second = sap.notification(MaintenanceNotification="10000002", MaintenanceOrder="4000002")
    odd = sap.order(MaintenanceOrder="4000002", MaintenanceNotification="10000002", LastChangeDateTime="yesterday")
    wire = sap.Wire(sap.listed(sap.notification(), second), sap.listed(), sap.listed(odd))
    found = await wire.connector().find_open_work(about("10004711"))
    assert [order.ref.id for order in found.orders] == ["10000001"]
    (problem,) = found.unreadable
    assert "4000002" in problem
    assert "LastChangeDateTime" in problem


async def test_atlas_is_asked_for_the_newest_open_orders_and_requests() -> None:
    wire = atlas.AtlasWire()
    theirs = atlas.order(
        id=7, customId="WO000007", title="It drips &amp; smells", description=None, status="ON_HOLD", createdBy=3,
        createdAt="2026-11-22T06:50:10.399Z",
    )  # fmt: skip
    rejected = {**atlas.request(), "id": 10, "cancelled": True}
    approved = {**atlas.request(), "id": 11, "workOrder": {"id": 7, "customId": "WO000007", "title": "It drips"}}
    wire.answer(
        {
            "POST /assets/search": atlas.page(atlas.ASSET),
            "POST /work-orders/search": atlas.page(theirs, atlas.order(archived=True)),
            "POST /requests/search": atlas.page(atlas.request(), rejected, approved),
        }
    )
    found = await atlas.connected(wire).find_open_work(about("EQ-7"))
    assert told(found) == [
        ("WO000007", "", WorkOrderStatus.ON_HOLD, "It drips & smells"),
        ("R000001", atlas.KEY, WorkOrderStatus.WAITING_APPROVAL, f"Bearing wear on Press 7 [{atlas.KEY}]"),
    ]
    assert found.complete
    searches = [each for each in wire.asked if each.url.path.endswith(("/work-orders/search", "/requests/search"))]
    orders, requests = (atlas.sent(each) for each in searches)
    since = {"field": "createdAt", "operation": "ge", "value": "2015-01-01T00:00:00.000Z", "enumName": "JS_DATE"}
    asset = {"field": "asset", "operation": "eq", "value": 5}
    states = ["OPEN", "IN_PROGRESS", "ON_HOLD"]
    is_open = {"field": "status", "operation": "in", "value": "", "values": states, "enumName": "STATUS"}
    assert orders["filterFields"] == [asset, since, is_open]
    assert requests["filterFields"] == [asset, since]
    assert {(each["direction"], each["sortField"]) for each in (orders, requests)} == {("DESC", "id")}


async def test_an_order_of_atlas_that_was_made_from_a_request_has_both_numbers() -> None:
    wire = atlas.AtlasWire()
    wire.answer(
        {
            "POST /assets/search": atlas.page(atlas.ASSET),
            "POST /work-orders/search": atlas.page(atlas.order(parentRequest=atlas.PARENT)),
            "POST /requests/search": atlas.page(),
        }
    )
    (found,) = (await atlas.connected(wire).find_open_work(about("EQ-7"))).orders
    assert found.order is not None
    assert (found.ref.id, found.order.id) == ("R000001", "WO000001")


async def test_atlas_that_does_not_know_the_asset_says_so() -> None:
    wire = atlas.AtlasWire()
    wire.answer({"POST /assets/search": atlas.page()})
    with pytest.raises(ActionRequired, match="has no asset with the barCode EQ-7"):
        await atlas.connected(wire).find_open_work(about("EQ-7"))


def maximo_with(rows: Sequence[dict[str, Any]], *, more: bool) -> Cmms:
    following = f"{maximo.BASE}/os/mxapiwodetail?pageno=2" if more else None
    return maximo.Wire(maximo.members(*rows, next_page=following)).connector()


def odoo_with(rows: Sequence[dict[str, Any]], *, more: bool) -> Cmms:
    made = odoo.site(request_search=[*rows], request_ids={str(row["id"]): "" for row in rows})
    return made.cmms(page_size=len(rows) if more else 50)


def sap_with(rows: Sequence[dict[str, Any]], *, more: bool) -> Cmms:
    wire = sap.Wire(sap.listed(*rows), sap.listed(), sap.listed())
    return wire.connector(page_size=len(rows) if more else 50)


def atlas_with(rows: Sequence[dict[str, Any]], *, more: bool) -> Cmms:
    wire = atlas.AtlasWire()
    wire.answer(
        {
            "POST /assets/search": atlas.page(atlas.ASSET),
            "POST /work-orders/search": atlas.page(*rows, last=not more),
            "POST /requests/search": atlas.page(),
        }
    )
    return atlas.connected(wire)


def maintainx_with(rows: Sequence[dict[str, Any]], *, more: bool) -> Cmms:
    page = maintainx.page(*rows, cursor="next" if more else None)
    return maintainx.connected(maintainx.MaintainXWire({"GET /workorders": page}))


Made = Callable[..., Cmms]
VENDORS: dict[str, tuple[Made, dict[str, Any], dict[str, Any], str]] = {
    "maximo": (maximo_with, maximo_row(), maximo_row(wonum="1230", statusdate="yesterday"), "1230.*statusdate"),
    "odoo": (odoo_with, odoo.REQUEST, {**odoo.REQUEST, "id": 8, "create_date": "yesterday"}, "8.*create_date"),
    "sap_pm": (
        sap_with,
        sap.notification(),
        sap.notification(MaintenanceNotification="10000002", CreationDateTime="yesterday"),
        "10000002.*CreationDateTime",
    ),
    "maintainx": (
        maintainx_with,
        maintainx.listed(status="OPEN", createdAt="2026-11-21T06:50:10Z"),
        maintainx.listed(108, createdAt="yesterday"),
        "8.*createdAt",
    ),
    "atlas": (atlas_with, atlas.order(), atlas.order(id=2, customId="WO000002", createdAt="x"), "WO000002.*createdAt"),
}


@pytest.mark.parametrize(("made", "good", "odd", "words"), VENDORS.values(), ids=VENDORS)
async def test_a_record_that_cannot_be_read_is_named_and_hides_no_other(
    made: Made, good: dict[str, Any], odd: dict[str, Any], words: str
) -> None:
    found = await made([odd, good], more=False).find_open_work(about("7"))
    assert (len(found.orders), found.complete) == (1, True)
    (problem,) = found.unreadable
    assert re.search(words, problem)


@pytest.mark.parametrize(("made", "good"), [case[:2] for case in VENDORS.values()], ids=VENDORS)
async def test_where_more_may_be_open_than_one_page_has_it_says_so_and_asks_for_no_more(
    made: Made, good: dict[str, Any]
) -> None:
    found = await made([good], more=True).find_open_work(about("7"))
    assert (len(found.orders), found.complete) == (1, False)
