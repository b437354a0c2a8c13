"""Holds on the sandbox's SAP Digital Manufacturing: several SFCs, several parties, and calls that fail."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest

from connectors.mes.sap_dm import SapDmMes
from domain.errors import ActionRequired, Unavailable
from domain.loops import wait_until
from domain.production import HoldEnforcement, HoldMethod, HoldPlan, HoldState, PlaceResult
from sandbox.faults import Fault
from tests.contract.sap_dm_plant import SapDmPlant, SapDmShop


@pytest.fixture
async def plant() -> AsyncIterator[SapDmPlant]:
    shop = SapDmShop(3)
    await shop.server.start()
    made = await shop.machine()
    yield made
    await made.leave()
    await shop.server.stop()


async def state(mes: SapDmMes, plan: HoldPlan) -> HoldState:
    return (await mes.read_hold(plan)).state


async def hold_whole(plant: SapDmPlant, mes: SapDmMes, key: str = "MWKEY") -> list[HoldPlan]:
    """Places what is planned until nothing is left to hold, as the step of a case does."""
    plans = []
    while (plan := await mes.plan_hold(plant.equipment, key)).method.acts:
        assert await mes.place_hold(plan, "Bearing: stop at the next safe point") is PlaceResult.IN_EFFECT
        plans.append(plan)
    return plans


def put_in_work(plant: SapDmPlant, count: int) -> None:
    resource = plant.shop.server.floor.resources[plant.equipment]
    resource.more |= {f"LOT-{number:04d}": "ACTIVE" for number in range(count)}


async def test_every_sfc_in_work_is_held_and_then_no_other_can_be_started(plant: SapDmPlant) -> None:
    put_in_work(plant, 2)
    mes, own = plant.connector(), plant.sfc()
    plans = await hold_whole(plant, mes)
    assert [plan.job for plan in plans] == [own, "LOT-0000", "LOT-0001", "all SFCs"]
    assert [plan.method for plan in plans] == [HoldMethod.PAUSE] * 3 + [HoldMethod.BLOCK]
    assert plant.status() == "DISABLED"
    await plant.wait(timedelta(days=2))
    assert [await state(mes, plan) for plan in plans] == [HoldState.HELD] * 4
    for plan in plans:
        assert await mes.release_hold(plan, "MWKEY: ready") is HoldState.ABSENT
    assert plant.holds() == [("MWKEY", False)] * 4
    assert plant.status() == "PRODUCTIVE"
    said = {comment for _, comment in plant.shop.server.comments}
    assert said == {"MWKEY: Bearing: stop at the next safe point", "MWKEY: ready"}


async def test_an_sfc_that_is_started_on_a_blocked_resource_is_held_too(plant: SapDmPlant) -> None:
    mes = plant.connector()
    await hold_whole(plant, mes)
    put_in_work(plant, 1)
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    assert (plan.method, plan.job) == (HoldMethod.PAUSE, "LOT-0000")


async def test_more_sfcs_than_a_page_has_are_all_seen(plant: SapDmPlant) -> None:
    put_in_work(plant, 1100)
    mes = plant.connector(concurrency=32)
    context = await mes.read_production(plant.equipment)
    assert context.doubt is None
    last = plant.shop.server.floor.resources[plant.equipment].more
    plant.shop.server.hold_by_hand("LOT-1099", "quality")
    plan = (await mes.plan_hold(plant.equipment, "K")).model_copy(update={"job": "LOT-1098"})
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert len(last) == 1100


async def test_what_quality_has_on_hold_is_never_ours_and_never_released(plant: SapDmPlant) -> None:
    put_in_work(plant, 1)
    plant.shop.server.hold_by_hand("LOT-0000", "quality")
    mes, own = plant.connector(), plant.sfc()
    plans = await hold_whole(plant, mes)
    assert [plan.job for plan in plans] == [own, "all SFCs"]
    for plan in plans:
        await mes.release_hold(plan, "done")
    assert plant.holds() == [("quality", True), ("MWKEY", False), ("MWKEY", False)]


async def test_an_sfc_that_quality_puts_on_hold_after_the_plan_is_left_to_quality(plant: SapDmPlant) -> None:
    mes = plant.connector()
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    plant.shop.server.hold_by_hand(plant.sfc(), "quality")
    assert await mes.place_hold(plan, "reason") is PlaceResult.HELD_ALREADY
    assert plant.holds() == [("quality", True)]


@pytest.mark.parametrize(
    ("status", "result"), [("UNSCHEDULED_DOWN", PlaceResult.MOVED_ON), ("DISABLED", PlaceResult.HELD_ALREADY)]
)
async def test_a_resource_whose_status_changed_after_the_plan_is_left_alone(
    plant: SapDmPlant, status: str, result: PlaceResult
) -> None:
    mes = plant.connector()
    await mes.place_hold(await mes.plan_hold(plant.equipment, "MWKEY"), "reason")
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    plant.shop.server.set_status(plant.equipment, status)
    assert await mes.place_hold(plan, "reason") is result
    assert plant.status() == status


async def test_a_resource_that_is_down_is_blocked_and_gets_its_downtime_back(plant: SapDmPlant) -> None:
    plant.shop.server.set_status(plant.equipment, "UNSCHEDULED_DOWN")
    mes = plant.connector()
    _, block = await hold_whole(plant, mes)
    assert (block.prior_status, plant.status()) == ("UNSCHEDULED_DOWN", "DISABLED")
    assert await mes.release_hold(block, "done") is HoldState.ABSENT
    assert plant.status() == "UNSCHEDULED_DOWN"


@pytest.mark.parametrize("part", [0, 1])
async def test_a_person_who_ends_one_part_of_the_hold_is_seen_and_the_other_part_is_not_touched(
    plant: SapDmPlant, part: int
) -> None:
    mes = plant.connector()
    plans = await hold_whole(plant, mes)
    await plant.shop.server.release_by_hand(plant.rows()[part])
    assert await state(mes, plans[part]) is HoldState.ABSENT
    assert await state(mes, plans[1 - part]) is HoldState.HELD
    assert await mes.release_hold(plans[part], "done") is HoldState.ABSENT
    assert [held for _, held in plant.holds()] == [part == 1, part == 0]


async def test_a_hold_that_others_add_to_ours_cannot_be_seen_and_ends_with_it() -> None:
    shop = SapDmShop(3, holds_twice=True)
    await shop.server.start()
    plant = await shop.machine()
    mes = plant.connector()
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    await mes.place_hold(plan, "reason")
    shop.server.hold_by_hand(plant.sfc(), "quality")
    assert await mes.release_hold(plan, "done") is HoldState.ABSENT
    # This is SAP's own rule, and docs/mes-connectors-http.md says so.
    assert plant.holds() == [("MWKEY", False), ("quality", False)]
    await plant.leave()
    await shop.server.stop()


async def test_where_sap_takes_a_second_hold_two_writers_at_once_both_believe_it_is_theirs() -> None:
    shop = SapDmShop(3, holds_twice=True)
    await shop.server.start()
    plant = await shop.machine()
    mes = [plant.connector() for _ in range(2)]
    plans = [await each.plan_hold(plant.equipment, f"K{number}") for number, each in enumerate(mes)]
    results = await asyncio.gather(*(each.place_hold(plan, "r") for each, plan in zip(mes, plans, strict=True)))
    # Only storage keeps the cases of one installation apart: `test_sap_dm_cases.py`.
    assert set(results) <= {PlaceResult.IN_EFFECT, PlaceResult.HELD_ALREADY}
    assert PlaceResult.IN_EFFECT in results
    await plant.leave()
    await shop.server.stop()


@pytest.mark.parametrize(("operation", "part"), [("hold", 0), ("change_status", 1)])
async def test_an_act_whose_answer_was_lost_is_shown_to_a_person_and_made_once(
    plant: SapDmPlant, operation: str, part: int
) -> None:
    mes = plant.connector()
    for _ in range(part):
        await mes.place_hold(await mes.plan_hold(plant.equipment, "FIRST"), "reason")
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    plant.misbehave(operation, "commit_then_drop")
    with pytest.raises(Unavailable):
        await mes.place_hold(plan, "reason")
    assert await plant.connector().place_hold(plan, "reason") is PlaceResult.HELD_ALREADY
    assert plant.holds().count(("MWKEY", True)) == 1


async def test_a_hold_that_shows_late_is_accepted_and_then_read_as_held(plant: SapDmPlant) -> None:
    mes = plant.connector()
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    plant.shop.faults.add(Fault("sap_dm", "hold", "late", params={"seconds": 0.3}))
    assert await mes.place_hold(plan, "reason") is PlaceResult.ACCEPTED
    assert await wait_until(partial(state, mes, plan), lambda found: found is HoldState.HELD, every=0.02, timeout=10)


async def test_a_storm_of_429_holds_nothing_twice_and_tells_how_long_to_wait(plant: SapDmPlant) -> None:
    mes = plant.connector()
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    plant.shop.faults.add(Fault("sap_dm", "*", "status_429", 5, {"retry_after": 3}))
    for _ in range(5):
        with pytest.raises(Unavailable) as caught:
            await mes.place_hold(plan, "reason")
        assert caught.value.retry_after == timedelta(seconds=3)
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert plant.holds() == [("MWKEY", True)]


async def test_what_a_hold_is_worth_is_what_the_plant_says(plant: SapDmPlant) -> None:
    assert plant.connector(enforcement="unknown").enforcement is HoldEnforcement.UNKNOWN
    assert "not known whether it enforces" in await plant.connector(enforcement="unknown").check()
    assert "with 3 resources; a hold there is advisory" in await plant.connector(enforcement="advisory").check()


async def test_a_plant_that_does_not_enforce_it_starts_the_next_sfc_which_is_held_at_the_next_look() -> None:
    shop = SapDmShop(3, enforces=False)
    await shop.server.start()
    plant = await shop.machine()
    mes = plant.connector()
    context = await mes.read_production(plant.equipment)
    assert context.job is not None
    assert context.job.ends_at is not None
    await plant.wait(context.job.ends_at - context.read_at + timedelta(minutes=1))
    (block,) = await hold_whole(plant, mes)
    await plant.wait(timedelta(hours=3))
    plan = await mes.plan_hold(plant.equipment, "MWKEY")
    assert (block.job, plan.method) == ("all SFCs", HoldMethod.PAUSE)
    await plant.leave()
    await shop.server.stop()


async def test_another_status_of_a_block_is_a_setting(plant: SapDmPlant) -> None:
    mes = plant.connector(blocked_status="UNSCHEDULED_DOWN")
    await hold_whole(plant, mes)
    assert plant.status() == "UNSCHEDULED_DOWN"


async def test_a_plant_that_there_is_not_is_for_a_person(plant: SapDmPlant) -> None:
    with pytest.raises(ActionRequired):
        await plant.connector(plant="OTHER").read_production(plant.equipment)
