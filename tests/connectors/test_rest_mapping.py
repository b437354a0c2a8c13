"""Between our orders and what a description makes of them: the small one, and that of GitLab issues."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.cmms.rest import mapping, texts
from connectors.cmms.rest.description import RestDescription
from connectors.cmms.rest.expressions import RestExpressionFailed, cel_value
from connectors.cmms.rest.reading import needed
from connectors.json_reading import parsed_json
from domain.cmms import Idempotency, OrderApproval, OrderCancellation
from domain.work_orders import FindingRole, Touched, WorkOrderRecord, WorkOrderStatus
from tests.connectors.rest_answers import GITLAB, KEY, NOW, draft, gitlab_settings, order, settings_of

GITLAB_DESCRIPTION = gitlab_settings().description.description
ACME = settings_of().description.description
DUPLICATE = {"closed_as_duplicate_of": "https://gitlab.example/api/v4/projects/17/issues/3"}
NOBODY: dict[str, Any] = {"beside.notes": [], "beside.label_events": [], "beside.state_events": []}


def record(description: RestDescription, content: dict[str, Any], **beside: Any) -> WorkOrderRecord:
    order_ = needed(description.order)
    site = {"site.project": "17", "site.plant": "N"}
    zone = gitlab_settings().zone
    row = mapping.row_of(cel_value(content), order_, site, zone)
    named = {f"beside.{name}": value for name, value in beside.items()}
    given = {**site, "row": row.content, "us": "bot", **NOBODY, **named}
    return mapping.record_of(row, given, description, order_, "rest", zone)


def issue(**changes: Any) -> dict[str, Any]:
    return {**GITLAB, **changes}


def body(zone: str = "UTC", **changes: Any) -> Any:
    values = mapping.draft_values(draft(**changes), GITLAB_DESCRIPTION, gitlab_settings(time_zone=zone).zone)
    template = needed(needed(GITLAB_DESCRIPTION.create).request.body)
    return template.filled({**values, "asset": None, "site.project": "17"})


def test_what_gitlab_is_told_of_a_draft() -> None:
    told = body(due_at=datetime(2026, 12, 1, 12, tzinfo=UTC), released=False)
    assert told["title"].endswith(f" [{KEY}]")
    assert len(told["title"]) <= 255
    assert told["description"].endswith(f"Millwright key: {KEY}")
    assert told["labels"] == "millwright,asset: PUMP-1,priority: 2,waiting for approval"
    assert told["due_date"] == "2026-12-01"


def test_a_due_date_is_the_day_at_the_site() -> None:
    late = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)
    assert [body(zone, due_at=late)["due_date"] for zone in ("UTC", "Europe/Berlin")] == ["2026-12-01", "2026-12-02"]


def test_a_released_draft_waits_for_nobody_and_no_due_date_is_left_out() -> None:
    told = body(due_at=None)
    assert told["labels"] == "millwright,asset: PUMP-1,priority: 2"
    assert "due_date" not in told


def test_a_line_that_gitlab_would_carry_out_is_only_text() -> None:
    told = body(paragraphs=("/close", "Seen.\n/label ~cancelled"))
    assert told["description"].startswith("\\/close\n\nSeen.\n\\/label ~cancelled\n\n")


def test_a_summary_cannot_have_a_key_of_another_case() -> None:
    assert body(summary="Like [MWAAAAAAAA] again")["title"] == f"Like (MWAAAAAAAA] again [{KEY}]"


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({}, WorkOrderStatus.APPROVED, "open"),
        ({"labels": ["waiting for approval"]}, WorkOrderStatus.WAITING_APPROVAL, "waiting for approval"),
        ({"labels": ["in progress"]}, WorkOrderStatus.IN_PROGRESS, "in progress"),
        ({"labels": ["in progress", "on hold"]}, WorkOrderStatus.ON_HOLD, "on hold"),
        ({"state": "closed"}, WorkOrderStatus.COMPLETED, "completed"),
        ({"state": "closed", "labels": ["cancelled"]}, WorkOrderStatus.CANCELLED, "cancelled"),
        ({"labels": ["cancelled"]}, WorkOrderStatus.APPROVED, "open"),
        ({"state": "closed", "moved_to_id": 99}, WorkOrderStatus.IN_PROGRESS, "moved"),
        ({"state": "closed", "_links": DUPLICATE}, WorkOrderStatus.CANCELLED, "cancelled"),
        ({"state": "opened", "_links": DUPLICATE}, WorkOrderStatus.APPROVED, "open"),
        ({"state": "closed", "_links": {"closed_as_duplicate_of": None}}, WorkOrderStatus.COMPLETED, "completed"),
        ({"state": "closed", "_links": {}}, WorkOrderStatus.COMPLETED, "completed"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_the_status_of_an_issue(changes: dict[str, Any], status: WorkOrderStatus, word: str) -> None:
    read = record(GITLAB_DESCRIPTION, issue(**changes))
    assert (read.status, read.vendor_status, read.status_guessed) == (status, word, word == "moved")


@pytest.mark.parametrize(
    ("changes", "beside", "touched"),
    [
        ({}, {}, Touched.NO),
        ({"author": {"username": "pat"}}, {}, Touched.YES),
        ({}, {"notes": [{"author": {"username": "bot"}, "system": False, "body": "x"}]}, Touched.NO),
        ({}, {"notes": [{"author": {"username": "pat"}, "system": True, "body": "changed title"}]}, Touched.YES),
        ({}, {"label_events": [{"user": {"username": "pat"}, "label": None, "action": "add"}]}, Touched.YES),
        ({}, {"state_events": [{"user": None}]}, Touched.YES),
        ({"title": "Voltage", "description": None}, {}, Touched.YES),
    ],
    ids=["nobody", "author", "our note", "system note", "label", "deleted user", "key taken off"],
)
def test_who_touched_an_issue(changes: dict[str, Any], beside: dict[str, Any], touched: Touched) -> None:
    assert record(GITLAB_DESCRIPTION, issue(**changes), **beside).touched is touched


def test_the_report_of_an_issue() -> None:
    label = {"user": {"username": "toni"}, "action": "add", "label": {"name": "in progress"}}
    notes = [
        {"author": {"username": "toni"}, "system": False, "body": " Regulator burnt. "},
        {"author": {"username": "bot"}, "system": False, "body": "[MW:note-1] Seen again."},
        {"author": {"username": "toni"}, "system": True, "body": "changed the description"},
    ]
    read = record(
        GITLAB_DESCRIPTION,
        issue(state="closed", labels=["cause: REGULATR", "remedy:REPLACE"], closed_at="2026-11-30T07:29:00.000Z"),
        notes=notes,
        label_events=[label | {"created_at": "2026-11-30T07:10:00.000Z"}],
    )
    report = needed(read.report)
    assert (report.started_at, report.finished_at) == (NOW - timedelta(minutes=50), NOW - timedelta(minutes=31))
    assert {(each.role, each.code) for each in report.codes} == {
        (FindingRole.CAUSE, "REGULATR"),
        (FindingRole.REMEDY, "REPLACE"),
    }
    assert report.notes == ("Regulator burnt.",)


def test_an_order_of_the_small_description() -> None:
    read = record(ACME, order(status="done", stopped="90", causes=["WEAR", "DIRT"]))
    assert (read.ref.id, read.ref.locator, read.ref.key, read.priority) == ("W-1", "a1", KEY, 2)
    report = needed(read.report)
    assert report.downtime == timedelta(seconds=90)
    assert [each.code for each in report.codes] == ["WEAR", "DIRT"]


def test_a_priority_that_stands_for_several_of_ours_is_none() -> None:
    assert record(ACME, order(priority="low")).priority is None


def test_a_word_without_a_meaning_ends_no_order() -> None:
    read = record(ACME, order(status="archived"))
    assert (read.status, read.status_guessed, read.work_has_begun) == (WorkOrderStatus.IN_PROGRESS, True, False)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-30T08:30:00+01:00", datetime(2026, 11, 30, 7, 30, tzinfo=UTC)),
        ("2026-11-30T08:30:00", datetime(2026, 11, 30, 7, 30, tzinfo=UTC)),
    ],
    ids=["with an offset", "in the site's zone"],
)
def test_a_time_without_an_offset_is_in_the_zone_of_the_site(text: str, moment: datetime) -> None:
    zone = settings_of(time_zone="Europe/Berlin").zone
    row = mapping.row_of(order(changed=text), needed(ACME.order), {}, zone)
    assert row.changed_at == moment


@pytest.mark.parametrize(
    ("changes", "place", "reason"),
    [
        ({"id": None}, "order.locator", "is missing"),
        ({"id": 1.5}, "order.locator", "is '1.5', not a text"),
        ({"changed": "yesterday"}, "order.changed_at", "is 'yesterday', not a time such as 2026-01-31T12:00:00Z"),
        ({"changed": "0001-01-01T00:00:00Z"}, "order.changed_at", "not a time such as"),
        ({"changed": None}, "order.changed_at", "is missing"),
        ({"key": "MW\0ODD"}, "order.key.field", "has a character that no name can have"),
        ({"key": "MW\ud800ODD"}, "order.key.field", "has a character that no name can have"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_named(changes: dict[str, Any], place: str, reason: str) -> None:
    with pytest.raises(RestExpressionFailed) as failed:
        mapping.row_of(cel_value(order(**changes)), needed(ACME.order), {}, settings_of().zone)
    assert failed.value.place == place
    assert reason in failed.value.reason


def test_a_number_that_json_cannot_hold_is_no_name() -> None:
    content = parsed_json(b'{"id": 123456789012345678901234567890, "number": "W-1", "other": NaN}')
    with pytest.raises(RestExpressionFailed, match=r"order\.locator"):
        mapping.row_of(cel_value(content), needed(ACME.order), {}, settings_of().zone)


@pytest.mark.parametrize(
    ("title", "key"),
    [(f"Voltage [{KEY}]", KEY), ("Voltage [MW-12]", None), (f"[MWAAAAAAAA] Voltage [{KEY}]", KEY), ("Voltage", None)],
)
def test_the_key_of_a_title_is_the_last_tag(title: str, key: str | None) -> None:
    assert texts.key_of_title(title) == key


def test_the_capabilities_follow_the_parts_that_are_there() -> None:
    full, small = mapping.capabilities(GITLAB_DESCRIPTION), mapping.capabilities(ACME)
    assert (full.idempotency, full.approval, full.cancellation) == (
        Idempotency.LOOK_UP,
        OrderApproval.STATE,
        OrderCancellation.STATE,
    )
    assert (small.approval, small.cancellation) == (OrderApproval.NONE, OrderCancellation.NONE)
    assert (full.limits.summary, small.limits.summary) == (242, 60)
