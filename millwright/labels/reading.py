"""Reads a training dataset back, a row group at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader

import pyarrow as pa
import pyarrow.parquet as pq

from domain.errors import ActRejected
from millwright.labels.manifest import DataFile
from millwright.labels.place import Place
from millwright.labels.tables import Row


@contextmanager
def parquet(content: BufferedReader) -> Iterator[pq.ParquetFile]:
    """A file as Parquet.

    Raises:
        ActRejected: it is none, or is damaged.
    """
    try:
        yield pq.ParquetFile(content)
    except (pa.ArrowException, OSError) as error:
        words = str(error).splitlines()
        raise ActRejected(
            f"it cannot be read as Parquet: {words[0] if words else type(error).__name__}",
            field="dataset",
            fix="`millwright labels verify` names what is damaged; export to an empty place",
        ) from error


def rows_of(place: Place, file: DataFile, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """The rows of a file.

    Raises:
        ActRejected: it cannot be read.
    """
    with place.opened(file.path) as content, parquet(content) as found:
        for batch in found.iter_batches(columns=columns):
            yield from batch.to_pylist()
