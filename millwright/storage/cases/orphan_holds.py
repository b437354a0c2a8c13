"""Holds in storage that nobody answers for; see `domain.orphan_holds.HoldRecord`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.cases import Lane
from domain.casework import Waits
from domain.orphan_holds import EndedPlacement, FoundOrphans, OrphanHold
from domain.walk_downs import LIVE_WALK_DOWNS
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.database.engine import unbound
from millwright.storage.database.live_holds import LIVE_STATES

SWEEP: Final = "sweep-holds"
"""What a closed case waits for whose hold nobody answers for."""
_WALKED = f"({', '.join(repr(state.value) for state in LIVE_WALK_DOWNS)})"
_ADRIFT = text(f"""
SELECT h.key, h.system, h.equipment, 'it is live here, and no open case asks for it' AS problem FROM holds h
WHERE h.state IN {LIVE_STATES} AND NOT EXISTS (SELECT FROM hold_claims c JOIN cases k ON k.id = c.case_id
    WHERE c.hold_key = h.key AND c.dropped_at IS NULL AND k.closed_at IS NULL)
UNION ALL
SELECT h.key, h.system, h.equipment, 'case ' || c.case_id || ' asks for it, and it has ended here as ' || h.state
FROM hold_claims c JOIN holds h ON h.key = c.hold_key WHERE c.dropped_at IS NULL AND h.state NOT IN {LIVE_STATES}
ORDER BY 1, 4
""")
_LIVE_KEYS = text(
    f"SELECT key FROM holds WHERE state IN {LIVE_STATES} UNION SELECT key FROM walk_downs WHERE state IN {_WALKED}"
)
_IS_LIVE_ON = text(
    f"SELECT EXISTS (SELECT FROM holds WHERE state IN {LIVE_STATES} AND system = :system AND equipment = :equipment) "
    f"OR EXISTS (SELECT FROM walk_downs WHERE state IN {_WALKED} AND system = :system AND equipment = :equipment)"
)
_ENDED = text("""
SELECT plan, state FROM (
    SELECT DISTINCT ON (h.equipment, p.receiver, p.job) p.plan, p.state, p.ended_at
    FROM hold_placements p JOIN holds h ON h.key = p.hold_key WHERE h.system = :system
    ORDER BY h.equipment, p.receiver, p.job, p.intended_at DESC) n
WHERE state IN ('released', 'void') AND ended_at >= :since
""")
_TOLD = text(
    "SELECT c.id, c.waiting_for, h.system FROM cases c LEFT JOIN holds h ON h.key = c.id "
    "WHERE c.waiting_step = :step AND c.closed_at IS NOT NULL"
)
# A closed case may wait for a person to say what was found. That wait is not replaced.
_CLOSED = text(
    "SELECT id FROM cases WHERE id = ANY(:keys) AND closed_at IS NOT NULL "
    "AND (waiting_step IS NULL OR waiting_step = :step)"
)


class _ToldRow(NamedTuple):
    id: str
    waiting_for: str | None
    system: str | None


class OrphanHoldStore:
    """The holds in PostgreSQL, as a comparison with the MES reads them.

    Args:
        engine: the database.
        cases: the cases, which tell people.
    """

    def __init__(self, engine: AsyncEngine, cases: CaseStore) -> None:
        self._engine = engine
        self._cases = cases

    async def adrift(self) -> Sequence[OrphanHold]:
        async with unbound(self._engine) as connection:
            return [OrphanHold.model_validate(dict(row)) for row in (await connection.execute(_ADRIFT)).mappings()]

    async def live_keys(self) -> frozenset[str]:
        async with unbound(self._engine) as connection:
            return frozenset(await connection.scalars(_LIVE_KEYS))

    async def is_live_on(self, system: str, equipment: str) -> bool:
        async with unbound(self._engine) as connection:
            return bool(await connection.scalar(_IS_LIVE_ON, {"system": system, "equipment": equipment}))

    async def ended_placements(self, system: str, since: datetime) -> Sequence[EndedPlacement]:
        async with unbound(self._engine) as connection:
            rows = (await connection.execute(_ENDED, {"system": system, "since": since})).mappings()
            return [EndedPlacement.model_validate(dict(row)) for row in rows]

    async def tell(self, found: FoundOrphans) -> Sequence[OrphanHold]:
        async with unbound(self._engine) as connection:
            rows = await connection.execute(_TOLD, {"step": SWEEP})
            told = {row.id: row for row in map(_ToldRow._make, rows)}
            keys = {"keys": [orphan.key for orphan in found.orphans], "step": SWEEP}
            closed = set(await connection.scalars(_CLOSED, keys))
        wanted = {orphan.key: orphan for orphan in found.orphans if orphan.key in closed}
        for case in told.keys() - wanted.keys():
            if told[case].system not in found.unanswered:
                await self._cases.resume(case)
        news = [orphan for key, orphan in wanted.items() if key not in told or told[key].waiting_for != _asked(orphan)]
        for orphan in news:
            await self._cases.wait(orphan.key, Waits(SWEEP, _asked(orphan), lane=Lane.OPERATIONS))
        return news


def _asked(orphan: OrphanHold) -> str:
    return f"operations to look at hold {orphan.words}; a person releases it in the MES if it is not needed"
