"""Failures are read from the maintenance histories and the cases, and a person says what doubtful work was."""

from datetime import timedelta

import pytest

from domain.cases import ClosedAs, Decision
from domain.errors import ActRejected
from domain.instances import SiteInstances
from domain.maintenance_history import MaintenanceHistory, WorkDone, WorkKind, newest
from domain.missed_failures import Detection, FailureWord, FoundBy
from domain.outcomes import OutcomeClass
from domain.work_orders import WorkOrderStatus
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.maintenance.doubtful_work import state_failure
from millwright.storage.maintenance.readings import MaintenanceHistoryStore
from millwright.storage.policies.people_store import PeopleStore
from millwright.storage.reporting.missed_failures import MissedFailures, missed_failures
from tests.support.completed_work import ORDER, completed, ordered
from tests.support.ingress import NOW
from tests.support.judged_plant import Plant
from tests.support.people import add
from tests.support.plant import MOTOR, PUMP, code, deviation

CMMS = "fake"
HOUR = timedelta(hours=1)


def done(record: str, kind: WorkKind = WorkKind.CORRECTIVE, mode: str | None = "PDE", hours: float = 0) -> WorkDone:
    return WorkDone(record=record, done_at=NOW + hours * HOUR, kind=kind, failure_mode=mode)


async def read(plant: Plant, asset: str, *work: WorkDone, complete: bool = True) -> None:
    store = MaintenanceHistoryStore(plant.engine, plant.clock, SiteInstances(otherwise=CMMS))
    at = plant.clock.now()
    history = MaintenanceHistory(read_at=at, complete=complete, work=newest(work))
    await store.record_reading(CMMS, at, {asset: history})


async def told(plant: Plant) -> MissedFailures:
    return await missed_failures(plant.engine, plant.clock.now(), 100)


def word(record: str, *, failed: bool = True, mode: str = "LOO", asset: str | None = MOTOR) -> FailureWord:
    return FailureWord(
        system=CMMS,
        record=record,
        failed=failed,
        asset=asset,
        failure_mode=mode if failed else None,
        by="paul",
        reason="I saw it",
    )


@pytest.fixture
async def plant(plant: Plant) -> Plant:
    plant.clock.time = NOW + 200 * HOUR
    await add(PeopleStore(plant.engine), "paul", ["planner"], NOW)
    return plant


async def test_a_breakdown_without_an_alert_is_missed_and_one_that_nothing_watches_is_a_blind_spot(
    plant: Plant,
) -> None:
    await read(plant, PUMP, done("77"), done("78", mode="BRD", hours=1), done("79", WorkKind.PREVENTIVE, hours=90))
    found = await told(plant)
    assert (found.monitored, found.failures, found.missed, found.alerted) == (2, 3, 2, 0)
    assert (found.recall, found.coverage, found.unread_assets) == (0.0, 2 / 3, 2)
    assert [(each.record, each.found_by) for each in found.listed if each.monitored] == [
        ("79", FoundBy.ROUND),
        ("77", FoundBy.BREAKDOWN),
    ]
    [spot] = found.blind_spots
    assert (spot.asset, spot.failure_mode, spot.failures) == (PUMP, "BRD", 1)


async def test_the_newest_reading_counts_and_one_that_is_not_complete_tells_nothing(plant: Plant) -> None:
    await read(plant, PUMP, done("77"))
    plant.clock.time += HOUR
    await read(plant, PUMP)
    assert (await told(plant)).failures == 0
    plant.clock.time += HOUR
    await read(plant, PUMP, done("77"), complete=False)
    found = await told(plant)
    assert (found.failures, found.unread_assets) == (0, 3)


async def test_the_order_of_a_confirmed_case_is_a_failure_with_an_alert(plant: Plant, cases: CaseStore) -> None:
    await plant.take(code(1), deviation(2))
    [[case]] = await plant.rows("SELECT id FROM cases")
    await completed(cases, str(case), OutcomeClass.CONFIRMED)
    # The CMMS lists our own order too.
    await read(plant, PUMP, done(ORDER))
    found = await told(plant)
    [failure] = found.listed
    assert (failure.detection, failure.alert, failure.found_by) == (Detection.ALERTED, case, FoundBy.CASE)
    assert (found.recall, found.coverage) == (1.0, 1.0)


async def test_an_alert_that_came_after_the_order_of_a_person_does_not_precede_its_failure(
    plant: Plant, cases: CaseStore
) -> None:
    await plant.take(code(1), deviation(2))
    [[case]] = await plant.rows("SELECT id FROM cases")
    # The draft of the case tells that 1198 was open, and not when it was reported.
    await ordered(cases, str(case), WorkOrderStatus.IN_PROGRESS)
    await read(plant, PUMP, done("1198"), done("77", hours=90))
    found = await told(plant)
    assert [(each.record, each.detection) for each in found.listed] == [
        ("77", Detection.ALERTED),
        ("1198", Detection.MISSED),
    ]


async def test_an_alert_that_a_person_rejected_before_the_failure_is_a_miss_of_review(
    plant: Plant, cases: CaseStore
) -> None:
    await plant.take(code(1), deviation(2))
    [[case]] = await plant.rows("SELECT id FROM cases")
    await cases.record_decision(str(case), Decision(approved=False, by="paul", reason="no", at=plant.clock.now()))
    await cases.close(str(case), ClosedAs.REJECTED)
    await read(plant, PUMP, done("77", hours=201))
    found = await told(plant)
    assert (found.rejected, found.missed, found.recall) == (1, 0, 0.0)
    assert found.listed[0].alert == case


async def test_a_persons_word_takes_doubtful_work_off_the_list_and_is_recorded_once(plant: Plant) -> None:
    await read(plant, MOTOR, done("80", mode=None), done("81", WorkKind.UNKNOWN, None))
    before = await told(plant)
    assert (before.doubtful, before.failures) == (2, 0)
    said = await state_failure(plant.engine, plant.clock, word("80"))
    assert said == await state_failure(plant.engine, plant.clock, word("80"))
    await state_failure(plant.engine, plant.clock, word("81", failed=False, asset=None))
    after = await told(plant)
    assert (after.doubtful, after.failures, after.missed) == (0, 1, 1)
    acts = await plant.rows("SELECT subject, actor FROM acts WHERE kind = 'failure-stated'")
    assert acts == [(f"failures/{CMMS}", "paul")] * 2


@pytest.mark.parametrize(
    ("asked", "field", "problem"),
    [
        (word("99"), "record", "there is no doubtful order 99 in fake"),
        (word("80", asset=PUMP), "asset", f"order 80 was not on {PUMP}"),
        (word("82", failed=False), "record", "paul said on 2015-"),
    ],
)
async def test_a_word_on_other_work_or_against_an_earlier_word_is_refused(
    plant: Plant, asked: FailureWord, field: str, problem: str
) -> None:
    await read(plant, MOTOR, done("80", mode=None), done("82", mode=None))
    await state_failure(plant.engine, plant.clock, word("82"))
    with pytest.raises(ActRejected) as refused:
        await state_failure(plant.engine, plant.clock, asked)
    assert refused.value.field == field
    assert refused.value.problem.startswith(problem)
