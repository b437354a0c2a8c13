"""The tables from OPC UA's words to what a machine does, row by row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.mes.opcua_job_control.models import JobOrderRow, JobOrders, Served, UnreadableJob
from connectors.mes.opcua_job_control.operating import (
    ITEM_STATES,
    JOB_STATES,
    MACHINE_STATES,
    MODES,
    NOT_SHOWN,
    ShownMachine,
    operating_states,
)
from domain.operating import MachineState, OperatingState

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
OWN = Served(equipment=frozenset({"EQ-1"}))
NUMBERS = {"not_allowed_to_start": 1, "allowed_to_start": 2, "running": 3, "interrupted": 4, "ended": 5, "aborted": 6}


def job(state: str, served: Served = OWN, **more: Any) -> JobOrderRow:
    return JobOrderRow.model_validate(
        {"receiver": "R", "id": f"J-{state}", "state": NUMBERS[state], "served": served, **more}
    )


def read(
    *rows: JobOrderRow,
    shown: tuple[ShownMachine, ...] = (),
    unreadable: tuple[UnreadableJob, ...] = (),
    served: tuple[Served, ...] = (OWN,),
) -> OperatingState:
    orders = JobOrders(rows=rows, unreadable=unreadable)
    return operating_states(["EQ-1"], shown, orders, served, ("PLANNED-STOP",), NOW)["EQ-1"]


def machine(item_state: str | None, mode: str | None) -> ShownMachine:
    return ShownMachine(frozenset({"EQ-1"}), item_state, mode)


def test_every_state_and_mode_of_the_standard_is_in_the_table() -> None:
    assert {*MACHINE_STATES} == {
        (state, mode) for state in ITEM_STATES.values() for mode in (*MODES.values(), NOT_SHOWN)
    }


@pytest.mark.parametrize(("shown", "state"), sorted(MACHINE_STATES.items()))
def test_a_machine_that_shows_its_state_does_what_it_shows(shown: tuple[str, str], state: MachineState) -> None:
    found = read(job("running"), shown=(machine(*shown),))
    assert (found.state, found.word, found.mode) == (state, shown[0], shown[1] or None)


@pytest.mark.parametrize("shown", [(None, "Processing"), ("Executing", None)])
def test_a_state_or_mode_that_cannot_be_read_makes_it_unknown(shown: tuple[str | None, str | None]) -> None:
    assert read(job("running"), shown=(machine(*shown),)).state is MachineState.UNKNOWN


def test_two_machines_with_one_id_are_none() -> None:
    shown = machine("Executing", "Processing")
    assert read(shown=(shown, shown)).state is MachineState.UNKNOWN


@pytest.mark.parametrize(("state", "expected"), sorted((key.value, value) for key, value in JOB_STATES.items()))
def test_a_machine_without_a_state_does_what_its_job_does(state: str, expected: MachineState) -> None:
    substate = {"interrupted_by_itself": 1, "interrupted_on_purpose": 2}.get(state)
    name = "interrupted" if substate else state
    assert read(job(name, substate=substate)).state is expected


STOP: dict[str, Any] = {"work_masters": frozenset({"PLANNED-STOP"}), "starts_at": NOW - timedelta(hours=1)}
CLASS = Served(equipment=frozenset({"EQ-1", "EQ-2"}))


@pytest.mark.parametrize(
    ("rows", "served", "state"),
    [
        ([], OWN, MachineState.IDLE),
        ([], Served(), MachineState.UNKNOWN),
        ([job("ended")], OWN, MachineState.IDLE),
        ([job("allowed_to_start"), job("running")], OWN, MachineState.RUNNING),
        ([job("running", doubt="UncertainLastUsableValue")], OWN, MachineState.UNKNOWN),
        ([job("running", CLASS)], CLASS, MachineState.UNKNOWN),
        ([job("running", CLASS, equipment=frozenset({"EQ-2"}))], CLASS, MachineState.IDLE),
        ([job("allowed_to_start", **STOP)], OWN, MachineState.PLANNED_STOP),
        ([job("allowed_to_start", **STOP), job("running")], OWN, MachineState.RUNNING),
        ([job("allowed_to_start", **{**STOP, "ends_at": NOW})], OWN, MachineState.IDLE),
        ([job("ended", **STOP)], OWN, MachineState.IDLE),
    ],
    ids=[
        "no job",
        "not listed",
        "all over",
        "the running one",
        "uncertain",
        "perhaps here",
        "elsewhere",
        "a stop",
        "a stop, and it runs",
        "a stop that is over",
        "a stop that ended",
    ],
)
def test_jobs_say_no_more_than_they_prove(rows: list[JobOrderRow], served: Served, state: MachineState) -> None:
    assert read(*rows, served=(served,)).state is state


def test_a_job_that_cannot_be_read_and_may_be_here_makes_it_unknown() -> None:
    hidden = UnreadableJob(receiver="R", reason="no state", served=OWN)
    elsewhere = UnreadableJob(receiver="R2", reason="no state", served=Served(equipment=frozenset({"EQ-2"})))
    assert read(job("running"), unreadable=(hidden,)).state is MachineState.UNKNOWN
    assert read(job("running"), unreadable=(elsewhere,)).state is MachineState.RUNNING


def test_the_recipe_is_the_one_work_master_of_what_runs() -> None:
    assert read(job("running", work_masters=frozenset({"WM-1"}))).recipe == "WM-1"
    assert read(job("running", work_masters=frozenset({"WM-1", "WM-2"}))).recipe is None
    assert read(job("allowed_to_start", work_masters=frozenset({"WM-1"}))).recipe is None
