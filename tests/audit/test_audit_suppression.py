"""What the audit finds of shelves that were tampered with."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.suppression import shelving_limits
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.returning import Returning
from millwright.storage.suppressions import SuppressionStore
from tests.judged_plant import Plant
from tests.plant import PUMP, START, code, deviation

LIMITS = shelving_limits("A=P1D,B=P1D,C=P1D,D=P1D")


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    """A shelf that returned, and one that somebody ended and that is still to return."""
    made = Plant(storage_engine)
    await made.prepare()
    made.clock.time = START
    store = SuppressionStore(storage_engine, made.clock, LIMITS, timedelta(days=1))
    await store.shelve(PUMP, None, timedelta(hours=8), "ines", "sensor is being moved")
    await made.take(code(1), deviation(2))
    made.clock.time = START + timedelta(hours=9)
    await Returning(storage_engine, made.clock, StoredVersions(made.catalogue)).return_due()
    ended = await store.shelve("machine-001", "LOO", timedelta(hours=8), "ines", "guard is open")
    await store.end(ended.id, "olaf", "guard is closed")
    return made


async def test_what_was_shelved_and_returned_verifies(plant: Plant) -> None:
    report = await verify(plant.engine)
    assert report.findings == ()


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        ("UPDATE suppressions SET reason = 'harmless' WHERE kind = 'shelf'", "when it was made"),
        ("UPDATE suppressions SET made_by = 'olaf'", "when it was made"),
        ("UPDATE suppressions SET end_at = end_at - interval '1 minute' WHERE ended_by IS NULL", "another time"),
        ("UPDATE suppressions SET returned_at = NULL", "not returned though"),
        ("UPDATE suppressions SET returned_at = now()", "without a record"),
        ("UPDATE suppressed SET at = at - interval '1 day' WHERE how = 'held_back'", "does not cover"),
        ("UPDATE suppressed SET rung = 5 WHERE how = 'held_back'", "does not cover"),
        ("DELETE FROM suppressed", "that is gone"),
        ("DELETE FROM suppressions WHERE ended_by IS NOT NULL", "what it tells of is gone"),
    ],
)
async def test_what_was_tampered_with_is_found(plant: Plant, tampering: str, words: str) -> None:
    async with plant.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE suppressed DISABLE TRIGGER append_only"))
        await connection.execute(text(tampering))
    found = [one for one in (await verify(plant.engine)).findings if one.kind == "suppression"]
    assert any(words in one.what for one in found), found
