"""What a case does when the model of its twin takes all, some or nothing of an outcome, and when the twin is gone."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from connectors.azure.digital_twins.settings import OutcomeVocabulary, WorkOrderModel
from domain.cases import CaseView, ClosedAs, Phase
from domain.errors import Unavailable
from domain.keys import order_twin_id
from domain.twin_writes import OrderTwin, ToldOutcome, ToldProperty, ToldResult, TwinWrite
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.saga_plant import SagaPlant, case_view

CASE = "MWAAAAAAAA"
MACHINE = "dtmi:manufacturing:Machine;1"


def _told(twin: str, work: ToldOutcome, taken: set[str]) -> TwinWrite:
    why = "its model does not declare it"
    properties = tuple(
        ToldProperty(name=name, theirs=name, value=value, result=ToldResult.WRITTEN)
        if name in taken
        else ToldProperty(name=name, theirs=name, value=value, result=ToldResult.NOT_TAKEN, why=why)
        for name, value in work.properties.items()
    )
    return TwinWrite(twin=twin, model=MACHINE, etag='W/"7"', properties=properties)


def nothing(twin: str, work: ToldOutcome) -> TwinWrite:
    """The twin of a whole machine, perhaps."""
    return _told(twin, work, set())


def some(twin: str, work: ToldOutcome) -> TwinWrite:
    """A model that has its own idea of health."""
    return _told(twin, work, {"lastOutcome"})


def gone(twin: str, work: ToldOutcome) -> TwinWrite:
    """A twin that somebody has deleted."""
    del work
    return TwinWrite(twin=twin, model=None, etag=None)


def done(answers: Callable[[str, ToldOutcome], TwinWrite] | None, plant: SagaPlant | None = None) -> CaseView:
    """A case whose work is done, as it stands at its end."""
    plant = plant or SagaPlant(timedelta(0))
    plant.twins.answers = answers
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER))
    settle(plant)
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, "REPAIRED")
    polling = plant.poll()
    while not polling.ended:
        polling.play()
    settle(plant)
    return plant.store.now(CASE)


def settle(plant: SagaPlant) -> None:
    for _ in range(3):
        plant.dispatch()
        for _ in range(60):
            plant.workflows[CASE].played.play()


@pytest.mark.parametrize(("answers", "told"), [(None, True), (some, True), (nothing, False), (gone, False)])
def test_a_case_closes_and_is_learnt_whatever_its_twin_takes(
    answers: Callable[[str, ToldOutcome], TwinWrite] | None, *, told: bool
) -> None:
    view = done(answers)
    assert (view.phase, view.closed_as, view.labelled) == (Phase.CLOSED, ClosedAs.DONE, True)
    assert (view.twin_told, view.twin_done, view.lane) == (told, True, None)


def test_what_a_model_does_not_take_is_kept_with_the_case_and_said_in_words() -> None:
    write = done(some).twin_write
    assert write is not None
    assert [each.name for each in write.not_taken] == [
        "maintenanceStatus",
        "lastCaseId",
        "lastOutcomeAt",
        "healthState",
    ]
    [words] = write.words
    assert words.startswith(f"Twin {write.twin} of model {MACHINE}: written: lastOutcome; not taken: maintenanceStatus")
    assert done(gone).twin_write == TwinWrite(twin=write.twin, model=None, etag=None)


def test_a_graph_that_asks_for_time_gets_it_and_operations_read_why_the_case_waits() -> None:
    plant = SagaPlant(timedelta(0))
    left = timedelta(hours=2)

    def busy(twin: str, work: ToldOutcome) -> TwinWrite:
        del work
        problem = f"it asks us to slow down: twin {twin}"
        raise Unavailable(problem, system="digital_twins", operation="tell-outcome", retry_after=left)

    view = done(busy, plant)
    assert view.waiting_for == f"digital_twins to answer: it asks us to slow down: twin {view.twin} (attempt 1)"
    assert view.waiting_until == plant.clock.now() + left
    assert (view.twin_done, view.labelled, view.phase) == (False, False, Phase.LEARN)


def test_a_twin_is_told_its_order_under_an_id_that_is_derived_from_case_and_order() -> None:
    told: list[ToldOutcome] = []

    def listening(twin: str, work: ToldOutcome) -> TwinWrite:
        told.append(work)
        return _told(twin, work, set(work.properties))

    view = done(listening)
    [work] = told
    assert view.order is not None
    assert work.order_twin == order_twin_id(CASE, "fake", view.order.ref.id)
    assert work.order == {
        "number": view.order.ref.id,
        "system": "fake",
        "status": "completed",
        "caseId": CASE,
        "outcome": "confirmed",
        "endedAt": work.properties["lastOutcomeAt"],
    }
    # The connector has a name for each.
    assert work.properties.keys() <= OutcomeVocabulary().names.keys()
    assert work.order.keys() == WorkOrderModel(model="dtmi:x:Order;1", relationship="orders").names.keys()


def test_the_words_of_a_write_say_what_was_there_already_and_what_became_of_the_order() -> None:
    kept = ToldProperty(name="lastOutcome", theirs="work.result", value="confirmed", result=ToldResult.KEPT)
    order = OrderTwin(twin="MWAAAAAAAA-ABCDEFGH", relationship="maintainedBy", created=True, related=True)
    write = TwinWrite(twin="m-1", model=MACHINE, etag="e", properties=(kept,), order=order)
    assert write.told
    assert write.words == (
        f"Twin m-1 of model {MACHINE}: said so already: lastOutcome as work.result",
        "Twin MWAAAAAAAA-ABCDEFGH of its work order was created and was related to it by maintainedBy",
    )
    without = order.model_copy(update={"twin": None, "why": "model M declares no relationship maintainedBy"})
    assert without.words == "There is no twin of its work order: model M declares no relationship maintainedBy"
