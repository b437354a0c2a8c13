"""What a technician found in words that nobody has explained yet: a person is asked, and it is learnt late."""

from datetime import timedelta

from sqlalchemy import text

from domain.cases import ClosedAs, Lane
from domain.outcomes import OutcomeClass
from millwright.audit.verifying import verify
from millwright.bootstrap import redrive_outcomes
from millwright.storage.reporting.condition import read_lanes
from tests.support.plant import PUMP, code, deviation
from tests.workflows.fake_plant import FakePlant


async def completed_with_a_code_of_its_own(plant: FakePlant) -> str:
    await plant.take(code(1), deviation(2))
    case = (await plant.case()).id
    plant.cmms.people_close(case, "LEAK")
    await plant.hint()
    return case


async def test_an_outcome_that_nobody_can_read_closes_the_case_and_stands_in_the_planners_lane(
    plant: FakePlant,
) -> None:
    await completed_with_a_code_of_its_own(plant)
    case = await plant.case()
    assert (case.closed_as, case.outcome, case.labelled) == (ClosedAs.DONE, OutcomeClass.UNKNOWN, False)
    assert case.order is not None
    assert case.lane is Lane.PLANNER
    assert case.waiting_for == (f"a person to say in the crosswalk of outcomes what LEAK of {case.order.ref.id} means")
    assert await read_lanes(plant.engine) == {"planner": 1}


async def test_a_case_that_an_earlier_build_closed_and_left_in_no_lane_comes_to_stand_in_it(plant: FakePlant) -> None:
    case = await completed_with_a_code_of_its_own(plant)
    async with plant.engine.begin() as connection:
        await connection.execute(text("UPDATE cases SET lane = NULL, waiting_for = NULL, waiting_step = NULL"))
    await plant.storage.cases.wake([case])
    await plant.at_rest()
    assert (await plant.case()).lane is Lane.PLANNER


async def test_an_outcome_becomes_a_label_once_the_crosswalk_knows_its_code(plant: FakePlant) -> None:
    await completed_with_a_code_of_its_own(plant)
    await plant.stop_worker()
    plant.codes.known["LEAK"] = OutcomeClass.CONFIRMED
    assert await redrive_outcomes(plant.storage, plant.systems.codes) == 1
    plant.start_worker()
    await plant.at_rest()
    case = await plant.case()
    assert (case.closed_as, case.outcome, case.labelled) == (ClosedAs.DONE, OutcomeClass.CONFIRMED, True)
    assert (case.lane, case.waiting_for) == (None, None)
    assert plant.twins.told[PUMP]["lastOutcome"] == "confirmed"
    report = await verify(plant.engine)
    assert [str(finding) for finding in report.findings] == []
    assert report.verified


async def test_an_outcome_that_is_still_unknown_is_left_alone(plant: FakePlant) -> None:
    await completed_with_a_code_of_its_own(plant)
    before = await plant.case()
    assert await redrive_outcomes(plant.storage, plant.systems.codes) == 0
    assert await plant.case() == before


async def test_a_code_that_comes_after_completion_is_learnt_though_the_case_is_closed(plant: FakePlant) -> None:
    await completed_with_a_code_of_its_own(plant)
    plant.clock.time += timedelta(hours=3)
    plant.cmms.people_close((await plant.case()).id, "REPAIRED")
    await plant.hint()
    case = await plant.case()
    assert (case.closed_as, case.outcome, case.labelled) == (ClosedAs.DONE, OutcomeClass.CONFIRMED, True)
    assert (case.lane, case.waiting_for) == (None, None)
    assert (await verify(plant.engine)).verified
