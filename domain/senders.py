"""Senders: gateways and brokers with the role `ingest`, each bound to the events that it may send."""

from collections.abc import Collection
from typing import Final

from domain.errors import ActRejected
from domain.model import Model

INGEST: Final = "ingest"
ANY: Final = "*"
"""Stands for every source, or every type."""
ALARM: Final = "millwright.alarm.v1"
"""The type of what a person reports. `*` does not stand for it: only a sender that is bound to it by name sends it."""
PERSONS_ALARMS: Final = "millwright/alarms"
"""The source of alarms that signed-in persons raise. No sender has it."""
HINT: Final = "hint"
"""The type of a hint, whose source is `hints/` and the name of the system."""
_LONGEST: Final = 500
_MOST: Final = 100


class Binding(Model):
    """The sources and types that a sender may send. A source that ends in `/` stands for all that begin with it."""

    sources: tuple[str, ...]
    types: tuple[str, ...]

    def refusal(self, source: str | None, kind: str | None) -> tuple[str, str] | None:
        """The attribute for which an event is refused, and why; None if it may be sent.

        Args:
            source: the event's source; None if it cannot be read, so that the event is stored under the sender's own.
            kind: its type; None if it cannot be read.
        """
        if source is not None and not self._has_source(source):
            return "source", f"{source!r} is not a source of this sender, which may send {', '.join(self.sources)}"
        if kind is not None and not (kind in self.types or (ANY in self.types and kind != ALARM)):
            return "type", f"{kind!r} is not a type of this sender, which may send {', '.join(self.types)}"
        return None

    def _has_source(self, source: str) -> bool:
        if source == PERSONS_ALARMS:
            return False
        return any(
            bound in (ANY, source) or (bound.endswith("/") and source.startswith(bound)) for bound in self.sources
        )


def check_binding(roles: Collection[str], sources: Collection[str] | None, types: Collection[str] | None) -> None:
    """Refuses roles that a sender may not hold, and sources and types that nobody can send.

    Raises:
        ActRejected: naming the field.
    """
    if INGEST not in roles:
        if sources is not None or types is not None:
            raise ActRejected(f"only a sender has some; it has the role {INGEST}", field="sources", fix="leave it out")
        return
    if set(roles) != {INGEST}:
        raise ActRejected("a sender may not hold another role", field="roles", fix=f"give {INGEST} alone")
    for field, bound in (("sources", sources), ("types", types)):
        if not bound:
            raise ActRejected(
                "is absent: a sender is bound to its sources and types", field=field, fix=f"name each, or {ANY} for all"
            )
        if len(bound) > _MOST or any(not 1 <= len(each) <= _LONGEST or not each.isprintable() for each in bound):
            raise ActRejected(
                f"has more than {_MOST} entries, or one that is not 1 to {_LONGEST} printed characters", field=field
            )
    if PERSONS_ALARMS in (sources or ()):
        raise ActRejected(f"{PERSONS_ALARMS} is the source of signed-in persons", field="sources", fix="leave it out")
