"""The faults the bus can be told to show, in terms of `sandbox.faults`; the target is 'bus'.

Operations are `connect`, `send`, `deliver`, `complete`, `abandon`, `release`, `defer`, `dead_letter` and the
`$management` operations by their names without `com.microsoft:` (`renew-lock`, `peek-message`, …). Each is asked for
by its bare name first and then as `<operation>:<entity path in lower case>`, so `complete` meets every completion and
`complete:anomalies` only those of that queue.

| kind              | operations             | what happens                                                    |
|-------------------|------------------------|-----------------------------------------------------------------|
| down              | `*` or `connect`       | every connection is cut and every new one aborted until cleared |
| commit_then_drop  | send, settlements, $m. | the work is done and journalled, then the connection is cut     |
| drop_then_nothing | the same, connect      | the connection is cut, nothing is done                          |
| status_500        | send, settlements, $m. | `amqp:internal-error`, nothing is done                          |
| status_429        | send, settlements, $m. | `com.microsoft:server-busy`, nothing is done                    |
| duplicate_answer  | complete               | the settled message comes again, same sequence number           |
| reorder_answers   | deliver                | a message is overtaken by the one behind it                     |
| session_expired   | deliver                | the lock ends at once, whatever `locked-until` says             |

(`$m.` stands for the management operations, settlements for the five from `complete` to `dead_letter`.)
"""

from fnmatch import fnmatchcase
from typing import Final

from sandbox.bus.refusal import Refusal, internal_error, server_busy
from sandbox.faults import Fault, Faults

TARGET: Final = "bus"
KINDS: Final = frozenset(
    {
        "down",
        "commit_then_drop",
        "drop_then_nothing",
        "status_500",
        "status_429",
        "duplicate_answer",
        "reorder_answers",
        "session_expired",
    }
)


class Misbehaviour:
    """The bus's view of the plant's list of faults; with no list the bus behaves.

    Raises:
        ValueError: the list already holds a fault for 'bus' of a kind not in `KINDS`.
    """

    def __init__(self, faults: Faults | None) -> None:
        self._faults = faults
        if faults is not None:
            faults.declare(TARGET, KINDS)

    def take(self, operation: str, path: str = "") -> Fault | None:
        """The fault this operation meets, consumed once."""
        if self._faults is None:
            return None
        fault = self._faults.take(TARGET, operation)
        if fault is None and path:
            fault = self._faults.take(TARGET, f"{operation}:{path.lower()}")
        return fault

    def refuses_connection(self) -> bool:
        """Whether a new connection is to be aborted."""
        fault = self.take("connect")
        return fault is not None and fault.kind in ("down", "drop_then_nothing")

    def is_down(self) -> bool:
        """Whether the open connections are to be cut too."""
        return self._faults is not None and any(
            fault.target == TARGET and fault.kind == "down" and fnmatchcase("connect", fault.operation)
            for fault in self._faults.list()
        )


def refusal_of(fault: Fault) -> Refusal | None:
    """The answer of a fault that answers with an error."""
    if fault.kind == "status_500":
        return internal_error()
    if fault.kind == "status_429":
        return server_busy(fault.seconds)
    return None
