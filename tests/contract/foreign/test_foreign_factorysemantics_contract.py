"""The contract suite of every MES, against a real FactorySemantics MES: the tests that need no clock that can be set.

What that MES does otherwise is in `test_foreign_factorysemantics_holds.py`: a hold there is advisory, and its audit
trail says whose it is.
"""

import pytest

from tests.contract.foreign.factorysemantics_plant import FactorySemanticsPlant
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

pytestmark = pytest.mark.foreign


@pytest.fixture
async def mes_plant(factorysemantics_plant: FactorySemanticsPlant) -> FactorySemanticsPlant:
    """A machine of the plant, in the place of the sandbox's."""
    await factorysemantics_plant.plan_work()
    return factorysemantics_plant
