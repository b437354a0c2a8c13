"""Holds, their placements and the cases that claim them; see `domain.holds.HoldStore`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, func, null, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.clock import Clock
from domain.errors import ActRejected, Unavailable
from domain.holds import (
    LIVE_PLACEMENTS,
    PLACEMENT_MOVES,
    RELEASE_LASTS,
    HoldStatus,
    HoldView,
    Placement,
    PlacementState,
    Release,
    check_release,
)
from domain.keys import case_workflow_id
from domain.production import HoldPlan
from domain.verdict import Rung
from millwright.storage.cases.hold_views import HOLD_COLUMNS, HOLD_OF_CASE, hold_view
from millwright.storage.database.engine import raw, transaction, unbound
from millwright.storage.database.hold_tables import hold_claims, hold_placements, holds
from millwright.storage.ledger import ledger
from millwright.storage.policies.assignments import read_assignments
from millwright.storage.scheduling import due

_ACTOR = "millwright"
_LIVE = [state.value for state in HoldStatus if state.live]
_PLACED_LIVE = [state.value for state in LIVE_PLACEMENTS]

_OF_CASE = text(
    f"{HOLD_OF_CASE} WHERE m.case_id = :case ORDER BY m.dropped_at DESC NULLS FIRST, m.claimed_at DESC LIMIT 1"
)
_OF_KEY = text(f"SELECT {HOLD_COLUMNS} FROM holds h WHERE h.key = :key")
_LOCK_OF_CASE = text(
    "SELECT h.key, h.state FROM holds h JOIN hold_claims m ON m.hold_key = h.key "
    "WHERE m.case_id = :case AND m.dropped_at IS NULL FOR UPDATE OF h"
)
_LOCK_ON = text(
    "SELECT h.key, h.state FROM holds h WHERE h.system = :system AND h.equipment = :equipment "
    "AND h.state = ANY(:live) FOR UPDATE"
)
_LOCK = text("SELECT h.key, h.system, h.state, h.release, h.overruled_at FROM holds h WHERE h.key = :key FOR UPDATE")
# Asked once the hold is locked, so that a claim dropped meanwhile is seen.
_CLAIMS = text(
    "SELECT case_id, ready_at FROM hold_claims WHERE hold_key = :key AND dropped_at IS NULL ORDER BY case_id"
)
_AT_WORK_AGAIN = text(
    "SELECT w.external_id FROM hold_claims c JOIN work_orders w ON w.case_id = c.case_id "
    "WHERE c.hold_key = :key AND w.external_id IS NOT NULL "
    "AND w.status NOT IN ('completed', 'cancelled') ORDER BY 1"
)
# An order that was cancelled, also that of a case whose claim another one answers for, was not looked at by anybody.
_NOT_DONE = text(
    "SELECT count(*) FROM hold_claims c JOIN cases k ON k.id = c.case_id "
    "WHERE c.hold_key = :key AND k.closed_as IS DISTINCT FROM 'done'"
)
_AWAITING = text(
    "SELECT h.key FROM cases c JOIN cases o ON o.asset = c.asset AND o.failure_mode = c.failure_mode "
    "JOIN hold_claims m ON m.case_id = o.id AND m.dropped_at IS NULL JOIN holds h ON h.key = m.hold_key "
    "WHERE c.id = :case AND c.rung >= :orders AND o.id <> c.id AND o.closed_as IS NOT NULL AND o.closed_at IS NULL "
    # A case claims one hold at most: where its machine bears another name in the MES by now, the earlier case stays.
    "AND NOT EXISTS (SELECT FROM hold_claims x WHERE x.case_id = c.id AND x.dropped_at IS NULL "
    "AND x.hold_key <> h.key) FOR UPDATE OF h"
)
_TAKE_OVER = text(
    "UPDATE hold_claims m SET dropped_at = :now FROM cases o, cases c WHERE m.hold_key = :key AND m.dropped_at IS NULL "
    "AND o.id = m.case_id AND c.id = :case AND o.id <> c.id AND o.asset = c.asset "
    "AND o.failure_mode = c.failure_mode AND o.closed_as IS NOT NULL RETURNING m.case_id"
)


@dataclass(frozen=True, slots=True)
class _Writing:
    """A transaction over holds, its acts collected for the ledger under the case whose key a hold bears."""

    connection: AsyncConnection
    now: datetime
    entry: ledger.Entry

    def act(self, kind: str, case: str, actor: str = _ACTOR, **detail: object) -> None:
        self.entry.add(ledger.act(kind, case_workflow_id(case), actor, self.now, detail))

    async def end(self, key: str, status: HoldStatus, reason: str | None, release: Release | None = None) -> bool:
        """Ends a hold and drops its claims; whether it was live. `release` goes into the act."""
        values: dict[str, object] = {"state": status.value, "ended_at": self.now, "reason": reason}
        ended = await self.connection.execute(
            update(holds).where(holds.c.key == key, holds.c.state.in_(_LIVE)).values(**values)
        )
        if not ended.rowcount:
            return False
        await self.connection.execute(
            update(hold_claims)
            .where(hold_claims.c.hold_key == key, hold_claims.c.dropped_at.is_(None))
            .values(dropped_at=self.now)
        )
        self.act(f"hold-{status.value}", key, hold=key, reason=reason, release=release)
        return True


class HoldStore:
    """The holds in PostgreSQL.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[_Writing]:
        async with transaction(self._engine) as connection:
            now = self._clock.now()
            writing = _Writing(connection, now, ledger.Entry(now))
            yield writing
            await ledger.append(connection, writing.entry)

    async def read(self, case: str) -> HoldView | None:
        async with unbound(self._engine) as connection:
            return await _of_case(connection, case)

    async def claim(self, case: str, system: str, equipment: str) -> HoldView:
        async with self._writing() as writing:
            connection = writing.connection
            mine = (await connection.execute(_LOCK_OF_CASE, {"case": case})).one_or_none()
            if mine is not None:
                return await _certainly_of_case(connection, case)
            # Before the look: of two cases that claim a machine at once the second waits here, and then shares.
            made = await connection.scalar(
                insert(holds)
                .values(
                    key=case,
                    system=system,
                    equipment=equipment,
                    state=HoldStatus.ASKED.value,
                    intended_at=writing.now,
                )
                .on_conflict_do_nothing()
                .returning(holds.c.key)
            )
            live = {"system": system, "equipment": equipment, "live": _LIVE}
            there = (await connection.execute(_LOCK_ON, live)).one_or_none()
            if there is None or there.state == HoldStatus.RELEASING:
                raise Unavailable(
                    f"the hold on {equipment} is just being released", system=system, operation="place-hold", key=case
                )
            key = there.key
            claim = insert(hold_claims).values(hold_key=key, case_id=case, claimed_at=writing.now)
            await connection.execute(claim)
            writing.act("hold-shared" if made is None else "hold-intended", case, hold=key, equipment=equipment)
            return await _certainly_of_case(connection, case)

    async def intend_placement(self, key: str, plan: HoldPlan) -> Placement:
        async with self._writing() as writing:
            connection = writing.connection
            hold = (await connection.execute(_LOCK, {"key": key})).one()
            if hold.state != HoldStatus.ASKED or hold.overruled_at is not None:
                raise Unavailable(
                    f"the hold on {plan.equipment} has been released or overruled meanwhile",
                    system=hold.system,
                    operation="place-hold",
                    key=key,
                )
            there = (
                (
                    await connection.execute(
                        select(hold_placements).where(
                            hold_placements.c.hold_key == key,
                            hold_placements.c.receiver == (plan.receiver or ""),
                            hold_placements.c.job == plan.job,
                            hold_placements.c.state.in_(_PLACED_LIVE),
                        )
                    )
                )
                .mappings()
                .one_or_none()
            )
            if there is not None:
                return Placement.model_validate({name: there[name] for name in Placement.model_fields})
            highest = select(func.coalesce(func.max(hold_placements.c.number), 0)).where(
                hold_placements.c.hold_key == key
            )
            number = int(await connection.scalar(highest) or 0) + 1
            await connection.execute(
                insert(hold_placements).values(
                    hold_key=key,
                    number=number,
                    receiver=plan.receiver or "",
                    job=plan.job,
                    plan=plan.model_dump(mode="json"),
                    state=PlacementState.INTENDED.value,
                    intended_at=writing.now,
                )
            )
            writing.act("placement-intended", key, hold=key, placement=number, plan=plan)
            return Placement(number=number, plan=plan, state=PlacementState.INTENDED)

    async def move_placement(
        self,
        key: str,
        number: int,
        state: PlacementState,
        *,
        read_at: datetime | None = None,
        reason: str | None = None,
        release: Release | None = None,
    ) -> None:
        async with self._writing() as writing:
            connection = writing.connection
            (await connection.execute(_LOCK, {"key": key})).one()
            values: dict[str, object] = {"state": state.value, "reason": reason}
            if read_at is not None:
                values["read_at"] = read_at
            if state.ours:
                values["accepted_at"] = func.coalesce(hold_placements.c.accepted_at, writing.now)
            if state is PlacementState.IN_EFFECT:
                values["in_effect_at"] = read_at
            if not state.live:
                values["ended_at"] = writing.now
            moved = await connection.execute(
                update(hold_placements)
                .where(
                    hold_placements.c.hold_key == key,
                    hold_placements.c.number == number,
                    hold_placements.c.state.in_([each.value for each in PLACEMENT_MOVES[state]]),
                )
                .values(**values)
            )
            if not moved.rowcount:
                return
            detail: dict[str, object] = {"hold": key, "placement": number, "read_at": read_at, "reason": reason}
            if release is not None:
                detail["release"] = release
            writing.act(f"placement-{state.value.replace('_', '-')}", key, _ACTOR, **detail)
            if state is PlacementState.OVERRULED or release is not None:
                seen: dict[str, object] = {"overruled_at": func.coalesce(holds.c.overruled_at, writing.now)}
                if release is not None:
                    seen["release"] = release.model_dump(mode="json")
                await connection.execute(update(holds).where(holds.c.key == key).values(**seen))
            if not state.live:
                await self._end_started(writing, key, reason)

    async def _end_started(self, writing: _Writing, key: str, reason: str | None) -> None:
        """Where a person has started the machine nothing more is placed, and the hold ends with its last placement.

        In one transaction with the reading, so that no worker that dies in between has the machine held again.
        """
        started = select(holds.c.release).where(
            holds.c.key == key,
            holds.c.state == HoldStatus.ASKED.value,
            holds.c.overruled_at.is_not(None),
            ~exists().where(hold_placements.c.hold_key == key, hold_placements.c.state.in_(_PLACED_LIVE)),
        )
        found = (await writing.connection.execute(started)).one_or_none()
        if found is None:
            return
        release = Release.model_validate(found.release) if found.release is not None else None
        status = HoldStatus.OVERRULED if release is None else HoldStatus.RELEASED
        await writing.end(key, status, reason, release)

    async def record_reading(self, key: str, number: int, read_at: datetime) -> None:
        async with transaction(self._engine) as connection:
            await connection.execute(
                update(hold_placements)
                .where(
                    hold_placements.c.hold_key == key,
                    hold_placements.c.number == number,
                    hold_placements.c.state == PlacementState.IN_EFFECT.value,
                )
                .values(read_at=read_at)
            )

    async def mark_ready(self, case: str) -> HoldView | None:
        async with self._writing() as writing:
            connection = writing.connection
            mine = (await connection.execute(_LOCK_OF_CASE, {"case": case})).one_or_none()
            if mine is None:
                return None
            claims = (await connection.execute(_CLAIMS, {"key": mine.key})).all()
            others_at_work = any(claim.ready_at is None for claim in claims if claim.case_id != case)
            values = {"dropped_at": writing.now} if others_at_work else {"ready_at": writing.now}
            column = hold_claims.c.dropped_at if others_at_work else hold_claims.c.ready_at
            moved = await connection.execute(
                update(hold_claims)
                .where(hold_claims.c.hold_key == mine.key, hold_claims.c.case_id == case, column.is_(None))
                .values(**values)
            )
            if moved.rowcount:
                writing.act("hold-dropped" if others_at_work else "hold-ready", case, hold=mine.key)
            return None if others_at_work else await _certainly_of_case(connection, case)

    async def approve_release(self, key: str, release: Release) -> None:
        async with self._writing() as writing:
            connection = writing.connection
            found = (await connection.execute(_LOCK, {"key": key})).one_or_none()
            repeated = found is not None and found.state == HoldStatus.RELEASED and _says(found.release, release)
            if repeated or (found is not None and found.state == HoldStatus.RELEASING):
                return
            claims = (await connection.execute(_CLAIMS, {"key": key})).all()
            check_release(
                key,
                await _by_key(connection, key),
                writing.now,
                at_work=[str(claim.case_id) for claim in claims if claim.ready_at is None],
                reopened=[str(order) for order in await connection.scalars(_AT_WORK_AGAIN, {"key": key})],
            )
            if release.version is not None:
                await _check_unattended(connection, key, release.by, release.version)
            await connection.execute(
                update(holds)
                .where(holds.c.key == key)
                .values(state=HoldStatus.RELEASING.value, release=release.model_dump(mode="json"))
            )
            actor = release.by if release.meaning is not None else _ACTOR
            writing.act("hold-releasing", key, actor, hold=key, release=release)
            await due.wake(connection, [case_workflow_id(str(claim.case_id)) for claim in claims], writing.now)

    async def revalidate_release(self, key: str) -> bool:
        async with self._writing() as writing:
            connection = writing.connection
            found = (await connection.execute(_LOCK, {"key": key})).one()
            if found.state != HoldStatus.RELEASING:
                return False
            at_work = [claim for claim in await connection.execute(_CLAIMS, {"key": key}) if claim.ready_at is None]
            again = list(await connection.scalars(_AT_WORK_AGAIN, {"key": key}))
            old = writing.now - Release.model_validate(found.release).at > RELEASE_LASTS
            if not (at_work or again or old):
                return True
            await self._lapse(writing, key)
            return False

    async def record_release_call(self, key: str, number: int, *, unanswered: bool) -> None:
        async with transaction(self._engine) as connection:
            await connection.execute(
                update(hold_placements)
                .where(hold_placements.c.hold_key == key, hold_placements.c.number == number)
                .values(release_called_at=self._clock.now() if unanswered else None)
            )

    async def doubt_release(self, key: str, number: int) -> None:
        reason = "held, though the MES was told to let it run"
        async with self._writing() as writing:
            (await writing.connection.execute(_LOCK, {"key": key})).one()
            moved = await writing.connection.execute(
                update(hold_placements)
                .where(
                    hold_placements.c.hold_key == key,
                    hold_placements.c.number == number,
                    hold_placements.c.state.in_([PlacementState.ACCEPTED.value, PlacementState.IN_EFFECT.value]),
                )
                .values(state=PlacementState.UNPROVEN.value, reason=reason)
            )
            if moved.rowcount:
                writing.act("placement-unproven", key, hold=key, placement=number, reason=reason)
            await self._lapse(writing, key)

    async def _lapse(self, writing: _Writing, key: str) -> None:
        """The hold is asked for as before its release was approved."""
        lapsed = await writing.connection.execute(
            update(holds)
            .where(holds.c.key == key, holds.c.state == HoldStatus.RELEASING.value)
            .values(state=HoldStatus.ASKED.value, release=null())
        )
        if lapsed.rowcount:
            writing.act("hold-release-lapsed", key, hold=key)

    async def end(self, key: str, status: HoldStatus, reason: str | None = None) -> None:
        async with self._writing() as writing:
            (await writing.connection.execute(_LOCK, {"key": key})).one()
            claims = (await writing.connection.execute(_CLAIMS, {"key": key})).all()
            if await writing.end(key, status, reason):
                woken = [case_workflow_id(str(claim.case_id)) for claim in claims]
                await due.wake(writing.connection, woken, writing.now)

    async def record_twin_update(self, key: str, twin: str) -> None:
        async with self._writing() as writing:
            await writing.connection.execute(update(holds).where(holds.c.key == key).values(twin_told=twin))
            writing.act("hold-told-twin", key, hold=key, says=twin)

    async def record_planner_note(self, key: str) -> None:
        async with self._writing() as writing:
            told = await writing.connection.execute(
                update(holds)
                .where(holds.c.key == key, holds.c.planner_told_at.is_(None))
                .values(planner_told_at=writing.now)
            )
            if told.rowcount:
                writing.act("hold-told-planner", key, hold=key)


def _says(stored: Mapping[str, object] | None, release: Release) -> bool:
    """Whether a stored release is this one. Its time is that of the first request."""
    sent = release.model_dump(mode="json")
    return stored is not None and all(stored[name] == sent[name] for name in ("by", "meaning", "reason"))


async def _check_unattended(connection: AsyncConnection, key: str, by: str, digest: str) -> None:
    """Refuses a release without a person where the version lacks approvals, or any work of the hold was not completed.

    Raises:
        ActRejected: why.
    """
    if not await _approved(connection, digest):
        raise ActRejected(
            f"{by} may release without a person, but is in force without its approvals",
            field="hold",
            fix="have the version approved, or release the hold in a person's name",
        )
    if await connection.scalar(_NOT_DONE, {"key": key}):
        raise ActRejected(
            "an order of this hold was not completed", field="hold", fix="release the hold in a person's name"
        )


async def _approved(connection: AsyncConnection, digest: str) -> bool:
    """Whether a version has its approvals: one that is in force as an emergency may not have them yet."""
    driver = await raw(connection)
    async with driver.cursor() as cursor:
        version = (await read_assignments(cursor)).versions.get(digest)
    return version is not None and version.approved_at is not None


async def take_over(connection: AsyncConnection, case: str, now: datetime, entry: ledger.Entry) -> None:
    """Passes the claim of an earlier case of the same fault, whose machine waits to be released, to this case if it
    asks for an order.

    Production cannot release the machine then before this case's work is done too. The earlier case is woken to close.
    """
    key = await connection.scalar(_AWAITING, {"case": case, "orders": int(Rung.DRAFT)})
    if key is None:
        return
    state = await connection.scalar(select(holds.c.state).where(holds.c.key == key))
    if state != HoldStatus.ASKED:
        return
    passed = [str(earlier) for earlier in await connection.scalars(_TAKE_OVER, {"case": case, "key": key, "now": now})]
    if not passed:
        return
    await connection.execute(
        insert(hold_claims).values(hold_key=key, case_id=case, claimed_at=now).on_conflict_do_nothing()
    )
    for earlier in passed:
        detail = {"hold": key, "from": earlier, "to": case}
        entry.add(ledger.act("hold-passed", case_workflow_id(case), _ACTOR, now, detail))
    await due.wake(connection, [case_workflow_id(earlier) for earlier in passed], now)


async def _by_key(connection: AsyncConnection, key: str) -> HoldView | None:
    found = (await connection.execute(_OF_KEY, {"key": key})).mappings().one_or_none()
    return None if found is None else hold_view(found)


async def _of_case(connection: AsyncConnection, case: str) -> HoldView | None:
    found = (await connection.execute(_OF_CASE, {"case": case})).mappings().one_or_none()
    return None if found is None else hold_view(found)


async def _certainly_of_case(connection: AsyncConnection, case: str) -> HoldView:
    found = await _of_case(connection, case)
    if found is None:
        raise LookupError(f"case {case} has no hold")
    return found
