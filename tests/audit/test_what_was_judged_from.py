"""Whoever has the database as the runtime role alters what verdicts are judged from: it is seen, or has no effect."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities import judging
from domain.assets import Criticality
from domain.canonical import canonical
from domain.judging import Assignment, LineWork
from domain.verdict import Memory
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.offline_register import AssetsThen
from millwright.audit.verifying import verify
from millwright.storage.events.register import RegisterStore
from millwright.storage.judging import line_reading
from tests.storage.test_runtime_role import roles, signed_in
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, START, code, deviation, register

_EMPTIED = f"UPDATE memories SET body = '{canonical(Memory()).decode()}'"
_OLDER = """
UPDATE memories m SET body = (SELECT v.memory FROM verdicts v
    WHERE (v.version, v.asset, v.failure_mode) = (m.version, m.asset, m.failure_mode) ORDER BY v.id LIMIT 1)
"""

_FROM_THE_TABLE = """
SELECT m.version, m.asset, m.failure_mode, m."position", m.body, true FROM memories m
JOIN unnest(%b::text[], %b::text[]) AS k(asset, failure_mode) ON (m.asset, m.failure_mode) = (k.asset, k.failure_mode)
WHERE m.version = ANY(%s)
"""

__all__ = ["roles"]


async def found(engine: AsyncEngine, directory: Path) -> tuple[list[str], list[str]]:
    """What is found online and offline."""
    online = [f"{each.kind}: {each.what}" for each in (await verify(engine)).findings]
    await export(engine, directory)
    return online, [f"{each.kind}: {each.what}" for each in offline_verify.verify(directory)]


@pytest.mark.parametrize("alteration", [_EMPTIED, _OLDER])
async def test_a_verdict_on_an_altered_memory_is_named(
    storage_engine: AsyncEngine, export_directory: Path, monkeypatch: pytest.MonkeyPatch, alteration: str
) -> None:
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.A)
    await plant.take(deviation(1))
    await plant.take(code(2))
    async with storage_engine.begin() as connection:
        await connection.exec_driver_sql(alteration)
    # As an earlier build judges.
    monkeypatch.setattr(line_reading, "_MEMORIES", _FROM_THE_TABLE)
    await plant.take(deviation(3))
    await plant.take(deviation(4))
    online, offline = await found(storage_engine, export_directory)
    words = "verdict-memory: the memory that it began with is not the one that the last verdict before it left"
    assert online == offline == [words, words]


@pytest.mark.parametrize("alteration", [_EMPTIED, _OLDER, "UPDATE memories SET position = '2014'"])
async def test_an_altered_memory_changes_no_verdict(
    storage_engine: AsyncEngine, roles: str, caplog: pytest.LogCaptureFixture, alteration: str
) -> None:
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.A)
    await plant.take(code(0.5))
    await plant.take(code(1))
    with psycopg.connect(signed_in(roles, "millwright_runtime")) as connection:
        connection.execute(alteration.encode())
    await plant.take(deviation(2))
    assert len(await plant.rows("SELECT id FROM cases")) == 1
    assert "is not what the last verdict left behind" in caplog.text
    assert (await verify(storage_engine)).findings == ()


async def test_a_register_that_was_altered_while_something_was_judged_is_named(
    storage_engine: AsyncEngine, roles: str, export_directory: Path
) -> None:
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.D)
    with psycopg.connect(signed_in(roles, "millwright_runtime"), autocommit=True) as connection:
        connection.execute("UPDATE assets SET criticality = 'A' WHERE criticality = 'D'")
        await plant.take(deviation(1))
        connection.execute("UPDATE assets SET criticality = 'D' WHERE criticality = 'A'")
    await plant.take(deviation(2))
    online, offline = await found(storage_engine, export_directory)
    told = f"verdict-context: what it was told of {PUMP} is not what the register said then: criticality A for D"
    assert online == offline == [told, told]


async def test_a_changed_register_verifies(storage_engine: AsyncEngine, export_directory: Path) -> None:
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.D)
    store = RegisterStore(storage_engine, plant.clock)
    for number, criticality in enumerate((Criticality.C, Criticality.A, Criticality.A)):
        await plant.take(deviation(2 * number + 1), deviation(2 * number + 1, asset=MOTOR))
        plant.clock.time += timedelta(hours=1)
        await store.keep(register(criticality), "tests")
    await store.retire([MOTOR], "tests", "it left")
    plant.clock.time += timedelta(hours=1)
    await store.keep(register(Criticality.B), "tests")
    await plant.take(deviation(9), deviation(9, asset=MOTOR))
    assert await found(storage_engine, export_directory) == ([], [])


@pytest.mark.parametrize("rows", [1, 2])
def test_only_the_first_row_after_a_change_may_be_told_what_was_before(rows: int) -> None:
    then = AssetsThen()
    for criticality in ("D", "A"):
        then.follow({"kind": "asset-recorded", "subject": f"asset/{PUMP}", "detail": recorded_asset(criticality)})
        then.follow({"kind": "register-held", "subject": "register", "detail": {}})
    told = {"asset": PUMP, "asset_class": "pump", "criticality": "D", "machine": PUMP, "line": "", "codes": 0}
    faults = [then.fault(PUMP, told, seq) for seq in range(5, 5 + rows) for _ in range(2)]
    assert [fault is None for fault in faults] == [True, True, False, False][: 2 * rows]


def recorded_asset(criticality: str) -> dict[str, object]:
    """An asset as its act records it."""
    names = dict.fromkeys(("valid_to", "machine", "line"))
    return {"id": PUMP, "valid_from": START.isoformat(), "asset_class": "pump", "criticality": criticality, **names}


async def test_an_event_on_which_only_a_shadow_decided_is_named(
    storage_engine: AsyncEngine, export_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.A)

    def shadows(work: LineWork, asset: str) -> list[Assignment]:
        return [assignment for assignment in work.assignments_of(asset) if assignment.role == "shadow"]

    monkeypatch.setattr(judging, "_assigned", shadows)
    await plant.take(deviation(1))
    online, offline = await found(storage_engine, export_directory)
    words = "event: was decided, and there is no verdict of an active version on it"
    assert online == offline == [words]
