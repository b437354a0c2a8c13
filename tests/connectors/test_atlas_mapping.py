"""Between our orders and Atlas's requests and orders, row by row of the table in docs/connectors.md."""

import html
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.cmms.atlas import AtlasSettings, mapping, texts
from connectors.cmms.atlas.models import (
    AtlasAsset,
    AtlasComment,
    AtlasLabor,
    AtlasOrder,
    AtlasPartUse,
    AtlasRequest,
)
from connectors.rows import Rows
from domain.work_orders import FindingRole, Labor, Part, RecordKind, Touched, WorkOrderDraft, WorkOrderStatus
from tests.connectors.atlas_answers import ASSET, KEY, SETTINGS, order, request

TECHNICIAN = {"id": 7, "firstName": "Toni", "lastName": "Tech"}


def draft(**changes: Any) -> WorkOrderDraft:
    given = {
        "key": KEY,
        "asset": "m1/comp1",
        "asset_attributes": {},
        "asset_external_id": "EQ-7",
        "summary": "Bearing",
        "paragraphs": ("Seen.",),
        "failure_mode": "VIB",
        "priority": 2,
        "released": False,
        "reported_at": datetime(2015, 1, 5, tzinfo=UTC),
        **changes,
    }
    return WorkOrderDraft.model_validate(given)


def view(work: mapping.AtlasWork | None = None) -> mapping.AtlasView:
    return mapping.AtlasView("atlas", user=2, asset="EQ-7", work=work)


def work(
    comments: tuple[dict[str, Any], ...] = (),
    labor: tuple[dict[str, Any], ...] = (),
    parts: tuple[dict[str, Any], ...] = (),
) -> mapping.AtlasWork:
    return mapping.AtlasWork(
        Rows(tuple(map(AtlasComment.model_validate, comments)), ()),
        Rows(tuple(map(AtlasLabor.model_validate, labor)), ()),
        Rows(tuple(map(AtlasPartUse.model_validate, parts)), ()),
    )


def test_a_draft_has_title_key_priority_asset_location_and_due_date() -> None:
    due = datetime(2015, 1, 6, 12, tzinfo=UTC)
    body = mapping.draft_body(draft(due_at=due), AtlasAsset.model_validate(ASSET), SETTINGS)
    assert body == {
        "title": f"Bearing [{KEY}]",
        "description": f"Seen.\n\nMillwright key: {KEY}",
        "priority": "MEDIUM",
        "asset": {"id": 5},
        "location": {"id": 4},
        "dueDate": "2015-01-06T12:00:00.000Z",
    }


@pytest.mark.parametrize("ours", [1, 2, 3, 4])
def test_each_priority_comes_back_as_it_was_sent(ours: int) -> None:
    body = mapping.draft_body(draft(priority=ours), AtlasAsset.model_validate(ASSET), SETTINGS)
    row = AtlasOrder.model_validate(order(priority=body["priority"]))
    assert mapping.record_of(row, view(), SETTINGS).priority == ours


def test_a_priority_that_stands_for_two_of_ours_is_read_as_none() -> None:
    settings = SETTINGS.model_copy(update={"priorities": {1: "HIGH", 2: "HIGH", 3: "LOW", 4: "NONE"}})
    assert mapping.record_of(AtlasOrder.model_validate(order()), view(), settings).priority is None


@pytest.mark.parametrize(
    "summary",
    ["Wärmeüberwachung ⚙ <&> " * 13, "&" * 300, "x" * 300, "<b>" * 100, "a < b & c > d " * 22],
    ids=["words", "ampersands", "letters", "tags", "signs"],
)
def test_a_title_of_three_hundred_characters_fits_as_atlas_keeps_it_and_keeps_the_key(summary: str) -> None:
    title = texts.title_of(summary, KEY)
    kept = html.escape(title, quote=False)
    assert len(kept) <= texts.TITLE_LENGTH
    assert texts.keys_on(kept, None) == (KEY,)
    assert "<b" not in title


def test_a_summary_that_has_a_key_of_its_own_does_not_pass_for_ours() -> None:
    assert texts.keys_on(texts.title_of("See [MW22222222] too", KEY), None) == (KEY,)


@pytest.mark.parametrize("tag", ["MW-12", "MW12345678", "MWABCDEFG", "MWABCDEFGHI", "MWabcdefgh", "MW", "MW:1"])
def test_a_tag_of_a_person_is_no_key(tag: str) -> None:
    assert texts.keys_on(f"Bearing [{KEY}] [{tag}]", f"Millwright key: {tag}") == (KEY,)
    assert texts.keys_on(f"Bearing [{tag}]", None) == ()


def test_a_description_fits_as_atlas_keeps_it_with_room_for_notes() -> None:
    text = texts.description_of(("<&> " * 4_000, "word " * 3_000), KEY)
    kept = html.escape(text, quote=False)
    assert len(kept) <= texts.OWN_TEXT_LENGTH
    assert texts.keys_on("", kept) == (KEY,)
    line = texts.note_line("note-1", "Seen again <&> " * 100)
    longer = texts.with_note(kept, line)
    assert longer is not None
    assert texts.has_note(html.escape(line, quote=False), "note-1")
    assert texts.with_note("x" * 9_990, line) is None


def test_a_note_that_quotes_a_key_line_is_not_taken_for_the_key() -> None:
    line = texts.note_line("note-1", "Millwright key: MW22222222")
    longer = texts.with_note(f"Seen.\n\nMillwright key: {KEY}", line)
    assert texts.keys_on("", longer) == (KEY,)


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({}, WorkOrderStatus.APPROVED, "OPEN"),
        ({"status": "IN_PROGRESS"}, WorkOrderStatus.IN_PROGRESS, "IN_PROGRESS"),
        ({"status": "ON_HOLD"}, WorkOrderStatus.ON_HOLD, "ON_HOLD"),
        ({"status": "COMPLETE"}, WorkOrderStatus.COMPLETED, "COMPLETE"),
        ({"status": "COMPLETE", "archived": True}, WorkOrderStatus.COMPLETED, "COMPLETE, archived"),
        ({"archived": True}, WorkOrderStatus.CANCELLED, "OPEN, archived"),
        ({"status": "PAUSED"}, WorkOrderStatus.IN_PROGRESS, "PAUSED"),
    ],
)
def test_every_state_of_an_order_is_known_or_guessed_as_work(
    changes: dict[str, Any], status: WorkOrderStatus, word: str
) -> None:
    record = mapping.record_of(AtlasOrder.model_validate(order(**changes)), view(), SETTINGS)
    assert (record.status, record.vendor_status) == (status, word)
    assert record.status_guessed is (word == "PAUSED")
    assert (record.report is not None) is (status is WorkOrderStatus.COMPLETED)


@pytest.mark.parametrize(
    ("changes", "status"),
    [({}, WorkOrderStatus.WAITING_APPROVAL), ({"cancelled": True}, WorkOrderStatus.CANCELLED)],
)
def test_a_request_waits_or_was_rejected(changes: dict[str, Any], status: WorkOrderStatus) -> None:
    row = AtlasRequest.model_validate({**request(), **changes})
    record = mapping.record_of(row, view(), SETTINGS)
    assert (record.status, record.ref.kind, record.ref.id) == (status, RecordKind.REQUEST, "R000001")
    assert (record.ref.locator, record.order, record.touched) == ("9", None, Touched.NO)


def test_a_record_without_a_number_is_named_by_its_id() -> None:
    row = AtlasOrder.model_validate(order(customId=None))
    assert mapping.record_of(row, view(), SETTINGS).ref.id == "1"


def test_an_order_that_was_made_of_a_request_keeps_both_references() -> None:
    parent = {"id": 9, "title": f"Bearing [{KEY}]", "customId": "R000001"}
    row = AtlasOrder.model_validate(order(title="Bearing, renamed", description="", parentRequest=parent))
    record = mapping.record_of(row, view(), SETTINGS)
    assert (record.ref.kind, record.ref.id, record.ref.locator) == (RecordKind.REQUEST, "R000001", "9/1")
    assert record.ref.key == KEY
    assert record.order is not None
    assert (record.order.kind, record.order.id, record.order.locator) == (RecordKind.ORDER, "WO000001", "1")


@pytest.mark.parametrize(
    ("changes", "done", "touched"),
    [
        ({}, None, Touched.NO),
        ({"createdBy": 3}, None, Touched.YES),
        ({"updatedBy": 3}, None, Touched.YES),
        ({"updatedBy": None}, None, Touched.UNKNOWN),
        ({"status": "ON_HOLD"}, None, Touched.YES),
        ({"archived": True}, None, Touched.NO),
        ({"title": "Bearing", "description": ""}, None, Touched.YES),
        ({}, work(comments=({"user": {"id": 2}, "content": "[MW:note-1] Seen again."},)), Touched.NO),
        ({}, work(comments=({"user": {"id": 2}, "content": "created", "system": True},)), Touched.NO),
        ({}, work(comments=({"user": TECHNICIAN, "content": "I look at it."},)), Touched.YES),
        ({}, work(labor=({"duration": 60},)), Touched.YES),
        ({}, work(parts=({"part": {"id": 1}, "quantity": 1},)), Touched.YES),
        ({}, mapping.AtlasWork(Rows((), ("comment 1",)), Rows((), ()), Rows((), ())), Touched.YES),
    ],
    ids=str,
)
def test_what_counts_as_touched(changes: dict[str, Any], done: mapping.AtlasWork | None, touched: Touched) -> None:
    row = AtlasOrder.model_validate(order(**changes))
    assert mapping.record_of(row, view(done), SETTINGS).touched is touched


def test_what_the_technician_reported() -> None:
    fields = [
        {"customField": {"label": "Cause"}, "value": "REGULATR &amp; fuse"},
        {"customField": {"label": "Shift"}, "value": "late"},
        {"customField": {"label": "Problem"}, "value": None},
    ]
    row = AtlasOrder.model_validate(
        order(
            status="COMPLETE",
            completedOn="2026-11-21T06:50:12.185+00:00",
            feedback="Replaced DE bearing; vibration &lt; 1.2 mm/s",
            customFieldValues=fields,
        )
    )
    done = work(
        comments=(
            {"user": TECHNICIAN, "content": "Later.", "createdAt": "2026-11-21T06:20:00.000Z"},
            {"user": TECHNICIAN, "content": "First.", "createdAt": "2026-11-21T06:10:00.000Z"},
            {"user": {"id": 2}, "content": "[MW:note-1] Seen again.", "createdAt": "2026-11-21T06:00:00.000Z"},
        ),
        labor=(
            {"assignedTo": TECHNICIAN, "duration": 5400, "startedAt": "2026-11-21T05:00:00.000+00:00"},
            {"assignedTo": TECHNICIAN, "duration": 1800, "startedAt": "2026-11-21T04:30:00.000+00:00"},
            {"assignedTo": TECHNICIAN, "duration": 0},
        ),
        parts=({"part": {"id": 1, "name": "Bearing 6205"}, "quantity": 2.0},),
    )
    report = mapping.record_of(row, view(done), SETTINGS).report
    assert report is not None
    assert report.finished_at == row.completedOn
    assert report.started_at == datetime(2026, 11, 21, 4, 30, tzinfo=UTC)
    assert [(code.role, code.group, code.code) for code in report.codes] == [
        (FindingRole.CAUSE, None, "REGULATR & fuse")
    ]
    assert report.labor == (Labor(code="Toni Tech", hours=2.0),)
    assert report.parts == (Part(item="Bearing 6205", quantity=2.0),)
    assert report.notes == ("First.", "Later.", "Replaced DE bearing; vibration < 1.2 mm/s")
    assert report.downtime is None


@pytest.mark.parametrize(
    ("field", "name"), [("barCode", "EQ-7"), ("customId", "A000001"), ("name", "Press 7"), ("serialNumber", None)]
)
def test_the_asset_is_named_by_the_field_of_the_settings(field: str, name: str | None) -> None:
    settings = AtlasSettings.model_validate({**SETTINGS.model_dump(), "asset_field": field})
    assert mapping.asset_name(AtlasAsset.model_validate(ASSET), settings) == name


def test_what_it_can_do_is_declared() -> None:
    can = mapping.capabilities(SETTINGS)
    assert (can.idempotency, can.approval, can.cancellation) == ("look_up", "request", "do_not_execute")
    assert can.one_at_a_time_per_asset
    assert can.key_lifetime is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://atlas"},
        {"url": "http://atlas.example/api"},
        {"email": "nobody"},
        {"password": ""},
        {"asset_field": "nfcId"},
        {"priorities": {"1": "HIGH"}},
        {"priorities": {"1": "URGENT", "2": "HIGH", "3": "LOW", "4": "NONE"}},
        {"finding_fields": {"part": "Part"}},
        {"overlap": timedelta()},
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused_without_its_value(wrong: dict[str, Any]) -> None:
    given = {"url": "https://a.test", "email": "a@b.test", "password": "hidden-word", **wrong}
    with pytest.raises(ValueError, match=next(iter(wrong))) as caught:
        AtlasSettings.model_validate(given)
    assert "hidden-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([{"barCode": "EQ-7"}], ("EQ-7", {})),
        ([{"barCode": "EQ-7"}, {"barCode": "EQ-7"}, {"barCode": "EQ-8"}], ("EQ-8", {})),
        ([{"barCode": "EQ-7", "archived": True}, {"barCode": "EQ-8"}], ("EQ-8", {})),
        ([{"barCode": "EQ-7", "archived": True}, {"barCode": "EQ-7"}, {"customId": "A9"}], ("A9", "customId")),
        ([{"serialNumber": "S1"}], ("S1", "serialNumber")),
        ([{"barCode": "EQ-7", "archived": True}], None),
        ([], None),
    ],
    ids=str,
)
def test_a_trial_takes_an_asset_that_gets_orders_and_shares_its_name_with_none(
    rows: list[dict[str, Any]], found: tuple[str, object] | None
) -> None:
    assets = [AtlasAsset.model_validate({"id": number, **row}) for number, row in enumerate(rows, start=1)]
    chosen = mapping.asset_to_try(assets, mapping.ASSET_FIELDS, SETTINGS)
    told: object = chosen and (chosen.external_id, chosen.settings.get("asset_field", {}))
    assert told == found
