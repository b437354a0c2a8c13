"""Holds of work orders in a real FactorySemantics MES: whose they are, and what people, crashes and lost answers do."""

import asyncio

import pytest

from domain.errors import ActionRequired, Unavailable
from domain.loops import wait_until
from domain.operating import MachineState
from domain.production import HoldEnforcement, HoldMethod, HoldState, JobState, PlaceResult
from tests.contract.foreign.factorysemantics_plant import FactorySemanticsPlant
from tests.contract.foreign.factorysemantics_server import FactorySemanticsRefused, FactorySemanticsServer

pytestmark = pytest.mark.foreign

FILLER = "FILL01"
"""A machine of the vendor's simulated line, whose signals come over OPC UA."""


async def test_it_says_what_answers_and_that_a_hold_is_advisory(factorysemantics_plant: FactorySemanticsPlant) -> None:
    mes = factorysemantics_plant.connector()
    assert (await mes.check()).endswith("for plant bottling; signed in as MILLWRIGHT; a hold there is advisory")
    assert mes.enforcement is HoldEnforcement.ADVISORY
    assert factorysemantics_plant.connector(enforcement="enforced").enforcement is HoldEnforcement.ENFORCED


async def test_an_account_that_may_not_hold_work_orders_needs_a_person(
    factorysemantics_plant: FactorySemanticsPlant,
) -> None:
    with pytest.raises(ActionRequired, match=r"account SCOTT lacks orders\.close and audit\.read") as caught:
        await factorysemantics_plant.connector(user="SCOTT", secret="operator").check()
    assert caught.value.field == "user"


async def test_the_mes_lets_nobody_start_a_held_work_order(factorysemantics_plant: FactorySemanticsPlant) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    await plant.hold_by_hand()
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    assert (plan.job, plan.method, plan.prior_state) == (
        plant.orders[1],
        HoldMethod.REVOKE_START,
        JobState.ALLOWED_TO_START,
    )
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    with pytest.raises(FactorySemanticsRefused, match="is on_hold; release it before starting"):
        await plant.start_order(1)
    assert await mes.release_hold(plan, "done") is HoldState.ABSENT
    assert (await plant.order(plant.orders[1]))["status"] == "released"


async def test_the_reason_of_a_hold_is_read_by_people(factorysemantics_plant: FactorySemanticsPlant) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    await mes.place_hold(await mes.plan_hold(plant.equipment, "MWKEY"), "Bearing:\nstop at the next safe point")
    trail = await plant.ask("FLOOR-SUP", "GET", f"/audit?entity_id={plant.orders[0]}&limit=1")
    assert trail[0]["after"] == {"reason": "Millwright hold MWKEY: Bearing: stop at the next safe point"}


async def test_a_hold_whose_answer_was_lost_is_found_to_be_ours(factorysemantics_plant: FactorySemanticsPlant) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    plant.misbehave("Pause", "commit_then_drop")
    with pytest.raises(Unavailable):
        await mes.place_hold(plan, "reason")
    assert await plant.connector().place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert plant.holds() == [("MWKEY", True)]


@pytest.mark.parametrize("kind", ["drop_then_nothing", "timeout", "status_429", "status_500"])
async def test_a_hold_that_was_not_placed_is_placed_once(
    factorysemantics_plant: FactorySemanticsPlant, kind: str
) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    plant.misbehave("Pause", kind)
    with pytest.raises(Unavailable):
        await mes.place_hold(plan, "reason")
    for _ in range(2):
        assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert plant.holds() == [("MWKEY", True)]


async def test_a_token_that_has_expired_is_replaced(factorysemantics_plant: FactorySemanticsPlant) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    plant.misbehave("Pause", "status_401")
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert plant.network.asked.count("/auth/login") == 2
    assert plant.holds() == [("MWKEY", True)]


async def test_of_several_cases_at_once_one_places_its_hold(factorysemantics_plant: FactorySemanticsPlant) -> None:
    plant = factorysemantics_plant
    mes = [plant.connector() for _ in range(4)]
    plans = [await each.plan_hold(plant.equipment, f"K{number}") for number, each in enumerate(mes)]
    results = await asyncio.gather(*(each.place_hold(plan, "reason") for each, plan in zip(mes, plans, strict=True)))
    assert sorted(results) == [PlaceResult.IN_EFFECT, *[PlaceResult.MOVED_ON] * 3]
    assert len(plant.holds()) == 1


async def test_every_work_order_of_a_machine_is_held_one_after_the_other(
    factorysemantics_plant: FactorySemanticsPlant,
) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    plans = []
    for _ in plant.orders:
        plans.append(await mes.plan_hold(plant.equipment, "MWKEY"))
        assert await mes.place_hold(plans[-1], "reason") is PlaceResult.IN_EFFECT
    assert [plan.job for plan in plans] == plant.orders
    assert (await mes.plan_hold(plant.equipment, "MWKEY")).method is HoldMethod.ALREADY_HELD
    for plan in plans:
        assert await mes.release_hold(plan, "done") is HoldState.ABSENT
    assert [(await plant.order(order))["status"] for order in plant.orders] == ["running", "released"]


async def test_a_hold_of_a_person_is_left_to_them(factorysemantics_plant: FactorySemanticsPlant) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    before = await mes.plan_hold(plant.equipment, "MWKEY")
    for place in range(2):
        # Words like ours prove nothing: another account wrote them.
        await plant.hold_by_hand(place, "Millwright hold MWKEY: mine")
    assert await mes.place_hold(before, "reason") is PlaceResult.MOVED_ON
    assert (await mes.read_hold(before)).state is HoldState.ABSENT
    assert await mes.release_hold(before, "done") is HoldState.ABSENT
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    assert (plan.job, plan.method) == (plant.orders[0], HoldMethod.ALREADY_HELD)
    assert await mes.place_hold(plan, "reason") is PlaceResult.MOVED_ON
    assert [(await plant.order(order))["status"] for order in plant.orders] == ["on_hold", "on_hold"]


async def test_a_hold_that_a_person_replaced_by_their_own_is_not_released(
    factorysemantics_plant: FactorySemanticsPlant,
) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    await mes.place_hold(plan, "reason")
    await plant.resume_by_hand()
    await plant.hold_by_hand()
    assert (await mes.read_hold(plan)).state is HoldState.ABSENT
    assert await mes.release_hold(plan, "done") is HoldState.ABSENT
    assert (await plant.order(plant.orders[0]))["status"] == "on_hold"


async def test_a_work_order_that_a_person_let_go_on_is_not_held_again_by_the_same_key(
    factorysemantics_plant: FactorySemanticsPlant,
) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    await mes.place_hold(plan, "reason")
    await plant.resume_by_hand()
    assert await mes.place_hold(plan, "reason") is PlaceResult.MOVED_ON
    with pytest.raises(ActionRequired, match="somebody let it go on in the MES"):
        await mes.plan_hold(plant.equipment, "MWKEY")
    assert (await mes.plan_hold(plant.equipment, "MWOTHER")).method is HoldMethod.PAUSE


async def test_a_work_order_that_was_cancelled_leaves_nothing_to_hold_or_release(
    factorysemantics_plant: FactorySemanticsPlant,
) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    await mes.place_hold(plan, "reason")
    await plant.ask("FLOOR-SUP", "POST", f"/workorders/{plant.orders[0]}/cancel")
    assert (await mes.read_hold(plan)).state is HoldState.GONE
    assert await mes.place_hold(plan, "reason") is PlaceResult.MOVED_ON
    assert await mes.release_hold(plan, "done") is HoldState.GONE


async def test_a_machine_without_a_work_order_has_nothing_to_hold(
    factorysemantics_server: FactorySemanticsServer,
) -> None:
    await FactorySemanticsPlant.make_machine(factorysemantics_server, "EQ-IDLE")
    plant = FactorySemanticsPlant(factorysemantics_server, "EQ-IDLE")
    plan = await plant.connector().plan_hold("EQ-IDLE", "MWKEY")
    assert (plan.job, plan.method) == (None, HoldMethod.NOTHING_TO_HOLD)
    context = await plant.connector().read_production("EQ-IDLE")
    assert context.job is None
    assert context.operating is not None
    assert (context.operating.state, context.operating.word) == (MachineState.UNKNOWN, "unknown")
    await plant.leave()


async def test_a_line_is_no_machine(factorysemantics_plant: FactorySemanticsPlant) -> None:
    with pytest.raises(ActionRequired, match="equipment SIMLINE is a work_center in the MES") as caught:
        await factorysemantics_plant.connector().hold_target("SIMLINE")
    assert caught.value.field == "equipment"


async def test_a_hold_in_another_plant_is_not_read_as_absent(factorysemantics_plant: FactorySemanticsPlant) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    assert plan.target is not None
    elsewhere = plan.model_copy(update={"target": plan.target.model_copy(update={"namespace": "machining 1"})})
    for act in (mes.read_hold(elsewhere), mes.release_hold(elsewhere, "done")):
        with pytest.raises(Unavailable, match="the hold is in plant machining, and plant bottling answers"):
            await act


async def test_what_a_machine_does_is_told_with_its_time_and_what_is_left(
    factorysemantics_plant: FactorySemanticsPlant,
) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    await plant.ask("SCOTT", "POST", "/execution/report", order=plant.orders[0], seq=10, good=250, scrap=4)
    await plant.ask("SCOTT", "POST", f"/equipment/{plant.equipment}/state", state="setup")
    context = await mes.read_production(plant.equipment)
    assert context.remaining is not None
    assert context.remaining.quantity == 99_750
    assert context.operating is not None
    assert (context.operating.state, context.operating.word) == (MachineState.SETUP, "setup")
    assert context.operating.since is not None
    assert abs((context.operating.since - context.read_at).total_seconds()) < 30
    assert context.effectiveness is None


async def test_the_vendors_own_line_runs_on_when_its_work_order_is_held(
    factorysemantics_plant: FactorySemanticsPlant,
) -> None:
    plant, mes = factorysemantics_plant, factorysemantics_plant.connector()
    running = await wait_until(
        lambda: mes.read_production(FILLER), lambda context: context.job is not None, every=0.2, timeout=30
    )
    plan = await mes.plan_hold(FILLER, "MWKEY")
    assert running.operating is not None
    assert running.operating.state is MachineState.RUNNING
    assert await mes.place_hold(plan, "Bearing wear") is PlaceResult.IN_EFFECT
    held = await mes.read_production(FILLER)
    assert held.operating is not None
    assert held.operating.state is MachineState.RUNNING
    # The order is held at every machine of its route.
    assert (await mes.read_hold(plan)).state is HoldState.HELD
    assert plan.job not in [row["order"] for row in await plant.ask("FLOOR-SUP", "GET", "/workorders/dispatch")]
    assert await mes.release_hold(plan, "Repaired") is HoldState.ABSENT
