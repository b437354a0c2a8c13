"""Many names at once: all or nothing, recorded row by row, and found again by the audit."""

from datetime import timedelta

import pytest

from domain.crosswalk import NewName
from domain.errors import ActRejected
from millwright.audit.verifying import verify
from millwright.storage.events.register import RegisterStore
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP

IN_FORCE = "SELECT external_id, asset FROM crosswalk WHERE system = 'cmms' AND valid_to IS NULL ORDER BY external_id"


@pytest.fixture
def store(plant: Plant) -> RegisterStore:
    return RegisterStore(plant.engine, plant.clock)


def name(asset: str, external_id: str, **more: object) -> NewName:
    return NewName.model_validate({"asset": asset, "system": "cmms", "external_id": external_id, **more})


async def test_names_are_given_from_a_time_in_the_past_and_the_record_has_every_row(
    plant: Plant, store: RegisterStore
) -> None:
    since = plant.clock.now() - timedelta(hours=3)
    names = [name(PUMP, "M001-COMP2", valid_from=since), name(MOTOR, "P-9", attributes={"siteid": "BEDFORD"})]
    report = await store.map_names(names, "olga", dry_run=False)
    assert (report.stored, len(report.changed), report.refused) == (True, 2, ())
    assert await plant.rows(IN_FORCE) == [("M001-COMP2", PUMP), ("P-9", MOTOR)]
    told = "SELECT actor, count(*) FROM acts WHERE kind = 'alias-mapped' GROUP BY actor"
    assert await plant.rows(told) == [("olga", 2)]
    assert (await verify(plant.engine, catalogue=plant.catalogue)).findings == ()


async def test_the_same_names_again_change_nothing_and_leave_no_act(plant: Plant, store: RegisterStore) -> None:
    names = [name(PUMP, "P-7", valid_from=plant.clock.now() - timedelta(hours=3)), name(MOTOR, "M-7")]
    await store.map_names(names, "olga", dry_run=False)
    plant.clock.time += timedelta(days=1)
    before = await plant.rows("SELECT count(*) FROM acts")
    report = await store.map_names(names, "olga", dry_run=False)
    assert (report.unchanged, report.changed) == (2, ())
    assert await plant.rows("SELECT count(*) FROM acts") == before


async def test_one_name_that_is_refused_or_a_dry_run_stores_nothing(plant: Plant, store: RegisterStore) -> None:
    before = await plant.rows(IN_FORCE)
    refused = await store.map_names([name(PUMP, "P-7"), name("pump-7", "P-8")], "olga", dry_run=False)
    assert (refused.stored, [each.row for each in refused.refused]) == (False, [1])
    dry = await store.map_names([name(PUMP, "P-7")], "olga", dry_run=True)
    assert (dry.stored, [change.replaces for change in dry.changed]) == (False, [("M001-COMP1",)])
    assert await plant.rows(IN_FORCE) == before


async def test_a_single_name_replaces_the_assets_name_in_the_cmms(plant: Plant, store: RegisterStore) -> None:
    plant.clock.time += timedelta(days=1)
    alias = next(each for each in (await store.read()).aliases if each.external_id == "M001-COMP1")
    await store.map_alias(alias.model_copy(update={"external_id": "P-7"}), "olga")
    assert await plant.rows(IN_FORCE) == [("M001-COMP2", MOTOR), ("P-7", PUMP)]
    with pytest.raises(ActRejected, match="there is no asset pump-7"):
        await store.map_alias(alias.model_copy(update={"asset": "pump-7"}), "olga")
    assert (await verify(plant.engine, catalogue=plant.catalogue)).findings == ()
