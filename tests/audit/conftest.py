"""A small record with everything in it, built once and cloned for each test."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.admission import CrewBound, Exemption
from domain.assets import Criticality
from domain.canonical import merkle_root
from domain.cases import ClosedAs, Decision
from domain.holds import HoldStatus, PlacementState
from domain.outcomes import Label, Outcome, OutcomeClass
from domain.production import READY_TO_RUN, HoldMethod, HoldPlan, JobState
from domain.verdict import Urgency, UrgencyDecision
from domain.work_orders import (
    CompletionReport,
    FindingRole,
    ReportedCode,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.admissions import AdmissionStore
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.holds import HoldStore
from millwright.storage.cases.walk_downs import WalkDownStore
from millwright.storage.database.engine import open_engine, raw
from millwright.storage.ledger.ledger import GENESIS, row_hash
from tests.support.cmms import INCOMPLETE, PEOPLES_ORDER
from tests.support.judged_plant import Plant
from tests.support.people import signed_release
from tests.support.plant import MOTOR, PUMP, START, UNASKED, code, deviation
from tests.support.twin_writes import whole_write
from tests.support.walk_downs import prove, target

_numbers = itertools.count()


def order(case: str, number: str, status: WorkOrderStatus = WorkOrderStatus.APPROVED) -> WorkOrderRecord:
    """An order as the CMMS tells of it."""
    return WorkOrderRecord(
        ref=WorkOrderRef(system="maximo", id=number, key=case),
        status=status,
        vendor_status="COMP" if status is WorkOrderStatus.COMPLETED else "APPR",
        changed_at=START + timedelta(days=5),
        touched=Touched.NO,
    )


async def place(cases: CaseStore, case: str, asset: str, number: str, name: str | None = None) -> None:
    """Takes a case as far as its order; `name` is the asset's in the CMMS, by default the one it has."""
    draft = WorkOrderDraft(
        key=case,
        asset=asset,
        asset_attributes={"siteid": "BEDFORD"},
        asset_external_id=name or asset.replace("machine-001-comp", "M001-COMP"),
        summary="The signal has shifted.",
        paragraphs=("Seen by two.",),
        failure_mode="PDE" if asset == PUMP else "LOO",
        priority=1,
        released=True,
        reported_at=START,
    )
    now = START + timedelta(days=5)
    urgency = UrgencyDecision(urgency=Urgency.NOW, rule="critical", because="It is.", hold_at=now, work_at=now)
    await cases.record_proposal(case, urgency, None)
    await cases.intend_order(case, "maximo", draft, PEOPLES_ORDER, INCOMPLETE)
    await cases.record_order(case, order(case, number), START)


async def hold(holds: HoldStore, case: str, equipment: str) -> None:
    """Holds the job of a machine for a case, and reads it as held."""
    claimed = await holds.claim(case, "opcua_job_control", equipment, unasked=True)
    plan = HoldPlan(
        key=claimed.key,
        equipment=equipment,
        receiver="Press1",
        job="J-7",
        prior_state=JobState.RUNNING,
        method=HoldMethod.PAUSE,
        target=target("Press1"),
    )
    placement = await holds.intend_placement(claimed.key, plan, case)
    assert placement is not None
    now = START + timedelta(days=5)
    await holds.move_placement(claimed.key, placement.number, PlacementState.IN_EFFECT, read_at=now)


async def confirmed(cases: CaseStore, case: str, number: str) -> Label:
    """Completes the order of a case, which confirmed its fault; gives the label to keep of it."""
    await cases.record_order(case, order(case, number, WorkOrderStatus.COMPLETED), START)
    report = CompletionReport(
        started_at=START,
        finished_at=START + timedelta(hours=9),
        codes=(ReportedCode(role=FindingRole.CAUSE, code="BEARING"),),
        downtime=timedelta(hours=2),
    )
    found = Outcome(
        case=case, outcome=OutcomeClass.CONFIRMED, cancelled=False, found_at=START + timedelta(hours=9), report=report
    )
    await cases.record_outcome(found)
    await cases.record_twin_update(case, whole_write('W/"1"'), OutcomeClass.CONFIRMED)
    return Label(
        case=case,
        asset=PUMP,
        machine="machine-001",
        failure_mode="PDE",
        outcome=OutcomeClass.CONFIRMED,
        window_start=START,
        window_end=START + timedelta(hours=4),
        found_at=found.found_at,
        work_order=number,
        policy="rotating-equipment",
        policy_version="1.1.0",
        policy_digest="0" * 64,
        detectors=("adx:volt",),
        model_versions=(),
        failure_class=None,
        problem=None,
        cause="BEARING",
        remedy=None,
        downtime=timedelta(hours=2),
    )


async def finish(cases: CaseStore, holds: HoldStore, case: str, number: str) -> None:
    """Takes a case with an order to its end: held, done, learnt from, released by production, closed."""
    await hold(holds, case, "EQ-001")
    await cases.keep_label(await confirmed(cases, case, number))
    await cases.close(case, ClosedAs.DONE)
    await holds.mark_ready(case)
    await holds.approve_release(case, signed_release(case, "EQ-001", START + timedelta(days=5)))
    await holds.move_placement(case, 1, PlacementState.RELEASED)
    await holds.end(case, HoldStatus.RELEASED, READY_TO_RUN)
    await cases.close(case, ClosedAs.DONE)


async def build(engine: AsyncEngine, more: str = UNASKED, bound: CrewBound | None = None) -> None:
    """Watched, confirmed, revised, too late, ignored; one case done, with hold and label, one held with an order.

    Args:
        more: a clause of the versions beyond the shipped ones.
        bound: what this clause says of the crew, if it does.
    """
    plant = Plant(engine)
    await plant.prepare(Criticality.A, more)
    await plant.take(deviation(1, external_id="first"), deviation(2), deviation(3, score=2.0, external_id="weak"))
    await plant.take(code(1.5, external_id="late-code"))
    await plant.take(deviation(4, external_id="fed"))
    await plant.take(code(-20, external_id="aside"))
    await plant.take(deviation(2, asset=MOTOR, external_id="watched"))
    await plant.take(code(3, "error2", asset=MOTOR), code(3.5, "error3", asset=MOTOR))
    await plant.take(deviation(4, asset=MOTOR, external_id="confirmed"))
    cases = CaseStore(engine, plant.clock, StoredVersions(plant.catalogue))
    ids = {str(asset): str(case) for case, asset in await plant.rows("SELECT id, asset FROM cases")}
    if bound is not None:
        for case in ids.values():
            await AdmissionStore(engine, plant.clock).ask(case, bound, Exemption.HOLD)
    holds = HoldStore(engine, plant.clock)
    await prove(WalkDownStore(engine, plant.clock), plant.clock.now(), "opcua_job_control", target("Press1"))
    await place(cases, ids[PUMP], PUMP, "1001")
    await finish(cases, holds, ids[PUMP], "1001")
    await place(cases, ids[MOTOR], MOTOR, "1002")
    await hold(holds, ids[MOTOR], "EQ-001")
    await cases.record_decision(ids[MOTOR], Decision(approved=True, by="paula", reason="Do it.", at=plant.clock.now()))


@pytest.fixture(scope="session")
async def recorded_template(postgres_url: str) -> str:
    """The name of the database that holds the record."""
    name = "millwright_recorded"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE millwright_template STRATEGY FILE_COPY")
    engine = open_engine(postgres_url.replace("/postgres?", f"/{name}?"))
    await build(engine)
    await engine.dispose()
    return name


@asynccontextmanager
async def a_record(postgres_url: str, recorded_template: str) -> AsyncIterator[AsyncEngine]:
    """A clone of the record, on a database of its own."""
    name = f"millwright_audit_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {recorded_template} STRATEGY FILE_COPY")
    engine = open_engine(postgres_url.replace("/postgres?", f"/{name}?"))
    yield engine
    await engine.dispose()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def recorded(postgres_url: str, recorded_template: str) -> AsyncIterator[AsyncEngine]:
    """The record, for a test that may do with it what it likes."""
    async with a_record(postgres_url, recorded_template) as engine:
        yield engine


@pytest.fixture(scope="module")
async def read_only(postgres_url: str, recorded_template: str) -> AsyncIterator[AsyncEngine]:
    """The record, for tests that ask and change nothing; one that tried would be refused."""
    async with a_record(postgres_url, recorded_template) as engine:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {engine.url.database} SET default_transaction_read_only = on")
        yield engine


class Hostile:
    """Somebody with all rights on the database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def run(self, *statements: str, **values: object) -> None:
        """Runs statements with every trigger off."""
        async with self._engine.begin() as connection:
            driver = await raw(connection)
            await driver.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                await driver.execute(sql.SQL(statement), values or None)

    async def rows(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """What a statement finds."""
        async with self._engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(statement), values)]

    async def chain_anew(self) -> None:
        """Chains the whole ledger anew over what is stored, as somebody who knows how it is made."""
        leaves: dict[int, list[str]] = {}
        rows = "SELECT ledger_seq, leaf, digest FROM verdicts UNION ALL SELECT ledger_seq, leaf, digest FROM acts"
        for seq, _, digest in await self.rows(rows + " ORDER BY 1, 2"):
            leaves.setdefault(int(str(seq)), []).append(str(digest))
        previous = GENESIS
        for seq, at in await self.rows("SELECT seq, at FROM ledger ORDER BY seq"):
            own = leaves[int(str(seq))]
            root = merkle_root(own)
            known = previous
            previous = row_hash(int(str(seq)), at, len(own), root, known)  # type: ignore[arg-type]
            await self.run(
                "UPDATE ledger SET root = %(root)s, previous = %(previous)s, hash = %(hash)s WHERE seq = %(seq)s",
                root=root,
                previous=known,
                hash=previous,
                seq=seq,
            )
        await self.run("UPDATE ledger_head SET hash = %(hash)s", hash=previous)


@pytest.fixture
def hostile(recorded: AsyncEngine) -> Hostile:
    """The hostile owner of the record."""
    return Hostile(recorded)


@pytest.fixture
def export_directory(tmp_path: Path) -> Path:
    """Where an export goes."""
    return tmp_path / "export"
