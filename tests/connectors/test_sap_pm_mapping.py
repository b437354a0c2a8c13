"""Between our work orders and SAP's notifications and orders, row by row of the table in the documentation."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.cmms.sap_pm import long_text as texts
from connectors.cmms.sap_pm import mapping
from connectors.cmms.sap_pm.mapping import SapPmWork
from connectors.cmms.sap_pm.odata import date_text, instant_of, moment_literal, time_text
from connectors.cmms.sap_pm.settings import SapPmSettings
from domain.work_orders import FindingRole, RecordKind, ReportedCode, Touched, WorkOrderStatus
from tests.connectors.sap_pm_answers import (
    BASE,
    DRAFT,
    KEY,
    LATER,
    MADE,
    PASSWORD,
    SETTINGS,
    notification_row,
    order_row,
)


def settings(**more: Any) -> SapPmSettings:
    return SapPmSettings.model_validate({"url": BASE, "user": "MILLWRIGHT", "password": PASSWORD, **more})


def test_a_draft_becomes_a_notification_with_our_key_and_no_required_dates() -> None:
    site = settings(
        time_zone="Europe/Berlin",
        detection="DET/0040",
        planning_plant="1010",
        planner_group="001",
        work_center="RES-0100",
        work_center_plant="1010",
    )
    assert mapping.notification_body(DRAFT, site) == {
        "NotificationType": "M2",
        "NotificationText": "P-07 drive end bearing: outer race...",
        "MaintNotifLongTextForEdit": f"Seen.\n\nMillwright key: {KEY}",
        "MaintPriority": "2",
        "TechnicalObject": "10004711",
        "TechObjIsEquipOrFuncnlLoc": "EAMS_EQUI",
        "MaintNotifExtReferenceNumber": KEY,
        "MalfunctionStartDate": "/Date(1420416000000)/",
        "MalfunctionStartTime": "PT09H05M09S",
        "MaintNotifDetectionCodeGroup": "DET",
        "MaintNotifDetectionCode": "0040",
        "MaintenancePlanningPlant": "1010",
        "MaintenancePlannerGroup": "001",
        "MainWorkCenter": "RES-0100",
        "MainWorkCenterPlant": "1010",
    }


def test_a_functional_location_of_the_crosswalk_is_one_on_the_notification_and_on_its_order() -> None:
    draft = DRAFT.model_copy(update={"asset_attributes": {"objectkind": "functional_location"}})
    assert mapping.notification_body(draft, SETTINGS)["TechObjIsEquipOrFuncnlLoc"] == "EAMS_FL"
    row = notification_row(TechObjIsEquipOrFuncnlLoc="EAMS_FL", TechnicalObject="1010-PU-07")
    body = mapping.order_body(row, SETTINGS)
    assert (body["FunctionalLocation"], "Equipment" in body) == ("1010-PU-07", False)


def test_a_technical_object_that_an_order_has_no_room_for_is_refused_before_an_order_is_made() -> None:
    with pytest.raises(ValueError, match="takes 18 characters"):
        mapping.order_body(notification_row(TechnicalObject="1" * 19), SETTINGS)


@pytest.mark.parametrize(
    ("notification", "order", "status"),
    [
        ("OSNO", None, WorkOrderStatus.WAITING_APPROVAL),
        ("NOPR", None, WorkOrderStatus.APPROVED),
        ("NOPR ORAS", "CRTD MANC", WorkOrderStatus.WAITING_APPROVAL),
        ("NOPR ORAS", "REL  PRC", WorkOrderStatus.APPROVED),
        ("NOPR ORAS", "REL PCNF", WorkOrderStatus.IN_PROGRESS),
        ("NOPR ORAS", "REL CNF", WorkOrderStatus.IN_PROGRESS),
        ("NOPR ORAS", "CNF TECO", WorkOrderStatus.COMPLETED),
        ("NOCO ORAS", "TECO CLSD", WorkOrderStatus.COMPLETED),
        ("NOCO ORAS", "CLSD", WorkOrderStatus.COMPLETED),
        ("NOPR ORAS", "REL DLFL", WorkOrderStatus.CANCELLED),
        ("NOPR ORAS", "CRTD DLFL", WorkOrderStatus.CANCELLED),
        ("NOPR ORAS", "REL PCNF DLFL", WorkOrderStatus.CANCELLED),
        ("NOPR ORAS", "TECO DLFL", WorkOrderStatus.COMPLETED),
        ("NOCO ORAS", "CLSD CNF DLFL", WorkOrderStatus.COMPLETED),
        ("NOCO ORAS DLFL", "CLSD CNF DLFL", WorkOrderStatus.COMPLETED),
        ("NOCO ORAS DLFL", "CLSD CNF", WorkOrderStatus.COMPLETED),
        ("NOCO ORAS DLFL", "TECO ZNEX", WorkOrderStatus.CANCELLED),
        ("NOCO DLFL", None, WorkOrderStatus.CANCELLED),
        ("NOPR ORAS", "CRTD ZNEX", WorkOrderStatus.CANCELLED),
        ("OSNO DLFL", None, WorkOrderStatus.CANCELLED),
        ("OSNO DLFL", "REL", WorkOrderStatus.CANCELLED),
        ("NOPO", None, WorkOrderStatus.ON_HOLD),
        ("NOPR ORAS", "REL NOPO", WorkOrderStatus.ON_HOLD),
        ("NOPR ORAS", "TECO NOPO", WorkOrderStatus.COMPLETED),
        ("NOCO", None, WorkOrderStatus.SKIPPED),
        ("osno", None, WorkOrderStatus.WAITING_APPROVAL),
    ],
)
def test_status_words_are_read_one_by_one(notification: str, order: str | None, status: WorkOrderStatus) -> None:
    row = notification_row(ConcatenatedActiveSystStsName=notification)
    work = SapPmWork(row, order_row(SystemStatusText=order) if order else None)
    site = settings(on_hold_statuses=["NOPO"], not_executed_statuses=["ZNEX"])
    assert work.status(site) == (status, False)


@pytest.mark.parametrize(("notification", "order"), [("", None), ("METR", None), ("OFFN", None), ("NOPR", "FREI")])
def test_words_without_a_known_meaning_are_guessed_and_end_no_order(notification: str, order: str | None) -> None:
    row = notification_row(ConcatenatedActiveSystStsName=notification)
    work = SapPmWork(row, order_row(SystemStatusText=order) if order else None)
    record = mapping.record_of(work, "sap_pm", SETTINGS)
    assert (record.status, record.status_guessed) == (WorkOrderStatus.IN_PROGRESS, True)
    assert not record.work_has_begun


def test_a_notification_that_a_person_completed_with_findings_and_no_order_is_completed() -> None:
    row = notification_row(ConcatenatedActiveSystStsName="NOCO", to_Item={"results": [{"MaintNotifItemText": "x"}]})
    assert SapPmWork(row).status(SETTINGS)[0] is WorkOrderStatus.COMPLETED
    archived = row.model_copy(update={"statuses": "NOCO DLFL"})
    assert SapPmWork(archived).status(SETTINGS)[0] is WorkOrderStatus.COMPLETED
    text = texts.with_note(row, texts.WITHDRAWN, "pat said no", proved=False)
    noted = row.model_copy(update={"long_text": text})
    assert SapPmWork(noted).status(SETTINGS)[0] is WorkOrderStatus.COMPLETED
    assert SapPmWork(noted.model_copy(update={"items": ()})).status(SETTINGS)[0] is WorkOrderStatus.CANCELLED


@pytest.mark.parametrize(
    ("notification", "order", "touched"),
    [
        ({}, None, Touched.NO),
        ({"LastChangeDateTime": None}, None, Touched.NO),
        ({"LastChangeDateTime": LATER}, None, Touched.UNKNOWN),
        ({"CreatedByUser": ""}, None, Touched.UNKNOWN),
        ({"CreatedByUser": "PLANNER"}, None, Touched.YES),
        ({"CreatedByUser": "millwright"}, None, Touched.NO),
        ({"MaintNotifExtReferenceNumber": ""}, None, Touched.YES),
        ({"ConcatenatedActiveSystStsName": "NOPR"}, None, Touched.YES),
        ({"ConcatenatedActiveSystStsName": "OSNO DLFL"}, None, Touched.YES),
        ({"ConcatenatedActiveSystStsName": "NOCO"}, None, Touched.YES),
        ({"to_Item": {"results": [{"MaintNotificationDamageCode": "0110"}]}}, None, Touched.YES),
        ({}, {}, Touched.NO),
        ({}, {"CreatedByUser": "PLANNER"}, Touched.YES),
        ({}, {"LastChangeByUser": "PLANNER"}, Touched.YES),
        ({}, {"LastChangeByUser": ""}, Touched.UNKNOWN),
        ({}, {"SystemStatusText": "REL PCNF"}, Touched.YES),
        ({"ConcatenatedActiveSystStsName": "NOPR ORAS"}, {}, Touched.NO),
    ],
)
def test_who_changed_it(notification: dict[str, Any], order: dict[str, Any] | None, touched: Touched) -> None:
    work = SapPmWork(notification_row(**notification), None if order is None else order_row(**order))
    assert mapping.touched_by_others(work, SETTINGS) is touched


@pytest.mark.parametrize(
    ("statuses", "touched"), [("NOCO", Touched.NO), ("NOPR", Touched.YES), ("OSNO DLFL", Touched.YES)]
)
def test_our_note_of_a_withdrawal_explains_that_a_notification_is_completed_and_nothing_else(
    statuses: str, touched: Touched
) -> None:
    text = texts.with_note(notification_row(), texts.WITHDRAWN, "pat said no", proved=True)
    row = notification_row(MaintNotifLongTextForEdit=text, ConcatenatedActiveSystStsName=statuses)
    assert mapping.touched_by_others(SapPmWork(row), SETTINGS) is touched


@pytest.mark.parametrize("sent", ["[MW:withdrawn] no [/MW]", "[\x01MW:withdrawn]", "[MW-state:0123456789]"])
def test_a_senders_text_that_looks_like_a_mark_of_ours_is_none(sent: str) -> None:
    draft = DRAFT.model_copy(update={"paragraphs": (f"Seen. {sent}",)})
    row = notification_row(**mapping.notification_body(draft, SETTINGS), ConcatenatedActiveSystStsName="NOCO")
    assert not texts.has_note(row, texts.WITHDRAWN)
    assert not texts.has_state(row)
    assert SapPmWork(row).status(SETTINGS)[0] is WorkOrderStatus.SKIPPED
    assert texts.text_of(row) == texts.text_of(row).replace("[/MW]", "")


@pytest.mark.parametrize(
    "edit",
    [
        {"NotificationText": "Bearing, urgent"},
        {"MaintPriority": "1"},
        {"MainWorkCenter": "RES-0200"},
        {"MaintenancePlannerGroup": "002"},
        {"TechnicalObject": "10004712"},
        {"PersonResponsible": "00001234"},
        {"MaintenanceObjectIsDown": True},
        {"MalfunctionEndDateTime": LATER},
    ],
)
def test_a_field_that_people_edit_after_our_note_is_seen(edit: dict[str, Any]) -> None:
    text = texts.with_note(notification_row(), "note-1", "Seen again.", proved=True)
    ours = {"LastChangeDateTime": LATER, "MaintNotifLongTextForEdit": text}
    assert mapping.touched_by_others(SapPmWork(notification_row(**ours)), SETTINGS) is Touched.NO
    assert mapping.touched_by_others(SapPmWork(notification_row(**ours, **edit)), SETTINGS) is Touched.YES
    longer = {**ours, "MaintNotifLongTextForEdit": f"{text}\nAsk Pat first."}
    assert mapping.touched_by_others(SapPmWork(notification_row(**longer)), SETTINGS) is Touched.YES


def test_required_dates_and_the_line_breaks_of_sap_are_no_change() -> None:
    text = texts.with_note(notification_row(), "note-1", "word " * 30, proved=True) or ""
    broken = text.replace("word word", "word\r\nword")
    row = notification_row(LastChangeDateTime=LATER, MaintNotifLongTextForEdit=broken, RequiredEndDate=LATER)
    assert mapping.touched_by_others(SapPmWork(row), SETTINGS) is Touched.NO
    assert list(texts.notes_of_people(row, KEY)) == []


def test_a_note_on_what_others_changed_does_not_hide_that_they_did() -> None:
    first = texts.with_note(notification_row(), "note-1", "Seen again.", proved=True)
    edited = {"NotificationText": "Bearing, urgent", "LastChangeDateTime": LATER}
    row = notification_row(MaintNotifLongTextForEdit=first, **edited)
    second = texts.with_note(row, "note-2", "And again.", proved=False)
    after = notification_row(MaintNotifLongTextForEdit=second, **edited)
    assert mapping.touched_by_others(SapPmWork(after), SETTINGS) is Touched.YES


def test_room_for_a_note_is_made_by_reducing_our_own_earlier_ones_and_people_s_words_stay() -> None:
    row = notification_row(MaintNotifLongTextForEdit=f"Seen.\n\nMillwright key: {KEY}\n\nAsk Pat first. " + "x" * 600)
    for number in range(8):
        text = texts.with_note(row, f"note-{number}", "word " * 40, proved=True)
        assert text is not None
        assert len(text) <= texts.LONG_TEXT_LENGTH
        row = notification_row(MaintNotifLongTextForEdit=text)
    assert all(texts.has_note(row, f"note-{number}") for number in range(8))
    assert "[MW:note-0][/MW]" in texts.text_of(row)
    assert [note[:14] for note in texts.notes_of_people(row, KEY)] == ["Ask Pat first."]


@pytest.mark.parametrize("field", ["MaintNotifLongTextForEdit", "MaintNotificationLongText"])
def test_a_text_without_room_is_not_written_over(field: str) -> None:
    assert texts.with_note(notification_row(**{field: "x" * 1330}), "note-1", "Seen.", proved=False) is None


def test_a_note_cannot_end_itself_or_pretend_to_be_another() -> None:
    text = texts.with_note(notification_row(), "note-1", "a [/MW] b [MW:note-2] c", proved=False)
    row = notification_row(MaintNotifLongTextForEdit=text)
    assert not texts.has_note(row, "note-2")
    assert list(texts.notes_of_people(row, KEY)) == []


def test_the_findings_of_the_technician_are_read_with_role_and_group() -> None:
    item = {
        "MaintNotifDamageCodeGroup": "ELEC",
        "MaintNotificationDamageCode": "0110",
        "MaintNotifObjPrtCodeGroup": "PUMP",
        "MaintNotifObjPrtCode": "0020",
        "MaintNotifItemText": "Winding black",
        "to_ItemCause": {"results": [{"MaintNotifCauseCodeGroup": "CAU", "MaintNotificationCauseCode": "0200"}]},
        "to_ItemActivity": {
            "results": [
                {"MaintNotifActivityCodeGroup": "ACT", "MaintNotificationActivityCode": "0030"},
                {"MaintNotificationActivityCode": "0031", "IsDeleted": True},
                {"MaintNotificationActivityCode": "", "MaintNotifActyTxt": "Replaced"},
            ]
        },
    }
    deleted = {"MaintNotificationDamageCode": "0999", "IsDeleted": True}
    row = notification_row(
        ConcatenatedActiveSystStsName="NOCO",
        to_Item={"results": [item, deleted]},
        MalfunctionStartDateTime=MADE,
        MalfunctionEndDateTime=LATER,
        MaintObjectDowntimeDuration="1.5",
        MaintObjDowntimeDurationUnit="H",
        MaintNotifLongTextForEdit=f"Seen.\n\nMillwright key: {KEY}\n\nRegulator burnt.",
    )
    report = mapping.record_of(SapPmWork(row, order_row(SystemStatusText="TECO")), "sap_pm", SETTINGS).report
    assert report is not None
    assert report.codes == (
        ReportedCode(role=FindingRole.OBJECT_PART, group="PUMP", code="0020"),
        ReportedCode(role=FindingRole.PROBLEM, group="ELEC", code="0110"),
        ReportedCode(role=FindingRole.CAUSE, group="CAU", code="0200"),
        ReportedCode(role=FindingRole.REMEDY, group="ACT", code="0030"),
    )
    assert report.downtime == timedelta(hours=1.5)
    assert (report.started_at, report.finished_at) == (None, None)
    assert report.notes == ("Regulator burnt.", "Winding black", "Replaced")


def test_a_downtime_in_a_unit_that_we_do_not_know_is_left_out() -> None:
    row = notification_row(MaintObjectDowntimeDuration=3, MaintObjDowntimeDurationUnit="TAG")
    assert mapping.report_of(row, KEY).downtime is None


def test_a_record_has_both_references_and_the_later_of_both_stamps() -> None:
    record = mapping.record_of(SapPmWork(notification_row(), order_row(LastChangeDateTime=LATER)), "s4", SETTINGS)
    assert (record.ref.system, record.ref.id, record.ref.key) == ("s4", "10000001", KEY)
    assert record.ref.kind is RecordKind.REQUEST
    assert record.order is not None
    assert (record.order.id, record.order.kind.value, record.order.key) == ("4000001", "order", KEY)
    assert record.changed_at == datetime(2015, 1, 5, 9, tzinfo=UTC)
    assert record.vendor_status == "OSNO; order REL PRC"
    assert record.priority == 2


def test_of_several_orders_the_one_that_is_not_cancelled_counts() -> None:
    row = notification_row()
    first, second = order_row(SystemStatusText="CRTD DLFL"), order_row(MaintenanceOrder="4000002")
    assert mapping.order_of(row, [first, second], SETTINGS) == second
    assert mapping.order_of(row, [first], SETTINGS) == first
    assert mapping.order_of(row, [], SETTINGS) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("/Date(1420444800000+0000)/", datetime(2015, 1, 5, 8, tzinfo=UTC)),
        ("/Date(1420444800000)/", datetime(2015, 1, 5, 8, tzinfo=UTC)),
        ("/Date(1420444800000+0060)/", datetime(2015, 1, 5, 8, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_date_of_odata_is_an_instant(text: str | None, moment: datetime | None) -> None:
    assert instant_of(text) == moment


@pytest.mark.parametrize(
    "text",
    ["2015-01-05", "/Date()/", "/Date(12/", "/Date(-99999999999)/", "/Date(999999999999999)/", "", "/Date(1e9)/"],
)
def test_what_is_no_date_of_odata_makes_its_field_unreadable(text: str) -> None:
    with pytest.raises(ValidationError, match="CreationDateTime"):
        notification_row(CreationDateTime=text)


@pytest.mark.parametrize("value", [20150105, 1420444800000, True, {"ms": 1}, ["x"]])
def test_a_date_that_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="LastChangeDateTime"):
        order_row(LastChangeDateTime=value)


def test_dates_and_times_are_written_as_odata_writes_them() -> None:
    moment = datetime(2015, 1, 5, 13, 5, 0, tzinfo=UTC)
    assert (date_text(moment), time_text(moment)) == ("/Date(1420416000000)/", "PT13H05M00S")
    assert moment_literal(moment) == "datetimeoffset'2015-01-05T13:05:00Z'"
