"""The plant's register in storage: assets, their names elsewhere, and what can be seen of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Table, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.assets import Alias, Observable, PlantRegister
from domain.clock import Clock
from domain.errors import ActRejected
from domain.model import Model
from millwright.storage.cases.case_views import asset_of
from millwright.storage.database.engine import transaction
from millwright.storage.database.ledger_tables import acts
from millwright.storage.database.tables import assets, crosswalk, observables, twin_models
from millwright.storage.ledger import ledger

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ACTS = ("register-imported", "alias-mapped")
"""The acts by which the register changes."""


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
            known = {
                row["id"]: row
                for row in (await connection.execute(select(assets).where(assets.c.valid_to.is_(None)))).mappings()
            }
            new = [asset for asset in register.assets if asset.id not in known or asset_of(known[asset.id]) != asset]
            await _succeed(connection, assets, [{"id": asset.id} for asset in new if asset.id in known], now)
            await _begin(
                connection, assets, [(asset.model_dump(mode="json"), asset.id not in known) for asset in new], now
            )
            names = {
                (row["system"], row["external_id"]): (row["asset"], row["attributes"])
                for row in (
                    await connection.execute(select(crosswalk).where(crosswalk.c.valid_to.is_(None)))
                ).mappings()
            }
            named = [
                alias
                for alias in register.aliases
                if names.get((alias.system, alias.external_id)) != (alias.asset, alias.attributes)
            ]
            await _keep_aliases(
                connection, [(alias, (alias.system, alias.external_id) not in names) for alias in named], now
            )
            if register.observables:
                seen = insert(observables)
                key = [observables.c.machine, observables.c.kind, observables.c.name]
                told = {column.name: column for column in seen.excluded if column.name in Observable.model_fields}
                await connection.execute(
                    seen.on_conflict_do_update(index_elements=key, set_=told),
                    [observable.model_dump(mode="json") for observable in register.observables],
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
                changed=len(new) + len(named),
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
            await _keep_aliases(connection, [(alias, row is None)], now)
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
            last = select(func.coalesce(func.max(acts.c.id), 0)).where(acts.c.kind.in_(_ACTS))
            return str((await connection.execute(last)).scalar_one())

    async def lines(self) -> list[str]:
        """The production lines there are."""
        async with transaction(self._engine) as connection:
            rows = await connection.scalars(
                select(func.distinct(assets.c.line)).where(assets.c.line.is_not(None), assets.c.valid_to.is_(None))
            )
            return sorted(rows)


async def _succeed(
    connection: AsyncConnection, table: Table, ended: Sequence[Mapping[str, str]], now: datetime
) -> None:
    """Ends what was true until now, each by its key; what became true only this instant never was."""
    if not ended:
        return
    same = [table.c[name] == bindparam(f"ended_{name}") for name in ended[0]]
    keys = [{f"ended_{name}": value for name, value in ended_row.items()} for ended_row in ended]
    current = (*same, table.c.valid_to.is_(None))
    await connection.execute(delete(table).where(*current, table.c.valid_from >= now), keys)
    await connection.execute(update(table).where(*current).values(valid_to=now), keys)


async def _begin(
    connection: AsyncConnection, table: Table, begun: Sequence[tuple[Mapping[str, object], bool]], now: datetime
) -> None:
    """Begins rows, each with whether it is the first of its key: such a one has always been true."""
    if begun:
        rows = [{**values, "valid_from": _EPOCH if first else now} for values, first in begun]
        await connection.execute(insert(table), rows)


async def _keep_aliases(connection: AsyncConnection, kept: Sequence[tuple[Alias, bool]], now: datetime) -> None:
    ended = [{"system": alias.system, "external_id": alias.external_id} for alias, first in kept if not first]
    await _succeed(connection, crosswalk, ended, now)
    begun = [(alias.model_dump(mode="json", exclude={"valid_from", "valid_to"}), first) for alias, first in kept]
    await _begin(connection, crosswalk, begun, now)
