"""`labels export`: the training rows as a file that others can read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from domain.errors import ActRejected
from domain.outcomes import Label, OutcomeClass
from millwright.labels.parquet_labels import SCHEMA, ParquetLabels

NOW = datetime(2015, 1, 5, 6, tzinfo=UTC)
LABEL = Label(
    case="MWAAAAAAAA",
    asset="machine-001-comp1",
    machine="machine-001",
    failure_mode="PDE",
    outcome=OutcomeClass.CONFIRMED,
    window_start=NOW - timedelta(hours=24),
    window_end=NOW,
    found_at=NOW,
    work_order="1001",
    policy="rotating-equipment",
    policy_version="1.1.0",
    policy_digest="d" * 64,
    detectors=("DetectAnomalies",),
    model_versions=(),
    failure_class="ELEC",
    problem="OVERVOLT",
    cause="REGULATR",
    remedy="REPLACE",
    downtime=timedelta(hours=3),
)


def test_a_label_reads_back_as_it_was_with_times_in_utc_and_downtime_in_seconds(tmp_path: Path) -> None:
    file = tmp_path / "labels.parquet"
    assert ParquetLabels(file).write([LABEL]) == 1
    (row,) = pq.read_table(file).to_pylist()
    assert (row["case"], row["outcome"], row["detectors"]) == ("MWAAAAAAAA", "confirmed", ["DetectAnomalies"])
    assert (row["window_start"], row["downtime_s"]) == (LABEL.window_start, 10_800.0)


def test_a_label_says_who_stated_its_class_and_nobody_where_the_codes_say_it(tmp_path: Path) -> None:
    file = tmp_path / "labels.parquet"
    ParquetLabels(file).write([LABEL, LABEL.model_copy(update={"stated_by": "pia"})])
    assert [row["stated_by"] for row in pq.read_table(file).to_pylist()] == [None, "pia"]


def test_a_label_that_nobody_stated_is_stored_as_earlier_builds_stored_it_and_theirs_is_read() -> None:
    stored = LABEL.model_dump(mode="json")
    assert "stated_by" not in stored
    assert Label.model_validate(stored) == LABEL


def test_no_labels_make_an_empty_table_with_every_column(tmp_path: Path) -> None:
    file = tmp_path / "labels.parquet"
    ParquetLabels(file).write([])
    assert pq.read_table(file).schema.names == SCHEMA.names


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(ActRejected, match="file"):
        ParquetLabels(tmp_path / "nowhere" / "labels.parquet").write([LABEL])
