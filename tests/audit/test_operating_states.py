"""What verdicts were told of their machines, held against the readings in the ledger."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.instances import SiteInstances
from domain.operating import MachineState
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.offline_operating import MachinesThen
from millwright.audit.verifying import verify
from millwright.storage.operating.readings import OperatingStateStore
from tests.support.judged_plant import Plant
from tests.support.plant import START, deviation
from tests.support.steady_policy import MACHINE, MES, put_in_force, said

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


async def test_a_record_with_readings_and_late_events_verifies_here_and_elsewhere(
    storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    plant = Plant(storage_engine)
    await plant.prepare()
    await put_in_force(plant)
    store = OperatingStateStore(plant.engine, plant.clock, SiteInstances(otherwise=MES))
    states = (MachineState.STARTUP, MachineState.RUNNING, MachineState.RUNNING, MachineState.IDLE)
    for hour, state in enumerate(states):
        at = START + timedelta(hours=24 + hour, minutes=-1)
        await store.record_reading(MES, at, {MACHINE: said(state, at)}, timedelta(hours=2))
        await plant.take(deviation(24 + hour + 0.1), deviation(24 + hour - 0.3))
    await plant.take(deviation(23.5), deviation(24.05))
    report = await verify(plant.engine)
    assert report.findings == ()
    assert await plant.rows("SELECT count(*) = 4 FROM contexts WHERE body LIKE '%operating%'") == [(True,)]
    await export(plant.engine, tmp_path / "export")
    assert list(offline_verify.verify(tmp_path / "export")) == []


def minute(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


def reading(at: int, **machines: str) -> dict[str, object]:
    told = {name: {"state": state, "read_at": minute(at).isoformat()} for name, state in machines.items()}
    return {
        "kind": "operating-read",
        "subject": "operating/mes",
        "detail": {"read_at": minute(at).isoformat(), "said": told},
    }


def told(state: str, read_at: int) -> dict[str, object]:
    return {"state": state, "read_at": minute(read_at).isoformat()}


ACTS = [(1, reading(0, M1="startup", M2="idle")), (2, reading(5, M1="running")), (4, reading(10)), (6, reading(15))]
NOT_READ = "what it was told of M1 is not what had been read before its event"
LEFT_OUT = "it was not told what M1 did, which had been read"
NOT_USED = "it was told what M1 did, which its version does not use"


@pytest.mark.parametrize(
    ("context", "at", "seq", "uses", "fault"),
    [
        (told("startup", 0), 3, 3, True, None),
        (told("startup", 0), 5, 3, True, None),
        (told("running", 5), 6, 3, True, None),
        (told("running", 10), 12, 5, True, None),
        (told("running", 5), 12, 3, True, None),
        (told("running", 10), 12, 3, True, NOT_READ),
        (told("running", 5), 3, 3, True, NOT_READ),
        (told("idle", 5), 6, 3, True, NOT_READ),
        (told("running", 0), 6, 3, True, NOT_READ),
        (None, 6, 3, True, LEFT_OUT),
        (None, 0, 3, True, None),
        (None, 6, 3, False, None),
        (None, 6, 3, None, None),
        (told("running", 5), 6, 3, False, NOT_USED),
        (told("idle", 5), 6, 3, None, NOT_READ),
    ],
)
def test_a_verdict_must_have_been_told_what_was_read_last_before_its_event(
    context: dict[str, object] | None, at: int, seq: int, uses: bool | None, fault: str | None
) -> None:
    then = MachinesThen(ACTS)
    then.until(seq)
    # What the first verdict after a reading may still tell is another test.
    then.fault("M1", told("running", 5), minute(6), seq - 1, uses=True)
    assert then.fault("M1", context, minute(at), seq, uses=uses) == fault


def test_only_the_first_row_after_a_reading_may_tell_of_the_one_before() -> None:
    then = MachinesThen(ACTS)
    then.until(7)
    assert then.fault("M1", told("running", 10), minute(16), 7, uses=True) is None
    assert then.fault("M1", told("running", 10), minute(16), 7, uses=True) is None
    assert then.fault("M1", told("running", 10), minute(16), 8, uses=True) == NOT_READ
    assert then.fault("M1", told("running", 5), minute(16), 7, uses=True) == NOT_READ


def test_of_two_systems_the_one_that_said_something_new_last_counts() -> None:
    other = reading(7, M1="idle")
    other["subject"] = "operating/other"
    then = MachinesThen([*ACTS[:2], (3, other), ACTS[2]])
    then.until(9)
    then.fault("M1", None, minute(0), 8, uses=True)
    assert then.fault("M1", told("idle", 7), minute(12), 9, uses=True) is None
    assert then.fault("M1", told("running", 10), minute(12), 9, uses=True) == NOT_READ
