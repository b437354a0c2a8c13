"""The contract suite of every CMMS, against a real Odoo of a site that has a stage for approved requests."""

import pytest

from tests.contract.foreign.odoo_cmms_plant import OdooCmmsPlant
from tests.contract.test_cmms_behaviours import (  # noqa: F401 - pytest runs what it finds here
    test_a_connector_keeps_each_behaviour,
)
from tests.contract.test_cmms_contract import (  # noqa: F401 - pytest runs what it finds here
    test_a_change_in_the_moment_of_a_poll_is_in_the_next,
    test_a_field_that_the_site_demands_is_named,
    test_a_note_added_from_several_processes_at_once_is_added_once,
    test_a_note_is_added_once_and_never_taken_for_the_technicians,
    test_a_release_that_was_not_done_is_done_by_the_next_call,
    test_a_release_whose_answer_was_lost_is_found_done,
    test_a_session_that_has_ended_needs_a_person_and_then_goes_on,
    test_a_touched_order_is_not_withdrawn,
    test_a_worse_fault_raises_an_open_order_in_place_and_a_priority_of_people_is_kept,
    test_all_orders_of_an_asset_since_a_time_are_found_peoples_too,
    test_an_order_of_a_person_is_read_and_noted_as_theirs_until_it_has_a_key_of_ours,
    test_an_order_that_a_planner_cancelled_is_not_released,
    test_an_order_that_cannot_be_read_is_reported_and_hides_no_other,
    test_an_order_that_carries_another_key_now_is_not_taken_for_the_cases,
    test_an_order_that_people_deleted_is_deleted_and_not_merely_silent,
    test_an_order_that_waits_for_a_part_is_on_hold,
    test_an_order_that_was_deleted_is_not_raised,
    test_an_order_whose_key_people_took_off_is_followed_by_its_place,
    test_answers_in_disorder_lose_nothing,
    test_changes_come_oldest_first_with_none_left_out_and_then_an_empty_page,
    test_opening_again_days_later_opens_once,
    test_until_when_people_put_an_order_off_comes_back,
    test_what_the_technician_found_comes_back,
    test_why_people_rejected_an_order_comes_back,
)

pytestmark = pytest.mark.foreign


@pytest.fixture
def cmms_plant(odoo_cmms_plant: OdooCmmsPlant) -> OdooCmmsPlant:
    """The plant on Odoo, in the place of the sandbox's."""
    return odoo_cmms_plant
