"""The register as it is stored, and as its acts tell of it."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import NamedTuple

import orjson
from sqlalchemy import Table

from domain.canonical import Json, canonical, sha256
from millwright.storage.audit.record import Record
from millwright.storage.database.tables import assets, crosswalk, observables, twin_models
from millwright.storage.events.register_record import recorded_observable

RegisterKey = tuple[str, ...]
"""The kind of the act that records a row, and the row's primary key."""

_TABLES: Mapping[str, Table] = {
    "asset-recorded": assets,
    "alias-recorded": crosswalk,
    "observable-recorded": observables,
    "twin-model-recorded": twin_models,
}
_ACTS = """
SELECT kind, subject, at, body FROM acts WHERE kind IN ('asset-recorded', 'alias-recorded', 'observable-recorded',
    'twin-model-recorded', 'register-held', 'asset-retired') ORDER BY ledger_seq, leaf
"""


class RegisterAct(NamedTuple):
    """An act on the register; `body` is its text."""

    kind: str
    subject: str
    at: datetime
    body: str


class StoredRow(NamedTuple):
    """A row of the register as its act would record it."""

    key: RegisterKey
    told: Json


def register_acts(record: Record) -> AsyncIterator[list[RegisterAct]]:
    """The acts on the rows of the register, oldest first, in pages."""
    return record.pages(_ACTS, RegisterAct._make)


async def register_rows(record: Record) -> AsyncIterator[list[StoredRow]]:
    """Every row of the register, in pages."""
    for kind, table in _TABLES.items():
        names = [str(column.name) for column in table.columns]
        columns = ", ".join(f'"{name}"' for name in names)
        async for page in record.pages(f'SELECT {columns} FROM "{table.name}"', lambda row: row):
            yield [_stored(kind, dict(zip(names, row, strict=True))) for row in page]


def register_key(kind: str, told: Mapping[str, Json]) -> RegisterKey:
    """The key of the row that an act records."""
    return (kind, *(str(told[str(column.name)]) for column in _TABLES[kind].primary_key))


def _stored(kind: str, row: Mapping[str, object]) -> StoredRow:
    if kind == "twin-model-recorded":
        row = {"id": row["id"], "digest": sha256(canonical(row["contents"]))}
    if kind == "observable-recorded":
        row = recorded_observable(row)
    told = orjson.loads(canonical(row))
    return StoredRow(register_key(kind, told), told)
