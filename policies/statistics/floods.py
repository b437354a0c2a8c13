"""Alarm floods: more alarms at one operator position than a person can answer. Pure; computed from stored alarms.

In ISA-18.2 (and EEMUA 191 before it) a flood begins with more than ten alarms in ten minutes, and ends with
fewer than five in ten minutes. An operator position is a production line here. Detection changes no verdict and no
case. It shows people why a line had so many alarms, and which came first.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.alarms import Alarm
from domain.model import Model, Moment

WINDOW = timedelta(minutes=10)
BEGINS_ABOVE = 10
"""Number of alarms within the window; one more begins a flood."""
ENDS_BELOW = 5
"""Number of alarms within the window; one fewer ends a flood."""
FIRST_OUT = 10
"""Number of first faults of a flood that are listed; its cause is among them."""


class FirstOut(Model):
    """A fault of a flood, and the time of its first alarm."""

    asset: str
    failure_mode: str
    at: Moment


class Flood(Model):
    """A period in which alarms came faster than they could be answered.

    `began_at` is the first alarm of the first window with too many alarms. `ended_at` is the time at which the window
    before it had fewer than five, None while the flood lasts. `alarms` counts all alarms in between, `faults` their
    faults, `peak` the maximum in any window. `first_out` lists the first faults in their order.
    """

    position: str
    began_at: Moment
    ended_at: Moment | None
    alarms: int
    faults: int
    peak: int
    first_out: tuple[FirstOut, ...]


@dataclass(slots=True)
class _Rising:
    """A flood that is being counted."""

    began_at: datetime
    alarms: int = 0
    peak: int = 0
    faults: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def hear(self, alarm: Alarm, in_window: int) -> None:
        self.alarms += 1
        self.peak = max(self.peak, in_window)
        self.faults.setdefault((alarm.asset, alarm.failure_mode), alarm.at)

    def told(self, position: str, ended_at: datetime | None) -> Flood:
        first = list(self.faults.items())[:FIRST_OUT]
        return Flood(
            position=position,
            began_at=self.began_at,
            ended_at=ended_at,
            alarms=self.alarms,
            faults=len(self.faults),
            peak=self.peak,
            first_out=tuple(FirstOut(asset=asset, failure_mode=mode, at=at) for (asset, mode), at in first),
        )


def floods(position: str, alarms: Iterable[Alarm], until: datetime) -> tuple[Flood, ...]:
    """The floods of one operator position, in order.

    Args:
        position: the line.
        alarms: its alarms, ascending by time.
        until: the time up to which alarms are known; a flood that may continue after it has no end.
    """
    return tuple(_floods(position, alarms, until))


def _floods(position: str, alarms: Iterable[Alarm], until: datetime) -> Iterator[Flood]:
    window: deque[Alarm] = deque()
    rising: _Rising | None = None
    for alarm in alarms:
        ended = _ended(window)
        if rising is not None and ended is not None and ended <= alarm.at:
            yield rising.told(position, ended)
            rising = None
        while window and alarm.at - window[0].at >= WINDOW:
            window.popleft()
        window.append(alarm)
        if rising is not None:
            rising.hear(alarm, len(window))
        elif len(window) > BEGINS_ABOVE:
            rising = _Rising(began_at=window[0].at)
            for earlier in window:
                rising.hear(earlier, len(window))
    if rising is not None:
        ended = _ended(window)
        yield rising.told(position, ended if ended is not None and ended <= until else None)


def _ended(window: deque[Alarm]) -> datetime | None:
    """When fewer than five of these are left in the window, if no more come."""
    return window[-ENDS_BELOW].at + WINDOW if len(window) >= ENDS_BELOW else None
