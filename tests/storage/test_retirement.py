"""What ends when a machine leaves the plant, what is refused, and what an import does about it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from domain.assets import Alias, Asset, Criticality, Level, PlantRegister
from domain.errors import ActRejected
from millwright.storage.cases.holds import HoldStore
from millwright.storage.events.register import RegisterStore
from tests.support.judged_plant import Plant
from tests.support.plant import LINE, MOTOR, PUMP, START, code, deviation, register

MACHINE = "machine-001"
ALL = (MACHINE, PUMP, MOTOR)
SENSOR = Asset(
    id="machine-001-volt", level=Level.SENSOR, name="Voltage", parent=PUMP, line=LINE, machine=MACHINE, site="BEDFORD"
)


@pytest.fixture
def store(plant: Plant) -> RegisterStore:
    return RegisterStore(plant.engine, plant.clock)


def without(*ids: str) -> PlantRegister:
    """An import that lacks some assets, with all that hangs on them."""
    whole = register()
    return PlantRegister(
        assets=tuple(asset for asset in whole.assets if asset.id not in ids),
        aliases=tuple(alias for alias in whole.aliases if alias.asset not in ids),
        observables=tuple(seen for seen in whole.observables if seen.asset not in ids),
    )


async def in_force(plant: Plant) -> Sequence[object]:
    return [row[0] for row in await plant.rows("SELECT id FROM assets WHERE valid_to IS NULL ORDER BY id")]


async def test_an_import_names_the_assets_that_it_lacks_and_ends_none(plant: Plant, store: RegisterStore) -> None:
    report = await store.keep(without(MOTOR, PUMP), "tests")
    assert (report.missing, report.returned, report.changed) == ((PUMP, MOTOR), (), 0)
    assert await in_force(plant) == ["BEDFORD", LINE, *ALL]
    assert await plant.rows("SELECT count(*) FROM crosswalk WHERE valid_to IS NOT NULL") == [(0,)]


async def test_the_record_of_a_partial_import_has_the_number_of_missing_assets_and_not_their_names(
    plant: Plant, store: RegisterStore
) -> None:
    await store.keep(without(*ALL), "tests")
    told = "SELECT body::json -> 'detail' ->> 'missing' FROM acts WHERE kind = 'register-imported' ORDER BY id"
    assert await plant.rows(told) == [("0",), ("3",)]


async def test_a_retired_machine_ends_now_with_its_components_and_sensors_and_all_their_names(
    plant: Plant, store: RegisterStore
) -> None:
    whole = register()
    await store.keep(whole.model_copy(update={"assets": (*whole.assets, SENSOR)}), "tests")
    plant.clock.time += timedelta(hours=1)
    report = await store.retire([MACHINE], "pat", "scrapped")
    assert report.assets == (*ALL, SENSOR.id)
    assert report.at == plant.clock.now()
    assert await in_force(plant) == ["BEDFORD", LINE]
    ended = {(now,) for now in (plant.clock.now(),)}
    assert set(await plant.rows("SELECT valid_to FROM assets WHERE machine = 'machine-001'")) == ended
    assert set(await plant.rows("SELECT valid_to FROM crosswalk")) == ended


async def test_a_component_that_is_retired_leaves_its_machine_in_the_plant(plant: Plant, store: RegisterStore) -> None:
    whole = register()
    await store.keep(whole.model_copy(update={"assets": (*whole.assets, SENSOR)}), "tests")
    assert (await store.retire([PUMP], "pat", "replaced")).assets == (PUMP, SENSOR.id)
    assert await in_force(plant) == ["BEDFORD", LINE, MACHINE, MOTOR]


async def test_each_retired_asset_has_an_act_with_person_reason_and_the_names_that_ended(
    plant: Plant, store: RegisterStore
) -> None:
    await store.retire([MACHINE], "pat", " scrapped,\n sold ")
    told = await plant.rows(
        "SELECT subject, actor, body::json -> 'detail' ->> 'reason', body::json -> 'detail' ->> 'names' FROM acts "
        "WHERE kind = 'asset-retired' ORDER BY subject"
    )
    assert told == [
        (
            f"asset/{MACHINE}",
            "pat",
            "scrapped, sold",
            '[["device","PDM-001"],["mes","EQ-001"],["twin","machine-001"]]',
        ),
        (f"asset/{PUMP}", "pat", "scrapped, sold", f'[["cmms","M001-COMP1"],["twin","{PUMP}"]]'),
        (f"asset/{MOTOR}", "pat", "scrapped, sold", f'[["cmms","M001-COMP2"],["twin","{MOTOR}"]]'),
    ]


async def test_the_register_tells_of_retired_assets_as_they_were_and_has_another_stamp(
    plant: Plant, store: RegisterStore
) -> None:
    before = await store.stamp()
    await store.retire([MACHINE], "pat", "scrapped")
    assert await store.stamp() != before
    found = await store.read()
    assert [asset.id for asset in found.assets] == ["BEDFORD", LINE]
    assert [(each.asset.id, each.at) for each in found.retired] == [(asset, plant.clock.now()) for asset in ALL]
    assert found.retired[0].asset.name == "Machine 1"


@pytest.mark.parametrize(
    ("named", "by", "reason", "words"),
    [
        (
            ["machine-001", "pump-7"],
            "pat",
            "scrapped",
            "asset: there is no asset pump-7 (see `millwright assets list`)",
        ),
        ([MACHINE], "pat", " \n", "reason: is empty (say why it has left the plant)"),
        ([MACHINE], " ", "scrapped", "by: is empty (say who retires it)"),
    ],
)
async def test_a_retirement_is_refused_as_a_whole_with_field_and_fix(
    plant: Plant, store: RegisterStore, named: list[str], by: str, reason: str, words: str
) -> None:
    with pytest.raises(ActRejected) as refused:
        await store.retire(named, by, reason)
    assert str(refused.value) == words
    assert await in_force(plant) == ["BEDFORD", LINE, *ALL]


async def test_what_was_retired_already_is_refused_with_the_date(plant: Plant, store: RegisterStore) -> None:
    await store.retire([MACHINE], "pat", "scrapped")
    plant.clock.time += timedelta(days=3)
    with pytest.raises(ActRejected) as refused:
        await store.retire([PUMP], "pat", "scrapped")
    assert str(refused.value) == f"asset: {PUMP} was retired on 2015-01-15 06:00 UTC (leave it out)"


async def test_a_machine_that_is_held_is_not_retired_and_its_line_is_not_either(
    plant: Plant, store: RegisterStore
) -> None:
    await store.keep(register(Criticality.A), "tests")
    case = await opened(plant)
    await HoldStore(plant.engine, plant.clock).claim(case, "mes", "EQ-001", unasked=True)
    for named in (MACHINE, LINE):
        with pytest.raises(ActRejected) as refused:
            await store.retire([named], "pat", "scrapped")
        assert str(refused.value) == (
            f"asset: {MACHINE} is held: hold {case} keeps EQ-001 from running (production must release it first: "
            f"`millwright hold release {case}`)"
        )
    # The machine stays in the plant, and its hold with it.
    assert (await store.retire([MOTOR], "pat", "replaced")).assets == (MOTOR,)


async def test_each_open_case_is_called_off_and_woken_and_says_by_whom_and_why(
    plant: Plant, store: RegisterStore
) -> None:
    case = await opened(plant)
    ((before,),) = await plant.rows("SELECT generation FROM due WHERE subject = :it", it=f"case/{case}")
    assert (await store.retire([MACHINE], "pat", "scrapped")).cases == (case,)
    words = f"{PUMP} was retired on 2015-01-15 06:00 UTC by pat: scrapped"
    assert await plant.rows("SELECT withdraw FROM cases") == [(words,)]
    told = "SELECT actor, body::json -> 'detail' ->> 'reason' FROM acts WHERE kind = 'case-called-off'"
    assert await plant.rows(told) == [("pat", words)]
    ((after, due),) = await plant.rows("SELECT generation, due_at FROM due WHERE subject = :it", it=f"case/{case}")
    assert (after, due) == (int(str(before)) + 1, plant.clock.now())


async def test_a_case_whose_work_is_over_is_not_called_off(plant: Plant, store: RegisterStore) -> None:
    await opened(plant)
    async with plant.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE cases SET closed_as = 'done'")
    assert (await store.retire([MACHINE], "pat", "scrapped")).cases == ()
    assert await plant.rows("SELECT withdraw FROM cases") == [(None,)]


async def test_an_import_that_has_a_retired_asset_again_begins_it_anew_and_says_so(
    plant: Plant, store: RegisterStore
) -> None:
    await store.retire([MACHINE], "pat", "scrapped")
    retired = plant.clock.now()
    plant.clock.time += timedelta(days=1)
    report = await store.keep(register(), "tests")
    assert (report.returned, report.missing) == (ALL, ())
    rows = "SELECT valid_from, valid_to FROM assets WHERE id = :it ORDER BY valid_from"
    (_, ended), (begun, until) = await plant.rows(rows, it=PUMP)
    assert (ended, begun, until) == (retired, plant.clock.now(), None)
    names = "SELECT valid_from FROM crosswalk WHERE asset = :it AND valid_to IS NULL"
    assert set(await plant.rows(names, it=PUMP)) == {(plant.clock.now(),)}
    assert await plant.rows("SELECT count(*) FROM acts WHERE kind = 'asset-returned'") == [(3,)]
    assert (await store.read()).retired == ()


@pytest.mark.parametrize("attempt", range(5))
async def test_an_import_at_the_same_moment_brings_no_asset_back_unsaid(
    plant: Plant, store: RegisterStore, attempt: int
) -> None:
    renamed = register(Criticality.A)
    report, _ = await asyncio.gather(store.keep(renamed, "tests"), store.retire([MACHINE], "pat", "scrapped"))
    assert (PUMP in await in_force(plant)) == (PUMP in report.returned)


async def test_an_asset_can_be_retired_brought_back_and_retired_at_one_instant(
    plant: Plant, store: RegisterStore
) -> None:
    await store.retire([MACHINE], "pat", "scrapped")
    assert (await store.keep(register(), "tests")).returned == ALL
    assert (await store.retire([MACHINE], "pat", "scrapped after all")).assets == ALL
    assert [each.at for each in (await store.read()).retired] == [plant.clock.now()] * 3


async def test_a_retired_asset_gets_no_new_name_and_another_may_have_its_old_one(
    plant: Plant, store: RegisterStore
) -> None:
    await store.retire([PUMP], "pat", "replaced")
    plant.clock.time += timedelta(days=1)
    with pytest.raises(ActRejected, match=f"{PUMP} was retired on 2015-01-15 06:00 UTC"):
        await store.map_alias(Alias(system="cmms", external_id="P-7", asset=PUMP, valid_from=START), "pat")
    await store.map_alias(Alias(system="cmms", external_id="M001-COMP1", asset=MOTOR, valid_from=START), "pat")
    periods = "SELECT asset, valid_to IS NULL FROM crosswalk WHERE external_id = 'M001-COMP1' ORDER BY valid_from"
    assert await plant.rows(periods) == [(PUMP, False), (MOTOR, True)]


async def opened(plant: Plant) -> str:
    """The case of a confirmed fault of the pump."""
    await plant.take(code(1), deviation(2))
    ((case,),) = await plant.rows("SELECT id FROM cases")
    return str(case)
