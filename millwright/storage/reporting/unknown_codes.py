"""The codes on completed orders that no table of their site has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.code_suggestions import suggest
from domain.model import Model, Moment
from domain.outcomes import CodeSuggestion
from domain.work_orders import FindingRole, ReportedCode
from millwright.storage.cases.recorded_tables import RecordedTables, recorded_tables
from millwright.storage.database.engine import transaction

_STAGE: Final = "stage"
_NEWEST: Final = 3
# The codes of an order that is completed are those that it has now: some come after completion.
_CODES = text(f"""
WITH completed AS (
    SELECT o.case_id, o.outcome, o.found_at, w.system, w.external_id, w.record -> 'report' AS report
    FROM outcomes o JOIN work_orders w ON w.case_id = o.case_id WHERE NOT o.cancelled
), chosen AS (
    SELECT DISTINCT c.case_id, c.outcome, c.found_at, c.system, c.external_id, c.report -> 'notes' AS notes,
        k.code ->> 'role' AS role, k.code ->> 'group' AS grouped, k.code ->> 'code' AS code
    FROM completed c CROSS JOIN LATERAL jsonb_array_elements(c.report -> 'codes') AS k (code)
    UNION ALL SELECT c.case_id, c.outcome, c.found_at, c.system, c.external_id, c.report -> 'notes',
        '{_STAGE}', NULL, c.report ->> 'disposition'
    FROM completed c WHERE c.report ->> 'disposition' IS NOT NULL
)
SELECT system, role, grouped, code, count(*) AS orders, count(*) FILTER (WHERE outcome = 'unknown') AS waiting,
    min(found_at) AS first_at, max(found_at) AS last_at,
    (array_agg(external_id ORDER BY found_at DESC, case_id))[1:{_NEWEST}] AS newest,
    (array_agg(notes ORDER BY found_at DESC, case_id))[1] AS notes
FROM chosen GROUP BY system, role, grouped, code
""")


class UnknownCode(Model):
    """A code that people chose on completed orders, and that no table of their site has.

    Args:
        role: what the code tells: `object_part`, `problem`, `cause`, `remedy`; `stage` where a CMMS has no codes.
        group: the vendor's group or class of the code.
        orders: how many completed orders have it.
        waiting: how many of their cases wait for it.
        first_at: when the first of them was completed, by its CMMS.
        last_at: when the last of them was.
        newest: the numbers of the newest ones.
        suggestions: which known codes the notes on the newest one may mean.
    """

    system: str
    role: str
    group: str | None
    code: str
    orders: int
    waiting: int
    first_at: Moment
    last_at: Moment
    newest: tuple[str, ...]
    suggestions: tuple[CodeSuggestion, ...]


class _CodeRow(NamedTuple):
    system: str
    role: str
    grouped: str | None
    code: str
    orders: int
    waiting: int
    first_at: datetime
    last_at: datetime
    newest: list[str | None]
    notes: list[str] | None


async def unknown_codes(engine: AsyncEngine) -> Sequence[UnknownCode]:
    """The codes for which most cases wait first, then those that are most frequent."""
    async with transaction(engine) as connection:
        tables = await recorded_tables(connection)
        rows = [_CodeRow._make(row) for row in await connection.execute(_CODES)]
    found = [_code(row, own) for row in rows if _unknown(row, own := tables.get(row.system, RecordedTables()))]
    return sorted(found, key=lambda each: (-each.waiting, -each.orders, each.system, each.role, each.code))


def _unknown(row: _CodeRow, tables: RecordedTables) -> bool:
    """Whether a case waits for the code because the table of outcomes does not have it, or no table has it at all."""
    if row.role == _STAGE:
        return bool(row.waiting) and tables.stages is not None and row.code not in tables.stages
    chosen = ReportedCode(role=FindingRole(row.role), group=row.grouped, code=row.code)
    return not (tables.means_a_class(chosen) if row.waiting else tables.means_anything(chosen))


def _code(row: _CodeRow, tables: RecordedTables) -> UnknownCode:
    return UnknownCode(
        system=row.system,
        role=row.role,
        group=row.grouped,
        code=row.code,
        orders=row.orders,
        waiting=row.waiting,
        first_at=row.first_at,
        last_at=row.last_at,
        newest=tuple(order for order in row.newest if order is not None),
        suggestions=suggest(row.notes or (), tables.descriptions),
    )
