"""What the SAP Plant Maintenance connector sends, and what it makes of answers that no polite server gives."""

import asyncio
import base64
import json

import httpx
import pytest

from domain.cmms import OrderQuery
from domain.errors import ActionRequired, Refused, Unavailable
from domain.work_orders import RecordKind, Touched, WorkOrderStatus
from tests.connectors.sap_pm_answers import (
    DRAFT,
    KEY,
    PASSWORD,
    REF,
    Wire,
    filter_of,
    listed,
    notification,
    one,
    order,
    refused,
)

BY_KEY = OrderQuery(key=KEY)
TOKEN_ASKED = httpx.Response(403, text="CSRF token validation failed", headers={"x-csrf-token": "Required"})
NONE = listed()


async def test_every_request_is_signed_in_and_names_the_client_and_no_secret_is_in_an_address() -> None:
    wire = Wire(NONE)
    assert await wire.connector(sap_client="100", language="EN").find_work_orders(BY_KEY) == ()
    (request,) = wire.asked
    assert request.url.path == "/sap/opu/odata/sap/API_MAINTNOTIFICATION/MaintenanceNotification"
    assert filter_of(request) == f"MaintNotifExtReferenceNumber eq '{KEY}'"
    assert request.headers["authorization"] == f"Basic {base64.b64encode(f'MILLWRIGHT:{PASSWORD}'.encode()).decode()}"
    assert (request.url.params["sap-client"], request.url.params["sap-language"]) == ("100", "EN")
    assert PASSWORD not in str(request.url)


async def test_a_notification_is_looked_up_created_under_a_session_and_read_back() -> None:
    wire = Wire(NONE, httpx.Response(201, json={"d": {}}), listed(notification()), NONE)
    record = await wire.connector().create_work_order(DRAFT)
    assert (record.ref.id, record.ref.kind, record.order, record.touched) == (
        "10000001",
        RecordKind.REQUEST,
        None,
        Touched.NO,
    )
    look, create, back, orders = wire.asked
    assert look.url == back.url
    assert filter_of(orders) == "MaintenanceNotification eq '10000001'"
    assert (create.method, create.headers["x-csrf-token"]) == ("POST", "token1")
    assert create.headers["cookie"] == "SAP_SESSIONID_S4H_100=session1; sap-usercontext=c"
    assert "if-match" not in create.headers
    assert "RequiredEndDate" not in json.loads(create.content)
    assert back.headers["cookie"] == create.headers["cookie"]


async def test_a_notification_that_is_there_is_not_created() -> None:
    wire = Wire(listed(notification()), NONE)
    await wire.connector().create_work_order(DRAFT)
    assert wire.methods == ["GET", "GET"]
    assert wire.sessions == 0


async def test_a_token_that_is_not_accepted_is_fetched_again_with_its_cookie_once() -> None:
    wire = Wire(NONE, TOKEN_ASKED, httpx.Response(201, json={"d": {}}), listed(notification()), NONE)
    await wire.connector().create_work_order(DRAFT)
    again = wire.asked[2]
    assert (again.headers["x-csrf-token"], again.headers["cookie"].split(";")[0]) == (
        "token2",
        "SAP_SESSIONID_S4H_100=session2",
    )


async def test_a_token_that_is_never_accepted_ends_the_attempt_and_the_next_opens_another_session() -> None:
    wire = Wire(NONE, TOKEN_ASKED, TOKEN_ASKED, NONE, httpx.Response(201), listed(notification()), NONE)
    cmms = wire.connector()
    with pytest.raises(Unavailable, match="CSRF token"):
        await cmms.create_work_order(DRAFT)
    await cmms.create_work_order(DRAFT)
    assert (wire.methods.count("POST"), wire.sessions) == (3, 3)


async def test_a_system_that_gives_no_token_needs_a_person() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        del request
        return listed()

    wire = Wire(NONE)
    cmms = wire.connector()
    cmms._client._json._http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    with pytest.raises(ActionRequired, match="no CSRF token") as caught:
        await cmms.create_work_order(DRAFT)
    assert caught.value.field == "x-csrf-token"


async def test_requests_at_once_share_one_session() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "API_MAINTENANCEORDER" in request.url.path:
            return NONE
        return httpx.Response(204) if request.method == "PATCH" else one(notification())

    wire = Wire(*[answer] * 24)
    cmms = wire.connector()
    await asyncio.gather(*(cmms.add_note(REF, f"note-{number}", "Seen again.") for number in range(4)))
    assert (wire.methods.count("PATCH"), wire.sessions) == (4, 1)


@pytest.mark.parametrize(
    "answer",
    [
        refused(401),
        httpx.Response(401, text="<html><title>Logon</title></html>", headers={"content-type": "text/html"}),
        httpx.Response(200, text="<html><input type=password></html>", headers={"content-type": "text/html"}),
        httpx.Response(302, headers={"location": "https://idp.test"}),
    ],
    ids=["401", "401-page", "sign-in-page", "redirect"],
)
async def test_a_refused_sign_in_ends_the_session_so_that_the_next_request_signs_in_by_the_password(
    answer: httpx.Response,
) -> None:
    wire = Wire(NONE, httpx.Response(201), answer, NONE)
    cmms = wire.connector()
    with pytest.raises(ActionRequired):
        await cmms.create_work_order(DRAFT)
    assert await cmms.find_work_orders(BY_KEY) == ()
    assert ["cookie" in request.headers for request in wire.asked] == [False, True, True, False]


@pytest.mark.parametrize("key", ["MW' or '1' eq '1", "MW%27 or 1 eq 1", "MW&$top=9", "MW)/x?y#z"])
async def test_a_key_can_neither_end_the_text_of_a_filter_nor_the_filter(key: str) -> None:
    wire = Wire(NONE)
    assert await wire.connector().find_work_orders(OrderQuery(key=key)) == ()
    wanted = key.upper().replace("'", "''")
    assert filter_of(wire.asked[0]) == f"MaintNotifExtReferenceNumber eq '{wanted}'"
    assert len(wire.asked[0].url.params.get_list("$top")) == 1


async def test_a_number_can_not_leave_the_key_of_a_path() -> None:
    wire = Wire(refused(404), NONE)
    ref = REF.model_copy(update={"id": "1')/to_Item?x='"})
    assert (await wire.connector().read_work_order(ref)).status is WorkOrderStatus.DELETED
    path = wire.asked[0].url.raw_path.decode().partition("?")[0]
    assert path.endswith("MaintenanceNotification(%271%27%27%29%2Fto_Item%3Fx%3D%27%27%27)")


async def test_a_record_that_is_gone_is_deleted_even_if_a_copy_of_it_has_the_key() -> None:
    copied = notification(MaintenanceNotification="10000002", CreatedByUser="PLANNER")

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(")"):
            return refused(404)
        return listed(copied) if KEY in filter_of(request) else NONE

    record = await Wire(*[answer] * 4).connector().read_work_order(REF)
    assert (record.status, record.ref) == (WorkOrderStatus.DELETED, REF)


async def test_a_refusal_of_the_site_keeps_the_session() -> None:
    business = refused(400, "IM/203", "No equipment 10004711", "/TechnicalObject")
    wire = Wire(NONE, business, NONE, httpx.Response(201), listed(notification()), NONE)
    cmms = wire.connector()
    with pytest.raises(ActionRequired, match="No equipment"):
        await cmms.create_work_order(DRAFT)
    await cmms.create_work_order(DRAFT)
    assert (wire.methods.count("POST"), wire.sessions) == (2, 1)
    assert wire.asked[2].headers["cookie"] == wire.asked[1].headers["cookie"]


async def test_a_record_is_not_taken_for_gone_where_the_service_itself_is() -> None:
    with pytest.raises(ActionRequired, match="No service found"):
        await Wire(refused(404), refused(404, "/IWFND/MED/170", "No service found")).connector().read_work_order(REF)


async def test_a_reference_without_a_number_is_read_by_its_key() -> None:
    wire = Wire(listed(notification()), NONE)
    record = await wire.connector().read_work_order(REF.model_copy(update={"id": ""}))
    assert record.ref.id == "10000001"
    assert filter_of(wire.asked[0]) == f"MaintNotifExtReferenceNumber eq '{KEY}'"


async def test_two_notifications_with_one_key_need_a_person_who_is_told_their_numbers() -> None:
    both = listed(notification(), notification(MaintenanceNotification="10000002"))
    with pytest.raises(ActionRequired, match="10000001, 10000002"):
        await Wire(both, NONE).connector().create_work_order(DRAFT)


async def test_a_notification_of_the_key_on_another_object_needs_a_person() -> None:
    with pytest.raises(ActionRequired, match="10009999") as caught:
        await Wire(listed(notification(TechnicalObject="10009999")), NONE).connector().create_work_order(DRAFT)
    assert caught.value.field == "TechnicalObject"


async def test_a_notification_of_the_key_on_a_location_of_the_same_number_needs_a_person() -> None:
    location = listed(notification(TechObjIsEquipOrFuncnlLoc="EAMS_FL"))
    with pytest.raises(ActionRequired, match="its object 10004711 is of the kind EAMS_FL, not EAMS_EQUI") as caught:
        await Wire(location, NONE).connector().create_work_order(DRAFT)
    assert caught.value.field == "TechObjIsEquipOrFuncnlLoc"


async def test_a_copy_of_a_notification_whose_text_names_another_key_needs_a_person() -> None:
    copied = listed(notification(MaintNotifLongTextForEdit="Millwright key: MWZZZZZZZZ"))
    with pytest.raises(ActionRequired, match="MWZZZZZZZZ"):
        await Wire(copied).connector().find_work_orders(BY_KEY)


async def test_a_system_that_does_not_keep_our_key_is_named_before_a_second_notification_is_made() -> None:
    with pytest.raises(ActionRequired) as caught:
        await Wire(NONE, httpx.Response(201), NONE).connector().create_work_order(DRAFT)
    assert caught.value.field == "MaintNotifExtReferenceNumber"


async def test_an_order_is_made_of_the_notification_and_released_as_it_was_read() -> None:
    made, named = listed(order(SystemStatusText="CRTD")), one(notification(MaintenanceOrder="4000001"))
    looked, stated = (listed(notification()), NONE), (httpx.Response(204), one(notification()), NONE)
    released = (one({"IsInvalid": False}), named, listed(order()))
    wire = Wire(*looked, *stated, httpx.Response(201), named, made, *released)
    record = await wire.connector().create_work_order(DRAFT.model_copy(update={"released": True}))
    assert (record.status, record.order and record.order.id) == (WorkOrderStatus.APPROVED, "4000001")
    assert record.order is not None
    assert record.order.kind is RecordKind.ORDER
    text, create, release = (request for request in wire.asked if request.method != "GET")
    assert (text.method, text.headers["if-match"]) == ("PATCH", "W/\"'1'\"")
    assert create.url.path == "/sap/opu/odata/sap/API_MAINTENANCEORDER;v=2/MaintenanceOrder"
    assert json.loads(create.content) == {
        "MaintenanceOrderType": "PM01",
        "MaintenanceOrderDesc": "P-07 drive end bearing",
        "MaintenanceNotification": "10000001",
        "MaintPriority": "2",
        "Equipment": "10004711",
    }
    assert release.url.path.endswith("/ReleaseMaintenanceOrder")
    assert release.url.params["MaintenanceOrder"] == "'4000001'"
    assert (release.headers["if-match"], release.content) == ("W/\"'7'\"", b"")
    assert "content-type" not in release.headers


async def test_the_release_of_an_order_that_a_planner_changed_in_the_same_moment_is_tried_again_later() -> None:
    made = [one(notification(MaintenanceOrder="4000001")), listed(order(SystemStatusText="CRTD"))]
    with pytest.raises(Unavailable, match="changed while"):
        await Wire(*made, refused(412), *made).connector().release_work_order(REF, "memo")


@pytest.mark.parametrize("status", [412, 428])
async def test_a_note_is_written_again_under_the_new_etag_after_a_conflict(status: int) -> None:
    changed = notification(NotificationText="Bearing, urgent", __metadata={"etag": "W/\"'2'\""})
    wire = Wire(one(notification()), NONE, refused(status), one(changed), NONE, httpx.Response(204), one(changed), NONE)
    await wire.connector().add_note(REF, "note-1", "Seen again.")
    first, second = (request for request in wire.asked if request.method == "PATCH")
    assert [first.headers["if-match"], second.headers["if-match"]] == ["W/\"'1'\"", "W/\"'2'\""]
    assert list(json.loads(second.content)) == ["MaintNotifLongTextForEdit"]


async def test_a_note_for_a_notification_that_changes_all_the_time_is_left_for_later() -> None:
    wire = Wire(one(notification()), NONE, *[refused(412), one(notification()), NONE] * 3)
    with pytest.raises(Unavailable):
        await wire.connector().add_note(REF, "note-1", "Seen again.")


async def test_a_record_without_its_etag_is_not_changed() -> None:
    with pytest.raises(Refused, match="without its ETag"):
        await Wire(one(notification(__metadata={})), NONE).connector().add_note(REF, "note-1", "Seen again.")


async def test_an_untouched_notification_is_completed_with_a_note_that_says_why() -> None:
    texts: list[str] = []

    def written(request: httpx.Request) -> httpx.Response:
        texts.append(json.loads(request.content)["MaintNotifLongTextForEdit"])
        return httpx.Response(204)

    def again(request: httpx.Request) -> httpx.Response:
        del request
        return one(notification(MaintNotifLongTextForEdit=texts[0], LastChangeDateTime="/Date(1420448400000+0000)/"))

    def done(request: httpx.Request) -> httpx.Response:
        del request
        return one(notification(MaintNotifLongTextForEdit=texts[0], ConcatenatedActiveSystStsName="NOCO"))

    wire = Wire(one(notification()), NONE, written, again, NONE, one({}), done, NONE)
    record = await wire.connector().withdraw_work_order(REF, "pat said no")
    assert record.status is WorkOrderStatus.CANCELLED
    assert "[MW:withdrawn] pat said no [/MW]" in texts[0]
    complete = wire.asked[5]
    assert complete.url.path.endswith("/CompleteMaintNotification")
    assert complete.url.params["MaintNotifReferenceDateTime"].startswith("datetimeoffset'")


async def test_an_order_whose_cancellation_has_a_word_that_nobody_told_us_needs_a_person() -> None:
    found = notification(
        MaintenanceOrder="4000001", MaintNotifLongTextForEdit=f"[MW:withdrawn] x [/MW]\nMillwright key: {KEY}"
    )
    pair = [one(found), listed(order())]
    wire = Wire(*pair, one({"IsInvalid": False}), one(found), listed(order(SystemStatusText="REL ZNEX")))
    with pytest.raises(ActionRequired, match="ZNEX") as caught:
        await wire.connector(cancel_order_by="do_not_execute").withdraw_work_order(REF, "revised")
    assert caught.value.field == "not_executed_statuses"
    function = next(request for request in wire.asked if request.method == "POST")
    assert function.url.path.endswith("/SetMaintOrderToDoNotExecute")


async def test_an_answer_about_another_notification_is_refused() -> None:
    with pytest.raises(Refused, match="answered about 10000002"):
        await Wire(one(notification(MaintenanceNotification="10000002"))).connector().read_work_order(REF)


async def test_a_notification_of_which_two_orders_were_made_needs_a_person() -> None:
    two = listed(order(), order(MaintenanceOrder="4000002"))
    with pytest.raises(ActionRequired, match="4000001, 4000002"):
        await Wire(one(notification()), two).connector().read_work_order(REF)


async def test_the_order_that_the_notification_names_counts_even_if_others_name_the_notification() -> None:
    named, two = notification(MaintenanceOrder="4000002"), listed(order(), order(MaintenanceOrder="4000002"))
    record = await Wire(one(named), two).connector().read_work_order(REF)
    assert record.order is not None
    assert record.order.id == "4000002"


async def test_an_order_that_cannot_be_read_is_never_taken_for_no_order() -> None:
    odd = listed(order(LastChangeDateTime="yesterday"))
    with pytest.raises(ActionRequired, match="4000001") as caught:
        await Wire(one(notification()), odd).connector().read_work_order(REF)
    assert caught.value.field == "LastChangeDateTime"


async def test_orders_without_a_notification_are_found_by_their_asset() -> None:
    alone = order(MaintenanceOrder="4000009", MaintenanceNotification="", CreatedByUser="PLANNER")
    wire = Wire(listed(notification()), NONE, listed(alone))
    found = await wire.connector().find_work_orders(OrderQuery(asset_external_id="10004711"))
    assert [(record.ref.id, record.ref.kind) for record in found] == [
        ("10000001", RecordKind.REQUEST),
        ("4000009", RecordKind.ORDER),
    ]
    assert filter_of(wire.asked[2]).startswith("MaintenanceNotification eq '' and TechnicalObject eq '10004711'")


async def test_a_server_whose_pages_repeat_the_same_records_is_refused_and_not_asked_for_ever() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return NONE if "API_MAINTENANCEORDER" in request.url.path else listed(notification())

    with pytest.raises(Refused, match="repeat the same records"):
        await Wire(*[answer] * 40).connector(page_size=1).changed_since(None)


async def test_a_page_that_points_to_another_host_is_not_followed() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "s4.test"
        if "API_MAINTENANCEORDER" in request.url.path or "skip" in str(request.url):
            return NONE
        return listed(notification(), __next="https://elsewhere.test/x")

    page = await Wire(*[answer] * 40).connector().changed_since(None)
    assert [record.ref.id for record in page.records] == ["10000001"]


async def test_a_cursor_of_another_connector_is_refused() -> None:
    with pytest.raises(Refused, match="cursor"):
        await Wire().connector().changed_since('{"version": 2}')
