"""The plant's register in storage: assets, their names elsewhere, and what can be seen of them."""

from datetime import datetime

from sqlalchemy import ColumnElement, Table, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.assets import Alias, Observable, PlantRegister
from domain.clock import Clock
from domain.errors import ActRejected
from domain.model import Model
from millwright.storage import ledger
from millwright.storage.case_views import asset_of
from millwright.storage.engine import transaction
from millwright.storage.tables import assets, crosswalk, observables, twin_models


class ImportReport(Model):
    """What an import changed."""

    assets: int
    aliases: int
    observables: int
    changed: int


class RegisterStore:
    """Keeps the register, effective-dated: what was true then stays readable.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def keep(self, register: PlantRegister, by: str) -> ImportReport:
        """Takes over an import: new rows begin now, changed ones end their predecessors, the rest stands.

        Nothing is deleted: an asset that the import lacks keeps its row, its rules and its history.
        """
        now = self._clock.now()
        async with transaction(self._engine) as connection:
            changed = 0
            known = {
                row["id"]: row
                for row in (await connection.execute(select(assets).where(assets.c.valid_to.is_(None)))).mappings()
            }
            for asset in register.assets:
                row = known.get(asset.id)
                if row is not None and asset_of(row) == asset:
                    continue
                changed += 1
                first = row is None
                await _succeed(connection, assets, assets.c.id == asset.id, now)
                await connection.execute(
                    insert(assets).values(**asset.model_dump(mode="json"), valid_from=_EPOCH if first else now)
                )
            names = {
                (row["system"], row["external_id"]): row
                for row in (
                    await connection.execute(select(crosswalk).where(crosswalk.c.valid_to.is_(None)))
                ).mappings()
            }
            for alias in register.aliases:
                row = names.get((alias.system, alias.external_id))
                if row is not None and (row["asset"], row["attributes"]) == (alias.asset, alias.attributes):
                    continue
                changed += 1
                await _keep_alias(connection, alias, first=row is None, now=now)
            for one in register.observables:
                values = one.model_dump(mode="json")
                await connection.execute(
                    insert(observables)
                    .values(**values)
                    .on_conflict_do_update(
                        index_elements=[observables.c.machine, observables.c.kind, observables.c.name], set_=values
                    )
                )
            for model, contents in register.models.items():
                await connection.execute(
                    insert(twin_models)
                    .values(id=model, contents=contents)
                    .on_conflict_do_update(index_elements=[twin_models.c.id], set_={"contents": contents})
                )
            report = ImportReport(
                assets=len(register.assets),
                aliases=len(register.aliases),
                observables=len(register.observables),
                changed=changed,
            )
            entry = ledger.Entry(now)
            entry.add(ledger.act("register-imported", "register", by, now, dict(report)))
            await ledger.append(connection, entry)
        return report

    async def map_alias(self, alias: Alias, by: str) -> None:
        """Gives an asset a name in another system, from now on.

        Raises:
            ActRejected: there is no such asset.
        """
        now = self._clock.now()
        async with transaction(self._engine) as connection:
            if await connection.scalar(select(assets.c.id).where(assets.c.id == alias.asset)) is None:
                raise ActRejected(f"there is no asset {alias.asset}", field="asset", fix="import the register first")
            row = await connection.scalar(
                select(crosswalk.c.asset).where(
                    crosswalk.c.system == alias.system,
                    crosswalk.c.external_id == alias.external_id,
                    crosswalk.c.valid_to.is_(None),
                )
            )
            await _keep_alias(connection, alias, first=row is None, now=now)
            entry = ledger.Entry(now)
            entry.add(ledger.act("alias-mapped", f"asset/{alias.asset}", by, now, {"alias": alias}))
            await ledger.append(connection, entry)

    async def read(self) -> PlantRegister:
        """The register with all its past, as intake resolves by it."""
        async with transaction(self._engine) as connection:
            rows = (await connection.execute(select(assets).where(assets.c.valid_to.is_(None)))).mappings()
            found = tuple(asset_of(row) for row in rows)
            aliases = tuple(
                Alias.model_validate(dict(row)) for row in (await connection.execute(select(crosswalk))).mappings()
            )
            seen = tuple(
                Observable.model_validate(dict(row))
                for row in (await connection.execute(select(observables))).mappings()
            )
            models = {row.id: row.contents for row in await connection.execute(select(twin_models))}
        return PlantRegister(assets=found, aliases=aliases, observables=seen, models=models)

    async def stamp(self) -> str:
        """Changes whenever the register does."""
        async with transaction(self._engine) as connection:
            value = await connection.scalar(
                text("SELECT coalesce(max(id), 0) FROM acts WHERE kind IN ('register-imported', 'alias-mapped')")
            )
            return str(value)

    async def lines(self) -> list[str]:
        """The production lines there are."""
        async with transaction(self._engine) as connection:
            rows = await connection.scalars(
                select(func.distinct(assets.c.line)).where(assets.c.line.is_not(None), assets.c.valid_to.is_(None))
            )
            return sorted(str(line) for line in rows)


_EPOCH = text("'1970-01-01T00:00:00Z'::timestamptz")


async def _succeed(connection: AsyncConnection, table: Table, same: ColumnElement[bool], now: datetime) -> None:
    """Ends what was true until now; what became true only this instant never was."""
    current = (same, table.c.valid_to.is_(None))
    await connection.execute(delete(table).where(*current, table.c.valid_from >= now))
    await connection.execute(update(table).where(*current).values(valid_to=now))


async def _keep_alias(connection: AsyncConnection, alias: Alias, *, first: bool, now: datetime) -> None:
    same = (crosswalk.c.system == alias.system) & (crosswalk.c.external_id == alias.external_id)
    await _succeed(connection, crosswalk, same, now)
    values = alias.model_dump(mode="json", exclude={"valid_from", "valid_to"})
    await connection.execute(insert(crosswalk).values(**values, valid_from=_EPOCH if first else now))
