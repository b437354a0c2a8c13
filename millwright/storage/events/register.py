"""The plant's register in storage: assets, their names elsewhere, and what can be seen of them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from operator import itemgetter
from typing import TypeVar

from sqlalchemy import RowMapping, Table, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.assets import Alias, Observable, PlantRegister, Retirement
from domain.clock import Clock
from domain.crosswalk import CrosswalkReport, NewName
from domain.errors import ActRejected
from domain.model import Model
from domain.unreadable import UnreadableRecord
from millwright.storage.cases.case_views import asset_of
from millwright.storage.cases.unreadable import keep_unreadable, settle_all_but
from millwright.storage.database.asset_rows import end_rows
from millwright.storage.database.engine import transaction
from millwright.storage.database.ledger_tables import acts
from millwright.storage.database.tables import assets, crosswalk, observables, twin_models
from millwright.storage.events.crosswalk_changes import give_names
from millwright.storage.events.crosswalk_plan import EPOCH
from millwright.storage.events.register_record import RegisterRows, record_rows
from millwright.storage.events.retirement import RETIRED, RetirementReport, retire_assets
from millwright.storage.ledger import ledger

_TWINS = "digital_twins"
_ACTS = ("register-imported", "alias-mapped", RETIRED)
"""The acts by which the register changes."""
# One change at a time: an import brings back no asset that is being retired.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('register', 2))")
_K = TypeVar("_K")
_ID: Callable[[RowMapping], str] = itemgetter("id")
_NAME: Callable[[RowMapping], tuple[str, str]] = itemgetter("system", "external_id")


class ImportReport(Model):
    """What an import changed.

    Args:
        missing: the assets in force that the import lacks. They stay in force: an import may be partial.
        returned: the retired assets that the import has again. They begin anew.
        unreadable: the twins that could not be read. What the register knew of them stays.
    """

    assets: int
    aliases: int
    observables: int
    changed: int
    missing: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    unreadable: tuple[UnreadableRecord, ...] = ()


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

        Nothing is deleted or ended: an asset that the import lacks keeps its row, its rules and its history, and is
        named in the report. A retired asset that the import has begins anew.
        """
        async with transaction(self._engine) as connection:
            await connection.execute(_LOCK)
            now = self._clock.now()
            known, past = _split((await connection.execute(select(assets))).mappings(), _ID)
            new = [asset for asset in register.assets if (row := known.get(asset.id)) is None or asset_of(row) != asset]
            returned = sorted(asset.id for asset in new if asset.id in past and asset.id not in known)
            await end_rows(connection, assets, [{"id": asset.id} for asset in new if asset.id in known], now)
            rows = [(asset.model_dump(mode="json"), asset.id not in past) for asset in new]
            await _begin(connection, assets, rows, now)
            names, former = _split((await connection.execute(select(crosswalk))).mappings(), _NAME)
            named = [
                alias
                for alias in register.aliases
                if (there := names.get((alias.system, alias.external_id))) is None
                or (there["asset"], there["attributes"]) != (alias.asset, alias.attributes)
            ]
            first = [(alias, (alias.system, alias.external_id) not in former) for alias in named]
            await _keep_aliases(connection, first, now)
            seen = await _keep_observables(connection, register.observables)
            models = await _keep_models(connection, register.models)
            unread = {record.record for record in register.unreadable}
            report = ImportReport(
                assets=len(register.assets),
                aliases=len(register.aliases),
                observables=len(register.observables),
                changed=len(new) + len(named),
                missing=tuple(sorted(known.keys() - {asset.id for asset in register.assets} - unread)),
                returned=tuple(returned),
                unreadable=register.unreadable,
            )
            entry = ledger.Entry(now)
            await settle_all_but(connection, _TWINS, unread, entry)
            await keep_unreadable(connection, register.unreadable, entry, by)
            # A partial import may lack the whole plant: the record says how many.
            counts = dict(report) | {"missing": len(report.missing), "returned": len(returned)}
            counts["unreadable"] = len(register.unreadable)
            entry.add(ledger.act("register-imported", "register", by, now, counts))
            entry.add(*(ledger.act("asset-returned", f"asset/{asset}", by, now, {}) for asset in returned))
            written = RegisterRows(
                [asset.id for asset in new], [(alias.system, alias.external_id) for alias in named], seen, models
            )
            await record_rows(connection, entry, by, written)
            await ledger.append(connection, entry)
        return report

    async def map_alias(self, alias: Alias, by: str) -> None:
        """Gives an asset a name in another system, from now on. In a CMMS or MES it replaces the asset's other name.

        Raises:
            ActRejected: there is no such asset, or it was retired.
        """
        told = {"asset", "system", "external_id", "attributes"}
        name = NewName.model_validate(alias.model_dump(include=told))
        async with transaction(self._engine) as connection:
            await connection.execute(_LOCK)
            report = await give_names(connection, [name], self._clock.now(), by, again=True)
        for refused in report.refused:
            raise ActRejected(refused.problem, field=refused.field, fix=refused.fix)

    async def map_names(self, names: Sequence[NewName], by: str, *, dry_run: bool) -> CrosswalkReport:
        """Gives assets their names in other systems: all of them, or none if one is refused.

        Args:
            names: at most `MOST_NAMES`.
            by: who gives them.
            dry_run: works out what would change, and stores nothing.
        """
        async with transaction(self._engine) as connection:
            await connection.execute(_LOCK)
            return await give_names(connection, names, self._clock.now(), by, dry_run=dry_run)

    async def retire(self, named: Collection[str], by: str, reason: str) -> RetirementReport:
        """Ends assets that have left the plant, with everything below them, and calls off the work on them.

        Raises:
            ActRejected: an asset is unknown, retired already or held, or nobody says why; nothing was changed.
        """
        async with transaction(self._engine) as connection:
            await connection.execute(_LOCK)
            return await retire_assets(connection, self._clock, named, by, reason)

    async def read(self) -> PlantRegister:
        """The register with all its past, as intake resolves by it."""
        async with transaction(self._engine) as connection:
            in_order = select(assets).order_by(assets.c.id, assets.c.valid_from)
            rows = (await connection.execute(in_order)).mappings().all()
            aliases = tuple(
                Alias.model_validate(dict(row)) for row in (await connection.execute(select(crosswalk))).mappings()
            )
            seen = tuple(
                Observable.model_validate(dict(row))
                for row in (await connection.execute(select(observables))).mappings()
            )
            models = {row.id: row.contents for row in await connection.execute(select(twin_models))}
        return PlantRegister(
            assets=tuple(asset_of(row) for row in rows if row["valid_to"] is None),
            aliases=aliases,
            observables=seen,
            retired=tuple(_retirements(rows)),
            models=models,
        )

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


def _split(rows: Iterable[RowMapping], key: Callable[[RowMapping], _K]) -> tuple[dict[_K, RowMapping], set[_K]]:
    """The rows in force by their keys, and the keys of all rows."""
    keyed = [(key(row), row) for row in rows]
    return {its: row for its, row in keyed if row["valid_to"] is None}, {its for its, _ in keyed}


def _retirements(rows: Sequence[RowMapping]) -> Iterator[Retirement]:
    """The assets of which no row is in force, as they were last.

    Args:
        rows: every row, each asset's in the order of time.
    """
    for row, following in zip_longest(rows, rows[1:]):
        last = following is None or following["id"] != row["id"]
        if last and row["valid_to"] is not None:
            yield Retirement(asset=asset_of(row), at=row["valid_to"])


async def _begin(
    connection: AsyncConnection, table: Table, begun: Sequence[tuple[Mapping[str, object], bool]], now: datetime
) -> None:
    """Begins rows, each with whether it is the first of its key: such a one has always been true."""
    if begun:
        rows = [{**values, "valid_from": EPOCH if first else now} for values, first in begun]
        await connection.execute(insert(table), rows)


async def _keep_observables(connection: AsyncConnection, told: Sequence[Observable]) -> Sequence[Mapping[str, object]]:
    """Keeps observables; gives the rows of those that are new or changed."""
    stored = {
        Observable.model_validate(dict(row)) for row in (await connection.execute(select(observables))).mappings()
    }
    rows = [observable.model_dump(mode="json") for observable in told if observable not in stored]
    if rows:
        new = insert(observables)
        key = [observables.c.machine, observables.c.kind, observables.c.name]
        values = {column.name: column for column in new.excluded if column.name in Observable.model_fields}
        await connection.execute(new.on_conflict_do_update(index_elements=key, set_=values), rows)
    return rows


async def _keep_models(
    connection: AsyncConnection, told: Mapping[str, Mapping[str, str]]
) -> Mapping[str, Mapping[str, str]]:
    """Keeps the contents of twin models; gives those that are new or changed."""
    stored = {row.id: row.contents for row in await connection.execute(select(twin_models))}
    changed = {model: contents for model, contents in told.items() if stored.get(model) != contents}
    for model, contents in changed.items():
        await connection.execute(
            insert(twin_models)
            .values(id=model, contents=contents)
            .on_conflict_do_update(index_elements=[twin_models.c.id], set_={"contents": contents})
        )
    return changed


async def _keep_aliases(connection: AsyncConnection, kept: Sequence[tuple[Alias, bool]], now: datetime) -> None:
    ended = [{"system": alias.system, "external_id": alias.external_id} for alias, first in kept if not first]
    await end_rows(connection, crosswalk, ended, now)
    begun = [(alias.model_dump(mode="json", exclude={"valid_from", "valid_to"}), first) for alias, first in kept]
    await _begin(connection, crosswalk, begun, now)
