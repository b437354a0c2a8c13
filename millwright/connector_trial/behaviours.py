"""Every behaviour of a connector to a CMMS, in the order in which they are tried."""

from collections.abc import Mapping
from typing import Final

from millwright.connector_trial.behaviour import Behaviour
from millwright.connector_trial.creating import CREATING
from millwright.connector_trial.disturbing import DISTURBING
from millwright.connector_trial.following import FOLLOWING

BEHAVIOURS: Final[tuple[Behaviour, ...]] = (*CREATING, *FOLLOWING, *DISTURBING)

NEEDS_PEOPLE: Final[Mapping[str, str]] = {
    "what_the_technician_found_comes_back": "The report of a completed order comes back.",
    "why_people_rejected_an_order_comes_back": "The reason of a rejected order comes back.",
    "a_touched_order_is_not_withdrawn": "An order that somebody approved there is not withdrawn.",
    "an_order_that_a_planner_cancelled_is_not_released": "An order that a planner cancelled there is not released.",
    "an_order_that_waits_for_a_part_is_on_hold": "An order that waits for a part is on hold.",
    "until_when_people_put_an_order_off_comes_back": "The day until which an order is put off comes back.",
    "an_order_that_people_deleted_is_deleted_and_not_merely_silent": "An order that somebody deleted is deleted.",
    "an_order_whose_key_people_took_off_is_followed_by_its_place": "An order whose key was taken off is followed.",
    "an_order_that_carries_another_key_now_is_not_taken_for_the_cases": "An order with another key is not ours.",
    "an_order_that_cannot_be_read_is_reported_and_hides_no_other": "An unreadable order hides no other.",
    "all_orders_of_an_asset_since_a_time_are_found_peoples_too": "People's orders of an asset are found too.",
}
"""What only the people of a system can bring about, by the tests of `tests/contract/test_cmms_contract.py` that play
them in a simulated or prepared system."""
