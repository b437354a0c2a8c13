"""The simulated SAP Plant Maintenance keeps SAP's rules, against requests that our connector never makes."""

import base64
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from sandbox.clock import PlantClock
from sandbox.faults import Fault, Faults
from sandbox.sap_pm.server import USERS, SapPmServer

START = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)
NOTIFICATIONS = "/sap/opu/odata/sap/API_MAINTNOTIFICATION"
ORDERS = "/sap/opu/odata/sap/API_MAINTENANCEORDER;v=2"
BODY = {
    "NotificationType": "M2",
    "NotificationText": "Bearing",
    "MaintPriority": "2",
    "TechnicalObject": "EQ-1",
    "TechObjIsEquipOrFuncnlLoc": "EAMS_EQUI",
    "MaintNotifExtReferenceNumber": "mw7f3a9c21",
}


class Browser:
    """A client with a session, or several."""

    def __init__(self, client: httpx.AsyncClient, server: SapPmServer) -> None:
        self.client = client
        self.server = server
        user, password = next(iter(USERS.items()))
        self.headers = {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}

    async def session(self) -> dict[str, str]:
        """The token and the cookie of a new session, as headers."""
        self.client.cookies.clear()
        reply = await self.client.get(f"{NOTIFICATIONS}/", headers={**self.headers, "x-csrf-token": "Fetch"})
        self.client.cookies.clear()
        cookie = reply.headers.get_list("set-cookie")[0].split(";")[0]
        return {"x-csrf-token": reply.headers["x-csrf-token"], "cookie": cookie}

    async def get(self, path: str, **params: str) -> httpx.Response:
        asked = {f"${name}": value for name, value in params.items()}
        return await self.client.get(path, headers=self.headers, params=asked)

    async def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, etag: str | None = None
    ) -> httpx.Response:
        made = {**self.headers, **await self.session()} | ({"if-match": etag} if etag else {})
        return await self.client.request(method, path, headers=made, json=body)

    async def make(self, **changes: Any) -> dict[str, Any]:
        reply = await self.send("POST", f"{NOTIFICATIONS}/MaintenanceNotification", {**BODY, **changes})
        assert reply.status_code == 201, reply.text
        return dict(reply.json()["d"])


@pytest.fixture
async def faults() -> Faults:
    return Faults()


@pytest.fixture
async def browser(faults: Faults) -> AsyncIterator[Browser]:
    server = SapPmServer(PlantClock(START), ["EQ-1", "EQ-2"], faults=faults, page_limit=2)
    await server.start()
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield Browser(client, server)
    await server.stop()


def problem(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["innererror"]["errordetails"][0]["propertyref"]


async def test_a_token_counts_with_the_cookie_of_its_own_session_only(browser: Browser) -> None:
    first, second = await browser.session(), await browser.session()
    path = f"{NOTIFICATIONS}/MaintenanceNotification"
    token, cookie = {"x-csrf-token": first["x-csrf-token"]}, {"cookie": second["cookie"]}
    for mixed in ({**token, **cookie}, token, cookie, {}):
        reply = await browser.client.post(path, headers={**browser.headers, **mixed}, json=BODY)
        assert (reply.status_code, reply.headers["x-csrf-token"]) == (403, "Required")
    assert browser.server.store.notifications == {}
    for _ in range(2):
        reply = await browser.client.post(path, headers={**browser.headers, **second}, json=BODY)
        assert reply.status_code == 201


async def test_a_list_is_sorted_either_way(browser: Browser) -> None:
    made = [(await browser.make())["MaintenanceNotification"] for _ in range(2)]
    path = f"{NOTIFICATIONS}/MaintenanceNotification"
    for order, wanted in (("asc", made), ("desc", made[::-1])):
        reply = await browser.get(path, orderby=f"CreationDateTime {order},MaintenanceNotification {order}")
        assert [row["MaintenanceNotification"] for row in reply.json()["d"]["results"]] == wanted
    assert (await browser.get(path, orderby="CreationDateTime down")).status_code == 400


@pytest.mark.parametrize("header", ["Basic !", "Bearer x", "", "Basic " + base64.b64encode(b"MILLWRIGHT:no").decode()])
async def test_who_is_not_signed_in_is_refused(browser: Browser, header: str) -> None:
    reply = await browser.client.get(f"{NOTIFICATIONS}/", headers={"authorization": header})
    assert reply.status_code == 401


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("NotificationText", "x" * 41),
        ("MaintNotifExtReferenceNumber", "x" * 21),
        ("MaintNotifLongTextForEdit", "x" * 1334),
        ("MaintenancePlanningPlant", "10100"),
        ("MaintPriority", "5"),
        ("NotificationType", "M9"),
        ("TechObjIsEquipOrFuncnlLoc", "EQUI"),
        ("TechnicalObject", "NOSUCH"),
        ("MaintenanceObjectIsDown", "yes"),
        ("MalfunctionStartDate", "2015-01-05"),
        ("MalfunctionStartTime", "08:00"),
        ("ConcatenatedActiveSystStsName", "NOCO"),
        ("CreatedByUser", "PLANNER"),
        ("MaintenanceNotification", "1"),
        ("LastChangedByUser", "PLANNER"),
        ("NotificationText", 7),
    ],
)
async def test_a_value_of_another_type_or_length_or_of_a_field_that_is_read_only_is_refused(
    browser: Browser, field: str, value: object
) -> None:
    reply = await browser.send("POST", f"{NOTIFICATIONS}/MaintenanceNotification", {**BODY, field: value})
    assert problem(reply) == (400, field)
    assert browser.server.store.notifications == {}


async def test_the_reference_is_kept_in_upper_case_and_the_required_dates_are_computed(browser: Browser) -> None:
    made = await browser.make(RequiredEndDate="/Date(0)/")
    assert made["MaintNotifExtReferenceNumber"] == "MW7F3A9C21"
    assert made["RequiredEndDate"] == "/Date(1420675200000)/"
    assert made["LastChangeDateTime"] == "/Date(1420444800000+0000)/"
    found = await browser.get(
        f"{NOTIFICATIONS}/MaintenanceNotification", filter="MaintNotifExtReferenceNumber eq 'MW7F3A9C21'"
    )
    assert [row["MaintenanceNotification"] for row in found.json()["d"]["results"]] == ["10000001"]


@pytest.mark.parametrize(
    ("service", "entity", "where"),
    [
        (NOTIFICATIONS, "MaintenanceNotification", "ConcatenatedActiveSystStsName eq 'OSNO'"),
        (ORDERS, "MaintenanceOrder", "SystemStatusText eq 'REL'"),
        (ORDERS, "MaintenanceOrder", "UserStatusText eq 'WPRT'"),
        (NOTIFICATIONS, "MaintenanceNotification", "LastChangeDateTime ge '2015-01-05'"),
        (NOTIFICATIONS, "MaintenanceNotification", "Nothing eq 'x'"),
        (NOTIFICATIONS, "MaintenanceNotification", "MaintPriority eq"),
        (NOTIFICATIONS, "MaintenanceNotification", "(MaintPriority eq '1'"),
        (NOTIFICATIONS, "MaintenanceNotification", "MaintPriority eq 'it's'"),
    ],
)
async def test_a_filter_that_sap_does_not_take_is_refused(
    browser: Browser, service: str, entity: str, where: str
) -> None:
    reply = await browser.get(f"{service}/{entity}", filter=where)
    assert reply.status_code == 400


async def test_a_quotation_mark_in_a_filter_or_a_key_is_doubled(browser: Browser) -> None:
    await browser.make(NotificationText="it's hot")
    found = await browser.get(f"{NOTIFICATIONS}/MaintenanceNotification", filter="NotificationText eq 'it''s hot'")
    assert len(found.json()["d"]["results"]) == 1
    reply = await browser.get(f"{NOTIFICATIONS}/MaintenanceNotification('1''%29%2F')")
    assert reply.status_code == 404


async def test_an_answer_has_a_limited_number_of_records_and_says_that_more_follow(browser: Browser) -> None:
    for _ in range(5):
        await browser.make()
    page = (await browser.get(f"{NOTIFICATIONS}/MaintenanceNotification", top="4")).json()["d"]
    assert (len(page["results"]), "__next" in page) == (2, True)
    last = (await browser.get(f"{NOTIFICATIONS}/MaintenanceNotification", top="4", skip="4")).json()["d"]
    assert (len(last["results"]), "__next" in last) == (1, False)


async def test_a_change_needs_the_etag_that_was_read_last(browser: Browser) -> None:
    made = await browser.make()
    path, etag = f"{NOTIFICATIONS}/MaintenanceNotification('10000001')", made["__metadata"]["etag"]
    for wrong, status in ((None, 428), ("x", 412)):
        assert (await browser.send("PATCH", path, {"NotificationText": "Other"}, wrong)).status_code == status
    assert (await browser.send("PATCH", path, {"NotificationText": "Other"}, etag)).status_code == 204
    assert (await browser.send("PATCH", path, {"NotificationText": "More"}, etag)).status_code == 412
    fresh = (await browser.get(path)).headers["etag"]
    immutable = await browser.send("PATCH", path, {"NotificationType": "M1"}, fresh)
    assert problem(immutable) == (400, "NotificationType")


async def act(browser: Browser, function: str, **params: str) -> httpx.Response:
    """A function on the first order or notification, under the ETag that it has."""
    of_order = "Order" in function or "Ord" in function
    store = browser.server.store
    record = next(iter(store.orders.values())) if of_order else next(iter(store.notifications.values()))
    service, entity = (ORDERS, "MaintenanceOrder") if of_order else (NOTIFICATIONS, "MaintenanceNotification")
    asked = "&".join([f"{entity}='{record.number}'", *(f"{name}={value}" for name, value in params.items())])
    return await browser.send("POST", f"{service}/{function}?{asked}", etag=record.etag)


async def test_an_order_goes_from_created_to_closed_by_functions_only(browser: Browser) -> None:
    await browser.make()
    order = {"MaintenanceOrderType": "PM01", "MaintenanceNotification": "10000001", "Equipment": "EQ-1"}
    reply = await browser.send("POST", f"{ORDERS}/MaintenanceOrder", {**order, "SystemStatusText": "REL"})
    assert problem(reply) == (400, "SystemStatusText")
    assert (await browser.send("POST", f"{ORDERS}/MaintenanceOrder", order)).json()["d"]["SystemStatusText"] == "CRTD"
    now = "datetimeoffset'2015-01-05T08:00:00Z'"
    assert (await act(browser, "SetMaintOrdToTechCompleted")).status_code == 400
    assert (await act(browser, "CompleteMaintNotification", MaintNotifReferenceDateTime=now)).status_code == 400
    assert (await act(browser, "ReleaseMaintenanceOrder")).json() == {"d": {"IsInvalid": False}}
    assert (await act(browser, "ReleaseMaintenanceOrder")).status_code == 400
    assert (await act(browser, "SetMaintOrderStatusToClosed")).status_code == 400
    assert (await act(browser, "SetMaintOrdToTechCompleted")).status_code == 200
    assert (await act(browser, "CompleteMaintNotification")).status_code == 400
    done = await act(browser, "CompleteMaintNotification", MaintNotifReferenceDateTime=now)
    assert done.json()["d"]["ConcatenatedActiveSystStsName"] == "ORAS NOCO"
    assert done.json()["d"]["NotifProcessingPhase"] == "4"
    assert (
        await act(browser, "ResetMaintOrdStsTechCompleted", AssgdMaintNotifIsToBePutInProc="true")
    ).status_code == 200
    assert browser.server.store.notifications["10000001"].has("NOPR")
    assert (await act(browser, "SetMaintOrdToTechCompleted", AssignedMaintNotifIsToBeClosed="true")).status_code == 200
    assert browser.server.store.notifications["10000001"].has("NOCO")
    assert (await act(browser, "SetMaintOrderStatusToClosed")).status_code == 200
    assert (await act(browser, "SetMaintOrderToDoNotExecute")).status_code == 400


async def test_findings_are_links_unless_they_are_asked_for(browser: Browser) -> None:
    await browser.make()
    item = {"MaintNotificationDamageCode": "0110", "to_ItemCause": [{"MaintNotificationCauseCode": "0200"}]}
    browser.server.store.report(browser.server.store.notifications["10000001"], [item])
    path = f"{NOTIFICATIONS}/MaintenanceNotification('10000001')"
    assert "__deferred" in (await browser.get(path)).json()["d"]["to_Item"]
    (found,) = (await browser.get(path, expand="to_Item,to_Item/to_ItemCause")).json()["d"]["to_Item"]["results"]
    assert found["to_ItemCause"]["results"][0]["MaintNotificationCauseCode"] == "0200"
    assert "__deferred" in found["to_ItemActivity"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [("status_500", 500), ("status_429", 429), ("html", 200), ("session_expired", 401), ("conflict", 412)],
)
async def test_faults_are_shown(browser: Browser, faults: Faults, kind: str, status: int) -> None:
    faults.add(Fault("sap_pm", "query", kind))
    reply = await browser.get(f"{NOTIFICATIONS}/MaintenanceNotification")
    assert reply.status_code == status
    assert (await browser.get(f"{NOTIFICATIONS}/MaintenanceNotification")).status_code == 200


async def test_an_address_without_a_service_and_a_body_that_is_no_object_are_refused(browser: Browser) -> None:
    assert (await browser.get("/sap/opu/odata/sap/API_MAINTENANCEORDER_SRV/MaintenanceOrder")).status_code == 404
    assert (await browser.get(f"{NOTIFICATIONS}/Other")).status_code == 404
    made = {**browser.headers, **await browser.session()}
    for content in (b"[]", b"no"):
        path = f"{NOTIFICATIONS}/MaintenanceNotification"
        assert (await browser.client.post(path, headers=made, content=content)).status_code == 400
