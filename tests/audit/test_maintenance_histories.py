"""What verdicts were told of the work on their assets, held against the readings in the ledger."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.instances import SiteInstances
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.offline_maintenance import WorkThen
from millwright.audit.verifying import verify
from millwright.storage.maintenance.readings import MaintenanceHistoryStore
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, START, deviation
from tests.support.repaired_policy import CMMS, history, put_repaired_in_force

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


async def test_a_record_with_readings_and_late_events_verifies_here_and_elsewhere(
    storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    plant = Plant(storage_engine)
    await plant.prepare()
    await put_repaired_in_force(plant)
    store = MaintenanceHistoryStore(plant.engine, plant.clock, SiteInstances(otherwise=CMMS))
    for hour in range(4):
        at = START + timedelta(hours=24 + hour, minutes=-1)
        done = [at - timedelta(days=number, seconds=1.5) for number in range(1, hour + 1)]
        await store.record_reading(CMMS, at, {PUMP: history(at, *done), MOTOR: history(at)})
        await plant.take(deviation(24 + hour + 0.1), deviation(24 + hour - 0.3), deviation(24 + hour, asset=MOTOR))
    await plant.take(deviation(23.5), deviation(24.05))
    report = await verify(plant.engine)
    assert report.findings == ()
    assert await plant.rows("SELECT count(*) > 4 FROM contexts WHERE body LIKE '%maintenance%'") == [(True,)]
    await export(plant.engine, tmp_path / "export")
    assert list(offline_verify.verify(tmp_path / "export")) == []


def minute(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


def told(number: str | None, read_at: int) -> dict[str, object]:
    work = [] if number is None else [{"record": number, "done_at": minute(0).isoformat()}]
    return {"complete": True, "read_at": minute(read_at).isoformat(), "work": work}


def reading(at: int, *, system: str = "cmms", **assets: str | None) -> dict[str, object]:
    said = {name: told(number, at) for name, number in assets.items()}
    detail = {"read_at": minute(at).isoformat(), "said": said}
    return {"kind": "maintenance-read", "subject": f"maintenance/{system}", "detail": detail}


ACTS = [(1, reading(0, A1=None, A2="7")), (2, reading(5, A1="8")), (4, reading(10, A2="7")), (6, reading(15, A1="9"))]
NOT_READ = "what it was told of the work on A1 is not what had been read before its event"
LEFT_OUT = "it was not told the work on A1, which had been read"
NOT_USED = "it was told the work on A1, which its version does not use"


@pytest.mark.parametrize(
    ("context", "at", "seq", "uses", "fault"),
    [
        (told(None, 0), 3, 3, True, None),
        (told(None, 0), 5, 3, True, None),
        (told("8", 5), 6, 3, True, None),
        (told("8", 5), 12, 5, True, None),
        (told(None, 0), 12, 3, True, NOT_READ),
        (told("8", 5), 3, 3, True, NOT_READ),
        (told("7", 5), 6, 3, True, NOT_READ),
        (told("8", 0), 6, 3, True, NOT_READ),
        (None, 6, 3, True, LEFT_OUT),
        (None, 0, 3, True, None),
        (None, 6, 3, False, None),
        (None, 6, 3, None, None),
        (told("8", 5), 6, 3, False, NOT_USED),
        (told("7", 5), 6, 3, None, NOT_READ),
    ],
)
def test_a_verdict_must_have_been_told_what_was_read_last_before_its_event(
    context: dict[str, object] | None, at: int, seq: int, uses: bool | None, fault: str | None
) -> None:
    then = WorkThen(ACTS)
    then.until(seq)
    # What the first verdict after a reading may still tell is another test.
    then.fault("A1", told("8", 5), minute(6), seq - 1, uses=True)
    assert then.fault("A1", context, minute(at), seq, uses=uses) == fault


def test_only_the_first_row_after_a_reading_may_tell_of_the_one_before() -> None:
    then = WorkThen(ACTS)
    then.until(7)
    assert then.fault("A1", told("8", 5), minute(16), 7, uses=True) is None
    assert then.fault("A1", told("8", 5), minute(16), 7, uses=True) is None
    assert then.fault("A1", told("8", 5), minute(16), 8, uses=True) == NOT_READ
    assert then.fault("A1", told(None, 0), minute(16), 7, uses=True) == NOT_READ


@pytest.mark.parametrize(
    ("context", "fault"),
    [(told("8", 10), None), (told("3", 5), None), (told(None, 0), None), (told("3", 0), NOT_READ), (None, LEFT_OUT)],
    ids=["none or the other's missed", "only its own missed", "both missed", "never read", "told nothing"],
)
def test_the_first_row_may_have_missed_the_last_reading_of_one_system_and_not_of_another(
    context: dict[str, object] | None, fault: str | None
) -> None:
    acts = [(1, reading(0, A1=None)), (2, reading(5, system="other", A1="3")), (3, reading(10, A1="8"))]
    then = WorkThen(acts)
    then.until(4)
    assert then.fault("A1", context, minute(12), 4, uses=True) == fault


def test_of_two_systems_the_one_that_was_read_last_counts() -> None:
    then = WorkThen([*ACTS[:2], (3, reading(7, system="other", A1="3"))])
    then.until(9)
    then.fault("A1", None, minute(0), 8, uses=True)
    assert then.fault("A1", told("3", 7), minute(12), 9, uses=True) is None
    assert then.fault("A1", told("8", 5), minute(12), 9, uses=True) == NOT_READ
    assert then.fault("A1", told("8", 5), minute(6), 9, uses=True) is None
