"""Records the rows of the register in the ledger, so that an altered row is found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, RowMapping, Table, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import canonical, sha256
from millwright.storage.database.asset_rows import REGISTER_HELD
from millwright.storage.database.ledger_tables import acts
from millwright.storage.database.tables import assets, crosswalk, observables, twin_models
from millwright.storage.ledger import ledger


@dataclass(frozen=True, slots=True)
class Written:
    """What a transaction wrote in the register: the ids of assets, names in other systems as system and id, observables
    as rows, and the contents of twin models."""

    assets: Collection[str] = ()
    names: Collection[tuple[str, str]] = ()
    observables: Sequence[Mapping[str, object]] = ()
    models: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


async def record_rows(connection: AsyncConnection, entry: ledger.Entry, by: str, written: Written) -> None:
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
        touched = and_(named, or_(table.c.valid_to.is_(None), table.c.valid_to == entry.at))
        for row in await _rows(connection, table, *(() if first else (touched,))):
            entry.add(ledger.act(kind, f"asset/{row[owner]}", by, entry.at, _told(row)))
    seen, models = written.observables, written.models
    if first:
        seen = await _rows(connection, observables)
        models = {row["id"]: row["contents"] for row in await _rows(connection, twin_models)}
    for observable in seen:
        kept = {column.name: observable[column.name] for column in observables.columns}
        entry.add(ledger.act("observable-recorded", f"asset/{kept['asset']}", by, entry.at, _told(kept)))
    for model, contents in models.items():
        digest = sha256(canonical(contents))
        entry.add(ledger.act("twin-model-recorded", f"model/{model}", by, entry.at, {"id": model, "digest": digest}))
    if first:
        entry.add(ledger.act(REGISTER_HELD, "register", by, entry.at, {}))


def _told(row: Mapping[str, object]) -> dict[str, object]:
    # The driver names columns by a subclass of str, which JSON does not take for keys.
    return {str(name): value for name, value in row.items()}


async def _rows(connection: AsyncConnection, table: Table, *where: ColumnElement[bool]) -> Sequence[RowMapping]:
    query = select(table).where(*where).order_by(*table.primary_key)
    return (await connection.execute(query)).mappings().all()
