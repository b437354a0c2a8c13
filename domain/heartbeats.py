"""Heartbeats: what sources look at, and how they say that they have looked."""

from typing import Final, NamedTuple

from domain.model import Model, Moment

HEARTBEAT: Final = "millwright.heartbeat.v1"
"""The type of the event by which a detector says that it has looked, and found nothing unusual."""

NO_NAME: Final = ""
"""Stands for no asset or no signal in a watch."""


class Watch(NamedTuple):
    """What a source looks at: a signal of an asset, an asset, or only that the source itself is alive.

    Attributes:
        asset: `NO_NAME` if the source only says that it is alive.
        signal: `NO_NAME` if no signal is named.
    """

    source: str
    asset: str = NO_NAME
    signal: str = NO_NAME

    @property
    def words(self) -> str:
        """What it is, for people."""
        if not self.asset:
            return self.source
        named = f"{self.signal} of {self.asset}" if self.signal else self.asset
        return f"{named} by {self.source}"

    def seen_with(self) -> "tuple[Watch, ...]":
        """The watches for which a look at this one counts too: it, its asset, and its source."""
        wider = (self, Watch(self.source, self.asset), Watch(self.source))
        return tuple(dict.fromkeys(wider))


class Heartbeat(Model):
    """That a detector has looked and found nothing unusual, or that it is alive.

    Args:
        asset: what it looked at; None if it only says that it is alive.
        signal: the signal of the asset; None if none is named.
        at: when it looked.
    """

    source: str
    asset: str | None
    signal: str | None
    at: Moment

    @property
    def watch(self) -> Watch:
        """What was looked at."""
        return Watch(self.source, self.asset or NO_NAME, self.signal or NO_NAME)
