"""Trains a detector on the labels of the first two thirds of a dataset's time, and judges it once on the last third.

    python -m examples.train_on_labels DATASET HISTORIAN --result FILE

The split and the measure are fixed here, before anything is judged:

- trained on what was known when two thirds of the time were over (of 90 days: after 60),
- judged on the last third, by F1 over episodes, against the orders of the policy that was in force,
- with a 95 % interval by a bootstrap over machines.

The result is written once. A file that exists is not judged again.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from examples.train_on_labels.dataset import Historian, Part, part_of, read_events, read_historian, read_table
from examples.train_on_labels.judging import difference, episodes, judge, total

STEP = timedelta(hours=3)
"""How often the trained detector looks at each component, as the shipped one does."""
TRAINED_SHARE = 2 / 3
_FEWEST = 5
_THRESHOLDS = [share / 100 for share in range(5, 100, 5)]


class Model(Protocol):
    """What is used of a classifier of scikit-learn."""

    def fit(self, rows: NDArray[np.float64], classes: NDArray[np.int64]) -> object: ...

    def predict_proba(self, rows: NDArray[np.float64]) -> NDArray[np.float64]: ...


def logistic_regression() -> Model:
    """The model: few labels allow no larger one."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model: Model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    return model


def run(
    dataset: Path, historian: Historian, failures: Mapping[Part, Sequence[datetime]], model: Model
) -> dict[str, Any]:
    """Trains, judges once, and gives the result."""
    # The published failures are of a hundred machines. Nobody can catch those of machines that are not measured.
    measured = set(historian.parts)
    failures = {part: times for part, times in failures.items() if part in measured}
    split = historian.first + (historian.last - historian.first) * TRAINED_SHARE
    labels = read_table(dataset, "labels")
    rows, classes = training_rows(labels, read_table(dataset, "healthy_windows"), historian, split)
    if min(classes.count(0), classes.count(1)) < _FEWEST:
        raise SystemExit(f"before {split:%Y-%m-%d} there are too few labels: {classes.count(1)} rows show a defect")
    model.fit(np.array(rows), np.array(classes))
    scores = scored(historian, model)
    threshold = best_threshold(scores, failures, historian.first, split)
    trained = judge(alerts(scores, threshold), failures, split, historian.last)
    cases = [*labels, *read_table(dataset, "unworked_cases")]
    ordered: defaultdict[Part, list[datetime]] = defaultdict(list)
    for case in cases:
        part = part_of(case["asset"])
        if part is not None:
            ordered[part].append(case["window_start"])
    shipped = judge({part: episodes(times) for part, times in ordered.items()}, failures, split, historian.last)
    found = difference(trained, shipped)
    return {
        "trained_until": split.isoformat(),
        "judged_until": historian.last.isoformat(),
        "training_rows": {"defect": classes.count(1), "no defect": classes.count(0)},
        "threshold": threshold,
        "trained": total(trained).words,
        "shipped": total(shipped).words,
        "difference_of_f1": found.words,
    }


def training_rows(
    labels: Sequence[Mapping[str, Any]], healthy: Sequence[Mapping[str, Any]], historian: Historian, split: datetime
) -> tuple[list[list[float]], list[int]]:
    """What was known at the split: a row for each step of each window, 1 where a defect was confirmed.

    A window of a `prevented` order is left out: nobody knows whether the defect was there.
    """
    spans = [
        (label["asset"], label["window_start"], label["found_at"], int(label["outcome"] == "confirmed"))
        for label in labels
        if label["made_at"] < split and label["outcome"] in ("confirmed", "nothing_found")
    ]
    spans += [
        (each["asset"], each["window_start"], each["window_end"], 0) for each in healthy if each["window_end"] < split
    ]
    rows, classes = [], []
    for asset, start, end, meaning in spans:
        part = part_of(asset)
        at = start
        while part is not None and at <= end:
            known = historian.features(part, at)
            if known is not None:
                rows.append(known)
                classes.append(meaning)
            at += STEP
    return rows, classes


def scored(historian: Historian, model: Model) -> dict[Part, list[tuple[datetime, float]]]:
    """The probability of a defect of each component at each step."""
    found = {}
    count = int((historian.last - historian.first) / STEP) + 1
    steps = [historian.first + number * STEP for number in range(count)]
    for part in historian.parts:
        known = [(at, row) for at in steps if (row := historian.features(part, at)) is not None]
        chances = model.predict_proba(np.array([row for _, row in known]))[:, 1] if known else np.empty(0)
        found[part] = [(at, float(chance)) for (at, _), chance in zip(known, chances, strict=True)]
    return found


def alerts(scores: Mapping[Part, Sequence[tuple[datetime, float]]], threshold: float) -> dict[Part, list[datetime]]:
    """The episodes at or above a threshold."""
    return {part: episodes(at for at, chance in seen if chance >= threshold) for part, seen in scores.items()}


def best_threshold(
    scores: Mapping[Part, Sequence[tuple[datetime, float]]],
    failures: Mapping[Part, Sequence[datetime]],
    first: datetime,
    split: datetime,
) -> float:
    """The threshold with the best F1 before the split; of several the highest."""
    known = {part: [at for at in times if at <= split] for part, times in failures.items()}

    def worth(threshold: float) -> tuple[float, float]:
        return total(judge(alerts(scores, threshold), known, first, split)).f1, threshold

    return max(_THRESHOLDS, key=worth)


def main() -> None:
    """Reads the arguments, judges once, and writes the result."""
    parser = argparse.ArgumentParser(prog="python -m examples.train_on_labels")
    parser.add_argument("dataset", type=Path, help="the folder of `millwright labels export`")
    parser.add_argument("historian", type=Path, help="the plant's data: telemetry, errors and failures")
    parser.add_argument("--result", type=Path, required=True, help="the file of the result, which must not exist")
    given = parser.parse_args()
    if given.result.exists():
        raise SystemExit(f"{given.result} exists: the last third is judged once")
    failures: defaultdict[Part, list[datetime]] = defaultdict(list)
    for at, machine, component in read_events(given.historian, "failures"):
        failures[machine, component].append(at)
    result = run(given.dataset, read_historian(given.historian), failures, logistic_regression())
    given.result.write_text(json.dumps(result, indent=2) + "\n")
    sys.stdout.writelines(f"{name.replace('_', ' ')}: {value}\n" for name, value in result.items())


if __name__ == "__main__":
    main()
