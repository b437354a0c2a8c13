"""What the connector asks of MaintainX, and what it makes of the answers, without a server."""

from typing import Any

import httpx
import pytest

from connectors.cmms.maintainx import MaintainXSettings
from domain.cmms import OrderQuery
from domain.errors import ActionRequired, Refused, Unavailable
from domain.work_orders import Touched, WorkOrderStatus
from tests.connectors.maintainx_answers import (
    API_KEY,
    DRAFT,
    KEY,
    REF,
    SETTINGS,
    MaintainXWire,
    connected,
    listed,
    order,
    page,
    sent,
    single,
)

LIST, ONE = "GET /workorders", "GET /workorders/107"
PATCH, STATUS = "PATCH /workorders/107", "PATCH /workorders/107/status"
OTHER = "MW22222222"
CREATED = httpx.Response(200, json={"id": 107})
OK = httpx.Response(200, json={"id": 107})


def params(asked: httpx.Request) -> dict[str, str]:
    return dict(asked.url.params)


async def test_every_request_has_the_key_and_no_organisation_unless_one_is_set() -> None:
    wire = MaintainXWire()
    await connected(wire).check()
    (asked,) = wire.asked
    assert asked.headers["authorization"] == f"Bearer {API_KEY}"
    assert "x-organization-id" not in asked.headers
    assert "cookie" not in asked.headers


async def test_an_organisation_is_named_in_every_request() -> None:
    wire = MaintainXWire()
    settings = MaintainXSettings.model_validate({**SETTINGS.model_dump(), "organization": "42"})
    line = await connected(wire, settings).check()
    assert "for the organisation 42" in line
    assert wire.asked[0].headers["x-organization-id"] == "42"


def test_without_an_address_the_vendors_is_called() -> None:
    settings = MaintainXSettings.model_validate({"api_key": "x"})
    assert settings.url == "https://api.getmaintainx.com/v1"


async def test_an_order_is_looked_for_by_its_title_and_among_those_of_the_asset_then_created_and_read_back() -> None:
    wire = MaintainXWire({LIST: [page(), page(), page(listed())], "POST /workorders": CREATED, ONE: single()})
    record = await connected(wire).create_work_order(DRAFT)
    by_title, of_asset, again = wire.of("GET", "/workorders")
    everything = {"limit": "200", "expand": "assignees", "show_upcoming": "true"}
    assert params(by_title) == {"title": KEY, **everything}
    assert params(of_asset) == {
        "assets": "5",
        "createdAt[gte]": "2026-11-21T05:00:00.000Z",
        **everything,
    }
    assert params(again)["title"] == KEY
    (creation,) = wire.of("POST", "/workorders")
    assert sent(creation)["externalData"]["millwright"] == KEY
    assert "skipWebhook" not in str(creation.url)
    assert len(wire.of("GET", "/workorders/107")) == 1
    assert (record.ref, record.touched) == (REF, Touched.NO)


async def test_an_order_whose_tag_people_took_off_is_found_among_those_of_the_asset() -> None:
    wire = MaintainXWire({LIST: [page(), page(listed(title="Bearing"))], ONE: single(order(title="Bearing"))})
    record = await connected(wire).create_work_order(DRAFT)
    assert (record.ref, record.touched) == (REF, Touched.YES)
    assert wire.of("POST", "/workorders") == []


async def test_of_the_orders_of_an_asset_those_of_others_are_not_taken() -> None:
    rows = page(listed(title="It drips"), listed(108, title="Again"))
    theirs = order(title="It drips", externalData="of others")
    wire = MaintainXWire(
        {
            LIST: [page(), rows, page(listed(109))],
            ONE: single(theirs),
            "GET /workorders/108": single({**theirs, "id": 108, "title": f"Again [{OTHER}]"}),
            "GET /workorders/109": single(order(id=109)),
            "POST /workorders": httpx.Response(200, json={"id": 109}),
        }
    )
    assert (await connected(wire).create_work_order(DRAFT)).ref.locator == "109"


async def test_a_copy_beside_the_order_is_not_taken_for_it() -> None:
    copy = single(order(id=108, externalData=None))
    wire = MaintainXWire({LIST: page(listed(108), listed()), ONE: single(), "GET /workorders/108": copy})
    assert (await connected(wire).create_work_order(DRAFT)).ref == REF


@pytest.mark.parametrize("data", [None, "of others", {"millwright": "another form"}], ids=str)
async def test_an_order_with_our_tag_that_is_not_proved_ours_needs_a_person(data: object) -> None:
    wire = MaintainXWire({LIST: page(listed()), ONE: single(order(externalData=data))})
    with pytest.raises(ActionRequired, match="if it is a copy") as caught:
        await connected(wire).create_work_order(DRAFT)
    assert caught.value.field == "externalData"
    assert wire.of("POST", "/workorders") == []


async def test_an_order_with_the_keys_of_two_cases_needs_a_person() -> None:
    wire = MaintainXWire({LIST: page(listed()), ONE: single(order(title=f"Bearing [{OTHER}]"))})
    with pytest.raises(ActionRequired, match=f"7 carries {OTHER} in its title") as caught:
        await connected(wire).find_work_orders(OrderQuery(key=KEY))
    assert caught.value.field == "title"


async def test_two_orders_with_one_key_need_a_person() -> None:
    wire = MaintainXWire(
        {
            LIST: page(listed(), listed(108)),
            ONE: single(),
            "GET /workorders/108": single(order(id=108, sequentialId=8)),
        }
    )
    with pytest.raises(ActionRequired, match="more than one order carries this key: 7, 8"):
        await connected(wire).create_work_order(DRAFT)


async def test_an_order_that_was_moved_to_another_asset_is_not_created_again() -> None:
    wire = MaintainXWire({LIST: page(listed()), ONE: single(order(assetId=6))})
    with pytest.raises(ActionRequired, match="for the asset 6, not 5") as caught:
        await connected(wire).create_work_order(DRAFT)
    assert caught.value.field == "assetId"


async def test_a_new_order_that_no_list_shows_yet_is_read_by_its_id() -> None:
    wire = MaintainXWire({"POST /workorders": CREATED, ONE: single()})
    assert (await connected(wire).create_work_order(DRAFT)).ref == REF


async def test_an_order_that_another_process_created_at_once_needs_a_person() -> None:
    other = single(order(id=108, sequentialId=8))
    wire = MaintainXWire(
        {
            LIST: [page(), page(), page(listed(), listed(108))],
            "POST /workorders": CREATED,
            ONE: single(),
            "GET /workorders/108": other,
        }
    )
    with pytest.raises(ActionRequired, match="more than one order carries this key: 7, 8"):
        await connected(wire).create_work_order(DRAFT)


async def test_a_key_is_looked_for_from_some_time_before_the_report_also_by_the_clock_of_maintainx() -> None:
    found = single(order(createdAt="2026-11-21T05:30:00Z"))
    wire = MaintainXWire({LIST: [page(), page(listed())], ONE: found})
    query = OrderQuery(key=KEY, asset_external_id="5", since=DRAFT.reported_at)
    assert len(await connected(wire).find_work_orders(query)) == 1
    assert params(wire.of("GET", "/workorders")[1])["createdAt[gte]"] == "2026-11-21T05:00:00.000Z"


@pytest.mark.parametrize("answer", [{}, {"id": "107"}, {"id": None}, [107]], ids=str)
async def test_an_answer_to_a_creation_without_an_id_cannot_be_read(answer: Any) -> None:
    wire = MaintainXWire({"POST /workorders": httpx.Response(200, json=answer)})
    with pytest.raises(Refused, match="unreadable reply"):
        await connected(wire).create_work_order(DRAFT)


async def test_all_pages_of_a_list_are_read() -> None:
    wire = MaintainXWire(
        {
            LIST: [page(listed(), cursor="a/b+c"), page(listed(), listed(108))],
            ONE: single(),
            "GET /workorders/108": single(order(id=108, sequentialId=8, createdAt="2026-11-21T06:00:00Z")),
        }
    )
    found = await connected(wire).find_work_orders(OrderQuery(asset_external_id="5"))
    assert [record.ref.id for record in found] == ["8", "7"]
    assert params(wire.of("GET", "/workorders")[1])["cursor"] == "a/b+c"


async def test_a_list_that_does_not_end_is_refused() -> None:
    wire = MaintainXWire({LIST: page(listed(), cursor="again"), ONE: single()})
    with pytest.raises(Refused, match="does not end"):
        await connected(wire).find_work_orders(OrderQuery(asset_external_id="5"))


async def test_a_row_that_may_be_the_wanted_order_and_cannot_be_read_needs_a_person() -> None:
    wire = MaintainXWire({LIST: page({"id": "odd", "updatedAt": "2026-11-21T06:50:10Z"})})
    with pytest.raises(ActionRequired, match="record odd cannot be read: id") as caught:
        await connected(wire).find_work_orders(OrderQuery(key=KEY))
    assert caught.value.field == "id"


async def test_finished_orders_are_left_out_if_only_open_ones_are_wanted() -> None:
    wire = MaintainXWire({LIST: page(listed()), ONE: single(order(status="SKIPPED"))})
    cmms = connected(wire)
    assert len(await cmms.find_work_orders(OrderQuery(key=KEY))) == 1
    assert await cmms.find_work_orders(OrderQuery(key=KEY, open_only=True)) == ()


async def test_an_order_is_read_by_its_id_with_what_tells_whether_it_was_touched() -> None:
    wire = MaintainXWire({ONE: single()})
    assert (await connected(wire).read_work_order(REF)).ref == REF
    (asked,) = wire.asked
    expanded = ["assignees", "parts", "times", "time_items", "expenditures", "extra_fields"]
    assert asked.url.params.multi_items() == [("expand", name) for name in expanded]


@pytest.mark.parametrize("locator", [None, "x", "0"])
async def test_a_reference_without_an_id_needs_a_person(locator: str | None) -> None:
    with pytest.raises(ActionRequired, match="names no order of MaintainX"):
        await connected(MaintainXWire()).read_work_order(REF.model_copy(update={"locator": locator}))


async def test_an_order_without_any_key_is_followed_by_its_place() -> None:
    wire = MaintainXWire({ONE: single(order(title="Bearing", externalData=None))})
    record = await connected(wire).read_work_order(REF)
    assert (record.ref, record.touched) == (REF, Touched.YES)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": None}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"status": ""}, "status"),
        ({"updatedAt": "2026-11-21T06:50:10"}, "updatedAt"),
        ({"updatedAt": 1_700_000_000}, "updatedAt"),
        ({"updatedAt": "9999-11-21T06:50:10Z"}, "updatedAt"),
        ({"updatedAt": "2199-11-21T06:50:10Z"}, "updatedAt"),
        ({"createdAt": "yesterday"}, "createdAt"),
        ({"completedAt": "0001-01-01T00:00:00Z"}, "completedAt"),
        ({"assetId": "5"}, "assetId"),
        ({"extraFields": {"Cause": {"id": 1}}}, "extraFields.Cause"),
    ],
    ids=str,
)
async def test_a_field_that_cannot_be_read_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ActionRequired, match="record 7 cannot be read") as caught:
        await connected(MaintainXWire({ONE: single(order(**changes))})).read_work_order(REF)
    assert caught.value.field == field


async def test_a_release_changes_nothing() -> None:
    wire = MaintainXWire({ONE: single()})
    assert (await connected(wire).release_work_order(REF, "approved")).status is WorkOrderStatus.APPROVED
    assert {asked.method for asked in wire.asked} == {"GET"}


async def test_a_note_is_added_at_the_end_of_the_description_and_read_back() -> None:
    before = order()
    after = order(description=f"{before['description']}\n\n[MW:note-1] Seen again.")
    wire = MaintainXWire({ONE: [single(before), single(after)], PATCH: OK})
    await connected(wire).add_note(REF, "note-1", "Seen again.")
    (change,) = wire.of("PATCH", "/workorders/107")
    assert sent(change) == {"description": after["description"]}


async def test_a_note_that_is_there_is_not_added() -> None:
    wire = MaintainXWire({ONE: single(order(description="Seen.\n[MW:note-1] Seen again."))})
    await connected(wire).add_note(REF, "note-1", "Seen again.")
    assert wire.of("PATCH", "/workorders/107") == []


async def test_a_note_that_others_have_overwritten_at_once_is_tried_again_later() -> None:
    wire = MaintainXWire({ONE: single(), PATCH: OK})
    with pytest.raises(Unavailable, match="the description of 7 was changed by others"):
        await connected(wire).add_note(REF, "note-1", "Seen again.")


async def test_a_description_that_is_not_shown_is_not_overwritten() -> None:
    shown = {name: value for name, value in order().items() if name != "description"}
    wire = MaintainXWire({ONE: single(shown)})
    with pytest.raises(ActionRequired, match="a note would overwrite it") as caught:
        await connected(wire).add_note(REF, "note-1", "Seen again.")
    assert caught.value.field == "description"
    assert wire.of("PATCH", "/workorders/107") == []


async def test_an_order_is_withdrawn_with_its_reason_in_the_description() -> None:
    noted = order(description=f"{order()['description']}\n\n[MW:withdrawn] revised")
    wire = MaintainXWire(
        {ONE: [single(), single(noted), single({**noted, "status": "CANCELED"})], PATCH: OK, STATUS: OK}
    )
    record = await connected(wire).withdraw_work_order(REF, "revised")
    assert record.status is WorkOrderStatus.CANCELLED
    (status,) = wire.of("PATCH", "/workorders/107/status")
    assert sent(status) == {"status": "CANCELED"}
    assert [asked.url.path for asked in wire.asked if asked.method == "PATCH"] == [
        "/v1/workorders/107",
        "/v1/workorders/107/status",
    ]


async def test_an_order_that_others_change_while_its_reason_is_noted_is_not_cancelled() -> None:
    noted = order(description=f"{order()['description']}\n\n[MW:withdrawn] revised", assignees=[{"id": 12}])
    wire = MaintainXWire({ONE: [single(), single(noted)], PATCH: OK, STATUS: OK})
    record = await connected(wire).withdraw_work_order(REF, "revised")
    assert (record.status, record.touched) == (WorkOrderStatus.APPROVED, Touched.YES)
    assert wire.of("PATCH", "/workorders/107/status") == []


@pytest.mark.parametrize(
    "changes",
    [{"status": "IN_PROGRESS"}, {"priority": "HIGH"}, {"parts": [1]}, {"externalData": None}],
    ids=str,
)
async def test_an_order_that_others_have_changed_is_left_alone(changes: dict[str, Any]) -> None:
    wire = MaintainXWire({ONE: single(order(**changes))})
    await connected(wire).withdraw_work_order(REF, "revised")
    assert {asked.method for asked in wire.asked} == {"GET"}


async def test_an_order_of_which_it_is_unknown_is_left_alone() -> None:
    shown = {name: value for name, value in order().items() if name != "timeItems"}
    wire = MaintainXWire({ONE: single(shown)})
    assert (await connected(wire).withdraw_work_order(REF, "revised")).touched is Touched.UNKNOWN
    assert {asked.method for asked in wire.asked} == {"GET"}
