"""The sandbox's FactorySemantics MES does what a real one (0.4.2) does: the recorded requests of our connector and many
more, and the tests that `make test-foreign` runs against a real one.

Of those, one is not here: the sandbox has no simulated line of the vendor.
"""

import json
from collections.abc import AsyncIterator

import pytest

from domain.clock import WallClock
from sandbox.factorysemantics.server import FactorySemanticsServer
from tests.contract import factorysemantics_questions
from tests.contract.foreign import factorysemantics_recordings
from tests.contract.foreign.factorysemantics_plant import FactorySemanticsPlant
from tests.contract.foreign.factorysemantics_server import PASSWORD
from tests.contract.foreign.test_foreign_factorysemantics_holds import (  # noqa: F401 - pytest runs what it finds here
    test_a_hold_in_another_plant_is_not_read_as_absent,
    test_a_hold_of_a_person_is_left_to_them,
    test_a_hold_that_a_person_replaced_by_their_own_is_not_released,
    test_a_hold_that_was_not_placed_is_placed_once,
    test_a_hold_whose_answer_was_lost_is_found_to_be_ours,
    test_a_line_is_no_machine,
    test_a_machine_without_a_work_order_has_nothing_to_hold,
    test_a_token_that_has_expired_is_replaced,
    test_a_work_order_that_a_person_let_go_on_is_not_held_again_by_the_same_key,
    test_a_work_order_that_was_cancelled_leaves_nothing_to_hold_or_release,
    test_an_account_that_may_not_hold_work_orders_needs_a_person,
    test_every_work_order_of_a_machine_is_held_one_after_the_other,
    test_it_says_what_answers_and_that_a_hold_is_advisory,
    test_of_several_cases_at_once_one_places_its_hold,
    test_the_mes_lets_nobody_start_a_held_work_order,
    test_the_reason_of_a_hold_is_read_by_people,
    test_what_a_machine_does_is_told_with_its_time_and_what_is_left,
)
from tests.contract.foreign.test_foreign_factorysemantics_recordings import without_times
from tests.contract.simulated_factorysemantics import SimulatedFactorySemantics
from tests.contract.test_mes_contract import (  # noqa: F401 - pytest runs what it finds here
    test_a_connection_that_was_lost_is_opened_again,
    test_a_list_in_the_wrong_order_or_with_a_row_twice_says_the_same,
    test_a_machine_is_released_through_a_server_that_has_changed_since,
    test_a_password_that_is_not_accepted_needs_a_person,
    test_a_person_who_lets_a_held_job_run_is_seen,
    test_a_plan_names_the_receiver_and_only_its_job_is_held,
    test_a_release_whose_answer_was_lost_is_found_done,
    test_a_running_job_is_held_and_released_with_the_key_as_the_whole_comment,
    test_a_server_that_is_down_is_unavailable_until_it_comes_back,
    test_callers_share_one_connection,
    test_equipment_that_the_mes_does_not_know_needs_a_person,
    test_no_secret_is_ever_logged_or_told,
    test_nothing_is_held_through_another_server_than_planned,
    test_planning_changes_nothing,
    test_production_shows_the_running_job_its_end_and_the_next_planned_stop,
    test_the_target_of_a_hold_is_the_receiver_and_the_server_that_serves_it,
)


@pytest.fixture
async def factorysemantics_server() -> AsyncIterator[SimulatedFactorySemantics]:
    server = FactorySemanticsServer(WallClock(), PASSWORD, plant="bottling", zone="America/Chicago")
    await server.start()
    yield await SimulatedFactorySemantics.of(server)
    await server.stop()


@pytest.fixture
async def factorysemantics_plant(
    factorysemantics_server: SimulatedFactorySemantics,
) -> AsyncIterator[FactorySemanticsPlant]:
    """A machine whose work order runs."""
    plant = await FactorySemanticsPlant.new(factorysemantics_server)
    yield plant
    await plant.leave()


@pytest.fixture
async def mes_plant(factorysemantics_plant: FactorySemanticsPlant) -> FactorySemanticsPlant:
    await factorysemantics_plant.plan_work()
    return factorysemantics_plant


async def test_every_request_of_our_connector_is_answered_as_recorded(
    factorysemantics_server: SimulatedFactorySemantics,
) -> None:
    kept = without_times(json.loads(factorysemantics_recordings.FILE.read_text(encoding="utf-8")))
    recorded = without_times(await factorysemantics_recordings.record(factorysemantics_server))
    assert list(recorded) == list(kept)
    for name, exchanges in recorded.items():
        assert exchanges == kept[name]


async def test_further_questions_are_answered_and_refused_as_recorded(
    factorysemantics_server: SimulatedFactorySemantics,
) -> None:
    answers = await factorysemantics_recordings.answers(factorysemantics_server)
    for ours, theirs in zip(answers, factorysemantics_questions.recorded(), strict=True):
        assert ours == theirs
