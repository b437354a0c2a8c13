"""Reads what the example needs: an exported training dataset, and a historian with the signals of the machines."""

import csv
import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq
from numpy.typing import NDArray

Part = tuple[int, str]
"""A machine by its number, and a component of it."""

SIGNALS: Mapping[str, tuple[str, int, frozenset[str]]] = {
    "comp1": ("volt", 1, frozenset({"error1"})),
    "comp2": ("rotate", -1, frozenset({"error2", "error3"})),
    "comp3": ("pressure", 1, frozenset({"error4"})),
    "comp4": ("vibration", 1, frozenset({"error5"})),
}
"""Of each component its signal, the direction of a fault, and the error codes that confirm it."""
HOUR = timedelta(hours=1)
_ASSET = re.compile(r"machine-(\d+)-(comp[1-4])")
_RECENT = (3, 12, 24)
_BASELINE = (60, 780)
"""The baseline is of the hours before now from the first to the second, so that a shift does not change its own."""


def read_table(dataset: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a table that count, by the manifest in force: without those that are superseded."""
    manifests = sorted((dataset / "manifests").glob("*.json"))
    if not manifests:
        raise SystemExit(f"{dataset} has no manifest: run `millwright labels export {dataset}`")
    table = json.loads(manifests[-1].read_text())["tables"][name]
    through = {tuple(entry["key"].values()): entry["through"] for entry in table["superseded"]}
    return [
        row
        for file in table["files"]
        for row in pq.read_table(dataset / file["path"]).to_pylist()
        if file["manifest"] > through.get(tuple(_key_part(row[column]) for column in table["key"]), 0)
    ]


def part_of(asset: str) -> Part | None:
    """The part that an asset is; None for any other asset."""
    found = _ASSET.fullmatch(asset)
    return None if found is None else (int(found[1]), found[2])


@dataclass(frozen=True)
class Historian:
    """Hourly readings and error codes of the machines.

    Attributes:
        first: the hour of the first reading.
        readings: by machine and signal, an hour each, NaN where there is none.
        errors: by machine, the times and codes in their order.
    """

    first: datetime
    hours: int
    readings: Mapping[tuple[int, str], NDArray[np.float64]]
    errors: Mapping[int, Sequence[tuple[datetime, str]]]

    @property
    def last(self) -> datetime:
        """The hour of the last reading."""
        return self.first + (self.hours - 1) * HOUR

    @property
    def parts(self) -> list[Part]:
        """Every component of every machine."""
        machines = sorted({machine for machine, _ in self.readings})
        return [(machine, component) for machine in machines for component in SIGNALS]

    def features(self, part: Part, at: datetime) -> list[float] | None:
        """What was known of a component at a time: how far the means of its last hours are from its own baseline, in
        standard errors, and how many of its error codes came within a day. None if too few readings exist."""
        machine, component = part
        signal, direction, codes = SIGNALS[component]
        now = int((at - self.first) / HOUR) + 1
        series = self.readings[machine, signal]
        before = series[max(0, now - _BASELINE[1]) : max(0, now - _BASELINE[0])]
        before = before[~np.isnan(before)]
        if len(before) < 2 * _RECENT[-1]:
            return None
        level, spread = float(np.median(before)), float(np.std(before)) or 1.0
        found = []
        for hours in _RECENT:
            recent = series[max(0, now - hours) : now]
            recent = recent[~np.isnan(recent)]
            if len(recent) < hours // 2 + 1:
                return None
            found.append(direction * (float(np.mean(recent)) - level) / (spread / len(recent) ** 0.5))
        seen = self.errors.get(machine, ())
        until = bisect_right(seen, (at, "~"))
        since = bisect_right(seen, (at - 24 * HOUR, "~"))
        return [*found, float(len(codes & {code for _, code in seen[since:until]}) / len(codes))]


def read_historian(folder: Path) -> Historian:
    """The signals in a folder in the format of the Azure Predictive Maintenance data set, as the sandbox plays it."""
    table = pa.concat_tables([_columns(path) for path in sorted(folder.glob("*telemetry*"))])
    times = np.array(table["datetime"].cast(pa.timestamp("s")).to_numpy(), dtype="datetime64[h]").astype(np.int64)
    machines = table["machineID"].to_numpy()
    first, hours = int(times.min()), int(times.max() - times.min()) + 1
    readings = {}
    for machine in np.unique(machines):
        here = machines == machine
        for signal, _, _ in SIGNALS.values():
            series = np.full(hours, np.nan)
            series[times[here] - first] = table[signal].to_numpy()[here]
            readings[int(machine), signal] = series
    errors = defaultdict(list)
    for at, machine, code in read_events(folder, "errors"):
        errors[machine].append((at, code))
    begin = datetime.fromtimestamp(first * 3600, UTC)
    return Historian(begin, hours, readings, {machine: sorted(seen) for machine, seen in errors.items()})


def read_events(folder: Path, name: str) -> Iterator[tuple[datetime, int, str]]:
    """The rows of a file of events: when, on which machine, and what."""
    with next(path for path in folder.iterdir() if path.stem.lower().endswith(name)).open(newline="") as file:
        for when, machine, what in list(csv.reader(file))[1:]:
            at = datetime.fromisoformat(when)
            yield at if at.tzinfo else at.replace(tzinfo=UTC), int(machine), what


def _columns(path: Path) -> pa.Table:
    table = pq.read_table(path) if path.suffix == ".parquet" else pv.read_csv(path)
    return table.select(["datetime", "machineID", *(signal for signal, _, _ in SIGNALS.values())])


def _key_part(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
