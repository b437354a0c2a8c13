"""The contract suite of every MES, against a real Odoo: the tests that need no clock that can be set.

What Odoo does otherwise is in `test_foreign_odoo_holds.py`: a hold that stands is known by its key, so it is never
doubtful whose it is, and holds of several keys stand beside each other.
"""

import pytest

from tests.contract.foreign.odoo_plant import OdooPlant
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
    test_equipment_that_is_held_already_is_left_to_whoever_held_it,
    test_equipment_that_the_mes_does_not_know_needs_a_person,
    test_it_says_what_answers,
    test_no_secret_is_ever_logged_or_told,
    test_nothing_is_held_through_another_server_than_planned,
    test_planning_changes_nothing,
    test_production_shows_the_running_job_its_end_and_the_next_planned_stop,
    test_the_target_of_a_hold_is_the_receiver_and_the_server_that_serves_it,
    test_what_runs_is_among_the_lots_made_and_a_time_before_has_none_of_it,
)

pytestmark = pytest.mark.foreign


@pytest.fixture
def mes_plant(odoo_plant: OdooPlant) -> OdooPlant:
    """A machine of the plant on Odoo, in the place of the sandbox's."""
    return odoo_plant
