"""The newest look of each watch, kept in the transaction that stores what was received."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from domain.anomaly import Received
from domain.heartbeats import Watch
from millwright.storage.database.engine import Cursor

# Rows in one order, so that two who keep the same watches queue and do not deadlock. An anomaly shows a look at what a
# heartbeat has named, and begins no watch: a source may send anomalies of more than it promises to look at.
_KEEP = """
INSERT INTO looks (source, asset, signal, first_at, seen_at)
SELECT k.source, k.asset, k.signal, k.first_at, k.seen_at
FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::boolean[])
    AS k(source, asset, signal, first_at, seen_at, begins)
WHERE k.begins OR EXISTS (SELECT FROM looks l WHERE (l.source, l.asset, l.signal) = (k.source, k.asset, k.signal))
ORDER BY k.source, k.asset, k.signal
ON CONFLICT (source, asset, signal) DO UPDATE SET
    seen_at = greatest(looks.seen_at, excluded.seen_at),
    resumed_at = CASE WHEN looks.blind_since IS NOT NULL AND excluded.seen_at > looks.seen_at
        THEN least(looks.resumed_at,
            CASE WHEN excluded.first_at > looks.seen_at THEN excluded.first_at ELSE excluded.seen_at END)
        ELSE looks.resumed_at END
"""


async def keep_looks(cursor: Cursor, items: Sequence[Received]) -> None:
    """Keeps when each watch was last looked at, by heartbeats and by the anomalies of sources that promise one."""
    spans: dict[Watch, tuple[datetime, datetime, bool]] = {}
    for item in items:
        for watch, at, begins in _looks(item):
            first, last, begun = spans.get(watch, (at, at, False))
            spans[watch] = (min(first, at), max(last, at), begun or begins)
    if not spans:
        return
    named = list(spans)
    firsts, lasts, begins_ = (list(column) for column in zip(*spans.values(), strict=True))
    columns = ([each.source for each in named], [each.asset for each in named], [each.signal for each in named])
    await cursor.execute(_KEEP, (*columns, firsts, lasts, begins_))


def _looks(item: Received) -> Iterable[tuple[Watch, datetime, bool]]:
    """What a message shows to have been looked at, when, and whether it begins the watch."""
    if item.heartbeat is not None:
        own = item.heartbeat.watch
        return [(watch, item.heartbeat.at, watch == own) for watch in own.seen_with()]
    if item.anomaly is None or item.at is None:
        return []
    seen = Watch(item.source, item.anomaly.asset, item.anomaly.signal or "")
    return [(watch, item.at, False) for watch in seen.seen_with()]
