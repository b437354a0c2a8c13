"""Alarm floods: when more came to one operator position than a person can answer. Pure, read after the fact.

ISA-18.2 (and EEMUA 191 before it) takes more than ten alarms in ten minutes for a flood, and takes it to be over when
fewer than five came in ten minutes. An operator position is a production line here. Detection moves no verdict and no
case: a flood costs the planner one case per fault with or without it. It is for whoever asks why a line was so loud.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from domain.model import Model, Moment

WINDOW = timedelta(minutes=10)
BEGINS_ABOVE = 10
"""Alarms within the window; one more begins a flood."""
ENDS_BELOW = 5
"""Alarms within the window; one fewer ends it."""


class Flood(Model):
    """A stretch in which alarms came faster than they could be answered.

    `began_at` is the first alarm of the window that was too full, `ended_at` the instant at which fewer than five lay
    in the window behind it, None while it lasts. `alarms` counts all in between, `peak` the most in any window.
    """

    position: str
    began_at: Moment
    ended_at: Moment | None
    alarms: int
    peak: int


def floods(position: str, times: Iterable[datetime], until: datetime) -> tuple[Flood, ...]:
    """The floods of one operator position, in order.

    Args:
        position: the line.
        times: when its alarms came, in event time, ascending.
        until: up to when is known what came; a flood that may still go on then has no end.
    """
    return tuple(_floods(position, times, until))


def _floods(position: str, times: Iterable[datetime], until: datetime) -> Iterator[Flood]:
    window: deque[datetime] = deque()
    flood: Flood | None = None
    for at in times:
        ended = _ended(window)
        if flood is not None and ended is not None and ended <= at:
            yield flood.model_copy(update={"ended_at": ended})
            flood = None
        while window and at - window[0] >= WINDOW:
            window.popleft()
        window.append(at)
        if flood is not None:
            flood = flood.model_copy(update={"alarms": flood.alarms + 1, "peak": max(flood.peak, len(window))})
        elif len(window) > BEGINS_ABOVE:
            count = len(window)
            flood = Flood(position=position, began_at=window[0], ended_at=None, alarms=count, peak=count)
    if flood is not None:
        ended = _ended(window)
        yield flood.model_copy(update={"ended_at": ended if ended is not None and ended <= until else None})


def _ended(window: deque[datetime]) -> datetime | None:
    """When fewer than five of these are left in the window, should no more come."""
    return window[-ENDS_BELOW] + WINDOW if len(window) >= ENDS_BELOW else None
