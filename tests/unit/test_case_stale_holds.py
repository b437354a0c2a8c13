"""A hold that nothing changes for days is told to operations."""

from domain.cases import Lane
from domain.holds import LONGEST_UNCHANGED
from tests.support.saga_plant import WATCH
from tests.unit.test_case_releases import CASE, COMPLETED, finish, held, pass_time


def test_operations_are_called_once_for_a_machine_that_is_held_for_days_without_a_change() -> None:
    plant = held()
    pass_time(plant, LONGEST_UNCHANGED - WATCH)
    assert plant.store.now(CASE).lane is None
    pass_time(plant, WATCH)
    view = plant.store.now(CASE)
    assert (view.lane, plant.mes.holder) == (Lane.OPERATIONS, CASE)
    assert view.waiting_for is not None
    assert view.waiting_for.startswith("operations to find out why EQ-001 is still held: nothing has changed since")
    for _ in range(3):
        pass_time(plant, WATCH)
        assert plant.store.now(CASE).waiting_for == view.waiting_for
    finish(plant, COMPLETED)
    assert plant.store.now(CASE).lane is Lane.PRODUCTION
