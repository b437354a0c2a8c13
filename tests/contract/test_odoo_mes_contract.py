"""The contract suite of every MES, against the sandbox's plant on Odoo, whose time can be set.

Seven tests of the suite are not here, because Odoo differs: a block is known by its external id, so a repeated
placement finds its own; a block is of the whole work centre and outlives its work orders; and a key that is not
accepted, or a field that is refused, is for a person. What is promised in their place is here and in
`test_odoo_mrp_simulated.py`.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain.errors import ActionRequired, Unavailable
from domain.production import HoldMethod, HoldState, JobState, PlaceResult
from tests.contract.odoo_mes_plant import OdooMesPlant, OdooShop
from tests.contract.test_mes_contract import (  # noqa: F401 - pytest runs what it finds here
    held,
    test_a_connection_that_was_lost_is_opened_again,
    test_a_hold_that_we_placed_is_told_with_its_key_where_the_mes_knows_whose_it_is,
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
    test_the_next_job_is_seen_once_the_first_has_ended,
    test_the_target_of_a_hold_is_the_receiver_and_the_server_that_serves_it,
    test_what_is_read_has_the_time_just_before_it_was_read,
    test_what_runs_is_among_the_lots_made_and_a_time_before_has_none_of_it,
)


@pytest.fixture
async def mes_plant() -> AsyncIterator[OdooMesPlant]:
    shop = OdooShop()
    await shop.mes.start()
    plant = await shop.machine()
    yield plant
    await plant.leave()
    await shop.mes.stop()


@pytest.fixture
def passing_mes_plant(mes_plant: OdooMesPlant) -> OdooMesPlant:
    return mes_plant


@pytest.mark.parametrize("kind", ["drop_then_nothing", "timeout", "status_429", "status_500", "html", "conflict"])
async def test_a_call_that_did_nothing_is_made_again(mes_plant: OdooMesPlant, kind: str) -> None:
    mes = mes_plant.connector(quick=kind == "timeout")
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    mes_plant.misbehave("Pause", kind)
    with pytest.raises(Unavailable):
        await mes.place_hold(plan, "reason")
    assert mes_plant.holds() == []
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert mes_plant.holds() == [("MWKEY", True)]


@pytest.mark.parametrize("kind", ["session_expired", "refuse_field"])
async def test_what_only_a_person_can_mend_is_told_and_nothing_is_held(mes_plant: OdooMesPlant, kind: str) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    mes_plant.misbehave("Pause", kind, {"field": "x", "code": "16"} if kind == "refuse_field" else None)
    with pytest.raises(ActionRequired):
        await mes.place_hold(plan, "reason")
    assert mes_plant.holds() == []


async def test_a_plan_stands_still_while_its_machine_is_held_and_an_operator_starts_it_again(
    mes_plant: OdooMesPlant,
) -> None:
    mes = mes_plant.connector()
    before = await mes_plant.order()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    await mes.place_hold(plan, "reason")
    await mes_plant.wait(timedelta(days=1))
    stopped = await mes_plant.order()
    assert (stopped["id"], stopped["state"], stopped["working_user_ids"]) == (before["id"], "progress", [])
    assert await held(mes, plan) is HoldState.HELD
    await mes.release_hold(plan, "done")
    job = (await mes.read_production(mes_plant.equipment)).job
    assert job is not None
    assert job.state is JobState.INTERRUPTED_ON_PURPOSE
    await mes_plant.wait(timedelta(minutes=1))
    job = (await mes.read_production(mes_plant.equipment)).job
    assert job is not None
    assert job.state is JobState.RUNNING
    assert (await mes_plant.order())["date_finished"] > before["date_finished"]


async def test_a_machine_between_two_jobs_is_blocked_and_starts_after_its_release(mes_plant: OdooMesPlant) -> None:
    mes = mes_plant.connector()
    context = await mes.read_production(mes_plant.equipment)
    assert context.job is not None
    assert context.job.ends_at is not None
    await mes_plant.wait(context.job.ends_at - context.read_at + timedelta(minutes=1))
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    assert (plan.method, plan.prior_state) == (HoldMethod.BLOCK, JobState.ALLOWED_TO_START)
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    await mes_plant.wait(timedelta(hours=5))
    assert (await mes_plant.order())["state"] == "ready"
    assert await mes.release_hold(plan, "done") is HoldState.ABSENT
    await mes_plant.wait(timedelta(hours=1))
    assert (await mes_plant.order())["state"] == "progress"


async def test_the_shift_leads_release_ends_the_block_and_the_operator_goes_on(mes_plant: OdooMesPlant) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    await mes.place_hold(plan, "reason")
    await mes_plant.wait(timedelta(hours=3))
    for _ in range(2):
        await mes_plant.resume_by_hand()
    assert await held(mes, plan) is HoldState.ABSENT
    assert mes_plant.holds() == [("MWKEY", False)]
    assert (await mes_plant.order())["working_state"] == "done"


async def test_a_block_that_came_and_went_before_the_operator_came_by_leaves_the_work_order_running(
    mes_plant: OdooMesPlant,
) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    await mes.place_hold(plan, "reason")
    await mes.release_hold(plan, "done")
    assert (await mes_plant.order())["working_user_ids"] == []
    await mes_plant.wait(timedelta(minutes=1))
    assert (await mes_plant.order())["working_state"] == "done"
