"""The tables and pure functions between holds and SAP Digital Manufacturing."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mes.sap_dm import mapping
from connectors.mes.sap_dm.models import ListedSfc, Resource, Sfc, Shift, Status
from domain.operating import MachineState
from domain.production import HoldMethod, JobState
from tests.connectors.sap_dm_answers import NOW, TARGET, resource, sfc, status

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PRODUCTIVE", MachineState.RUNNING),
        ("SCHEDULED_DOWN", MachineState.PLANNED_STOP),
        ("UNSCHEDULED_DOWN", MachineState.UNPLANNED_STOP),
        ("ENABLED", MachineState.UNKNOWN),
        ("DISABLED", MachineState.UNKNOWN),
        ("UNKNOWN", MachineState.UNKNOWN),
        ("HOLD", MachineState.UNKNOWN),
        ("productive", MachineState.UNKNOWN),
    ],
)
def test_the_status_of_a_resource_says_what_the_machine_does_or_nothing(word: str, state: MachineState) -> None:
    told = mapping.operating_state(word, NOW)
    assert (told.state, told.word, told.read_at, told.said_at) == (state, word, NOW, None)


def test_the_table_has_every_status_that_a_resource_can_be_given() -> None:
    assert mapping.MACHINE_STATES.keys() == mapping.SETTABLE


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("NEW", JobState.NOT_ALLOWED_TO_START),
        ("IN_QUEUE", JobState.ALLOWED_TO_START),
        ("In Queue", JobState.ALLOWED_TO_START),
        ("ACTIVE", JobState.RUNNING),
        ("Hold", JobState.INTERRUPTED_ON_PURPOSE),
        ("DONE", JobState.ENDED),
        ("SCRAPPED", JobState.NOT_ALLOWED_TO_START),
        ("DONE_HOLD", JobState.NOT_ALLOWED_TO_START),
        ("", JobState.NOT_ALLOWED_TO_START),
    ],
)
def test_the_status_of_an_sfc_is_a_state_and_a_word_that_nobody_knows_is_told(word: str, state: JobState) -> None:
    said = Status.model_validate(status(word))
    assert mapping.job_state(said) is state
    assert bool(mapping.doubt_of("S", said)) is (mapping.word(said) not in mapping.SFC_STATES)


@given(st.text(max_size=30) | st.sampled_from(["Hold", " HOLD ", "HOLDING", "DONE_HOLD"]))
def test_only_the_word_hold_is_read_as_a_hold(word: str) -> None:
    held = mapping.is_held(Sfc.model_validate(sfc(word)))
    assert not held or re.sub("[^A-Z]", "", word.upper()) == "HOLD"


@pytest.mark.parametrize(
    ("name", "longest", "allowed"),
    [
        ("PRESS-1", 36, True),
        ("P 1", 6, True),
        ("A" * 36, 36, True),
        ("A" * 37, 36, False),
        ("", 36, False),
        (" P", 6, False),
        ("P ", 6, False),
        ("press", 36, False),
        ("A,B", 36, False),
        ("Ü", 36, False),
        ("A\n", 36, False),
    ],
)
def test_a_name_is_checked_as_sap_does(name: str, longest: int, allowed: bool) -> None:
    assert mapping.is_name(name, longest) is allowed


@pytest.mark.parametrize("receiver", [None, "", "resource ", "resource press", "work centre 7", "PRESS"])
def test_another_receiver_is_none_of_ours(receiver: str | None) -> None:
    assert mapping.resource_of(receiver) is None
    assert mapping.resource_of(mapping.receiver_of("PRESS 1")) == "PRESS 1"


@given(st.text(max_size=3000), st.sampled_from([mapping.LONGEST_STATUS_COMMENT, mapping.LONGEST_HOLD_COMMENT]))
def test_a_comment_begins_with_the_key_and_fits(reason: str, longest: int) -> None:
    said = mapping.comment("MWKEY", reason, longest)
    assert said.startswith("MWKEY: ")
    assert len(said) <= longest
    assert "\n" not in said


def shifts(*periods: tuple[float | None, float | None]) -> list[Shift]:
    def at(hours: float | None) -> str | None:
        return None if hours is None else (NOW + hours * HOUR).isoformat()

    return [Shift.model_validate({"validFrom": at(begins), "validTo": at(ends)}) for begins, ends in periods]


@pytest.mark.parametrize(
    ("periods", "stop"),
    [
        ([], None),
        ([(-10, 5)], None),
        ([(-10, None)], None),
        ([(-10, 5), (11, 20)], 5),
        ([(11, 20), (-10, 5)], 5),
        ([(-10, 5), (5, 20)], None),
        ([(-10, 5), (-8, 9), (11, 20)], 9),
        ([(-10, -2), (4, 20)], 0),
        ([(-30, -20), (-10, 5), (11, 20)], 5),
        ([(-10, None), (11, 20)], None),
        ([(2, 20)], None),
        ([(None, 5), (11, 20)], None),
    ],
)
def test_a_planned_stop_is_the_time_between_two_shifts(
    periods: list[tuple[float | None, float | None]], stop: float | None
) -> None:
    assert mapping.next_stop(shifts(*periods), NOW) == (None if stop is None else NOW + stop * HOUR)


def listed(name: str, word: str, start: str | None) -> ListedSfc:
    return ListedSfc.model_validate({"sfc": name, "status": status(word), "orderScheduledStartDateTime": start})


def test_the_sfc_that_starts_first_waits_and_one_in_queue_comes_before_a_new_one() -> None:
    rows = [
        listed("D", "DONE", "2026-11-01T00:00:00Z"),
        listed("N", "NEW", "2026-11-29T13:00:00Z"),
        listed("L", "IN_QUEUE", None),
        listed("Q", "IN_QUEUE", "2026-11-29T14:00:00Z"),
    ]
    first = mapping.first_to_start(rows)
    assert first is not None
    assert first.sfc == "Q"
    assert mapping.first_to_start(rows[:1]) is None


def test_production_is_the_sfc_that_ends_last_with_what_is_left_of_it() -> None:
    early = Sfc.model_validate(sfc(sfc="EARLY", steps=[]) | {"order": {"orderPlannedCompleteDateTime": None}})
    later = Sfc.model_validate(sfc())
    stopped = Sfc.model_validate(sfc("HOLD", sfc="STOPPED"))
    context = mapping.production("PRESS", NOW, Resource.model_validate(resource()), [stopped, later], [], [])
    assert context.job is not None
    assert (context.job.id, context.job.state) == ("1000042/SFC1", JobState.RUNNING)
    assert context.job.ends_at == datetime(2026, 11, 29, 16, tzinfo=UTC)
    assert context.remaining is not None
    assert (context.remaining.quantity, context.remaining.unit, context.remaining.said_at) == (50.0, None, None)
    assert (context.batch, context.doubt) == ("SFC1", None)
    assert context.operating is not None
    assert context.operating.state is MachineState.RUNNING
    # An SFC whose end nobody knows is taken to end last.
    unknown = mapping.production("PRESS", NOW, Resource.model_validate(resource()), [early, later], [], [])
    assert unknown.job is not None
    assert (unknown.job.id, unknown.job.ends_at, unknown.remaining) == ("EARLY", None, None)


@pytest.mark.parametrize(
    ("changes", "batch"),
    [
        ({"defaultBatchId": "B7"}, "B7"),
        ({"order": {"order": "1", "batchNumber": "B8"}}, "B8"),
        ({"order": None}, "SFC1"),
    ],
)
def test_the_batch_is_that_of_the_sfc_or_of_its_order_or_the_sfc_itself(changes: dict[str, Any], batch: str) -> None:
    seen = Sfc.model_validate(sfc(**changes))
    assert mapping.production("P", NOW, Resource.model_validate(resource()), [seen], [], []).batch == batch


def test_what_cannot_be_read_is_told_and_the_rest_is_used() -> None:
    step = {"resource": "PRESS", "quantityInWork": -1, "operationScheduledCompleteDateTime": "2026-11-29T16:00:00"}
    order = {"order": "1000042", "batchNumber": 1.5, "orderPlannedCompleteDateTime": "2026-11-30T08:00:00Z"}
    odd = Sfc.model_validate(sfc(defaultBatchId=1.5, steps=[step], order=order))
    seen = Resource.model_validate(resource(status="MAYBE", shifts=7))
    context = mapping.production("PRESS", NOW, seen, [odd], [], ["x"])
    assert context.job is not None
    assert (context.job.id, context.batch) == ("1000042/SFC1", "SFC1")
    assert context.job.ends_at == datetime(2026, 11, 30, 8, tzinfo=UTC)
    doubt = context.doubt or ""
    assert doubt.startswith("x; shifts of the resource cannot be read; the resource has the status 'MAYBE'")
    left_out = ("defaultBatchId", "batchNumber", "operationScheduledCompleteDateTime", "quantityInWork")
    assert [name for name in left_out if f"{name} of SFC SFC1 cannot be read" not in doubt] == []
    assert context.operating is not None
    assert context.operating.state is MachineState.UNKNOWN


def test_the_three_kinds_of_plan() -> None:
    pause = mapping.hold_plan("E", "K", TARGET, Sfc.model_validate(sfc()))
    block = mapping.block_plan("E", "K", TARGET, "ENABLED")
    assert (pause.method, pause.job, pause.prior_status) == (HoldMethod.PAUSE, "SFC1", None)
    assert (block.method, block.job, block.prior_status) == (HoldMethod.BLOCK, mapping.ALL_SFCS, "ENABLED")
    assert mapping.still_plan("E", "K", TARGET, blocked=True).method is HoldMethod.ALREADY_HELD
    nothing = mapping.still_plan("E", "K", TARGET, blocked=False)
    assert (nothing.method, nothing.job, nothing.target) == (HoldMethod.NOTHING_TO_HOLD, None, None)
    assert not mapping.is_name(mapping.ALL_SFCS, mapping.LONGEST_SFC)
