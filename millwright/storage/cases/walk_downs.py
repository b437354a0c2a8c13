"""Walk-downs in PostgreSQL; see `domain.walk_downs.WalkDowns`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import ColumnElement, RowMapping, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.canonical import canonical, timestamp
from domain.clock import Clock
from domain.errors import ActRejected
from domain.holds import LIVE_PLACEMENTS, RELEASE_LASTS, Release
from domain.keys import BEGIN_WALK_DOWN, LOOK, case_workflow_id, walk_down_key, walk_down_workflow_id
from domain.model import Model
from domain.production import HoldPlan
from domain.stops import StoppableAction
from domain.walk_downs import (
    LIVE_WALK_DOWNS,
    PROOFS,
    SignedWord,
    WalkDown,
    WalkDownState,
    check_let_run,
    check_look,
)
from millwright.storage.cases.hold_writing import ACTOR
from millwright.storage.cases.signed_releases import check_signed
from millwright.storage.cases.signed_walk_downs import check_word
from millwright.storage.cases.walk_down_grounds import check_walk_down
from millwright.storage.database.engine import transaction, unbound
from millwright.storage.database.hold_tables import hold_claims, hold_placements, holds
from millwright.storage.database.live_holds import LIVE
from millwright.storage.database.walk_down_tables import walk_downs
from millwright.storage.ledger import ledger
from millwright.storage.policies.stops import stop_on_machine
from millwright.storage.scheduling import due

_LIVE_STATES = [state.value for state in LIVE_WALK_DOWNS]
_PROOF_STATES = [state.value for state in PROOFS]


def walk_down_of(row: RowMapping) -> WalkDown:
    """A walk-down from its row."""
    return WalkDown.model_validate({name: row[name] for name in WalkDown.model_fields})


@dataclass(frozen=True, slots=True)
class WalkDownWriting:
    """A transaction on a walk-down that no other transaction changes until this one ends. It collects its acts."""

    connection: AsyncConnection
    now: datetime
    entry: ledger.Entry

    async def record(
        self,
        walk_down: WalkDown,
        what: str,
        detail: dict[str, object],
        changed: Mapping[str, object],
        actor: str = ACTOR,
    ) -> None:
        """Records an act, and the columns that it changes."""
        if changed:
            stored = {name: _stored(value) for name, value in changed.items()}
            row = update(walk_downs).where(walk_downs.c.key == walk_down.key)
            await self.connection.execute(row.values(**stored))
        subject = walk_down_workflow_id(walk_down.key)
        self.entry.add(ledger.act(f"walk-down-{what}", subject, actor, self.now, detail))

    async def end(self, walk_down: WalkDown, state: WalkDownState, reason: str, actor: str = ACTOR) -> None:
        """Ends a walk-down or a proof. The first reason stays."""
        values = {"state": state, "ended_at": self.now, "reason": walk_down.reason or reason}
        await self.record(walk_down, state.value, {"reason": reason}, values, actor)


def _stored(value: object) -> object:
    if isinstance(value, WalkDownState):
        return value.value
    return orjson.loads(canonical(value)) if isinstance(value, Model) else value


class WalkDownStore:
    """The walk-downs in PostgreSQL.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[WalkDownWriting]:
        async with transaction(self._engine) as connection:
            now = self._clock.now()
            writing = WalkDownWriting(connection, now, ledger.Entry(now))
            yield writing
            await ledger.append(connection, writing.entry)

    @asynccontextmanager
    async def _changing(
        self, key: str, states: Sequence[WalkDownState]
    ) -> AsyncIterator[tuple[WalkDownWriting, WalkDown | None]]:
        """A transaction on a walk-down; None in place of one that is in none of the states any more."""
        async with self._writing() as writing:
            found = await locked_walk_down(writing.connection, key)
            yield writing, found if found.state in states else None

    async def begin(self, machine: str, system: str, equipment: str, word: SignedWord) -> WalkDown:
        """Begins a walk-down by the signed word of a person of production. A repeated request changes nothing.

        Raises:
            ActRejected: it may not begin now, and what helps; or the person may not, or did not sign this.
        """
        async with self._writing() as writing:
            connection = writing.connection
            key = walk_down_key(system, equipment, word.by, timestamp(word.at))
            known = await read_walk_down(connection, key)
            if known is not None:
                return known
            begun = WalkDown(
                key=key,
                machine=machine,
                system=system,
                equipment=equipment,
                state=WalkDownState.BEGUN,
                begun=word,
                begun_at=writing.now,
            )
            await check_word(connection, begun, BEGIN_WALK_DOWN, word, writing.now)
            await self._check_free(connection, begun)
            stored = {name: _stored(value) for name, value in begun if value is not None}
            await connection.execute(insert(walk_downs).values(**stored))
            detail = {"machine": machine, "system": system, "equipment": equipment, "begun": word}
            await writing.record(begun, "begun", detail, {}, word.by)
            await due.wake(connection, [walk_down_workflow_id(key)], writing.now)
            return begun

    async def _check_free(self, connection: AsyncConnection, begun: WalkDown) -> None:
        stop = await stop_on_machine(connection, begun.machine, StoppableAction.HOLD)
        if stop is not None:
            raise ActRejected(stop.words, field="machine", fix="begin after it was lifted: `millwright policy stops`")
        there = await connection.scalar(
            select(walk_downs.c.key).where(_on(begun), walk_downs.c.state.in_(_LIVE_STATES)).with_for_update()
        )
        if there is not None:
            raise ActRejected(
                f"walk-down {there} of {begun.equipment} is under way",
                field="machine",
                fix="finish it; see `millwright hold proofs`",
            )
        placed = exists().where(
            hold_placements.c.hold_key == holds.c.key,
            hold_placements.c.state.in_([state.value for state in LIVE_PLACEMENTS]),
        )
        held = await connection.scalar(
            select(holds.c.key).where(
                holds.c.system == begun.system, holds.c.equipment == begun.equipment, holds.c.state.in_(LIVE), placed
            )
        )
        if held is not None:
            raise ActRejected(
                f"{begun.equipment} is held by hold {held}",
                field="machine",
                fix=f"prove it after its release: `millwright hold show {held}`",
            )

    async def read(self, key: str) -> tuple[WalkDown, int]:
        async with unbound(self._engine) as connection:
            seen = await due.generation(connection, walk_down_workflow_id(key))
            found = await read_walk_down(connection, key)
            if found is None:
                raise unknown_walk_down(key)
            return await check_walk_down(connection, found), seen

    async def system_of(self, key: str) -> str:
        async with unbound(self._engine) as connection:
            found = await read_walk_down(connection, key)
            return "" if found is None else found.system

    async def intend(self, key: str, plan: HoldPlan) -> str | None:
        async with self._changing(key, (WalkDownState.BEGUN,)) as (writing, found):
            if found is not None:
                stop = await stop_on_machine(writing.connection, found.machine, StoppableAction.HOLD)
                if stop is not None:
                    return stop.words
            if found is not None and found.plan is None:
                changed = {"plan": plan, "intended_at": writing.now}
                await writing.record(found, "intended", {"plan": plan}, changed)
            return None

    async def record_accepted(self, key: str) -> None:
        async with self._changing(key, (WalkDownState.BEGUN,)) as (writing, found):
            if found is not None and found.accepted_at is None:
                await writing.record(found, "accepted", {}, {"accepted_at": writing.now})

    async def record_held(self, key: str, read_at: datetime) -> None:
        # The MES answered our call with success: that proves whose hold it is, whatever another step saw meanwhile.
        async with self._changing(key, (WalkDownState.BEGUN, WalkDownState.UNPROVEN)) as (writing, found):
            if found is None or found.release_called_at is not None:
                return
            values = {"state": WalkDownState.HELD, "held_at": read_at, "accepted_at": found.accepted_at or writing.now}
            await writing.record(found, "held", {"read_at": read_at}, values)

    async def doubt(self, key: str, reason: str) -> None:
        async with self._changing(key, (WalkDownState.BEGUN, WalkDownState.RELEASING)) as (writing, found):
            if found is not None:
                values = {"state": WalkDownState.UNPROVEN, "reason": found.reason or reason, "release": None}
                await writing.record(found, "doubted", {"reason": reason}, values)

    async def record_fault(self, key: str, reason: str) -> None:
        async with self._changing(key, LIVE_WALK_DOWNS) as (writing, found):
            if found is not None and found.reason is None:
                await writing.record(found, "faulted", {"reason": reason}, {"reason": reason})

    async def look(self, key: str, word: SignedWord) -> WalkDown:
        """Keeps the signed word of a person of maintenance. A repeated request changes nothing.

        Raises:
            ActRejected: the machine is not held by this walk-down, the person may not look, or did not sign this.
        """
        async with self._writing() as writing:
            found = await locked_walk_down(writing.connection, key)
            if found.looked is not None and found.looked.by == word.by:
                return found
            check_look(found, word.by, writing.now)
            await check_word(writing.connection, found, LOOK, word, writing.now)
            await check_walk_down(writing.connection, found)
            changed = {"state": WalkDownState.LOOKED, "looked": word}
            await writing.record(found, "looked", {"looked": word}, changed, word.by)
            await due.wake(writing.connection, [walk_down_workflow_id(key)], writing.now)
            return found.model_copy(update=changed)

    async def let_run(self, key: str, release: Release) -> WalkDown:
        """Keeps the signed release of a person of production. A repeated request changes nothing.

        Where it is no proof by then, the machine is released all the same.

        Raises:
            ActRejected: nothing is held by it, the person may not release it, or did not sign this.
        """
        async with self._writing() as writing:
            found = await locked_walk_down(writing.connection, key)
            if found.release is not None and found.release.by == release.by:
                return found
            check_let_run(found, release.by)
            await check_signed(writing.connection, key, found.equipment, release, writing.now)
            await check_walk_down(writing.connection, found)
            changed = {"state": WalkDownState.RELEASING, "release": release}
            await writing.record(found, "releasing", {"release": release}, changed, release.by)
            await due.wake(writing.connection, [walk_down_workflow_id(key)], writing.now)
            return found.model_copy(update=changed)

    async def revalidate_release(self, key: str, release: Release) -> bool:
        async with self._changing(key, (WalkDownState.RELEASING,)) as (writing, found):
            if found is None or found.release != release:
                return False
            await check_walk_down(writing.connection, found)
            if writing.now - release.at <= RELEASE_LASTS:
                return True
            before = WalkDownState.LOOKED if found.looked is not None else WalkDownState.HELD
            await writing.record(found, "release-lapsed", {}, {"state": before, "release": None})
            return False

    async def record_release_call(self, key: str, *, unanswered: bool) -> None:
        async with self._changing(key, (WalkDownState.RELEASING,)) as (writing, found):
            if found is not None:
                changed = {"release_called_at": writing.now if unanswered else None}
                await writing.record(found, "release-called", {"unanswered": unanswered}, changed)

    async def finish(self, key: str, read_at: datetime) -> WalkDown:
        async with self._changing(key, (WalkDownState.RELEASING,)) as (writing, found):
            if found is None:
                return await _whole(writing.connection, key)
            if (fault := found.fault) is not None:
                reason = found.reason or fault
                ended = {"ended_at": writing.now, "released_at": read_at}
                values = {"state": WalkDownState.FAILED, "reason": reason, **ended}
                await writing.record(found, "failed", {"reason": fault, "read_at": read_at}, values)
                return await _whole(writing.connection, key)
            proofs = select(walk_downs).where(_on(found), walk_downs.c.state.in_(_PROOF_STATES)).with_for_update()
            for row in (await writing.connection.execute(proofs)).mappings():
                await writing.end(walk_down_of(row), WalkDownState.ENDED, f"{key} took its place")
            values = {"state": WalkDownState.PROVED, "released_at": read_at}
            await writing.record(found, "proved", {"read_at": read_at}, values)
            await self._wake_cases(writing, found)
            return await _whole(writing.connection, key)

    async def _wake_cases(self, writing: WalkDownWriting, proved: WalkDown) -> None:
        """Wakes the cases that ask for a hold on the machine."""
        asking = (
            select(hold_claims.c.case_id)
            .join(holds, holds.c.key == hold_claims.c.hold_key)
            .where(
                holds.c.system == proved.system,
                holds.c.equipment == proved.equipment,
                holds.c.state.in_(LIVE),
                hold_claims.c.dropped_at.is_(None),
            )
        )
        cases = (await writing.connection.execute(asking)).scalars().all()
        await due.wake(writing.connection, [case_workflow_id(str(case)) for case in cases], writing.now)

    async def fail(self, key: str, reason: str) -> None:
        async with self._changing(key, LIVE_WALK_DOWNS) as (writing, found):
            if found is not None:
                await writing.end(found, WalkDownState.FAILED, reason)

    async def withdraw(self, key: str, by: str, reason: str) -> WalkDown:
        """Withdraws a proof: holds on the machine are placed no more. One person is enough.

        Raises:
            ActRejected: it is no proof, no reason is given, or the person may not.
        """
        if not reason.strip():
            raise ActRejected("is empty", field="reason", fix="say why")
        async with self._writing() as writing:
            found = await locked_walk_down(writing.connection, key)
            if not found.state.is_proof:
                raise ActRejected(f"walk-down {key} is {found.words}: it is no proof", field="walk_down")
            await writing.end(found, WalkDownState.WITHDRAWN, reason, by)
            return await _whole(writing.connection, key)

    async def rest(self, key: str, seen: int, next_at: datetime | None, waiting_for: str | None) -> None:
        async with transaction(self._engine) as connection:
            words = update(walk_downs).where(walk_downs.c.key == key).values(waiting_for=waiting_for)
            await connection.execute(words)
            await due.settle(connection, walk_down_workflow_id(key), seen, next_at)


def _on(walk_down: WalkDown) -> ColumnElement[bool]:
    return (walk_downs.c.system == walk_down.system) & (walk_downs.c.equipment == walk_down.equipment)


async def read_walk_down(connection: AsyncConnection, key: str) -> WalkDown | None:
    """The walk-down of this key, or None."""
    rows = await connection.execute(select(walk_downs).where(walk_downs.c.key == key))
    row = rows.mappings().one_or_none()
    return None if row is None else walk_down_of(row)


async def locked_walk_down(connection: AsyncConnection, key: str) -> WalkDown:
    """The walk-down of this key, which no other transaction changes until this one ends.

    Raises:
        ActRejected: there is none.
    """
    rows = await connection.execute(select(walk_downs).where(walk_downs.c.key == key).with_for_update())
    row = rows.mappings().one_or_none()
    if row is None:
        raise unknown_walk_down(key)
    return walk_down_of(row)


async def _whole(connection: AsyncConnection, key: str) -> WalkDown:
    found = await read_walk_down(connection, key)
    if found is None:
        raise unknown_walk_down(key)
    return found


def unknown_walk_down(key: str) -> ActRejected:
    """The error where there is no walk-down of this key."""
    return ActRejected(f"there is no walk-down {key}", field="walk_down", fix="see `millwright hold proofs`")
