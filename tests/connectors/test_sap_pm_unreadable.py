"""Records of SAP that cannot be read: each is reported with number and field, and hides no other."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors.cmms.sap_pm.cursor import SapPmCursor
from domain.cmms import OrderQuery
from domain.errors import ActionRequired
from domain.work_orders import ChangePage, Touched, WorkOrderStatus
from tests.connectors.sap_pm_answers import LATER, REF, Wire, filter_of, listed, notification, one, order

GOOD = notification(MaintenanceNotification="10000009", MaintNotifExtReferenceNumber="MWGOODGOOD")
FUTURE = "/Date(4102444800000+0000)/"
ODD = [
    ("MaintNotifExtReferenceNumber", "MW\0ODD"),
    ("MaintNotifExtReferenceNumber", ["MW"]),
    ("TechnicalObject", 1.5),
    ("TechnicalObject", "\ud800"),
    ("CreationDateTime", None),
    ("CreationDateTime", 1420444800000),
    ("LastChangeDateTime", "/Date(x)/"),
    ("LastChangeDateTime", {}),
    ("LastChangeDateTime", FUTURE),
    ("MalfunctionEndDateTime", "/Date(999999999999999)/"),
    ("MaintObjectDowntimeDuration", -1),
    ("MaintObjectDowntimeDuration", "long"),
    ("MaintenanceObjectIsDown", "perhaps"),
    ("MaintPriority", {"value": 1}),
    ("to_Item", "none"),
    ("to_Item", {"results": None}),
    ("to_Item", {"results": [1]}),
    ("to_Item", {"results": [{"to_ItemCause": {"results": [[]]}}]}),
    ("__metadata", []),
]


async def first_page(*rows: Any) -> ChangePage:
    def answer(request: httpx.Request) -> httpx.Response:
        return listed() if "API_MAINTENANCEORDER" in request.url.path else listed(*rows)

    return await Wire(*[answer] * 10).connector().changed_since(None)


@pytest.mark.parametrize(("field", "value"), ODD, ids=[f"{number}-{field}" for number, (field, _) in enumerate(ODD)])
async def test_a_field_that_cannot_be_read_is_named_and_the_other_records_are_taken(field: str, value: object) -> None:
    page = await first_page(notification(**{field: value}), GOOD)
    assert [record.ref.id for record in page.records] == ["10000009"]
    (report,) = page.unreadable
    assert (report.system, report.record) == ("sap_pm", "10000001")
    assert (report.field or "").split(".")[0] == field
    assert "\0" not in report.raw


@pytest.mark.parametrize("row", [None, 7, "x", [], {}, {"MaintNotifExtReferenceNumber": "MWNONUMBER"}])
async def test_what_is_no_record_is_named_by_its_reference_or_its_place(row: object) -> None:
    page = await first_page(GOOD, row)
    assert len(page.records) == 1
    (report,) = page.unreadable
    assert report.record in ("row 2 of a page", "MWNONUMBER")


async def test_a_downtime_that_no_duration_holds_is_reported_and_hides_no_other() -> None:
    items = {"results": [{"MaintNotificationDamageCode": "0110"}]}
    huge = {"MaintObjectDowntimeDuration": 1e300, "MaintObjDowntimeDurationUnit": "H", "to_Item": items}
    page = await first_page(notification(ConcatenatedActiveSystStsName="NOCO", **huge), GOOD)
    assert [record.ref.id for record in page.records] == ["10000009"]
    assert [report.record for report in page.unreadable] == ["10000001"]


async def test_rows_with_one_number_and_two_keys_are_both_unreadable() -> None:
    page = await first_page(notification(), notification(MaintNotifExtReferenceNumber="MWOTHEROTH"), GOOD)
    assert [record.ref.id for record in page.records] == ["10000009"]
    assert {report.record for report in page.unreadable} == {"10000001"}


async def test_an_unreadable_record_is_reported_once_for_each_content() -> None:
    rows = [notification(CreationDateTime="x", LastChangeDateTime=LATER)]

    def answer(request: httpx.Request) -> httpx.Response:
        return listed() if "API_MAINTENANCEORDER" in request.url.path else listed(*rows)

    cmms = Wire(*[answer] * 40).connector()
    first = await cmms.changed_since(None)
    again = await cmms.changed_since(first.cursor)
    assert (len(first.unreadable), again.unreadable, again.cursor) == (1, (), first.cursor)
    rows[0] = {**rows[0], "CreationDateTime": "y"}
    assert len((await cmms.changed_since(again.cursor)).unreadable) == 1


async def test_a_stamp_in_the_future_moves_no_cursor() -> None:
    page = await first_page(notification(LastChangeDateTime=FUTURE))
    assert len(page.unreadable) == 1
    assert '"watermark":null' in page.cursor


async def test_an_unreadable_record_of_others_is_reported_to_nobody() -> None:
    page = await first_page(notification(MaintNotifExtReferenceNumber="THEIRS", CreationDateTime="x"), GOOD)
    assert page.unreadable == ()


@pytest.mark.parametrize("reference", ["MWST-77", "MW77", "MWABCDEFG1", "MWABCDEFGHI", "MWABCDEF H"])
async def test_a_reference_of_a_person_that_begins_like_a_key_is_none_of_ours(reference: str) -> None:
    theirs = notification(MaintNotifExtReferenceNumber=reference, CreatedByUser="PLANNER")
    page = await first_page(theirs, GOOD)
    assert [record.ref.id for record in page.records] == ["10000009"]
    page = await first_page({**theirs, "CreationDateTime": "x"}, GOOD)
    assert ([record.ref.id for record in page.records], page.unreadable) == (["10000009"], ())
    about = OrderQuery(asset_external_id="10004711")
    (found,) = await Wire(listed(theirs), listed(), listed()).connector().find_work_orders(about)
    assert (found.ref.key, found.touched) == ("", Touched.YES)


async def test_a_change_of_an_order_of_a_persons_notification_is_not_returned() -> None:
    theirs = notification(MaintNotifExtReferenceNumber="MWST-77", CreatedByUser="PLANNER")
    changed = order(MaintenanceNotification="10000001", LastChangeDateTime=LATER)

    def answer(request: httpx.Request) -> httpx.Response:
        if "API_MAINTENANCEORDER" in request.url.path:
            return listed(changed)
        return listed(theirs) if "10000001" in filter_of(request) else listed()

    begun = SapPmCursor(watermark=datetime(2015, 1, 5, 8, tzinfo=UTC)).text()
    page = await Wire(*[answer] * 10).connector().changed_since(begun)
    assert (page.records, page.unreadable) == ((), ())


async def test_a_reference_that_a_person_put_in_the_place_of_our_key_is_named() -> None:
    taken = one(notification(MaintNotifExtReferenceNumber="MWST-77"))
    with pytest.raises(ActionRequired, match="MWST-77"):
        await Wire(taken).connector().read_work_order(REF)


async def test_a_record_that_is_read_by_its_number_and_cannot_be_is_named_with_its_field() -> None:
    with pytest.raises(ActionRequired, match="10000001") as caught:
        await Wire(one(notification(TechnicalObject=1.5))).connector().read_work_order(REF)
    assert caught.value.field == "TechnicalObject"


async def test_an_order_that_names_no_notification_that_can_be_read_is_never_left_out_in_silence() -> None:
    odd = listed(order(MaintenanceNotification=["x"]))
    with pytest.raises(ActionRequired) as caught:
        await Wire(one(notification()), odd).connector().read_work_order(REF)
    assert caught.value.field == "MaintenanceNotification"


@pytest.mark.parametrize("named", [True, False], ids=["the-notification-names-it", "the-notification-names-none"])
async def test_an_order_whose_notification_cannot_be_read_hides_only_its_own(*, named: bool) -> None:
    numbers = [f"1000000{place}" for place in range(5)]
    orders = {number: f"400000{number[-1]}" for number in numbers[1:4]}
    odd = numbers[2]
    rows = [
        notification(MaintenanceNotification=number, MaintenanceOrder=orders.get(number, "") if named else "")
        for number in numbers
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        if "API_MAINTENANCEORDER" not in request.url.path:
            return listed(*rows)
        asked = filter_of(request)
        return listed(
            *(
                order(MaintenanceOrder=made, MaintenanceNotification=["x"] if of == odd else of)
                for of, made in orders.items()
                if f"MaintenanceNotification eq '{of}'" in asked or f"MaintenanceOrder eq '{made}'" in asked
            )
        )

    page = await Wire(*[answer] * 40).connector().changed_since(None)
    assert {record.ref.id: record.order and record.order.id for record in page.records} == {
        number: orders.get(number) for number in numbers if number != odd
    }
    (report,) = page.unreadable
    assert (report.record, report.field) == (orders[odd], "MaintenanceNotification")


async def test_the_order_that_a_notification_names_is_unreadable_even_if_it_names_another() -> None:
    odd = order(MaintenanceNotification="10000077", LastChangeDateTime="yesterday")
    page = (
        await Wire(listed(notification(MaintenanceOrder="4000001"), GOOD), listed(odd)).connector().changed_since(None)
    )
    assert [record.ref.id for record in page.records] == ["10000009"]
    assert [report.record for report in page.unreadable] == ["4000001"]


async def test_a_vendors_status_that_nobody_knows_is_read_and_guessed() -> None:
    page = await first_page(notification(ConcatenatedActiveSystStsName="MOFN"))
    assert [(record.status, record.status_guessed) for record in page.records] == [(WorkOrderStatus.IN_PROGRESS, True)]
