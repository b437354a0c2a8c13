"""Completed work is verified by what was received after it. Work that did not help has one rework, and silence none."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Quality
from domain.cases import CaseView, ClosedAs
from domain.operating import MachineState
from domain.outcomes import OutcomeClass
from domain.return_to_normal import VerificationState
from domain.suppression import shelving_limits
from domain.work_orders import WorkOrderStatus
from millwright.storage.suppression.suppressions import SuppressionStore
from tests.support.normal_plant import WITHIN, NormalPlant
from tests.support.plant import PUMP

RUNNING, IDLE, UNKNOWN = MachineState.RUNNING, MachineState.IDLE, MachineState.UNKNOWN
THREE_HOURS, DAY = timedelta(hours=3), timedelta(days=1)
KINDS = ("work-verified", "work-not-verified", "work-did-not-help", "case-reworks")
VERIFIED, NOT_VERIFIED, DID_NOT_HELP = VerificationState


@pytest.fixture
async def story(storage_engine: AsyncEngine) -> NormalPlant:
    made = NormalPlant(storage_engine)
    await made.open()
    await made.done()
    return made


def state(view: CaseView) -> VerificationState | None:
    return None if view.verification is None else view.verification.state


async def rework(story: NormalPlant, view: CaseView) -> CaseView:
    """The one rework of the case."""
    assert view.verification is not None
    assert view.verification.rework is not None
    assert await story.plant.rows("SELECT id FROM cases WHERE rework ->> 'case' = :case", case=story.case) == [
        (view.verification.rework,)
    ]
    return await story.view(view.verification.rework)


async def test_a_signal_at_its_baseline_after_the_work_verifies_it(story: NormalPlant) -> None:
    assert state(await story.verify()) is None
    await story.passes(THREE_HOURS)
    view = await story.verify()
    assert state(view) is VERIFIED
    assert view.verification is not None
    assert view.verification.proof is not None
    assert view.verification.version == view.version
    assert view.labelled is False
    assert await story.normals.verify(story.case, story.terms(), WITHIN) is not None
    assert await story.acts(*KINDS) == ["work-verified"]


@pytest.mark.parametrize(
    ("machine", "score", "quality"),
    [
        pytest.param(RUNNING, None, Quality.GOOD, id="silence"),
        pytest.param(UNKNOWN, 0.5, Quality.GOOD, id="a machine of which nothing is known"),
        pytest.param(RUNNING, 0.5, Quality.UNCERTAIN, id="readings of doubtful quality"),
        pytest.param(RUNNING, 3.0, Quality.GOOD, id="readings that are only not ordered on"),
    ],
)
async def test_what_proves_nothing_is_told_as_not_verified_and_opens_nothing(
    story: NormalPlant, machine: MachineState, score: float | None, quality: Quality
) -> None:
    await story.passes(THREE_HOURS, machine, score, quality)
    assert state(await story.verify()) is None
    story.clock.time += WITHIN
    view = await story.verify()
    assert state(view) is NOT_VERIFIED
    assert view.verification is not None
    assert view.verification.proof is None
    assert await story.normals.verify(story.case, story.terms(), WITHIN) is None
    assert await story.acts(*KINDS) == ["work-not-verified"]
    assert await story.plant.rows("SELECT count(*) FROM cases") == [(1,)]


async def test_time_in_which_the_machine_stands_does_not_run_out(story: NormalPlant) -> None:
    await story.passes(DAY, IDLE, None)
    story.clock.time += WITHIN - DAY
    for _ in range(3):
        await story.passes(DAY, IDLE, None)
    assert state(await story.verify()) is None
    await story.passes(THREE_HOURS)
    assert state(await story.verify()) is VERIFIED


async def test_a_fault_that_goes_on_after_the_work_has_one_rework_when_the_time_is_over(story: NormalPlant) -> None:
    await story.passes(THREE_HOURS)
    await story.fault()
    assert state(await story.verify()) is None
    story.clock.time += WITHIN
    view = await story.verify()
    assert state(view) is DID_NOT_HELP
    found = await rework(story, view)
    assert found.rework is not None
    assert (found.rework.case, found.rework.order, found.rework.by) == (story.case, "1224", None)
    assert "and the fault was seen again at" in found.rework.found
    assert (found.rung, found.verdict) == (view.rung, view.verdict)
    assert await story.normals.verify(story.case, story.terms(), WITHIN) is None
    assert await story.acts(*KINDS) == ["case-reworks", "work-did-not-help"]


async def test_looks_at_once_open_one_rework(story: NormalPlant) -> None:
    story.clock.time += timedelta(hours=1)
    await story.fault()
    story.clock.time += WITHIN
    await asyncio.gather(*(story.normals.verify(story.case, story.terms(), WITHIN) for _ in range(4)))
    await rework(story, await story.view())
    assert await story.acts(*KINDS) == ["case-reworks", "work-did-not-help"]


async def test_a_fault_that_returns_after_the_work_was_verified_has_a_rework_at_once(story: NormalPlant) -> None:
    await story.passes(THREE_HOURS)
    assert state(await story.verify()) is VERIFIED
    await story.fault()
    view = await story.verify()
    assert state(view) is DID_NOT_HELP
    await rework(story, view)
    assert await story.acts(*KINDS) == ["work-verified", "case-reworks", "work-did-not-help"]


async def test_a_fault_that_returns_after_the_time_is_an_ordinary_case(story: NormalPlant) -> None:
    await story.passes(THREE_HOURS)
    assert state(await story.verify()) is VERIFIED
    story.clock.time += WITHIN
    await story.fault()
    assert state(await story.verify()) is VERIFIED
    assert await story.plant.rows("SELECT count(*) FROM cases WHERE rework IS NOT NULL") == [(0,)]


async def test_a_case_that_the_fault_opens_within_the_time_is_the_rework(story: NormalPlant) -> None:
    story.clock.time += DAY + timedelta(hours=2)
    await story.fault()
    assert await story.plant.rows("SELECT count(*) FROM cases WHERE closed_as IS NULL") == [(1,)]
    await rework(story, await story.verify())
    assert await story.plant.rows("SELECT count(*) FROM cases") == [(2,)]


@pytest.mark.parametrize(
    ("how", "expected"),
    [(ClosedAs.REJECTED, NOT_VERIFIED), (ClosedAs.CANCELLED, NOT_VERIFIED), (ClosedAs.WITHDRAWN, None)],
)
async def test_nothing_is_opened_against_what_people_decided_since(
    story: NormalPlant, how: ClosedAs, expected: VerificationState | None
) -> None:
    story.clock.time += DAY + timedelta(hours=2)
    await story.fault()
    async with story.plant.engine.begin() as connection:
        await connection.exec_driver_sql(
            f"UPDATE cases SET closed_as = '{how}', closed_at = opened_at WHERE closed_as IS NULL"
        )
    assert state(await story.verify()) is expected
    assert await story.plant.rows("SELECT count(*) FROM cases WHERE rework IS NOT NULL") == [(0,)]


async def test_what_a_shelf_holds_back_shows_no_fault(story: NormalPlant) -> None:
    shelves = SuppressionStore(
        story.plant.engine, story.clock, shelving_limits("A=P7D,B=P7D,C=P7D,D=P7D"), timedelta(days=7)
    )
    await shelves.shelve(PUMP, None, timedelta(days=5), "ines", "the sensor is being moved")
    story.clock.time += timedelta(hours=1)
    await story.fault()
    story.clock.time += WITHIN
    assert state(await story.verify()) is NOT_VERIFIED


async def test_a_shadow_opens_no_rework(story: NormalPlant) -> None:
    """An unconfirmed shift is watched by the version in force, and its shadow would order work."""
    story.clock.time += timedelta(hours=30)
    await story.passes(timedelta(minutes=30), score=6.0)
    shadows = await story.plant.rows(
        "SELECT DISTINCT role FROM verdicts WHERE rung >= 3 AND at > :at", at=story.clock.now() - timedelta(hours=1)
    )
    assert shadows == [("shadow",)]
    story.clock.time += WITHIN
    assert state(await story.verify()) is NOT_VERIFIED


async def test_a_case_that_is_not_closed_as_done_is_not_verified(storage_engine: AsyncEngine) -> None:
    story = NormalPlant(storage_engine)
    await story.open()
    await story.ordered(WorkOrderStatus.COMPLETED)
    await story.passes(THREE_HOURS)
    assert state(await story.verify()) is None
    assert await story.acts(*KINDS) == []


async def test_a_closed_case_is_due_for_its_verification_and_stays_closed(storage_engine: AsyncEngine) -> None:
    story = NormalPlant(storage_engine)
    await story.open()
    await story.done(OutcomeClass.UNKNOWN, "a person to say what 1224 found")
    due = "SELECT due_at FROM due WHERE subject LIKE 'case/%'"
    assert await story.plant.rows(due) == [(story.clock.now() + timedelta(minutes=10),)]
    view, seen = await story.cases.view(story.case)
    assert (view.phase.value, view.closed_as) == ("closed", ClosedAs.DONE)
    await story.cases.rest(story.case, seen, None)
    assert await story.plant.rows(due) == [(None,)]
