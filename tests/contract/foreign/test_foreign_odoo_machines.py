"""Which work centre of a real Odoo is a machine, what is read of it, and what Odoo says where something is wrong."""

from datetime import datetime
from typing import Any

import pytest

from domain.errors import ActionRequired, ConnectorError, Unavailable
from domain.production import HoldEnforcement, HoldState, JobState, PlaceResult
from tests.contract.foreign.odoo_plant import OdooPlant, new_centre

pytestmark = pytest.mark.foreign


async def refusal_of(plant: OdooPlant, equipment: str, **settings: Any) -> str:
    mes = plant.connector(**settings)
    with pytest.raises(ActionRequired) as caught:
        await mes.plan_hold(equipment, "MWKEY")
    assert caught.value.field == "equipment"
    with pytest.raises(ActionRequired):
        await mes.hold_target(equipment)
    with pytest.raises(ActionRequired):
        await mes.read_production(equipment)
    return caught.value.problem


async def test_an_archived_work_centre_needs_a_person(odoo_plant: OdooPlant) -> None:
    await new_centre(odoo_plant.database, "EQ-OLD", active=False)
    assert await refusal_of(odoo_plant, "EQ-OLD") == "the work centre with the code EQ-OLD is archived"


async def test_two_work_centres_with_one_code_need_a_person_who_is_told_both(odoo_plant: OdooPlant) -> None:
    numbers = [await new_centre(odoo_plant.database, "EQ-TWICE") for _ in range(2)]
    problem = await refusal_of(odoo_plant, "EQ-TWICE")
    assert all(f"{number} (Press EQ-TWICE)" in problem for number in numbers)
    await odoo_plant.ask("manager", "mrp.workcenter", "write", ids=numbers[:1], vals={"active": False})
    assert (await odoo_plant.connector().hold_target("EQ-TWICE")).receiver == f"work centre {numbers[1]}"


async def test_work_centres_of_other_companies_are_told_apart(odoo_plant: OdooPlant) -> None:
    ask = odoo_plant.ask
    (company,) = await ask("manager", "res.company", "create", vals_list=[{"name": "Other Ltd"}])
    people = await ask("manager", "res.users", "search", domain=[["login", "in", ["manager", "millwright"]]])
    await ask("manager", "res.users", "write", ids=people, vals={"company_ids": [[4, company]]})
    calendar = {"resource_calendar_id": False, "company_id": company}
    theirs = await new_centre(odoo_plant.database, odoo_plant.equipment, **calendar)
    assert f"{theirs} (" in await refusal_of(odoo_plant, odoo_plant.equipment)
    ours = odoo_plant.connector(company=1)
    assert (await ours.hold_target(odoo_plant.equipment)).receiver == f"work centre {odoo_plant.centre}"
    await new_centre(odoo_plant.database, "EQ-OTHER", **calendar)
    assert "is of another company than 1: Other Ltd" in await refusal_of(odoo_plant, "EQ-OTHER", company=1)


async def test_a_work_centre_whose_code_is_given_to_another_is_not_held_by_the_earlier_plan(
    odoo_plant: OdooPlant,
) -> None:
    mes = odoo_plant.connector()
    plan = await mes.plan_hold(odoo_plant.equipment, "MWKEY")
    await odoo_plant.ask("manager", "mrp.workcenter", "write", ids=[odoo_plant.centre], vals={"code": "EQ-WAS"})
    await new_centre(odoo_plant.database, odoo_plant.equipment)
    with pytest.raises(ActionRequired, match="receiver was work centre"):
        await mes.place_hold(plan, "reason")
    assert odoo_plant.holds() == []


async def test_a_hold_stays_at_its_work_centre_when_the_code_is_changed(odoo_plant: OdooPlant) -> None:
    mes = odoo_plant.connector()
    plan = await mes.plan_hold(odoo_plant.equipment, "MWKEY")
    assert await mes.place_hold(plan, "reason") is PlaceResult.IN_EFFECT
    await odoo_plant.ask("manager", "mrp.workcenter", "write", ids=[odoo_plant.centre], vals={"code": "EQ-NEW"})
    assert (await mes.read_hold(plan)).state is HoldState.HELD
    assert await mes.release_hold(plan, "done") is HoldState.ABSENT
    assert odoo_plant.holds() == [("MWKEY", False)]


async def test_a_hold_that_was_moved_to_another_work_centre_needs_a_person(odoo_plant: OdooPlant) -> None:
    mes = odoo_plant.connector()
    plan = await mes.plan_hold(odoo_plant.equipment, "MWKEY")
    await mes.place_hold(plan, "reason")
    other = await new_centre(odoo_plant.database, "EQ-BESIDE")
    here = [["workcenter_id", "=", odoo_plant.centre], ["date_end", "=", False]]
    (log,) = await odoo_plant.ask("operator", "mrp.workcenter.productivity", "search", domain=here)
    await odoo_plant.ask("operator", "mrp.workcenter.productivity", "write", ids=[log], vals={"workcenter_id": other})
    with pytest.raises(ActionRequired, match="was moved from work centre"):
        await mes.read_hold(plan)


async def test_a_paused_work_order_and_one_that_waits_for_another_are_told_as_such(odoo_plant: OdooPlant) -> None:
    mes = odoo_plant.connector()
    running = await mes.read_production(odoo_plant.equipment)
    assert running.job is not None
    assert running.job.id == f"WH/MO/{running.job.id.split('/')[2]}/{odoo_plant.orders[0]}"
    assert running.job.starts_at is not None
    assert running.doubt is None
    await odoo_plant.ask("operator", "mrp.workorder", "button_pending", ids=[odoo_plant.orders[0]])
    paused = (await mes.read_production(odoo_plant.equipment)).job
    assert paused is not None
    assert (paused.id, paused.state) == (running.job.id, JobState.INTERRUPTED_ON_PURPOSE)
    assert (await mes.plan_hold(odoo_plant.equipment, "MWKEY")).prior_state is JobState.ALLOWED_TO_START


async def test_the_database_has_its_uuid_in_the_target_only_for_a_user_who_may_read_it(odoo_plant: OdooPlant) -> None:
    name, keys = odoo_plant.database.name, odoo_plant.database.keys
    ((uuid,),) = odoo_plant.database.rows("SELECT value FROM ir_config_parameter WHERE key = 'database.uuid'")
    ordinary = await odoo_plant.connector().hold_target(odoo_plant.equipment)
    system = await odoo_plant.connector(secret=keys["manager"]).hold_target(odoo_plant.equipment)
    assert (ordinary.namespace, system.namespace) == (name, f"{name} {uuid}")
    assert ordinary.application_uri == odoo_plant.database.url


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"database": "odoo_test_nosuch"}, "it has no such database, or no JSON-2 API"),
        (
            {"loss_reason": "mrp.block_reason7"},
            "no loss reason mrp.block_reason7 of the category Availability or Quality",
        ),
        ({"loss_reason": "mrp.nosuch"}, "no loss reason mrp.nosuch"),
    ],
)
async def test_a_wrong_setting_needs_a_person(odoo_plant: OdooPlant, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ActionRequired, match=words):
        await odoo_plant.connector(**settings).check()


async def test_a_user_without_rights_in_manufacturing_needs_a_person(odoo_plant: OdooPlant) -> None:
    group = odoo_plant.database.rows(
        "SELECT res_id FROM ir_model_data WHERE module = 'mrp' AND name = 'group_mrp_user'"
    )[0][0]
    (user,) = await odoo_plant.ask("manager", "res.users", "search", domain=[["login", "=", "millwright"]])
    await odoo_plant.ask("manager", "res.users", "write", ids=[user], vals={"group_ids": [[3, group]]})
    try:
        with pytest.raises(ActionRequired, match="You are not allowed to access 'Work Center'"):
            await odoo_plant.connector().read_production(odoo_plant.equipment)
    finally:
        await odoo_plant.ask("manager", "res.users", "write", ids=[user], vals={"group_ids": [[4, group]]})


async def test_a_hold_in_another_database_is_not_read_as_absent(odoo_plant: OdooPlant) -> None:
    mes = odoo_plant.connector()
    plan = await mes.plan_hold(odoo_plant.equipment, "MWKEY")
    await mes.place_hold(plan, "reason")
    elsewhere = odoo_plant.connector(database="another")
    for act in (elsewhere.read_hold(plan), elsewhere.release_hold(plan, "done")):
        with pytest.raises(Unavailable, match="and the settings name another"):
            await act


async def test_what_a_hold_is_worth_is_known_once_the_version_was_read(odoo_plant: OdooPlant) -> None:
    mes = odoo_plant.connector()
    before = mes.enforcement
    await mes.plan_hold(odoo_plant.equipment, "MWKEY")
    assert (before, mes.enforcement) == (HoldEnforcement.UNKNOWN, HoldEnforcement.ENFORCED)
    told = odoo_plant.connector(enforcement="advisory")
    assert "a hold there is advisory" in await told.check()


async def test_the_stops_of_a_whole_calendar_count_and_the_reservations_of_work_orders_do_not(
    odoo_plant: OdooPlant,
) -> None:
    holiday = {
        "name": "Holiday",
        "calendar_id": 1,
        "date_from": "2199-01-01 00:00:00",
        "date_to": "2199-01-02 00:00:00",
    }
    mes = odoo_plant.connector()
    before = (await mes.read_production(odoo_plant.equipment)).next_stop_at
    assert before is not None
    stops = await odoo_plant.ask("manager", "resource.calendar.leaves", "search", domain=[["name", "=", "Overhaul"]])
    await odoo_plant.ask("manager", "resource.calendar.leaves", "unlink", ids=stops)
    assert (await mes.read_production(odoo_plant.equipment)).next_stop_at is None
    await odoo_plant.ask("manager", "resource.calendar.leaves", "create", vals_list=[{**holiday, "time_type": "leave"}])
    after = (await mes.read_production(odoo_plant.equipment)).next_stop_at
    assert after is not None
    assert abs((after - datetime.fromisoformat("2199-01-01T00:00:00+00:00")).days) <= 1


async def test_every_error_names_the_operation_and_the_key(odoo_plant: OdooPlant) -> None:
    with pytest.raises(ConnectorError) as caught:
        await odoo_plant.connector(secret="wrong").plan_hold(odoo_plant.equipment, "MWKEY")
    assert (caught.value.system, caught.value.operation, caught.value.key) == ("odoo", "plan-hold", "MWKEY")
