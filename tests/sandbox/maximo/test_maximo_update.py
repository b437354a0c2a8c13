from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest

from sandbox.maximo import MaximoServer
from sandbox.maximo.failure_codes import CLASS_OF_COMPONENT, INSTRUMENT_FAULT, NOTHING_FOUND

ORDERS = "/os/mxapiwodetail"
ASSETS = "/os/mxapiasset"
MERGE = {"x-method-override": "PATCH", "patchtype": "MERGE"}
REPLACE = {"x-method-override": "PATCH"}
LOGS = [{"description": "one"}, {"description": "two"}]
LEAK = [{"type": "PROBLEM", "failurecode": "LOWSPEED"}, {"type": "CAUSE", "failurecode": "BEARING"}]
Create = Callable[..., Awaitable[str]]
Change = Callable[..., Awaitable[httpx.Response]]


async def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["Error"]["reasonCode"]


async def test_a_merge_adds_rows_and_keeps_the_others(client: httpx.AsyncClient, create: Create) -> None:
    href = await create(worklog=LOGS)
    answer = await client.post(href, headers=MERGE, json={"worklog": [{"description": "three"}]})
    assert (answer.status_code, answer.content) == (204, b"")
    rows = (await client.get(href)).json()["worklog"]
    assert [row["description"] for row in rows] == ["one", "two", "three"]


async def test_a_merge_changes_the_row_whose_key_it_names(client: httpx.AsyncClient, create: Create) -> None:
    href = await create(worklog=LOGS)
    first = (await client.get(href)).json()["worklog"][0]["worklogid"]
    await client.post(href, headers=MERGE, json={"worklog": [{"worklogid": first, "description": "ONE"}]})
    assert [row["description"] for row in (await client.get(href)).json()["worklog"]] == ["ONE", "two"]


@pytest.mark.parametrize("headers", [REPLACE, {**REPLACE, "patchtype": "AddChange"}])
@pytest.mark.parametrize(
    ("body", "left"), [({"worklog": [{"description": "three"}]}, ["three"]), ({"description": "Motor"}, [])]
)
async def test_without_merge_rows_missing_from_the_payload_are_deleted(
    client: httpx.AsyncClient, create: Create, headers: dict[str, str], body: dict[str, object], left: list[str]
) -> None:
    href = await create(worklog=LOGS)
    assert (await client.post(href, headers=headers, json=body)).status_code == 204
    order = (await client.get(href)).json()
    assert [row["description"] for row in order.get("worklog", [])] == left
    assert len(order["wostatus"]) == 1


async def test_an_update_answers_with_the_record_only_where_properties_ask(
    client: httpx.AsyncClient, create: Create
) -> None:
    href = await create()
    answer = await client.post(href, headers={**MERGE, "properties": "description"}, json={"description": "Motor"})
    assert (answer.status_code, answer.json()["description"]) == (200, "Motor")


@pytest.mark.parametrize("headers", [{}, {"X-HTTP-Method": "PATCH"}, {"x-method-override": "PUT"}])
async def test_a_record_is_changed_by_the_override_header_only(
    client: httpx.AsyncClient, create: Create, headers: dict[str, str]
) -> None:
    assert (await client.post(await create(), headers=headers, json={"description": "x"})).status_code == 400


async def test_another_http_method_is_not_allowed(client: httpx.AsyncClient, create: Create) -> None:
    answer = await client.patch(await create(), json={"description": "x"})
    assert (answer.status_code, answer.json()["Error"]["statusCode"]) == (405, "405")


async def test_a_stale_rowstamp_is_refused(client: httpx.AsyncClient, create: Create) -> None:
    href = await create()
    stamp = (await client.get(href)).json()["_rowstamp"]
    body = {"description": "Motor", "_rowstamp": stamp}
    assert (await client.post(href, headers=MERGE, json=body)).status_code == 204
    assert (await client.post(href, headers=MERGE, json=body)).status_code == 412


@pytest.mark.parametrize("body", [{"status": "APPR"}, {"wonum": "9999"}, {"wostatus": []}, {"problemcode": "LEAK"}])
async def test_what_a_payload_may_not_write_is_refused(
    client: httpx.AsyncClient, create: Create, body: dict[str, object]
) -> None:
    answer = await client.post(await create(), headers=MERGE, json=body)
    assert (answer.status_code, answer.json()["Error"]["errorattrname"]) == (400, next(iter(body)))


async def test_sync_creates_and_then_changes_the_order_of_that_key(client: httpx.AsyncClient) -> None:
    headers = {"x-method-override": "SYNC", "patchtype": "MERGE"}
    body: dict[str, object] = {"wonum": "S1", "siteid": "BEDFORD", "worklog": [{"description": "one"}]}
    assert (await client.post(ORDERS, headers=headers, json=body)).status_code == 201
    again = await client.post(ORDERS, headers=headers, json={**body, "description": "Motor"})
    assert (again.status_code, again.content) == (204, b"")
    params = {"oslc.where": 'wonum="S1"', "oslc.select": "description,worklog{*}"}
    (order,) = (await client.get(ORDERS, params=params)).json()["member"]
    assert (order["description"], len(order["worklog"])) == ("Motor", 2)


async def test_failures_need_the_failure_class_first(client: httpx.AsyncClient, create: Create) -> None:
    href = await create()
    assert await code(await client.post(href, headers=MERGE, json={"failurereport": LEAK})) == (400, "BMXAA0030E")
    body = {"failurecode": "ROTATE", "failurereport": LEAK}
    assert (await client.post(href, headers=MERGE, json=body)).status_code == 204
    order = (await client.get(href)).json()
    assert order["problemcode"] == "LOWSPEED"
    assert [(row["type_maxvalue"], row["failurecode"]) for row in order["failurereport"]] == [
        ("PROBLEM", "LOWSPEED"),
        ("CAUSE", "BEARING"),
    ]


async def test_the_failure_list_is_a_tree(client: httpx.AsyncClient, create: Create) -> None:
    nodes = (await client.get("/os/mxapifailurelist", params={"oslc.select": "*"})).json()["member"]
    by_number = {node["failurelist"]: node for node in nodes}
    href = await create(failurecode="ROTATE", failurereport=LEAK)
    rows = (await client.get(href)).json()["failurereport"]
    problem, cause = (by_number[row["linenum"]] for row in rows)
    assert cause["parent"] == problem["failurelist"]
    assert by_number[problem["parent"]]["failurecode"] == "ROTATE"
    assert all(len(node["failurecode"]) <= 8 for node in nodes)


@pytest.mark.parametrize("failure_class", CLASS_OF_COMPONENT.values())
@pytest.mark.parametrize("codes", [NOTHING_FOUND, INSTRUMENT_FAULT])
async def test_every_class_can_say_nothing_found_and_instrument_fault(
    create: Create, plant: MaximoServer, failure_class: str, codes: tuple[str, str, str]
) -> None:
    await create(wonum="A")
    problem, cause, remedy = codes
    order = plant.report_actual("A", failurecode=failure_class, problem=problem, cause=cause, remedy=remedy, by="ADAMS")
    assert (order.failurecode, order.problem, order.cause, order.remedy) == (failure_class, *codes)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"failurecode": "NOCLASS"}, "BMXAA0000E"),
        ({"failurecode": "PRESS", "failurereport": LEAK}, "BMXAA0000E"),
        ({"labtrans": [{"laborcode": "NOBODY", "regularhrs": 1}]}, "BMXAA2627E"),
        ({"labtrans": [{"laborcode": "ADAMS", "regularhrs": 1, "craft": "MECH"}]}, "BMXAA2634E"),
        ({"labtrans": [{"laborcode": "ADAMS"}]}, "BMXAA0000E"),
        ({"matusetrans": [{"itemnum": "NONE", "quantity": 1, "issuetype": "ISSUE"}]}, "BMXAA0000E"),
        ({"matusetrans": [{"itemnum": "PDM-COMP2", "quantity": 1, "issuetype": "GIFT"}]}, "BMXAA0000E"),
        ({"worklog": [{"description": "x" * 101}]}, "BMXAA4049E"),
        ({"worklog": "text"}, "BMXAA0000E"),
    ],
)
async def test_an_actual_that_maximo_refuses_changes_nothing(
    client: httpx.AsyncClient, create: Create, body: dict[str, object], reason: str
) -> None:
    href = await create()
    before = (await client.get(href)).json()
    assert await code(await client.post(href, headers=MERGE, json=body)) == (400, reason)
    assert (await client.get(href)).json() == before


async def test_material_is_stored_negative_and_never_deleted(client: httpx.AsyncClient, create: Create) -> None:
    issue = {"itemnum": "PDM-COMP2", "quantity": 2, "issuetype": "ISSUE"}
    href = await create(matusetrans=[issue, {**issue, "quantity": 1, "issuetype": "RETURN"}])
    assert [row["quantity"] for row in (await client.get(href)).json()["matusetrans"]] == [-2, 1]
    assert await code(await client.post(href, headers=REPLACE, json={"matusetrans": []})) == (400, "BMXAA1872E")


async def test_downtime_is_reported_on_the_asset_by_sync(client: httpx.AsyncClient, plant: MaximoServer) -> None:
    report = {"isdowntimereport": "1", "startdate": "2015-01-10T02:00:00", "enddate": "2015-01-10T04:00:00-05:00"}
    body = {"assetnum": "M017", "siteid": "BEDFORD", "downtimereport": [{**report, "code": "BRKDWN"}]}
    headers = {"x-method-override": "SYNC", "patchtype": "MERGE"}
    assert (await client.post(ASSETS, headers=headers, json=body)).status_code == 204
    assert plant.downtimes("M017") == [(datetime(2015, 1, 10, 7, tzinfo=UTC), datetime(2015, 1, 10, 9, tzinfo=UTC))]
    body["downtimereport"] = [{**report, "code": "COFFEE"}]
    answer = await client.post(ASSETS, headers=headers, json=body)
    assert (answer.status_code, answer.json()["Error"]["errorattrname"]) == (400, "code")


async def test_assets_are_a_tree_of_machines_and_components(client: httpx.AsyncClient) -> None:
    params = {"oslc.where": 'parent="M017"', "oslc.select": "assetnum,location,siteid,orgid,failurecode"}
    members = (await client.get(ASSETS, params=params)).json()["member"]
    assert [member["assetnum"] for member in members] == [f"M017-COMP{number}" for number in range(1, 5)]
    assert {(member["location"], member["siteid"], member["orgid"]) for member in members} == {
        ("LINE1-17", "BEDFORD", "EAGLENA")
    }


async def test_a_technician_reports_everything_at_once(
    client: httpx.AsyncClient, create: Create, plant: MaximoServer
) -> None:
    href = await create(wonum="A")
    span = (datetime(2015, 1, 10, 8, tzinfo=UTC), datetime(2015, 1, 10, 11, tzinfo=UTC))
    plant.report_actual(
        "A",
        actstart=span[0],
        actfinish=span[1],
        failurecode="ROTATE",
        problem="LOWSPEED",
        cause="BEARING",
        remedy="REPLACE",
        labor=[("CORTEZ", 2.5)],
        parts=[("PDM-COMP2", 1)],
        notes="Bearing seized. " * 10,
        downtime=span,
        by="CORTEZ",
    )
    order = (await client.get(href)).json()
    assert (order["actstart"], order["actfinish"]) == ("2015-01-10T03:00:00-05:00", "2015-01-10T06:00:00-05:00")
    assert [(row["laborcode"], row["craft"], row["regularhrs"]) for row in order["labtrans"]] == [
        ("CORTEZ", "MECH", 2.5)
    ]
    assert order["worklog"][0]["description_longdescription"] == "Bearing seized. " * 10
    assert plant.downtimes("M017-COMP2") == [span]
