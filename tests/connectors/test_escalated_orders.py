"""What the connectors with a due date send where a fault became worse."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.cmms.atlas import escalating as atlas
from connectors.cmms.atlas.models import AtlasOrder
from connectors.cmms.maintainx import mapping as maintainx
from connectors.cmms.maximo import MaximoSettings
from connectors.cmms.maximo import escalating as maximo
from connectors.cmms.maximo.mapping import touched_by_others
from connectors.cmms.maximo.models import WorkOrderRow
from domain.work_orders import Escalation, Touched
from tests.connectors import atlas_answers, maintainx_answers

DUE = datetime(2026, 11, 23, 6, 50, 10, tzinfo=UTC)
WORSE = Escalation(priority=1, was=3, due_at=DUE - timedelta(days=1), was_due_at=DUE)
MAXIMO = MaximoSettings.model_validate(
    {"url": "https://eam.test/maximo/api/", "api_key": "k", "time_zone": "America/New_York"}
)


def maximo_row(**changes: Any) -> WorkOrderRow:
    return WorkOrderRow.model_validate(
        {
            "wonum": "1201",
            "siteid": "BEDFORD",
            "status": "WAPPR",
            "statusdate": "2026-11-21T03:00:00-05:00",
            "wopriority": 3,
            "targcompdate": "2026-11-23T01:50:10-05:00",
            **changes,
        }
    )


def test_maximo_gets_priority_and_target_date_in_the_zone_of_the_site() -> None:
    sent = maximo.changes_of(maximo_row(), WORSE, MAXIMO)
    assert sent == {"wopriority": 1, "targcompdate": "2026-11-22T01:50:10-05:00"}
    assert maximo.changes_of(maximo_row(**sent), WORSE, MAXIMO) == {}


def test_maximo_keeps_that_somebody_else_changed_an_order_before_our_change_hides_it() -> None:
    ours, theirs = maximo_row(changeby="MILLWRIGHT", externalrefid="MWABCDEFGH"), maximo_row(changeby="PLANNER")
    assert maximo.note_of_others(ours, "MILLWRIGHT") == {}
    note = maximo.note_of_others(theirs, "MILLWRIGHT")
    after = maximo_row(changeby="MILLWRIGHT", externalrefid="MWABCDEFGH", **note)
    assert touched_by_others(after, "MILLWRIGHT") is Touched.YES
    assert maximo.note_of_others(after, "MILLWRIGHT") == {}


@pytest.mark.parametrize("date", [None, "2026-11-25T01:50:10-05:00"])
def test_maximo_keeps_a_date_that_is_not_ours(date: str | None) -> None:
    assert maximo.changes_of(maximo_row(targcompdate=date), WORSE, MAXIMO) == {"wopriority": 1}
    assert maximo.changes_of(maximo_row(targcompdate=date, wopriority=2), WORSE, MAXIMO) == {}


def test_atlas_gets_priority_and_due_date() -> None:
    now = AtlasOrder.model_validate(atlas_answers.order(priority="LOW", dueDate="2026-11-23T06:50:10.000+00:00"))
    settings = atlas_answers.SETTINGS.model_copy(update={"priorities": {1: "HIGH", 2: "MEDIUM", 3: "LOW", 4: "NONE"}})
    sent = atlas.changes_of(now, WORSE, settings)
    assert sent == {"priority": "HIGH", "dueDate": "2026-11-22T06:50:10.000Z"}
    assert atlas.changes_of(now.model_copy(update=sent), WORSE, settings) == {}
    for odd in (None, "soon", "2026-11-23T06:50:10"):
        assert atlas.changes_of(now.model_copy(update={"dueDate": odd}), WORSE, settings) == {"priority": "HIGH"}


def test_maintainx_gets_priority_and_due_date_and_stays_untouched() -> None:
    ours, settings = maintainx_answers.row(), maintainx_answers.SETTINGS
    was = maintainx_answers.DRAFT.priority
    worse = WORSE.model_copy(update={"was": was})
    sent = maintainx.escalated(ours, worse, settings)
    assert (sent["priority"], sent["dueDate"]) == (settings.priorities[1], "2026-11-22T06:50:10.000Z")
    after = maintainx_answers.row(**sent)
    assert maintainx.touched_by_others(after, settings) is maintainx.touched_by_others(ours, settings) is Touched.NO
    assert maintainx.escalated(after, worse, settings) == {}


def test_an_order_in_maintainx_that_people_changed_stays_touched() -> None:
    settings, was = maintainx_answers.SETTINGS, maintainx_answers.DRAFT.priority
    theirs = maintainx_answers.row(title=f"Bearing of the pump [{maintainx_answers.KEY}]")
    sent = maintainx.escalated(theirs, WORSE.model_copy(update={"was": was}), settings)
    assert "externalData" not in sent
    after = maintainx_answers.row(title=theirs.title, **sent)
    assert maintainx.touched_by_others(after, settings) is Touched.YES
