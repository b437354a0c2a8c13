"""What planners say of an order in the places of each vendor, and what is not theirs."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.cmms.atlas import planner_notes as atlas_notes
from connectors.cmms.atlas.models import AtlasComment, AtlasOrder, AtlasRequest
from connectors.cmms.maximo import MaximoSettings
from connectors.cmms.maximo import planner_notes as maximo_notes
from connectors.cmms.maximo.models import WorkOrderRow
from connectors.planner_words import PlannerWords
from connectors.text import without_markup
from domain.work_orders import OrderRejection
from tests.connectors.atlas_answers import SETTINGS, order, request

WORDS = PlannerWords(rejected="Rejected", put_off="Put off until")
ATLAS = SETTINGS.model_copy(update={"planner_words": WORDS})
MAXIMO = MaximoSettings.model_validate(
    {"url": "https://maximo.test/maximo/api", "api_key": "k", "time_zone": "Etc/GMT+5", "planner_words": WORDS}
)
OUR_USER = 2


def comment(content: str, at: str, **more: Any) -> AtlasComment:
    author = {"id": 7, "firstName": "Ann", "lastName": "Planner"}
    return AtlasComment.model_validate({"content": content, "createdAt": at, "user": author, **more})


SAID = (
    comment("Rejected: no budget &amp; no seal", "2026-11-21T08:00:00Z"),
    comment("Rejected: too early", "2026-11-21T07:00:00Z"),
    comment("[MW:note-1] Rejected: ours", "2026-11-21T09:00:00Z"),
    comment("Rejected: Atlas itself", "2026-11-21T09:00:00Z", system=True),
    comment("Put off until: 2026-12-07", "2026-11-21T08:00:00Z"),
)


def work_order(**more: Any) -> WorkOrderRow:
    row = {"wonum": "1", "siteid": "BEDFORD", "status": "CAN", "statusdate": "2026-11-21T08:00:00-05:00"}
    return WorkOrderRow.model_validate({**row, **more})


def change(status: str, by: str | None, memo: str | None = None) -> dict[str, str | None]:
    return {"status": status, "changeby": by, "memo": memo}


def test_the_newest_comment_of_people_says_why_an_order_of_atlas_was_archived() -> None:
    row = AtlasOrder.model_validate(order(archived=True))
    found = atlas_notes.rejection_on(row, OUR_USER, SAID, ATLAS)
    assert found == OrderRejection(reason="no budget & no seal", by="Ann Planner")
    assert atlas_notes.rejection_on(row, OUR_USER, SAID[2:], ATLAS) is None
    assert atlas_notes.rejection_on(row, OUR_USER, SAID, SETTINGS) is None


@pytest.mark.parametrize(("user", "reason"), [(9, "not now"), (OUR_USER, None), (None, "not now")])
def test_a_request_of_atlas_that_we_rejected_has_no_reason_of_people(user: int | None, reason: str | None) -> None:
    row = AtlasRequest.model_validate(request(updatedBy=user) | {"cancelled": True, "cancellationReason": "not now"})
    found = atlas_notes.rejection_on(row, OUR_USER, (), ATLAS)
    assert (found and found.reason) == reason


def test_a_comment_on_the_day_precedes_the_planned_start_in_atlas() -> None:
    row = AtlasOrder.model_validate(order(status="ON_HOLD", estimatedStartDate="2026-12-01T08:00:00.000+00:00"))
    assert atlas_notes.put_off_on(row, SAID, ATLAS) == datetime(2026, 12, 7, tzinfo=UTC)
    assert atlas_notes.put_off_on(row, (), ATLAS) == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert atlas_notes.put_off_on(AtlasOrder.model_validate(order(status="ON_HOLD")), (), ATLAS) is None


def test_a_planned_start_to_come_precedes_a_day_that_is_over_in_atlas() -> None:
    told = {"status": "ON_HOLD", "updatedAt": "2026-12-10T08:00:00.000+00:00"}
    later = AtlasOrder.model_validate(order(estimatedStartDate="2026-12-20T08:00:00.000+00:00", **told))
    assert atlas_notes.put_off_on(later, SAID, ATLAS) == datetime(2026, 12, 20, 8, tzinfo=UTC)
    over = AtlasOrder.model_validate(order(estimatedStartDate="2026-12-09T08:00:00.000+00:00", **told))
    assert atlas_notes.put_off_on(over, SAID, ATLAS) == datetime(2026, 12, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"archived": True}, True),
        ({"status": "ON_HOLD"}, True),
        ({"status": "IN_PROGRESS"}, False),
    ],
)
def test_comments_are_read_only_where_they_may_say_something(changes: dict[str, Any], told: bool) -> None:
    row = AtlasOrder.model_validate(order(**changes))
    assert (atlas_notes.may_have_words(row, ATLAS), atlas_notes.may_have_words(row, SETTINGS)) == (told, False)


@pytest.mark.parametrize(
    ("rows", "worklog", "told"),
    [
        ([change("APPR", "SMITH", "go on"), change("CAN", "JONES", "no budget")], [], ("no budget", "JONES")),
        ([change("CAN", "MILLWRIGHT", "revised")], [{"description": "Rejected: no", "createby": "JONES"}], None),
        ([change("CAN", None, "no budget")], [], None),
        ([change("CAN", "JONES")], [], None),
        ([change("CAN", "JONES")], [{"description": "Rejected: no seal", "createby": "SMITH"}], ("no seal", "SMITH")),
        ([change("CAN", "JONES")], [{"description": "[MW:n] Rejected: no", "createby": "MILLWRIGHT"}], None),
        ([], [], None),
    ],
)
def test_the_memo_of_a_person_says_why_an_order_of_maximo_was_cancelled_and_else_the_worklog(
    rows: list[dict[str, str | None]], worklog: list[dict[str, str]], told: tuple[str, str] | None
) -> None:
    found = maximo_notes.rejection_on(work_order(wostatus=rows, worklog=worklog), MAXIMO)
    assert (found and (found.reason, found.by)) == told


def test_a_day_in_the_worklog_of_maximo_begins_at_midnight_there() -> None:
    row = work_order(status="WMATL", worklog=[{"description": "Put off until: 2026-12-07", "createby": "JONES"}])
    assert maximo_notes.put_off_on(row, MAXIMO) == datetime(2026, 12, 7, 5, tzinfo=UTC)
    assert maximo_notes.put_off_on(work_order(status="WMATL"), MAXIMO) is None


@pytest.mark.parametrize(
    ("summary", "details"),
    [
        ("Put off until: 2026-12-07", "The seal comes that day."),
        ("Seal", "<div>No seal.<br />Put&nbsp;off until: 2026-12-07</div><!-- RICH TEXT -->"),
        ("Seal", "No seal.<div>Put off until: <b>2026-12-07</b></div>"),
        ("Put off until: 2026-12-05", "<p>Put off until: 2026-12-07</p>"),
        (None, "p < 5 bar\nPut off until: 2026-12-07"),
    ],
)
def test_the_summary_and_the_details_of_the_worklog_of_maximo_are_read(summary: str | None, details: str) -> None:
    entry = {"description": summary, "description_longdescription": details, "createby": "JONES"}
    row = work_order(status="WMATL", worklog=[entry])
    assert maximo_notes.put_off_on(row, MAXIMO) == datetime(2026, 12, 7, 5, tzinfo=UTC)


def test_a_note_of_ours_in_the_worklog_of_maximo_is_not_read() -> None:
    entry = {"description": "[MW:n] Seen again", "description_longdescription": "<p>Put off until: 2026-12-07</p>"}
    assert maximo_notes.put_off_on(work_order(status="WMATL", worklog=[entry]), MAXIMO) is None


@pytest.mark.parametrize("text", ["no tags", "p < 5 and q > 3\nt <90 >50", "R&D"])
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert without_markup(text) == text


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["<", "<!--", "<p ", "< ", "<br", "&#"])
def test_tags_that_do_not_end_are_read_in_time(piece: str) -> None:
    assert without_markup(piece * 200_000)
