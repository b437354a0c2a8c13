"""Which verdicts a shelf or a window keeps from acting. Runs inside the judging transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import timestamp
from domain.judging import Judged
from domain.suppression import Suppression
from millwright.storage.database.engine import Statement
from millwright.storage.database.suppression_tables import suppressed, suppressions
from millwright.storage.database.tables import assets
from millwright.storage.ledger import ledger

HELD_BACK, LET_IN = "held_back", "let_in"

_ANY = "SELECT 1 FROM suppressions WHERE end_at > %s AND from_at <= %s LIMIT 1"
_KNOWN = text(
    "SELECT suppression, event_id, version, revision, how FROM suppressed WHERE event_id = ANY(:events) ORDER BY id"
)


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
        covering = await connection.execute(
            select(suppressions)
            .where(suppressions.c.end_at > first, suppressions.c.from_at <= last)
            .order_by(suppressions.c.id)
        )
        around = [Suppression.model_validate(dict(row)) for row in covering.mappings()]
        found = await connection.execute(
            select(assets.c.id, assets.c.machine, assets.c.line, assets.c.site).where(
                assets.c.id.in_({judgement.event.asset for judgement in judged}), assets.c.valid_to.is_(None)
            )
        )
        made = cls(around, {row.id: tuple(row) for row in found})
        for row in await connection.execute(_KNOWN, {"events": [judgement.event.id for judgement in judged]}):
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
            if each.covers(self.places.get(event.asset, ()), event.asset, event.failure_mode, event.at)
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
        if self.rows:
            await connection.execute(insert(suppressed), self.rows)


def suppressions_around(judged: Sequence[Judged]) -> Statement:
    """The statement that gives a row where any shelf or window covers the event times of some verdicts, those returned
    too, and its values. Nearly always there is none: `SuppressionFilter.read` is asked where there is."""
    return _ANY, _span(judged)


def _span(judged: Sequence[Judged]) -> tuple[datetime, datetime]:
    times = [judgement.event.at for judgement in judged]
    return min(times), max(times)


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
