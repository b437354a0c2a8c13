"""Walk-downs are held against the ledger, and each word of a person against their signature, here and offline."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.production import HoldMethod, HoldPlan, HoldTarget, JobState
from domain.walk_downs import SignedWord
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.offline_walk_downs import Proofs
from millwright.audit.verifying import verify
from millwright.storage.cases.walk_downs import WalkDownStore
from millwright.storage.database.engine import raw, transaction
from millwright.storage.ledger import ledger
from tests.audit.conftest import Hostile
from tests.support.ingress import NOW
from tests.support.plant import TestClock
from tests.support.walk_downs import begin_word, held, look_word, prove, release_word, target

SYSTEM, EQUIPMENT = "opcua_job_control", "EQ-009"
KEY = "WDAAAAAAAA"


async def write(engine: AsyncEngine, *acts: ledger.Act) -> None:
    """Adds acts as somebody does who writes to the database: without a look at people."""
    entry = ledger.Entry(NOW)
    entry.add(*acts)
    async with transaction(engine) as connection, (await raw(connection)).cursor() as cursor:
        await ledger.append_by(cursor, entry)


async def found(engine: AsyncEngine, directory: Path) -> tuple[list[str], list[str]]:
    """What is found of walk-downs and their persons, here and offline."""
    here = [finding.what for finding in (await verify(engine)).findings]
    await export(engine, directory)
    return here, [finding.what for finding in offline_verify.verify(directory)]


def act(what: str, actor: str, **detail: object) -> ledger.Act:
    return ledger.act(f"walk-down-{what}", f"walk-down/{KEY}", actor, NOW, detail)


def begun(word: SignedWord) -> ledger.Act:
    return act("begun", word.by, machine="machine-001", system=SYSTEM, equipment=EQUIPMENT, begun=word)


def store(engine: AsyncEngine) -> WalkDownStore:
    return WalkDownStore(engine, TestClock(NOW))


async def test_walk_downs_that_nobody_touched_verify(recorded: AsyncEngine, export_directory: Path) -> None:
    await prove(store(recorded), NOW, SYSTEM, equipment=EQUIPMENT)
    await prove(store(recorded), NOW, SYSTEM, equipment="EQ-008")
    under_way = await held(store(recorded), NOW, SYSTEM, equipment="EQ-007")
    await store(recorded).look(under_way.key, look_word(under_way, NOW))
    assert await found(recorded, export_directory) == ([], [])


async def test_a_word_that_its_person_did_not_sign_is_named(recorded: AsyncEngine, export_directory: Path) -> None:
    await write(recorded, begun(begin_word(NOW, SYSTEM, equipment=EQUIPMENT, signer="paula")))
    words = ["bears no signature of petra over this", "was recorded, and is gone"]
    assert await found(recorded, export_directory) == (words, words)


async def test_a_look_at_another_target_is_named(recorded: AsyncEngine, export_directory: Path) -> None:
    walk_down = await held(store(recorded), NOW, SYSTEM, equipment=EQUIPMENT)
    word = look_word(walk_down, NOW, seen="0" * 64)
    told = ledger.act("walk-down-looked", f"walk-down/{walk_down.key}", "paula", NOW, {"looked": word})
    await write(recorded, told)
    here, offline = await found(recorded, export_directory)
    assert "bears no signature of paula over this" in here
    assert here == offline


async def test_a_release_that_nobody_signed_is_named(recorded: AsyncEngine, export_directory: Path) -> None:
    walk_down = await held(store(recorded), NOW, SYSTEM, equipment=EQUIPMENT)
    forged = release_word(walk_down, NOW).model_copy(update={"signature": "00" * 64})
    told = ledger.act("walk-down-releasing", f"walk-down/{walk_down.key}", "petra", NOW, {"release": forged})
    await write(recorded, told)
    here, offline = await found(recorded, export_directory)
    assert "bears no signature of petra over this" in here
    assert here == offline


async def test_a_person_without_the_role_is_named(recorded: AsyncEngine, export_directory: Path) -> None:
    await write(recorded, begun(begin_word(NOW, SYSTEM, "paula", equipment=EQUIPMENT)))
    here, offline = await found(recorded, export_directory)
    assert "is by paula, who had not the role production" in here
    assert here == offline


async def test_a_proof_that_lacks_a_person_is_named(recorded: AsyncEngine, export_directory: Path) -> None:
    await write(recorded, begun(begin_word(NOW, SYSTEM, equipment=EQUIPMENT)), act("proved", "millwright", read_at=NOW))
    here, offline = await found(recorded, export_directory)
    assert any(what.startswith("counts as a proof without the release of production, the look") for what in here)
    assert here == offline


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("DELETE FROM walk_downs", "was recorded, and is gone"),
        ("UPDATE walk_downs SET machine = 'machine-009'", "machine is not as recorded"),
        ("UPDATE walk_downs SET key = 'WDBBBBBBBB' WHERE equipment = 'EQ-009'", "was never recorded"),
    ],
)
async def test_a_row_that_was_altered_is_named(
    recorded: AsyncEngine, hostile: Hostile, export_directory: Path, change: str, what: str
) -> None:
    await prove(store(recorded), NOW, SYSTEM, equipment=EQUIPMENT)
    await hostile.run(change)
    here, offline = await found(recorded, export_directory)
    assert what in here
    assert here == offline


def placed(hold: str, at: datetime, of: HoldTarget | None) -> ledger.Act:
    """A further placement of a hold."""
    plan = HoldPlan(
        key=hold,
        equipment="EQ-001",
        receiver="Press1",
        job="J-9",
        prior_state=JobState.RUNNING,
        method=HoldMethod.PAUSE,
        target=of,
    )
    detail: dict[str, object] = {"hold": hold, "placement": 9, "plan": plan, "by": hold}
    return ledger.act("placement-intended", f"case/{hold}", "millwright", at, detail)


@pytest.mark.parametrize("of", [target("Press2"), None], ids=["another receiver", "no target"])
async def test_a_placement_without_a_proof_is_named(
    recorded: AsyncEngine, hostile: Hostile, export_directory: Path, of: HoldTarget | None
) -> None:
    [[hold]] = await hostile.rows("SELECT key FROM holds WHERE state = 'asked'")
    await write(recorded, placed(str(hold), NOW, of))
    here, offline = await found(recorded, export_directory)
    assert "placement 9 was placed without a proof of what it stops" in here
    assert here == offline


async def test_a_placement_by_a_proof_that_was_withdrawn_is_named(
    recorded: AsyncEngine, hostile: Hostile, export_directory: Path
) -> None:
    [[hold]] = await hostile.rows("SELECT key FROM holds WHERE state = 'asked'")
    [[proof]] = await hostile.rows("SELECT key FROM walk_downs")
    await store(recorded).withdraw(str(proof), "petra", "the press was moved")
    await write(recorded, placed(str(hold), NOW, target("Press1")))
    here, offline = await found(recorded, export_directory)
    assert "placement 9 was placed without a proof of what it stops" in here
    assert here == offline


def findings(*acts: ledger.Act) -> list[str]:
    proofs = Proofs()
    return [finding.what for each in acts for finding in proofs.follow(json.loads(each.body))]


def test_what_earlier_builds_placed_needs_no_proof_until_there_is_a_walk_down() -> None:
    earlier = placed("MWAAAAAAAA", NOW, None)
    walk_down = begun(begin_word(NOW, SYSTEM, equipment=EQUIPMENT))
    assert findings(earlier) == []
    assert findings(walk_down, earlier) == ["placement 9 was placed without a proof of what it stops"]
