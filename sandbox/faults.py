"""The faults that can be injected into the sandbox's servers, in one ordered list for all of them.

Every server calls `take(target, operation)` once for each request and acts on the fault that it gets.

| kind              | what the server then does; `params` (default)                                |
|-------------------|------------------------------------------------------------------------------|
| commit_then_drop  | does the work, then cuts the connection without an answer                    |
| drop_then_nothing | cuts the connection and does nothing                                         |
| status_500        | answers 500 (or the protocol's internal error), does nothing                 |
| status_429        | answers 429 with Retry-After (or that it is too busy); `retry_after` (1)     |
| timeout           | is silent for `delay` (30), then cuts the connection, does nothing           |
| down              | cuts every connection until cleared                                          |
| refuse_field      | refuses as the vendor does for a wrong `field`, with its `code`; `message`   |
| session_expired   | answers as the vendor does when a session or login has ended                 |
| html              | answers 200 with a proxy's HTML page instead of the protocol                 |
| duplicate_answer  | answers the same item twice                                                  |
| reorder_answers   | answers in the wrong order                                                   |
| slow              | waits `seconds` (1), then serves the request as usual                        |
| late              | does the work and answers, and shows its effect `seconds` (4) later          |
| conflict          | answers as the vendor does when somebody else has changed the record         |

Delays are wall-clock seconds. A server that cannot show a kind declares so by leaving it out of `declare`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

KINDS = frozenset(
    {
        "commit_then_drop",
        "drop_then_nothing",
        "status_500",
        "status_429",
        "timeout",
        "down",
        "refuse_field",
        "session_expired",
        "html",
        "duplicate_answer",
        "reorder_answers",
        "slow",
        "late",
        "conflict",
    }
)
_REQUIRED_PARAMS: Mapping[str, tuple[str, ...]] = {"refuse_field": ("field", "code")}
_NUMBERS: Mapping[str, tuple[str, float]] = {
    "status_429": ("retry_after", 1.0),
    "timeout": ("delay", 30.0),
    "slow": ("seconds", 1.0),
    "late": ("seconds", 4.0),
}


@dataclass(frozen=True)
class Fault:
    """One misbehaviour: `times` requests of `target` whose operation matches the glob `operation` meet it.

    `times` None means until cleared; `down` is always until cleared.

    Raises:
        ValueError: the kind is unknown, `times` is not positive, or a parameter is missing or no number.
    """

    target: str
    operation: str
    kind: str
    times: int | None = 1
    params: Mapping[str, str | int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind!r} is not one of {', '.join(sorted(KINDS))}")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times: {self.times} is not a positive number")
        for name in _REQUIRED_PARAMS.get(self.kind, ()):
            if not self.params.get(name):
                raise ValueError(f"params.{name}: {self.kind} needs it")
        if self.kind in _NUMBERS:
            name, default = _NUMBERS[self.kind]
            value = self.params.get(name, default)
            if isinstance(value, str) or value < 0:
                raise ValueError(f"params.{name}: {value!r} is not a number of seconds")

    @property
    def seconds(self) -> float:
        """The length of a `status_429`, `timeout`, `slow` or `late`; 0 for every other kind."""
        if self.kind not in _NUMBERS:
            return 0.0
        name, default = _NUMBERS[self.kind]
        return float(self.params.get(name, default))

    def text(self, name: str, default: str = "") -> str:
        """A parameter as text, such as `field` or `code` of a `refuse_field`."""
        return str(self.params.get(name, default))


@dataclass
class _Pending:
    fault: Fault
    left: int | None


class Faults:
    """An ordered list of faults; the oldest that matches a request is met first."""

    def __init__(self) -> None:
        self._pending: list[_Pending] = []
        self._known: dict[str, frozenset[str]] = {}
        self._met: Counter[tuple[str, str]] = Counter()

    def declare(self, target: str, kinds: Iterable[str]) -> None:
        """A server says which kinds it can show; ValueError where another waits already."""
        self._known[target] = frozenset(kinds)
        for pending in self._pending:
            self._check(pending.fault)

    def add(self, fault: Fault) -> None:
        """Append `fault`.

        Raises:
            ValueError: the target has declared its kinds and this is none of them.
        """
        self._check(fault)
        left = None if fault.kind == "down" else fault.times
        self._pending.append(_Pending(fault, left))

    def take(self, target: str, operation: str) -> Fault | None:
        """The fault this request meets, consumed once; None where it meets none."""
        for position, pending in enumerate(self._pending):
            fault = pending.fault
            if fault.target != target or not fnmatchcase(operation, fault.operation):
                continue
            if pending.left is not None:
                pending.left -= 1
                if pending.left == 0:
                    del self._pending[position]
            self._met[(target, fault.kind)] += 1
            return fault
        return None

    def clear(self, target: str | None = None, kind: str | None = None) -> None:
        """Forget all faults, or those of one target, of one kind, or of one kind of one target."""
        self._pending = [
            pending
            for pending in self._pending
            if target not in (None, pending.fault.target) or kind not in (None, pending.fault.kind)
        ]

    def met(self) -> Mapping[tuple[str, str], int]:
        """How many requests met a fault, by target and kind, since the start."""
        return dict(self._met)

    def list(self) -> tuple[Fault, ...]:
        """What is still to come, oldest first."""
        return tuple(pending.fault for pending in self._pending)

    def _check(self, fault: Fault) -> None:
        known = self._known.get(fault.target)
        if known is not None and fault.kind not in known:
            raise ValueError(f"kind: {fault.target} cannot show {fault.kind!r}, only {', '.join(sorted(known))}")
