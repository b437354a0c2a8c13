"""What has to be looked at and when. Every business wait is a row here, in the plant's clock."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.keys import SUPPRESSION_SUBJECT
from millwright.storage.database.engine import Cursor, Statement, raw, unbound

# Rows in one order, so that two who wake the same subjects queue and do not deadlock.
_WAKE = """
INSERT INTO due (subject, due_at, generation)
SELECT subject, %s, 1 FROM unnest(%b::text[]) AS subject ORDER BY subject
ON CONFLICT (subject) DO UPDATE SET due_at = least(coalesce(due.due_at, excluded.due_at), excluded.due_at),
    generation = due.generation + 1
"""
_GENERATION = text("SELECT generation FROM due WHERE subject = :subject")
_SETTLE = text("UPDATE due SET due_at = :next_at WHERE subject = :subject AND generation = :seen")
_DUE = (
    "SELECT subject, generation, coalesce(lease_until > clock_timestamp(), FALSE) FROM due "
    "WHERE due_at <= %s AND subject NOT LIKE 'policy/%%' "
    f"AND subject NOT LIKE '{SUPPRESSION_SUBJECT}%%' ORDER BY due_at LIMIT 500"
)
# What is a policy's is no workflow's: the worker's watch of policies looks after it.
_DUE_POLICIES = (
    "SELECT subject, generation, FALSE FROM due WHERE due_at <= %s AND subject LIKE 'policy/%%' "
    "ORDER BY due_at LIMIT 500"
)


class _GenerationRow(NamedTuple):
    generation: int


async def wake(connection: AsyncConnection, subjects: Sequence[str], at: datetime) -> None:
    """Makes subjects due at an instant, or sooner where they were due sooner already."""
    if subjects:
        async with (await raw(connection)).cursor() as cursor:
            await wake_by(cursor, subjects, at)


async def wake_by(cursor: Cursor, subjects: Sequence[str], at: datetime) -> None:
    """As `wake`, on the driver's own cursor: for those who send several statements at once."""
    if subjects:
        await cursor.execute(*waking(subjects, at))


def waking(subjects: Collection[str], at: datetime) -> Statement:
    """The statement of `wake` and its values."""
    return _WAKE, (at, sorted(set(subjects)))


async def generation(connection: AsyncConnection, subject: str) -> int:
    """The subject's present generation, to be given back to `settle`; 0 where it was never woken."""
    row = (await connection.execute(_GENERATION, {"subject": subject})).one_or_none()
    return 0 if row is None else _GenerationRow._make(row).generation


async def settle(connection: AsyncConnection, subject: str, seen: int, next_at: datetime | None) -> None:
    """Ends a pass over a subject: due again at `next_at`, or not until woken.

    A wake since `seen` was read keeps the subject due, so nothing that arrived during the pass is slept on.
    """
    await connection.execute(_SETTLE, {"subject": subject, "seen": seen, "next_at": next_at})


@dataclass(frozen=True, slots=True)
class DueSubject:
    """A subject that is due and the generation of its last wake. `leased` says that an activity judges the line."""

    subject: str
    generation: int
    leased: bool = field(default=False, compare=False)


class _DueRow(NamedTuple):
    subject: str
    generation: int
    leased: bool


@asynccontextmanager
async def looking(
    engine: AsyncEngine, *, policies: bool = False
) -> AsyncIterator[Callable[[datetime], Awaitable[list[DueSubject]]]]:
    """A question that is asked again and again over one connection: which subjects are due at or before an instant,
    longest due first, some hundreds at most: those of workflows, or those of policies.

    Raises:
        StorageUnavailable: the database is away.
    """
    question = _DUE_POLICIES if policies else _DUE
    async with unbound(engine) as connection:
        driver = await raw(connection)
        async with driver.cursor() as cursor:

            async def ask(until: datetime) -> list[DueSubject]:
                await cursor.execute(question, (until,), prepare=True)
                return [DueSubject(*_DueRow._make(row)) for row in await cursor.fetchall()]

            yield ask
