"""Returns to normal and the verification of work are held by the record: each has its proof and its version."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.canonical import timestamp
from domain.work_orders import WorkOrderStatus
from millwright.audit import offline_verify
from millwright.audit.exporting import export
from millwright.audit.verifying import verify
from millwright.storage.database.engine import raw, transaction
from millwright.storage.ledger import ledger
from tests.support.memory_normals import proof_at
from tests.support.normal_plant import CLAUSE, WITHIN, NormalPlant
from tests.support.plant import UNASKED

THREE_HOURS = timedelta(hours=3)
Story = Callable[[NormalPlant], Coroutine[None, None, None]]


async def back_to_normal(story: NormalPlant) -> None:
    await story.ordered(WorkOrderStatus.WAITING_APPROVAL)
    await story.passes(THREE_HOURS)
    await story.look()


async def back_again(story: NormalPlant) -> None:
    await back_to_normal(story)
    await story.fault()
    await story.look()


async def verified(story: NormalPlant) -> None:
    await story.done()
    await story.passes(THREE_HOURS)
    await story.verify()


async def not_verified(story: NormalPlant) -> None:
    await story.done()
    story.clock.time += WITHIN
    await story.verify()


async def did_not_help(story: NormalPlant) -> None:
    await verified(story)
    await story.fault()
    await story.verify()


async def begun(engine: AsyncEngine, story: Story, more: str = CLAUSE) -> NormalPlant:
    made = NormalPlant(engine)
    await made.open(more)
    await story(made)
    return made


async def found(engine: AsyncEngine, folder: Path) -> tuple[list[str], list[str]]:
    """What is found of cases here and in an export."""
    await export(engine, folder)
    kinds = ("case", "evidence", "actor")
    here = [each.what for each in (await verify(engine)).findings if each.kind in kinds]
    return here, [each.what for each in offline_verify.verify(folder) if each.kind in kinds]


@pytest.mark.parametrize("story", [back_to_normal, back_again, verified, not_verified, did_not_help])
async def test_each_way_is_as_recorded(storage_engine: AsyncEngine, tmp_path: Path, story: Story) -> None:
    await begun(storage_engine, story)
    assert await found(storage_engine, tmp_path) == ([], [])


@pytest.mark.parametrize(
    ("story", "statement", "words"),
    [
        (back_to_normal, "UPDATE cases SET normal = NULL", "normal is not as recorded"),
        (back_to_normal, "UPDATE cases SET withdraw = NULL", "withdraw is not as recorded"),
        (verified, "UPDATE cases SET verification = NULL", "verification is not as recorded"),
        (
            verified,
            "UPDATE cases SET verification = jsonb_set(verification, '{found}', '\"it hums\"')",
            "verification is not as recorded",
        ),
        (
            back_to_normal,
            "UPDATE verdicts SET rung = 1 WHERE id = (SELECT max(id) - 1 FROM verdicts)",
            "was said to be back to normal on a proof for PDE of machine-001-comp1 that the verdicts do not give",
        ),
        (
            verified,
            "UPDATE verdicts SET rung = 1 WHERE id = (SELECT max(id) - 1 FROM verdicts)",
            "was called verified on a proof for PDE of machine-001-comp1 that the verdicts do not give",
        ),
    ],
)
async def test_what_was_altered_is_named(
    storage_engine: AsyncEngine, tmp_path: Path, story: Story, statement: str, words: str
) -> None:
    await begun(storage_engine, story)
    async with storage_engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(statement))
    here, there = await found(storage_engine, tmp_path)
    assert any(words in each for each in here)
    assert any(words in each for each in there)


async def forged(story: NormalPlant, kind: str, **detail: object) -> None:
    """Adds an act as somebody does who writes to the database, with a row in the ledger."""
    entry = ledger.Entry(story.clock.now())
    entry.add(ledger.act(kind, f"case/{story.case}", "millwright", story.clock.now(), detail))
    async with transaction(story.plant.engine) as connection, (await raw(connection)).cursor() as cursor:
        await ledger.append_by(cursor, entry)


def verification(story: NormalPlant, state: str, **more: object) -> dict[str, object]:
    told = {"state": state, "proof": None, "found": "it is quiet", "rework": None, "at": timestamp(story.clock.now())}
    return {**told, "version": story.plant.digests["1.1.0"], **more}


async def test_a_withdrawal_without_a_return_to_normal_is_named(storage_engine: AsyncEngine, tmp_path: Path) -> None:
    story = await begun(storage_engine, back_again)
    await forged(story, "case-not-needed", reason="it is quiet")
    words = "was called off as back to normal, and that was not proved then"
    here, there = await found(storage_engine, tmp_path)
    assert words in here
    assert words in there


async def test_what_no_version_asks_for_or_a_proof_is_too_short_for_is_named(
    storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    clause = f"{UNASKED}return_to_normal: {{ classes: [pump], steady: PT2H, score: 2.0 }}\n"
    story = await begun(storage_engine, NormalPlant.done, clause)
    proof = proof_at(story.clock.now())
    short = proof.signals[0].model_copy(update={"counted": timedelta(hours=1)})
    normal = {"proof": {"signals": [short]}, "version": story.plant.digests["1.1.0"], "at": story.clock.now()}
    await forged(story, "fault-normal", normal=normal)
    await forged(story, "work-verified", verification=verification(story, "verified", proof=proof))
    here, there = await found(storage_engine, tmp_path)
    for each in (
        "is said to be back to normal on a proof that is too short",
        "was verified, and its version does not ask for it",
    ):
        assert each in here
        assert each in there


async def test_a_rework_that_nothing_asked_for_and_a_second_verification_are_named(
    storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    story = await begun(storage_engine, not_verified)
    now = story.clock.now()
    rework = {"case": "MWAAAAAAAA", "order": None, "by": None, "reason": None, "found": "it hums", "at": now}
    await forged(story, "case-reworks", rework=rework)
    await forged(story, "work-verified", verification=verification(story, "verified", proof=proof_at(now)))
    here, there = await found(storage_engine, tmp_path)
    for each in (
        "is the rework of case MWAAAAAAAA, and no verification asks for it",
        "was verified otherwise before, or as something else",
    ):
        assert each in here
        assert each in there
