"""The test run of a held machine: it begins, is followed, proves the repair, or the machine is held again; see
`domain.hold_store.HoldStore`."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import null, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import ActRejected
from domain.holds import HoldAgain, HoldStatus, Release
from domain.keys import case_workflow_id
from domain.machine_test_runs import (
    HOLD_AGAIN,
    READY_FOR_TEST_RUN,
    FaultReadings,
    MachineTestRun,
    RunStanding,
    standing_of,
)
from millwright.storage.cases.hold_grounds import altered, claims_fault, run_fault
from millwright.storage.cases.hold_locks import (
    LockedHold,
    live_claims,
    lock_hold,
    lock_hold_if_any,
    lock_hold_of_case,
    orders_at_work_again,
)
from millwright.storage.cases.hold_writing import HoldWriting
from millwright.storage.cases.judged_readings import judged_readings
from millwright.storage.cases.rework import ReworkGround, lock_lines, open_rework
from millwright.storage.cases.signed_releases import check_signed
from millwright.storage.database.hold_tables import hold_claims, holds
from millwright.storage.scheduling import due

PROVED = "the signal was at its baseline for as long as the version asks"
_FAULTS = text(
    "SELECT DISTINCT c.asset, c.failure_mode FROM hold_claims m JOIN cases c ON c.id = m.case_id "
    "WHERE m.hold_key = :key ORDER BY 1, 2"
)
_NEWEST = text(
    "SELECT m.case_id FROM hold_claims m JOIN cases c ON c.id = m.case_id WHERE m.hold_key = :key "
    "AND (c.asset, c.failure_mode) = (:asset, :mode) ORDER BY c.opened_at DESC LIMIT 1"
)


class _FaultRow(NamedTuple):
    asset: str
    failure_mode: str


async def begin_run(writing: HoldWriting, key: str) -> None:
    """See `HoldStore.begin_test_run`."""
    found = await lock_hold(writing.connection, key)
    if found.state != HoldStatus.RELEASING or found.release is None or found.test_run is None:
        return
    if Release.model_validate(found.release).meaning != READY_FOR_TEST_RUN:
        raise altered(f"{found.equipment} was not released for a test run", "release-hold", key, "release")
    run = MachineTestRun.model_validate(found.test_run).model_copy(update={"begun_at": writing.now})
    await writing.connection.execute(update(holds).where(holds.c.key == key).values(state=HoldStatus.TESTING.value))
    await writing.keep_run(key, run)
    writing.act("hold-testing", key, hold=key, test_run=run)


async def follow_run(writing: HoldWriting, key: str, running: bool | None, read_at: datetime | None) -> RunStanding:
    """See `HoldStore.follow_test_run`."""
    connection = writing.connection
    found = await lock_hold(connection, key)
    if found.state != HoldStatus.TESTING or found.test_run is None:
        return RunStanding(None, None, "the test run is over")
    fault = await run_fault(connection, found) or await claims_fault(connection, key)
    if fault is not None:
        raise altered(fault, "read-production", key, "test_run")
    run = MachineTestRun.model_validate(found.test_run)
    if running is not None and read_at is not None:
        read = run.after_reading(read_at, running=running)
        if read != run:
            run = read
            await writing.keep_run(key, run)
            writing.act("hold-test-read", key, hold=key, running=running, test_run=run)
    standing = await _standing(connection, found, run, writing.now)
    if standing.proof is not None:
        proved = run.model_copy(update={"proof": standing.proof})
        claims = await live_claims(connection, key)
        await writing.keep_run(key, proved)
        await writing.end(key, HoldStatus.RELEASED, PROVED, test_run=proved)
        await due.wake(connection, [case_workflow_id(claim.case_id) for claim in claims], writing.now)
    return standing


async def hold_again(writing: HoldWriting, key: str, again: HoldAgain) -> str:
    """See `HoldStore.hold_again`."""
    connection = writing.connection
    # The rework opens a case, so this transaction takes the lock of the line first, as judging does.
    await lock_lines(connection, key)
    found = await lock_hold_if_any(connection, key)
    if found is None:
        raise ActRejected(f"there is no hold {key}", field="hold", fix="see `millwright hold list`")
    if found.state != HoldStatus.TESTING or found.test_run is None:
        problem = f"{found.equipment} does not run on test: hold {key} is {found.state}"
        raise ActRejected(problem, field="hold", fix="stop the machine in the MES if it must stand still")
    if (fault := await claims_fault(connection, key) or await run_fault(connection, found)) is not None:
        raise ActRejected(fault, field="hold", fix="run `millwright audit verify`, and find out who changed it")
    if again.meaning != HOLD_AGAIN:
        problem = "a hold is asked for again by the statement of a person of production"
        raise ActRejected(problem, field="meaning", fix=f"when it is true at the machine, state: {HOLD_AGAIN}")
    await check_signed(connection, key, found.equipment, again, writing.now)
    run = MachineTestRun.model_validate(found.test_run)
    standing = await _standing(connection, found, run, writing.now)
    [claim] = await live_claims(connection, key)
    case = claim.case_id if standing.fault is None else await _case_of(connection, key, standing.fault)
    shown = ReworkGround("hold-again", again.by, again.reason, standing.asks or standing.missing)
    rework = await open_rework(connection, case or claim.case_id, shown, writing.entry)
    other = await lock_hold_of_case(connection, rework)
    if other is not None and other.key != key:
        problem = f"case {rework} of the same fault has a hold of its own, {other.key}"
        raise ActRejected(problem, field="hold", fix="stop the machine in the MES if it must stand still")
    anew = MachineTestRun(terms=run.terms, version=run.version)
    await connection.execute(
        update(holds).where(holds.c.key == key).values(state=HoldStatus.ASKED.value, release=null())
    )
    await writing.keep_run(key, anew)
    detail = {"hold": key, "equipment": found.equipment, "again": again, "rework": rework, "test_run": anew}
    writing.act("hold-asked-again", key, again.by, **detail)
    await connection.execute(
        update(hold_claims)
        .where(hold_claims.c.hold_key == key, hold_claims.c.case_id == claim.case_id)
        .values(dropped_at=writing.now)
    )
    await connection.execute(hold_claims.insert().values(hold_key=key, case_id=rework, claimed_at=writing.now))
    writing.act("hold-passed", rework, hold=key, **{"from": claim.case_id, "to": rework})
    woken = [case_workflow_id(claim.case_id), case_workflow_id(rework)]
    await due.wake(connection, woken, writing.now)
    return rework


async def _case_of(connection: AsyncConnection, key: str, fault: tuple[str, str]) -> str | None:
    """The newest case of a fault that claimed the hold."""
    found: str | None = await connection.scalar(_NEWEST, {"key": key, "asset": fault[0], "mode": fault[1]})
    return found


async def _standing(connection: AsyncConnection, hold: LockedHold, run: MachineTestRun, now: datetime) -> RunStanding:
    readings = await _readings(connection, hold, run)
    return standing_of(run, readings, await orders_at_work_again(connection, hold.key), now)


async def _readings(connection: AsyncConnection, hold: LockedHold, run: MachineTestRun) -> FaultReadings:
    """What was received during the test run of each fault that a case of the hold was opened for.

    Raises:
        ActionRequired: an event or its verdict is not as recorded: somebody has altered the database.
    """
    if run.begun_at is None:
        return {}
    faults = map(_FaultRow._make, await connection.execute(_FAULTS, {"key": hold.key}))
    return {
        (fault.asset, fault.failure_mode): await judged_readings(
            connection,
            fault.asset,
            fault.failure_mode,
            run.begun_at,
            lambda wrong: altered(wrong, "release-hold", hold.key, "test_run"),
        )
        for fault in faults
    }
