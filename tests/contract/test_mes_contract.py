"""What every connector to an MES keeps, against a server that keeps its contract."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

import pytest

from domain.errors import ActionRequired, NotProved, Unavailable
from domain.ports import Mes
from domain.production import HoldEnforcement, HoldMethod, HoldPlan, HoldState, JobState, PlaceResult


class MesPlant(Protocol):
    """An MES with its shop floor, as far as this suite needs one.

    `running_method` is how a running job is held there, and `unwelcome` are words of the error for a wrong password.
    `tells_lots` says whether the MES says which lots a machine made.
    """

    secrets: Sequence[str]
    running_method: HoldMethod
    unwelcome: str
    tells_lots: bool

    @property
    def equipment(self) -> str: ...
    def connector(self, *, secret: str | None = None, quick: bool = False) -> Mes: ...
    async def wait(self, time: timedelta) -> None: ...
    def misbehave(self, method: str, kind: str, params: Mapping[str, str] | None = None) -> None: ...
    def go_down(self) -> None: ...
    async def come_back(self) -> None: ...
    async def resume_by_hand(self) -> None: ...
    def holds(self) -> list[tuple[str, bool]]: ...


async def held(mes: Mes, plan: HoldPlan) -> HoldState:
    return (await mes.read_hold(plan)).state


async def test_it_says_what_answers(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    assert "127.0.0.1" in await mes.check()
    assert mes.enforcement is HoldEnforcement.ENFORCED


async def test_production_shows_the_running_job_its_end_and_the_next_planned_stop(mes_plant: MesPlant) -> None:
    context = await mes_plant.connector().read_production(mes_plant.equipment)
    assert context.equipment == mes_plant.equipment
    assert context.job is not None
    assert context.job.state is JobState.RUNNING
    assert context.job.ends_at is not None
    assert context.job.ends_at > context.read_at
    assert context.next_stop_at is not None
    assert context.next_stop_at > context.job.ends_at


async def test_the_next_job_is_seen_once_the_first_has_ended(passing_mes_plant: MesPlant) -> None:
    mes = passing_mes_plant.connector()
    first = await mes.read_production(passing_mes_plant.equipment)
    await passing_mes_plant.wait(timedelta(hours=12))
    second = await mes.read_production(passing_mes_plant.equipment)
    assert first.job is not None
    assert second.job is not None
    assert first.job.id != second.job.id


async def test_equipment_that_the_mes_does_not_know_needs_a_person(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    with pytest.raises(ActionRequired) as caught:
        await mes.read_production("NOSUCH")
    assert caught.value.field == "equipment"
    with pytest.raises(ActionRequired):
        await mes.plan_hold("NOSUCH", "MWKEY")


async def test_what_runs_is_among_the_lots_made_and_a_time_before_has_none_of_it(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    context = await mes.read_production(mes_plant.equipment)
    assert context.job is not None
    now = context.read_at
    made = await mes.lots_made(mes_plant.equipment, now - timedelta(hours=1), now + timedelta(hours=1))
    if not mes_plant.tells_lots:
        assert made is None
        return
    assert made is not None
    [current] = [lot for lot in made if lot.job == context.job.id]
    assert current.until_at is None
    assert current.from_at is not None
    assert current.from_at <= now + timedelta(minutes=1)
    long_ago = now - timedelta(days=400)
    before = await mes.lots_made(mes_plant.equipment, long_ago, long_ago + timedelta(hours=1))
    assert before is not None
    assert context.job.id not in {lot.job for lot in before}
    with pytest.raises(ActionRequired):
        await mes.lots_made("NOSUCH", now - timedelta(hours=1), now)


async def test_a_running_job_is_held_and_released_with_the_key_as_the_whole_comment(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    assert (plan.method, plan.prior_state) == (mes_plant.running_method, JobState.RUNNING)
    assert await held(mes, plan) is HoldState.ABSENT
    assert await mes.place_hold(plan, "Bearing: stop at the next safe point") is PlaceResult.IN_EFFECT
    assert await held(mes, plan) is HoldState.HELD
    assert mes_plant.holds() == [("MWKEY", True)]
    assert await mes.release_hold(plan, "Repaired") is HoldState.ABSENT
    assert await mes.release_hold(plan, "Repaired") is HoldState.ABSENT
    assert mes_plant.holds() == [("MWKEY", False)]


async def test_planning_changes_nothing(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    assert await mes.plan_hold(mes_plant.equipment, "A") == await mes.plan_hold(mes_plant.equipment, "A")
    assert mes_plant.holds() == []


async def test_the_target_of_a_hold_is_the_receiver_and_the_server_that_serves_it(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    target = await mes.hold_target(mes_plant.equipment)
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    assert (plan.target, plan.receiver) == (target, target.receiver)
    assert target.application_uri
    assert target.namespace
    assert await mes_plant.connector().hold_target(mes_plant.equipment) == target
    with pytest.raises(ActionRequired) as caught:
        await mes.hold_target("NOSUCH")
    assert caught.value.field == "equipment"


@pytest.mark.parametrize("part", ["application_uri", "namespace", "certificate"])
async def test_nothing_is_held_through_another_server_than_planned(mes_plant: MesPlant, part: str) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    assert plan.target is not None
    before = plan.target.model_copy(update={part: "another"})
    with pytest.raises(NotProved, match=part.replace("_uri", " URI")):
        await mes.place_hold(plan.model_copy(update={"target": before}), "reason")
    assert mes_plant.holds() == []
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT


async def test_a_machine_is_released_through_a_server_that_has_changed_since(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    assert plan.target is not None
    await mes.place_hold(plan, "reason")
    renewed = plan.target.model_copy(update={"certificate": "another"})
    assert await mes.release_hold(plan.model_copy(update={"target": renewed}), "done") is HoldState.ABSENT


async def test_a_job_between_two_runs_is_held_by_revoking_its_start(passing_mes_plant: MesPlant) -> None:
    mes = passing_mes_plant.connector()
    context = await mes.read_production(passing_mes_plant.equipment)
    assert context.job is not None
    assert context.job.ends_at is not None
    await passing_mes_plant.wait(context.job.ends_at - context.read_at + timedelta(minutes=1))
    plan = await mes.plan_hold(passing_mes_plant.equipment, "MWKEY")
    assert (plan.method, plan.prior_state) == (HoldMethod.REVOKE_START, JobState.ALLOWED_TO_START)
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    await passing_mes_plant.wait(timedelta(hours=5))
    assert await held(mes, plan) is HoldState.HELD
    assert await mes.release_hold(plan, "done") in (HoldState.ABSENT, HoldState.GONE)
    assert passing_mes_plant.holds() == [("MWKEY", False)]


async def test_equipment_that_is_held_already_is_left_to_whoever_held_it(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    theirs = await mes.plan_hold(mes_plant.equipment, "THEIRS")
    await mes.place_hold(theirs, "theirs")
    ours = await mes.plan_hold(mes_plant.equipment, "OURS")
    assert ours.method is HoldMethod.ALREADY_HELD
    assert await mes.place_hold(ours, "ours") is PlaceResult.MOVED_ON
    assert await mes.release_hold(ours, "ours") is HoldState.ABSENT
    assert mes_plant.holds() == [("THEIRS", True)]


async def test_placing_twice_places_once_and_asks_a_person_whose_it_is(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert await mes.place_hold(plan, "reason") is PlaceResult.HELD_ALREADY
    assert mes_plant.holds() == [("MWKEY", True)]


async def test_two_cases_at_once_place_one_hold(mes_plant: MesPlant) -> None:
    mes = [mes_plant.connector() for _ in range(3)]
    plans = [await each.plan_hold(mes_plant.equipment, f"K{number}") for number, each in enumerate(mes)]
    results = await asyncio.gather(*(each.place_hold(plan, "reason") for each, plan in zip(mes, plans, strict=True)))
    assert sorted(results) == [PlaceResult.HELD_ALREADY, PlaceResult.HELD_ALREADY, PlaceResult.IN_EFFECT]
    assert len(mes_plant.holds()) == 1


async def test_what_is_read_has_the_time_just_before_it_was_read(passing_mes_plant: MesPlant) -> None:
    mes = passing_mes_plant.connector()
    plan = await mes.plan_hold(passing_mes_plant.equipment, "MWKEY")
    first = await mes.read_hold(plan)
    await passing_mes_plant.wait(timedelta(minutes=1))
    assert (await mes.read_hold(plan)).read_at - first.read_at == timedelta(minutes=1)


async def test_a_person_who_lets_a_held_job_run_is_seen(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    await mes.place_hold(plan, "reason")
    await mes_plant.resume_by_hand()
    assert await held(mes_plant.connector(), plan) is HoldState.ABSENT


async def test_a_plan_names_the_receiver_and_only_its_job_is_held(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    assert plan.receiver is not None
    with pytest.raises(Unavailable, match="no job order receiver"):
        await mes.place_hold(plan.model_copy(update={"receiver": "another"}), "reason")
    assert mes_plant.holds() == []


async def test_a_job_that_has_ended_leaves_nothing_to_hold_or_release(passing_mes_plant: MesPlant) -> None:
    mes = passing_mes_plant.connector()
    plan = await mes.plan_hold(passing_mes_plant.equipment, "MWKEY")
    await passing_mes_plant.wait(timedelta(days=3))
    assert await held(mes, plan) is HoldState.GONE
    assert await mes.place_hold(plan, "reason") is PlaceResult.MOVED_ON
    assert await mes.release_hold(plan, "done") is HoldState.GONE
    assert passing_mes_plant.holds() == []


async def test_an_answer_that_was_lost_after_the_act_is_shown_to_a_person(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    mes_plant.misbehave("Pause", "commit_then_drop")
    with pytest.raises(Unavailable):
        await mes.place_hold(plan, "reason")
    assert await held(mes, plan) is HoldState.HELD
    assert await mes.place_hold(plan, "reason") is PlaceResult.HELD_ALREADY
    assert mes_plant.holds() == [("MWKEY", True)]


@pytest.mark.parametrize(
    "kind", ["drop_then_nothing", "timeout", "status_429", "status_500", "refuse_field", "session_expired"]
)
async def test_a_call_that_did_nothing_is_made_again(mes_plant: MesPlant, kind: str) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    mes_plant.misbehave("Pause", kind, {"field": "x", "code": "16"} if kind == "refuse_field" else None)
    with pytest.raises(Unavailable):
        await mes_plant.connector(quick=kind == "timeout").place_hold(plan, "reason")
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert mes_plant.holds() == [("MWKEY", True)]


async def test_a_release_whose_answer_was_lost_is_found_done(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    plan = await mes.plan_hold(mes_plant.equipment, "MWKEY")
    await mes.place_hold(plan, "reason")
    mes_plant.misbehave("Resume", "commit_then_drop")
    with pytest.raises(Unavailable):
        await mes.release_hold(plan, "done")
    assert await mes.release_hold(plan, "done") is HoldState.ABSENT
    assert mes_plant.holds() == [("MWKEY", False)]


async def test_a_connection_that_was_lost_is_opened_again(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    await mes.check()
    mes_plant.misbehave("read", "drop_then_nothing")
    with pytest.raises(Unavailable):
        await mes.read_production(mes_plant.equipment)
    assert (await mes.read_production(mes_plant.equipment)).job is not None


@pytest.mark.parametrize("kind", ["status_429", "session_expired"])
async def test_a_reading_that_was_put_off_is_made_again(mes_plant: MesPlant, kind: str) -> None:
    mes = mes_plant.connector()
    mes_plant.misbehave("read", kind)
    with pytest.raises(Unavailable):
        await mes.read_production(mes_plant.equipment)
    assert (await mes.read_production(mes_plant.equipment)).job is not None


@pytest.mark.parametrize("kind", ["duplicate_answer", "reorder_answers"])
async def test_a_list_in_the_wrong_order_or_with_a_row_twice_says_the_same(mes_plant: MesPlant, kind: str) -> None:
    true = await mes_plant.connector().read_production(mes_plant.equipment)
    mes_plant.misbehave("read", kind)
    seen = await mes_plant.connector().read_production(mes_plant.equipment)
    assert (seen.job, seen.next_stop_at) == (true.job, true.next_stop_at)


async def test_a_server_that_is_down_is_unavailable_until_it_comes_back(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    mes_plant.go_down()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await mes.read_production(mes_plant.equipment)
    await mes_plant.come_back()
    assert (await mes.read_production(mes_plant.equipment)).job is not None


async def test_callers_share_one_connection(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    contexts = await asyncio.gather(*(mes.read_production(mes_plant.equipment) for _ in range(10)))
    assert all(context.job == contexts[0].job for context in contexts)


async def test_a_password_that_is_not_accepted_needs_a_person(mes_plant: MesPlant) -> None:
    with pytest.raises(ActionRequired, match=mes_plant.unwelcome):
        await mes_plant.connector(secret="another").check()


async def test_no_secret_is_ever_logged_or_told(mes_plant: MesPlant, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    mes = mes_plant.connector()
    told = [await mes.check()]
    mes_plant.misbehave("read", "drop_then_nothing")
    with pytest.raises(Unavailable) as caught:
        await mes.read_production(mes_plant.equipment)
    told.append(f"{caught.value} {caught.value!r} {vars(caught.value)}")
    everything = caplog.text + " ".join(told)
    assert [secret for secret in mes_plant.secrets if secret in everything] == []


async def test_a_hold_that_we_placed_is_told_with_its_key_where_the_mes_knows_whose_it_is(mes_plant: MesPlant) -> None:
    mes = mes_plant.connector()
    assert not await mes.marked_holds()
    plan = await mes.plan_hold(mes_plant.equipment, "MWMARKED00")
    assert await mes.place_hold(plan, "a test") is PlaceResult.IN_EFFECT
    marked = await mes.marked_holds()
    assert marked is None or [each.key for each in marked] == ["MWMARKED00"]
