"""Between our orders and Odoo's maintenance requests, without a server."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.cmms.odoo import OdooMaintenanceSettings, OdooOutcomeTable, mapping, outcome_codes
from connectors.cmms.odoo.mapping import RequestDetails
from connectors.cmms.odoo.models import MaintenanceEquipment, MaintenanceRequest, MaintenanceStage, RequestMessage
from connectors.cmms.odoo.stages import SiteStages
from connectors.cmms.odoo.text import html_of, key_in_html, text_of
from domain.cmms import Idempotency, OrderApproval, OrderCancellation
from domain.outcomes import OutcomeClass
from domain.unreadable import UnreadableRecord
from domain.work_orders import CompletionReport, Touched, WorkOrderDraft, WorkOrderRecord, WorkOrderStatus

OWN, OTHER = 8, 9
KEY = "MWABCDEFGH"
NEW, PROGRESS, REPAIRED, SCRAP, APPROVED, PARTS = 1, 2, 3, 4, 5, 6
ROWS = [
    (NEW, "New Request", False, "maintenance.stage_0"),
    (PROGRESS, "In Progress", False, "maintenance.stage_1"),
    (REPAIRED, "Repaired", True, "maintenance.stage_3"),
    (SCRAP, "Scrap", True, "maintenance.stage_4"),
    (APPROVED, "Approved", False, ""),
    (PARTS, "Waiting for parts", False, ""),
]
MACHINE = {"id": 3, "serial_no": "M001-COMP1", "active": True, "company_id": False}
BASE = {"url": "https://odoo.test", "database": "odoo", "api_key": "swordfish"}


def settings(**more: object) -> OdooMaintenanceSettings:
    return OdooMaintenanceSettings.model_validate({**BASE, "approved_stage": "Approved", **more})


def site(of: OdooMaintenanceSettings, rows: list[tuple[int, str, bool, str]] | None = None) -> SiteStages:
    listed = ROWS if rows is None else rows
    found = [MaintenanceStage(id=number, name=name, done=done) for number, name, done, _ in listed]
    return SiteStages(found, {str(number): external for number, _, _, external in listed}, of.meanings)


def request(**more: object) -> MaintenanceRequest:
    content: dict[str, object] = {
        "id": 7,
        "name": "Voltage above its baseline",
        "description": f"<p>Look at it.</p><p>Millwright key: {KEY}</p>",
        "stage_id": [NEW, "New Request"],
        "kanban_state": "normal",
        "archive": False,
        "priority": "2",
        "schedule_date": False,
        "equipment_id": [1, "M001/M001-COMP1"],
        "create_date": "2026-11-30 07:25:02",
        "create_uid": [OWN, "cmms"],
        "write_date": "2026-11-30 07:25:03",
        "write_uid": [OWN, "cmms"],
    }
    return MaintenanceRequest.model_validate(content | more)


def message(number: int, by: int, body: str, kind: str = "comment") -> RequestMessage:
    row = {"id": number, "res_id": 7, "body": body, "message_type": kind, "create_uid": [by, "x"]}
    return RequestMessage.model_validate(row)


def details(*messages: RequestMessage, external: str = f"millwright.order_{KEY}", odd: bool = False) -> RequestDetails:
    return RequestDetails(
        stages=site(settings()),
        external_ids={"7": external},
        serial_numbers={1: "M001-COMP1"},
        messages={7: messages},
        unreadable_messages=odd,
        own_user=OWN,
    )


def draft(**more: object) -> WorkOrderDraft:
    fields: dict[str, Any] = {
        "key": KEY,
        "asset": "machine-1",
        "asset_attributes": {},
        "asset_external_id": "M001-COMP1",
        "summary": "Press 7:\n voltage <high> & rising",
        "paragraphs": ("First <b>.", "Two\nlines."),
        "failure_mode": "ELF",
        "priority": 1,
        "released": False,
        "reported_at": datetime(2026, 11, 30, 1, 0, tzinfo=UTC),
    }
    return WorkOrderDraft.model_validate(fields | more)


def test_what_odoo_can_do_follows_from_whether_the_site_has_an_approved_stage() -> None:
    can, stock = mapping.capabilities(settings()), mapping.capabilities(settings(approved_stage=None))
    assert (can.approval, stock.approval) == (OrderApproval.STATE, OrderApproval.NONE)
    assert (can.idempotency, can.cancellation) == (Idempotency.ATOMIC, OrderCancellation.DO_NOT_EXECUTE)
    assert (can.one_at_a_time_per_asset, can.search_by_key, can.tombstones) == (True, True, False)
    assert can.priorities == {1: "3", 2: "2", 3: "1", 4: "0"}


def test_a_draft_is_loaded_under_its_external_id_with_escaped_text_and_the_key_at_its_end() -> None:
    machine = MaintenanceEquipment.model_validate(MACHINE)
    assert mapping.request_values(draft(), machine, NEW, settings()) == {
        "id": "millwright.order_MWABCDEFGH",
        "name": "Press 7: voltage <high> & rising",
        "equipment_id/.id": "3",
        "stage_id/.id": "1",
        "maintenance_type": "corrective",
        "priority": "3",
        "request_date": "2026-11-30",
        "description": "<p>First &lt;b&gt;.</p><p>Two<br/>lines.</p><p>Millwright key: MWABCDEFGH</p>",
    }


@pytest.mark.parametrize(
    ("of_equipment", "of_settings", "sent"), [(False, None, None), ([4, "A"], None, "4"), (False, 5, "5")]
)
def test_the_company_is_that_of_the_equipment_or_of_the_settings(
    of_equipment: object, of_settings: int | None, sent: str | None
) -> None:
    machine = MaintenanceEquipment.model_validate({**MACHINE, "company_id": of_equipment})
    values = mapping.request_values(draft(), machine, NEW, settings(company=of_settings))
    assert values.get("company_id/.id") == sent


def test_long_texts_are_cut_and_the_key_is_kept() -> None:
    machine = MaintenanceEquipment.model_validate(MACHINE)
    values = mapping.request_values(
        draft(summary="word " * 2_000, paragraphs=("word " * 20_000,)), machine, NEW, settings()
    )
    assert len(values["name"]) <= mapping.SUMMARY_LENGTH
    assert len(text_of(values["description"])) <= mapping.LONG_TEXT_LENGTH
    assert key_in_html(values["description"]) == KEY
    note = mapping.note_values(7, KEY, "note-1", "word " * 20_000)
    assert len(text_of(note["body"])) <= mapping.LONG_TEXT_LENGTH


def test_notes_with_two_keys_are_two_records_and_of_two_requests_too() -> None:
    made = {mapping.note_external_id(key, note) for key in (KEY, "MWOTHERKEY") for note in ("note-1", "note-2")}
    assert len(made) == 4


WAITS, IS_APPROVED = WorkOrderStatus.WAITING_APPROVAL, WorkOrderStatus.APPROVED
STATUSES: list[tuple[dict[str, object], WorkOrderStatus | None, str]] = [
    ({}, WAITS, "New Request"),
    ({"stage_id": [APPROVED, "Approved"]}, IS_APPROVED, "Approved"),
    ({"stage_id": [PROGRESS, "In Progress"]}, WorkOrderStatus.IN_PROGRESS, "In Progress"),
    ({"stage_id": [REPAIRED, "Repaired"]}, WorkOrderStatus.COMPLETED, "Repaired"),
    ({"stage_id": [SCRAP, "Scrap"]}, WorkOrderStatus.COMPLETED, "Scrap"),
    ({"stage_id": [PARTS, "Waiting for parts"]}, None, "Waiting for parts"),
    ({"stage_id": [99, "Unknown"]}, None, "Unknown"),
    ({"stage_id": False}, None, "no stage"),
    ({"archive": True}, WorkOrderStatus.CANCELLED, "New Request, archived"),
    ({"archive": True, "stage_id": [99, "Unknown"]}, WorkOrderStatus.CANCELLED, "Unknown, archived"),
    ({"archive": True, "stage_id": [REPAIRED, "Repaired"]}, WorkOrderStatus.COMPLETED, "Repaired, archived"),
    ({"kanban_state": "blocked"}, WorkOrderStatus.ON_HOLD, "New Request, blocked"),
    ({"kanban_state": "blocked", "archive": True}, WorkOrderStatus.CANCELLED, "New Request, blocked, archived"),
    ({"kanban_state": "blocked", "stage_id": [REPAIRED, "R"]}, WorkOrderStatus.COMPLETED, "R, blocked"),
    ({"kanban_state": "done"}, WAITS, "New Request"),
]


@pytest.mark.parametrize(("more", "status", "word"), STATUSES, ids=[str(number) for number in range(len(STATUSES))])
def test_the_stage_and_the_marks_of_a_request_give_its_status(
    more: dict[str, object], status: WorkOrderStatus | None, word: str
) -> None:
    found = request(**more)
    assert (mapping.status_of(found, site(settings())), mapping.vendor_status(found)) == (status, word)
    record = mapping.record_of(found, KEY, details(), "odoo", settings())
    assert (record.status, record.status_guessed) == (status or WorkOrderStatus.IN_PROGRESS, status is None)
    assert (record.report is not None) == (status is WorkOrderStatus.COMPLETED)


def test_without_an_approved_stage_a_new_request_is_approved() -> None:
    assert mapping.status_of(request(), site(settings(approved_stage=None))) is WorkOrderStatus.APPROVED


@pytest.mark.parametrize(
    ("stage", "status", "done", "believed"),
    [
        ("completed", WorkOrderStatus.COMPLETED, True, True),
        ("completed", WorkOrderStatus.COMPLETED, False, False),
        ("in_progress", WorkOrderStatus.IN_PROGRESS, True, False),
        ("on_hold", WorkOrderStatus.ON_HOLD, False, True),
        ("skipped", WorkOrderStatus.SKIPPED, True, True),
        ("cancelled", WorkOrderStatus.CANCELLED, False, True),
    ],
)
def test_a_stage_counts_only_if_odoo_agrees_that_the_work_is_over_or_not(
    stage: str, status: WorkOrderStatus, done: bool, believed: bool
) -> None:
    of = settings(stages={"Special": stage})
    found = site(of, [*ROWS[:1], (9, "Special", done, "")]).meaning_of(9)
    assert (found.status if found else None) == (status if believed else None)


def test_a_stage_is_found_by_its_external_id_before_its_name_and_never_by_a_name_of_two() -> None:
    of = settings(stages={"maintenance.stage_1": "in_progress", "Twice": "on_hold"}, new_stage="Gone")
    rows = [(1, "maintenance.stage_1", False, ""), (2, "Begun", False, "maintenance.stage_1"), (3, "Twice", False, ""),
            (4, "Twice", False, ""), (5, "Approved", False, "")]  # fmt: skip
    stages = site(of, rows)
    named = stages.named("maintenance.stage_1")
    assert named is not None
    assert named.id == 2
    assert [stages.named(name) for name in ("Twice", "Gone")] == [None, None]
    assert [stages.meaning_of(number) for number in (1, 3, 4, None)] == [None] * 4


def test_a_stage_that_the_settings_name_in_two_ways_means_nothing() -> None:
    of = settings(stages={"maintenance.stage_1": "in_progress", "In Progress": "on_hold"})
    assert site(of).meaning_of(PROGRESS) is None


TOUCHES: list[tuple[dict[str, object], list[RequestMessage], Touched]] = [
    ({}, [], Touched.NO),
    ({}, [message(1, OWN, "<p>created</p>", "notification"), message(2, OWN, "<p>[MW:note-1] Seen.</p>")], Touched.NO),
    ({"stage_id": [APPROVED, "Approved"]}, [], Touched.NO),
    ({"archive": True}, [], Touched.NO),
    ({"write_uid": [OTHER, "planner"]}, [], Touched.YES),
    ({"create_uid": [OTHER, "planner"]}, [], Touched.YES),
    ({"create_uid": False}, [], Touched.YES),
    ({}, [message(1, OTHER, "<p>On it.</p>")], Touched.YES),
    ({}, [message(1, OTHER, "", "notification")], Touched.YES),
    ({}, [message(1, OWN, "<p>[MW:touched] Others changed it.</p>")], Touched.YES),
    ({"schedule_date": "2026-12-01 08:00:00"}, [], Touched.YES),
    ({"kanban_state": "done"}, [], Touched.YES),
    ({"description": "<p>By hand.</p>"}, [], Touched.YES),
    ({"description": False}, [], Touched.YES),
    ({"stage_id": [PROGRESS, "In Progress"]}, [], Touched.YES),
    ({"stage_id": [99, "Unknown"]}, [], Touched.YES),
    ({"write_uid": False}, [], Touched.UNKNOWN),
]


@pytest.mark.parametrize(("more", "said", "touched"), TOUCHES, ids=[str(number) for number in range(len(TOUCHES))])
def test_whether_others_have_changed_a_request(
    more: dict[str, object], said: list[RequestMessage], touched: Touched
) -> None:
    assert mapping.touched_by_others(request(**more), details(*said)) is touched


def test_a_message_that_cannot_be_read_leaves_it_unknown() -> None:
    assert mapping.touched_by_others(request(), details(odd=True)) is Touched.UNKNOWN


def test_the_report_has_the_stage_as_the_settings_name_it_and_the_words_of_people() -> None:
    said = [
        message(1, OWN, "<p>[MW:note-1] Seen again.</p>"),
        message(2, OTHER, "<p>Regulator &lt;burnt&gt;.</p><p>NFF<br>later</p>"),
        message(3, OTHER, "<p>Stage changed</p>", "notification"),
        message(4, OTHER, "<p><br></p>"),
        message(5, OTHER, "<div>By mail.</div>", "email"),
    ]
    done = request(stage_id=[REPAIRED, "Repariert"])
    assert mapping.report_of(done, details(*said)) == CompletionReport(
        disposition="maintenance.stage_3", notes=("Regulator <burnt>.\nNFF\nlater", "By mail.")
    )


def read(found: MaintenanceRequest, of: RequestDetails) -> WorkOrderRecord | UnreadableRecord:
    return mapping.read_record(found, of, "odoo", settings(), lambda text: text.replace("swordfish", "[secret]"))


def test_a_request_is_read_with_its_key_asset_priority_and_the_time_of_its_last_change() -> None:
    record = read(request(), details())
    assert isinstance(record, WorkOrderRecord)
    assert (record.ref.id, record.ref.locator, record.ref.key) == ("7", "7", KEY)
    assert (record.asset_external_id, record.priority) == ("M001-COMP1", 2)
    assert record.changed_at == datetime(2026, 11, 30, 7, 25, 3, tzinfo=UTC)


def test_another_key_in_the_text_than_in_the_external_id_is_reported_without_secrets() -> None:
    odd = read(request(description="<p>swordfish</p><p>Millwright key: MWZZZZZZZZ</p>"), details())
    assert isinstance(odd, UnreadableRecord)
    assert (odd.record, odd.field) == ("7", "description")
    assert "MWZZZZZZZZ" in odd.reason
    assert "swordfish" not in odd.raw


def test_a_request_of_people_has_no_key_whatever_its_text_says() -> None:
    record = read(request(create_uid=[OTHER, "planner"]), details(external=""))
    assert isinstance(record, WorkOrderRecord)
    assert record.ref.key == ""


@pytest.mark.parametrize("external", ["", "__import__.x", "other.order_MWABCDEFGH", "millwright.note_MW_1"])
def test_only_an_external_id_of_ours_has_a_key(external: str) -> None:
    assert mapping.key_of(external) is None
    assert mapping.key_of(mapping.external_id(KEY)) == KEY


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (f"<p>Millwright key: {KEY}</p>", KEY),
        (f"<p>x</p><div>\ufeffMillwright&nbsp;key:\xa0{KEY}<br></div><p>later</p>", KEY),
        (f"Millwright key: {KEY}", KEY),
        (f"<p>Millwright key: MWFIRST000</p><p>Millwright key: {KEY}</p>", KEY),
        (f"<p>See Millwright key: {KEY} there</p>", None),
        (f"<p>Millwright&amp;#32;key: {KEY}</p>", None),
        ("<p>nothing</p>", None),
        (None, None),
    ],
)
def test_the_key_line_is_found_in_what_editors_leave(content: str | None, key: str | None) -> None:
    assert key_in_html(content) == key


def test_text_becomes_html_and_comes_back() -> None:
    text = "a <b> & \"c\"\n'd'\n\nsecond"
    assert html_of(text) == "<p>a &lt;b&gt; &amp; \"c\"<br/>'d'</p><p>second</p>"
    assert text_of(html_of(text)) == "a <b> & \"c\"\n'd'\nsecond"


TABLE = {
    "stages": {"maintenance.stage_3": "confirmed"},
    "words": {"NFF": "nothing_found", "Sensor  fault": "sensor_fault"},
}
OUTCOMES: list[tuple[Mapping[str, object], str | None, tuple[str, ...], OutcomeClass]] = [
    ({}, "maintenance.stage_3", ("NFF",), OutcomeClass.UNKNOWN),
    (TABLE, "maintenance.stage_3", (), OutcomeClass.CONFIRMED),
    (TABLE, "maintenance.stage_4", (), OutcomeClass.UNKNOWN),
    (TABLE, None, (), OutcomeClass.UNKNOWN),
    (TABLE, "maintenance.stage_3", ("Looked at it.\nnff",), OutcomeClass.NOTHING_FOUND),
    (TABLE, "maintenance.stage_3", ("sensor fault",), OutcomeClass.SENSOR_FAULT),
    (TABLE, "maintenance.stage_3", ("NFF", "sensor fault"), OutcomeClass.UNKNOWN),
    (TABLE, "maintenance.stage_3", ("It was no NFF at all.",), OutcomeClass.CONFIRMED),
    (TABLE, None, ("NFF",), OutcomeClass.NOTHING_FOUND),
]


@pytest.mark.parametrize(
    ("table", "stage", "notes", "outcome"), OUTCOMES, ids=[str(number) for number in range(len(OUTCOMES))]
)
def test_stages_and_words_give_an_outcome_only_by_the_sites_table(
    table: Mapping[str, object], stage: str | None, notes: tuple[str, ...], outcome: OutcomeClass
) -> None:
    codes = outcome_codes(settings(outcomes=table))
    assert codes.classify(CompletionReport(disposition=stage, notes=notes)) is outcome


@pytest.mark.parametrize("words", [{"NFF": "nothing_found", "nff": "confirmed"}, {" ": "confirmed"}])
def test_words_that_cannot_be_told_apart_are_refused(words: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="more than upper and lower case"):
        OdooOutcomeTable.model_validate({"words": words})


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"priorities": {1: 3, 2: 2, 3: 1}}, "0 to 3, for each of 1, 2, 3 and 4"),
        ({"priorities": {1: 4, 2: 2, 3: 1, 4: 0}}, "0 to 3, for each of 1, 2, 3 and 4"),
        ({"approved_stage": "maintenance.stage_0"}, "names one stage twice"),
        ({"new_stage": "maintenance.stage_1"}, "names one stage twice"),
        ({"stages": {"X": "waiting_approval"}}, "in_progress"),
        ({"overlap": "PT0S"}, "greater than or equal"),
        ({"url": "http://odoo.example"}, "plain http only on this machine"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(more: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings(**more)


def test_no_secret_is_in_the_repr_of_the_settings() -> None:
    assert "swordfish" not in f"{settings()!r} {settings()}"
    assert settings().timeout == timedelta(seconds=10)
