"""Whether a verdict opens a case, adds evidence to it, raises it, is noted on it, or revises it. Pure.

Live judging, shadows, backtests and the demo's score use these functions.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.cases import ClosedAs
from domain.verdict import Rung


class Effect(StrEnum):
    """The effect of a verdict on the cases of its fault."""

    NOTHING = "nothing"
    OPENS = "opens"
    FEEDS = "feeds"
    NOTED = "noted"
    REVISES = "revises"


@dataclass(slots=True)
class CaseSpan:
    """The span of a case over its evidence, in event time.

    Attributes:
        event_at: the earliest event that asked for as much as the case.
        last_event_at: the latest one.
        rung: the highest rung that was asked for.
        closed_as: how the case was closed; None while it is open.
    """

    event_at: datetime
    last_event_at: datetime
    rung: Rung
    closed_as: ClosedAs | None = None

    def stretch(self, at: datetime, rung: Rung) -> None:
        """Extends the span to an event.

        If the case asks for an order, only events that ask for an order extend it: `rearm` runs from the last of them.
        """
        if rung.orders or not self.rung.orders:
            self.event_at = min(self.event_at, at)
            self.last_event_at = max(self.last_event_at, at)

    def is_raised_by(self, rung: Rung) -> bool:
        """Whether a verdict asks for more than the case, and the case is open."""
        return self.closed_as is None and rung > self.rung

    def includes(self, at: datetime, rung: Rung, rearm: timedelta) -> bool:
        """Whether a verdict belongs to this closed episode, and is noted on it.

        Evidence continues after a repair: a mean over 12 hours stays high for hours. A withdrawn case includes no
        verdict. A case that never asked for an order includes no verdict that asks for one.
        """
        if self.closed_as is ClosedAs.WITHDRAWN or (rung.orders and not self.rung.orders):
            return False
        return self.event_at - rearm <= at <= self.last_event_at + rearm


def is_news(rung: Rung, previous: Rung | None) -> bool:
    """Whether a verdict can affect cases: a first verdict at `inspect` or above, or a change of rung to or from there.

    Args:
        rung: the verdict's rung.
        previous: the rung of the verdict before it on the same event; None if it is the first.
    """
    if previous is None:
        return rung.opens_case
    return previous != rung and max(previous, rung) >= Rung.INSPECT


def effect(newest: CaseSpan | None, at: datetime, rung: Rung, rearm: timedelta) -> Effect:
    """The effect of a verdict for which `is_news` is true.

    Args:
        newest: the span of the fault's open case, otherwise of the case opened last; None if there is no case.
        at: the event time.
        rung: the verdict's rung.
        rearm: how long after its last evidence a closed case still includes verdicts.
    """
    if not rung.opens_case:
        return Effect.NOTHING if newest is None else Effect.REVISES
    if newest is None:
        return Effect.OPENS
    if newest.closed_as is None:
        return Effect.FEEDS
    return Effect.NOTED if newest.includes(at, rung, rearm) else Effect.OPENS


def counts_as_evidence(previous: Rung | None) -> bool:
    """Whether a verdict adds evidence: it is the first on its event that asks for a case."""
    return previous is None or previous < Rung.INSPECT


def is_too_late(at: datetime, newest: datetime, lateness: timedelta) -> bool:
    """Whether an event arrived too late: its verdict is recorded, but changes no memory and no case.

    Args:
        at: the event time.
        newest: the event time of the newest event that was judged for the same fault.
        lateness: how late an event may arrive.
    """
    return at < newest - lateness
