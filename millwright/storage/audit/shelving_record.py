"""Shelves and windows, with what each held back, in the form in which acts tell of the same."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from domain.canonical import Json, timestamp
from domain.verdict import Rung
from millwright.storage.audit.record import Record

Plain = dict[str, Json]


class _SuppressionRow(NamedTuple):
    id: str
    kind: str
    asset: str
    failure_mode: str | None
    spared_asset: str | None
    spared_mode: str | None
    from_at: datetime
    until_at: datetime
    end_at: datetime
    reason: str
    made_by: str
    made_at: datetime
    source: str | None
    ended_by: str | None
    ended_because: str | None
    returned_at: datetime | None


class _SuppressedRow(NamedTuple):
    suppression: str
    event: int
    source: str | None
    external_id: str | None
    version: str
    revision: int
    asset: str
    failure_mode: str
    rung: int
    at: datetime
    how: str


class _SuppressionId(NamedTuple):
    id: str


_SUPPRESSIONS = f"SELECT {', '.join(_SuppressionRow._fields)} FROM suppressions WHERE id = ANY(%s) ORDER BY from_at, id"
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
    async for page in record.pages(_EVERY, _SuppressionId._make):
        ids = [row.id for row in page]
        yield await _files(record, ids, await record.rows(_HELD_BY, _SuppressedRow._make, ids))


async def around_cases(record: Record, cases: Sequence[str]) -> list[Plain]:
    """What held back verdicts on the faults of these cases, from the end of the case before to the end of each."""
    return await _bearing(record, await record.rows(_AROUND_CASES, _SuppressedRow._make, list(cases)))


async def under_version(record: Record, digest: str) -> list[Plain]:
    """What held back verdicts of a version."""
    return await _bearing(record, await record.rows(_UNDER_VERSION, _SuppressedRow._make, digest))


async def _bearing(record: Record, rows: Sequence[_SuppressedRow]) -> list[Plain]:
    """The shelves and windows that held these back, with nothing else that they held."""
    return await _files(record, sorted({row.suppression for row in rows}), rows)


async def _files(record: Record, ids: Sequence[str], rows: Sequence[_SuppressedRow]) -> list[Plain]:
    held: dict[str, list[Json]] = {suppression_id: [] for suppression_id in ids}
    for row in rows:
        told = _told(row._asdict())
        del told["suppression"]
        if row.rung in set(Rung):
            told["rung"] = Rung(row.rung).word
        held[row.suppression].append(told)
    suppressions = await record.rows(_SUPPRESSIONS, _SuppressionRow._make, list(ids))
    return [{**_told(suppression._asdict()), "held": held[suppression.id]} for suppression in suppressions]


def _told(row: Mapping[str, object]) -> Plain:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: object) -> Json:
    if isinstance(value, datetime):
        return timestamp(value)
    return value if value is None or isinstance(value, int) else str(value)
