"""The contract suite of every MES, against the sandbox's SAP Digital Manufacturing.

Four tests of the suite are not here, because SAP differs: an expired token is renewed within the call, so it is no
failure; a field that is refused is for a person; a machine between two runs is blocked, not a job of it; and a hold of
an SFC does not keep others from running. What is promised in their place is in this file and in `test_sap_dm_holds.py`.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.production import HoldMethod, HoldState, JobState, PlaceResult
from tests.contract.sap_dm_plant import SapDmPlant, SapDmShop
from tests.contract.test_mes_contract import (  # noqa: F401 - pytest runs what it finds here
    held,
    test_a_connection_that_was_lost_is_opened_again,
    test_a_job_that_has_ended_leaves_nothing_to_hold_or_release,
    test_a_list_in_the_wrong_order_or_with_a_row_twice_says_the_same,
    test_a_machine_is_released_through_a_server_that_has_changed_since,
    test_a_password_that_is_not_accepted_needs_a_person,
    test_a_person_who_lets_a_held_job_run_is_seen,
    test_a_plan_names_the_receiver_and_only_its_job_is_held,
    test_a_release_whose_answer_was_lost_is_found_done,
    test_a_running_job_is_held_and_released_with_the_key_as_the_whole_comment,
    test_a_server_that_is_down_is_unavailable_until_it_comes_back,
    test_an_answer_that_was_lost_after_the_act_is_shown_to_a_person,
    test_callers_share_one_connection,
    test_equipment_that_the_mes_does_not_know_needs_a_person,
    test_it_says_what_answers,
    test_no_secret_is_ever_logged_or_told,
    test_nothing_is_held_through_another_server_than_planned,
    test_placing_twice_places_once_and_asks_a_person_whose_it_is,
    test_planning_changes_nothing,
    test_production_shows_the_running_job_its_end_and_the_next_planned_stop,
    test_the_next_job_is_seen_once_the_first_has_ended,
    test_the_target_of_a_hold_is_the_receiver_and_the_server_that_serves_it,
    test_two_cases_at_once_place_one_hold,
    test_what_is_read_has_the_time_just_before_it_was_read,
)


@pytest.fixture(scope="module")
async def sap_dm_shop() -> AsyncIterator[SapDmShop]:
    shop = SapDmShop(60)
    await shop.server.start()
    yield shop
    await shop.server.stop()


@pytest.fixture
async def mes_plant(sap_dm_shop: SapDmShop) -> AsyncIterator[SapDmPlant]:
    """A machine of a plant whose time stands still, in the place of the suite's own."""
    plant = await sap_dm_shop.machine()
    yield plant
    await plant.leave()


@pytest.fixture
async def passing_mes_plant(tmp_path: Path) -> AsyncIterator[SapDmPlant]:
    """A machine of a plant of its own, where time passes."""
    shop = SapDmShop(3, tmp_path)
    await shop.server.start()
    plant = await shop.machine()
    yield plant
    await plant.leave()
    await shop.server.stop()


@pytest.mark.parametrize("kind", ["drop_then_nothing", "timeout", "status_429", "status_500", "html"])
@pytest.mark.parametrize("operation", ["hold", "change_status"])
async def test_a_call_that_did_nothing_is_made_again(mes_plant: SapDmPlant, operation: str, kind: str) -> None:
    mes = mes_plant.connector(quick=kind == "timeout")
    if operation == "change_status":
        await mes.place_hold(await mes.plan_hold(mes_plant.equipment, "FIRST"), "reason")
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    mes_plant.misbehave(operation, kind)
    with pytest.raises(Unavailable):
        await mes.place_hold(plan, "reason")
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert mes_plant.holds().count(("MWKEY", True)) == 1


@pytest.mark.parametrize("operation", ["hold", "release", "change_status", "resource", "sfcs_in_work", "sfc_detail"])
async def test_a_token_that_expires_within_a_call_is_renewed_once_and_the_call_goes_on(
    mes_plant: SapDmPlant, operation: str
) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    given = mes_plant.shop.server.tokens.given
    mes_plant.misbehave(operation, "session_expired")
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    block = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    assert await mes.place_hold(block, "reason") is PlaceResult.IN_EFFECT
    assert await mes.release_hold(plan, "done") is HoldState.ABSENT
    assert mes_plant.shop.server.tokens.given == given + 1
    assert mes_plant.holds() == [("MWKEY", False), ("MWKEY", True)]


async def test_a_reading_that_was_put_off_is_made_again(mes_plant: SapDmPlant) -> None:
    mes = mes_plant.connector()
    mes_plant.misbehave("read", "status_429")
    with pytest.raises(Unavailable) as caught:
        await mes.read_production(mes_plant.equipment)
    assert caught.value.retry_after == timedelta(seconds=1)
    assert (await mes.read_production(mes_plant.equipment)).job is not None


@pytest.mark.parametrize(
    ("operation", "error", "field"),
    [("sfcs_in_work", ActionRequired, "resource"), ("resource", Refused, None), ("hold", Refused, None)],
)
async def test_what_sap_refuses_is_told_and_nothing_is_held(
    mes_plant: SapDmPlant, operation: str, error: type[ConnectorError], field: str | None
) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    mes_plant.misbehave(operation, "refuse_field", {"field": "resource", "code": "x", "message": "not so"})
    with pytest.raises(error, match="not so") as caught:
        await mes.place_hold(plan, "reason")
    assert getattr(caught.value, "field", None) == field
    assert mes_plant.holds() == []


async def test_a_machine_between_two_runs_is_blocked_and_goes_on_where_it_was(passing_mes_plant: SapDmPlant) -> None:
    mes = passing_mes_plant.connector()
    context = await mes.read_production(passing_mes_plant.equipment)
    assert context.job is not None
    assert context.job.ends_at is not None
    await passing_mes_plant.wait(context.job.ends_at - context.read_at + timedelta(minutes=1))
    plan = await mes.plan_hold(passing_mes_plant.equipment, "MWKEY")
    assert (plan.method, plan.prior_state, plan.job) == (HoldMethod.BLOCK, JobState.ALLOWED_TO_START, "all SFCs")
    assert plan.prior_status == "ENABLED"
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    await passing_mes_plant.wait(timedelta(hours=5))
    assert await held(mes, plan) is HoldState.HELD
    assert await mes.release_hold(plan, "done") is HoldState.ABSENT
    assert passing_mes_plant.holds() == [("MWKEY", False)]
    await passing_mes_plant.wait(timedelta(hours=1))
    assert passing_mes_plant.status() == "PRODUCTIVE"


async def test_a_machine_that_somebody_else_has_stopped_whole_is_left_to_them(mes_plant: SapDmPlant) -> None:
    mes = mes_plant.connector()
    for _ in range(2):
        await mes.place_hold(await mes.plan_hold(mes_plant.equipment, "THEIRS"), "theirs")
    ours = await mes.plan_hold(mes_plant.equipment, "OURS")
    assert ours.method is HoldMethod.ALREADY_HELD
    assert await mes.place_hold(ours, "ours") is PlaceResult.MOVED_ON
    assert await mes.release_hold(ours, "ours") is HoldState.ABSENT
    assert mes_plant.holds() == [("THEIRS", True), ("THEIRS", True)]
