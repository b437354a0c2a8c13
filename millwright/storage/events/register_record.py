"""Records the rows of the register in the ledger, so that an altered row is found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import canonical, sha256
from millwright.storage.database.asset_rows import REGISTER_HELD
from millwright.storage.database.ledger_tables import acts
from millwright.storage.database.tables import assets, crosswalk, observables, twin_models
from millwright.storage.ledger import ledger


@dataclass(frozen=True, slots=True)
class RegisterRows:
    """What a transaction wrote in the register: the ids of assets, names in other systems as system and id, observables
    as rows, and the contents of twin models. `ends` are the times at which rows end, if it is not the present one."""

    assets: Collection[str] = ()
    names: Collection[tuple[str, str]] = ()
    observables: Sequence[Mapping[str, object]] = ()
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ends: Collection[datetime] = ()


async def record_rows(connection: AsyncConnection, entry: ledger.Entry, by: str, written: RegisterRows) -> None:
    """Adds an act for each row of the register that this transaction began or ended, or for all rows the first time.

    Args:
        by: who changes the register.
    """
    held = select(acts.c.id).where(acts.c.kind == REGISTER_HELD).limit(1)
    first = await connection.scalar(held) is None
    keys = (
        (assets, "asset-recorded", "id", assets.c.id.in_(written.assets)),
        (
            crosswalk,
            "alias-recorded",
            "asset",
            tuple_(crosswalk.c.system, crosswalk.c.external_id).in_(list(written.names)),
        ),
    )
    for table, kind, owner, named in keys:
        touched = and_(named, or_(table.c.valid_to.is_(None), table.c.valid_to.in_([entry.at, *written.ends])))
        for row in await _rows(connection, table, *(() if first else (touched,))):
            entry.add(ledger.act(kind, f"asset/{row[owner]}", by, entry.at, row))
    seen: Sequence[Mapping[str, object]] = written.observables
    models = written.models
    if first:
        seen = await _rows(connection, observables)
        models = {row.id: row.contents for row in await connection.execute(select(*twin_models.columns))}
    for observable in seen:
        # Some columns may be left out of what was written, and then are empty.
        kept = recorded_observable({name: observable.get(name) for name in _names(observables)})
        entry.add(ledger.act("observable-recorded", f"asset/{kept['asset']}", by, entry.at, kept))
    for model, contents in models.items():
        digest = sha256(canonical(contents))
        entry.add(ledger.act("twin-model-recorded", f"model/{model}", by, entry.at, {"id": model, "digest": digest}))
    if first:
        entry.add(ledger.act(REGISTER_HELD, "register", by, entry.at, {}))


def recorded_observable(row: Mapping[str, object]) -> dict[str, object]:
    """The row of an observable as its act tells it. Earlier builds kept no limits, so empty ones are left out."""
    return {name: value for name, value in row.items() if name != "limits" or value is not None}


async def _rows(connection: AsyncConnection, table: Table, *where: ColumnElement[bool]) -> list[dict[str, object]]:
    query = select(*table.columns).where(*where).order_by(*table.primary_key)
    names = _names(table)
    return [dict(zip(names, row, strict=True)) for row in await connection.execute(query)]


def _names(table: Table) -> list[str]:
    # A column's name is a subclass of str, which JSON does not take for a key.
    return [str(column.name) for column in table.columns]
