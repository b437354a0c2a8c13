"""The contract suite of every CMMS by XML-RPC, against a real Odoo: the tests that need no fault on the wire."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.errors import ActionRequired
from tests.contract.foreign.odoo_cmms_plant import OdooCmmsXmlRpcPlant
from tests.contract.foreign.odoo_server import OdooDatabase
from tests.contract.odoo_people import APPROVED
from tests.contract.test_cmms_contract import (  # noqa: F401 - pytest runs what it finds here
    test_a_change_in_the_moment_of_a_poll_is_in_the_next,
    test_a_note_added_from_several_processes_at_once_is_added_once,
    test_a_note_is_added_once_and_never_taken_for_the_technicians,
    test_a_touched_order_is_not_withdrawn,
    test_a_worse_fault_raises_an_open_order_in_place_and_a_priority_of_people_is_kept,
    test_all_orders_of_an_asset_since_a_time_are_found_peoples_too,
    test_an_order_of_a_person_is_read_and_noted_as_theirs_until_it_has_a_key_of_ours,
    test_an_order_that_a_planner_cancelled_is_not_released,
    test_an_order_that_carries_another_key_now_is_not_taken_for_the_cases,
    test_an_order_that_people_deleted_is_deleted_and_not_merely_silent,
    test_an_order_that_waits_for_a_part_is_on_hold,
    test_an_order_that_was_deleted_is_not_raised,
    test_an_order_whose_key_people_took_off_is_followed_by_its_place,
    test_changes_come_oldest_first_with_none_left_out_and_then_an_empty_page,
    test_opening_again_days_later_opens_once,
    test_until_when_people_put_an_order_off_comes_back,
    test_what_the_technician_found_comes_back,
    test_why_people_rejected_an_order_comes_back,
)

pytestmark = pytest.mark.foreign


@pytest.fixture
async def cmms_plant(odoo_database: OdooDatabase) -> AsyncIterator[OdooCmmsXmlRpcPlant]:
    """The plant on Odoo, in the place of the sandbox's."""
    plant = OdooCmmsXmlRpcPlant(odoo_database, approved_stage=APPROVED)
    plant.start()
    yield plant
    await plant.leave()


async def test_an_untouched_request_is_archived_though_odoo_cannot_write_the_answer(
    cmms_plant: OdooCmmsXmlRpcPlant,
) -> None:
    created = await cmms_plant.connector().create_work_order(cmms_plant.draft())
    withdrawn = await cmms_plant.connector().withdraw_work_order(created.ref, "revised")
    assert withdrawn.vendor_status == "New Request, archived"


@pytest.mark.parametrize("wrong", [{"secret": "wrong"}, {"database": "nosuch"}], ids=["key", "database"])
async def test_a_wrong_key_or_database_needs_a_person(cmms_plant: OdooCmmsXmlRpcPlant, wrong: dict[str, Any]) -> None:
    with pytest.raises(ActionRequired):
        await cmms_plant.connector(**wrong).check()
