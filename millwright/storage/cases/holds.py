"""Holds, their placements and the cases that claim them; see `domain.hold_store.HoldStore`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import orjson
from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import retired_words
from domain.canonical import canonical
from domain.clock import Clock
from domain.errors import Unavailable
from domain.holds import (
    LIVE_PLACEMENTS,
    PLACEMENT_MOVES,
    HoldAgain,
    HoldStatus,
    HoldView,
    Placement,
    PlacementState,
    Release,
)
from domain.keys import case_workflow_id
from domain.machine_test_runs import MachineTestRun, RunStanding
from domain.production import HoldPlan
from millwright.storage.cases.claim_grounds import check_claim, ground_of_hold
from millwright.storage.cases.hold_grounds import check_hold, check_plans
from millwright.storage.cases.hold_locks import (
    LockedHold,
    hold_stands_on,
    live_claims,
    lock_hold,
    lock_hold_of_case,
    lock_hold_on,
    machine_retired_at,
)
from millwright.storage.cases.hold_proofs import TargetChanged, require_proof, suspend
from millwright.storage.cases.hold_releases import approve, doubt, record_call, revalidate
from millwright.storage.cases.hold_views import claimed_hold, hold_of_case
from millwright.storage.cases.hold_writing import ACTOR, HoldWriting
from millwright.storage.cases.machine_test_runs import begin_run, follow_run, hold_again
from millwright.storage.database.engine import transaction, unbound
from millwright.storage.database.hold_tables import hold_claims, hold_placements, holds
from millwright.storage.database.live_holds import LIVE
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due

_PLACED_LIVE = [state.value for state in LIVE_PLACEMENTS]


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
    async def _writing(self) -> AsyncIterator[HoldWriting]:
        async with transaction(self._engine) as connection:
            now = self._clock.now()
            writing = HoldWriting(connection, now, ledger.Entry(now))
            yield writing
            await ledger.append(connection, writing.entry)

    async def read(self, case: str) -> HoldView | None:
        async with unbound(self._engine) as connection:
            found = await hold_of_case(connection, case)
            return None if found is None else await check_hold(connection, found)

    async def stands_on(self, system: str, equipment: str) -> bool:
        async with unbound(self._engine) as connection:
            return await hold_stands_on(connection, system, equipment)

    async def claim(self, case: str, system: str, equipment: str, *, unasked: bool = False) -> HoldView:
        async with self._writing() as writing:
            connection = writing.connection
            mine = await lock_hold_of_case(connection, case)
            if mine is not None:
                return await claimed_hold(connection, case)
            if (left := await machine_retired_at(connection, case)) is not None:
                problem = retired_words(equipment, left)
                raise Unavailable(problem, system=system, operation="place-hold", key=case)
            recorded = await check_claim(connection, case)
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
            there = await lock_hold_on(connection, system, equipment, LIVE)
            if there is None or there.state != HoldStatus.ASKED:
                raise Unavailable(_not_joined(there, equipment), system=system, operation="place-hold", key=case)
            key = there.key
            claim = insert(hold_claims).values(hold_key=key, case_id=case, claimed_at=writing.now)
            await connection.execute(claim)
            if made is None:
                writing.act("hold-shared", case, hold=key, system=system, equipment=equipment)
            else:
                ground = await ground_of_hold(connection, recorded, writing.now, unasked=unasked)
                writing.act("hold-intended", case, hold=key, system=system, equipment=equipment, ground=ground)
            return await claimed_hold(connection, case)

    async def intend_placement(self, key: str, plan: HoldPlan, by: str) -> Placement | None:
        try:
            return await self._intend(key, plan, by)
        except TargetChanged as changed:
            await suspend(self._engine, self._clock.now(), changed.proof, plan)
            raise

    async def _intend(self, key: str, plan: HoldPlan, by: str) -> Placement | None:
        async with self._writing() as writing:
            connection = writing.connection
            hold = await lock_hold(connection, key)
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
                placement = Placement.model_validate({name: there[name] for name in Placement.model_fields})
                await check_plans(connection, key, hold.system, plan.equipment, [placement])
                if not placement.placeable_by(by, writing.now):
                    return None
                await require_proof(writing, hold, plan)
                await connection.execute(
                    update(hold_placements)
                    .where(hold_placements.c.hold_key == key, hold_placements.c.number == placement.number)
                    .values(intended_by=by, intended_at=writing.now)
                )
                writing.act("placement-passed", key, hold=key, placement=placement.number, by=by)
                return placement.model_copy(update={"intended_by": by, "intended_at": writing.now})
            await check_plans(connection, key, hold.system, plan.equipment, ())
            await require_proof(writing, hold, plan)
            highest = select(func.coalesce(func.max(hold_placements.c.number), 0)).where(
                hold_placements.c.hold_key == key
            )
            number = (await connection.execute(highest)).scalar_one() + 1
            await connection.execute(
                insert(hold_placements).values(
                    hold_key=key,
                    number=number,
                    receiver=plan.receiver or "",
                    job=plan.job,
                    plan=orjson.loads(canonical(plan)),
                    state=PlacementState.INTENDED.value,
                    intended_at=writing.now,
                    intended_by=by,
                )
            )
            writing.act("placement-intended", key, hold=key, placement=number, plan=plan, by=by)
            return Placement(
                number=number, plan=plan, state=PlacementState.INTENDED, intended_at=writing.now, intended_by=by
            )

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
            await lock_hold(connection, key)
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
            writing.act(f"placement-{state.value.replace('_', '-')}", key, ACTOR, **detail)
            if state is PlacementState.OVERRULED or release is not None:
                seen: dict[str, object] = {"overruled_at": func.coalesce(holds.c.overruled_at, writing.now)}
                if release is not None:
                    seen["release"] = release.model_dump(mode="json")
                await connection.execute(update(holds).where(holds.c.key == key).values(**seen))
            if not state.live:
                await self._end_started(writing, key, reason)

    async def _end_started(self, writing: HoldWriting, key: str, reason: str | None) -> None:
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

    async def mark_ready(self, case: str, test_run: MachineTestRun | None = None) -> HoldView | None:
        async with self._writing() as writing:
            connection = writing.connection
            mine = await lock_hold_of_case(connection, case)
            if mine is None:
                return None
            asks = test_run if mine.test_run is None else None
            claims = await live_claims(connection, mine.key)
            others_at_work = any(claim.ready_at is None for claim in claims if claim.case_id != case)
            values = {"dropped_at": writing.now} if others_at_work else {"ready_at": writing.now}
            column = hold_claims.c.dropped_at if others_at_work else hold_claims.c.ready_at
            moved = await connection.execute(
                update(hold_claims)
                .where(hold_claims.c.hold_key == mine.key, hold_claims.c.case_id == case, column.is_(None))
                .values(**values)
            )
            if moved.rowcount:
                detail = {} if asks is None else {"test_run": asks}
                writing.act("hold-dropped" if others_at_work else "hold-ready", case, ACTOR, hold=mine.key, **detail)
                if asks is not None:
                    await writing.keep_run(mine.key, asks)
            waiting = [claim.case_id for claim in claims if claim.case_id != case and not others_at_work]
            if waiting:
                await writing.drop_claims(mine.key, waiting)
            return None if others_at_work else await check_hold(connection, await claimed_hold(connection, case))

    async def approve_release(self, key: str, release: Release) -> None:
        async with self._writing() as writing:
            await approve(writing, key, release)

    async def revalidate_release(self, key: str, release: Release | None) -> bool:
        async with self._writing() as writing:
            return await revalidate(writing, key, release)

    async def record_release_call(self, key: str, number: int, *, unanswered: bool) -> None:
        async with self._writing() as writing:
            await record_call(writing, key, number, unanswered=unanswered)

    async def doubt_release(self, key: str, number: int) -> None:
        async with self._writing() as writing:
            await doubt(writing, key, number)

    async def begin_test_run(self, key: str) -> None:
        async with self._writing() as writing:
            await begin_run(writing, key)

    async def follow_test_run(self, key: str, running: bool | None, read_at: datetime | None) -> RunStanding:
        async with self._writing() as writing:
            return await follow_run(writing, key, running, read_at)

    async def hold_again(self, key: str, again: HoldAgain) -> str:
        async with self._writing() as writing:
            return await hold_again(writing, key, again)

    async def end(self, key: str, status: HoldStatus, reason: str | None = None) -> None:
        async with self._writing() as writing:
            await lock_hold(writing.connection, key)
            claims = await live_claims(writing.connection, key)
            if await writing.end(key, status, reason):
                woken = [case_workflow_id(claim.case_id) for claim in claims]
                await due.wake(writing.connection, woken, writing.now)

    async def record_twin_update(self, key: str, twin: str) -> None:
        async with self._writing() as writing:
            await writing.connection.execute(update(holds).where(holds.c.key == key).values(twin_told=twin))
            writing.act("hold-told-twin", key, hold=key, says=twin)


def _not_joined(there: LockedHold | None, equipment: str) -> str:
    """Why a case cannot join the hold on a machine now."""
    if there is None or there.state != HoldStatus.TESTING:
        return f"the hold on {equipment} is just being released"
    return (
        f"{equipment} runs on test after other work; production decides whether it is held again "
        f"(`millwright hold again {there.key}`)"
    )
