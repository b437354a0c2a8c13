"""The tables of the PackML connector, and what follows from them."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.mes.packml import mapping
from connectors.mes.packml.models import LevelState, MachineReading, ServerValue, machine_reading, told
from domain.operating import MachineState
from domain.production import JobState

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
EARLIER = datetime(2026, 11, 30, 11, 59)  # noqa: DTZ001  # as asyncua gives it
NUMBERS = {name: number for number, name in mapping.NAMES.items()}
OUTSIDE = {"Aborting": 1, "Aborted": 1, "Stopped": 2, "Stopping": 2, "Clearing": 2}
"""How many state machines it takes to tell a state; three for all others."""


def levels(word: str, **changes: Any) -> tuple[LevelState, ...]:
    outer = [LevelState(NUMBERS[name], name, None, None) for name in mapping.OUTER]
    last = {"number": NUMBERS[word], "text": word, "said_at": NOW, "status": None, **changes}
    return (*outer[: OUTSIDE.get(word, 3) - 1], LevelState(**last))


def context(word: str, mode: int | None = mapping.PRODUCE, **changes: Any) -> Any:
    return mapping.production("EQ-7", MachineReading(levels(word, **changes), mode, 12.5, ()), NOW)


STATES = [
    ("Resetting", MachineState.STARTUP, None),
    ("Idle", MachineState.IDLE, None),
    ("Starting", MachineState.STARTUP, JobState.RUNNING),
    ("Execute", MachineState.RUNNING, JobState.RUNNING),
    ("Suspending", MachineState.IDLE, JobState.RUNNING),
    ("Suspended", MachineState.IDLE, JobState.INTERRUPTED_BY_ITSELF),
    ("Unsuspending", MachineState.STARTUP, JobState.RUNNING),
    ("Holding", MachineState.UNPLANNED_STOP, JobState.RUNNING),
    ("Held", MachineState.UNPLANNED_STOP, JobState.INTERRUPTED),
    ("Unholding", MachineState.STARTUP, JobState.RUNNING),
    ("Completing", MachineState.IDLE, JobState.RUNNING),
    ("Complete", MachineState.IDLE, None),
    ("Stopping", MachineState.UNKNOWN, None),
    ("Stopped", MachineState.UNKNOWN, None),
    ("Aborting", MachineState.UNPLANNED_STOP, None),
    ("Aborted", MachineState.UNPLANNED_STOP, None),
    ("Clearing", MachineState.UNPLANNED_STOP, None),
]


@pytest.mark.parametrize(("word", "state", "run"), STATES)
def test_what_a_state_means_in_the_mode_produce(word: str, state: MachineState, run: JobState | None) -> None:
    found = context(word)
    assert (found.operating.state, found.operating.word, found.operating.mode) == (state, word, "Produce")
    assert (found.job.state if found.job else None) is run
    assert (found.operating.said_at, found.operating.read_at, found.doubt) == (NOW, NOW, None)


def test_every_state_of_the_tables_has_a_case() -> None:
    words = {word for word, _, _ in STATES}
    assert words == mapping.MACHINE_STATES.keys() == mapping.RUN_STATES.keys()
    assert words == set(mapping.NAMES.values()) - set(mapping.OUTER)


@pytest.mark.parametrize("word", [word for word, _, _ in STATES])
@pytest.mark.parametrize("mode", [None, 0, 1, 2, 3, 4])
def test_no_state_is_ever_one_that_somebody_held_on_purpose(word: str, mode: int | None) -> None:
    job = context(word, mode).job
    assert (job.state if job else None) is not JobState.INTERRUPTED_ON_PURPOSE


@pytest.mark.parametrize(
    ("mode", "state", "running", "words"),
    [
        (1, MachineState.RUNNING, True, "Produce"),
        (2, MachineState.MAINTENANCE, False, "Maintenance"),
        (3, MachineState.UNKNOWN, False, "Manual"),
        (0, MachineState.UNKNOWN, True, "Invalid"),
        (17, MachineState.UNKNOWN, True, "mode 17"),
        (None, MachineState.UNKNOWN, True, None),
    ],
)
def test_execute_is_production_in_the_mode_produce_only(
    mode: int | None, state: MachineState, running: bool, words: str | None
) -> None:
    found = context("Execute", mode)
    assert (found.operating.state, found.running, found.operating.mode) == (state, running, words)


@pytest.mark.parametrize(
    ("told_levels", "word"),
    [
        (levels("Execute")[:2], "Running"),
        (levels("Execute")[:1], "Cleared"),
        (levels("Execute", number=None, text="Ausführen"), "Ausführen"),
        (levels("Execute", number=999, text=""), ""),
    ],
)
def test_a_state_that_says_nothing_is_unknown_and_counts_as_a_run(
    told_levels: tuple[LevelState, ...], word: str
) -> None:
    found = mapping.production("EQ-7", MachineReading(told_levels, 1, None, ()), NOW)
    assert found.operating is not None
    assert (found.operating.state, found.operating.word, found.running) == (MachineState.UNKNOWN, word, True)


def test_an_inner_state_machine_does_not_count_outside_its_state() -> None:
    aborted = (LevelState(62, "Aborted", NOW, None), *levels("Execute", status="UncertainLastUsableValue")[1:])
    found = mapping.production("EQ-7", MachineReading(aborted, 1, None, ()), NOW)
    assert found.operating is not None
    assert (found.operating.state, found.job, found.doubt) == (MachineState.UNPLANNED_STOP, None, None)


def test_an_uncertain_state_is_told_with_its_doubt() -> None:
    found = context("Execute", status="UncertainLastUsableValue")
    assert (found.operating.state, found.doubt) == (MachineState.RUNNING, "the state is UncertainLastUsableValue")


def test_a_machine_without_a_state_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="tells no state"):
        mapping.production("EQ-7", MachineReading((), 1, None, ()), NOW)


def text(words: str | None, **changes: Any) -> ServerValue:
    return ServerValue(SimpleNamespace(Text=words), **changes)


def node(number: object, index: int = 5) -> ServerValue:
    return ServerValue(SimpleNamespace(NamespaceIndex=index, Identifier=number))


BASE, INNER, EXECUTE = "BaseStateMachine", "BaseStateMachine/MachineState", "BaseStateMachine/MachineState/ExecuteState"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({BASE: text("Cleared"), f"{BASE}/Id": node(71), INNER: text("Stopped"), f"{INNER}/Id": node(53)}, "Stopped"),
        ({BASE: text("frei"), f"{BASE}/Id": node(71), INNER: text("x"), f"{INNER}/Id": node(53)}, "Stopped"),
        # A node of another namespace is another state.
        ({BASE: text("Aborted"), f"{BASE}/Id": node(36, 7)}, "Aborted"),
        ({BASE: text("Aborted"), f"{BASE}/Id": node("62")}, "Aborted"),
        ({BASE: text("Aborted")}, "Aborted"),
        # The node of before is not believed while the state is not known.
        ({BASE: ServerValue(None, "BadNoCommunication"), f"{BASE}/Id": node(62)}, ""),
    ],
)
def test_which_state_the_values_of_a_server_tell(values: dict[str, ServerValue], words: str) -> None:
    found = machine_reading(values, 5)
    assert mapping.word_of(mapping.counting(found.levels)[-1]) == words


def test_values_that_are_none_tell_no_state() -> None:
    assert machine_reading({}, 5).levels == ()
    assert machine_reading({BASE: text(None), f"{BASE}/Id": node(None)}, 5).levels == ()


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("mode", ServerValue(1), 1),
        ("mode", ServerValue(True), None),
        ("mode", ServerValue("1"), None),
        ("mode", ServerValue(None, "BadNotReadable"), None),
        ("speed", ServerValue(12.5), 12.5),
        ("speed", ServerValue(float("nan")), None),
        ("speed", ServerValue(None), None),
    ],
)
def test_mode_and_speed_are_read_or_left_out(name: str, value: ServerValue, read: object) -> None:
    found = machine_reading({name: value}, 5)
    assert getattr(found, name) == read
    assert found.odd == ((f"the {name} is {value.status}",) if value.status else ())


@pytest.mark.parametrize(
    ("source", "server", "said"),
    [
        (EARLIER, NOW.replace(tzinfo=None), EARLIER.replace(tzinfo=UTC)),
        (None, EARLIER, EARLIER.replace(tzinfo=UTC)),
        (datetime(1601, 1, 1), EARLIER, None),  # noqa: DTZ001
        (None, None, None),
    ],
)
def test_the_time_of_a_value_is_that_of_the_server(
    source: datetime | None, server: datetime | None, said: datetime | None
) -> None:
    data = SimpleNamespace(Value=SimpleNamespace(Value=1), SourceTimestamp=source, ServerTimestamp=server)
    assert told(data, "Good", is_bad=False, is_good=True) == ServerValue(1, None, said)


def test_a_bad_value_is_none() -> None:
    data = SimpleNamespace(Value=SimpleNamespace(Value=1), SourceTimestamp=None, ServerTimestamp=None)
    assert told(data, "BadNotReadable", is_bad=True, is_good=False) == ServerValue(None, "BadNotReadable")
    assert told(data, "UncertainSubNormal", is_bad=False, is_good=False) == ServerValue(1, "UncertainSubNormal")
