"""What the Atlas connector puts on the wire, and what it makes of answers that no polite server gives."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from connectors.cmms.atlas import AtlasSettings
from connectors.cmms.atlas.models import AtlasRole
from connectors.cmms.atlas.rights import missing_rights
from domain.cmms import OrderQuery
from domain.errors import ActionRequired
from domain.work_orders import WorkOrderDraft, WorkOrderStatus
from tests.connectors.atlas_answers import (
    APPROVED,
    ASSET,
    BASE,
    GONE,
    KEY,
    MADE,
    ORDER,
    PARENT,
    PASSWORD,
    REQUEST,
    AtlasWire,
    connected,
    key_of,
    ok,
    order,
    page,
    request,
    sent,
)

GIVEN = {"url": BASE, "email": "millwright@plant.test", "password": PASSWORD}


def draft(*, released: bool = False, priority: int = 1) -> WorkOrderDraft:
    return WorkOrderDraft(
        key=KEY,
        asset="m1/comp1",
        asset_attributes={},
        asset_external_id="EQ-7",
        summary="Bearing",
        paragraphs=("Seen.",),
        failure_mode="VIB",
        priority=priority,
        released=released,
        reported_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


async def test_signing_in_sends_email_password_and_type_and_every_request_its_token() -> None:
    asked: list[httpx.Request] = []
    wire = AtlasWire()

    def signed_in(request_: httpx.Request) -> httpx.Response:
        asked.append(request_)
        return ok({"accessToken": "token-1", "refreshToken": "r", "tokenType": "Bearer", "expiresAt": "x"})

    wire.answer({"POST /auth/signin": signed_in})
    line = await connected(wire).check()
    assert sent(asked[0]) == {"email": "millwright@plant.test", "password": PASSWORD, "type": "CLIENT"}
    assert {each.headers.get("authorization") for each in wire.asked[1:]} == {"Bearer token-1"}
    assert line == ("Atlas CMMS at atlas.test answers; signed in as millwright@plant.test (user 2); 0 orders of ours")


async def test_our_key_is_searched_in_the_title_of_orders_and_requests_before_anything_is_created() -> None:
    wire = AtlasWire()
    wire.answer(
        {
            "POST /requests/search": [page(), page(request())],
            "POST /assets/search": page(ASSET),
            "POST /requests": ok(request()),
        }
    )
    record = await connected(wire).create_work_order(draft())
    assert (record.ref, record.status) == (REQUEST, WorkOrderStatus.WAITING_APPROVAL)
    paths = [each.url.path.removeprefix("/api") for each in wire.asked if each.method == "POST"]
    assert paths == [
        "/work-orders/search",
        "/requests/search",
        "/assets/search",
        "/requests",
        "/work-orders/search",
        "/requests/search",
    ]
    assert sent(wire.of("POST", "/requests/search")[0]) == {
        "filterFields": [{"field": "title", "operation": "cn", "value": KEY}],
        "pageSize": 10,
        "pageNum": 0,
        "direction": "ASC",
        "sortField": "id",
    }
    assert sent(wire.of("POST", "/assets/search")[0])["filterFields"] == [
        {"field": "barCode", "operation": "eq", "value": "EQ-7"}
    ]


async def test_a_released_draft_is_created_as_an_order() -> None:
    wire = AtlasWire()
    wire.answer(
        {
            "POST /work-orders/search": [page(), page(order())],
            "POST /assets/search": page(ASSET),
            "POST /work-orders": ok(order()),
        }
    )
    record = await connected(wire).create_work_order(draft(released=True))
    assert (record.ref, record.order, record.status) == (ORDER, None, WorkOrderStatus.APPROVED)
    assert wire.of("POST", "/requests") == []


@pytest.mark.parametrize(("rows", "words"), [([], "it has no asset with the barCode EQ-7"), ([1, 2], "2 assets")])
async def test_an_asset_that_is_missing_or_there_twice_needs_a_person(rows: list[int], words: str) -> None:
    wire = AtlasWire()
    wire.answer({"POST /assets/search": page(*({**ASSET, "id": number} for number in rows))})
    with pytest.raises(ActionRequired, match=words) as caught:
        await connected(wire).create_work_order(draft())
    assert caught.value.field == "barCode"
    assert wire.of("POST", "/requests") == []


async def test_a_record_that_cannot_be_found_after_its_creation_needs_a_person() -> None:
    wire = AtlasWire()
    wire.answer({"POST /assets/search": page(ASSET), "POST /requests": ok(request())})
    with pytest.raises(ActionRequired, match="cannot be found by the key in its title"):
        await connected(wire).create_work_order(draft())


async def test_two_records_with_one_key_need_a_person_who_is_told_their_numbers() -> None:
    wire = AtlasWire()
    wire.answer({"POST /work-orders/search": page(order()), "POST /requests/search": page(request())})
    with pytest.raises(ActionRequired, match="WO000001, R000001; keep one"):
        await connected(wire).create_work_order(draft())


async def test_a_record_with_the_keys_of_two_cases_needs_a_person() -> None:
    wire = AtlasWire()
    wire.answer({"POST /requests/search": page(request(description="Millwright key: MW22222222"))})
    with pytest.raises(ActionRequired, match=f"{KEY} and MW22222222"):
        await connected(wire).find_work_orders(OrderQuery(key=KEY))


async def test_a_record_with_our_key_on_another_asset_needs_a_person() -> None:
    wire = AtlasWire()
    wire.answer({"POST /requests/search": page(request()), "GET /assets/5": ok({**ASSET, "barCode": "EQ-8"})})
    with pytest.raises(ActionRequired, match="is for the asset EQ-8, not EQ-7"):
        await connected(wire).create_work_order(draft())


@pytest.mark.parametrize("lost", [False, True], ids=["created", "found again"])
async def test_an_asset_that_was_renamed_is_read_back_by_its_name_of_now(lost: bool) -> None:
    wire = AtlasWire()
    wire.answer({"GET /requests/9": ok(request()), "GET /assets/5": ok({**ASSET, "barCode": "OLD"})})
    cmms = connected(wire)
    assert (await cmms.read_work_order(REQUEST)).asset_external_id == "OLD"
    wire.answer(
        {
            "GET /assets/5": ok(ASSET),
            "POST /assets/search": page(ASSET),
            "POST /requests/search": page(request()) if lost else [page(), page(request())],
            "POST /requests": ok(request()),
        }
    )
    assert (await cmms.create_work_order(draft())).asset_external_id == "EQ-7"
    assert len(wire.of("POST", "/requests")) == (0 if lost else 1)


async def test_a_creation_asks_for_no_asset_twice_though_another_creation_forgets_the_names() -> None:
    wire = AtlasWire()
    cmms = connected(wire)

    def created(_: httpx.Request) -> httpx.Response:
        cmms._reading.forget_asset_names()  # as another creation at once does
        return ok(request())

    wire.answer(
        {
            "POST /assets/search": page(ASSET),
            "POST /requests/search": [page(), page(request())],
            "POST /requests": created,
        }
    )
    assert (await cmms.create_work_order(draft())).asset_external_id == "EQ-7"
    assert wire.of("GET", "/assets/5") == []


async def test_a_name_that_went_to_another_asset_is_not_taken_for_that_of_the_first() -> None:
    wire = AtlasWire()
    wire.answer({"GET /requests/9": ok(request())})
    cmms = connected(wire)
    assert (await cmms.read_work_order(REQUEST)).asset_external_id == "EQ-7"
    wire.answer({"GET /assets/5": ok({**ASSET, "barCode": "EQ-8"}), "POST /requests/search": page(request())})
    with pytest.raises(ActionRequired, match="is for the asset EQ-8, not EQ-7"):
        await cmms.create_work_order(draft())


async def test_the_orders_of_an_asset_that_was_renamed_have_its_name_of_now() -> None:
    wire = AtlasWire()
    wire.answer({"GET /requests/9": ok(request()), "GET /assets/5": ok({**ASSET, "barCode": "OLD"})})
    cmms = connected(wire)
    await cmms.read_work_order(REQUEST)
    wire.answer({"POST /assets/search": page(ASSET), "POST /requests/search": page(request())})
    (found,) = await cmms.find_work_orders(OrderQuery(asset_external_id="EQ-7"))
    assert found.asset_external_id == "EQ-7"


async def test_two_creations_of_one_process_come_one_after_the_other() -> None:
    under_way = most = 0
    wire = AtlasWire()
    cmms = connected(wire)
    client = cmms._client  # the only place where two requests can be seen under way
    create = client.create

    async def slowly(*given: Any) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(3):
            await asyncio.sleep(0)
        under_way -= 1
        await create(*given)

    client.create = slowly  # type: ignore[method-assign, assignment]
    wire.answer({"POST /assets/search": page(ASSET), "POST /requests": ok(request())})
    await asyncio.gather(*(cmms.create_work_order(draft()) for _ in range(4)), return_exceptions=True)
    assert most == 1


async def test_the_request_of_an_order_that_was_deleted_is_not_taken_for_one_that_waits() -> None:
    wire = AtlasWire()
    wire.answer({"GET /requests/9": ok(request()), "GET /work-orders/1": GONE})
    cmms = connected(wire)
    assert (await cmms.read_work_order(APPROVED)).status is WorkOrderStatus.DELETED
    assert (await cmms.release_work_order(APPROVED, "approved")).status is WorkOrderStatus.DELETED
    assert wire.of("PATCH", "/requests/9/approve") == []


async def test_another_record_with_the_key_is_not_taken_for_one_that_is_gone() -> None:
    wire = AtlasWire()
    wire.answer(
        {
            "GET /requests/9": GONE,
            "GET /work-orders/1": GONE,
            "POST /requests/search": page(request() | {"id": 10, "customId": "R000002"}),
            "POST /work-orders/search": page(order() | {"id": 11, "customId": "WO000002"}),
        }
    )
    cmms = connected(wire)
    for ref in (REQUEST, APPROVED, ORDER):
        record = await cmms.read_work_order(ref)
        assert (record.status, record.ref) == (WorkOrderStatus.DELETED, ref)
        assert (await cmms.release_work_order(ref, "approved")).status is WorkOrderStatus.DELETED
        assert (await cmms.withdraw_work_order(ref, "revised")).status is WorkOrderStatus.DELETED
    assert {each.method for each in wire.asked} == {"GET"}


async def test_a_request_that_a_planner_approved_is_followed_to_its_own_order() -> None:
    wire = AtlasWire()
    approved = ok({**request(), "workOrder": MADE})
    wire.answer({"GET /requests/9": approved, "GET /work-orders/1": ok(order(parentRequest=PARENT))})
    record = await connected(wire).read_work_order(REQUEST)
    assert (record.status, record.ref, record.order) == (WorkOrderStatus.APPROVED, APPROVED, ORDER)


async def test_a_reference_without_a_locator_is_looked_for_by_its_key_and_its_number() -> None:
    wire = AtlasWire()
    other = request() | {"id": 10, "customId": "R000002"}
    wire.answer({"POST /requests/search": [page(other), page(other, request())]})
    cmms = connected(wire)
    bare = REQUEST.model_copy(update={"locator": None})
    assert (await cmms.read_work_order(bare)).status is WorkOrderStatus.DELETED
    assert (await cmms.read_work_order(bare)).ref == REQUEST


async def test_orders_of_an_asset_since_a_time_are_asked_for_with_both() -> None:
    wire = AtlasWire()
    wire.answer({"POST /assets/search": page(ASSET), "POST /work-orders/search": page(order(title="It drips."))})
    since = datetime(2026, 11, 21, 6, 0, 0, 123_456, tzinfo=UTC)
    (found,) = await connected(wire).find_work_orders(OrderQuery(asset_external_id="EQ-7", since=since))
    assert found.ref.id == "WO000001"
    assert sent(wire.of("POST", "/work-orders/search")[0])["filterFields"] == [
        {"field": "asset", "operation": "eq", "value": 5},
        {"field": "createdAt", "operation": "ge", "value": "2026-11-21T06:00:00.123Z", "enumName": "JS_DATE"},
    ]


async def test_nothing_is_sent_anywhere_but_to_the_address_of_the_settings() -> None:
    wire = AtlasWire()
    await connected(wire).check()
    assert {str(each.url).startswith(BASE) for each in wire.asked} == {True}


def test_a_page_is_never_so_large_that_it_needs_more_requests_than_atlas_allows_in_a_minute() -> None:
    assert AtlasSettings.model_validate({**GIVEN, "page_size": 20}).page_size == 20
    with pytest.raises(ValidationError, match="page_size"):
        AtlasSettings.model_validate({**GIVEN, "page_size": 21})


async def test_a_full_page_of_finished_orders_stays_within_the_requests_of_a_minute() -> None:
    wire = AtlasWire()
    rows = [order(id=n, customId=f"WO{n:06d}", title=f"Bearing [{key_of(n)}]", description="") for n in range(1, 21)]
    wire.answer({"POST /work-orders/search": page(*rows)})
    found = await connected(wire).changed_since(None)
    assert len(found.records) == 20
    assert len(wire.asked) <= 100


ADMINISTRATOR = {
    "code": "ADMIN",
    "createPermissions": ["REQUESTS", "WORK_ORDERS", "ASSETS"],
    "viewPermissions": ["REQUESTS", "WORK_ORDERS", "ASSETS", "SETTINGS"],
    "viewOtherPermissions": ["REQUESTS", "WORK_ORDERS", "ASSETS"],
    "editOtherPermissions": ["REQUESTS", "WORK_ORDERS"],
}


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"createPermissions": ["WORK_ORDERS"]}, "create requests"),
        ({"viewPermissions": ["REQUESTS", "WORK_ORDERS", "ASSETS"]}, "approve requests"),
        ({"viewOtherPermissions": ["ASSETS", "REQUESTS"]}, "see others' work orders"),
        ({"viewPermissions": ["SETTINGS", "REQUESTS", "WORK_ORDERS"]}, "see assets"),
        ({"editOtherPermissions": []}, "change others' requests, change others' work orders"),
    ],
    ids=["limited administrator", "no approval", "blind to others", "blind to assets", "no change"],
)
def test_a_role_that_does_not_suffice_is_told_in_words(changes: dict[str, Any], missing: str) -> None:
    assert ", ".join(missing_rights(AtlasRole.model_validate({**ADMINISTRATOR, **changes}))) == missing


@pytest.mark.parametrize("role", [ADMINISTRATOR, {}, {"code": "ADMIN", "createPermissions": None}], ids=str)
def test_a_role_that_suffices_or_is_not_told_lacks_nothing(role: dict[str, Any]) -> None:
    assert missing_rights(AtlasRole.model_validate(role)) == ()


async def test_an_archived_asset_needs_a_person_before_anything_is_made() -> None:
    wire = AtlasWire()
    wire.answer({"POST /assets/search": page({**ASSET, "archived": True})})
    with pytest.raises(ActionRequired, match="EQ-7 is archived there") as caught:
        await connected(wire).create_work_order(draft())
    assert caught.value.field == "archived"
    assert wire.of("POST", "/requests") == []
