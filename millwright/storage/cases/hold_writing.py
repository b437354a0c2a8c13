"""A transaction on holds, with its acts for the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.canonical import canonical
from domain.holds import HoldStatus, Release
from domain.keys import case_workflow_id
from domain.machine_test_runs import MachineTestRun
from millwright.storage.database.hold_tables import hold_claims, holds
from millwright.storage.database.live_holds import LIVE
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due

ACTOR = "millwright"


@dataclass(frozen=True, slots=True)
class HoldWriting:
    """A transaction on holds. It collects acts for the ledger, under the case whose key is the hold's key."""

    connection: AsyncConnection
    now: datetime
    entry: ledger.Entry

    def act(self, kind: str, case: str, actor: str = ACTOR, **detail: object) -> None:
        self.entry.add(ledger.act(kind, case_workflow_id(case), actor, self.now, detail))

    async def keep_run(self, key: str, run: MachineTestRun) -> None:
        """Stores the test run of a hold as an act of this transaction tells it."""
        await self.connection.execute(
            update(holds).where(holds.c.key == key).values(test_run=orjson.loads(canonical(run)))
        )

    async def drop_claims(self, key: str, cases: Sequence[str]) -> None:
        """Drops the claims of cases that another one answers for, and wakes them to close."""
        await self.connection.execute(
            update(hold_claims)
            .where(hold_claims.c.hold_key == key, hold_claims.c.case_id.in_(cases))
            .values(dropped_at=self.now)
        )
        for case in cases:
            self.act("hold-dropped", case, hold=key)
        await due.wake(self.connection, [case_workflow_id(case) for case in cases], self.now)

    async def end(
        self, key: str, status: HoldStatus, reason: str | None, release: Release | None = None, **more: object
    ) -> bool:
        """Ends a hold and drops its claims; returns whether it was live. `release` and `more` are stored in the act."""
        values: dict[str, object] = {"state": status.value, "ended_at": self.now, "reason": reason}
        ended = await self.connection.execute(
            update(holds).where(holds.c.key == key, holds.c.state.in_(LIVE)).values(**values)
        )
        if not ended.rowcount:
            return False
        await self.connection.execute(
            update(hold_claims)
            .where(hold_claims.c.hold_key == key, hold_claims.c.dropped_at.is_(None))
            .values(dropped_at=self.now)
        )
        self.act(f"hold-{status.value}", key, ACTOR, hold=key, reason=reason, release=release, **more)
        return True
