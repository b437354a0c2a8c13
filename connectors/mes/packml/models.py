"""What a PackML server tells of a machine (OPC 30050 v1.01), as far as we read it."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

NAMESPACE: Final = "http://opcfoundation.org/UA/PackML/"

BASE: Final = "BaseStateMachine"
LEVELS: Final = ((BASE,), (BASE, "MachineState"), (BASE, "MachineState", "ExecuteState"))
"""The state machines of a machine, from the outermost one; each next one counts within one state of that before."""

_YEARS: Final = range(1970, 2200)


@dataclass(frozen=True)
class ServerValue:
    """One value of a server.

    Args:
        value: None also if the status is bad.
        status: the symbolic name of its status; None if that is Good.
        said_at: the server's own time of the value; None if it gives none that can be.
    """

    value: Any
    status: str | None = None
    said_at: datetime | None = None


@dataclass(frozen=True)
class LevelState:
    """The current state of one state machine.

    Args:
        number: the number of its node in the namespace of PackML; None if the server gives no such node.
        text: its name as the server shows it.
    """

    number: int | None
    text: str
    said_at: datetime | None
    status: str | None


@dataclass(frozen=True)
class MachineReading:
    """What a machine does.

    Args:
        levels: the current states, from the outermost state machine; shorter if an inner one cannot be read.
        mode: the number of the mode; None if it cannot be read.
        speed: None if it cannot be read.
        odd: what cannot be read, or is uncertain.
    """

    levels: tuple[LevelState, ...]
    mode: int | None
    speed: float | None
    odd: tuple[str, ...]


def told(data: Any, status: str, *, is_bad: bool, is_good: bool) -> ServerValue:
    """A value as a client reads it."""
    value = None if is_bad or data.Value is None else data.Value.Value
    return ServerValue(value, None if is_good else status, _moment(data.SourceTimestamp or data.ServerTimestamp))


def level_state(current: ServerValue | None, node: ServerValue | None, index: int) -> LevelState | None:
    """A current state of its two values; None if there is none.

    Args:
        index: the index of PackML's namespace.
    """
    if current is None:
        return None
    named: Any = node.value if node is not None else None
    own = getattr(named, "NamespaceIndex", None) == index and isinstance(getattr(named, "Identifier", None), int)
    # The node is a value of its own, and may still be that of before while the state itself is not known.
    number = named.Identifier if own and current.value is not None else None
    text = getattr(current.value, "Text", None)
    if number is None and not text and current.status is None:
        return None
    return LevelState(number, text or "", current.said_at, current.status)


def machine_reading(values: dict[str, ServerValue], index: int) -> MachineReading:
    """What a machine does, of the values by the names that the client gives them."""
    levels: list[LevelState] = []
    for path in LEVELS:
        found = level_state(values.get("/".join(path)), values.get("/".join((*path, "Id"))), index)
        if found is None:
            break
        levels.append(found)
    mode, speed = values.get("mode", ServerValue(None)), values.get("speed", ServerValue(None))
    odd = [f"{name} is {each.status}" for name, each in (("the mode", mode), ("the speed", speed)) if each.status]
    return MachineReading(
        levels=tuple(levels),
        mode=mode.value if isinstance(mode.value, int) and not isinstance(mode.value, bool) else None,
        speed=speed.value if isinstance(speed.value, float) and math.isfinite(speed.value) else None,
        odd=tuple(odd),
    )


def _moment(value: object) -> datetime | None:
    if not isinstance(value, datetime) or value.year not in _YEARS:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
