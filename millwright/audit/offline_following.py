"""Follows acts of the ledger up to the row of the verdict that is checked. Uses only standard Python."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from millwright.audit.offline_signatures import OfflineFinding, Row


class FollowedActs:
    """Reads acts in the ledger's order.

    Args:
        acts: the number of each act's ledger row and its body, in the ledger's order; `until` reads them.
    """

    def __init__(self, acts: Iterable[tuple[int, Row]] = ()) -> None:
        self._waiting = iter(acts)
        self._next = next(self._waiting, None)

    def until(self, seq: int) -> None:
        """Follows the acts in the rows before this one."""
        while self._next is not None and self._next[0] < seq:
            self.follow(self._next[1])
            self._next = next(self._waiting, None)

    def follow(self, act: Row) -> None:
        """Reads the next act of the ledger; an unreadable one is reported elsewhere."""
        raise NotImplementedError


class FollowedReadings(FollowedActs):
    """Reads acts that tell what was read from another system, of which verdicts are told.

    A transaction that judges may have begun just before a reading was stored, and is recorded after it. So the first
    ledger row with verdicts after a reading may tell what was read before.
    """

    told_of = ""
    """What of a context names what was read about."""
    told_as = ""
    """What of a context has what was read."""

    def fault(self, subject: str, told: Row | None, at: datetime, seq: int, *, uses: bool | None) -> str | None:
        """What is wrong with what a verdict was told, None if nothing.

        Args:
            subject: the machine, or the asset, of which it was told.
            told: what its context has; None if there is nothing.
            at: the time of its event.
            seq: its ledger row.
            uses: whether its version uses what was read; None if that is not known, and then what is missing is no
                fault.
        """
        raise NotImplementedError

    def findings(self, row: Row, contexts: Mapping[str, Row | None]) -> Iterator[OfflineFinding]:
        """What is wrong with what the next verdict of the ledger was told.

        Args:
            row: the verdict.
            contexts: the contexts by their digests; None for one that cannot be read, which is reported elsewhere.
        """
        self.until(row["seq"])
        context = contexts.get(json.loads(row["body"])["context"])
        if context is None:
            return
        try:
            at = datetime.fromisoformat(row["position"].split("|", 1)[0] + "Z")
        except ValueError:
            return  # A position that was altered is named with the columns of its verdict.
        fault = self.fault(context[self.told_of], context.get(self.told_as), at, row["seq"], uses=None)
        yield from wrong_context(row, fault)


def wrong_context(row: Row, fault: str | None) -> Iterator[OfflineFinding]:
    """What is wrong with what a verdict was told as a finding; none if nothing is."""
    if fault is not None:
        event = "|".join(json.loads(row["body"])["event"])
        yield OfflineFinding("verdict-context", f"verdict {row['id']} on event {event}", fault)
