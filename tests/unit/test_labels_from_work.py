"""No label but from finished work with a finding, whatever the case looks like."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from activities.progress import CaseRef
from domain.outcomes import OutcomeClass
from domain.verdict import Rung
from domain.work_orders import CompletionReport, Touched, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from tests.support.fault_injection import Played
from tests.support.plant import START
from tests.support.saga_plant import SagaPlant, case_view

CASE = "MWAAAAAAAA"
_NEVER = st.none()


def an_order(status: WorkOrderStatus, finished_hours: int | None) -> WorkOrderRecord:
    finished = None if finished_hours is None else START + timedelta(hours=finished_hours)
    return WorkOrderRecord(
        ref=WorkOrderRef(system="fake", id="1001", key=CASE),
        status=status,
        vendor_status=status.value,
        changed_at=START + timedelta(hours=10),
        touched=Touched.NO,
        report=CompletionReport(finished_at=finished),
    )


@given(
    order=_NEVER | st.builds(an_order, st.sampled_from(WorkOrderStatus), _NEVER | st.integers(1, 9)),
    outcome=_NEVER | st.sampled_from(OutcomeClass),
    twin_told=st.booleans(),
    labelled=st.booleans(),
)
def test_no_label_but_from_finished_work_with_a_finding(
    order: WorkOrderRecord | None, outcome: OutcomeClass | None, twin_told: bool, labelled: bool
) -> None:
    plant = SagaPlant(timedelta(0))
    seen = {"order": order, "outcome": outcome, "twin_told": twin_told, "labelled": labelled}
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER).model_copy(update=seen))
    step = Played(plant.outcomes.keep_label(CaseRef(case=CASE)))
    for _ in range(20):
        step.play()
    finished = order is not None and order.status is WorkOrderStatus.COMPLETED
    found = outcome is not None and outcome.finding
    told = twin_told or plant.store.now(CASE).twin is None
    label = plant.store.outcomes.labels.get(CASE)
    assert (label and label.outcome) == (outcome if finished and found and told else None)
