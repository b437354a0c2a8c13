"""The work that was done on assets, as MaintainX and Atlas tell it: one list for many assets that are known there."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from domain.completed_work import ToldWork
from domain.errors import ActionRequired, Refused, Unavailable
from domain.maintenance_history import CmmsAsset, WorkKind
from domain.work_orders import FindingRole, ReportedCode
from tests.connectors import atlas_answers as atlas
from tests.connectors import maintainx_answers as maintainx

SINCE = datetime(2025, 11, 30, tzinfo=UTC)
DONE_AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
PUMP, MOTOR = CmmsAsset("5", {}), CmmsAsset("6", {})
LIST = "GET /workorders"


def done(number: int = 107, at: str = "2026-11-22T08:00:01.000Z", **changes: Any) -> dict[str, Any]:
    row = {"status": "DONE", "type": "REACTIVE", "completedAt": "2026-11-22T08:00:00.000Z", "asset": {"id": 5}}
    return maintainx.listed(number, at, **{**row, **changes})


async def test_maintainx_is_asked_once_for_many_assets_and_tells_when_and_why_work_was_done() -> None:
    rows = [
        done(),
        done(108, type="PREVENTIVE", asset={"id": 6}),
        done(109, type="CYCLE_COUNT", asset={"id": 6}),
        done(110, completedAt="2025-11-29T08:00:00.000Z"),
        done(111, subStatus="CANCELED"),
        done(112, deletedAt="2026-11-23T08:00:00.000Z"),
        done(113, asset={"id": 7}),
    ]
    wire = maintainx.MaintainXWire({LIST: maintainx.page(*rows)})
    found = await maintainx.connected(wire).completed_work([PUMP, MOTOR, PUMP], SINCE)
    of_pump = (ToldWork(record="7", done_at=DONE_AT, kind=WorkKind.CORRECTIVE),)
    of_motor = (
        ToldWork(record="8", done_at=DONE_AT, kind=WorkKind.PREVENTIVE),
        ToldWork(record="9", done_at=DONE_AT, kind=WorkKind.UNKNOWN),
    )
    assert found == (of_pump, of_motor, of_pump)
    (asked,) = wire.asked
    assert asked.url.params.multi_items() == [
        ("show_upcoming", "true"),
        ("assets", "5"),
        ("assets", "6"),
        ("statuses", "DONE"),
        ("sort", "updatedAt"),
        ("updatedAt[gte]", "2025-11-30T00:00:00.000Z"),
        ("limit", "200"),
        ("expand", "asset"),
    ]


@pytest.mark.parametrize(
    "odd", [{"completedAt": None}, {"completedAt": "soon"}, {"status": "ARCHIVED"}, {"status": None}], ids=str
)
async def test_an_order_of_maintainx_that_does_not_tell_whether_and_when_makes_its_asset_unknown(odd: Any) -> None:
    wire = maintainx.MaintainXWire({LIST: maintainx.page(done(**odd), done(108, asset={"id": 6}))})
    of_pump, of_motor = await maintainx.connected(wire).completed_work([PUMP, MOTOR], SINCE)
    assert of_pump is None
    assert len(of_motor or ()) == 1


@pytest.mark.parametrize("odd", [{"asset": None}, {"id": "x", "asset": []}], ids=str)
async def test_an_order_of_maintainx_of_nobody_knows_which_asset_makes_all_unknown(odd: Any) -> None:
    wire = maintainx.MaintainXWire({LIST: maintainx.page({**done(), **odd}, done(108))})
    told = await maintainx.connected(wire).completed_work([PUMP, MOTOR], SINCE)
    assert told[1] is None


async def test_the_next_page_of_maintainx_is_asked_for_from_the_last_date_and_an_order_counts_once() -> None:
    first, second = done(107, "2026-11-22T09:00:00.000Z"), done(108, "2026-11-22T10:00:00.000Z")
    last = maintainx.page(second, done(109, "2026-11-22T11:00:00.000Z"))
    pages: list[maintainx.Answer] = [maintainx.page(first, second, cursor="c1"), last]
    wire = maintainx.MaintainXWire({LIST: pages})
    (told,) = await maintainx.connected(wire).completed_work([PUMP], SINCE)
    assert [work.record for work in told or ()] == ["7", "8", "9"]
    assert [each.url.params["updatedAt[gte]"] for each in wire.asked] == [
        "2025-11-30T00:00:00.000Z",
        "2026-11-22T10:00:00.000Z",
    ]


async def test_the_cursor_of_maintainx_is_followed_where_dates_do_not_rise_and_not_for_ever() -> None:
    late, early = done(107, "2026-11-22T10:00:00.000Z"), done(108, "2026-11-22T09:00:00.000Z")
    wire = maintainx.MaintainXWire({LIST: [maintainx.page(late, early, cursor="c1"), maintainx.page(done(109))]})
    (told,) = await maintainx.connected(wire).completed_work([PUMP], SINCE)
    assert len(told or ()) == 3
    assert wire.asked[1].url.params["cursor"] == "c1"
    endless = maintainx.MaintainXWire({LIST: maintainx.page(late, early, cursor="c1")})
    with pytest.raises(Refused, match="does not end"):
        await maintainx.connected(endless).completed_work([PUMP], SINCE)


async def test_an_asset_of_maintainx_that_is_not_there_or_is_no_number_is_unknown() -> None:
    gone = httpx.Response(404, json={"error": "Not Found."})
    wire = maintainx.MaintainXWire({"GET /assets/6": gone, "GET /assets/5": httpx.Response(200, json={})})
    named = CmmsAsset("PUMP-1", {})
    assert await maintainx.connected(wire).completed_work([PUMP, MOTOR, named], SINCE) == ((), None, None)
    assert await maintainx.connected(wire).completed_work([named], SINCE) == (None,)


def complete(**changes: Any) -> dict[str, Any]:
    row = {"status": "COMPLETE", "completedOn": "2026-11-22T08:00:00.000+00:00", "parentPreventiveMaintenance": None}
    return atlas.order(**{**row, **changes})


EQ_7, EQ_8 = CmmsAsset("EQ-7", {}), CmmsAsset("EQ-8", {})
OF_8 = {"id": 6, "name": "Press 8", "customId": "A000002", "barCode": "EQ-8"}
BOTH = atlas.page(atlas.ASSET, OF_8)
ORDERS, ASSETS = "POST /work-orders/search", "POST /assets/search"


async def test_atlas_is_asked_once_for_many_assets_and_tells_when_and_why_work_was_done() -> None:
    rows = [
        complete(),
        complete(id=2, customId="WO000002", asset=OF_8, parentPreventiveMaintenance={"id": 9}, archived=True),
        complete(id=3, status="OPEN"),
    ]
    settings = atlas.SETTINGS.model_copy(update={"failure_modes": {"NOISE": "NOI"}})
    field = {"customField": {"label": "Problem"}, "value": "NOISE"}
    rows[0]["customFieldValues"] = [field]
    wire = atlas.AtlasWire(**{ASSETS: BOTH, ORDERS: atlas.page(*rows)})
    found = await atlas.connected(wire, settings).completed_work([EQ_7, EQ_8], SINCE)
    code = ReportedCode(role=FindingRole.PROBLEM, code="NOISE")
    assert found == (
        (ToldWork(record="WO000001", done_at=DONE_AT, kind=WorkKind.CORRECTIVE, codes=(code,)),),
        (ToldWork(record="WO000002", done_at=DONE_AT, kind=WorkKind.PREVENTIVE),),
    )
    of_assets, of_orders = map(atlas.sent, wire.asked)
    assert of_assets["filterFields"] == [
        {"field": "barCode", "operation": "in", "value": "", "values": ["EQ-7", "EQ-8"]}
    ]
    assert of_orders["filterFields"] == [
        {"field": "asset", "operation": "in", "value": "", "values": [5, 6]},
        {"field": "status", "operation": "in", "value": "", "values": ["COMPLETE"], "enumName": "STATUS"},
        {"field": "completedOn", "operation": "ge", "value": "2025-11-30T00:00:00.000Z", "enumName": "JS_DATE"},
    ]
    assert (of_orders["sortField"], of_orders["pageSize"]) == ("id", 100)


@pytest.mark.parametrize("odd", [{"completedOn": None}, {"completedOn": "soon"}, {"status": "DONE"}], ids=str)
async def test_an_order_of_atlas_that_does_not_tell_whether_and_when_makes_its_asset_unknown(odd: Any) -> None:
    wire = atlas.AtlasWire(**{ASSETS: BOTH, ORDERS: atlas.page(complete(**odd), complete(id=2, asset=OF_8))})
    of_pump, of_motor = await atlas.connected(wire).completed_work([EQ_7, EQ_8], SINCE)
    assert of_pump is None
    assert len(of_motor or ()) == 1


async def test_an_order_of_atlas_that_does_not_say_from_what_it_was_made_is_of_no_kind() -> None:
    row = complete()
    del row["parentPreventiveMaintenance"]
    wire = atlas.AtlasWire(**{ASSETS: BOTH, ORDERS: atlas.page(row)})
    ((work,), _) = await atlas.connected(wire).completed_work([EQ_7, EQ_8], SINCE)  # type: ignore[misc]  # it is known
    assert work.kind is WorkKind.UNKNOWN


async def test_a_name_that_several_assets_of_atlas_have_or_none_is_unknown() -> None:
    wire = atlas.AtlasWire(**{ASSETS: atlas.page(atlas.ASSET, {**OF_8, "barCode": "EQ-7"})})
    assert await atlas.connected(wire).completed_work([EQ_7, EQ_8], SINCE) == (None, None)
    nobody = atlas.AtlasWire(**{ASSETS: atlas.page()})
    assert await atlas.connected(nobody).completed_work([EQ_7], SINCE) == (None,)
    assert [each.url.path for each in nobody.asked] == ["/api/assets/search"]
    odd = atlas.AtlasWire(**{ASSETS: atlas.page(atlas.ASSET, {**OF_8, "barCode": 7})})
    with pytest.raises(ActionRequired, match="asset 6 cannot be read"):
        await atlas.connected(odd).completed_work([EQ_7, EQ_8], SINCE)


async def test_a_list_of_atlas_that_changes_while_it_is_read_tells_nothing() -> None:
    # An order before the second page was opened again, so the first of the second page came on no page.
    pages: list[atlas.Answer] = [
        httpx.Response(200, json={"content": [complete()], "last": False, "totalElements": 3}),
        httpx.Response(200, json={"content": [], "last": True, "totalElements": 2}),
    ]
    answers: dict[str, list[atlas.Answer]] = {ASSETS: [BOTH], ORDERS: pages}
    wire = atlas.AtlasWire(**answers)
    with pytest.raises(Unavailable, match="changed while it was read"):
        await atlas.connected(wire).completed_work([EQ_7, EQ_8], SINCE)
