"""Shelves and windows, with what each held back, in the form in which acts tell of the same."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from domain.canonical import Json, timestamp
from domain.verdict import Rung
from millwright.storage.audit.record import Record

Plain = dict[str, Json]

_COLUMNS = (
    "id",
    "kind",
    "asset",
    "failure_mode",
    "spared_asset",
    "spared_mode",
    "from_at",
    "until_at",
    "end_at",
    "reason",
    "made_by",
    "made_at",
    "source",
    "ended_by",
    "ended_because",
    "returned_at",
)
_HELD = ("suppression", "event", "source", "external_id", "version", "revision", "asset", "failure_mode", "rung", "at")
_SUPPRESSIONS = f"SELECT {', '.join(_COLUMNS)} FROM suppressions WHERE id = ANY(%s) ORDER BY from_at, id"
_ROWS = """
SELECT u.suppression, u.event_id, e.source, e.external_id, u.version, u.revision, u.asset, u.failure_mode, u.rung, u.at,
       u.how
FROM suppressed u LEFT JOIN events e ON e.id = u.event_id
"""
_EVERY = "SELECT id FROM suppressions ORDER BY from_at, id"
_HELD_BY = f"{_ROWS} WHERE u.suppression = ANY(%s) ORDER BY u.id"
_UNDER_VERSION = f"{_ROWS} WHERE u.version = %s ORDER BY u.id"
# What was held back before the fault's last case closed was that one's matter.
_AROUND_CASES = f"""
{_ROWS} WHERE EXISTS (SELECT FROM cases c WHERE c.id = ANY(%s) AND (c.asset, c.failure_mode) = (u.asset, u.failure_mode)
    AND (c.closed_at IS NULL OR u.at <= c.closed_at)
    AND u.at > coalesce((SELECT max(p.closed_at) FROM cases p WHERE p.asset = c.asset
        AND p.failure_mode = c.failure_mode AND p.id <> c.id AND p.event_at < c.event_at), '-infinity'))
ORDER BY u.id
"""


async def shelving_files(record: Record) -> AsyncIterator[list[Plain]]:
    """Every shelf and window with all that it held back, in pages."""
    async for page in record.pages(_EVERY, tuple):
        ids = [str(row[0]) for row in page]
        yield await _files(record, ids, await record.rows(_HELD_BY, ids))


async def around_cases(record: Record, cases: Sequence[str]) -> list[Plain]:
    """What held back verdicts on the faults of these cases, from the end of the case before to the end of each."""
    return await _bearing(record, await record.rows(_AROUND_CASES, list(cases)))


async def under_version(record: Record, digest: str) -> list[Plain]:
    """What held back verdicts of a version."""
    return await _bearing(record, await record.rows(_UNDER_VERSION, digest))


async def _bearing(record: Record, rows: Sequence[tuple[object, ...]]) -> list[Plain]:
    """The shelves and windows that held these back, with nothing else that they held."""
    return await _files(record, sorted({str(row[0]) for row in rows}), rows)


async def _files(record: Record, ids: Sequence[str], rows: Sequence[tuple[object, ...]]) -> list[Plain]:
    held: dict[str, list[Json]] = {suppression_id: [] for suppression_id in ids}
    for row in rows:
        told = _told(dict(zip((*_HELD, "how"), row, strict=True)))
        told["rung"] = Rung(int(str(told["rung"]))).word if told["rung"] in set(Rung) else told["rung"]
        held[str(told.pop("suppression"))].append(told)
    return [
        {**_told(dict(zip(_COLUMNS, row, strict=True))), "held": held[str(row[0])]}
        for row in await record.rows(_SUPPRESSIONS, list(ids))
    ]


def _told(row: Mapping[str, object]) -> Plain:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: object) -> Json:
    if isinstance(value, datetime):
        return timestamp(value)
    return value if value is None or isinstance(value, int) else str(value)
