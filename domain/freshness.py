"""Freshness: whether a source that promises a heartbeat has looked at a signal lately. Silence is never health.

A source promises a heartbeat for what it looks at. Without a promise nothing is monitored: neither healthy nor blind.
Only time in which the machine runs counts against a promise.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from domain.assets import Criticality
from domain.heartbeats import NO_NAME, Watch
from domain.model import Model, Moment
from domain.return_to_normal import MachineTime

INTERVALS: Final = 2
"""What a machine does goes on over a pause of so many intervals between two readings of an MES: one may fail."""


class Freshness(StrEnum):
    """What is known of a watch. Only `FRESH` says that somebody looked."""

    BLIND = "blind"
    """Nobody looked for longer than was promised, while the machine ran; or the signal is masked."""
    UNKNOWN = "unknown"
    """Nobody looked for longer than was promised, and it is not known whether the machine ran."""
    STANDING = "standing"
    """Nobody looked for longer than was promised, because the machine stands."""
    FRESH = "fresh"
    """It was looked at within the time that was promised."""
    NOT_MONITORED = "not_monitored"
    """Its source promises no heartbeat. It is neither healthy nor blind."""


_WORST_FIRST: Final = (Freshness.BLIND, Freshness.UNKNOWN, Freshness.STANDING, Freshness.FRESH)


class BlindReason(StrEnum):
    """Why a watch is blind."""

    SILENT = "silent"
    """Its source did not look."""
    MASKED = "masked"
    """Its sensor is suspected, so its readings are not used for a time."""


class WatchState(Model):
    """What is known of a watch at a time.

    Args:
        reason: why it is blind; None if it is not.
        since: since when it is blind; None if it is not.
    """

    state: Freshness
    reason: BlindReason | None = None
    since: Moment | None = None


def watch_state(
    seen_at: datetime, promise: timedelta | None, time: MachineTime, now: datetime, masked_since: datetime | None = None
) -> WatchState:
    """What is known of a watch.

    Args:
        seen_at: when it was last looked at.
        promise: how often its source promises to look; None if it promises nothing.
        time: what is known of the machine since then. Only time in which it ran counts.
        masked_since: since when its signal is masked; None if it is not.
    """
    if masked_since is not None:
        return WatchState(state=Freshness.BLIND, reason=BlindReason.MASKED, since=masked_since)
    if promise is None:
        return WatchState(state=Freshness.NOT_MONITORED)
    if now - seen_at <= promise:
        return WatchState(state=Freshness.FRESH)
    blind_since = time.counted_end(seen_at, promise)
    if blind_since is not None and blind_since < now:
        return WatchState(state=Freshness.BLIND, reason=BlindReason.SILENT, since=blind_since)
    standing = time.passed(seen_at, now) <= promise
    return WatchState(state=Freshness.STANDING if standing else Freshness.UNKNOWN)


def worst(states: Iterable[Freshness]) -> Freshness:
    """What is known of an asset by all its watches: the worst; not monitored if there are none."""
    found = set(states)
    return next((each for each in _WORST_FIRST if each in found), Freshness.NOT_MONITORED)


class SeenWatch(Model):
    """A watch in a list.

    Args:
        asset: None if the source only says that it is alive; `signal` likewise.
        machine: the machine of the asset.
        line: the line of the asset.
        criticality: that of the asset; None if nobody has said.
        promise: how often the source promises to look; None if it promises nothing.
        seen_at: when it was last looked at.
        since: since when it is blind.
    """

    source: str
    asset: str | None
    signal: str | None
    machine: str | None
    line: str | None
    criticality: Criticality | None
    promise: timedelta | None
    seen_at: Moment
    state: Freshness
    reason: BlindReason | None
    since: Moment | None

    @property
    def words(self) -> str:
        """What it is, for people."""
        return Watch(self.source, self.asset or NO_NAME, self.signal or NO_NAME).words

    @property
    def unseen_words(self) -> str | None:
        """That nobody looks at it, for people; None if somebody does, or nobody promised to."""
        seen = f"it was last looked at on {self.seen_at:%Y-%m-%d %H:%M} UTC"
        match self.state:
            case Freshness.BLIND:
                why = "its sensor is suspected" if self.reason is BlindReason.MASKED else seen
                return f"blind: {self.words}; {why}"
            case Freshness.UNKNOWN:
                return f"not known whether blind: {self.words}; {seen}, and nobody knows whether the machine ran"
            case _:
                return None


class BlindSpell(Model):
    """A time in which a watch was blind.

    Args:
        seen_at: when it was last looked at before.
        began_at: when it became blind.
        ended_at: when it was looked at again, or when it was not monitored any more; None while it lasts.
    """

    source: str
    asset: str | None
    signal: str | None
    reason: BlindReason
    seen_at: Moment
    began_at: Moment
    ended_at: Moment | None

    @property
    def words(self) -> str:
        """What it tells, for people."""
        what = Watch(self.source, self.asset or NO_NAME, self.signal or NO_NAME).words
        seen = f"it was last looked at on {self.seen_at:%Y-%m-%d %H:%M} UTC"
        began = f"{self.began_at:%Y-%m-%d %H:%M} UTC"
        if self.ended_at is None:
            return f"{what} is blind since {began}; {seen}"
        return f"{what} was blind from {began} until {self.ended_at:%Y-%m-%d %H:%M} UTC; before that {seen}"


class BlindWatch(Protocol):
    """Finds what is blind. Every method may raise `StorageUnavailable`, having written nothing."""

    async def look(self) -> Sequence[BlindSpell]:
        """Records what became blind, and what is not blind any more, since the last look; returns it."""
        ...


Promises = Mapping[str, timedelta]
"""How often each source promises to look."""
