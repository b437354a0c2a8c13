"""A hold that waits for its release passes to a new case of the same fault."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.holds import HoldStatus
from domain.keys import case_workflow_id
from domain.verdict import Rung
from millwright.storage.cases.claim_grounds import check_take_over
from millwright.storage.cases.hold_locks import lock_hold
from millwright.storage.cases.hold_writing import ACTOR
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due

_AWAITING = text(
    "SELECT h.key FROM cases c JOIN cases o ON o.asset = c.asset AND o.failure_mode = c.failure_mode "
    "JOIN hold_claims m ON m.case_id = o.id AND m.dropped_at IS NULL JOIN holds h ON h.key = m.hold_key "
    "WHERE c.id = :case AND c.rung >= :orders AND o.id <> c.id AND o.closed_as IS NOT NULL AND o.closed_at IS NULL "
    # A case claims at most one hold. If its machine now has another name in the MES, the earlier case keeps its claim.
    "AND NOT EXISTS (SELECT FROM hold_claims x WHERE x.case_id = c.id AND x.dropped_at IS NULL "
    "AND x.hold_key <> h.key) FOR UPDATE OF h"
)
_TAKE_OVER = text(
    "UPDATE hold_claims m SET dropped_at = :now FROM cases o, cases c WHERE m.hold_key = :key AND m.dropped_at IS NULL "
    "AND o.id = m.case_id AND c.id = :case AND o.id <> c.id AND o.asset = c.asset "
    "AND o.failure_mode = c.failure_mode AND o.closed_as IS NOT NULL RETURNING m.case_id"
)
_CLAIM = text(
    "INSERT INTO hold_claims (hold_key, case_id, claimed_at) VALUES (:key, :case, :now) ON CONFLICT DO NOTHING"
)


class _CaseRow(NamedTuple):
    case_id: str


async def take_over(connection: AsyncConnection, case: str, now: datetime, entry: ledger.Entry) -> None:
    """Passes the claim of an earlier case of the same fault to this case, if the earlier one waits for the release and
    this case asks for an order.

    Then production cannot release the machine before this case's work is done too. The earlier case is woken to close.

    Raises:
        ActionRequired: in the record this case asks for no order.
    """
    key = await connection.scalar(_AWAITING, {"case": case, "orders": int(Rung.DRAFT)})
    if key is None or (await lock_hold(connection, key)).state != HoldStatus.ASKED:
        return
    await check_take_over(connection, case)
    values = {"case": case, "key": key, "now": now}
    passed = [_CaseRow._make(row).case_id for row in await connection.execute(_TAKE_OVER, values)]
    if not passed:
        return
    await connection.execute(_CLAIM, values)
    for earlier in passed:
        detail: dict[str, object] = {"hold": key, "from": earlier, "to": case}
        entry.add(ledger.act("hold-passed", case_workflow_id(case), ACTOR, now, detail))
    await due.wake(connection, [case_workflow_id(earlier) for earlier in passed], now)
