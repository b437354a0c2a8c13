"""Adds to a training dataset what the record has learnt since the last export.

Files are complete before the manifest that names them is written, and no file of a manifest is written again. So
wherever an export is interrupted, the manifest in force names only complete files.
"""

import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from domain.canonical import timestamp
from domain.errors import ActRejected
from domain.training import LONGEST_SILENCE, LedgerPoint, TrainingRows
from millwright.labels.manifest import DataFile, DatasetManifest, LedgerHead, Query, Superseded, TableManifest
from millwright.labels.place import Place
from millwright.labels.tables import (
    LABELS,
    TABLES,
    DatasetTable,
    Row,
    arrow_table,
    key_of,
    label_row,
    month_of,
    span_row,
)

ROW_GROUP: Final = 10_000
"""How many rows wait in memory before they are written, at least."""


class _Before(NamedTuple):
    """The manifest in force before an export, with the SHA-256 of its file."""

    manifest: DatasetManifest
    sha256: str


class _Range(NamedTuple):
    """The ledger rows of an export: those after one and up to another. `number` is that of its manifest."""

    after: int
    until: int
    number: int


class _Spooled:
    """The new rows of a table, in a local file for each month."""

    def __init__(self, table: DatasetTable, folder: Path) -> None:
        self._table = table
        self._folder = folder
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._rows: dict[str, int] = defaultdict(int)
        self._waiting: dict[str, list[pa.Table]] = defaultdict(list)
        self._waits = 0

    def add(self, rows: Sequence[Row]) -> None:
        months: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            months[month_of(self._table, row)].append(row)
        # Rows wait as columns: as Python's objects, the collector of cycles would pass over them again and again.
        for month, some in months.items():
            self._waiting[month].append(arrow_table(self._table, some))
        self._waits += len(rows)
        if self._waits >= ROW_GROUP:
            self._write()

    def close(self) -> dict[str, tuple[Path, int]]:
        """Completes the files; gives each month's, with the number of its rows."""
        self._write()
        for writer in self._writers.values():
            writer.close()
        return {month: (self._path(month), self._rows[month]) for month in sorted(self._writers)}

    def _write(self) -> None:
        for month, tables in self._waiting.items():
            rows = pa.concat_tables(tables).combine_chunks()
            if month not in self._writers:
                self._writers[month] = pq.ParquetWriter(self._path(month), self._table.schema, compression="zstd")
            self._writers[month].write_table(rows)
            self._rows[month] += rows.num_rows
        self._waiting.clear()
        self._waits = 0

    def _path(self, month: str) -> Path:
        return self._folder / f"{self._table.name}-{month}.parquet"


async def export(
    place: Place, record: TrainingRows, as_of: datetime | None, now: datetime, build: str
) -> DatasetManifest | None:
    """Adds to a dataset all that the ledger says up to a time; gives the new manifest, or None if nothing is new.

    Args:
        place: the dataset; an empty place begins one.
        record: the record as one moment shows it.
        as_of: the time up to which the ledger counts; None for all of it.
        now: the time at which the manifest is made.
        build: the name of this build.

    Raises:
        ActRejected: the dataset is of another ledger, or already knows more, or cannot be written.
        StorageUnavailable: the database is away.
    """
    numbers = place.numbers()
    before = _Before(*place.manifest(numbers[-1])) if numbers else None
    head = await record.newest(as_of)
    if before is not None:
        await _check_continues(before.manifest, record, head)
        if before.manifest.ledger.seq == head.seq:
            return None
    wanted = _Range(before.manifest.ledger.seq if before else 0, head.seq, numbers[-1] + 1 if numbers else 1)
    known = before.manifest.tables if before else {}
    with tempfile.TemporaryDirectory(prefix="millwright-labels-") as folder:
        tables = {
            table.name: await _extended(place, record, table, known.get(table.name), wanted, Path(folder))
            for table in TABLES.values()
        }
    manifest = DatasetManifest(
        number=wanted.number,
        previous=before.sha256 if before else None,
        made_at=now,
        build=build,
        query=Query(
            as_of=as_of,
            after_seq=wanted.after,
            until_seq=wanted.until,
            longest_silence_s=LONGEST_SILENCE.total_seconds(),
        ),
        ledger=LedgerHead(seq=head.seq, hash=head.hash, at=head.at),
        tables=tables,
    )
    place.publish(manifest.number, manifest.model_dump_json(indent=1).encode())
    return manifest


async def _check_continues(known: DatasetManifest, record: TrainingRows, head: LedgerPoint) -> None:
    if await record.hash_of(known.ledger.seq) != known.ledger.hash:
        raise ActRejected(
            f"the dataset is of another ledger: row {known.ledger.seq} of this one has another hash",
            field="dataset",
            fix="export to an empty place",
        )
    if head.seq < known.ledger.seq:
        raise ActRejected(
            f"the dataset already says what was known at {timestamp(known.ledger.at)}",
            field="as-of",
            fix="name a later time, or export to an empty place",
        )


async def _extended(
    place: Place, record: TrainingRows, table: DatasetTable, known: TableManifest | None, wanted: _Range, folder: Path
) -> TableManifest:
    spooled = _Spooled(table, folder)
    superseded = list(known.superseded) if known else []
    async for rows in _new_rows(record, table, wanted):
        spooled.add(rows)
        for row in rows:
            revision = row["revision"] if table is LABELS else None
            if isinstance(revision, int) and revision > 1:
                earlier: dict[str, str | int] = {"case": str(row["case"]), "revision": revision - 1}
                superseded.append(Superseded(key=earlier, through=wanted.number))
    if table.kind is not None and wanted.after:
        async for gone in record.spans(table.kind, wanted.until, wanted.after):
            keys = [key_of(table, span_row(row)) for row in gone]
            superseded += [Superseded(key=key, through=wanted.number - 1) for key in keys]
    files = list(known.files) if known else []
    for month, (path, rows_of_month) in spooled.close().items():
        with path.open("rb") as content:
            digest = file_digest(content, "sha256").hexdigest()
        name = f"{table.name}/month={month}/{wanted.number:06d}-{digest[:16]}.parquet"
        place.put(path, name)
        files.append(
            DataFile(
                path=name,
                month=month,
                rows=rows_of_month,
                bytes=path.stat().st_size,
                sha256=digest,
                manifest=wanted.number,
            )
        )
    return TableManifest(
        columns=table.columns,
        key=table.key,
        rows=sum(file.rows for file in files),
        files=tuple(files),
        superseded=tuple(superseded),
    )


async def _new_rows(record: TrainingRows, table: DatasetTable, wanted: _Range) -> AsyncIterator[Sequence[Row]]:
    if table.kind is None:
        async for made in record.labels(wanted.after, wanted.until):
            yield [label_row(label) for label in made]
        return
    async for page in record.spans(table.kind, wanted.after, wanted.until):
        yield [span_row(row) for row in page]
