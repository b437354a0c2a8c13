"""Which faults happen when: generated from a seed before the run, in plant time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from millwright.demo.installation import API, CASES, ENGINE, INTAKE, JUDGING, POSTGRES

PARTS: Final = (JUDGING, CASES, INTAKE, API, POSTGRES, ENGINE)
_MARGIN: Final = 0.02
"""The share of the plant's time at each end in which there is no fault, because there is no work yet or no longer."""
_TWO_AT_ONCE: Final = 0.15
_LATEST_BLOW: Final = 0.25
_SHORTEST_AWAY, _LONGEST_AWAY = 0.1, 1.5
_ABSENCE = 30.0


@dataclass(frozen=True, order=True)
class Blow:
    """Parts that are killed at once, `delay` seconds after plant time `at`, and restarted `away` seconds later."""

    at: datetime
    parts: tuple[str, ...]
    delay: float
    away: float
    forgetting: bool = False
    """Whether the engine's database is deleted before the restart."""


@dataclass(frozen=True)
class Mishap:
    """A fault of another system. The sandbox is told to inject it at plant time `at`.

    A fault with `lasts` is cleared after that much plant time, one with `lasts_seconds` after that much wall time.
    Outages of the bus need wall time: while the bus does not answer, the plant waits, and its clock does not advance.
    """

    at: datetime
    target: str
    operation: str
    kind: str
    times: int | None = 1
    params: Mapping[str, str | int | float] = field(default_factory=dict)
    lasts: timedelta | None = None
    lasts_seconds: float | None = None


@dataclass(frozen=True)
class Plan:
    """All faults of one run."""

    seed: int
    blows: Sequence[Blow]
    mishaps: Sequence[Mishap]
    absence: Blow | None = None
    """One long absence of the engine, which is measured; nothing else is killed meanwhile."""

    @property
    def kills(self) -> int:
        return sum(len(blow.parts) for blow in self.blows)


@dataclass(frozen=True)
class _Kind:
    """A kind of mishap: how many there are in ninety days, and how long each lasts."""

    in_ninety_days: float
    target: str
    operation: str
    kind: str
    most: int = 1
    params: Mapping[str, str | int | float] = field(default_factory=dict)
    hours: tuple[int, int] | None = None
    seconds: tuple[float, float] | None = None


_KINDS: Final = (
    _Kind(6, "maximo", "create", "commit_then_drop"),
    _Kind(3, "maximo", "create", "drop_then_nothing"),
    _Kind(3, "maximo", "create", "status_500", most=3),
    _Kind(2, "maximo", "create", "timeout", params={"delay": 3}),
    _Kind(4, "maximo", "changeStatus", "commit_then_drop"),
    _Kind(4, "maximo", "query", "status_500", most=3),
    _Kind(4, "maximo", "*", "status_429", most=2, params={"retry_after": 1800}),
    _Kind(3, "maximo", "*", "slow", most=3, params={"seconds": 0.7}),
    _Kind(2, "maximo", "query", "timeout", params={"delay": 3}),
    _Kind(3, "maximo", "query", "html", most=2),
    _Kind(3, "maximo", "*", "session_expired", most=2),
    _Kind(6, "maximo", "query", "duplicate_answer", most=3),
    _Kind(6, "maximo", "query", "reorder_answers", most=3),
    _Kind(4, "maximo", "create", "refuse_field", params={"field": "wopriority", "code": "BMXAA4190E"}, hours=(24, 60)),
    _Kind(3, "maximo", "*", "down", hours=(3, 30)),
    _Kind(5, "jobcontrol", "*", "commit_then_drop"),
    _Kind(5, "jobcontrol", "[!r]*", "commit_then_drop"),
    _Kind(5, "jobcontrol", "*", "drop_then_nothing", most=2),
    _Kind(4, "jobcontrol", "[!r]*", "status_500"),
    _Kind(3, "jobcontrol", "read", "timeout", params={"delay": 2}),
    _Kind(3, "jobcontrol", "*", "slow", most=3, params={"seconds": 0.7}),
    _Kind(4, "jobcontrol", "[!r]*", "refuse_field", params={"field": "job", "code": "16"}, hours=(12, 48)),
    _Kind(4, "jobcontrol", "[!r]*", "late", most=2, params={"seconds": 4}),
    _Kind(3, "jobcontrol", "*", "status_429", most=2),
    _Kind(3, "jobcontrol", "*", "session_expired", most=2),
    _Kind(6, "jobcontrol", "read", "duplicate_answer", most=3),
    _Kind(6, "jobcontrol", "read", "reorder_answers", most=3),
    _Kind(3, "jobcontrol", "*", "down", hours=(3, 30)),
    _Kind(4, "twins", "patch_twin", "commit_then_drop"),
    _Kind(4, "twins", "*", "status_500", most=3),
    _Kind(3, "twins", "*", "status_429", most=2, params={"retry_after": 1800}),
    _Kind(4, "twins", "patch_twin", "conflict", most=2),
    _Kind(3, "twins", "*", "html", most=2),
    _Kind(2, "twins", "*", "timeout", params={"delay": 2}),
    _Kind(2, "twins", "*", "slow", most=3, params={"seconds": 0.7}),
    _Kind(2, "twins", "*", "down", hours=(3, 30)),
    _Kind(8, "bus", "complete", "duplicate_answer", most=20),
    _Kind(8, "bus", "deliver", "reorder_answers", most=30),
    _Kind(5, "bus", "deliver", "session_expired", most=10),
    _Kind(3, "bus", "complete", "commit_then_drop"),
    _Kind(3, "bus", "complete", "drop_then_nothing"),
    _Kind(2, "bus", "complete", "status_500", most=5),
    _Kind(2, "bus", "complete", "status_429", most=5),
    _Kind(3, "bus", "*", "down", seconds=(1, 4)),
)


def draw(
    seed: int, first: datetime, last: datetime, kills: int, *, faults: bool = True, parts: Sequence[str] = PARTS
) -> Plan:
    """The plan of a seed for a plant whose data are from `first` to `last`. It has every kind of mishap at least once.

    Args:
        kills: how many processes are killed; sometimes two at once.
        faults: whether there are faults of other systems too.
        parts: the parts that may be killed.
    """
    random = Random(seed)
    days = (last - first) / timedelta(days=1)

    def moment() -> datetime:
        share = _MARGIN + random.random() * (1 - 2 * _MARGIN)
        return first + timedelta(minutes=round((last - first) / timedelta(minutes=1) * share))

    blows = []
    left = kills
    while left > 0:
        count = 2 if left > 1 and random.random() < _TWO_AT_ONCE else 1
        struck = tuple(sorted(random.sample(list(parts), count)))
        blows.append(_blow(random, moment(), struck))
        left -= count
    if kills:
        blows = _one_forgets(random, blows)
    mishaps = [
        _mishap(random, moment(), kind)
        for kind in _KINDS
        for _ in range(max(1, round(kind.in_ninety_days * days / 90)))
    ]
    absence = Blow(moment(), (ENGINE,), 0, _ABSENCE) if kills and ENGINE in parts else None
    return Plan(seed, sorted(blows), sorted(mishaps, key=lambda mishap: mishap.at) if faults else [], absence)


def _blow(random: Random, at: datetime, parts: tuple[str, ...], *, forgetting: bool = False) -> Blow:
    delay = round(random.uniform(0, _LATEST_BLOW), 3)
    return Blow(at, parts, delay, round(random.uniform(_SHORTEST_AWAY, _LONGEST_AWAY), 2), forgetting)


def _one_forgets(random: Random, blows: list[Blow]) -> list[Blow]:
    """Changes the blow in the middle so that it kills the engine and deletes its database."""
    ordered = sorted(blows)
    middle = ordered[len(ordered) // 2]
    parts = middle.parts if ENGINE in middle.parts else (*middle.parts[:-1], ENGINE)
    return [blow for blow in blows if blow is not middle] + [_blow(random, middle.at, parts, forgetting=True)]


def _mishap(random: Random, at: datetime, kind: _Kind) -> Mishap:
    lasting = kind.hours is not None or kind.seconds is not None
    return Mishap(
        at=at,
        target=kind.target,
        operation=kind.operation,
        kind=kind.kind,
        times=None if lasting else random.randint(1, kind.most),
        params=kind.params,
        lasts=timedelta(hours=random.randint(*kind.hours)) if kind.hours else None,
        lasts_seconds=round(random.uniform(*kind.seconds), 1) if kind.seconds else None,
    )
