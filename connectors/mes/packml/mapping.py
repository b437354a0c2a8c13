"""What PackML's states mean for us: pure functions and their tables (OPC 30050 v1.01, ISA-TR88.00.02).

A state word never crosses a standard: Held and Suspended are other things than in ISA-95 Job Control, and neither is
ever a hold of ours.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from connectors.mes.packml.models import LevelState, MachineReading
from domain.operating import MachineState, OperatingState
from domain.production import Job, JobState, ProductionContext

NAMES: Final[Mapping[int, str]] = {
    27: "Resetting",
    28: "Idle",
    29: "Starting",
    30: "Suspending",
    31: "Suspended",
    32: "Unsuspending",
    33: "Holding",
    34: "Held",
    35: "Unholding",
    36: "Execute",
    37: "Completing",
    38: "Complete",
    53: "Stopped",
    54: "Stopping",
    55: "Clearing",
    61: "Aborting",
    62: "Aborted",
    71: "Cleared",
    75: "Running",
}
"""The states by the numbers of their nodes in the nodeset."""

OUTER: Final = ("Cleared", "Running")
"""The states that have a state machine of their own within: what the machine does is told there."""

MACHINE_STATES: Final[Mapping[str, MachineState]] = {
    "Resetting": MachineState.STARTUP,
    "Idle": MachineState.IDLE,
    "Starting": MachineState.STARTUP,
    "Execute": MachineState.RUNNING,
    "Suspending": MachineState.IDLE,
    "Suspended": MachineState.IDLE,
    "Unsuspending": MachineState.STARTUP,
    "Holding": MachineState.UNPLANNED_STOP,
    "Held": MachineState.UNPLANNED_STOP,
    "Unholding": MachineState.STARTUP,
    "Completing": MachineState.IDLE,
    "Complete": MachineState.IDLE,
    "Stopping": MachineState.UNKNOWN,
    "Stopped": MachineState.UNKNOWN,
    "Aborting": MachineState.UNPLANNED_STOP,
    "Aborted": MachineState.UNPLANNED_STOP,
    "Clearing": MachineState.UNPLANNED_STOP,
}
"""By the state, in the mode Produce. Whether a stop was planned, PackML does not tell."""

RUN_STATES: Final[Mapping[str, JobState | None]] = {
    "Resetting": None,
    "Idle": None,
    "Starting": JobState.RUNNING,
    "Execute": JobState.RUNNING,
    "Suspending": JobState.RUNNING,
    "Suspended": JobState.INTERRUPTED_BY_ITSELF,
    "Unsuspending": JobState.RUNNING,
    "Holding": JobState.RUNNING,
    "Held": JobState.INTERRUPTED,
    "Unholding": JobState.RUNNING,
    "Completing": JobState.RUNNING,
    "Complete": None,
    "Stopping": None,
    "Stopped": None,
    "Aborting": None,
    "Aborted": None,
    "Clearing": None,
}
"""Whether a run is in process. A state that nobody knows counts as a run: nobody may take the machine for free."""

PRODUCE: Final = 1
MAINTENANCE: Final = 2
MODES: Final[Mapping[int, str]] = {0: "Invalid", PRODUCE: "Produce", MAINTENANCE: "Maintenance", 3: "Manual"}
"""The modes of ProductionMaintenanceModeEnum. A machine builder may add others."""
_NO_PRODUCTION: Final = (MAINTENANCE, 3)

RUN: Final = "PackML run"
"""The name of the job: PackML knows no job orders, only that a run is in process."""
SPEED_UNIT: Final = "/min"
"""PackML counts speed in primary packages a minute."""


def counting(levels: tuple[LevelState, ...]) -> tuple[LevelState, ...]:
    """The state machines that count: each one within the state of the one before. The last of them says what the
    machine does."""
    for place, level in enumerate(levels, 1):
        if word_of(level) not in OUTER:
            return levels[:place]
    return levels


def word_of(level: LevelState) -> str:
    """The name of a state by its node, otherwise as the server shows it; empty if its value is not known."""
    return NAMES.get(level.number or 0, level.text)


def production(equipment: str, reading: MachineReading, now: datetime) -> ProductionContext:
    """What a machine does, and whether a run is in process.

    Raises:
        ValueError: the server tells no state.
    """
    levels, state = counting(reading.levels), operating(reading, now)
    word, odd = state.word, list(reading.odd)
    if word and word not in MACHINE_STATES:
        odd.append(f"{word} is no state of PackML that tells what the machine does")
    if reading.mode is None:
        odd.append("the mode cannot be read")
    odd += [f"the state is {level.status}" for level in levels if level.status]
    return ProductionContext(
        equipment=equipment,
        read_at=now,
        job=_run(word, reading.mode),
        doubt="; ".join(odd) or None,
        operating=state,
    )


def operating(reading: MachineReading, now: datetime) -> OperatingState:
    """What a machine does.

    Raises:
        ValueError: the server tells no state.
    """
    levels = counting(reading.levels)
    if not levels:
        raise ValueError("the server tells no state of the machine")
    word = word_of(levels[-1])
    return OperatingState(
        state=_state(word, reading.mode),
        word=word,
        read_at=now,
        said_at=levels[-1].said_at,
        mode=None if reading.mode is None else MODES.get(reading.mode, f"mode {reading.mode}"),
        speed=reading.speed,
        speed_unit=None if reading.speed is None else SPEED_UNIT,
    )


def _state(word: str, mode: int | None) -> MachineState:
    """What a machine does in its mode. In a mode in which it does not produce, Execute is no production."""
    if mode == MAINTENANCE:
        return MachineState.MAINTENANCE
    return MACHINE_STATES.get(word, MachineState.UNKNOWN) if mode == PRODUCE else MachineState.UNKNOWN


def _run(word: str, mode: int | None) -> Job | None:
    state = None if mode in _NO_PRODUCTION else RUN_STATES.get(word, JobState.RUNNING)
    return None if state is None else Job(id=RUN, state=state)
