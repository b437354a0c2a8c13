"""Gives assets their names in other systems, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.assets import Alias
from domain.crosswalk import CrosswalkReport, NewName
from millwright.storage.database.asset_rows import retired_at
from millwright.storage.database.columns import column_list
from millwright.storage.database.tables import assets, crosswalk
from millwright.storage.events.crosswalk_plan import CrosswalkPlan, plan_names
from millwright.storage.events.register_record import RegisterRows, record_rows
from millwright.storage.ledger import ledger

_ROWS = text(
    f"SELECT {column_list(crosswalk, 'n')} FROM crosswalk n WHERE n.external_id = ANY(:names) OR n.asset = ANY(:assets)"
)


async def give_names(
    connection: AsyncConnection,
    names: Sequence[NewName],
    now: datetime,
    by: str,
    *,
    again: bool = False,
    dry_run: bool = False,
) -> CrosswalkReport:
    """Gives all names, or none if one is refused. The caller has the lock of the register.

    Args:
        connection: within a transaction.
        names: what is asked for.
        now: the present time of the plant.
        by: who gives them.
        again: whether a name that an asset has already is recorded again.
        dry_run: works out what would change, and stores nothing.
    """
    wanted = sorted({name.asset for name in names})
    asked = {"names": sorted({name.external_id for name in names}), "assets": wanted}
    stored = [Alias.model_validate(dict(row)) for row in (await connection.execute(_ROWS, asked)).mappings()]
    known = await _known(connection, wanted)
    plan = plan_names(names, stored, known, now, by, again=again)
    write = not plan.refused and not dry_run
    if write and plan.changed:
        await _write(connection, plan, now, by)
    return CrosswalkReport(
        unchanged=len(names) - len(plan.changed) - len(plan.refused),
        changed=plan.changed,
        refused=plan.refused,
        stored=write,
    )


async def _known(connection: AsyncConnection, wanted: Sequence[str]) -> Mapping[str, datetime | None]:
    there = await connection.scalars(select(assets.c.id).where(assets.c.id.in_(wanted)).distinct())
    retired = await retired_at(connection, wanted)
    return {asset: retired.get(asset) for asset in there}


async def _write(connection: AsyncConnection, plan: CrosswalkPlan, now: datetime, by: str) -> None:
    key = (
        crosswalk.c.system == bindparam("of_system"),
        crosswalk.c.external_id == bindparam("of_name"),
        crosswalk.c.valid_from == bindparam("of_beginning"),
    )
    if plan.deleted:
        gone = [{"of_system": system, "of_name": name, "of_beginning": since} for system, name, since in plan.deleted]
        await connection.execute(delete(crosswalk).where(*key), gone)
    if plan.ended:
        ends = [
            {"of_system": row.system, "of_name": row.external_id, "of_beginning": row.valid_from, "ends": row.valid_to}
            for row in plan.ended
        ]
        await connection.execute(update(crosswalk).where(*key).values(valid_to=bindparam("ends")), ends)
    await connection.execute(insert(crosswalk), [alias.model_dump() for alias in plan.begun])
    entry = ledger.Entry(now)
    entry.add(*(ledger.act("alias-mapped", f"asset/{row.asset}", by, now, {"alias": row}) for row in plan.begun))
    touched = {(row.system, row.external_id) for row in plan.begun}
    touched |= {(row.system, row.external_id) for row in plan.ended}
    ends_at = {row.valid_to for row in plan.ended} | {row.valid_to for row in plan.begun if row.valid_to is not None}
    await record_rows(connection, entry, by, RegisterRows(names=sorted(touched), ends=sorted(ends_at)))
    await ledger.append(connection, entry)
