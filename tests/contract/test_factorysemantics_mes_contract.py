"""The contract suite of every MES, against the sandbox's plant on FactorySemantics MES, whose time can be set.

Five tests of the suite are not here, because that MES differs: its audit trail says whose a hold is, so a repeated
placement finds its own; an expired token is replaced within the call; a field that is refused is for a person. What is
promised in their place is here and in `test_factorysemantics_simulated.py`.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain.errors import Refused, Unavailable
from domain.production import HoldMethod, HoldState, JobState, PlaceResult
from tests.contract.factorysemantics_mes_plant import FactorySemanticsMesPlant, FactorySemanticsShop
from tests.contract.test_mes_contract import (  # noqa: F401 - pytest runs what it finds here
    held,
    test_a_connection_that_was_lost_is_opened_again,
    test_a_hold_that_we_placed_is_told_with_its_key_where_the_mes_knows_whose_it_is,
    test_a_job_between_two_runs_is_held_by_revoking_its_start,
    test_a_job_that_has_ended_leaves_nothing_to_hold_or_release,
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
async def mes_plant() -> AsyncIterator[FactorySemanticsMesPlant]:
    shop = FactorySemanticsShop()
    await shop.mes.start()
    plant = shop.machine()
    yield plant
    await plant.leave()
    await shop.mes.stop()


@pytest.fixture
def passing_mes_plant(mes_plant: FactorySemanticsMesPlant) -> FactorySemanticsMesPlant:
    return mes_plant


@pytest.mark.parametrize("kind", ["drop_then_nothing", "timeout", "status_429", "status_500", "html"])
async def test_a_call_that_did_nothing_is_made_again(mes_plant: FactorySemanticsMesPlant, kind: str) -> None:
    mes = mes_plant.connector(quick=kind == "timeout")
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    mes_plant.misbehave("Pause", kind)
    with pytest.raises(Unavailable):
        await mes.place_hold(plan, "reason")
    assert mes_plant.holds() == []
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert mes_plant.holds() == [("MWKEY", True)]


async def test_a_hold_that_is_refused_is_told_and_nothing_is_held(mes_plant: FactorySemanticsMesPlant) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    mes_plant.misbehave("Pause", "refuse_field", {"field": "reason", "code": "400", "message": "not so"})
    with pytest.raises(Refused, match="not so"):
        await mes.place_hold(plan, "reason")
    assert mes_plant.holds() == []


async def test_a_hold_whose_answer_was_lost_is_found_to_be_ours(mes_plant: FactorySemanticsMesPlant) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    mes_plant.misbehave("Pause", "commit_then_drop")
    with pytest.raises(Unavailable):
        await mes.place_hold(plan, "reason")
    assert await mes_plant.connector().place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert mes_plant.holds() == [("MWKEY", True)]


async def test_a_hold_that_is_committed_long_after_its_answer_is_not_in_effect_before(
    mes_plant: FactorySemanticsMesPlant,
) -> None:
    mes = mes_plant.connector(settle="PT0S")
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    mes_plant.commit_late("Pause")
    assert await mes.place_hold(plan, "reason") is PlaceResult.ACCEPTED
    mes_plant.shop.mes.server.commit()
    assert await held(mes, plan) is HoldState.HELD


async def test_a_hold_that_is_committed_while_it_is_placed_again_is_found_to_be_ours(
    mes_plant: FactorySemanticsMesPlant,
) -> None:
    mes = mes_plant.connector(settle="PT0S")
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    mes_plant.commit_late("Pause")
    assert await mes.place_hold(plan, "reason") is PlaceResult.ACCEPTED
    mes_plant.commits_before = "/audit"
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert mes_plant.holds() == [("MWKEY", True)]


async def test_a_hold_that_is_committed_while_the_next_is_planned_needs_no_person(
    mes_plant: FactorySemanticsMesPlant,
) -> None:
    mes = mes_plant.connector(settle="PT0S")
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    mes_plant.commit_late("Pause")
    assert await mes.place_hold(plan, "reason") is PlaceResult.ACCEPTED
    mes_plant.commits_before = "/audit"
    after = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    assert (after.job, after.method) == (plan.job, HoldMethod.ALREADY_HELD)


async def test_a_release_that_is_committed_while_it_is_repeated_needs_no_person(
    mes_plant: FactorySemanticsMesPlant,
) -> None:
    mes = mes_plant.connector(settle="PT0S")
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    assert await mes.place_hold(plan, "reason") in (PlaceResult.IN_EFFECT, PlaceResult.ACCEPTED)
    mes_plant.shop.mes.server.commit()
    mes_plant.commit_late("Resume")
    with pytest.raises(Unavailable, match="still on hold"):
        await mes.release_hold(plan, "done")
    mes_plant.commits_before = "/audit"
    assert await mes.release_hold(plan, "done") is HoldState.ABSENT
    assert mes_plant.holds() == [("MWKEY", False)]


async def test_a_token_that_has_expired_is_replaced_within_the_call(mes_plant: FactorySemanticsMesPlant) -> None:
    mes = mes_plant.connector()
    await mes.check()
    await mes_plant.wait(timedelta(hours=13))
    assert (await mes.read_production(mes_plant.equipment)).job is not None


async def test_a_machine_stands_still_while_its_work_order_is_on_hold_and_goes_on_afterwards(
    mes_plant: FactorySemanticsMesPlant,
) -> None:
    mes = mes_plant.connector()
    before = await mes.read_production(mes_plant.equipment)
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    await mes.place_hold(plan, "reason")
    assert mes_plant.state() == "idle"
    await mes_plant.wait(timedelta(days=1))
    stopped = await mes.read_production(mes_plant.equipment)
    assert (plan.method, stopped.doubt) == (HoldMethod.PAUSE, None)
    assert stopped.job is not None
    assert (stopped.job.id, stopped.job.state) == (plan.job, JobState.INTERRUPTED_ON_PURPOSE)
    assert await mes.release_hold(plan, "done") is HoldState.ABSENT
    after = await mes.read_production(mes_plant.equipment)
    assert mes_plant.state() == "running"
    assert before.job is not None
    assert after.job is not None
    assert before.job.ends_at is not None
    assert after.job.ends_at is not None
    assert after.job.ends_at > before.job.ends_at
