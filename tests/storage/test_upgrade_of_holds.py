"""Holds of an earlier build after the tables were upgraded: who answers for them, and what the audit says of them."""

import itertools
from collections.abc import AsyncIterator
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Criticality
from domain.holds import HoldStatus
from domain.keys import case_workflow_id
from domain.production import HoldMethod, HoldPlan, JobState
from domain.verdict import Rung
from millwright.audit.report import AuditFinding
from millwright.audit.verifying import verify
from millwright.storage.cases.holds import HoldStore
from millwright.storage.database.engine import open_engine, transaction
from millwright.storage.database.schema import check, downgrade, upgrade
from millwright.storage.ledger import ledger
from tests.support.judged_plant import Plant
from tests.support.people import signed_release
from tests.support.plant import code, deviation

BEFORE = "0014_identity"
# The methods of plans of earlier builds, which name no receiver.
PAUSE, NOTHING = HoldMethod.PAUSE, HoldMethod.NOTHING_TO_HOLD
_numbers = itertools.count()


class EarlierBuild:
    """Writes holds, claims and acts as the build at 0541b6c did."""

    def __init__(self, engine: AsyncEngine, plant: Plant) -> None:
        self._engine = engine
        self._plant = plant
        self._event: tuple[object, ...] = ()

    async def prepare(self) -> None:
        await self._plant.prepare(Criticality.A)
        await self._plant.take(code(1), deviation(2))
        (self._event,) = await self._plant.rows(
            "SELECT e.id, e.source, e.external_id FROM events e JOIN cases c ON c.opened_by = e.id"
        )

    async def intended(self, key: str, *sharing: str, method: HoldMethod = PAUSE) -> None:
        """A hold on a machine of its own, claimed by a case and those that share it."""
        job, state = ("J1", JobState.RUNNING) if method is PAUSE else (None, None)
        plan = HoldPlan(key=key, equipment=f"EQ-{key}", job=job, prior_state=state, method=method)
        body = plan.model_dump(mode="json", exclude={"receiver"})
        await self._open(key)
        await self._write(
            "INSERT INTO holds (key, system, equipment, plan, state, intended_at) "
            "VALUES (:key, 'mes', :equipment, CAST(:plan AS jsonb), 'intended', :now)",
            key=key,
            equipment=plan.equipment,
            plan=plan.model_dump_json(exclude={"receiver"}),
        )
        await self._claim(key, key, "hold-intended", body)
        for case in sharing:
            await self._open(case)
            await self._claim(key, case, "hold-shared", {**body, "key": case})

    async def settled(self, key: str, state: str, reason: str | None = None) -> None:
        await self._write(
            "UPDATE holds SET state = :state, reason = :reason, "
            "placed_at = CASE WHEN :state = 'placed' THEN CAST(:now AS timestamptz) ELSE placed_at END, "
            "released_at = CASE WHEN :state = 'released' THEN CAST(:now AS timestamptz) END WHERE key = :key",
            key=key,
            state=state,
            reason=reason,
        )
        await self._act(key, f"hold-{state}", hold=key, reason=reason)

    async def dropped(self, key: str, case: str, left: int = 0) -> None:
        releasing = "UPDATE holds SET state = 'releasing' WHERE key = :key AND state = 'placed' AND :left = 0"
        await self._write(releasing, key=key, left=left)
        await self._write(
            "UPDATE hold_claims SET dropped_at = :now WHERE hold_key = :key AND case_id = :case", key=key, case=case
        )
        await self._act(case, "hold-dropped", hold=key, left=left)

    async def _open(self, case: str) -> None:
        event, source, external_id = self._event
        await self._write(
            "INSERT INTO cases (id, asset, failure_mode, machine, line, opened_by, opened_at, event_at, last_event_at, "
            "version, verdict, rung, phase) SELECT :case, 'asset-' || :case, failure_mode, machine, line, :event, "
            ":now, event_at, last_event_at, version, verdict, rung, phase FROM cases LIMIT 1",
            case=case,
            event=event,
        )
        ((mode, rung),) = await self._plant.rows("SELECT failure_mode, rung FROM cases WHERE id = :case", case=case)
        told = {
            "asset": f"asset-{case}",
            "failure_mode": mode,
            "rung": Rung(int(str(rung))).word,
            "event": [source, external_id],
        }
        await self._act(case, "case-opened", **told)

    async def _claim(self, key: str, case: str, kind: str, plan: dict[str, object]) -> None:
        await self._write(
            "INSERT INTO hold_claims (hold_key, case_id, claimed_at) VALUES (:key, :case, :now)", key=key, case=case
        )
        await self._act(case, kind, hold=key, plan=plan)

    async def _write(self, statement: str, **values: object) -> None:
        self._plant.clock.time += timedelta(seconds=1)
        async with self._engine.begin() as connection:
            await connection.execute(text(statement), {"now": self._plant.clock.now(), **values})

    async def _act(self, case: str, kind: str, **detail: object) -> None:
        now = self._plant.clock.now()
        entry = ledger.Entry(now)
        entry.add(ledger.act(kind, case_workflow_id(case), "millwright", now, detail))
        async with transaction(self._engine) as connection:
            await ledger.append(connection, entry)


async def in_each_state(build: EarlierBuild) -> None:
    """A hold in each state that the earlier build knew; its key says which."""
    await build.intended("INTENDED")
    await build.intended("INTENDED-DROPPED")
    await build.dropped("INTENDED-DROPPED", "INTENDED-DROPPED")
    await build.intended("PLACED")
    await build.settled("PLACED", "placed")
    await build.intended("SHARED", "SHARER")
    await build.settled("SHARED", "placed")
    await build.intended("LEFT", "STAYER")
    await build.settled("LEFT", "placed")
    await build.dropped("LEFT", "LEFT", left=1)
    await build.intended("RELEASING", "RELEASER")
    await build.settled("RELEASING", "placed")
    await build.dropped("RELEASING", "RELEASER", left=1)
    await build.dropped("RELEASING", "RELEASING")
    await build.intended("RELEASED")
    await build.settled("RELEASED", "placed")
    await build.dropped("RELEASED", "RELEASED")
    await build.settled("RELEASED", "released")
    await build.intended("UNPROVEN")
    await build.settled("UNPROVEN", "unproven", "held already")
    await build.intended("UNPROVEN-DROPPED")
    await build.settled("UNPROVEN-DROPPED", "unproven", "held already")
    await build.dropped("UNPROVEN-DROPPED", "UNPROVEN-DROPPED")
    await build.intended("UNPROVEN-RELEASED")
    await build.settled("UNPROVEN-RELEASED", "unproven", "held already")
    await build.dropped("UNPROVEN-RELEASED", "UNPROVEN-RELEASED")
    await build.settled("UNPROVEN-RELEASED", "released")
    await build.intended("VOID")
    await build.settled("VOID", "void", "the job moved on before it could be held")
    await build.intended("NOTHING", method=NOTHING)
    await build.settled("NOTHING", "void", "nothing_to_hold")


# By key: the hold's state, its placements' states, and its claims.
UPGRADED = {
    "INTENDED": ("asked", ["intended"], {"INTENDED": "working"}),
    "INTENDED-DROPPED": ("asked", ["intended"], {"INTENDED-DROPPED": "ready"}),
    "PLACED": ("asked", ["in_effect"], {"PLACED": "working"}),
    "SHARED": ("asked", ["in_effect"], {"SHARED": "working", "SHARER": "working"}),
    "LEFT": ("asked", ["in_effect"], {"LEFT": "dropped", "STAYER": "working"}),
    "RELEASING": ("asked", ["in_effect"], {"RELEASING": "ready", "RELEASER": "dropped"}),
    "RELEASED": ("released", ["released"], {"RELEASED": "dropped"}),
    "UNPROVEN": ("asked", ["unproven"], {"UNPROVEN": "working"}),
    "UNPROVEN-DROPPED": ("asked", ["unproven"], {"UNPROVEN-DROPPED": "ready"}),
    "UNPROVEN-RELEASED": ("void", ["void"], {"UNPROVEN-RELEASED": "dropped"}),
    "VOID": ("void", ["void"], {"VOID": "dropped"}),
    "NOTHING": ("void", [], {"NOTHING": "dropped"}),
}
# A hold that the earlier build was releasing is releasable now: it can say so of no other.
DOWNGRADED = {
    "INTENDED": "intended",
    "INTENDED-DROPPED": "intended",
    "PLACED": "placed",
    "SHARED": "placed",
    "LEFT": "placed",
    "RELEASING": "releasing",
    "RELEASED": "released",
    "UNPROVEN": "unproven",
    "UNPROVEN-DROPPED": "unproven",
    "UNPROVEN-RELEASED": "void",
    "VOID": "void",
    "NOTHING": "void",
}


@pytest.fixture
async def earlier(postgres_url: str) -> AsyncIterator[tuple[str, Plant]]:
    """A database of the earlier build with its holds: its address, and the plant."""
    name = f"millwright_upgrade_of_holds_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = postgres_url.replace("/postgres?", f"/{name}?")
    upgrade(url)
    engine = open_engine(url)
    plant = Plant(engine)
    build = EarlierBuild(engine, plant)
    await build.prepare()
    # This build's judging needs the tables of now; the holds are written to the earlier ones.
    await engine.dispose()
    downgrade(url, BEFORE)
    await in_each_state(build)
    # What was prepared for the earlier tables is of no use to the next.
    await engine.dispose()
    yield url, plant
    await engine.dispose()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def standing(plant: Plant) -> dict[object, tuple[object, list[object], dict[object, object]]]:
    """Every hold with its placements' states and its claims."""
    rows = await plant.rows(
        "SELECT h.key, h.state, ARRAY(SELECT p.state FROM hold_placements p WHERE p.hold_key = h.key ORDER BY number), "
        "(SELECT json_object_agg(case_id, CASE WHEN dropped_at IS NOT NULL THEN 'dropped' "
        "WHEN ready_at IS NOT NULL THEN 'ready' ELSE 'working' END) FROM hold_claims c WHERE c.hold_key = h.key) "
        "FROM holds h"
    )
    return {key: (state, list(placements), claims) for key, state, placements, claims in rows}  # type: ignore[call-overload, misc]  # rows are of objects


async def found_of_holds(plant: Plant) -> list[AuditFinding]:
    """What the audit finds of holds. The cases are made up, so that no verdict opened them."""
    return [
        finding for finding in (await verify(plant.engine)).findings if finding.kind in ("hold", "missing", "orphan")
    ]


async def test_every_hold_of_an_earlier_build_has_a_case_that_answers_for_it_and_agrees_with_its_acts(
    earlier: tuple[str, Plant],
) -> None:
    url, plant = earlier
    upgrade(url)
    check(url)
    assert await standing(plant) == UPGRADED
    assert await found_of_holds(plant) == []


async def test_the_placement_of_an_earlier_build_keeps_its_plan_and_its_times(earlier: tuple[str, Plant]) -> None:
    url, plant = earlier
    before = await plant.rows("SELECT plan, intended_at, placed_at, released_at FROM holds WHERE key = 'RELEASED'")
    upgrade(url)
    found = "SELECT plan, intended_at, in_effect_at, ended_at FROM hold_placements WHERE hold_key = 'RELEASED'"
    assert await plant.rows(found) == before
    assert await plant.rows("SELECT receiver, job, number FROM hold_placements WHERE hold_key = 'RELEASED'") == [
        ("", "J1", 1)
    ]


async def test_a_hold_that_an_earlier_build_was_releasing_waits_for_production_now(earlier: tuple[str, Plant]) -> None:
    url, plant = earlier
    upgrade(url)
    holds = HoldStore(plant.engine, plant.clock)
    hold = await holds.read("RELEASING")
    assert hold is not None
    assert hold.releasable
    assert hold.ready_at is not None
    await holds.approve_release("RELEASING", signed_release("RELEASING", hold.equipment, plant.clock.now()))
    assert (await standing(plant))["RELEASING"][0] == HoldStatus.RELEASING
    assert await found_of_holds(plant) == []


async def test_holds_come_back_to_the_tables_of_an_earlier_build_and_are_upgraded_again(
    earlier: tuple[str, Plant],
) -> None:
    url, plant = earlier
    upgrade(url)
    # Readied under this build: no act of the earlier one tells who let go of it.
    await HoldStore(plant.engine, plant.clock).mark_ready("PLACED")
    await plant.engine.dispose()
    downgrade(url, BEFORE)
    assert dict(await plant.rows("SELECT key, state FROM holds")) == {**DOWNGRADED, "PLACED": "releasing"}  # type: ignore[arg-type]  # rows of two
    await plant.engine.dispose()
    upgrade(url)
    assert await standing(plant) == {**UPGRADED, "PLACED": ("asked", ["in_effect"], {"PLACED": "ready"})}
    assert await found_of_holds(plant) == []
