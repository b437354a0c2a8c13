"""The tables from Odoo's words to what a machine does, row by row."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.mes.odoo_mrp.models import MachineCentre, OpenLog, PresentLeave
from connectors.mes.odoo_mrp.operating import LOSS_REASONS, LOSS_TYPES, OdooPlant, operating_state
from connectors.odoo.models import RowT, read_rows
from domain.operating import MachineState, OperatingState

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
CENTRE = {"id": 7, "code": "EQ-7", "active": True, "working_state": "normal", "company_id": [1, "Ours"]}
CENTRE |= {"resource_id": [70, "Press"], "resource_calendar_id": [5, "Standard"]}
LOG = {"id": 1, "workcenter_id": [7, "Press"], "workorder_id": False, "loss_id": [9, "A reason"]}
LOG |= {"loss_type": "productive", "date_start": "2026-11-29 06:49:37"}
LEAVE = {"id": 1, "date_from": "2026-11-29 06:00:00", "resource_id": [70, "Press"], "calendar_id": False}
LEAVE |= {"company_id": False}


def read(
    *logs: dict[str, Any],
    leaves: list[dict[str, Any]] | None = None,
    reasons: dict[str, str] | None = None,
    company: int | None = None,
    centres: list[dict[str, Any]] | None = None,
) -> OperatingState:
    def rows(contents: list[dict[str, Any]], model: type[RowT]) -> Any:
        return read_rows(contents, model)

    plant = OdooPlant(
        centres=rows(centres or [CENTRE], MachineCentre),
        logs=rows([*logs], OpenLog),
        leaves=rows(leaves or [], PresentLeave),
        reasons=reasons or {},
        company=company,
    )
    return operating_state("EQ-7", plant, NOW)


@pytest.mark.parametrize(("category", "state"), sorted(LOSS_TYPES.items()))
def test_every_category_of_loss_has_its_state(category: str, state: MachineState) -> None:
    found = read({**LOG, "loss_type": category})
    assert (found.state, found.word) == (state, "A reason")


@pytest.mark.parametrize(("reason", "state"), sorted(LOSS_REASONS.items()))
def test_a_reason_that_odoo_brings_counts_before_its_category(reason: str, state: MachineState) -> None:
    assert read({**LOG, "loss_type": "availability"}, reasons={"9": reason}).state is state


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"loss_type": "something new"}, MachineState.UNKNOWN),
        ({"workcenter_id": [8, "Saw"]}, MachineState.IDLE),
        ({"workcenter_id": "seven"}, MachineState.UNKNOWN),
        ({"loss_id": False}, MachineState.RUNNING),
        ({"date_start": "yesterday"}, MachineState.RUNNING),
    ],
)
def test_what_has_no_place_or_cannot_be_read_is_never_guessed(changes: dict[str, Any], state: MachineState) -> None:
    assert read({**LOG, **changes}).state is state


def test_the_start_of_the_log_is_since_when_and_without_one_nothing_is_said() -> None:
    assert read(LOG).since == datetime(2026, 11, 29, 6, 49, 37, tzinfo=UTC)
    assert read({**LOG, "date_start": False}).since is None


def test_two_logs_that_contradict_say_nothing() -> None:
    assert read(LOG, {**LOG, "id": 2, "loss_type": "quality"}).state is MachineState.UNKNOWN
    assert read(LOG, {**LOG, "id": 2, "loss_type": "performance"}).state is MachineState.RUNNING


@pytest.mark.parametrize(
    ("leave", "state"),
    [
        ({}, MachineState.PLANNED_STOP),
        ({"resource_id": [71, "Saw"]}, MachineState.IDLE),
        ({"resource_id": False, "calendar_id": [5, "Standard"]}, MachineState.PLANNED_STOP),
        ({"resource_id": False, "calendar_id": [6, "Other"]}, MachineState.IDLE),
        ({"resource_id": False}, MachineState.PLANNED_STOP),
        ({"company_id": [2, "Theirs"]}, MachineState.IDLE),
        ({"date_from": 7}, MachineState.UNKNOWN),
    ],
    ids=["its own", "another's", "its calendar", "another calendar", "everything", "another company", "unreadable"],
)
def test_a_planned_stop_is_that_of_the_machine_its_calendar_or_everything(
    leave: dict[str, Any], state: MachineState
) -> None:
    assert read(leaves=[{**LEAVE, **leave}]).state is state


def test_what_goes_on_counts_before_a_planned_stop() -> None:
    assert read(LOG, leaves=[LEAVE]).state is MachineState.RUNNING


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"working_state": "blocked"}, MachineState.UNKNOWN),
        ({"working_state": "done"}, MachineState.UNKNOWN),
        ({"active": False}, MachineState.UNKNOWN),
        ({"code": False}, MachineState.UNKNOWN),
        ({"company_id": [2, "Theirs"]}, MachineState.UNKNOWN),
        ({"company_id": False}, MachineState.IDLE),
        ({}, MachineState.IDLE),
    ],
)
def test_a_work_centre_that_is_no_machine_of_ours_or_contradicts_itself_is_unknown(
    changes: dict[str, Any], state: MachineState
) -> None:
    assert read(centres=[{**CENTRE, **changes}], company=1).state is state
