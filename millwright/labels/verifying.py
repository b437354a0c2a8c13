"""Reads a training dataset back and compares it with its manifest."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from hashlib import file_digest

from domain.errors import ActionRequired, ActRejected
from millwright.labels.manifest import DataFile, DatasetManifest, TableManifest
from millwright.labels.place import MANIFESTS, Place
from millwright.labels.reading import parquet, rows_of
from millwright.labels.tables import LABELS, TABLES, DatasetTable, key_of, month_of

_Key = tuple[str | int, ...]


@dataclass(slots=True)
class DatasetVerification:
    """What was found. `rows` counts those of each table, `in_force` those that no later row supersedes. `left_over` are
    files that no manifest names: an export that was interrupted left them, and nobody reads them."""

    number: int
    findings: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    in_force: dict[str, int] = field(default_factory=dict)
    left_over: list[str] = field(default_factory=list)


def verify(place: Place) -> DatasetVerification:
    """Compares a dataset with the manifest in force, and the manifests with each other.

    Raises:
        ActRejected: there is no manifest, or one cannot be read.
    """
    numbers = place.numbers()
    if not numbers:
        raise ActRejected("there is no dataset", field="dataset", fix="`millwright labels export` writes one")
    manifests, findings = _chain(place, numbers)
    newest = manifests[numbers[-1]]
    found = DatasetVerification(newest.number, findings)
    for name, known in newest.tables.items():
        table = TABLES.get(name)
        if table is None:
            found.findings.append(f"{name}: this build knows no such table")
            continue
        found.findings += _table_findings(place, table, known, manifests, found)
    named = {file.path for known in newest.tables.values() for file in known.files}
    found.left_over = [name for name in place.names() if name not in named and not _is_manifest(name)]
    return found


def _chain(place: Place, numbers: list[int]) -> tuple[dict[int, DatasetManifest], list[str]]:
    manifests: dict[int, DatasetManifest] = {}
    findings = []
    before: tuple[DatasetManifest, str] | None = None
    if numbers != list(range(1, len(numbers) + 1)):
        findings.append(f"{MANIFESTS}: the numbers are {numbers[0]} to {numbers[-1]}, and some are missing")
    for number in numbers:
        manifest, digest = place.manifest(number)
        manifests[number] = manifest
        where = f"manifest {number}"
        if manifest.number != number:
            findings.append(f"{where}: says that it is number {manifest.number}")
        if manifest.previous != (before[1] if before else None):
            findings.append(f"{where}: the manifest before it is not the one that it names")
        if before is not None:
            findings += [f"{where}: {words}" for words in _lost(before[0], manifest)]
        before = manifest, digest
    return manifests, findings


def _lost(before: DatasetManifest, after: DatasetManifest) -> Iterator[str]:
    """What a manifest does not keep of the one before it."""
    for name, known in before.tables.items():
        kept = after.tables.get(name)
        if kept is None or set(known.files) - set(kept.files):
            yield f"{name} lacks files of the manifest before it"


def _table_findings(
    place: Place,
    table: DatasetTable,
    known: TableManifest,
    manifests: dict[int, DatasetManifest],
    found: DatasetVerification,
) -> Iterator[str]:
    superseding = known.superseding()
    newest: dict[_Key, int] = {}
    rows = 0
    for file in known.files:
        try:
            wrong = _file_finding(place, table, file, manifests)
            if wrong is not None:
                yield f"{file.path}: {wrong}"
                continue
            for row in rows_of(place, file):
                rows += 1
                key = tuple(key_of(table, row).values())
                if month_of(table, row) != file.month:
                    yield f"{file.path}: {_shown(key)} is of another month"
                if superseding.get(key, 0) >= file.manifest:
                    continue
                if key in newest:
                    yield f"{file.path}: {_shown(key)} is in the table twice"
                newest[key] = file.manifest
        except (ActRejected, ActionRequired) as error:
            yield f"{file.path}: {error.problem}"
    if table is LABELS:
        yield from _revision_findings(newest, superseding)
    found.rows[table.name], found.in_force[table.name] = rows, len(newest)
    if known.rows != sum(file.rows for file in known.files):
        yield f"{table.name}: the manifest counts {known.rows} rows, and its files have another sum"


def _revision_findings(newest: Collection[_Key], superseding: Collection[_Key]) -> Iterator[str]:
    """Of each case the revisions before the newest one are superseded, and none is missing."""
    for case, revision in newest:
        before = int(revision) - 1
        if before and (case, before) not in superseding:
            yield f"labels: revision {before} of {case} is not superseded by revision {revision}"


def _file_finding(
    place: Place, table: DatasetTable, file: DataFile, manifests: dict[int, DatasetManifest]
) -> str | None:
    with place.opened(file.path) as content:
        digest = file_digest(content, "sha256").hexdigest()
        if digest != file.sha256:
            return f"its SHA-256 is {digest}, and the manifest says {file.sha256}"
        content.seek(0)
        with parquet(content) as read:
            rows, columns = read.metadata.num_rows, {column.name: str(column.type) for column in read.schema_arrow}
    if rows != file.rows:
        return f"it has {rows} rows, and the manifest says {file.rows}"
    added = manifests.get(file.manifest)
    known = added.tables.get(table.name) if added else None
    if known is None or columns != known.columns:
        return "its columns are not those of the manifest that added it"
    return None


def _is_manifest(name: str) -> bool:
    return name.startswith(f"{MANIFESTS}/") and name.removeprefix(f"{MANIFESTS}/").removesuffix(".json").isdecimal()


def _shown(key: _Key) -> str:
    return " ".join(map(str, key))
