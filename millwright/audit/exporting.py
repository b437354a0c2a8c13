"""Exports the record, text for text, with a verifier that runs on any machine."""

import ast
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import canonical, timestamp
from domain.model import Model
from domain.verdict import Memory
from millwright.audit import (
    offline_actors,
    offline_admissions,
    offline_attached_orders,
    offline_attestations,
    offline_autonomy,
    offline_cases,
    offline_corrections,
    offline_equipment,
    offline_following,
    offline_grounds,
    offline_hold_grounds,
    offline_holds,
    offline_in_force,
    offline_maintenance,
    offline_normals,
    offline_operating,
    offline_pack,
    offline_people,
    offline_placing,
    offline_policies,
    offline_record,
    offline_register,
    offline_releases,
    offline_shelving,
    offline_signatures,
    offline_stops,
    offline_test_runs,
    offline_times,
    offline_verify,
    offline_walk_downs,
)
from millwright.audit.approvals import autonomy_files, version_files
from millwright.storage.audit.case_record import case_files, hold_files
from millwright.storage.audit.installation_record import installation_key_files
from millwright.storage.audit.person_record import person_files
from millwright.storage.audit.record import Record, read_record, stamped
from millwright.storage.audit.record_rows import ActRow, ContextRow, EventRow, LedgerRow, VerdictRow
from millwright.storage.audit.shelving_record import shelving_files
from millwright.storage.audit.stop_record import stop_files
from millwright.storage.audit.walk_down_record import walk_down_files
from millwright.storage.ledger.ledger import Head

MANIFEST = "manifest.json"
FORMAT = 1
_VERIFIER = (
    offline_verify,
    offline_signatures,
    offline_following,
    offline_people,
    offline_times,
    offline_actors,
    offline_attestations,
    offline_policies,
    offline_placing,
    offline_in_force,
    offline_autonomy,
    offline_record,
    offline_register,
    offline_maintenance,
    offline_operating,
    offline_attached_orders,
    offline_corrections,
    offline_cases,
    offline_equipment,
    offline_grounds,
    offline_holds,
    offline_releases,
    offline_hold_grounds,
    offline_test_runs,
    offline_normals,
    offline_admissions,
    offline_shelving,
    offline_stops,
    offline_walk_downs,
    offline_pack,
)
T = TypeVar("T")


class Exported(Model):
    """The result of an export: lines by file, and the head, as `SEQ:HASH`."""

    head: str
    lines: dict[str, int]


class _Written(NamedTuple):
    """A file of the export, as its manifest names it."""

    sha256: str
    lines: int


class _File:
    """A file of JSON lines with a running digest."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("wb")
        self._digest = hashlib.sha256()
        self.lines = 0

    def write(self, rows: Iterable[object]) -> None:
        for row in rows:
            line = orjson.dumps(row) + b"\n"
            self._file.write(line)
            self._digest.update(line)
            self.lines += 1

    def close(self) -> _Written:
        self._file.close()
        return _Written(self._digest.hexdigest(), self.lines)


async def export(engine: AsyncEngine, directory: Path) -> Exported:
    """Writes one snapshot of the record as JSON lines, a manifest, and the offline verifier beside them.

    Hashed texts are written as they are stored, as strings. Files of an earlier export are overwritten.

    Raises:
        OSError: the directory cannot be written.
        StorageUnavailable: the database does not answer.
    """
    files: dict[str, _Written] = {}
    async with read_record(engine) as record:
        head = await record.head()
        for name, pages in _contents(record).items():
            file = _File(directory / name)
            try:
                async for page in pages:
                    file.write(page)
            finally:
                files[name] = file.close()
    _finish(directory, head, files)
    return Exported(head=f"{head.seq}:{head.hash}", lines={name: file.lines for name, file in files.items()})


def _finish(directory: Path, head: Head, files: dict[str, _Written]) -> None:
    manifest = {
        "format": FORMAT,
        "head": {"seq": head.seq, "hash": head.hash},
        "empty_memory": canonical(Memory()).decode(),
        "files": {name: file._asdict() for name, file in files.items()},
    }
    (directory / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")
    (directory / Path(offline_verify.__file__).name).write_text(stand_alone_verifier(), encoding="utf-8")


def stand_alone_verifier() -> str:
    """The offline verifier as one file: its modules, concatenated."""
    parts: list[str] = []
    for module in _VERIFIER:
        source = Path(str(module.__file__)).read_text(encoding="utf-8")
        lines = source.splitlines()
        for node in ast.parse(source).body:
            ours = isinstance(node, ast.ImportFrom) and (node.module or "").startswith("millwright.")
            future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
            words = isinstance(node, ast.Expr) and module is not offline_verify
            if ours or (module is not offline_verify and (future or words)):
                lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
        parts.append("\n".join(lines).strip())
    head, guard, tail = parts[0].partition('if __name__ == "__main__":')
    return "\n\n\n".join((head.rstrip(), *parts[1:], guard + tail)) + "\n"


def _contents(record: Record) -> dict[str, AsyncIterator[list[object]]]:
    return {
        "ledger.jsonl": _each(record.ledger(), ledger_line),
        "verdicts.jsonl": _each(record.verdicts(), verdict_line),
        "acts.jsonl": _each(record.acts(), act_line),
        "events.jsonl": _each(record.events(), event_line),
        "contexts.jsonl": _each(record.contexts(), context_line),
        "policies.jsonl": _policies(record),
        "people.jsonl": _people(record),
        "installation_keys.jsonl": _installation_keys(record),
        "autonomy.jsonl": _autonomy(record),
        "stops.jsonl": _stops(record),
        "suppressions.jsonl": _each(shelving_files(record), dict),
        "cases.jsonl": _each(case_files(record), dict),
        "holds.jsonl": _each(hold_files(record), dict),
        "walk_downs.jsonl": _each(walk_down_files(record), dict),
    }


async def _each(pages: AsyncIterator[list[T]], line: Callable[[T], object]) -> AsyncIterator[list[object]]:
    async for page in pages:
        yield [line(row) for row in page]


async def _policies(record: Record) -> AsyncIterator[list[object]]:
    yield list(await version_files(record))


async def _autonomy(record: Record) -> AsyncIterator[list[object]]:
    yield list(await autonomy_files(record))


async def _stops(record: Record) -> AsyncIterator[list[object]]:
    yield list(await stop_files(record))


async def _people(record: Record) -> AsyncIterator[list[object]]:
    yield list(await person_files(record))


async def _installation_keys(record: Record) -> AsyncIterator[list[object]]:
    yield list(await installation_key_files(record))


def ledger_line(row: LedgerRow) -> dict[str, object]:
    """A row of the ledger as it is exported."""
    return {**row._asdict(), "at": timestamp(row.at)}


def verdict_line(row: VerdictRow) -> dict[str, object]:
    """A verdict as it is exported."""
    return {
        "id": row.id,
        "seq": row.ledger_seq,
        "leaf": row.leaf,
        "event": row.event_id,
        "version": row.version,
        "revision": row.revision,
        "role": row.role,
        "rung": row.rung,
        "asset": row.asset,
        "failure_mode": row.failure_mode,
        "position": row.position,
        "at": timestamp(row.at),
        "body": row.body,
        "digest": row.digest,
        "memory": row.memory,
    }


def act_line(row: ActRow) -> dict[str, object]:
    """An act as it is exported."""
    return {
        "id": row.id,
        "seq": row.ledger_seq,
        "leaf": row.leaf,
        "kind": row.kind,
        "subject": row.subject,
        "actor": row.actor,
        "at": timestamp(row.at),
        "body": row.body,
        "digest": row.digest,
    }


def event_line(row: EventRow) -> dict[str, object]:
    """An event as it is exported."""
    return {**row._asdict(), "at": stamped(row.at)}


def context_line(row: ContextRow) -> dict[str, object]:
    """A context as it is exported."""
    return row._asdict()
