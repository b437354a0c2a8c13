"""The tables of a training dataset, and their columns. Times are UTC, durations are in seconds."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import pyarrow as pa

from domain.iso14224 import Iso14224Finding
from domain.training import HealthyWindow, MadeLabel, MaskedSpan, SpanRow, UnworkedCase

_TEXT = pa.string()
# By the name that Parquet gives the values of a list: so the type that is read is the one that was written.
_TEXTS = pa.list_(pa.field("element", _TEXT))
_MOMENT = pa.timestamp("us", tz="UTC")
Row = Mapping[str, object]


class DatasetTable(NamedTuple):
    """One table.

    Args:
        name: that of its folder.
        schema: its columns.
        key: the columns that name a row.
        month: the column whose month, in UTC, is the partition.
        kind: of its rows; None for labels.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    month: str
    kind: type[SpanRow] | None

    @property
    def columns(self) -> dict[str, str]:
        """The type of each column, in the words of Arrow."""
        return {field.name: str(field.type) for field in self.schema}


LABELS = DatasetTable(
    name="labels",
    schema=pa.schema(
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
            ("lead_time_s", pa.float64()),
            ("censoring", _TEXT),
            ("evidence", _TEXTS),
            ("evidence_count", pa.int64()),
            ("work_order", _TEXT),
            ("policy", _TEXT),
            ("policy_version", _TEXT),
            ("policy_digest", _TEXT),
            ("detectors", _TEXTS),
            ("model_versions", _TEXTS),
            ("failure_class", _TEXT),
            ("problem", _TEXT),
            ("cause", _TEXT),
            ("remedy", _TEXT),
            ("iso14224_mode", _TEXT),
            ("iso14224_mechanism", _TEXT),
            ("iso14224_cause", _TEXT),
            ("downtime_s", pa.float64()),
            ("stated_by", _TEXT),
            ("made_at", _MOMENT),
            ("ledger_seq", pa.int64()),
        ]
    ),
    key=("case", "revision"),
    month="made_at",
    kind=None,
)
"""A row for each revision of each label. It is in the month in which it was made: no later export adds a row to a month
that is over, and the months up to a time are what was known at that time."""

HEALTHY = DatasetTable(
    name="healthy_windows",
    schema=pa.schema(
        [
            ("asset", _TEXT),
            ("failure_mode", _TEXT),
            ("window_start", _MOMENT),
            ("window_end", _MOMENT),
            ("policy_digest", _TEXT),
            ("verdicts", pa.int64()),
            ("longest_gap_s", pa.float64()),
        ]
    ),
    key=("asset", "failure_mode", "window_start"),
    month="window_end",
    kind=HealthyWindow,
)

UNWORKED = DatasetTable(
    name="unworked_cases",
    schema=pa.schema(
        [
            ("case", _TEXT),
            ("asset", _TEXT),
            ("machine", _TEXT),
            ("failure_mode", _TEXT),
            ("ended_as", _TEXT),
            ("window_start", _MOMENT),
            ("closed_at", _MOMENT),
            ("rejected_by", _TEXT),
            ("reason", _TEXT),
            ("policy", _TEXT),
            ("policy_version", _TEXT),
            ("policy_digest", _TEXT),
        ]
    ),
    key=("case",),
    month="closed_at",
    kind=UnworkedCase,
)

MASKED = DatasetTable(
    name="masked_spans",
    schema=pa.schema(
        [
            ("suppression", _TEXT),
            ("kind", _TEXT),
            ("asset", _TEXT),
            ("failure_mode", _TEXT),
            ("window_start", _MOMENT),
            ("window_end", _MOMENT),
            ("reason", _TEXT),
            ("made_by", _TEXT),
        ]
    ),
    key=("suppression",),
    month="window_end",
    kind=MaskedSpan,
)

TABLES = {table.name: table for table in (LABELS, HEALTHY, UNWORKED, MASKED)}


def label_row(made: MadeLabel) -> Row:
    """A label as the row of its table."""
    label = made.label
    found = label.iso14224 or Iso14224Finding()
    return {
        **label.__dict__,
        "iso14224_mode": found.mode,
        "iso14224_mechanism": found.mechanism,
        "iso14224_cause": found.cause,
        "lead_time_s": _seconds(label.lead_time),
        "censoring": label.censoring,
        "downtime_s": _seconds(label.downtime),
        "made_at": made.made_at,
        "ledger_seq": made.ledger_seq,
    }


def span_row(row: SpanRow) -> Row:
    """Another row as that of its table."""
    values = row._asdict()
    if isinstance(row, HealthyWindow):
        values["longest_gap_s"] = _seconds(row.longest_gap)
    return values


def arrow_table(table: DatasetTable, rows: Sequence[Row]) -> pa.Table:
    """Rows as Arrow's columns."""
    columns = {name: [row[name] for row in rows] for name in table.schema.names}
    return pa.Table.from_pydict(columns, schema=table.schema)


def month_of(table: DatasetTable, row: Row) -> str:
    """The partition of a row: the month in UTC, such as `2026-11`."""
    moment = row[table.month]
    if not isinstance(moment, datetime):
        raise TypeError(f"{table.month} of {table.name} is no time")
    return f"{moment.year:04d}-{moment.month:02d}"


def key_of(table: DatasetTable, row: Row) -> dict[str, str | int]:
    """The columns that name a row."""
    return {name: _key_part(row[name]) for name in table.key}


def _key_part(value: object) -> str | int:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)


def _seconds(value: timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()
