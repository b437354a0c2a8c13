"""A twin whose model declares nothing of an outcome keeps no case open."""

from datetime import timedelta

from domain.cases import ClosedAs
from domain.verdict import Rung
from domain.work_orders import WorkOrderStatus
from tests.support.saga_plant import SagaPlant, case_view

CASE = "MWAAAAAAAA"


def done(declares: frozenset[str] | None) -> SagaPlant:
    """A case whose work is done, on an asset whose twin's model declares these properties."""
    plant = SagaPlant(timedelta(0))
    plant.store.open(case_view(CASE, 1, Rung.WORK_ORDER).model_copy(update={"twin_declares": declares}))
    settle(plant)
    plant.cmms.people_move(CASE, WorkOrderStatus.COMPLETED, "REPAIRED")
    polling = plant.poll()
    while not polling.ended:
        polling.play()
    settle(plant)
    return plant


def settle(plant: SagaPlant) -> None:
    for _ in range(3):
        plant.dispatch()
        for _ in range(60):
            plant.workflows[CASE].played.play()


def test_a_case_on_a_whole_machine_closes_though_its_twin_takes_no_outcome() -> None:
    plant = done(frozenset({"holdState", "holdStateAt"}))
    assert plant.store.now(CASE).closed_as is ClosedAs.DONE
    assert plant.twins.outcomes_told == []


def test_a_twin_that_takes_outcomes_or_whose_model_is_not_known_is_told() -> None:
    for declares in (frozenset({"lastOutcome"}), None):
        plant = done(declares)
        assert plant.twins.outcomes_told == ["confirmed"]
