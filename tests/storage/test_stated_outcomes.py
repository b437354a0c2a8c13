"""A person's word on what completed work found is stored once, and only where nobody knows it."""

import asyncio
import json

import pytest

from domain.cases import ClosedAs
from domain.errors import ActRejected, Rejected
from domain.outcomes import Outcome, OutcomeClass
from domain.twin_writes import TwinWrite
from domain.work_orders import CompletionReport, WorkOrderStatus
from millwright.storage.cases.case_store import CaseStore
from tests.support.completed_work import ORDER, REASON, completed, ordered, stated
from tests.support.ingress import NOW
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation
from tests.support.twin_writes import whole_write


@pytest.fixture
async def plant(plant: Plant) -> Plant:
    await plant.take(code(1), deviation(2))
    return plant


async def generation(plant: Plant, case: str) -> int:
    [[found]] = await plant.rows("SELECT generation FROM due WHERE subject = 'case/' || :case", case=case)
    return int(str(found))


async def statements(plant: Plant) -> list[tuple[str, object]]:
    acts = await plant.rows("SELECT actor, body FROM acts WHERE kind = 'outcome-stated' ORDER BY id")
    return [(str(actor), json.loads(str(body))["detail"]["outcome"]["stated"]) for actor, body in acts]


async def test_a_statement_is_stored_with_its_person_and_the_report_and_the_twin_is_to_be_told_again(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await completed(cases, case)
    await cases.record_twin_update(case, whole_write('W/"1"'), OutcomeClass.UNKNOWN)
    before = await generation(plant, case)
    assert await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("pia")) == stated("pia")
    [[outcome, body, etag, write]] = await plant.rows("SELECT outcome, body, twin_etag, twin_write FROM outcomes")
    assert (outcome, etag, write) == ("confirmed", None, None)
    expected = Outcome(
        case=case,
        outcome=OutcomeClass.CONFIRMED,
        cancelled=False,
        found_at=NOW,
        report=CompletionReport(),
        stated=stated("pia"),
    )
    assert Outcome.model_validate(body) == expected
    assert await statements(plant) == [("pia", {"by": "pia", "reason": REASON, "at": "2015-01-15T06:00:00Z"})]
    assert await generation(plant, case) == before + 1
    view, _ = await cases.view(case)
    assert (view.outcome, view.stated, view.twin_told) == (OutcomeClass.CONFIRMED, stated("pia"), False)


async def test_an_outcome_that_nobody_stated_is_stored_as_earlier_builds_stored_it(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await completed(cases, case)
    [[stored]] = await plant.rows("SELECT body ? 'stated' FROM outcomes")
    [[told]] = await plant.rows(
        "SELECT body::jsonb -> 'detail' -> 'outcome' ? 'stated' FROM acts WHERE kind = 'outcome-found'"
    )
    assert (stored, told) == (False, False)


async def test_the_same_statement_again_is_accepted_and_does_nothing(plant: Plant, cases: CaseStore, case: str) -> None:
    await completed(cases, case)
    await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("pia"))
    before = await generation(plant, case)
    assert (await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("quinn"))).by == "pia"
    assert [actor for actor, _ in await statements(plant)] == ["pia"]
    assert await generation(plant, case) == before


async def test_another_statement_is_refused_with_who_stated_what_and_when(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await completed(cases, case)
    await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("pia"))
    with pytest.raises(ActRejected, match=f"outcome: pia stated confirmed for {case} on 2015-01-15 06:00 UTC"):
        await cases.state_outcome(case, OutcomeClass.NOTHING_FOUND, stated("quinn"))
    assert await plant.rows("SELECT outcome FROM outcomes") == [("confirmed",)]


async def test_of_two_statements_at_once_one_stands_and_the_other_is_refused(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await completed(cases, case)
    words = {"pia": OutcomeClass.CONFIRMED, "pat": OutcomeClass.NOTHING_FOUND}
    said = [cases.state_outcome(case, found, stated(by)) for by, found in words.items()]
    results = await asyncio.gather(*said, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["ActRejected", "OutcomeStatement"]
    [[outcome, by]] = await plant.rows("SELECT outcome, body #>> '{stated,by}' FROM outcomes")
    assert outcome == words[str(by)].value
    assert [actor for actor, _ in await statements(plant)] == [by]


@pytest.mark.parametrize("found", [OutcomeClass.UNKNOWN, OutcomeClass.DEFERRED])
async def test_what_is_no_finding_is_not_stated(cases: CaseStore, case: str, found: OutcomeClass) -> None:
    await completed(cases, case)
    words = f"outcome: {found.value} is not what completed work found .one of: confirmed, other_defect, nothing_found"
    with pytest.raises(Rejected, match=words):
        await cases.state_outcome(case, found, stated("pia"))


async def test_a_case_that_is_not_there_has_no_outcome_to_state(cases: CaseStore) -> None:
    with pytest.raises(ActRejected, match="case: there is no case MWNOTHERE0"):
        await cases.state_outcome("MWNOTHERE0", OutcomeClass.CONFIRMED, stated("pia"))


async def test_work_that_goes_on_has_no_outcome_to_state(cases: CaseStore, case: str) -> None:
    words = rf"case: the work of case {case} is not finished \(complete its order in the CMMS first\)"
    with pytest.raises(ActRejected, match=words):
        await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("pia"))
    await ordered(cases, case, WorkOrderStatus.IN_PROGRESS)
    with pytest.raises(ActRejected, match=words):
        await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("pia"))


async def test_work_that_was_not_done_has_no_outcome_to_state(cases: CaseStore, case: str) -> None:
    await completed(cases, case, OutcomeClass.DEFERRED, WorkOrderStatus.CANCELLED)
    with pytest.raises(ActRejected, match=f"case: order {ORDER} of case {case} was not carried out"):
        await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("pia"))


async def test_a_completion_that_is_not_recorded_yet_is_stated_later(cases: CaseStore, case: str) -> None:
    await ordered(cases, case, WorkOrderStatus.COMPLETED)
    with pytest.raises(ActRejected, match=f"the completion of order {ORDER} is not recorded yet .try again"):
        await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("pia"))


@pytest.mark.parametrize("found", [OutcomeClass.CONFIRMED, OutcomeClass.NOTHING_FOUND])
async def test_what_the_codes_say_is_not_stated_otherwise_or_again(
    cases: CaseStore, case: str, found: OutcomeClass
) -> None:
    await completed(cases, case, found)
    with pytest.raises(ActRejected, match=f"outcome: the codes of order {ORDER} already say {found.value}"):
        await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("pia"))


async def test_codes_that_become_known_do_not_replace_a_statement(plant: Plant, cases: CaseStore, case: str) -> None:
    await completed(cases, case)
    await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("pia"))
    codes = Outcome(
        case=case, outcome=OutcomeClass.NOTHING_FOUND, cancelled=False, found_at=NOW, report=CompletionReport()
    )
    await cases.reclassify_outcome(codes)
    assert await plant.rows("SELECT outcome, body #>> '{stated,by}' FROM outcomes") == [("confirmed", "pia")]
    assert await cases.unknown_outcomes() == []


async def test_what_a_twin_was_told_before_a_statement_is_not_taken_for_the_statement(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await completed(cases, case)
    await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("pia"))
    await cases.record_twin_update(case, whole_write('W/"1"'), OutcomeClass.UNKNOWN)
    assert (await cases.view(case))[0].twin_told is False
    assert await plant.rows("SELECT count(*) FROM acts WHERE kind = 'twin-told'") == [(0,)]
    await cases.record_twin_update(case, whole_write('W/"2"'), OutcomeClass.CONFIRMED)
    view, _ = await cases.view(case)
    assert (view.twin_told, view.twin_write) == (True, whole_write('W/"2"'))


async def test_a_twin_that_took_nothing_is_recorded_as_not_told(plant: Plant, cases: CaseStore, case: str) -> None:
    await completed(cases, case)
    gone = TwinWrite(twin="machine-001-comp1", model=None, etag=None)
    await cases.record_twin_update(case, gone, OutcomeClass.UNKNOWN)
    view, _ = await cases.view(case)
    assert (view.twin_told, view.twin_done, view.twin_write) == (False, True, gone)
    [[kind, body]] = await plant.rows("SELECT kind, body FROM acts WHERE kind LIKE 'twin-%told'")
    assert (kind, json.loads(str(body))["detail"]) == ("twin-not-told", {"told": gone.model_dump(mode="json")})


async def test_a_case_that_closes_after_a_statement_stays_due_and_stands_in_no_lane(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await completed(cases, case)
    await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("pia"))
    await cases.close(case, ClosedAs.DONE, "a person to say what 1224 found")
    assert await plant.rows("SELECT count(due_at) FROM due") == [(1,)]
    assert await plant.rows("SELECT lane, waiting_for, closed_as FROM cases") == [(None, None, "done")]


async def test_a_case_that_closes_with_an_outcome_that_nobody_knows_rests_in_the_planners_lane(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await completed(cases, case)
    await cases.close(case, ClosedAs.DONE, "a person to say what 1224 found")
    assert await plant.rows("SELECT count(due_at) FROM due") == [(0,)]
    assert await plant.rows("SELECT lane, closed_as FROM cases") == [("planner", "done")]
