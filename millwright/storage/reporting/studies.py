"""Studies of the stored past that were started over HTTP: their progress and their results.

A study runs in a separate process, which continues if the API ends. The process holds a database lock until it ends. So
one study runs at a time over all APIs, and it is known whether a study's process has died.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.errors import ActRejected, StorageUnavailable
from domain.model import Model, Moment
from millwright.storage.database.engine import transaction, unbound
from millwright.storage.database.study_tables import studies
from millwright.storage.reporting.study_lock import give_study_lock, study_lock_is_held, take_study_lock

KEPT = 50
"""How many studies are kept; older ones are deleted."""

StudyKind = Literal["backtest", "suggestions"]
StudyState = Literal["running", "done", "failed", "lost"]
Part = Literal["result", "page"]

_LOST = "its process ended before it was done"
_ASK_AGAIN = "ask for it again"
_PIECE = 1 << 20
_SHOWN = (
    "number", "kind", "version", "digest", "against", "since", "until", "crews", "asked_by", "asked_at", "judged",
    "total", "ended_at", "problem", "fix",
)  # fmt: skip
_ROWS = select(*(studies.c[name] for name in _SHOWN))


class AskedStudy(Model):
    """A requested study: its version, the version to compare with (a digest; None for a search), and the period."""

    kind: StudyKind
    version: str
    digest: str
    against: str | None
    since: Moment | None
    until: Moment | None
    crews: int
    asked_by: str
    asked_at: Moment


class Study(AskedStudy):
    """A study and its state. `judged` is the number of judged events of `total`, which is None until it is known. A
    search judges each event many times.

    `lost` means that the process ended before the study was done. `problem` and `fix` say why a study failed.
    """

    number: int
    state: StudyState
    judged: int
    total: int | None
    ended_at: Moment | None
    problem: str | None
    fix: str | None


class StudyStore:
    """Stores studies and their results.

    Args:
        engine: the database.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def newest(self, limit: int, kind: StudyKind | None = None) -> list[Study]:
        """The newest studies, newest first."""
        asked = _ROWS.order_by(studies.c.number.desc()).limit(limit)
        return await self._read(asked if kind is None else asked.where(studies.c.kind == kind))

    async def find(self, number: int) -> Study:
        """One study.

        Raises:
            ActRejected: there is no study with this number.
        """
        found = await self._read(_ROWS.where(studies.c.number == number))
        if not found:
            raise ActRejected(f"there is no study {number}", field="study", fix="`GET /studies` lists those kept")
        return found[0]

    async def newest_done(self, kind: StudyKind) -> Study | None:
        """The newest study of a kind that has a result."""
        ended = _ROWS.where(studies.c.kind == kind, studies.c.result.is_not(None))
        found = await self._read(ended.order_by(studies.c.number.desc()).limit(1))
        return found[0] if found else None

    async def running(self) -> Study | None:
        """The running study."""
        return next((study for study in await self.newest(1) if study.state == "running"), None)

    async def size(self, number: int, part: Part) -> int | None:
        """The number of bytes of a part of a study's result; None if the study has no such part."""
        asked = select(func.octet_length(studies.c[part])).where(studies.c.number == number)
        async with transaction(self._engine) as connection:
            found: int | None = await connection.scalar(asked)
        return found

    async def pieces(self, number: int, part: Part, size: int) -> AsyncIterator[bytes]:
        """A part of a study's result in pieces, because it may be too large for the caller's memory.

        No connection is held between two pieces, because the reader may be slow. `size` tells where the last piece
        ends, so that no further query is needed.
        """
        for first in range(1, size + 1, _PIECE):
            yield await self._piece(number, part, first)

    @asynccontextmanager
    async def begun(self, asked: AskedStudy) -> AsyncIterator[int]:
        """Stores a study, which runs until the block ends; returns its number.

        Raises:
            ActRejected: another study runs.
            StorageUnavailable: the database does not answer.
        """
        async with unbound(self._engine) as connection:
            await self._take_turn(connection)
            try:
                yield await self._enter(asked)
            finally:
                await give_study_lock(connection)

    async def told(self, number: int, judged: int, total: int) -> None:
        """Stores the progress of a study."""
        async with transaction(self._engine) as connection:
            await connection.execute(
                update(studies).where(studies.c.number == number).values(judged=judged, total=total)
            )

    async def done(self, number: int, result: bytes, page: bytes | None, now: datetime) -> None:
        """Stores the result of a study."""
        kept = {"ended_at": now, "problem": None, "fix": None, "result": result, "page": page}
        async with transaction(self._engine) as connection:
            await connection.execute(update(studies).where(studies.c.number == number).values(**kept))

    async def failed(self, number: int, problem: str, fix: str | None, now: datetime) -> None:
        """Stores why a study failed."""
        kept = {"ended_at": now, "problem": problem, "fix": fix}
        async with transaction(self._engine) as connection:
            await connection.execute(update(studies).where(studies.c.number == number).values(**kept))

    async def _read(self, asked: Select[Any]) -> list[Study]:
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(asked)).mappings().all()
            held = False
            if any(row["ended_at"] is None for row in rows):
                held = await study_lock_is_held(connection)
                # A study that ended after the first query is not lost, so it is read again.
                rows = rows if held else (await connection.execute(asked)).mappings().all()
            return [_study(dict(row), held=held) for row in rows]

    async def _piece(self, number: int, part: Part, first: int) -> bytes:
        asked = select(func.substr(studies.c[part], first, _PIECE)).where(studies.c.number == number)
        async with transaction(self._engine) as connection:
            found = await connection.scalar(asked)
        return b"" if found is None else bytes(found)

    async def _take_turn(self, connection: AsyncConnection) -> None:
        if not await take_study_lock(connection):
            running = await self.running()
            raise StorageUnavailable("a study is just beginning or ending") if running is None else busy(running)

    async def _enter(self, asked: AskedStudy) -> int:
        async with transaction(self._engine) as connection:
            await connection.execute(
                update(studies)
                .where(studies.c.ended_at.is_(None))
                .values(ended_at=asked.asked_at, problem=_LOST, fix=_ASK_AGAIN)
            )
            made = insert(studies).values(**_values(asked), judged=0).returning(studies.c.number)
            number: int = (await connection.execute(made)).scalar_one()
            kept = select(studies.c.number).order_by(studies.c.number.desc()).limit(KEPT)
            await connection.execute(delete(studies).where(studies.c.number.not_in(kept)))
            return number


def busy(running: Study) -> ActRejected:
    """The error for a request while another study runs."""
    far = f"{running.judged:,} of {running.total:,} events judged" if running.total else "just begun"
    what = "backtest" if running.kind == "backtest" else "search for drafts"
    return ActRejected(
        f"the {what} of {running.version} that {running.asked_by} asked for runs ({far}), and one runs at a time",
        field="study",
        fix=f"ask again when study {running.number} has ended",
    )


def _values(asked: AskedStudy) -> dict[str, object]:
    return {name: getattr(asked, name) for name in AskedStudy.model_fields}


def _study(row: dict[str, object], *, held: bool) -> Study:
    state: StudyState
    if row["ended_at"] is None:
        state = "running" if held else "lost"
    elif row["problem"] is None:
        state = "done"
    else:
        state = "lost" if row["problem"] == _LOST else "failed"
    if state == "lost":
        row |= {"problem": _LOST, "fix": _ASK_AGAIN}
    return Study.model_validate({**row, "state": state})
