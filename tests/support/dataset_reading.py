"""Reads a training dataset as its page says that readers should."""

from collections.abc import Iterator

from millwright.labels.manifest import TableManifest
from millwright.labels.place import Place
from millwright.labels.reading import rows_of
from millwright.labels.tables import DatasetTable, Row, key_of


def rows_in_force(place: Place, table: DatasetTable, known: TableManifest) -> Iterator[Row]:
    """The rows of a table that no later row supersedes."""
    superseding = known.superseding()
    for file in known.files:
        for row in rows_of(place, file):
            if superseding.get(tuple(key_of(table, row).values()), 0) < file.manifest:
                yield row
