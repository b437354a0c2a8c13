"""The content of a message, without the facts of its delivery."""

from datetime import datetime
from typing import NamedTuple

from domain.anomaly import Anomaly, Fate
from domain.errors import Rejected
from domain.heartbeats import Heartbeat


class MessageContent(NamedTuple):
    """An anomaly with the line that judges it, or a fate with its reason.

    `natural_key` identifies the observation, so that the same one under another event id is a duplicate. An anomaly may
    have a `reason` too: a note, for example about undeclared fields.
    """

    natural_key: str | None = None
    at: datetime | None = None
    anomaly: Anomaly | None = None
    line: str | None = None
    fate: Fate | None = None
    reason: str | None = None
    field: str | None = None
    heartbeat: Heartbeat | None = None


_UNKNOWN = "if it is one of yours, map it with `millwright assets map`, then re-drive the event; if not, leave it"


class Unmapped(Rejected):
    """A well-formed message names something that the register does not know at that time.

    Args:
        natural_key: the key of the observation, with the names that the sender used.
        at: when it was observed.
    """

    def __init__(
        self,
        problem: str,
        *,
        field: str,
        natural_key: str | None = None,
        at: datetime | None = None,
        fix: str = _UNKNOWN,
    ) -> None:
        super().__init__(problem, field=field, fix=fix)
        self.natural_key = natural_key
        self.at = at


def not_an_anomaly(reason: str, at: datetime | None = None) -> MessageContent:
    """A message that was read and is no anomaly."""
    return MessageContent(at=at, fate=Fate.NOT_AN_ANOMALY, reason=reason)
