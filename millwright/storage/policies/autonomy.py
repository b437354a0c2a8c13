"""The autonomy of policies in storage; see `domain.autonomy.AutonomyStore`."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.act_scopes import ActScope
from domain.autonomy import (
    AutonomyAdvice,
    AutonomyKey,
    AutonomyMove,
    AutonomyRecord,
    AutonomyState,
    AutonomyTerms,
    FirstApproval,
)
from domain.canonical import canonical, timestamp
from domain.clock import Clock
from domain.errors import ActRejected
from domain.outcomes import OutcomeClass, Worth
from domain.verdict import Rung
from millwright.storage.database.act_scopes import machines_of, reach
from millwright.storage.database.asset_rows import NEWEST
from millwright.storage.database.engine import transaction
from millwright.storage.database.person_tables import key_at, roles_at, signer
from millwright.storage.ledger import ledger
from millwright.storage.policies.signatures import Signature, check_fresh

PROMOTE = "promote-autonomy"
_APPROVER = "approver"
_ACTOR = "millwright"
_SIGNED_AT = "CAST(m.signature->>'at' AS timestamptz)"
_MOVE_OF = (
    f"SELECT m.id, m.move, m.at, m.by, m.digest, m.signature, {key_at('m.by', _SIGNED_AT)} AS public_key, "
    f"coalesce({roles_at('m.by', _SIGNED_AT)} ? '{_APPROVER}', false) AS approver FROM autonomy_moves m "
    "WHERE m.policy = :policy AND m.asset_class = :asset_class AND m.failure_mode = :failure_mode "
)
_LATEST = text(f"{_MOVE_OF} AND m.move <> 'approved' ORDER BY m.id DESC LIMIT 1")
_APPROVALS = text(f"{_MOVE_OF} AND m.move = 'approved' AND m.digest = :digest ORDER BY m.id")
# What the record was as the move was made: a copy of an earlier move follows another one.
_SHOWN = text(
    "SELECT m.confirmed, m.wrong, coalesce((SELECT max(b.id) FROM autonomy_moves b WHERE b.policy = m.policy "
    "AND b.asset_class = m.asset_class AND b.failure_mode = m.failure_mode AND b.id < m.id "
    "AND b.move <> 'approved'), 0) AS move FROM autonomy_moves m WHERE m.id = :id"
)
# Findings are counted from the last time that autonomy was lost or refused.
_SINCE = text(
    "SELECT max(at) FROM autonomy_moves WHERE policy = :policy AND asset_class = :asset_class "
    "AND failure_mode = :failure_mode AND move IN ('lost', 'refused')"
)
# Only orders that asked for release. Findings on drafts are not evidence about them. Findings on a retired asset still
# count.
_FOUND = text(
    "SELECT o.outcome, count(*) AS number FROM outcomes o JOIN cases c ON c.id = o.case_id "
    f"JOIN assets a ON a.id = c.asset AND {NEWEST} "
    "WHERE NOT o.cancelled AND c.rung >= :rung AND c.failure_mode = :failure_mode AND a.asset_class = :asset_class "
    "AND c.verdict->>'policy' = :policy AND (CAST(:since AS timestamptz) IS NULL OR o.found_at > :since) GROUP BY 1"
)
_KEYS = text(
    "SELECT c.verdict->>'policy' AS policy, a.asset_class, c.failure_mode FROM cases c "
    f"JOIN assets a ON a.id = c.asset AND {NEWEST} WHERE a.asset_class IS NOT NULL "
    "UNION SELECT policy, asset_class, failure_mode FROM autonomy_moves ORDER BY 1, 2, 3"
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 0))")
_MOVE = text(
    "INSERT INTO autonomy_moves (policy, asset_class, failure_mode, move, confirmed, wrong, at, by, reason, digest, "
    "signature) VALUES (:policy, :asset_class, :failure_mode, :move, :confirmed, :wrong, :at, :by, :reason, :digest, "
    "CAST(:signature AS jsonb))"
)


class _MoveRow(NamedTuple):
    id: int
    move: str
    at: datetime
    by: str
    digest: str
    signature: dict[str, str] | None
    public_key: str | None
    approver: bool

    @property
    def approval(self) -> FirstApproval | None:
        """What the row's signature says; None unless an approver signed the promotion."""
        if self.public_key is None or self.signature is None or not self.approver:
            return None
        meaning, at = self.signature["meaning"], datetime.fromisoformat(self.signature["at"])
        act, told = act_of(AutonomyMove.PROMOTED), self.signature["signature"]
        if not Signature(act, self.by, meaning, at, told, self.public_key).holds(self.digest):
            return None
        return FirstApproval(by=self.by, at=at, meaning=meaning)


class DecidedMove(NamedTuple):
    """What a person's signature led to, and the number of machines that it reaches."""

    move: AutonomyMove
    machines: int


class _ShownRow(NamedTuple):
    confirmed: int
    wrong: int
    move: int


class _FoundRow(NamedTuple):
    outcome: str
    number: int


class AutonomyStore:
    """Stores every move, with its signature if it has one, and an act in the ledger.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def record(self, key: AutonomyKey, terms: AutonomyTerms) -> AutonomyRecord:
        async with transaction(self._engine) as connection:
            return await _record(connection, key, terms)

    async def advised(self, key: AutonomyKey, record: AutonomyRecord, advice: AutonomyAdvice) -> bool:
        async with transaction(self._engine) as connection:
            await connection.execute(_LOCK, {"subject": key.subject})
            latest = await _latest(connection, key)
            if (0 if latest is None else latest.id) != record.move:
                return False
            await self._keep(connection, key, record, advice.move, _ACTOR, advice.reason, None)
        return True

    async def decided(
        self, key: AutonomyKey, terms: AutonomyTerms, move: AutonomyMove, signature: Signature
    ) -> DecidedMove:
        """Stores that a person promotes or refuses what was proposed, or ends autonomy.

        The signature is over the record's digest. Its act contains `PROMOTE` and the move; its meaning is the reason.
        A promotion takes two approvers: the first one's is stored as `approved`. It counts for exactly these findings.

        Raises:
            ActRejected: nothing is proposed, the class or the failure mode is unknown, no machine is of the class, the
                person may not decide or approved already, or the signature is too old or not theirs.
        """
        async with transaction(self._engine) as connection:
            await connection.execute(_LOCK, {"subject": key.subject})
            record = await _record(connection, key, terms)
            scope = ActScope(asset_class=key.asset_class, failure_mode=key.failure_mode)
            # To refuse or to end what is there also works after the last machine of the class has left the plant.
            ending = move is not AutonomyMove.PROMOTED and record.move > 0
            machines = await (machines_of if ending else reach)(connection, scope)
            wanted = AutonomyState.AUTOMATIC if move is AutonomyMove.LOST else AutonomyState.PROPOSED
            if record.state is not wanted:
                raise ActRejected(
                    f"{key.asset_class} {key.failure_mode} of {key.policy} is at {record.state}",
                    field="failure_mode",
                    fix=f"it must be {wanted} for that; see `millwright policy autonomy`",
                )
            check_fresh(signature.at, self._clock.now())
            person = await signer(connection, signature.person, signature.at, self._clock.now())
            if person is None or _APPROVER not in person.roles:
                raise ActRejected(
                    f"{signature.person} may not decide", field="by", fix=f"it takes the role {_APPROVER}"
                )
            registered = replace(signature, act=act_of(move), public_key=person.public_key)
            if not registered.holds_now(record.digest(key)):
                raise ActRejected(f"the signature is not {signature.person}'s on this record", field="signature")
            if move is AutonomyMove.PROMOTED:
                if record.approval is None:
                    move = AutonomyMove.APPROVED
                elif record.approval.by == signature.person:
                    raise ActRejected(
                        f"{signature.person} signed this promotion already",
                        field="by",
                        fix="another approver must sign it too",
                    )
            await self._keep(connection, key, record, move, signature.person, signature.meaning, signature)
        return DecidedMove(move, len(machines))

    async def keys(self) -> list[AutonomyKey]:
        """Every key for which there was a case or a move."""
        async with transaction(self._engine) as connection:
            return [AutonomyKey(*row) for row in await connection.execute(_KEYS)]

    async def _keep(
        self,
        connection: AsyncConnection,
        key: AutonomyKey,
        record: AutonomyRecord,
        move: AutonomyMove,
        by: str,
        reason: str,
        signature: Signature | None,
    ) -> None:
        now = self._clock.now()
        digest = record.digest(key)
        signed = None
        if signature is not None:
            signed = {"meaning": signature.meaning, "at": timestamp(signature.at), "signature": signature.signature}
        values = {
            **_values(key),
            "move": move.value,
            "confirmed": record.confirmed,
            "wrong": record.wrong,
            "at": now,
            "by": by,
            "reason": reason,
            "digest": digest,
            "signature": canonical(signed).decode(),
        }
        await connection.execute(_MOVE, values)
        entry = ledger.Entry(now)
        detail: dict[str, object] = {
            "confirmed": record.confirmed,
            "wrong": record.wrong,
            "reason": reason,
            "digest": digest,
            "signature": signed,
        }
        entry.add(ledger.act(f"autonomy-{move.value}", key.subject, by, now, detail))
        await ledger.append(connection, entry)


def _values(key: AutonomyKey) -> dict[str, str]:
    return {"policy": key.policy, "asset_class": key.asset_class, "failure_mode": key.failure_mode}


def act_of(move: AutonomyMove) -> str:
    """The act that a person signs."""
    return f"{PROMOTE}:{move.value}"


async def _latest(connection: AsyncConnection, key: AutonomyKey) -> _MoveRow | None:
    row = (await connection.execute(_LATEST, _values(key))).one_or_none()
    return None if row is None else _MoveRow._make(row)


async def _record(connection: AsyncConnection, key: AutonomyKey, terms: AutonomyTerms) -> AutonomyRecord:
    values = _values(key)
    latest = await _latest(connection, key)
    since = await connection.scalar(_SINCE, values)
    found = await connection.execute(_FOUND, {**values, "since": since, "rung": int(Rung.WORK_ORDER)})
    counted: Counter[Worth] = Counter()
    for row in map(_FoundRow._make, found):
        counted[OutcomeClass(row.outcome).worth] += row.number
    state = AutonomyState.AUTOMATIC if terms.automatic else AutonomyState.REVIEW
    if latest is not None:
        move = AutonomyMove(latest.move)
        state = move.leads_to
        if move is AutonomyMove.PROMOTED and not (
            await _rests_on_its_record(connection, key, latest) and await _promoted_by_two(connection, key, latest)
        ):
            state = AutonomyState.REVIEW
    record = AutonomyRecord(
        state=state,
        confirmed=counted[Worth.RIGHT],
        wrong=counted[Worth.WRONG],
        other_defects=counted[Worth.OTHER_DEFECT],
        move=0 if latest is None else latest.id,
        at=None if latest is None else latest.at,
    )
    if state is not AutonomyState.PROPOSED:
        return record
    approvals = await _approvals(connection, key, record.digest(key))
    return record.model_copy(update={"approval": approvals[0] if approvals else None})


async def _rests_on_its_record(connection: AsyncConnection, key: AutonomyKey, latest: _MoveRow) -> bool:
    """Whether a promotion is of the record of its own time, and no copy of an earlier one."""
    shown = _ShownRow._make((await connection.execute(_SHOWN, {"id": latest.id})).one())
    record = AutonomyRecord(state=AutonomyState.PROPOSED, at=None, **shown._asdict())
    return record.digest(key) == latest.digest


async def _promoted_by_two(connection: AsyncConnection, key: AutonomyKey, promoted: _MoveRow) -> bool:
    """Whether this approver and, over the same digest, another one signed the promotion."""
    second = promoted.approval
    if second is None:
        return False
    return any(first.by != second.by for first in await _approvals(connection, key, promoted.digest))


async def _approvals(connection: AsyncConnection, key: AutonomyKey, digest: str) -> list[FirstApproval]:
    """The valid signatures of first approvers over these findings, oldest first."""
    rows = await connection.execute(_APPROVALS, {**_values(key), "digest": digest})
    return [approval for row in map(_MoveRow._make, rows) if (approval := row.approval) is not None]
