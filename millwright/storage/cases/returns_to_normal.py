"""What is proved of a fault: that it returned to normal before its work, and whether completed work helped."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.canonical import canonical
from domain.clock import Clock
from domain.errors import ActionRequired, ActRejected
from domain.keys import case_workflow_id
from domain.return_to_normal import (
    LOOK_BACK,
    MachineTime,
    NormalLook,
    NormalProof,
    NormalTerms,
    Recurrence,
    ReturnToNormal,
    SeenFault,
    Verification,
    VerificationState,
    normal_proof,
    seen_again,
    verification_standing,
)
from domain.verdict import Rung
from domain.work_orders import WorkOrderRecord, WorkOrderStatus
from millwright.storage.cases.judged_readings import judged_readings
from millwright.storage.cases.rework import ReworkGround, open_rework
from millwright.storage.database.engine import transaction
from millwright.storage.database.live_holds import LIVE_STATES
from millwright.storage.ledger import ledger
from millwright.storage.operating.machine_spells import machine_spells
from millwright.storage.scheduling import due

_ACTOR: Final = "millwright"
_WORK = text(
    f"""
    SELECT c.asset, c.failure_mode, c.machine, c.event_at, c.version, c.closed_as, c.withdraw, c.normal,
        c.decision IS NOT NULL AS decided, w.record, coalesce(w.notes, '{{}}') AS notes,
        EXISTS (SELECT FROM hold_claims m JOIN holds h ON h.key = m.hold_key
            WHERE m.case_id = c.id AND m.dropped_at IS NULL AND h.state IN {LIVE_STATES}) AS held
    FROM cases c LEFT JOIN work_orders w ON w.case_id = c.id WHERE c.id = :case FOR UPDATE OF c
    """
)
# As judging has it, so that no case of the fault is opened meanwhile.
_TAKE_LINE = text("SELECT pg_advisory_xact_lock(hashtextextended(line, 0)) FROM cases WHERE id = :case")
_DONE = text(
    "SELECT asset, failure_mode, machine, event_at, version, closed_at, verification FROM cases "
    "WHERE id = :case AND closed_at IS NOT NULL AND closed_as = 'done' FOR UPDATE"
)
# The cases of the fault that were opened later: the rework of this one, or else the newest that was not withdrawn.
_LATER = text(
    "SELECT o.id, o.closed_as, o.rework ->> 'case' AS rework_of FROM cases c JOIN cases o "
    "ON (o.asset, o.failure_mode) = (c.asset, c.failure_mode) AND o.id <> c.id AND o.opened_at > c.opened_at "
    "WHERE c.id = :case AND (o.closed_as IS DISTINCT FROM 'withdrawn' OR o.rework ->> 'case' = c.id) "
    "ORDER BY o.rework ->> 'case' = c.id DESC NULLS LAST, o.closed_as IS NULL DESC, o.opened_at DESC LIMIT 1"
)
_FAULT = "v.role = 'active' AND v.asset = :asset AND v.failure_mode = :mode"
# Also of verdicts that were revised since: what once was not ignored begins the time anew.
_BROKEN = text(f"SELECT max(v.at) AS at FROM verdicts v WHERE {_FAULT} AND v.at >= :since AND v.rung > 0")
_SIGNALS = text(
    "SELECT DISTINCT coalesce(nullif(e.anomaly->>'signal', ''), e.anomaly->>'detector') AS signal FROM verdicts v "
    f"JOIN events e ON e.id = v.event_id WHERE {_FAULT} AND v.at >= :since AND v.rung > 0 "
    "AND e.anomaly->>'kind' = 'deviation'"
)
# What a shelf or window holds back does not act, and neither does what came too late.
_AGAIN = text(
    "SELECT n.at FROM (SELECT DISTINCT ON (v.event_id) v.event_id, v.at, v.rung FROM verdicts v "
    f"WHERE {_FAULT} AND v.at > :since AND v.at <= :now AND v.memory <> '' ORDER BY v.event_id, v.id DESC) n "
    f"WHERE n.rung >= {int(Rung.INSPECT)} AND (SELECT s.how FROM suppressed s WHERE s.event_id = n.event_id "
    "ORDER BY s.id DESC LIMIT 1) IS DISTINCT FROM 'held_back' ORDER BY n.at"
)
_KEEP_NORMAL = text("UPDATE cases SET normal = cast(:normal AS jsonb) WHERE id = :case")
_CALL_OFF = text("UPDATE cases SET withdraw = :reason WHERE id = :case")
_KEEP_VERIFICATION = text("UPDATE cases SET verification = cast(:verification AS jsonb) WHERE id = :case")
_KINDS: Final = {
    VerificationState.VERIFIED: "work-verified",
    VerificationState.NOT_VERIFIED: "work-not-verified",
    VerificationState.DID_NOT_HELP: "work-did-not-help",
}


class _Fault(NamedTuple):
    asset: str
    failure_mode: str
    machine: str


class _WorkRow(NamedTuple):
    asset: str
    failure_mode: str
    machine: str
    event_at: datetime
    version: str
    closed_as: str | None
    withdraw: str | None
    normal: object
    decided: bool
    record: object
    notes: list[str]
    held: bool

    @property
    def untouched_draft(self) -> bool:
        """Whether there is no order yet, or only one of ours that waits for approval. The CMMS knows whether people
        have touched it."""
        if self.record is None:
            return True
        order = WorkOrderRecord.model_validate(self.record)
        return order.status is WorkOrderStatus.WAITING_APPROVAL and not order.of_a_person


class _DoneRow(NamedTuple):
    asset: str
    failure_mode: str
    machine: str
    event_at: datetime
    version: str
    closed_at: datetime
    verification: object


class _LaterRow(NamedTuple):
    id: str
    closed_as: str | None
    rework_of: str | None


class _AgainRow(NamedTuple):
    at: datetime


class _SignalRow(NamedTuple):
    signal: str


class NormalStore:
    """See `domain.return_to_normal.NormalStore`.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def look(self, case: str, terms: NormalTerms) -> NormalLook:
        async with transaction(self._engine) as connection:
            now = self._clock.now()
            row = _WorkRow._make((await connection.execute(_WORK, {"case": case})).one())
            normal = None if row.normal is None else ReturnToNormal.model_validate(row.normal)
            if row.closed_as is not None or row.held:
                return NormalLook(normal, row.withdraw)
            looking = _Looking(connection, case, _Fault(row.asset, row.failure_mode, row.machine), terms, now)
            if normal is not None and (await looking.again(normal.proof.since)).times:
                normal = None
                await connection.execute(_KEEP_NORMAL, {"case": case, "normal": None})
                looking.act("fault-returned")
            if normal is None:
                normal = await looking.normal(row)
            withdraw = row.withdraw
            if normal is not None and withdraw is None and _may_be_called_off(case, row):
                withdraw = f"its signal was {normal.words}"
                await connection.execute(_CALL_OFF, {"case": case, "reason": withdraw})
                looking.act("case-not-needed", reason=withdraw)
            await ledger.append(connection, looking.entry)
            return NormalLook(normal, withdraw)

    async def verify(self, case: str, terms: NormalTerms, within: timedelta) -> datetime | None:
        async with transaction(self._engine) as connection:
            now = self._clock.now()
            await connection.execute(_TAKE_LINE, {"case": case})
            found = (await connection.execute(_DONE, {"case": case})).one_or_none()
            if found is None:
                return None
            row = _DoneRow._make(found)
            known = None if row.verification is None else Verification.model_validate(row.verification)
            if known is not None and known.state is not VerificationState.VERIFIED:
                return None
            looking = _Looking(connection, case, _Fault(row.asset, row.failure_mode, row.machine), terms, now)
            next_at = await looking.verify(row, known, within)
            await ledger.append(connection, looking.entry)
            return next_at


def _may_be_called_off(case: str, row: _WorkRow) -> bool:
    """Whether the work of a case may be called off because its fault returned to normal: once, as the note on its order
    tells that it was."""
    told = any(note.startswith(f"{case}-doubt-") for note in row.notes)
    return row.untouched_draft and not row.decided and not told


class _Looking:
    """One look at a fault, in its transaction, with the acts for the ledger."""

    def __init__(
        self, connection: AsyncConnection, case: str, fault: _Fault, terms: NormalTerms, now: datetime
    ) -> None:
        self._connection = connection
        self._case = case
        self._fault = fault
        self._terms = terms
        self._now = now
        self.entry = ledger.Entry(now)

    def act(self, kind: str, **detail: object) -> None:
        self.entry.add(ledger.act(kind, case_workflow_id(self._case), _ACTOR, self._now, detail))

    async def again(self, since: datetime) -> Recurrence:
        """The events after a time that asked for a case."""
        rows = await self._connection.execute(_AGAIN, {**self._asked(since), "now": self._now})
        return Recurrence([_AgainRow._make(row).at for row in rows])

    async def normal(self, row: _WorkRow) -> ReturnToNormal | None:
        """Proves that the fault has returned to normal, and keeps it; None if it is not proved."""
        since = max(row.event_at, self._now - LOOK_BACK)
        proof = normal_proof(await self._seen(since, row.event_at), self._terms, await self._time(since))
        if proof is None:
            return None
        normal = ReturnToNormal(proof=proof, version=row.version, at=self._now)
        await self._connection.execute(_KEEP_NORMAL, {"case": self._case, "normal": canonical(normal).decode()})
        self.act("fault-normal", normal=normal)
        return normal

    async def verify(self, row: _DoneRow, known: Verification | None, within: timedelta) -> datetime | None:
        """Follows a verification; gives when it is to be looked at again."""
        done_at = row.closed_at.astimezone(UTC)
        later = (await self._connection.execute(_LATER, {"case": self._case})).one_or_none()
        newest = None if later is None else _LaterRow._make(later)
        if newest is not None and newest.rework_of == self._case:
            await self._keep(row, VerificationState.DID_NOT_HELP, "the rework was asked for already", newest.id)
            return None
        again = await self.again(done_at)
        seen, time = await self._seen(done_at, row.event_at), await self._time(done_at)
        proved = None if known is None else known.proof
        standing = verification_standing(done_at, proved, seen, again, self._terms, within, time, self._now)
        back = again.between(done_at, standing.ends_at).times
        if newest is not None and back and newest.closed_as is None:
            return await self._rework(row, seen_again(back), newest)
        if newest is not None and back:
            # People have decided on the fault since: nothing is opened against their word.
            found = f"case {newest.id} of the same fault followed, and was closed as {newest.closed_as}"
            if known is None:
                await self._keep(row, VerificationState.NOT_VERIFIED, found)
            return None
        if standing.state is VerificationState.DID_NOT_HELP:
            return await self._rework(row, standing.found, None)
        if standing.state is not None and known is None:
            await self._keep(row, standing.state, standing.found, proof=standing.proof)
        ends = standing.ends_at <= self._now or standing.state is VerificationState.NOT_VERIFIED
        return None if ends else min(self._now + self._terms.look_every, standing.ends_at)

    async def _rework(self, row: _DoneRow, found: str, newest: _LaterRow | None) -> datetime | None:
        """Opens the rework, or takes the open case of the fault for it."""
        if newest is not None and newest.rework_of is not None:
            rework = newest.id
        else:
            shown = ReworkGround("verify-work", None, None, found)
            try:
                rework = await open_rework(self._connection, self._case, shown, self.entry)
            except ActRejected:
                # The open case was called off, and is closed in a moment.
                return self._now + self._terms.look_every
            await due.wake(self._connection, [case_workflow_id(rework)], self._now)
        await self._keep(row, VerificationState.DID_NOT_HELP, found, rework)
        return None

    async def _keep(
        self,
        row: _DoneRow,
        state: VerificationState,
        found: str,
        rework: str | None = None,
        proof: NormalProof | None = None,
    ) -> None:
        verification = Verification(
            state=state, proof=proof, found=found, version=row.version, rework=rework, at=self._now
        )
        values = {"case": self._case, "verification": canonical(verification).decode()}
        await self._connection.execute(_KEEP_VERIFICATION, values)
        self.act(_KINDS[state], verification=verification)

    async def _seen(self, since: datetime, shown_since: datetime) -> SeenFault:
        """What was received of the fault since it was last not ignored, and which signals have shown it."""
        broken = (await self._connection.execute(_BROKEN, self._asked(since))).scalar_one()
        signals = [
            _SignalRow._make(row).signal for row in await self._connection.execute(_SIGNALS, self._asked(shown_since))
        ]
        readings = await judged_readings(
            self._connection,
            self._fault.asset,
            self._fault.failure_mode,
            since if broken is None else broken,
            self._altered,
        )
        return SeenFault([each for each in readings if each.anomaly.at <= self._now], signals)

    async def _time(self, since: datetime) -> MachineTime:
        spells = await machine_spells(self._connection, self._fault.machine, since, self._now, self._terms.stale_after)
        return MachineTime(spells, while_running=self._terms.while_running)

    def _asked(self, since: datetime) -> dict[str, object]:
        return {"asset": self._fault.asset, "mode": self._fault.failure_mode, "since": since}

    def _altered(self, wrong: str) -> ActionRequired:
        return ActionRequired(
            f"{wrong}; nothing is concluded from it: run `millwright audit verify`, and find out who changed it",
            system="record",
            operation="verify-work",
            key=self._case,
            field="verdict",
        )
