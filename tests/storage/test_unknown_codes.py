"""The codes that no table has are listed until a table has them, and a person may take what the notes suggest."""

from collections.abc import Mapping

import pytest

from domain.errors import Rejected
from domain.iso14224 import Iso14224Finding
from domain.outcomes import Outcome, OutcomeClass
from domain.processes import ProcessKind
from domain.work_orders import CompletionReport, FindingRole, ReportedCode, WorkOrderStatus
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.ledger.settings_taken import take_settings
from millwright.storage.reporting.case_lists import whole_case
from millwright.storage.reporting.unknown_codes import unknown_codes
from tests.support.completed_work import ORDER, ordered, stated
from tests.support.ingress import NOW
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation

REPORT = CompletionReport(
    codes=(
        ReportedCode(role=FindingRole.PROBLEM, group="PUMPS", code="LEAK"),
        ReportedCode(role=FindingRole.CAUSE, code="WORN"),
        ReportedCode(role=FindingRole.REMEDY, code="SWAP"),
    ),
    notes=("SHAFT SEAL LEAKS, replaced",),
)
DESCRIBED = {"problem": {"SEAL": "Shaft seal leaks"}}


@pytest.fixture
async def plant(plant: Plant) -> Plant:
    await plant.take(code(1), deviation(2))
    return plant


async def complete(cases: CaseStore, case: str, found: OutcomeClass = OutcomeClass.UNKNOWN) -> None:
    await ordered(cases, case, WorkOrderStatus.COMPLETED)
    view, _ = await cases.view(case)
    assert view.order is not None
    await cases.record_order(case, view.order.model_copy(update={"report": REPORT}), NOW)
    await cases.record_outcome(Outcome(case=case, outcome=found, cancelled=False, found_at=NOW, report=REPORT))


async def configure(plant: Plant, **tables: Mapping[str, object]) -> None:
    """A worker for cases starts with these tables."""
    values = {"cmms.fake.connector": "maximo", **{f"cmms.fake.{name}": table for name, table in tables.items()}}
    await take_settings(plant.engine, plant.clock, ProcessKind.CASES, values)


async def listed(plant: Plant) -> list[tuple[str, str, int, int]]:
    return [(each.role, each.code, each.orders, each.waiting) for each in await unknown_codes(plant.engine)]


async def test_each_code_of_a_waiting_case_that_no_table_has_is_listed_with_its_orders(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await complete(cases, case)
    await configure(plant, code_descriptions=DESCRIBED)
    found = {each.code: each for each in await unknown_codes(plant.engine)}
    assert found.keys() == {"LEAK", "WORN", "SWAP"}
    leak = found["LEAK"]
    assert (leak.system, leak.role, leak.group, leak.orders, leak.waiting) == ("fake", "problem", "PUMPS", 1, 1)
    assert (leak.first_at, leak.last_at, leak.newest) == (NOW, NOW, (ORDER,))
    assert [(each.name, each.score) for each in leak.suggestions] == [("problem:SEAL", 100)]


async def test_a_code_leaves_the_list_once_the_table_of_a_worker_has_it(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await complete(cases, case)
    assert len(await listed(plant)) == 3
    await configure(plant, outcomes={"problem": {"leak": "confirmed"}})
    assert await listed(plant) == [("cause", "WORN", 1, 1), ("remedy", "SWAP", 1, 1)]


async def test_a_code_for_which_no_case_waits_is_listed_only_if_no_table_has_it(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await complete(cases, case, OutcomeClass.CONFIRMED)
    iso = {"cause": {"WORN": {"mechanism": "2.4"}}}
    await configure(plant, outcomes={"problem": {"LEAK": "confirmed"}}, iso14224=iso)
    assert await listed(plant) == [("remedy", "SWAP", 1, 0)]


async def test_what_was_cancelled_is_not_listed(plant: Plant, cases: CaseStore, case: str) -> None:
    await ordered(cases, case, WorkOrderStatus.CANCELLED)
    outcome = Outcome(case=case, outcome=OutcomeClass.DEFERRED, cancelled=True, found_at=NOW, report=CompletionReport())
    await cases.record_outcome(outcome)
    assert await listed(plant) == []


async def test_a_person_takes_a_suggestion_by_its_name_and_it_says_what_was_found(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await complete(cases, case)
    iso = {"problem": {"SEAL": {"mode": "ELP", "mechanism": "1.1"}}}
    await configure(plant, code_descriptions=DESCRIBED, iso14224=iso)
    assert [each.name for each in (await whole_case(plant.engine, case)).suggestions] == ["problem:SEAL"]
    kept = await cases.state_outcome(case, OutcomeClass.OTHER_DEFECT, stated("pia"), "problem:SEAL")
    assert kept.suggestion is not None
    assert (kept.suggestion.name, kept.suggestion.score) == ("problem:SEAL", 100)
    whole = await whole_case(plant.engine, case)
    assert (whole.case.outcome, whole.case.iso14224) == (
        OutcomeClass.OTHER_DEFECT,
        Iso14224Finding(mode="ELP", mechanism="1.1"),
    )
    assert whole.case.order is not None
    assert whole.case.order.report == REPORT
    assert whole.suggestions == ()


async def test_a_suggestion_alone_changes_nothing_and_one_that_is_not_made_is_refused(
    plant: Plant, cases: CaseStore, case: str
) -> None:
    await complete(cases, case)
    await configure(plant, code_descriptions=DESCRIBED)
    with pytest.raises(Rejected, match=r"do not suggest problem:BEAR \(one of: problem:SEAL\)"):
        await cases.state_outcome(case, OutcomeClass.CONFIRMED, stated("pia"), "problem:BEAR")
    view, _ = await cases.view(case)
    assert (view.outcome, view.stated) == (OutcomeClass.UNKNOWN, None)
