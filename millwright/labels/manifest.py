"""The manifest of a training dataset: what belongs to it. A file that no manifest names does not belong to it."""

from typing import Annotated, Final

from pydantic import Field

from domain.model import Model, Moment

FORMAT: Final = "millwright-training/1"


class DataFile(Model):
    """A Parquet file. `manifest` is the number of the manifest that added it."""

    path: Annotated[str, Field(pattern=r"^[a-z_]+/month=\d{4}-\d{2}/\d{6}-[0-9a-f]{16}\.parquet$")]
    month: str
    rows: int
    bytes: int
    sha256: str
    manifest: int


class Superseded(Model):
    """Rows that do not count any more: those with this key, in the files that the manifests up to `through` added."""

    key: dict[str, str | int]
    through: int


class TableManifest(Model):
    """One table: its columns with their types, the columns of its key, and its files. A file has the columns that the
    manifest that added it names."""

    columns: dict[str, str]
    key: tuple[str, ...]
    rows: int
    files: tuple[DataFile, ...] = ()
    superseded: tuple[Superseded, ...] = ()

    def superseding(self) -> dict[tuple[str | int, ...], int]:
        """Of each key that is superseded, the last manifest whose rows with this key do not count."""
        return {tuple(entry.key.values()): entry.through for entry in self.superseded}


class LedgerHead(Model):
    """The ledger row up to which the dataset says what was known."""

    seq: int
    hash: str
    at: Moment


class Query(Model):
    """What was asked of the record: all that the ledger rows after one and up to another added."""

    as_of: Moment | None
    after_seq: int
    until_seq: int
    longest_silence_s: float


class DatasetManifest(Model):
    """The state of a dataset after one export. `previous` is the SHA-256 of the manifest before it."""

    format: str = FORMAT
    number: int
    previous: str | None
    made_at: Moment
    build: str
    query: Query
    ledger: LedgerHead
    tables: dict[str, TableManifest]
