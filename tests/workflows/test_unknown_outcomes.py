"""What a technician found in words that nobody has explained yet: a person is asked, and it is learnt late."""

from datetime import timedelta

from sqlalchemy import text

from domain.assets import Criticality
from domain.cases import ClosedAs, Lane, Phase
from domain.outcomes import OutcomeClass, OutcomeStatement
from millwright.audit.verifying import verify
from millwright.bootstrap import redrive_outcomes
from millwright.storage.reporting.condition import read_lanes
from millwright.storage.reporting.labels import open_training_rows
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


async def stated(plant: FakePlant, case: str, outcome: OutcomeClass = OutcomeClass.CONFIRMED) -> None:
    """A planner states what the work found."""
    statement = OutcomeStatement(by="pia", reason="the seal was worn", at=plant.clock.now())
    await plant.storage.cases.state_outcome(case, outcome, statement)
    await plant.at_rest()


async def labels_of(plant: FakePlant) -> list[tuple[str, str | None, str | None]]:
    async with open_training_rows(plant.engine) as record:
        newest = await record.newest(None)
        labels = [made.label async for page in record.labels(0, newest.seq) for made in page]
    return [(label.outcome.value, label.stated_by, label.problem) for label in labels]


async def test_an_outcome_that_a_person_states_is_told_to_the_twin_and_becomes_a_label(plant: FakePlant) -> None:
    case = await completed_with_a_code_of_its_own(plant)
    assert plant.twins.told[PUMP]["lastOutcome"] == "unknown"
    await stated(plant, case)
    view = await plant.case()
    assert (view.closed_as, view.outcome, view.labelled) == (ClosedAs.DONE, OutcomeClass.CONFIRMED, True)
    assert (view.lane, view.waiting_for) == (None, None)
    assert (plant.twins.told[PUMP]["lastOutcome"], view.twin_told) == ("confirmed", True)
    assert await labels_of(plant) == [("confirmed", "pia", "LEAK")]
    assert await read_lanes(plant.engine) == {}
    report = await verify(plant.engine)
    assert [str(finding) for finding in report.findings] == []
    assert report.verified


async def test_an_order_that_was_completed_without_a_code_is_learnt_from_a_persons_word(plant: FakePlant) -> None:
    await plant.take(code(1), deviation(2))
    case = (await plant.case()).id
    plant.cmms.people_close(case, None)
    await plant.hint()
    waiting = (await plant.case()).waiting_for
    assert waiting == "a person to say what 1000 found: it was completed without a failure code"
    await stated(plant, case, OutcomeClass.NOTHING_FOUND)
    assert await labels_of(plant) == [("nothing_found", "pia", None)]
    assert (await plant.case()).lane is None


async def test_codes_that_come_after_a_persons_word_do_not_replace_it(plant: FakePlant) -> None:
    case = await completed_with_a_code_of_its_own(plant)
    await stated(plant, case)
    plant.clock.time += timedelta(hours=3)
    plant.cmms.people_close(case, "NOFAULT")
    await plant.hint()
    plant.codes.known["LEAK"] = OutcomeClass.NOTHING_FOUND
    assert await redrive_outcomes(plant.storage, plant.systems.codes) == 0
    await plant.storage.cases.wake([case])
    await plant.at_rest()
    view = await plant.case()
    assert (view.outcome, view.stated and view.stated.by) == (OutcomeClass.CONFIRMED, "pia")
    assert plant.twins.told[PUMP]["lastOutcome"] == "confirmed"
    assert await labels_of(plant) == [("confirmed", "pia", "LEAK"), ("confirmed", "pia", "NOFAULT")]
    assert (await verify(plant.engine)).verified


async def test_a_persons_word_on_the_work_on_a_held_machine_is_learnt_after_its_release(plant: FakePlant) -> None:
    await plant.use(Criticality.A)
    case = await completed_with_a_code_of_its_own(plant)
    await stated(plant, case)
    held = await plant.case()
    assert (held.phase, held.lane, held.outcome) == (Phase.AWAITING_RELEASE, Lane.PRODUCTION, OutcomeClass.CONFIRMED)
    await plant.release(case)
    view = await plant.case()
    assert (view.phase, view.lane, view.labelled) == (Phase.CLOSED, None, True)
    assert plant.twins.told[PUMP]["lastOutcome"] == "confirmed"
    assert await labels_of(plant) == [("confirmed", "pia", "LEAK")]
    assert (await verify(plant.engine)).verified


async def test_a_closed_case_that_nobody_can_read_gets_its_reminder_after_a_day_and_stays_closed(
    plant: FakePlant,
) -> None:
    case = await completed_with_a_code_of_its_own(plant)
    plant.clock.time += timedelta(days=1, minutes=1)
    await plant.at_rest()
    view = await plant.case()
    assert (view.phase, view.closed_as, view.lane) == (Phase.CLOSED, ClosedAs.DONE, Lane.PLANNER)
    assert view.order_notes[-1:] == (f"{case}-outcome-1",)
    assert "Reminder 1 of 4." in plant.cmms.notes[f"{case}-outcome-1"]
    report = await verify(plant.engine)
    assert [str(finding) for finding in report.findings] == []
    await stated(plant, case)
    plant.clock.time += timedelta(days=10)
    await plant.at_rest()
    assert (await plant.case()).order_notes[-1:] == (f"{case}-outcome-1",)
