"""The example that trains on exported labels: its split, its judgement, and a run without scikit-learn."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from examples.train_on_labels.__main__ import run, training_rows
from examples.train_on_labels.dataset import SIGNALS, Historian, read_table
from examples.train_on_labels.judging import Counts, difference, episodes, judge, total

FIRST = datetime(2015, 1, 1, tzinfo=UTC)
DAYS = 45
PART = (1, "comp1")
FAILED = [FIRST + timedelta(days=day) for day in (12, 25, 40)]


class ByTheMean:
    """A classifier that asks for work where the mean of twelve hours is far from the baseline; it learns nothing."""

    def fit(self, rows: NDArray[np.float64], classes: NDArray[np.int64]) -> object:
        assert len(rows) == len(classes)
        return self

    def predict_proba(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        chance = np.where(rows[:, 1] > 6, 0.97, 0.01)
        return np.column_stack([1 - chance, chance])


def historian() -> Historian:
    """Two machines, of which the first one's voltage rises two days before each failure."""
    random = np.random.default_rng(3)
    readings = {
        (machine, signal): random.normal(100, 5, DAYS * 24) for machine in (1, 2) for signal, _, _ in SIGNALS.values()
    }
    for failed in FAILED:
        hour = int((failed - FIRST) / timedelta(hours=1))
        readings[1, "volt"][hour - 48 : hour] += 20
    return Historian(FIRST, DAYS * 24, readings, {1: [(failed - timedelta(hours=24), "error1") for failed in FAILED]})


def label(failed: datetime, **changed: Any) -> dict[str, Any]:
    return {
        "case": f"MW{failed:%m%d}",
        "revision": 1,
        "asset": "machine-001-comp1",
        "outcome": "confirmed",
        "window_start": failed - timedelta(hours=24),
        "found_at": failed,
        "made_at": failed,
        **changed,
    }


def healthy() -> dict[str, Any]:
    start = FIRST + timedelta(days=5)
    return {"asset": "machine-002-comp1", "window_start": start, "window_end": start + timedelta(days=3)}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """An exported dataset whose second manifest supersedes a label."""
    tables = {
        "labels": ([label(FAILED[0], outcome="nothing_found"), *map(label, FAILED)], ["case", "revision"]),
        "healthy_windows": ([healthy()], ["asset"]),
        "unworked_cases": ([], ["case"]),
    }
    described = {}
    for name, (rows, key) in tables.items():
        files = []
        for number, part in enumerate((rows[:1], rows[1:]), start=1):
            file = tmp_path / f"{name}-{number}.parquet"
            pq.write_table(pa.Table.from_pylist(part), file)
            files += [{"path": file.name, "manifest": number}] if part else []
        described[name] = {"key": key, "files": files, "superseded": []}
    described["labels"]["superseded"] = [{"key": {"case": "MW0113", "revision": 1}, "through": 1}]
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "000002.json").write_text(json.dumps({"tables": described}))
    return tmp_path


def test_rows_that_the_manifest_supersedes_do_not_count(dataset: Path) -> None:
    assert [row["outcome"] for row in read_table(dataset, "labels")] == ["confirmed"] * 3


def test_a_run_trains_on_the_first_two_thirds_and_judges_the_rest(dataset: Path) -> None:
    result = run(dataset, historian(), {PART: FAILED}, ByTheMean())
    assert result["trained_until"] == "2015-01-30T23:20:00+00:00"
    assert result["trained"].endswith("1 of 1 failures caught, F1 1.000")
    assert result["shipped"] == "1 of 1 orders right, 1 of 1 failures caught, F1 1.000"
    assert result["difference_of_f1"].endswith("no difference can be shown")


def test_a_failure_of_a_machine_without_readings_is_nobodys_miss(dataset: Path) -> None:
    elsewhere: dict[tuple[int, str], list[datetime]] = {PART: FAILED, (77, "comp1"): FAILED}
    found = run(dataset, historian(), elsewhere, ByTheMean())
    assert found == run(dataset, historian(), {PART: FAILED}, ByTheMean())


def test_what_became_known_after_the_split_is_not_trained_on() -> None:
    split = FIRST + timedelta(days=20)
    known, classes = training_rows([label(FAILED[0])], [healthy()], historian(), split)
    later = [label(FAILED[1]), label(FAILED[0], case="MWLATE", made_at=split), label(FAILED[0], outcome="prevented")]
    assert training_rows([label(FAILED[0]), *later], [healthy()], historian(), split) == (known, classes)
    assert (classes.count(1), classes.count(0)) == (9, 25)


def test_an_episode_ends_with_a_day_without_an_alert_and_is_right_before_a_failure() -> None:
    hours = [0, 3, 27, 52, 200]
    begun = episodes(FIRST + timedelta(hours=hour) for hour in hours)
    assert [(at - FIRST) / timedelta(hours=1) for at in begun] == [0, 52, 200]
    found = judge({PART: begun}, {PART: [FIRST + timedelta(hours=100)]}, FIRST, FIRST + timedelta(days=30))
    assert total(found) == Counts(orders=3, right=1, failures=1, caught=1)


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        (Counts(2, 2, 2, 2), "the trained detector is better"),
        (Counts(4, 1, 2, 1), "no difference can be shown"),
        (Counts(9, 0, 2, 0), "the shipped policy is better"),
    ],
)
def test_a_difference_is_shown_only_where_its_interval_leaves_zero_out(trained: Counts, words: str) -> None:
    shipped = Counts(4, 1, 2, 1)
    found = difference(dict.fromkeys(range(8), trained), dict.fromkeys(range(8), shipped))
    assert found.words.endswith(words)
