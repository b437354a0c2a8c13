"""Reads one file of rows, CSV or Parquet, and says file, column and row of whatever it cannot read."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

SUFFIXES: Final = (".csv", ".parquet")
# The publisher's own download writes 1/31/2015 6:00:00 AM; the copies that travel write ISO 8601.
_PUBLISHER_TIME: Final = "%m/%d/%Y %I:%M:%S %p"

Cell = TypeVar("Cell")


class DatasetError(ValueError):
    """A data folder cannot be read; the text names the file and, where there is one, the column and row."""


@dataclass(frozen=True)
class Table:
    """The wanted columns of one file, by lower-case name; `headings` are their names in the file.

    Rows are counted as an editor shows them: a CSV file's header is row 1, a Parquet file's first row is row 1.
    """

    path: Path
    columns: dict[str, pa.ChunkedArray]
    headings: dict[str, str]

    @classmethod
    def read(cls, path: Path, wanted: tuple[str, ...]) -> Table:
        """Read the `wanted` columns, whatever the case of their names; other columns are ignored.

        Raises:
            DatasetError: the file is unreadable or a column is missing.
        """
        try:
            if path.suffix.lower() == ".parquet":
                found = _by_name(path, pyarrow.parquet.read_schema(path).names, wanted)
                table = pyarrow.parquet.ParquetFile(path).read(columns=list(found.values()))
            else:
                with path.open(encoding="utf-8-sig", newline="") as lines:
                    header = next(csv.reader(lines), [])
                found = _by_name(path, header, wanted)
                table = pyarrow.csv.read_csv(
                    path,
                    read_options=pyarrow.csv.ReadOptions(column_names=header, skip_rows=1),
                    convert_options=pyarrow.csv.ConvertOptions(
                        column_types=dict.fromkeys(header, pa.string()), include_columns=list(found.values())
                    ),
                )
        except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
            raise DatasetError(f"{path.name}: {error}") from error
        return cls(path, {name: table.column(column) for name, column in found.items()}, found)

    def times(self, column: str) -> NDArray[np.datetime64]:
        """UTC times to the microsecond; a time without a zone is UTC."""
        values = self.columns[column]
        if pa.types.is_temporal(values.type):
            self._refuse_nulls(column)
            times: NDArray[np.datetime64] = values.cast(pa.timestamp("us"), safe=False).to_numpy()
            return times
        codes, texts = self._each_once(column, _time)
        return np.array(texts, dtype="datetime64[us]")[codes]

    def whole_numbers(self, column: str) -> tuple[NDArray[np.int64], list[int]]:
        """Whole numbers of any size, as positions in a list of the distinct ones."""
        return self._each_once(column, _whole)

    def words(self, column: str) -> list[str]:
        """Text without the blanks around it."""
        codes, words = self._each_once(column, _word)
        return [words[code] for code in codes.tolist()]

    def numbers(self, column: str) -> NDArray[np.float64]:
        """Floats; an empty cell, NaN or infinity is NaN."""
        values = self.columns[column]
        if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
            trimmed = pc.utf8_trim_whitespace(values)
            values = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)
        try:
            floats: NDArray[np.float64] = values.cast(pa.float64()).to_numpy().astype(np.float64)
        except pa.ArrowException:
            codes, numbers = self._each_once(column, _number)
            floats = np.array(numbers, dtype=np.float64)[codes]
        return np.where(np.isfinite(floats), floats, np.nan)

    def fail(self, column: str, position: int, why: str) -> DatasetError:
        """The error for the cell at `position` (0 is the first row of data)."""
        row = position + (1 if self.path.suffix.lower() == ".parquet" else 2)
        return DatasetError(f"{self.path.name}: column {self.headings[column]}, row {row}: {why}")

    def _each_once(self, column: str, convert: Callable[[object], Cell]) -> tuple[NDArray[np.int64], list[Cell]]:
        """Convert every distinct value once: a plant has many rows and few machines and hours."""
        self._refuse_nulls(column)
        encoded = self.columns[column].combine_chunks().dictionary_encode()
        codes: NDArray[np.int64] = encoded.indices.to_numpy().astype(np.int64)
        cells: list[Cell] = []
        for code, value in enumerate(encoded.dictionary.to_pylist()):
            try:
                cells.append(convert(value))
            except ValueError as error:
                raise self.fail(column, int(np.argmax(codes == code)), str(error)) from error
        return codes, cells

    def _refuse_nulls(self, column: str) -> None:
        if self.columns[column].null_count:
            empty = self.columns[column].is_null().to_numpy()
            raise self.fail(column, int(np.argmax(empty)), "is empty")


def _by_name(path: Path, header: list[str], wanted: tuple[str, ...]) -> dict[str, str]:
    known = {name.strip().lower(): name for name in header}
    missing = [name for name in wanted if name.lower() not in known]
    if missing:
        raise DatasetError(f"{path.name}: column {missing[0]} is missing; the file has {', '.join(header) or 'none'}")
    return {name.lower(): known[name.lower()] for name in wanted}


def _time(value: object) -> datetime:
    text = str(value).strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.strptime(text, _PUBLISHER_TIME).replace(tzinfo=UTC)
        except ValueError:
            raise ValueError(f"{text!r} is not a time such as 2015-01-31 06:00:00") from None
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _whole(value: object) -> int:
    text = str(value).strip()
    if isinstance(value, float) and value.is_integer():
        text = str(int(value))
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def _word(value: object) -> str:
    text = str(value).strip()
    if not text:
        raise ValueError("is empty")
    return text


def _number(value: object) -> float:
    if value is None or not str(value).strip():
        return math.nan
    try:
        return float(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is not a number") from None
