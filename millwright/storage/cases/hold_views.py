"""Reading a hold whole, with its placements and the number of its claims."""

from collections.abc import Mapping

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.holds import HoldView

HOLD_COLUMNS = """
    h.key, h.system, h.equipment, h.state, h.overruled_at, h.release, h.twin_told, h.test_run,
    (SELECT count(*) FROM hold_claims o WHERE o.hold_key = h.key AND o.dropped_at IS NULL) AS claims,
    (SELECT count(*) FROM hold_claims o WHERE o.hold_key = h.key AND o.dropped_at IS NULL AND o.ready_at IS NULL)
        AS working,
    (SELECT max(o.ready_at) FROM hold_claims o WHERE o.hold_key = h.key AND o.dropped_at IS NULL) AS ready_at,
    (SELECT json_agg(json_build_object('number', p.number, 'plan', p.plan, 'state', p.state,
        'intended_at', p.intended_at, 'intended_by', p.intended_by,
        'accepted_at', p.accepted_at, 'in_effect_at', p.in_effect_at, 'read_at', p.read_at,
        'release_called_at', p.release_called_at) ORDER BY p.number)
        FROM hold_placements p WHERE p.hold_key = h.key) AS placements
"""
"""A hold `h` as `hold_view` reads it."""

HOLD_OF_CASE = f"SELECT {HOLD_COLUMNS} FROM holds h JOIN hold_claims m ON m.hold_key = h.key"
"""What follows says of which claim `m`. Of several holds of a case the last counts."""

_OF_CASE = text(
    f"{HOLD_OF_CASE} WHERE m.case_id = :case ORDER BY m.dropped_at DESC NULLS FIRST, m.claimed_at DESC LIMIT 1"
)
_OF_KEY = text(f"SELECT {HOLD_COLUMNS} FROM holds h WHERE h.key = :key")


def hold_view(row: Mapping[str, object] | RowMapping) -> HoldView:
    """A hold with its placements and the number of its claims, from a row that has them."""
    return HoldView.model_validate(
        {
            **{name: row[name] for name in HoldView.model_fields},
            "placements": row["placements"] or (),
            "ready_at": None if row["working"] else row["ready_at"],
        }
    )


async def hold_by_key(connection: AsyncConnection, key: str) -> HoldView | None:
    """The hold of this key, or None."""
    found = (await connection.execute(_OF_KEY, {"key": key})).mappings().one_or_none()
    return None if found is None else hold_view(found)


async def hold_of_case(connection: AsyncConnection, case: str) -> HoldView | None:
    """The hold that a case claims, else the last one that it claimed; None where it never claimed one."""
    found = (await connection.execute(_OF_CASE, {"case": case})).mappings().one_or_none()
    return None if found is None else hold_view(found)


async def claimed_hold(connection: AsyncConnection, case: str) -> HoldView:
    """The hold of a case that has claimed one.

    Raises:
        LookupError: it never claimed one.
    """
    found = await hold_of_case(connection, case)
    if found is None:
        raise LookupError(f"case {case} has no hold")
    return found
