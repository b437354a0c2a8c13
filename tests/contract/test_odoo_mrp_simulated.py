"""The manufacturing of the sandbox's Odoo does what a real Odoo 19.0 does: the recorded requests of our connector and
many more, and the tests that `make test-foreign` runs against a real one.

Of those, three are not here: the sandbox's Odoo has one company, and nobody changes its users and its parameters.
"""

import json
from collections.abc import AsyncIterator

import pytest

from domain.clock import WallClock
from sandbox.odoo.server import OdooServer
from tests.contract import odoo_mrp_questions
from tests.contract.foreign import odoo_recordings
from tests.contract.foreign.odoo_plant import OdooPlant
from tests.contract.foreign.test_foreign_odoo_holds import (  # noqa: F401 - pytest runs what it finds here
    test_a_block_that_may_stop_no_timer_is_taken_away_again,
    test_a_call_that_did_nothing_is_made_again,
    test_a_hold_is_not_in_effect_while_the_work_order_runs_on,
    test_a_hold_of_a_person_beside_ours_survives_our_release_and_is_shown,
    test_a_hold_that_a_person_deleted_is_absent,
    test_a_hold_that_a_person_ended_is_not_placed_again_and_needs_a_person,
    test_a_machine_that_a_person_blocks_after_the_plan_is_left_to_them,
    test_a_machine_that_is_held_for_another_key_after_the_plan_is_left_to_that_hold,
    test_a_machine_that_waits_is_held_before_it_starts,
    test_a_placement_that_was_cut_off_before_it_was_recorded_is_found,
    test_a_text_that_looks_like_a_hold_is_none,
    test_a_work_centre_without_a_work_order_has_nothing_to_hold,
    test_a_work_order_that_comes_later_is_held_too,
    test_a_work_order_that_runs_under_the_block_of_a_person_is_held,
    test_eight_placements_of_one_plan_side_by_side_make_one_hold,
    test_odoo_itself_refuses_to_start_a_work_order_until_the_hold_is_released,
    test_people_see_key_and_reason_in_the_time_log_and_the_end_of_it,
    test_the_button_that_ends_the_blocks_of_all_is_never_pressed,
    test_what_was_done_before_the_answer_was_lost_is_found_and_completed,
)
from tests.contract.foreign.test_foreign_odoo_lots import (  # noqa: F401 - pytest runs what it finds here
    test_a_machine_without_a_timer_in_the_period_made_nothing,
    test_the_lot_that_a_manufacturing_order_makes_is_listed_with_its_timer,
)
from tests.contract.foreign.test_foreign_odoo_machines import (  # noqa: F401 - pytest runs what it finds here
    test_a_hold_in_another_database_is_not_read_as_absent,
    test_a_hold_stays_at_its_work_centre_when_the_code_is_changed,
    test_a_hold_that_was_moved_to_another_work_centre_needs_a_person,
    test_a_paused_work_order_and_one_that_waits_for_another_are_told_as_such,
    test_a_work_centre_whose_code_is_given_to_another_is_not_held_by_the_earlier_plan,
    test_a_wrong_setting_needs_a_person,
    test_an_archived_work_centre_needs_a_person,
    test_every_error_names_the_operation_and_the_key,
    test_the_stops_of_a_whole_calendar_count_and_the_reservations_of_work_orders_do_not,
    test_two_work_centres_with_one_code_need_a_person_who_is_told_both,
    test_what_a_hold_is_worth_is_known_once_the_version_was_read,
)
from tests.contract.foreign.test_foreign_odoo_recordings import without_times
from tests.contract.foreign.test_foreign_odoo_states import (  # noqa: F401 - pytest runs what it finds here
    idle,
    test_a_block_while_a_timer_runs_says_nothing,
    test_a_code_of_none_or_of_two_work_centres_is_no_machine,
    test_a_machine_without_a_time_log_waits,
    test_a_running_timer_is_production_since_its_start,
    test_a_time_off_of_its_resource_is_a_planned_stop,
    test_five_hundred_machines_take_as_many_requests_as_one,
    test_the_reason_of_an_open_time_log_says_what_the_machine_does,
)
from tests.contract.simulated_odoo import SimulatedOdoo
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

KEY = "0ba8bd4-mrp-harbor-4471"


@pytest.fixture
async def odoo_database() -> AsyncIterator[SimulatedOdoo]:
    server = OdooServer(WallClock(), KEY, connector="millwright")
    await server.start()
    yield SimulatedOdoo.of(server)
    await server.stop()


@pytest.fixture
async def odoo_plant(odoo_database: SimulatedOdoo) -> AsyncIterator[OdooPlant]:
    """A machine whose work order runs."""
    plant = await OdooPlant.new(odoo_database)
    yield plant
    await plant.leave()


@pytest.fixture
def mes_plant(odoo_plant: OdooPlant) -> OdooPlant:
    return odoo_plant


async def test_every_request_of_our_connector_is_answered_as_recorded(odoo_database: SimulatedOdoo) -> None:
    kept = without_times(json.loads(odoo_recordings.FILE.read_text(encoding="utf-8")))
    recorded = without_times(await odoo_recordings.record(odoo_database))
    assert list(recorded) == list(kept)
    for name, exchanges in recorded.items():
        assert exchanges == kept[name]


async def test_further_questions_are_answered_and_refused_as_recorded(odoo_database: SimulatedOdoo) -> None:
    answers = await odoo_recordings.answers(odoo_database)
    for ours, theirs in zip(answers, odoo_mrp_questions.recorded(), strict=True):
        assert ours == theirs
