"""What the audit finds of shelves that were tampered with."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.suppression import shelving_limits
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.storage.suppression.suppressions import SuppressionStore
from tests.audit.conftest import Hostile
from tests.support.judged_plant import Plant
from tests.support.plant import PUMP, START, code, deviation

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
    await SuppressionEnd(storage_engine, made.clock, StoredVersions(made.catalogue)).return_due()
    ended = await store.shelve("machine-001", "LOO", timedelta(hours=8), "ines", "guard is open")
    await store.end(ended.id, "olaf", "guard is closed")
    return made


_FORGED_SHELF = (
    "INSERT INTO suppressions (id, kind, asset, from_at, until_at, end_at, reason, made_by, made_at) "
    "SELECT 'SHFORGED', kind, asset, from_at, until_at, end_at, reason, 'olaf', made_at FROM suppressions LIMIT 1"
)
_FORGED_ROW = (
    "INSERT INTO suppressed (suppression, event_id, version, revision, asset, failure_mode, rung, at, how) "
    "SELECT suppression, {}, version, {}, asset, failure_mode, rung, at, '{}' FROM suppressed WHERE how = 'held_back'"
)


async def findings(engine: AsyncEngine, directory: Path) -> tuple[list[str], list[str]]:
    """What is found of suppression, here and offline, and anything else that is found offline."""
    here = [finding.what for finding in (await verify(engine)).findings if finding.kind == "suppression"]
    await export(engine, directory)
    return here, [finding.what for finding in offline_verify.verify(directory)]


async def test_what_was_shelved_and_returned_verifies(plant: Plant, export_directory: Path) -> None:
    report = await verify(plant.engine)
    assert report.findings == ()
    assert await findings(plant.engine, export_directory) == ([], [])
    shelves = [json.loads(line) for line in (export_directory / "suppressions.jsonl").read_text().splitlines()]
    assert [[each["how"] for each in shelf["held"]] for shelf in shelves] == [["held_back", "let_in"], []]


@pytest.mark.parametrize(
    ("tampering", "words", "offline"),
    [
        ("UPDATE suppressions SET reason = 'harmless' WHERE kind = 'shelf'", "when it was made", "reason is not what"),
        ("UPDATE suppressions SET made_by = 'olaf'", "when it was made", "made_by is not what"),
        (
            "UPDATE suppressions SET end_at = end_at - interval '1 minute' WHERE ended_by IS NULL",
            "another time",
            "another time",
        ),
        ("UPDATE suppressions SET returned_at = NULL", "not returned though", "its return is not"),
        ("UPDATE suppressions SET returned_at = now()", "without a record", "its return is not"),
        (
            "UPDATE suppressed SET at = at - interval '1 day' WHERE how = 'held_back'",
            "does not cover",
            "does not cover",
        ),
        ("UPDATE suppressed SET rung = 5 WHERE how = 'held_back'", "does not cover", "another rung"),
        ("UPDATE suppressed SET rung = 5 WHERE how = 'let_in'", "not so judged", "another rung"),
        ("DELETE FROM suppressed", "that is gone", "that is gone"),
        (
            "DELETE FROM suppressions WHERE ended_by IS NOT NULL",
            "what it tells of is gone",
            "was recorded, and is gone",
        ),
        (_FORGED_SHELF, "when it was made", "was never recorded"),
        (_FORGED_ROW.format("event_id - 1", "0", "held_back"), "without a record", "is not as recorded"),
        (_FORGED_ROW.format("event_id", "7", "held_back"), "without a record", "another rung, revision"),
        (_FORGED_ROW.format("event_id - 1", "0", "let_in"), "never held back", "never held back"),
        (_FORGED_ROW.format("event_id", "7", "let_in"), "not so judged", "another rung, revision"),
    ],
)
async def test_what_was_tampered_with_is_found(
    plant: Plant, export_directory: Path, tampering: str, words: str, offline: str
) -> None:
    await Hostile(plant.engine).run(tampering)
    here, there = await findings(plant.engine, export_directory)
    assert any(words in sentence for sentence in here), here
    assert any(offline in sentence for sentence in there), there


async def test_what_was_revised_before_it_was_applied_verifies(
    storage_engine: AsyncEngine, export_directory: Path
) -> None:
    plant = Plant(storage_engine)
    await plant.prepare()
    plant.clock.time = START
    store = SuppressionStore(storage_engine, plant.clock, LIMITS, timedelta(days=1))
    shelf = await store.shelve(PUMP, None, timedelta(hours=8), "ines", "sensor is being moved")
    await plant.take(code(1), deviation(2))
    plant.clock.time = START + timedelta(hours=3)
    await store.end(shelf.id, "olaf", "sensor is in its place")
    await plant.take(code(1.5, "error2"), code(1.7, "error3"))
    await SuppressionEnd(storage_engine, plant.clock, StoredVersions(plant.catalogue)).return_due()
    await plant.take(code(1.2, "error4"), deviation(2.5, external_id="late"))
    assert ("let_in", 1) in await plant.rows("SELECT how, revision FROM suppressed")
    assert await findings(storage_engine, export_directory) == ([], [])
