"""What people report of finished work after its case was closed becomes the next revision of the label."""

from datetime import timedelta

import pytest

from activities.autonomy import Autonomy
from activities.outcomes import Outcomes
from activities.progress import CaseRef
from domain.cases import ClosedAs
from domain.outcomes import OutcomeClass
from domain.work_orders import CompletionReport, FindingRole, ReportedCode, WorkOrderRecord
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from millwright.storage.cases.changes import ChangeStore
from tests.support.completed_work import completed, stated
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation
from tests.support.twin_writes import whole_write


async def closed_case(plant: Plant) -> tuple[CaseStore, WorkOrderRecord]:
    """A closed case whose completed work a person stated to be a confirmed fault; its label, and its order."""
    await plant.take(code(1), deviation(2))
    [[case]] = await plant.rows("SELECT id FROM cases")
    cases = CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))
    await completed(cases, str(case))
    await cases.state_outcome(str(case), OutcomeClass.CONFIRMED, stated("pia"))
    await learn(plant, cases, str(case))
    await cases.close(str(case), ClosedAs.DONE)
    view, _ = await cases.view(str(case))
    assert view.order is not None
    return cases, view.order


async def learn(plant: Plant, cases: CaseStore, case: str) -> None:
    """The step that keeps labels. The outcome is one that autonomy has counted."""
    await cases.record_twin_update(case, whole_write('W/"1"'), OutcomeClass.CONFIRMED)
    steps = Outcomes(cases, None, {}, _NothingToCount(), plant.clock, {}, None)  # type: ignore[arg-type]  # none is asked
    await steps.keep_label(CaseRef(case=case))


class _NothingToCount(Autonomy):
    def __init__(self) -> None:
        pass

    async def learn(self, view: object) -> None:
        """Counts nothing."""


def later(order: WorkOrderRecord, **report: object) -> WorkOrderRecord:
    told = (order.report or CompletionReport()).model_copy(update=report)
    return order.model_copy(update={"report": told, "changed_at": order.changed_at + timedelta(hours=1)})


async def test_codes_that_come_after_the_label_wake_the_case_and_make_the_next_revision(plant: Plant) -> None:
    cases, order = await closed_case(plant)
    changed = later(order, codes=(ReportedCode(role=FindingRole.CAUSE, code="BEARING"),))
    woken = await ChangeStore(plant.engine, plant.clock).store_page("fake", [changed], "c2")
    assert list(woken) == [order.ref.key]
    await learn(plant, cases, order.ref.key)
    await learn(plant, cases, order.ref.key)
    revisions = await plant.rows("SELECT revision, body ->> 'cause' FROM labels ORDER BY revision")
    assert revisions == [(1, None), (2, "BEARING")]


@pytest.mark.parametrize("report", [{"notes": ("and greased",)}], ids=["a note"])
async def test_what_says_nothing_of_the_finding_wakes_no_closed_case(plant: Plant, report: dict[str, object]) -> None:
    _, order = await closed_case(plant)
    assert list(await ChangeStore(plant.engine, plant.clock).store_page("fake", [later(order, **report)], "c2")) == []
