"""Which verdicts a shelf or a window keeps from acting. Runs inside the judging transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import timestamp
from domain.judging import Judged
from domain.suppression import Suppression
from millwright.storage.database.engine import Statement
from millwright.storage.ledger import ledger
from millwright.storage.suppression.suppressions import of_row

HELD_BACK, LET_IN = "held_back", "let_in"

_ANY = "SELECT 1 FROM suppressions WHERE end_at > %s AND from_at <= %s LIMIT 1"
_COVERING = text(
    f"SELECT {', '.join(Suppression.model_fields)} FROM suppressions "
    "WHERE end_at > :first AND from_at <= :last ORDER BY id"
)
_PLACES = text("SELECT id, machine, line, site FROM assets WHERE id = ANY(:assets) AND valid_to IS NULL")
_KNOWN = text(
    "SELECT suppression, event_id, version, revision, how FROM suppressed WHERE event_id = ANY(:events) ORDER BY id"
)
_KEEP = text(
    "INSERT INTO suppressed (suppression, event_id, version, revision, asset, failure_mode, rung, at, how) "
    "VALUES (:suppression, :event_id, :version, :revision, :asset, :failure_mode, :rung, :at, :how)"
)


class _PlaceRow(NamedTuple):
    id: str
    machine: str | None
    line: str | None
    site: str | None


class _SuppressedRow(NamedTuple):
    suppression: str
    event_id: int
    version: str
    revision: int
    how: str


@dataclass(slots=True)
class SuppressionFilter:
    """The shelves and windows around some verdicts, and what they held back in this transaction."""

    around: Sequence[Suppression] = ()
    places: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    """Of each asset, itself and all that it is part of."""
    known: set[tuple[str, int, str, int]] = field(default_factory=set)
    """What was held back before: by what, which event, version and revision."""
    standing: dict[tuple[int, str], str] = field(default_factory=dict)
    """How each event stands under each version."""
    rows: list[dict[str, object]] = field(default_factory=list)

    @classmethod
    async def read(cls, connection: AsyncConnection, judged: Sequence[Judged]) -> "SuppressionFilter":
        """What there is around the event times of some verdicts."""
        first, last = _span(judged)
        covering = await connection.execute(_COVERING, {"first": first, "last": last})
        around = [of_row(row) for row in covering.mappings()]
        assets = sorted({judgement.event.asset for judgement in judged})
        found = map(_PlaceRow._make, await connection.execute(_PLACES, {"assets": assets}))
        made = cls(around, {place.id: place for place in found})
        known = await connection.execute(_KNOWN, {"events": [judgement.event.id for judgement in judged]})
        for row in map(_SuppressedRow._make, known):
            made.standing[(row.event_id, row.version)] = row.how
            if row.how == HELD_BACK:
                made.known.add((row.suppression, row.event_id, row.version, row.revision))
        return made

    def holds_back(self, judgement: Judged, entry: ledger.Entry) -> bool:
        """Whether a verdict's action is held back; if it would have acted, it is recorded by what."""
        event = judgement.event
        by = [
            each
            for each in self.around
            if each.covers((*self.places.get(event.asset, ()), event.sensor), event.asset, event.failure_mode, event.at)
            and each.holds_back(event.at, judgement.assignment.rearm)
        ]
        if not by:
            return False
        if not judgement.verdict.rung.opens_case:
            # A case that was never told of the event is not told that it was judged lower.
            return self.standing.get((event.id, judgement.assignment.digest)) == HELD_BACK
        for each in by:
            if (each.id, event.id, judgement.assignment.digest, judgement.revision) in self.known:
                continue
            self.rows.append(suppressed_row(each.id, judgement, HELD_BACK))
            entry.add(
                ledger.act(
                    "action-suppressed",
                    f"event/{event.id}",
                    judgement.assignment.digest[:12],
                    entry.at,
                    {
                        "event": [event.source, event.external_id],
                        "asset": event.asset,
                        "failure_mode": event.failure_mode,
                        "at": timestamp(event.at),
                        "revision": judgement.revision,
                        "rung": judgement.verdict.rung.word,
                        "suppression": each.id,
                        "kind": each.kind.value,
                        "until": timestamp(each.end_at),
                        "by": each.made_by,
                        "reason": each.reason,
                    },
                )
            )
        return True

    async def write(self, connection: AsyncConnection) -> None:
        """Stores what was held back."""
        await keep_suppressed(connection, self.rows)


def suppressions_around(judged: Sequence[Judged]) -> Statement:
    """The statement that gives a row where any shelf or window covers the event times of some verdicts, those returned
    too, and its values. Nearly always there is none: `SuppressionFilter.read` is asked where there is."""
    return _ANY, _span(judged)


def _span(judged: Sequence[Judged]) -> tuple[datetime, datetime]:
    times = [judgement.event.at for judgement in judged]
    return min(times), max(times)


async def keep_suppressed(connection: AsyncConnection, rows: Sequence[Mapping[str, object]]) -> None:
    """Stores verdicts that were held back or let in; see `suppressed_row`."""
    if rows:
        await connection.execute(_KEEP, list(rows))


def suppressed_row(suppression: str, judgement: Judged, how: str) -> dict[str, object]:
    """A verdict that was held back or let in, as its row."""
    return {
        "suppression": suppression,
        "event_id": judgement.event.id,
        "version": judgement.assignment.digest,
        "revision": judgement.revision,
        "asset": judgement.event.asset,
        "failure_mode": judgement.event.failure_mode,
        "rung": int(judgement.verdict.rung),
        "at": judgement.event.at,
        "how": how,
    }
