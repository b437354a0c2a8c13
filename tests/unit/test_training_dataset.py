"""A training dataset: what is exported is read back, later exports add only what is new, and damage is found."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import ActRejected
from domain.iso14224 import Iso14224Finding
from domain.outcomes import OutcomeClass
from millwright.labels.exporting import export
from millwright.labels.manifest import DatasetManifest
from millwright.labels.place import Folder, open_place
from millwright.labels.reading import rows_of
from millwright.labels.tables import LABELS, TABLES, Row
from millwright.labels.verifying import verify
from tests.support.dataset_reading import rows_in_force
from tests.support.training_record import (
    BEGIN,
    LedgerRow,
    MemoryRecord,
    a_label,
    a_mask,
    a_window,
    an_unworked_case,
)

HOUR = timedelta(hours=1)
NOW = BEGIN + timedelta(days=100)


def exported(folder: Path, record: MemoryRecord, as_of: datetime | None = None) -> DatasetManifest | None:
    return asyncio.run(export(open_place(str(folder)), record, as_of, NOW, "millwright test"))


def manifest(folder: Path, record: MemoryRecord, as_of: datetime | None = None) -> DatasetManifest:
    made = exported(folder, record, as_of)
    assert made is not None
    return made


def sorted_rows(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: [str(value) for value in row.values()])


def read(folder: Path, known: DatasetManifest) -> dict[str, list[Row]]:
    """Every table with its rows in force, in an order of their own."""
    place = open_place(str(folder))
    return {name: sorted_rows(list(rows_in_force(place, table, known.tables[name]))) for name, table in TABLES.items()}


def all_labels(folder: Path, known: DatasetManifest) -> list[Row]:
    place = open_place(str(folder))
    return sorted_rows([row for file in known.tables["labels"].files for row in rows_of(place, file)])


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def a_record() -> MemoryRecord:
    """Two cases in two months; the label of the first is corrected."""
    corrected = a_label(revision=2, outcome=OutcomeClass.PREVENTED, cause="BEARING")
    return MemoryRecord(
        LedgerRow(HOUR, labels=(a_label(),), spans=(a_window(0), an_unworked_case(0))),
        LedgerRow(2 * HOUR, labels=(a_label("MWBBBBBBBB"),), spans=(a_mask(0), a_window(1))),
        LedgerRow(24 * HOUR, labels=(corrected,), spans=(a_window(1, 7),), gone=(a_window(1),)),
    )


def test_a_label_reads_back_as_it_was_with_times_in_utc_and_durations_in_seconds(tmp_path: Path) -> None:
    label = a_label(iso14224=Iso14224Finding(mode="ELP", mechanism="2.4"))
    known = manifest(tmp_path, MemoryRecord(LedgerRow(HOUR, labels=(label,))))
    [row] = read(tmp_path, known)["labels"]
    assert row == {
        **label.model_dump(exclude={"downtime", "iso14224"}),
        "iso14224_mode": "ELP",
        "iso14224_mechanism": "2.4",
        "iso14224_cause": None,
        "outcome": "confirmed",
        "detectors": ["DetectAnomalies"],
        "model_versions": ["7"],
        "evidence": ["adx|1", "adx|2"],
        "downtime_s": 10_800.0,
        "lead_time_s": 86_400.0,
        "censoring": "none",
        "stated_by": None,
        "made_at": BEGIN + HOUR,
        "ledger_seq": 1,
    }


def test_rows_are_in_the_month_in_which_they_became_known_and_the_manifest_names_each_file(tmp_path: Path) -> None:
    known = manifest(tmp_path, a_record())
    assert [(file.month, file.rows) for file in known.tables["labels"].files] == [("2026-01", 1), ("2026-02", 2)]
    named = {file.path for table in known.tables.values() for file in table.files}
    assert {*named, "manifests/000001.json"} == files(tmp_path).keys()


def test_a_manifest_says_what_was_asked_of_which_ledger_and_by_which_build(tmp_path: Path) -> None:
    known = manifest(tmp_path, a_record(), BEGIN + 10 * HOUR)
    assert (known.ledger.seq, known.build, known.made_at) == (2, "millwright test", NOW)
    assert (known.query.as_of, known.query.after_seq, known.query.until_seq) == (BEGIN + 10 * HOUR, 0, 2)
    assert known.tables["labels"].columns == LABELS.columns


def test_a_later_export_adds_only_what_is_new_and_rewrites_no_file(tmp_path: Path) -> None:
    record = a_record()
    manifest(tmp_path, record, BEGIN + 4 * HOUR)
    before = files(tmp_path)
    later = manifest(tmp_path, record)
    after = files(tmp_path)
    assert {name: after[name] for name in before} == before
    added = [file for table in later.tables.values() for file in table.files if file.manifest == 2]
    assert {file.path for file in added} == after.keys() - before.keys() - {"manifests/000002.json"}
    assert sum(file.rows for file in added) == 2


def test_a_correction_is_a_new_revision_and_the_manifest_says_which_row_it_supersedes(tmp_path: Path) -> None:
    record = a_record()
    manifest(tmp_path, record, BEGIN + 4 * HOUR)
    later = manifest(tmp_path, record)
    [label] = later.tables["labels"].superseded
    assert (label.key, label.through) == ({"case": "MWAAAAAAAA", "revision": 1}, 2)
    [window] = later.tables["healthy_windows"].superseded
    assert (window.key["asset"], window.through) == ("m1", 1)
    counting = {(row["case"], row["outcome"]) for row in read(tmp_path, later)["labels"]}
    assert counting == {("MWAAAAAAAA", "prevented"), ("MWBBBBBBBB", "confirmed")}


def test_nothing_that_was_known_after_the_as_of_time_is_in_the_dataset(tmp_path: Path) -> None:
    known = manifest(tmp_path, a_record(), BEGIN + 4 * HOUR)
    assert [(row["case"], row["revision"]) for row in all_labels(tmp_path, known)] == [
        ("MWAAAAAAAA", 1),
        ("MWBBBBBBBB", 1),
    ]


def test_an_export_with_nothing_new_writes_nothing(tmp_path: Path) -> None:
    manifest(tmp_path, a_record())
    before = files(tmp_path)
    assert exported(tmp_path, a_record()) is None
    assert files(tmp_path) == before


def test_a_record_without_a_row_gives_a_dataset_with_every_table_and_no_file(tmp_path: Path) -> None:
    known = manifest(tmp_path, MemoryRecord(LedgerRow(HOUR)))
    assert {name: table.files for name, table in known.tables.items()} == dict.fromkeys(TABLES, ())
    assert verify(open_place(str(tmp_path))).findings == []


def test_a_dataset_of_another_ledger_is_not_continued(tmp_path: Path) -> None:
    manifest(tmp_path, a_record())
    other = MemoryRecord(*a_record().rows, LedgerRow(HOUR), name="b")
    with pytest.raises(ActRejected, match="of another ledger"):
        exported(tmp_path, other)


def test_a_dataset_is_not_continued_with_an_earlier_time(tmp_path: Path) -> None:
    manifest(tmp_path, a_record())
    with pytest.raises(ActRejected, match="already says what was known"):
        exported(tmp_path, a_record(), BEGIN + 4 * HOUR)


def test_of_two_exports_at_once_the_second_is_refused_and_the_first_stands(tmp_path: Path) -> None:
    place = open_place(str(tmp_path))
    place.publish(1, b"first")
    with pytest.raises(ActRejected, match="another export wrote manifest 1"):
        place.publish(1, b"second")
    assert files(tmp_path) == {"manifests/000001.json": b"first"}


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ActRejected, match="dataset: the dataset cannot be read or written"):
        exported(tmp_path / "file" / "below", a_record())


@pytest.mark.parametrize("address", ["s3://bucket/labels", "https://example.test/labels"])
def test_a_place_that_is_neither_a_folder_nor_a_container_is_refused(address: str) -> None:
    with pytest.raises(ActRejected, match="is no place for a dataset"):
        open_place(address)


def changed_manifest(folder: Path, change: Callable[[dict[str, object]], None]) -> None:
    path = folder / "manifests" / "000002.json"
    content = orjson.loads(path.read_bytes())
    change(content)
    path.write_bytes(orjson.dumps(content))


def label_file(folder: Path) -> Path:
    return next(iter(sorted((folder / "labels").rglob("*.parquet"))))


def rewritten(folder: Path) -> None:
    path = label_file(folder)
    pq.write_table(pq.read_table(path, partitioning=None).slice(0, 0), path)


def without_superseded(content: dict[str, object]) -> None:
    tables = content["tables"]
    assert isinstance(tables, dict)
    tables["labels"]["superseded"] = []


def counted_wrong(content: dict[str, object]) -> None:
    tables = content["tables"]
    assert isinstance(tables, dict)
    tables["labels"]["rows"] = 7


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "bytes": (lambda folder: label_file(folder).write_bytes(b"PAR1"), "its SHA-256 is"),
    "rows": (rewritten, "its SHA-256 is"),
    "file": (lambda folder: label_file(folder).unlink(), "cannot be read or written"),
    "manifest": (lambda folder: (folder / "manifests" / "000001.json").unlink(), "some are missing"),
    "earlier manifest": (
        lambda folder: (folder / "manifests" / "000001.json").write_bytes(
            (folder / "manifests" / "000001.json").read_bytes().replace(b"millwright test", b"millwright text")
        ),
        "the manifest before it is not the one that it names",
    ),
    "superseded": (lambda folder: changed_manifest(folder, without_superseded), "is not superseded by revision 2"),
    "count": (lambda folder: changed_manifest(folder, counted_wrong), "the manifest counts 7 rows"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found_and_named(tmp_path: Path, what: str) -> None:
    record = a_record()
    manifest(tmp_path, record, BEGIN + 4 * HOUR)
    manifest(tmp_path, record)
    assert verify(open_place(str(tmp_path))).findings == []
    damage, words = DAMAGE[what]
    damage(tmp_path)
    assert [finding for finding in verify(open_place(str(tmp_path))).findings if words in finding] != []


def test_files_that_no_manifest_names_are_left_over_and_no_finding(tmp_path: Path) -> None:
    manifest(tmp_path, a_record())
    (tmp_path / "labels" / "orphan.parquet").write_bytes(b"x")
    found = verify(open_place(str(tmp_path)))
    assert (found.findings, found.left_over) == ([], ["labels/orphan.parquet"])


def test_a_folder_without_a_dataset_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(ActRejected, match="there is no dataset"):
        verify(open_place(str(tmp_path / "nowhere")))


@given(content=st.binary(max_size=200))
@settings(max_examples=50)
def test_a_manifest_of_any_bytes_is_read_or_rejected(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        place = open_place(folder)
        place.publish(1, content)
        with pytest.raises(ActRejected, match="cannot be read as a manifest"):
            place.manifest(1)


@given(content=st.binary(max_size=200) | st.binary(max_size=100).map(lambda part: b"PAR1" + part + b"PAR1"))
@settings(max_examples=50)
def test_a_data_file_of_any_bytes_is_read_or_rejected(content: bytes) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        known = manifest(folder, MemoryRecord(LedgerRow(HOUR, labels=(a_label(),))))
        label_file(folder).write_bytes(content)
        with pytest.raises(ActRejected, match="cannot be read as Parquet"):
            list(rows_in_force(open_place(name), LABELS, known.tables["labels"]))


def test_a_dataset_on_disk_is_a_folder(tmp_path: Path) -> None:
    assert isinstance(open_place(str(tmp_path)), Folder)
