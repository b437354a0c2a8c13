"""The main figures on alert quality, computed a second time: plain SQL over raw tables, and the plant's failures.csv.

It imports nothing of ours, so that an error of ours is not made twice. To run it alone:
`python -m tests.support.independent_quality URL`.
"""

import csv
import json
import math
import statistics
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

_WRONG = ("nothing_found", "sensor_fault", "process_change", "duplicate")
_ROWS = b"""
SELECT c.asset, e.at, o.outcome, o.cancelled, o.found_at, c.closed_as,
    (SELECT sum((t ->> 'hours')::numeric) FROM jsonb_array_elements(o.body #> '{report,labor}') t)
FROM cases c JOIN events e ON e.id = c.opened_by LEFT JOIN outcomes o ON o.case_id = c.id
WHERE c.closed_as IS NULL OR c.closed_as <> 'withdrawn'
"""
_SPAN = timedelta(hours=72)
_SETTLING = timedelta(hours=48)


def figures(
    url: str, failures: Path | None = None, first: datetime | None = None, last: datetime | None = None
) -> dict[str, Any]:
    """The figures as plain values."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(_ROWS).fetchall()
    done = [row for row in rows if row[2] is not None and not row[3]]
    right = [row for row in done if row[2] == "confirmed"]
    wrong = [row for row in done if row[2] in _WRONG]
    told: dict[str, Any] = {
        "alerts": len(rows),
        "right": len(right),
        "wrong": len(wrong),
        "precision": score_interval(len(right), len(right) + len(wrong)),
        "bounds": (round(len(right) / len(rows), 4), round((len(rows) - len(wrong)) / len(rows), 4)),
        "lead_hours": _median([(row[4] - row[1]).total_seconds() / 3600 for row in right if row[4] >= row[1]]),
        "wrong_hours": round(float(sum(row[6] or 0 for row in wrong)), 2),
        "rejected": sum(row[5] == "rejected" for row in rows),
    }
    if failures is not None and first is not None and last is not None:
        told["recall"] = _caught(rows, failures, first, last)
    return told


def score_interval(part: int, whole: int) -> tuple[float, float, float] | None:
    """A share with the p for which |p - share| = z sqrt(p (1 - p) / n), by bisection and not by the closed form."""
    if not whole:
        return None
    return round(part / whole, 4), round(_lower(part, whole), 4), round(1 - _lower(whole - part, whole), 4)


def _lower(part: int, whole: int) -> float:
    share = high = part / whole
    low = 0.0
    for _ in range(200):
        middle = (low + high) / 2
        inside = share - middle <= 1.959963984540054 * math.sqrt(middle * (1 - middle) / whole)
        low, high = (low, middle) if inside else (middle, high)
    return high


def _median(values: list[float]) -> float | None:
    return round(statistics.median(values), 2) if values else None


def _caught(rows: list[tuple[Any, ...]], path: Path, first: datetime, last: datetime) -> tuple[int, int]:
    with path.open(newline="") as lines:
        known = [
            (f"machine-{int(row['machineID']):03d}-{row['failure']}", _utc(row["datetime"]))
            for row in csv.DictReader(lines)
        ]
    counting = [each for each in known if first + _SETTLING <= each[1] <= last]
    caught = sum(any(row[0] == asset and row[1] < at <= row[1] + _SPAN for row in rows) for asset, at in counting)
    return caught, len(counting)


def _utc(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


if __name__ == "__main__":
    print(json.dumps(figures(sys.argv[1]), indent=2))
