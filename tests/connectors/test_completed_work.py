"""The work that was done on assets, as each connector asks for it: many assets at once, read record by record."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors.cmms.maximo import MaximoCmms, connect
from domain.clock import WallClock
from domain.completed_work import ToldWork
from domain.errors import ActionRequired, Refused
from domain.maintenance_history import CmmsAsset, WorkKind
from domain.work_orders import FindingRole, ReportedCode
from tests.connectors import sap_pm_answers as sap
from tests.connectors import test_maximo_requests as maximo

SINCE = datetime(2014, 1, 5, tzinfo=UTC)
PUMP, MOTOR = (CmmsAsset(number, {"siteid": "BEDFORD"}) for number in ("11430", "11431"))


class CodedSite(maximo.Wire):
    """A site with a table of its problem codes."""

    def connector(self) -> MaximoCmms:
        settings = maximo.SETTINGS.model_copy(update={"failure_modes": {"NOISE": "NOI"}})
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return connect(settings, http, system="maximo", clock=WallClock())


def done(**changes: Any) -> dict[str, Any]:
    row = {"status": "COMP", "worktype": "CM", "actfinish": "2015-01-05T02:00:00-05:00", **changes}
    return maximo.order(externalrefid=None, **row)


async def test_maximo_is_asked_once_for_many_assets_and_tells_when_and_why_work_was_done() -> None:
    more = f"{maximo.BASE}/os/mxapiwodetail?pageno=2"
    wire = maximo.Wire(
        maximo.members(done(), done(wonum="1202", assetnum="11431", worktype="PM", actfinish=None), next_page=more),
        maximo.members(done(wonum="1203", worktype="CAL"), done(wonum="1", actfinish="2013-01-05T02:00:00-05:00")),
    )
    found = await wire.connector().completed_work([PUMP, MOTOR, PUMP], SINCE)
    of_pump = (
        ToldWork(record="1201", done_at=datetime(2015, 1, 5, 7, tzinfo=UTC), kind=WorkKind.CORRECTIVE),
        ToldWork(record="1203", done_at=datetime(2015, 1, 5, 7, tzinfo=UTC), kind=WorkKind.UNKNOWN),
    )
    of_motor = (ToldWork(record="1202", done_at=datetime(2015, 1, 5, 8, tzinfo=UTC), kind=WorkKind.PREVENTIVE),)
    assert found == (of_pump, of_motor, of_pump)
    asked = wire.asked[0].url.params
    assert asked["oslc.where"] == (
        'siteid="BEDFORD" and assetnum in ["11430","11431"] and statusdate>="2014-01-04T19:00:00"'
    )
    assert asked["domaininternalwhere"] == "status=COMP,CLOSE"
    assert (asked["oslc.orderBy"], "failurereport" in asked["oslc.select"]) == ("+statusdate,+wonum", False)
    assert len(wire.asked) == 2


async def test_maximo_tells_the_codes_of_a_site_that_says_what_they_name() -> None:
    wire = CodedSite(maximo.members(done(problemcode="NOISE", failurecode="PUMPS")))
    ((work,),) = await wire.connector().completed_work([PUMP], SINCE)  # type: ignore[misc]  # a history that is known
    assert work.codes == (ReportedCode(role=FindingRole.PROBLEM, group="PUMPS", code="NOISE"),)


async def test_maximo_tells_no_work_of_an_order_whose_status_is_another() -> None:
    wire = maximo.Wire(maximo.members(done(status="WMATL", status_maxvalue="WMATL"), done(status="DONE")))
    assert await wire.connector().completed_work([PUMP], SINCE) == ((),)


async def test_a_record_that_cannot_be_read_makes_only_its_own_asset_unknown() -> None:
    wire = maximo.Wire(maximo.members(done(actfinish="soon"), done(wonum="1202", assetnum="11431")))
    of_pump, of_motor = await wire.connector().completed_work([PUMP, MOTOR], SINCE)
    assert of_pump is None
    assert of_motor is not None
    assert [each.record for each in of_motor] == ["1202"]


async def test_a_record_of_nobody_knows_which_asset_makes_all_unknown() -> None:
    wire = maximo.Wire(maximo.members(done(assetnum=None), done(wonum="1202", assetnum="11431")))
    assert await wire.connector().completed_work([PUMP, MOTOR], SINCE) == (None, None)


async def test_maximos_numbers_are_upper_case_however_the_crosswalk_writes_them() -> None:
    wire = maximo.Wire(maximo.members(done(assetnum="PUMP-1"), done(wonum="1202", assetnum="pump-2")))
    named = [CmmsAsset(number, {"siteid": "Bedford"}) for number in ("pump-1", "PUMP-1", "Pump-2")]
    first, same, second = await wire.connector().completed_work(named, SINCE)
    assert first == same
    assert [len(work or ()) for work in (first, second)] == [1, 1]
    assert 'siteid="BEDFORD" and assetnum in ["PUMP-1","PUMP-2"]' in wire.asked[0].url.params["oslc.where"]


async def test_work_on_an_asset_that_was_not_asked_for_makes_all_unknown() -> None:
    wire = maximo.Wire(maximo.members(done(assetnum="011430"), done(wonum="1202", assetnum="11431")))
    assert await wire.connector().completed_work([PUMP, MOTOR], SINCE) == (None, None)


async def test_an_order_of_maximos_that_was_closed_without_an_actual_finish_makes_its_asset_unknown() -> None:
    wire = maximo.Wire(maximo.members(done(status="CLOSE", status_maxvalue="CLOSE", actfinish=None)))
    assert await wire.connector().completed_work([PUMP, MOTOR], SINCE) == (None, ())
    wire = maximo.Wire(maximo.members(done(status="CLOSE", status_maxvalue="CLOSE")))
    ((work,),) = await wire.connector().completed_work([PUMP], SINCE)  # type: ignore[misc]  # it is known
    assert work.done_at == datetime(2015, 1, 5, 7, tzinfo=UTC)


async def test_work_on_an_object_of_saps_that_was_not_asked_for_makes_it_unknown() -> None:
    padded = closed(TechnicalObject="000000000010004711")
    wire = sap.Wire(
        *(sap.listed(padded), sap.listed(), sap.listed()),
        *(sap.listed(padded), sap.listed(), sap.listed()),
        *(sap.listed(), sap.listed(), sap.listed()),
    )
    assert await wire.connector().completed_work([SAP_PUMP, SAP_MOTOR], SINCE) == (None, ())


async def test_an_asset_that_cannot_be_asked_for_is_named() -> None:
    with pytest.raises(Refused, match="assetnum has a quotation mark"):
        await maximo.Wire().connector().completed_work([CmmsAsset('1"', {"siteid": "BEDFORD"})], SINCE)
    with pytest.raises(ActionRequired, match="no site is known for asset 11430"):
        await maximo.Wire().connector().completed_work([CmmsAsset("11430", {})], SINCE)


SAP_PUMP, SAP_MOTOR = CmmsAsset("10004711", {}), CmmsAsset("10004712", {})
JAN_6 = "/Date(1420502400000+0000)/"
"""The beginning of 2015-01-06."""


def closed(**changes: Any) -> dict[str, Any]:
    row = {
        "ConcatenatedActiveSystStsName": "NOCO",
        "NotificationType": "M2",
        "LastChangeDateTime": sap.LATER,
        **changes,
    }
    item = {"MaintNotifDamageCodeGroup": "MECH", "MaintNotificationDamageCode": "NOIS"}
    return sap.notification(MaintNotifExtReferenceNumber="", to_Item={"results": [item]}, **{**row, **changes})


def closed_order(**changes: Any) -> dict[str, Any]:
    row = {"MaintenanceOrder": "4000009", "MaintenanceNotification": "", "SystemStatusText": "CLSD", **changes}
    return sap.order(MaintenanceOrderType="PM02", **row)


async def test_sap_tells_the_work_of_notifications_and_of_orders_without_one() -> None:
    wire = sap.Wire(
        sap.listed(
            closed(MalfunctionEndDateTime=sap.MADE), closed(MaintenanceNotification="2", TechnicalObject="10004712")
        ),
        sap.listed(),
        sap.listed(closed_order(), closed_order(MaintenanceOrder="4000010", SystemStatusText="REL")),
    )
    settings = {"failure_modes": {"MECH/NOIS": "NOI"}, "work_kinds": {"M2": "corrective", "PM02": "preventive"}}
    of_pump, of_motor = await wire.connector(**settings).completed_work([SAP_PUMP, SAP_MOTOR], SINCE)
    assert of_pump is not None
    assert of_motor is not None
    assert [(each.record, each.kind, len(each.codes)) for each in of_pump] == [
        ("10000001", WorkKind.CORRECTIVE, 1),
        ("4000009", WorkKind.PREVENTIVE, 0),
    ]
    assert of_pump[0].done_at == sap.notification_row().created_at
    assert [each.record for each in of_motor] == ["2"]
    notifications, _, orders = map(sap.filter_of, wire.asked)
    assert notifications == (
        "(TechnicalObject eq '10004711' or TechnicalObject eq '10004712') and TechObjIsEquipOrFuncnlLoc eq 'EAMS_EQUI' "
        "and LastChangeDateTime ge datetimeoffset'2014-01-05T00:00:00Z'"
    )
    assert orders == f"MaintenanceNotification eq '' and {notifications}"


async def test_of_a_notification_of_saps_without_an_end_the_day_of_its_completion_counts() -> None:
    late = closed(LastChangeDateTime="/Date(1430000000000+0000)/", NotificationCompletionDate=JAN_6)
    wire = sap.Wire(sap.listed(late), sap.listed(), sap.listed())
    ((work,),) = await wire.connector().completed_work([SAP_PUMP], SINCE)  # type: ignore[misc]  # it is known
    assert work.done_at == datetime(2015, 1, 7, tzinfo=UTC)


async def test_saps_assets_are_asked_for_one_by_one_to_find_the_one_with_a_record_that_cannot_be_read() -> None:
    odd = closed(LastChangeDateTime="yesterday")
    wire = sap.Wire(
        *(sap.listed(odd), sap.listed()),
        *(sap.listed(odd), sap.listed()),
        *(sap.listed(closed(TechnicalObject="10004712")), sap.listed(), sap.listed()),
    )
    of_pump, of_motor = await wire.connector().completed_work([SAP_PUMP, SAP_MOTOR], SINCE)
    assert of_pump is None
    assert of_motor is not None
    assert len(of_motor) == 1
