"""The end of assets that have left the plant: of their rows and names, and of the open work on them."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.approvals import one_line
from domain.assets import MES_SYSTEM, retired_words
from domain.clock import Clock
from domain.errors import ActRejected
from domain.keys import case_workflow_id
from domain.model import Model, Moment
from millwright.storage.database.asset_rows import end_rows, retired_at
from millwright.storage.database.live_holds import LIVE
from millwright.storage.database.tables import assets, crosswalk
from millwright.storage.events.register_record import RegisterRows, record_rows
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due

RETIRED: Final = "asset-retired"
"""The act by which an asset is retired."""

_BELOW = text(
    "WITH RECURSIVE below AS (SELECT id FROM assets WHERE valid_to IS NULL AND (id = ANY(:named) "
    "OR machine = ANY(:named) OR line = ANY(:named) OR site = ANY(:named)) "
    "UNION SELECT a.id FROM assets a JOIN below b ON a.parent = b.id WHERE a.valid_to IS NULL) "
    "SELECT id FROM below ORDER BY id"
)
# Whoever judges a line has it to itself: no case is opened or fed by what was read before the retirement. Of an asset
# that was moved, events may wait at the line on which it stood.
_TAKE_LINES = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(l.line, 0)) FROM (SELECT DISTINCT line FROM assets "
    "WHERE line IS NOT NULL AND (id = ANY(:assets) OR id IN (SELECT machine FROM assets WHERE id = ANY(:assets))) "
    "ORDER BY line) l"
)
_LOCK_ASSETS = text("SELECT id FROM assets WHERE id = ANY(:assets) AND valid_to IS NULL ORDER BY id FOR UPDATE")
# A claim of a hold refers to its case: while these are locked no further one is made.
_LOCK_CASES = text(
    "SELECT id, asset, closed_as IS NULL AS open FROM cases "
    "WHERE closed_at IS NULL AND (asset = ANY(:assets) OR machine = ANY(:assets)) ORDER BY id FOR UPDATE"
)
# By a case of the machine that claimed it, else by the machine's name in the MES.
_HOLDS = text(
    "SELECT h.key, h.equipment, coalesce("
    "(SELECT min(c.machine) FROM hold_claims m JOIN cases c ON c.id = m.case_id "
    "WHERE m.hold_key = h.key AND c.machine = ANY(:assets)), "
    "(SELECT min(n.asset) FROM crosswalk n WHERE n.external_id = h.equipment AND n.asset = ANY(:assets) "
    "AND n.system IN (:mes, :mes || ':' || h.system) AND n.valid_to IS NULL)) AS asset "
    "FROM holds h WHERE h.state = ANY(:live) ORDER BY h.key"
)
_NAMES = text(
    "SELECT asset, system, external_id FROM crosswalk WHERE asset = ANY(:assets) AND valid_to IS NULL "
    "ORDER BY asset, system, external_id"
)
_CALL_OFF = text("UPDATE cases SET withdraw = :words WHERE id = :case")


class RetirementReport(Model):
    """What a retirement ended: the assets, and the open cases whose work it called off."""

    at: Moment
    assets: tuple[str, ...]
    cases: tuple[str, ...]


class _IdRow(NamedTuple):
    id: str


class _CaseRow(NamedTuple):
    id: str
    asset: str
    open: bool


class _HoldRow(NamedTuple):
    key: str
    equipment: str
    asset: str | None


class _NameRow(NamedTuple):
    asset: str
    system: str
    external_id: str


async def retire_assets(
    connection: AsyncConnection, clock: Clock, named: Collection[str], by: str, reason: str
) -> RetirementReport:
    """Ends assets with everything below them, and calls off the work on them; ends the transaction.

    Of each open case the work is withdrawn by the case's own steps, where nobody has touched or approved it.

    Raises:
        ActRejected: an asset is unknown, retired already or held, or nobody says why.
    """
    who, why = one_line(by), one_line(reason)
    if not who:
        raise ActRejected("is empty", field="by", fix="say who retires it")
    if not why:
        raise ActRejected("is empty", field="reason", fix="say why it has left the plant")
    found = await connection.execute(_BELOW, {"named": sorted(named)})
    ids = {"assets": [_IdRow._make(row).id for row in found]}
    await connection.execute(_TAKE_LINES, ids)
    ended = [_IdRow._make(row).id for row in await connection.execute(_LOCK_ASSETS, ids)]
    await _refuse_gone(connection, sorted(set(named) - set(ended)))
    cases = [_CaseRow._make(row) for row in await connection.execute(_LOCK_CASES, ids)]
    await _refuse_held(connection, ended)
    now = clock.now()
    entry = ledger.Entry(now)
    names = [_NameRow._make(row) for row in await connection.execute(_NAMES, {"assets": ended})]
    await end_rows(connection, assets, [{"id": asset} for asset in ended], now)
    named_there = [{"system": name.system, "external_id": name.external_id} for name in names]
    await end_rows(connection, crosswalk, named_there, now)
    by_asset: dict[str, list[list[str]]] = {asset: [] for asset in ended}
    for name in names:
        by_asset[name.asset].append([name.system, name.external_id])
    for asset, own in by_asset.items():
        entry.add(ledger.act(RETIRED, f"asset/{asset}", who, now, {"reason": why, "names": own}))
    await record_rows(connection, entry, who, RegisterRows(ended, [(name.system, name.external_id) for name in names]))
    called_off = [case for case in cases if case.open and case.asset in by_asset]
    for case in called_off:
        words = f"{retired_words(case.asset, now)} by {who}: {why}"
        await connection.execute(_CALL_OFF, {"case": case.id, "words": words})
        entry.add(ledger.act("case-called-off", case_workflow_id(case.id), who, now, {"reason": words}))
    await due.wake(connection, [case_workflow_id(case.id) for case in called_off], now)
    await ledger.append(connection, entry)
    return RetirementReport(at=now, assets=tuple(ended), cases=tuple(case.id for case in called_off))


async def _refuse_gone(connection: AsyncConnection, absent: Sequence[str]) -> None:
    if not absent:
        return
    left = await retired_at(connection, absent)
    unknown = [asset for asset in absent if asset not in left]
    if unknown:
        raise ActRejected(f"there is no asset {unknown[0]}", field="asset", fix="see `millwright assets list`")
    raise ActRejected(retired_words(absent[0], left[absent[0]]), field="asset", fix="leave it out")


async def _refuse_held(connection: AsyncConnection, ended: Sequence[str]) -> None:
    values = {"assets": list(ended), "mes": MES_SYSTEM, "live": LIVE}
    for hold in map(_HoldRow._make, await connection.execute(_HOLDS, values)):
        if hold.asset is not None:
            raise ActRejected(
                f"{hold.asset} is held: hold {hold.key} keeps {hold.equipment} from running",
                field="asset",
                fix=f"production must release it first: `millwright hold release {hold.key}`",
            )
