"""Job orders as the shop floor knows them: states, return bits and one row of the job order list.

Numbers are those of OPC 10031-4 v2.00 (ISA95JobOrderReceiverSubStatesType and Annex B.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final


class JobState(IntEnum):
    """StateNumber of the receiver's state machine."""

    NOT_ALLOWED_TO_START = 1
    ALLOWED_TO_START = 2
    RUNNING = 3
    INTERRUPTED = 4
    ENDED = 5
    ABORTED = 6


class ReturnStatus(IntEnum):
    """Bits of the ReturnStatus bitmap; success is bit 0, so 0 is no answer a method gives."""

    NO_ERROR = 1
    UNKNOWN_JOB_ORDER = 2
    INVALID_STATUS = 8
    UNABLE_TO_ACCEPT = 16
    INVALID_REQUEST = 1 << 32


class Method(StrEnum):
    """Methods of the receiver, by browse name."""

    STORE = "Store"
    STORE_AND_START = "StoreAndStart"
    UPDATE = "Update"
    START = "Start"
    STOP = "Stop"
    PAUSE = "Pause"
    RESUME = "Resume"
    ABORT = "Abort"
    CANCEL = "Cancel"
    CLEAR = "Clear"
    REVOKE_START = "RevokeStart"


_UNSTARTED: Final = frozenset({JobState.NOT_ALLOWED_TO_START, JobState.ALLOWED_TO_START})
_FINISHED: Final = frozenset({JobState.ENDED, JobState.ABORTED})

ALLOWED_FROM: Final[Mapping[Method, frozenset[JobState]]] = {
    Method.UPDATE: _UNSTARTED,
    Method.START: frozenset({JobState.NOT_ALLOWED_TO_START}),
    Method.REVOKE_START: frozenset({JobState.ALLOWED_TO_START}),
    Method.PAUSE: frozenset({JobState.RUNNING}),
    Method.RESUME: frozenset({JobState.INTERRUPTED}),
    Method.STOP: frozenset({JobState.RUNNING, JobState.INTERRUPTED}),
    Method.ABORT: frozenset(JobState) - _FINISHED,
    Method.CANCEL: _UNSTARTED,
    Method.CLEAR: _FINISHED,
}
"""From which states a method may be called; from any other the answer is INVALID_STATUS."""


@dataclass(frozen=True)
class JobRow:
    """One entry of JobOrderList. `payload` is the client's own order as it sent it, else None."""

    job_id: str
    equipment: tuple[str, ...]
    state: JobState
    work_master: str = ""
    description: str = ""
    start: datetime | None = None
    end: datetime | None = None
    parameters: tuple[tuple[str, float | datetime], ...] = ()
    payload: bytes | None = None
