"""What the audit finds of kill switches and freeze windows that were tampered with, here and offline."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.stops import StoppableAction
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.storage.policies.freezes import FreezeStore
from millwright.storage.policies.stops import StopStore
from tests.audit.conftest import Hostile
from tests.support.judged_plant import Plant

HOUR = timedelta(hours=1)
_STOP = "INSERT INTO action_stops (action, stopped_by, stopped_at, reason) VALUES ('hold', 'olaf', now(), 'forged')"
_LIFT = "INSERT INTO action_stop_lifts (stop_id, lifted_by, lifted_at, reason) VALUES ({}, 'olaf', now(), 'forged')"
_FREEZE = (
    "INSERT INTO policy_freezes (begins_at, ends_at, frozen_by, recorded_at, reason) "
    "VALUES (now(), now() + interval '1 day', 'olaf', now(), 'forged')"
)
_THAW = "INSERT INTO policy_thaws (freeze_id, thawed_by, recorded_at, reason) VALUES ({}, 'olaf', now(), 'forged')"
_ANOTHER = "was never recorded, or more than once"
_GONE = "was recorded, and is gone"


@pytest.fixture
async def stopped(storage_engine: AsyncEngine) -> AsyncEngine:
    """A switch and a freeze that stand, and one of each that was lifted."""
    plant = Plant(storage_engine)
    await plant.prepare()
    stops, freezes = StopStore(storage_engine, plant.clock), FreezeStore(storage_engine, plant.clock)
    now = plant.clock.now()
    await stops.stop(StoppableAction.ORDER, "olaf", "the CMMS is moved", site="BEDFORD", asset_class="pump")
    slow, _ = await stops.stop(StoppableAction.TWIN_WRITE, "olaf", "the twin is slow")
    await stops.lift(slow, "grace", "it is quick")
    await freezes.freeze(now, now + HOUR, "olaf", "audit week")
    lifted = (await freezes.freeze(now + HOUR, now + 2 * HOUR, "olaf", "stocktaking")).freeze
    await freezes.thaw(lifted, "grace", "all is counted")
    return storage_engine


async def findings(engine: AsyncEngine, directory: Path) -> tuple[list[str], list[str]]:
    """What is found, here and offline."""
    here = [f"{finding.kind}: {finding.where}: {finding.what}" for finding in (await verify(engine)).findings]
    await export(engine, directory)
    return here, [f"{finding.kind}: {finding.where}: {finding.what}" for finding in offline_verify.verify(directory)]


async def test_switches_and_freezes_that_nobody_touched_verify(stopped: AsyncEngine, export_directory: Path) -> None:
    assert await findings(stopped, export_directory) == ([], [])
    assert (export_directory / "stops.jsonl").read_text().count("\n") == 4


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE action_stops SET action = 'hold' WHERE id = 1", "stop: kill switch 1: action is not"),
        ("UPDATE action_stops SET site = NULL WHERE id = 1", "stop: kill switch 1: site is not"),
        ("UPDATE action_stops SET asset_class = 'robot' WHERE id = 1", "stop: kill switch 1: asset_class is not"),
        ("UPDATE action_stops SET stopped_by = 'grace' WHERE id = 2", "stop: kill switch 2: by is not"),
        ("UPDATE action_stops SET stopped_at = now() WHERE id = 2", "stop: kill switch 2: at is not"),
        ("UPDATE action_stops SET reason = 'x' WHERE id = 2", "stop: kill switch 2: reason is not"),
        ("DELETE FROM action_stops WHERE id = 1", f"stop: kill switch 1: {_GONE}"),
        ("DELETE FROM action_stops WHERE id = 2", f"stop: kill switch 2: {_GONE}"),
        (_STOP, f"stop: kill switch 3: {_ANOTHER}"),
        ("UPDATE action_stop_lifts SET lifted_by = 'olaf'", "stop: lifting of kill switch 2: by is not"),
        ("UPDATE action_stop_lifts SET lifted_at = now()", "stop: lifting of kill switch 2: at is not"),
        ("UPDATE action_stop_lifts SET reason = 'x'", "stop: lifting of kill switch 2: reason is not"),
        ("DELETE FROM action_stop_lifts", f"stop: lifting of kill switch 2: {_GONE}"),
        (_LIFT.format(1), f"stop: lifting of kill switch 1: {_ANOTHER}"),
        (_LIFT.format(7), f"stop: lifting of kill switch 7: {_ANOTHER}"),
        (
            "UPDATE policy_freezes SET begins_at = begins_at - interval '1 hour' WHERE id = 1",
            "freeze: freeze window 1: from is not",
        ),
        ("UPDATE policy_freezes SET ends_at = begins_at + interval '1 s'", "freeze: freeze window 1: to is not"),
        ("UPDATE policy_freezes SET frozen_by = 'grace' WHERE id = 2", "freeze: freeze window 2: by is not"),
        ("UPDATE policy_freezes SET recorded_at = now() WHERE id = 2", "freeze: freeze window 2: at is not"),
        ("UPDATE policy_freezes SET reason = 'x' WHERE id = 2", "freeze: freeze window 2: reason is not"),
        ("DELETE FROM policy_freezes WHERE id = 1", f"freeze: freeze window 1: {_GONE}"),
        (_FREEZE, f"freeze: freeze window 3: {_ANOTHER}"),
        ("UPDATE policy_thaws SET thawed_by = 'olaf'", "freeze: lifting of freeze window 2: by is not"),
        ("UPDATE policy_thaws SET recorded_at = now()", "freeze: lifting of freeze window 2: at is not"),
        ("UPDATE policy_thaws SET reason = 'x'", "freeze: lifting of freeze window 2: reason is not"),
        ("DELETE FROM policy_thaws", f"freeze: lifting of freeze window 2: {_GONE}"),
        (_THAW.format(1), f"freeze: lifting of freeze window 1: {_ANOTHER}"),
    ],
)
async def test_a_switch_or_freeze_that_was_altered_removed_or_added_is_found_and_named(
    stopped: AsyncEngine, export_directory: Path, tampering: str, found: str
) -> None:
    await Hostile(stopped).run(tampering)
    here, there = await findings(stopped, export_directory)
    # A lifting without its switch is named by its reference too, which is checked in the database only.
    assert [sentence for sentence in here if not sentence.startswith("orphan:")] == there
    assert any(sentence.startswith(found) for sentence in here), here
