"""Between holds and Job Control, table by table."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from connectors.mes.opcua_job_control import JobControlSettings, mapping
from connectors.mes.opcua_job_control.models import JobOrderRow, Served, actual_equipment, job_order_row
from domain.production import HoldMethod, HoldPlan, HoldState, JobState

NOW = datetime(2015, 1, 5, 8, 0, tzinfo=UTC)
STOPS = ("PLANNED-STOP",)
NUMBERS = {state: number for number, state in mapping.STATES.items()}


def job(
    name: str, state: JobState, begins: float | None = None, ends: float | None = None, master: str = "WM-1"
) -> JobOrderRow:
    return JobOrderRow(
        receiver="r",
        id=name,
        state=NUMBERS[state],
        starts_at=None if begins is None else NOW + timedelta(hours=begins),
        ends_at=None if ends is None else NOW + timedelta(hours=ends),
        equipment=frozenset({"EQ-1"}),
        work_masters=frozenset({master}),
    )


@pytest.mark.parametrize(
    ("state", "method"),
    [
        (JobState.RUNNING, HoldMethod.PAUSE),
        (JobState.ALLOWED_TO_START, HoldMethod.REVOKE_START),
        (JobState.INTERRUPTED, HoldMethod.ALREADY_HELD),
        (JobState.NOT_ALLOWED_TO_START, HoldMethod.ALREADY_HELD),
        (JobState.ENDED, HoldMethod.NOTHING_TO_HOLD),
        (JobState.ABORTED, HoldMethod.NOTHING_TO_HOLD),
    ],
)
def test_the_state_of_the_job_says_how_it_is_held(state: JobState, method: HoldMethod) -> None:
    row = mapping.current_job([job("J", state)], STOPS)
    plan = mapping.hold_plan(row, "EQ-1", "K")
    assert plan.method is method
    assert (plan.job, plan.prior_state) == ((None, None) if method is HoldMethod.NOTHING_TO_HOLD else ("J", state))


@pytest.mark.parametrize(
    ("states", "chosen"),
    [
        (["ALLOWED_TO_START", "RUNNING", "INTERRUPTED"], 1),
        (["ALLOWED_TO_START", "INTERRUPTED"], 1),
        (["NOT_ALLOWED_TO_START", "ALLOWED_TO_START"], 1),
        (["ENDED", "NOT_ALLOWED_TO_START"], 1),
        (["ALLOWED_TO_START", "ALLOWED_TO_START"], 0),
    ],
)
def test_of_several_jobs_the_one_that_occupies_the_machine_counts(states: list[str], chosen: int) -> None:
    rows = [job(f"J{number}", JobState[state], begins=number) for number, state in enumerate(states)]
    row = mapping.current_job(reversed(rows), STOPS)
    assert row == rows[chosen]


def test_entries_of_the_calendar_are_no_jobs_to_hold() -> None:
    calendar = job("S", JobState.NOT_ALLOWED_TO_START, master="PLANNED-STOP")
    assert mapping.current_job([calendar], STOPS) is None


def served(equipment: set[str], assets: set[str] | None = None) -> Served:
    return Served(equipment=frozenset(equipment), assets=frozenset(assets or ()))


@pytest.mark.parametrize(
    ("receiver", "required", "proved", "may_be"),
    [
        (served({"EQ-1"}), {"PRESS-CLASS"}, True, True),
        (served(set(), {"EQ-1"}), set(), True, True),
        (served({"EQ-1", "EQ-2"}), {"EQ-1"}, True, True),
        (served({"EQ-1", "EQ-2"}), {"PRESS-CLASS"}, False, False),
        (served({"EQ-2"}), {"EQ-1"}, False, False),
        (served({"EQ-2"}), {"PRESS-CLASS"}, False, False),
        (served(set()), {"EQ-1"}, False, True),
        (served(set()), set(), False, False),
    ],
)
def test_what_proves_that_a_job_is_on_a_machine(
    receiver: Served, required: set[str], proved: bool, may_be: bool
) -> None:
    row = JobOrderRow(receiver="r", id="J", state=3, equipment=frozenset(required), served=receiver)
    assert (mapping.proves_machine(row, "EQ-1"), mapping.may_be_on(row, "EQ-1")) == (proved, may_be)


def test_a_plan_s_job_is_the_one_of_its_own_receiver() -> None:
    rows = [JobOrderRow(receiver=name, id="J", state=3) for name in ("Press1", "Press2")]
    plan = mapping.hold_plan(rows[1], "EQ-1", "K")
    assert (plan.receiver, mapping.job_of(plan, rows)) == ("Press2", rows[1])
    assert mapping.job_of(plan, rows[:1]) is None


def test_a_plan_of_an_earlier_build_finds_its_job_by_the_equipment_that_it_names() -> None:
    rows = [JobOrderRow(receiver="Press1", id="J", state=3), job("J", JobState.RUNNING)]
    plan = HoldPlan(key="K", equipment="EQ-1", job="J", prior_state=JobState.RUNNING, method=HoldMethod.PAUSE)
    assert mapping.job_of(plan, rows) == rows[1]


@pytest.mark.parametrize(
    ("method", "prior", "state", "standing"),
    [
        (HoldMethod.PAUSE, JobState.RUNNING, JobState.RUNNING, HoldState.ABSENT),
        (HoldMethod.PAUSE, JobState.RUNNING, JobState.INTERRUPTED, HoldState.HELD),
        (HoldMethod.PAUSE, JobState.RUNNING, JobState.ENDED, HoldState.GONE),
        (HoldMethod.PAUSE, JobState.RUNNING, None, HoldState.GONE),
        (HoldMethod.REVOKE_START, JobState.ALLOWED_TO_START, JobState.ALLOWED_TO_START, HoldState.ABSENT),
        (HoldMethod.REVOKE_START, JobState.ALLOWED_TO_START, JobState.NOT_ALLOWED_TO_START, HoldState.HELD),
        (HoldMethod.REVOKE_START, JobState.ALLOWED_TO_START, JobState.RUNNING, HoldState.ABSENT),
        (HoldMethod.REVOKE_START, JobState.ALLOWED_TO_START, JobState.ABORTED, HoldState.GONE),
        (HoldMethod.ALREADY_HELD, JobState.INTERRUPTED, JobState.INTERRUPTED, HoldState.ABSENT),
        (HoldMethod.NOTHING_TO_HOLD, None, None, HoldState.ABSENT),
    ],
)
def test_how_a_plan_stands_is_read_off_its_job(
    method: HoldMethod, prior: JobState | None, state: JobState | None, standing: HoldState
) -> None:
    plan = HoldPlan(key="K", equipment="EQ-1", job="J", prior_state=prior, method=method)
    assert mapping.standing(plan, state) is standing


RUNNING = job("J1", JobState.RUNNING, -2, 3)


@pytest.mark.parametrize(
    ("rows", "stop"),
    [
        ([], None),
        ([RUNNING], None),
        ([RUNNING, job("S", JobState.NOT_ALLOWED_TO_START, 10, 16, "PLANNED-STOP")], 10),
        ([RUNNING, job("S", JobState.NOT_ALLOWED_TO_START, -1, 5, "PLANNED-STOP")], 0),
        ([RUNNING, job("S", JobState.NOT_ALLOWED_TO_START, -9, -5, "PLANNED-STOP")], None),
        ([RUNNING, job("J2", JobState.NOT_ALLOWED_TO_START, 3.5, 9)], None),
        ([RUNNING, job("J2", JobState.NOT_ALLOWED_TO_START, 5, 9)], 3),
        ([RUNNING, job("J2", JobState.NOT_ALLOWED_TO_START, 2, 9), job("J3", JobState.ALLOWED_TO_START, 12, 13)], 9),
        (
            [RUNNING, job("J2", JobState.NOT_ALLOWED_TO_START, 5, 9), job("S", JobState.RUNNING, 8, 9, "PLANNED-STOP")],
            8,
        ),
        ([RUNNING, job("J0", JobState.ENDED, -9, -3)], None),
        ([job("J1", JobState.RUNNING), job("J2", JobState.ALLOWED_TO_START)], None),
    ],
)
def test_the_next_planned_stop_is_the_calendars_else_a_gap(rows: list[JobOrderRow], stop: float | None) -> None:
    context = mapping.production(rows, "EQ-1", NOW, STOPS, timedelta(hours=1))
    assert context.next_stop_at == (None if stop is None else NOW + timedelta(hours=stop))
    assert context.read_at == NOW


def test_the_context_shows_the_job_with_its_end() -> None:
    context = mapping.production([RUNNING], "EQ-1", NOW, STOPS, timedelta(hours=1))
    assert context.job is not None
    assert (context.job.id, context.job.state, context.job.ends_at) == ("J1", JobState.RUNNING, RUNNING.ends_at)


@dataclass
class Named:
    """A structure with an ID, as the server's types make them."""

    ID: str | None


@dataclass
class Path:
    Elements: list[str] | None


@dataclass
class State:
    BrowsePath: Path | None
    StateNumber: int


@dataclass
class Order:
    JobOrderID: str | None
    StartTime: datetime | None = None
    EndTime: datetime | None = None
    WorkMasterID: list[Named | str] | None = None
    EquipmentRequirements: list[Named] | None = None
    PhysicalAssetRequirements: list[Named] | None = None


@dataclass
class Entry:
    JobOrder: Order
    State: list[State] | None


def test_an_entry_of_the_list_is_read_whichever_optional_fields_it_has() -> None:
    order = Order(
        "J",
        StartTime=datetime(1601, 1, 1, tzinfo=UTC),
        EndTime=datetime(2015, 1, 5, 9, 0),  # noqa: DTZ001  # some stacks give naive UTC
        WorkMasterID=[Named("WM-1"), "WM-2"],
        EquipmentRequirements=[Named("EQ-1"), Named(None)],
        PhysicalAssetRequirements=[Named("PA-1")],
    )
    entry = Entry(order, [State(Path(["InterruptedSubstates"]), 1), State(Path([]), 4)])
    assert job_order_row(entry, "r", Served()) == JobOrderRow(
        receiver="r",
        id="J",
        state=4,
        ends_at=datetime(2015, 1, 5, 9, 0, tzinfo=UTC),
        equipment=frozenset({"EQ-1", "PA-1"}),
        work_masters=frozenset({"WM-1", "WM-2"}),
    )
    assert job_order_row(Entry(Order("J"), [State(None, 3)]), "r", Served()).state == 3


@dataclass
class Response:
    JobOrderID: str
    EquipmentActuals: list[Named] | None = None
    PhysicalAssetActuals: list[Named] | None = None


def test_the_actuals_of_a_response_count_for_its_own_job_alone() -> None:
    response = Response("J", [Named("EQ-1"), Named(None)], [Named("PA-1")])
    assert actual_equipment(response, "J") == {"EQ-1", "PA-1"}
    assert actual_equipment(response, "J2") == frozenset()
    assert actual_equipment(Response("J"), "J") == frozenset()
    assert actual_equipment(None, "J") == frozenset()


@pytest.mark.parametrize("entry", [Entry(Order(None), [State(None, 3)]), Entry(Order("J"), None)])
def test_an_entry_without_id_or_state_is_unreadable(entry: Entry) -> None:
    with pytest.raises(ValueError, match="without"):
        job_order_row(entry, "r", Served())


def test_a_state_that_the_standard_does_not_know_is_unreadable() -> None:
    with pytest.raises(ValueError, match="state 9"):
        mapping.state_of(JobOrderRow(receiver="r", id="J", state=9))


@pytest.mark.parametrize(
    "changes",
    [{"url": "http://mes:4840"}, {"url": "opc.tcp://u:p@mes:4840"}, {"user": "mw"}, {"password": "x"}, {"settle": -1}],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        JobControlSettings.model_validate({"url": "opc.tcp://mes:4840", **changes})


def test_the_password_stands_in_no_repr() -> None:
    settings = JobControlSettings.model_validate({"url": "opc.tcp://m:1", "user": "mw", "password": "swordfish"})
    assert "swordfish" not in repr(settings) + str(settings) + settings.model_dump_json()
