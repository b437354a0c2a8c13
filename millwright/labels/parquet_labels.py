"""Training labels as a Parquet file."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import ActRejected
from domain.outcomes import Label

_TEXT = pa.string()
_MOMENT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("case", _TEXT),
        ("revision", pa.int16()),
        ("asset", _TEXT),
        ("machine", _TEXT),
        ("failure_mode", _TEXT),
        ("outcome", _TEXT),
        ("window_start", _MOMENT),
        ("window_end", _MOMENT),
        ("found_at", _MOMENT),
        ("work_order", _TEXT),
        ("policy", _TEXT),
        ("policy_version", _TEXT),
        ("policy_digest", _TEXT),
        ("detectors", pa.list_(_TEXT)),
        ("model_versions", pa.list_(_TEXT)),
        ("failure_class", _TEXT),
        ("problem", _TEXT),
        ("cause", _TEXT),
        ("remedy", _TEXT),
        ("downtime_s", pa.float64()),
        ("stated_by", _TEXT),
    ]
)
"""One row for each label and revision: the time window of the class, and its provenance. Times are UTC, downtime is in
seconds."""


class ParquetLabels:
    """A file of training labels.

    Args:
        file: written atomically.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def write(self, labels: Sequence[Label]) -> int:
        """Writes all labels or none; returns how many.

        Raises:
            ActRejected: the file cannot be written.
        """
        rows = [_row(label) for label in labels]
        fresh = self._file.with_name(f".{self._file.name}")
        try:
            pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), fresh)
            fresh.replace(self._file)
        except OSError as error:
            raise ActRejected(
                f"cannot be written: {error}", field="file", fix="name a file in a folder of yours"
            ) from error
        return len(rows)


def _row(label: Label) -> dict[str, object]:
    row: dict[str, object] = dict(label)
    downtime = row.pop("downtime")
    row["downtime_s"] = downtime.total_seconds() if isinstance(downtime, timedelta) else None
    row["outcome"] = label.outcome.value
    row["detectors"], row["model_versions"] = list(label.detectors), list(label.model_versions)
    return row
