"""Between our orders and MaintainX's, row by row of the table in docs/cmms-connectors-cloud.md."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.cmms.maintainx import MaintainXSettings, mapping, texts
from domain.work_orders import FindingRole, Touched, WorkOrderStatus
from tests.connectors.maintainx_answers import DRAFT, KEY, SETTINGS, order, row

OTHER = "MW22222222"


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in order().items() if name not in names}


def test_a_draft_has_title_text_key_priority_asset_and_due_date() -> None:
    body = mapping.draft_body(DRAFT, 5, SETTINGS)
    data = body.pop("externalData")
    assert body == {
        "title": f"Bearing [{KEY}]",
        "description": f"Seen.\n\nMillwright key: {KEY}",
        "priority": "MEDIUM",
        "type": "REACTIVE",
        "assetId": 5,
        "dueDate": "2026-11-23T06:50:10.000Z",
    }
    assert isinstance(data, dict)
    assert (data["millwright"], len(str(data["written"]))) == (KEY, 16)


@pytest.mark.parametrize(("plan", "sent"), [(None, None), ("4711", 4711), ("JP-102", None)])
def test_a_job_plan_that_is_a_number_is_sent_as_the_procedure_template(plan: str | None, sent: int | None) -> None:
    body = mapping.draft_body(DRAFT.model_copy(update={"job_plan": plan}), 5, SETTINGS)
    assert body.get("procedureTemplateId") == sent
    assert ("procedureTemplateId" in body) == (sent is not None)


@pytest.mark.parametrize("ours", [1, 2, 3, 4])
def test_each_priority_comes_back_as_it_was_sent(ours: int) -> None:
    body = mapping.draft_body(DRAFT.model_copy(update={"priority": ours}), 5, SETTINGS)
    assert mapping.record_of(row(**body), "maintainx", SETTINGS).priority == ours


def test_a_priority_that_stands_for_two_of_ours_is_read_as_none() -> None:
    settings = SETTINGS.model_copy(update={"priorities": {1: "HIGH", 2: "MEDIUM", 3: "MEDIUM", 4: "NONE"}})
    assert mapping.record_of(row(), "maintainx", settings).priority is None


def test_a_record_has_the_number_that_people_see_and_the_id_as_its_locator() -> None:
    record = mapping.record_of(row(), "maintainx", SETTINGS)
    assert (record.ref.id, record.ref.locator, record.ref.key) == ("7", "107", KEY)
    assert (record.asset_external_id, record.changed_at.second) == ("5", 10)
    assert mapping.record_of(row(sequentialId=None), "maintainx", SETTINGS).ref.id == "107"


@pytest.mark.parametrize(
    ("name", "number"), [("5", 5), ("0", None), ("-5", None), ("M001", None), ("٣", None), ("9" * 30, None), ("", None)]
)
def test_an_asset_is_named_by_a_number(name: str, number: int | None) -> None:
    assert mapping.number_of(name) == number


def test_a_long_title_fits_and_keeps_the_key() -> None:
    title = texts.title_of("Wärmeüberwachung ⚙ " * 30, KEY)
    assert len(title) <= texts.TITLE_LENGTH
    assert texts.key_in_title(title) == KEY


def test_a_summary_that_has_a_key_of_its_own_does_not_pass_for_ours() -> None:
    assert texts.key_in_title(texts.title_of(f"See [{OTHER}] too", KEY)) == KEY


@pytest.mark.parametrize("tag", ["MW-12", "MW12345678", "MWABCDEFG", "MWABCDEFGHI", "MWabcdefgh", "MW", "MW:1"])
def test_a_tag_of_a_person_is_no_key(tag: str) -> None:
    assert texts.key_in_title(f"Bearing [{KEY}] [{tag}]") == KEY
    assert texts.key_in_title(f"Bearing [{tag}]") is None


def test_a_description_fits_and_ends_with_the_key() -> None:
    text = texts.description_of(("word " * 3_000,), KEY)
    assert len(text) <= texts.DESCRIPTION_LENGTH
    assert text.endswith(f"\n\nMillwright key: {KEY}")


def test_a_note_is_found_by_its_mark_and_is_no_change_of_others() -> None:
    line = texts.note_line("note-1", "Seen again.\nTwice. " * 100)
    longer = texts.with_note(row().description, line)
    assert texts.has_note(longer, "note-1")
    assert not texts.has_note(longer, "note-2")
    assert len(line) <= texts.NOTE_LENGTH
    assert mapping.touched_by_others(row(description=longer), SETTINGS) is Touched.NO
    assert texts.with_note(None, line) == line


def test_words_that_look_like_a_note_of_ours_are_none() -> None:
    text = texts.description_of(("[MW:note-1] Not a note. See [MW:note-2].",), KEY)
    longer = texts.with_note(text, texts.note_line("note-3", "As [MW:note-4] says."))
    assert [texts.has_note(longer, f"note-{number}") for number in range(1, 5)] == [False, False, True, False]
    assert "(MW:note-1] Not a note." in texts.without_notes(text)


def test_a_note_is_found_also_if_lines_were_joined() -> None:
    assert texts.has_note("Seen. [MW:note-1] Seen again.", "note-1")


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({}, WorkOrderStatus.APPROVED, "OPEN"),
        ({"status": "IN_PROGRESS"}, WorkOrderStatus.IN_PROGRESS, "IN_PROGRESS"),
        ({"status": "ON_HOLD"}, WorkOrderStatus.ON_HOLD, "ON_HOLD"),
        ({"status": "DONE"}, WorkOrderStatus.COMPLETED, "DONE"),
        ({"status": "DONE", "subStatus": "site's own"}, WorkOrderStatus.COMPLETED, "DONE"),
        ({"status": "DONE", "subStatus": "CANCELED"}, WorkOrderStatus.CANCELLED, "CANCELED"),
        ({"status": "DONE", "subStatus": "SKIPPED"}, WorkOrderStatus.SKIPPED, "SKIPPED"),
        ({"status": "CANCELED"}, WorkOrderStatus.CANCELLED, "CANCELED"),
        ({"status": "SKIPPED"}, WorkOrderStatus.SKIPPED, "SKIPPED"),
        ({"status": "PAUSED"}, WorkOrderStatus.IN_PROGRESS, "PAUSED"),
    ],
)
def test_every_state_is_known_or_guessed_as_work(changes: dict[str, Any], status: WorkOrderStatus, word: str) -> None:
    record = mapping.record_of(row(**changes), "maintainx", SETTINGS)
    assert (record.status, record.vendor_status) == (status, word)
    assert record.status_guessed is (word == "PAUSED")
    assert (record.report is not None) is (status is WorkOrderStatus.COMPLETED)


@pytest.mark.parametrize(
    ("changes", "touched"),
    [
        ({}, Touched.NO),
        ({"description": f" Seen. \r\n\r\nMillwright key: {KEY}\n"}, Touched.NO),
        ({"dueDate": "2026-11-23T07:50:10+01:00"}, Touched.NO),
        ({"extraFields": {"Shift": "late"}}, Touched.NO),
        ({"extraFields": None}, Touched.NO),
        ({"title": f"Bearing, urgent [{KEY}]"}, Touched.YES),
        ({"title": "Bearing"}, Touched.YES),
        ({"description": f"Seen.\nSeen too.\n\nMillwright key: {KEY}"}, Touched.YES),
        ({"description": None}, Touched.YES),
        ({"priority": "HIGH"}, Touched.YES),
        ({"assetId": 6}, Touched.YES),
        ({"dueDate": "2026-11-24T06:50:10Z"}, Touched.YES),
        ({"dueDate": "tomorrow"}, Touched.YES),
        ({"dueDate": None}, Touched.YES),
        ({"externalData": None}, Touched.YES),
        ({"externalData": {"millwright": KEY, "written": "another"}}, Touched.YES),
        ({"status": "IN_PROGRESS"}, Touched.YES),
        ({"status": "CANCELED"}, Touched.YES),
        ({"assignees": [{"type": "USER", "id": 12}]}, Touched.YES),
        ({"parts": [{"anything": 1}]}, Touched.YES),
        ({"times": [{"anything": 1}]}, Touched.YES),
        ({"timeItems": [{"anything": 1}]}, Touched.YES),
        ({"expenditures": "something else"}, Touched.YES),
        ({"progress": {"doneCount": 1}}, Touched.YES),
        ({"progress": None}, Touched.NO),
        ({"extraFields": {"Cause": "REGULATR"}}, Touched.YES),
        ({"extraFields": {"Remarks": "I look at it."}}, Touched.YES),
    ],
    ids=str,
)
def test_what_counts_as_touched(changes: dict[str, Any], touched: Touched) -> None:
    assert mapping.touched_by_others(row(**changes), SETTINGS) is touched


@pytest.mark.parametrize("name", ["assignees", "parts", "times", "timeItems", "expenditures", "dueDate", "description"])
def test_without_a_field_that_would_tell_it_it_is_unknown_whether_others_changed_it(name: str) -> None:
    read = type(row()).model_validate(without(name))
    assert mapping.touched_by_others(read, SETTINGS) is Touched.UNKNOWN


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"millwright": KEY, "written": "x", "more": 1}, KEY),
        ({"millwright": "MW-12", "written": "x"}, None),
        ({"millwright": KEY}, None),
        ({"millwright": 7, "written": "x"}, None),
        (KEY, None),
        (7, None),
        ([KEY], None),
        (None, None),
    ],
    ids=str,
)
def test_only_our_own_external_data_proves_an_order(data: object, key: str | None) -> None:
    assert mapping.key_in_data(row(externalData=data)) == key


def test_the_keys_on_an_order_are_named_by_their_fields() -> None:
    assert mapping.keys_on(row(title=f"Bearing [{OTHER}]")) == {"externalData": KEY, "title": OTHER}
    assert mapping.keys_on(row(title="Bearing", externalData=5)) == {}


def test_what_the_technician_reported() -> None:
    fields = {"Problem": ["OVERVOLT", " FUSE "], "Cause": "REGULATR", "Shift": "late", "Remarks": "Regulator burnt."}
    done = row(status="DONE", completedAt="2026-11-21T08:00:00.000Z", extraFields=fields, parts=[{"partId": 1}])
    report = mapping.record_of(done, "maintainx", SETTINGS).report
    assert report is not None
    assert report.finished_at == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert {(chosen.role, chosen.group, chosen.code) for chosen in report.codes} == {
        (FindingRole.PROBLEM, None, "OVERVOLT"),
        (FindingRole.PROBLEM, None, "FUSE"),
        (FindingRole.CAUSE, None, "REGULATR"),
    }
    assert report.notes == ("Regulator burnt.",)
    assert (report.started_at, report.parts, report.labor, report.downtime) == (None, (), (), None)


@pytest.mark.parametrize(("value", "codes"), [(None, []), ("", []), (12, ["12"]), (1.5, ["1.5"]), ([], [])], ids=str)
def test_a_field_may_be_empty_or_a_number(value: object, codes: list[str]) -> None:
    done = row(status="DONE", completedAt="2026-11-21T08:00:00.000Z", extraFields={"Cause": value})
    report = mapping.record_of(done, "maintainx", SETTINGS).report
    assert report is not None
    assert [chosen.code for chosen in report.codes] == codes


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ([], "extraFields"),
        ("x", "extraFields"),
        ({"Cause": {"id": 1}}, "extraFields.Cause"),
        ({"Cause": True}, "extraFields.Cause"),
    ],
    ids=str,
)
def test_extra_fields_of_an_unknown_form_are_refused_by_name(fields: object, field: str) -> None:
    with pytest.raises(mapping.MaintainXFieldError) as caught:
        mapping.record_of(row(status="DONE", extraFields=fields), "maintainx", SETTINGS)
    assert mapping.field_and_problem(caught.value)[0] == field


def test_extra_fields_that_no_setting_names_are_not_looked_at() -> None:
    settings = MaintainXSettings.model_validate({"api_key": "x"})
    record = mapping.record_of(row(status="DONE", extraFields=["anything"]), "maintainx", settings)
    assert record.report is not None
    assert record.report.codes == ()


def test_what_it_can_do_is_declared() -> None:
    can = mapping.capabilities(SETTINGS)
    assert (can.idempotency, can.approval, can.cancellation) == ("look_up", "none", "state")
    assert (can.search_by_key, can.tombstones, can.key_lifetime) == (False, False, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://maintainx"},
        {"url": "http://maintainx.example/v1"},
        {"api_key": ""},
        {"organization": "one two"},
        {"priorities": {"1": "HIGH"}},
        {"priorities": {"1": "URGENT", "2": "HIGH", "3": "LOW", "4": "NONE"}},
        {"finding_fields": {"part": "Part"}},
        {"page_size": 51},
        {"overlap": timedelta()},
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused_without_its_value(wrong: dict[str, Any]) -> None:
    given = {"url": "https://a.test", "api_key": "hidden-word", **wrong}
    with pytest.raises(ValueError, match=next(iter(wrong))) as caught:
        MaintainXSettings.model_validate(given)
    assert "hidden-word" not in str(caught.value)
