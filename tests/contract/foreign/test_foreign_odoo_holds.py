"""Holds on a real Odoo: what people and their work orders see of them, and what becomes of them when calls fail."""

import asyncio

import pytest

from connectors.mes.odoo_mrp import OdooMes
from domain.errors import ActionRequired, Unavailable
from domain.production import HoldMethod, HoldPlan, HoldState, JobState, PlaceResult
from tests.contract.foreign.odoo_plant import FAILURE, OdooPlant, new_orders
from tests.contract.foreign.odoo_server import OdooDatabase, OdooRefused

pytestmark = pytest.mark.foreign


async def held(mes: OdooMes, plan: HoldPlan) -> HoldState:
    return (await mes.read_hold(plan)).state


async def placed(plant: OdooPlant, key: str = "MWKEY") -> tuple[OdooMes, HoldPlan]:
    mes = plant.connector()
    plan = await mes.plan_hold(plant.equipment, key)
    assert await mes.place_hold(plan, "Bearing: stop at the next safe point") is PlaceResult.IN_EFFECT
    return mes, plan


async def test_odoo_itself_refuses_to_start_a_work_order_until_the_hold_is_released(odoo_plant: OdooPlant) -> None:
    mes, plan = await placed(odoo_plant)
    stopped = await odoo_plant.order()
    assert (stopped["state"], stopped["working_state"], stopped["working_user_ids"]) == ("progress", "blocked", [])
    for place in (0, 1):
        with pytest.raises(OdooRefused, match="unblock the work center") as refused:
            await odoo_plant.start_order(place)
        assert refused.value.status == 422
    assert await mes.release_hold(plan, "Repaired") is HoldState.ABSENT
    assert (await odoo_plant.order())["working_user_ids"] == []
    await odoo_plant.start_order()
    assert (await odoo_plant.order())["working_state"] == "done"


async def test_people_see_key_and_reason_in_the_time_log_and_the_end_of_it(odoo_plant: OdooPlant) -> None:
    mes, plan = await placed(odoo_plant)
    assert await odoo_plant.open_logs() == [
        ("millwright", "Millwright hold MWKEY: Bearing: stop at the next safe point")
    ]
    await mes.release_hold(plan, "Repaired")
    (log,) = await odoo_plant.ask(
        "operator",
        "mrp.workcenter.productivity",
        "search_read",
        domain=[["workcenter_id", "=", odoo_plant.centre], ["workorder_id", "=", False]],
        fields=["description", "loss_id", "date_start", "date_end"],
    )
    assert log["description"].splitlines()[1:] == ["Released: Repaired"]
    assert (log["loss_id"][0], log["date_end"] < log["date_start"]) == (FAILURE, False)


async def test_a_machine_that_waits_is_held_before_it_starts(odoo_database: OdooDatabase) -> None:
    plant = await OdooPlant.new(odoo_database, running=False)
    mes, plan = await placed(plant)
    assert (plan.method, plan.prior_state) == (HoldMethod.BLOCK, JobState.ALLOWED_TO_START)
    assert plan.job == "all work orders"
    with pytest.raises(OdooRefused, match="unblock the work center"):
        await plant.start_order()
    job = (await mes.read_production(plant.equipment)).job
    assert job is not None
    assert job.state is JobState.NOT_ALLOWED_TO_START
    await plant.leave()


async def test_a_work_order_that_comes_later_is_held_too(odoo_plant: OdooPlant) -> None:
    mes, plan = await placed(odoo_plant)
    # Odoo lets a work order be finished while its work centre is blocked.
    await odoo_plant.ask("operator", "mrp.workorder", "button_finish", ids=[odoo_plant.orders[0]])
    *_, late = await new_orders(odoo_plant.database, odoo_plant.centre, "Paint")
    with pytest.raises(OdooRefused, match="unblock the work center"):
        await odoo_plant.ask("operator", "mrp.workorder", "button_start", ids=[late])
    assert await held(mes, plan) is HoldState.HELD
    assert (await mes.plan_hold(odoo_plant.equipment, "MWKEY")).job == plan.job


async def test_a_work_centre_without_a_work_order_has_nothing_to_hold(odoo_plant: OdooPlant) -> None:
    for order in odoo_plant.orders:
        await odoo_plant.ask("operator", "mrp.workorder", "button_finish", ids=[order])
    mes = odoo_plant.connector()
    plan = await mes.plan_hold(odoo_plant.equipment, "MWKEY")
    assert (plan.method, plan.job, plan.target) == (HoldMethod.NOTHING_TO_HOLD, None, None)
    assert await mes.place_hold(plan, "reason") is PlaceResult.MOVED_ON
    assert (await mes.read_production(odoo_plant.equipment)).job is None
    assert odoo_plant.holds() == []


async def test_eight_placements_of_one_plan_side_by_side_make_one_hold(odoo_plant: OdooPlant) -> None:
    plan = await odoo_plant.connector().plan_hold(odoo_plant.equipment, "MWKEY")

    async def place() -> PlaceResult | str:
        try:
            return await odoo_plant.connector().place_hold(plan, "reason")
        except Unavailable as error:
            return str(error)

    results = await asyncio.gather(*(place() for _ in range(8)))
    assert PlaceResult.IN_EFFECT in results
    # Who lost the race is told to come again, and then finds the hold.
    assert {result for result in results if isinstance(result, PlaceResult)} == {PlaceResult.IN_EFFECT}
    assert all("somebody else is changing" in result for result in results if not isinstance(result, PlaceResult))
    assert await place() is PlaceResult.IN_EFFECT
    assert odoo_plant.holds() == [("MWKEY", True)]


async def test_a_placement_that_was_cut_off_before_it_was_recorded_is_found(odoo_plant: OdooPlant) -> None:
    _, plan = await placed(odoo_plant)
    assert await odoo_plant.connector().place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert odoo_plant.holds() == [("MWKEY", True)]


@pytest.mark.parametrize("call", ["load", "button_block"])
async def test_what_was_done_before_the_answer_was_lost_is_found_and_completed(
    odoo_plant: OdooPlant, call: str
) -> None:
    mes = odoo_plant.connector()
    plan = await mes.plan_hold(odoo_plant.equipment, "MWKEY")
    odoo_plant.network.fail(f"productivity/{call}", "commit_then_drop")
    with pytest.raises(Unavailable):
        await mes.place_hold(plan, "reason")
    assert odoo_plant.holds() == [("MWKEY", True)]
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    assert odoo_plant.holds() == [("MWKEY", True)]


async def test_a_hold_is_not_in_effect_while_the_work_order_runs_on(odoo_plant: OdooPlant) -> None:
    mes = odoo_plant.connector()
    plan = await mes.plan_hold(odoo_plant.equipment, "MWKEY")
    odoo_plant.network.fail("productivity/button_block", "drop_then_nothing")
    with pytest.raises(Unavailable):
        await mes.place_hold(plan, "reason")
    assert (await odoo_plant.order())["working_state"] == "blocked"
    assert await held(mes, plan) is HoldState.ABSENT
    context = await mes.read_production(odoo_plant.equipment)
    assert context.job is not None
    assert context.job.state is JobState.RUNNING
    assert context.doubt == "the work centre is blocked, and a timer runs all the same"
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT


async def test_a_block_that_may_stop_no_timer_is_taken_away_again(odoo_plant: OdooPlant) -> None:
    mes = odoo_plant.connector()
    plan = await mes.plan_hold(odoo_plant.equipment, "MWKEY")
    odoo_plant.network.fail("productivity/button_block", "status_403")
    with pytest.raises(ActionRequired):
        await mes.place_hold(plan, "reason")
    assert odoo_plant.holds() == [("MWKEY", False)]
    assert (await odoo_plant.order())["working_state"] == "done"


@pytest.mark.parametrize("kind", ["drop_then_nothing", "timeout", "status_429", "status_500", "status_503"])
async def test_a_call_that_did_nothing_is_made_again(odoo_plant: OdooPlant, kind: str) -> None:
    mes = odoo_plant.connector()
    plan = await mes.plan_hold(odoo_plant.equipment, "MWKEY")
    odoo_plant.misbehave("Pause", kind)
    with pytest.raises(Unavailable):
        await mes.place_hold(plan, "reason")
    assert odoo_plant.holds() == []
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT


async def test_a_hold_of_a_person_beside_ours_survives_our_release_and_is_shown(odoo_plant: OdooPlant) -> None:
    mes, plan = await placed(odoo_plant)
    await odoo_plant.block_by_hand()
    assert await mes.release_hold(plan, "Repaired") is HoldState.ABSENT
    assert await odoo_plant.open_logs() == [("operator", "the die is changed")]
    with pytest.raises(OdooRefused, match="unblock the work center"):
        await odoo_plant.start_order()
    theirs = await mes.plan_hold(odoo_plant.equipment, "NEXT")
    assert (theirs.method, theirs.prior_state) == (HoldMethod.ALREADY_HELD, JobState.INTERRUPTED_ON_PURPOSE)
    job = (await mes.read_production(odoo_plant.equipment)).job
    assert job is not None
    assert job.state is JobState.INTERRUPTED_ON_PURPOSE


async def test_a_machine_that_a_person_blocks_after_the_plan_is_left_to_them(odoo_plant: OdooPlant) -> None:
    mes = odoo_plant.connector()
    plan = await mes.plan_hold(odoo_plant.equipment, "MWKEY")
    await odoo_plant.block_by_hand()
    assert await mes.place_hold(plan, "reason") is PlaceResult.MOVED_ON
    assert odoo_plant.holds() == []


async def test_a_work_order_that_runs_under_the_block_of_a_person_is_held(odoo_plant: OdooPlant) -> None:
    await odoo_plant.block_by_hand(stop=False)
    mes, plan = await placed(odoo_plant)
    assert plan.prior_state is JobState.RUNNING
    assert (await odoo_plant.order())["working_user_ids"] == []
    assert await mes.release_hold(plan, "Repaired") is HoldState.ABSENT
    assert await odoo_plant.open_logs() == [("operator", "the die is changed")]


async def test_a_machine_that_is_held_for_another_key_after_the_plan_is_left_to_that_hold(
    odoo_plant: OdooPlant,
) -> None:
    mes = odoo_plant.connector()
    ours = await mes.plan_hold(odoo_plant.equipment, "OURS")
    _, theirs = await placed(odoo_plant, "THEIRS")
    assert await mes.place_hold(ours, "reason") is PlaceResult.MOVED_ON
    assert await mes.release_hold(ours, "done") is HoldState.ABSENT
    assert await held(mes, theirs) is HoldState.HELD
    assert odoo_plant.holds() == [("THEIRS", True)]


async def test_a_hold_that_a_person_ended_is_not_placed_again_and_needs_a_person(odoo_plant: OdooPlant) -> None:
    mes, plan = await placed(odoo_plant)
    await odoo_plant.resume_by_hand()
    assert await held(mes, plan) is HoldState.ABSENT
    assert await mes.place_hold(plan, "reason") is PlaceResult.MOVED_ON
    with pytest.raises(ActionRequired, match="was ended in Odoo at"):
        await mes.plan_hold(odoo_plant.equipment, "MWKEY")
    assert odoo_plant.holds() == [("MWKEY", False)]


async def test_a_hold_that_a_person_deleted_is_absent(odoo_plant: OdooPlant) -> None:
    mes, plan = await placed(odoo_plant)
    logs = await odoo_plant.ask(
        "operator", "mrp.workcenter.productivity", "search", domain=[["description", "=like", "Millwright%"],
        ["workcenter_id", "=", odoo_plant.centre]],
    )  # fmt: skip
    await odoo_plant.ask("operator", "mrp.workcenter.productivity", "unlink", ids=logs)
    assert await held(mes, plan) is HoldState.ABSENT
    assert await mes.release_hold(plan, "done") is HoldState.ABSENT


async def test_a_text_that_looks_like_a_hold_is_none(odoo_plant: OdooPlant) -> None:
    row = {"workcenter_id": odoo_plant.centre, "loss_id": FAILURE, "description": "Millwright hold MWKEY: no"}
    await odoo_plant.ask("operator", "mrp.workcenter.productivity", "create", vals_list=[row])
    mes, plan = await placed(odoo_plant)
    assert await mes.release_hold(plan, "done") is HoldState.ABSENT
    assert await odoo_plant.open_logs() == [("operator", "Millwright hold MWKEY: no")]


async def test_the_button_that_ends_the_blocks_of_all_is_never_pressed(odoo_plant: OdooPlant) -> None:
    mes, plan = await placed(odoo_plant)
    await mes.release_hold(plan, "done")
    assert [path for path in odoo_plant.network.asked if "unblock" in path] == []
