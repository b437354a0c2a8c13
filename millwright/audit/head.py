"""Publishes the ledger's head outside the database, so that the removal of the newest rows is found."""

import logging
import os
import re
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.canonical import timestamp
from domain.errors import ActRejected, MillwrightError
from millwright.runtime.embedded.marking import HEAD_LOG
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger
from millwright.storage.ledger.ledger import Head

_HEAD = re.compile(r"(0|[1-9][0-9]{0,17}):([0-9a-f]{64})", re.ASCII)
_HASH = text("SELECT hash FROM ledger WHERE seq = :seq")
_LONGEST = 1000
"""Bytes; no line is longer."""
_logger = logging.getLogger(__name__)


class HistoryRewritten(MillwrightError):
    """A head was published that is no row of the ledger."""


class Published(NamedTuple):
    """A head and its time of publication."""

    at: str
    head: Head


def head_text(head: Head) -> str:
    """The published form of a head: `SEQ:HASH`."""
    return f"{head.seq}:{head.hash}"


def parse_head(text: str) -> Head:
    """A head from its text.

    Raises:
        ActRejected: it is not written as `SEQ:HASH`.
    """
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise ActRejected(f"{text!r} is no head", field="head", fix="write it as published, SEQ:HASH")
    return Head(int(found[1]), found[2])


async def publish_head(engine: AsyncEngine, home: Path, now: datetime) -> Head:
    """Adds the present head to the file under `home`, unless it is already there, and logs it.

    Raises:
        HistoryRewritten: the head published last is no row of the ledger any more. A newer one would hide that.
        StorageUnavailable: the database does not answer.
        OSError: the file cannot be read or written.
    """
    last = _last_line(home / HEAD_LOG)
    async with transaction(engine) as connection:
        await _check_published(connection, last)
        head = await ledger.read_head(connection)
    if not last.endswith(f" {head_text(head)}\n"):
        # A line without its end was cut off as it was written.
        begin = "\n" if last and not last.endswith("\n") else ""
        _append(home / HEAD_LOG, f"{begin}{timestamp(now)} {head_text(head)}\n")
        _logger.info("ledger head %s", head_text(head))
    return head


async def rewritten(engine: AsyncEngine, home: Path) -> str | None:
    """What is wrong with the ledger by the head published last under `home`; None if nothing is.

    Raises:
        StorageUnavailable: the database does not answer.
        OSError: the file cannot be read.
    """
    async with transaction(engine) as connection:
        try:
            await _check_published(connection, _last_line(home / HEAD_LOG))
        except HistoryRewritten as error:
            return str(error)
    return None


async def _check_published(connection: AsyncConnection, line: str) -> None:
    """Compares a published head with its row. A line that was cut off as it was written names none."""
    known = _HEAD.search(line)
    if known is None or known[1] == "0":
        return
    found: str | None = await connection.scalar(_HASH, {"seq": int(known[1])})
    if found != known[2]:
        there = "has no such row" if found is None else "has another row there"
        raise HistoryRewritten(
            f"the head {known[0]} was published, and the ledger {there}: history was rewritten, or its end removed. "
            "No further head is published: run `millwright audit verify`, and find out who had access"
        )


def read_head(home: Path) -> Published | None:
    """The head published last under `home`, or None before the first.

    Raises:
        ActRejected: the file's last line is no head.
    """
    line = _last_line(home / HEAD_LOG)
    if not line:
        return None
    at, _, head = line.rstrip("\n").partition(" ")
    return Published(at, parse_head(head))


def _last_line(path: Path) -> str:
    """The last line with its end; empty if there is none. Only the end of the file is read, because the file grows."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _LONGEST))
            lines = log.read().decode(errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        return ""
    return lines[-1] if lines else ""


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        log.write(line)
        log.flush()
        os.fsync(log.fileno())
