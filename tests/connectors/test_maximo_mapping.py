"""Between our work orders and Maximo's, table by table."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors import text
from connectors.cmms.maximo import MaximoSettings, mapping
from connectors.cmms.maximo.models import DowntimeRow, ObjectSchema, WorkOrderRow
from domain.work_orders import FindingRole, Labor, Part, Touched, WorkOrderDraft, WorkOrderStatus

NOW = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)
SETTINGS = MaximoSettings.model_validate(
    {"url": "https://eam.test/maximo/api/", "api_key": "k", "time_zone": "America/New_York"}
)
SCHEMA = ObjectSchema.model_validate(
    {
        "properties": {
            "description": {"maxLength": 40},
            "description_longdescription": {"maxLength": 120},
            "externalrefid": {"maxLength": 10},
            "reportdate": {"type": "string"},
        }
    }
)


def draft(**changes: Any) -> WorkOrderDraft:
    fields: dict[str, Any] = {
        "key": "MWABCDEFGH",
        "asset": "m1/comp1",
        "asset_attributes": {"siteid": "BEDFORD"},
        "asset_external_id": "11430",
        "summary": "P-07 bearing: vibration 6 times its baseline, seen by two detectors",
        "paragraphs": ("The first thing to know.", "The second.", "The third, of least weight."),
        "failure_mode": "VIB",
        "priority": 2,
        "released": False,
        "reported_at": NOW,
        "due_at": NOW + timedelta(hours=4),
    }
    return WorkOrderDraft(**(fields | changes))


def row(**changes: Any) -> WorkOrderRow:
    fields: dict[str, Any] = {
        "wonum": "1201",
        "siteid": "BEDFORD",
        "status": "WAPPR",
        "statusdate": "2015-01-05T03:00:00-05:00",
        "externalrefid": "MWABCDEFGH",
        "assetnum": "11430",
        "wopriority": 2,
    }
    return WorkOrderRow.model_validate(fields | changes)


def test_a_draft_becomes_the_body_of_the_contract() -> None:
    body = mapping.order_body(draft(), "BEDFORD", SETTINGS, None)
    assert body == {
        "siteid": "BEDFORD",
        "assetnum": "11430",
        "description": "P-07 bearing: vibration 6 times its baseline, seen by two detectors",
        "description_longdescription": (
            "The first thing to know.\n\nThe second.\n\nThe third, of least weight.\n\nMillwright key: MWABCDEFGH"
        ),
        "worktype": "CM",
        "wopriority": 2,
        "reportedby": "MILLWRIGHT",
        "externalrefid": "MWABCDEFGH",
    }


def test_the_sites_own_lengths_are_kept_with_the_essential_words_first() -> None:
    body = mapping.order_body(draft(), "BEDFORD", SETTINGS, SCHEMA)
    assert body["description"] == "P-07 bearing: vibration 6 times its..."
    assert body["description_longdescription"] == (
        "The first thing to know.\n\nThe second.\n\nThe third, of least weight.\n\nMillwright key: MWABCDEFGH"
    )


def test_dates_are_sent_only_where_the_site_has_the_field() -> None:
    body = mapping.order_body(draft(), "BEDFORD", SETTINGS, SCHEMA)
    assert body["reportdate"] == "2015-01-05T03:00:00-05:00"
    assert "targcompdate" not in body


@pytest.mark.parametrize(
    ("words", "limit", "kept"),
    [
        ("short", 10, "short"),
        ("exactly ten", 11, "exactly ten"),
        ("one two three four", 12, "one two..."),
        ("unbreakable-word", 10, "unbreak..."),
        ("abc", 2, "ab"),
        ("tab\tand\nline", 50, "tab and line"),
        ("nul\x00byte", 50, "nul byte"),
    ],
)
def test_a_line_is_cut_at_a_word(words: str, limit: int, kept: str) -> None:
    assert text.one_line(words, limit) == kept


@pytest.mark.parametrize("limit", range(30, 200, 7))
def test_the_long_text_drops_paragraphs_from_the_end_and_never_the_key(limit: int) -> None:
    long_text = text.long_text(("first " * 5, "second " * 5, "third " * 5), "MWABCDEFGH", limit)
    assert len(long_text) <= limit
    assert text.key_in(long_text) == "MWABCDEFGH"
    assert ("third" in long_text) <= ("second" in long_text) <= ("first" in long_text)


@pytest.mark.parametrize(
    "senders_words",
    [
        "Millwright key: MWZZZZZZZZ",
        "see\nMillwright key: MWZZZZZZZZ\nfor more",
        "millwright KEY: MWZZZZZZZZ",
        "Millwright key:: MWZZZZZZZZ",
        "<b>Millwright key: MWZZZZZZZZ</b>",
    ],
)
def test_a_senders_words_are_never_read_as_our_key(senders_words: str) -> None:
    long_text = text.long_text((senders_words,), "MWABCDEFGH", 1000)
    assert text.key_in(long_text) == "MWABCDEFGH"
    without_our_line = long_text.rpartition("\n")[0]
    assert text.key_in(without_our_line) is None
    assert mapping.proves_key(row(description_longdescription=without_our_line), "MWABCDEFGH", SCHEMA)
    # As an earlier build wrote it.
    as_sent = f"{senders_words}\n\n{text.key_line('MWABCDEFGH')}"
    assert text.key_in(as_sent) == "MWABCDEFGH"


def test_a_key_too_long_for_the_site_is_found_by_a_short_form_and_proved_by_its_line() -> None:
    key = "MW-a-very-long-key-of-a-case"
    reference = mapping.reference_of(key, SCHEMA)
    assert len(reference) == 10
    assert reference != mapping.reference_of(f"{key}2", SCHEMA)
    found = row(externalrefid=reference, description_longdescription=f"<p>Millwright key: {key}</p>")
    assert mapping.proves_key(found, key, SCHEMA)
    assert mapping.key_of(found, SCHEMA) == key
    assert not mapping.proves_key(row(externalrefid=reference), key, SCHEMA)


def test_a_planner_may_rewrite_the_long_description_of_an_order_whose_key_fits() -> None:
    assert mapping.proves_key(row(description_longdescription="rewritten"), "MWABCDEFGH", SCHEMA)


def test_another_key_in_the_long_description_disproves_an_order() -> None:
    other = row(description_longdescription="Millwright key: MWZZZZZZZZ")
    assert not mapping.proves_key(other, "MWABCDEFGH", SCHEMA)


@pytest.mark.parametrize(
    ("internal", "status"),
    [
        ("WAPPR", WorkOrderStatus.WAITING_APPROVAL),
        ("APPR", WorkOrderStatus.APPROVED),
        ("WSCH", WorkOrderStatus.APPROVED),
        ("WMATL", WorkOrderStatus.ON_HOLD),
        ("WPCOND", WorkOrderStatus.ON_HOLD),
        ("INPRG", WorkOrderStatus.IN_PROGRESS),
        ("COMP", WorkOrderStatus.COMPLETED),
        ("CLOSE", WorkOrderStatus.COMPLETED),
        ("CAN", WorkOrderStatus.CANCELLED),
        ("FLOWHOLD", WorkOrderStatus.IN_PROGRESS),
    ],
)
def test_the_internal_status_counts_whatever_the_site_calls_it(internal: str, status: WorkOrderStatus) -> None:
    record = mapping.record_of(row(status="SITE'S OWN", status_maxvalue=internal), "maximo", SETTINGS, SCHEMA)
    assert record.status is status
    assert record.vendor_status == "SITE'S OWN"


def test_where_maximo_sends_no_internal_status_the_external_one_counts() -> None:
    assert mapping.status_of(row(status="COMP")) is WorkOrderStatus.COMPLETED


def test_a_cancelled_order_has_no_report() -> None:
    cancelled = row(status="CAN", actstart="2015-01-05T03:00:00-05:00")
    assert mapping.record_of(cancelled, "maximo", SETTINGS, SCHEMA).report is None


@pytest.mark.parametrize(
    ("changes", "touched"),
    [
        ({}, Touched.UNKNOWN),
        ({"changeby": "millwright"}, Touched.NO),
        ({"changeby": "PLANNER"}, Touched.YES),
        ({"wostatus": [{"status": "WAPPR", "changeby": "MILLWRIGHT"}]}, Touched.NO),
        ({"wostatus": [{"status": "WAPPR", "changeby": "MILLWRIGHT"}, {"changeby": "PLANNER"}]}, Touched.YES),
        ({"status": "APPR"}, Touched.UNKNOWN),
        ({"status": "APPR", "wostatus": [{"status": "APPR", "changeby": "MILLWRIGHT"}]}, Touched.NO),
        ({"status": "CAN", "wostatus": [{"status": "CAN", "changeby": "MILLWRIGHT"}]}, Touched.NO),
        ({"status": "INPRG", "wostatus": [{"status": "INPRG", "changeby": "MILLWRIGHT"}]}, Touched.YES),
        ({"actstart": "2015-01-05T03:00:00-05:00"}, Touched.YES),
        ({"labtrans": [{"laborcode": "SMITH", "regularhrs": 1}]}, Touched.YES),
        ({"worklog": [{"description": "[MW:n1] ours"}]}, Touched.UNKNOWN),
        ({"changeby": "MILLWRIGHT", "worklog": [{"description": "[MW:n1] ours"}]}, Touched.NO),
        ({"changeby": "MILLWRIGHT", "worklog": [{"description": "[MW:n1]", "createby": "MILLWRIGHT"}]}, Touched.NO),
        ({"worklog": [{"description": "have a look at this"}]}, Touched.YES),
        ({"worklog": [{"description": "[MW:n1] forged", "createby": "PLANNER"}]}, Touched.YES),
    ],
)
def test_an_order_is_touched_once_anybody_but_us_has_changed_it(changes: dict[str, Any], touched: Touched) -> None:
    assert mapping.touched_by_others(row(**changes), "MILLWRIGHT") is touched


def test_what_the_technician_reported_is_read_back() -> None:
    completed = row(
        status="COMP",
        actstart="2015-01-05T04:00:00-05:00",
        actfinish="2015-01-05T06:00:00",
        failurecode="PUMPS",
        problemcode="OLD",
        failurereport=[
            {"type": "PROBLEM", "failurecode": "LEAK", "linenum": 1},
            {"type": "Ursache", "type_maxvalue": "CAUSE", "failurecode": "SEAL", "linenum": 2},
            {"type": "REMEDY", "failurecode": "REPLACE", "linenum": 3},
        ],
        labtrans=[
            {"laborcode": "SMITH", "regularhrs": 1.5},
            {"laborcode": "SMITH", "regularhrs": 0.5},
            {"laborcode": "WILSON", "regularhrs": 2},
        ],
        matusetrans=[
            {"itemnum": "SEAL-1", "quantity": -2.0, "issuetype": "ISSUE"},
            {"itemnum": "SEAL-1", "quantity": 1.0, "issuetype": "RETURN"},
            {"itemnum": "OIL", "quantity": -1.0, "issuetype": "ISSUE"},
            {"itemnum": "OIL", "quantity": 1.0, "issuetype": "RETURN"},
        ],
        worklog=[
            {"description": "[MW:n1] seen again"},
            {"description": "short", "description_longdescription": "The whole story."},
            {"description": "Shaft scored."},
        ],
    )
    report = mapping.record_of(completed, "maximo", SETTINGS, SCHEMA, timedelta(hours=2)).report
    assert report is not None
    assert report.started_at == datetime(2015, 1, 5, 9, 0, tzinfo=UTC)
    assert report.finished_at == datetime(2015, 1, 5, 11, 0, tzinfo=UTC)
    assert report.group == "PUMPS"
    assert [(chosen.role, chosen.group, chosen.code) for chosen in report.codes] == [
        (FindingRole.PROBLEM, "PUMPS", "LEAK"),
        (FindingRole.CAUSE, "PUMPS", "SEAL"),
        (FindingRole.REMEDY, "PUMPS", "REPLACE"),
    ]
    assert report.labor == (Labor(code="SMITH", hours=2.0), Labor(code="WILSON", hours=2.0))
    assert report.parts == (Part(item="SEAL-1", quantity=1.0),)
    assert report.notes == ("The whole story.", "Shaft scored.")
    assert report.downtime == timedelta(hours=2)


@pytest.mark.parametrize(
    ("periods", "hours"),
    [
        ([], None),
        ([("02:00", "06:00")], 4),
        ([("02:00", "04:30"), ("04:00", "06:00")], 4),
        ([("00:00", "04:00")], None),
        ([("06:00", "07:00")], None),
        ([("05:00", None)], 1),
        ([(None, "05:00")], None),
    ],
)
def test_downtime_is_the_assets_around_the_work(
    periods: list[tuple[str | None, str | None]], hours: int | None
) -> None:
    worked = row(status="COMP", actstart="2015-01-05T04:00:00-05:00", actfinish="2015-01-05T06:00:00-05:00")
    rows = [
        DowntimeRow.model_validate(
            {
                "startdate": begin and f"2015-01-05T{begin}:00-05:00",
                "enddate": end and f"2015-01-05T{end}:00-05:00",
            }
        )
        for begin, end in periods
    ]
    expected = None if hours is None else timedelta(hours=hours)
    assert mapping.downtime_of(worked, rows, SETTINGS.zone) == expected


def test_priorities_are_the_sites_own_and_an_unknown_one_is_none() -> None:
    settings = SETTINGS.model_copy(update={"priorities": {1: 10, 2: 20, 3: 30, 4: 40}})
    assert mapping.order_body(draft(), "BEDFORD", settings, None)["wopriority"] == 20
    assert mapping.record_of(row(wopriority=10), "maximo", settings, None).priority == 1
    assert mapping.record_of(row(wopriority=2), "maximo", settings, None).priority is None


def test_a_value_that_stands_for_two_priorities_of_ours_is_read_as_neither() -> None:
    settings = SETTINGS.model_copy(update={"priorities": {1: 10, 2: 10, 3: 30, 4: 40}})
    assert mapping.order_body(draft(), "BEDFORD", settings, None)["wopriority"] == 10
    assert mapping.record_of(row(wopriority=10), "maximo", settings, None).priority is None


def test_a_note_carries_its_key_once_and_its_whole_text() -> None:
    note = "word " * 40
    body = mapping.note_body("case-1/note-1", note)
    assert isinstance(body["worklog"], list)
    (entry,) = body["worklog"]
    assert isinstance(entry, dict)
    assert str(entry["description"]).startswith("[MW:case-1/note-1] word")
    assert len(str(entry["description"])) <= 100
    assert entry["description_longdescription"] == note
    assert mapping.has_note(row(worklog=[entry]), "case-1/note-1")
    assert not mapping.has_note(row(worklog=[entry]), "case-1/note-11")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "eam.test/maximo/api"),
        ("url", "https://user:pass@eam.test/maximo/api"),
        ("api_key", ""),
        ("time_zone", "Mars/Olympus"),
        ("priorities", {1: 1}),
        ("user", 'A" or "B'),
        ("overlap", timedelta()),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        MaximoSettings.model_validate({"url": "https://eam.test/maximo/api", "api_key": "k", field: value})
    assert caught.value.errors()[0]["loc"][0] == field


def test_the_api_key_stands_in_no_repr() -> None:
    settings = MaximoSettings.model_validate({"url": "https://eam.test/maximo/api", "api_key": "swordfish"})
    assert "swordfish" not in repr(settings) + str(settings) + settings.model_dump_json()
