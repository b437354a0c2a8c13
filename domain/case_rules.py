"""When a verdict opens a case, feeds it, raises it, is noted on it or takes evidence away: pure, and the same for all.

Live judging, the shadow, the backtest and the demo's score decide by these functions.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.cases import ClosedAs
from domain.verdict import Rung


class Effect(StrEnum):
    """What a verdict does to the cases of its fault."""

    NOTHING = "nothing"
    OPENS = "opens"
    FEEDS = "feeds"
    NOTED = "noted"
    REVISES = "revises"


@dataclass(slots=True)
class CaseSpan:
    """The span of a case over its evidence, in event time.

    Attributes:
        event_at: the earliest event that asked for as much as the case does.
        last_event_at: the latest one.
        rung: the highest rung that was asked for.
        closed_as: how the case was closed; None while it is open.
    """

    event_at: datetime
    last_event_at: datetime
    rung: Rung
    closed_as: ClosedAs | None = None

    def stretch(self, at: datetime, rung: Rung) -> None:
        """Stretches the span over an event.

        An event that asks for less than an order lengthens no episode of orders: `rearm` runs from the last that did.
        """
        if rung.orders or not self.rung.orders:
            self.event_at = min(self.event_at, at)
            self.last_event_at = max(self.last_event_at, at)

    def is_raised_by(self, rung: Rung) -> bool:
        """Whether a verdict asks for more than the case does. Only an open case rises."""
        return self.closed_as is None and rung > self.rung

    def includes(self, at: datetime, rung: Rung, rearm: timedelta) -> bool:
        """Whether a verdict belongs to this closed episode, and is noted on it.

        Evidence outlives a repair: a mean over 12 hours stays high for hours. A case that was withdrawn takes nothing,
        and one that was closed without having asked for an order does not swallow a verdict that does.
        """
        if self.closed_as is ClosedAs.WITHDRAWN or (rung.orders and not self.rung.orders):
            return False
        return self.event_at - rearm <= at <= self.last_event_at + rearm


def is_news(rung: Rung, previous: Rung | None) -> bool:
    """Whether a verdict concerns cases: the first on an event at `inspect` or above, or a revision to or from there.

    Args:
        rung: what the verdict asks for.
        previous: what the verdict before it on the same event asked for; None where it is the first.
    """
    if previous is None:
        return rung.opens_case
    return previous != rung and max(previous, rung) >= Rung.INSPECT


def effect(newest: CaseSpan | None, at: datetime, rung: Rung, rearm: timedelta) -> Effect:
    """What a verdict that is news does.

    Args:
        newest: the span of the fault's open case, else of the one opened last; None where there is none.
        at: when the event happened.
        rung: what the verdict asks for.
        rearm: how long after its last evidence a closed case still takes evidence.
    """
    if not rung.opens_case:
        return Effect.NOTHING if newest is None else Effect.REVISES
    if newest is None:
        return Effect.OPENS
    if newest.closed_as is None:
        return Effect.FEEDS
    return Effect.NOTED if newest.includes(at, rung, rearm) else Effect.OPENS


def counts_as_evidence(previous: Rung | None) -> bool:
    """Whether a verdict adds a piece of evidence: the first on its event that asks for a case."""
    return previous is None or previous < Rung.INSPECT


def is_too_late(at: datetime, newest: datetime, lateness: timedelta) -> bool:
    """Whether an event came too late to count: its verdict is recorded, and moves no memory and no case.

    Args:
        at: when the event happened.
        newest: when the newest event happened that was judged for the same fault.
        lateness: how late an event may come.
    """
    return at < newest - lateness
