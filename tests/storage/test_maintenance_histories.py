"""The work on assets: kept by reading, found for the time of an event, and told to the versions that use it."""

from datetime import datetime, timedelta

import psycopg
import pytest
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.instances import SiteInstances
from domain.maintenance_history import CmmsAsset, MaintenanceHistory
from domain.verdict import Context, Rung
from millwright.backtesting.backtest import Question, run_backtest, trace
from millwright.storage.database.engine import raw, transaction
from millwright.storage.database.schema import downgrade
from millwright.storage.maintenance.histories_then import histories_then
from millwright.storage.maintenance.readings import MaintenanceHistoryStore
from policies.engine.catalogue import Catalogue
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, START, deviation
from tests.support.repaired_policy import CMMS, history, put_repaired_in_force, repaired_candidate

MORNING = START + timedelta(days=1)


def hour(number: float) -> datetime:
    return MORNING + timedelta(hours=number)


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    made = Plant(storage_engine)
    await made.prepare()
    return made


@pytest.fixture
def store(plant: Plant) -> MaintenanceHistoryStore:
    return MaintenanceHistoryStore(plant.engine, plant.clock, SiteInstances(otherwise=CMMS))


async def read(
    store: MaintenanceHistoryStore,
    at: float,
    *done: float,
    asset: str = PUMP,
    system: str = CMMS,
    complete: bool = True,
) -> None:
    """A reading of the CMMS in an hour of the morning, that tells of repairs in these hours."""
    said = {asset: history(hour(at), *map(hour, done), complete=complete)}
    await store.record_reading(system, hour(at), said)


async def then(plant: Plant, at: float) -> MaintenanceHistory | None:
    async with transaction(plant.engine) as connection:
        return (await histories_then(await raw(connection), [(PUMP, hour(at))])).get((PUMP, hour(at)))


async def test_a_reading_is_recorded_with_its_rows_and_one_that_comes_again_changes_nothing(
    plant: Plant, store: MaintenanceHistoryStore
) -> None:
    await read(store, 2, 1)
    await read(store, 2)
    await read(store, 1)
    assert await plant.rows("SELECT asset, system FROM maintenance_histories") == [(PUMP, CMMS)]
    assert await plant.rows("SELECT kind, subject FROM acts WHERE kind = 'maintenance-read'") == [
        ("maintenance-read", f"maintenance/{CMMS}")
    ]


async def test_the_last_reading_before_the_event_counts(plant: Plant, store: MaintenanceHistoryStore) -> None:
    for at, done in ((0, [-5]), (2, [-5, 1]), (4, [])):
        await read(store, at, *done)
    found = [await then(plant, at) for at in (0, 1, 2, 3, 4, 5)]
    assert [None if each is None else len(each.work) for each in found] == [None, 1, 1, 2, 2, 0]


async def test_of_two_systems_the_one_that_was_read_last_counts(plant: Plant, store: MaintenanceHistoryStore) -> None:
    await read(store, 0, -1)
    await read(store, 1, system="other")
    found = await then(plant, 2)
    assert found is not None
    assert found.work == ()


async def test_what_was_read_can_be_neither_changed_nor_deleted(plant: Plant, store: MaintenanceHistoryStore) -> None:
    await read(store, 0)
    for statement in (
        "UPDATE maintenance_histories SET body = '{}'",
        "DELETE FROM maintenance_histories",
        "TRUNCATE maintenance_histories",
    ):
        with pytest.raises((DBAPIError, psycopg.Error), match="append-only"):
            await plant.rows(statement)


async def test_what_was_read_lately_is_not_asked_for_and_what_was_never_read_is_asked_for_first(
    plant: Plant, store: MaintenanceHistoryStore
) -> None:
    due = await store.due(CMMS, hour(0), 10)
    assert [each.asset for each in due] == [PUMP, MOTOR]
    assert due[0].names == [CmmsAsset("M001-COMP1", {"siteid": "BEDFORD"})]
    await read(store, -1)
    assert [each.asset for each in await store.due(CMMS, hour(0), 10)] == [MOTOR, PUMP]
    assert [each.asset for each in await store.due(CMMS, hour(0), 1)] == [MOTOR]
    await read(store, 1)
    assert [each.asset for each in await store.due(CMMS, hour(0), 10)] == [MOTOR]


async def test_a_component_has_the_work_on_its_machine_too(plant: Plant, store: MaintenanceHistoryStore) -> None:
    async with transaction(plant.engine) as connection:
        await connection.execute(
            text(
                "INSERT INTO crosswalk (system, external_id, valid_from, asset, owner, attributes) "
                "VALUES ('cmms:fake', 'M001', :at, 'machine-001', 'tests', '{}')"
            ),
            {"at": START},
        )
    due = {each.asset: [name.external_id for name in each.names] for each in await store.due(CMMS, hour(0), 10)}
    assert due == {"machine-001": ["M001"], PUMP: ["M001-COMP1", "M001"], MOTOR: ["M001-COMP2", "M001"]}
    elsewhere = MaintenanceHistoryStore(plant.engine, plant.clock, SiteInstances(otherwise="other"))
    assert [each.asset for each in await elsewhere.due("other", hour(0), 10)] == [PUMP, MOTOR]


async def test_a_cmms_is_asked_for_the_assets_of_its_sites(plant: Plant, store: MaintenanceHistoryStore) -> None:
    assert await store.due("other", hour(0), 10) == []
    of_site = MaintenanceHistoryStore(plant.engine, plant.clock, SiteInstances(by_site={"BEDFORD": "b"}, otherwise="o"))
    assert [len(await of_site.due(system, hour(0), 10)) for system in ("b", "o", "x")] == [2, 0, 0]


async def judged(plant: Plant, digest: str) -> list[tuple[object, int | None]]:
    """The rule and the number of repairs by which each event was decided by a version, the newest revision of each, in
    order."""
    rows = await plant.rows(
        "SELECT DISTINCT ON (v.\"position\") v.body::json->>'rule', c.body FROM verdicts v "
        "JOIN contexts c ON c.digest = v.body::json->>'context' WHERE v.version = :digest "
        'ORDER BY v."position", v.revision DESC',
        digest=digest,
    )
    told = [(rule, Context.model_validate_json(str(body)).maintenance) for rule, body in rows]
    return [(rule, None if each is None else len(each.work)) for rule, each in told]


async def test_a_repair_of_yesterday_turns_an_order_into_an_inspection(
    plant: Plant, store: MaintenanceHistoryStore
) -> None:
    digest = await put_repaired_in_force(plant)
    await read(store, 0)
    await read(store, 2, -20)
    await read(store, 40, -20)
    await plant.take(deviation(25), deviation(27), deviation(24 + 41))
    assert await judged(plant, digest) == [("shifted", 0), ("just-repaired", 1), ("shifted", 1)]
    rungs = await plant.rows("SELECT rung FROM verdicts WHERE version = :digest ORDER BY id", digest=digest)
    assert [Rung(int(str(rung))).word for (rung,) in rungs] == ["draft", "inspect", "draft"]


async def test_the_time_of_the_event_decides_and_not_that_of_its_arrival(
    plant: Plant, store: MaintenanceHistoryStore
) -> None:
    digest = await put_repaired_in_force(plant)
    await read(store, 0)
    await read(store, 2, -20)
    await plant.take(deviation(27))
    await plant.take(deviation(25))
    assert await judged(plant, digest) == [("shifted", 0), ("just-repaired", 1)]


async def test_work_that_nobody_knows_is_not_no_work(plant: Plant, store: MaintenanceHistoryStore) -> None:
    digest = await put_repaired_in_force(plant)
    await plant.take(deviation(24))
    await read(store, 1, complete=False)
    await plant.take(deviation(26))
    await read(store, 3)
    await plant.take(deviation(24 + 3 + 49))
    assert {rule for rule, _ in await judged(plant, digest)}.isdisjoint({"shifted", "just-repaired"})


async def test_only_a_version_that_uses_it_is_told_and_all_else_stays_as_it_was(
    plant: Plant, store: MaintenanceHistoryStore
) -> None:
    await read(store, 0, -1)
    await plant.take(deviation(25))
    before = await plant.rows("SELECT digest, body FROM contexts")
    digest = await put_repaired_in_force(plant, "shadow")
    await plant.take(deviation(26))
    assert [told for _, told in await judged(plant, plant.digests["1.1.0"])] == [None, None]
    assert [told for _, told in await judged(plant, digest)] == [1, 1]
    assert set(before) < set(await plant.rows("SELECT digest, body FROM contexts"))
    assert all("maintenance" not in str(body) for _, body in before)


async def test_the_table_is_not_taken_back_while_a_verdict_was_told_of_it(
    plant: Plant, store: MaintenanceHistoryStore, database_url: str
) -> None:
    await put_repaired_in_force(plant)
    await read(store, 0)
    await plant.take(deviation(25))
    await plant.engine.dispose()
    with pytest.raises(CommandError, match="1 contexts of verdicts have the work on their assets, which earlier"):
        downgrade(database_url, "0040_attached_orders")


async def test_a_backtest_judges_the_past_with_the_work_that_was_known(
    plant: Plant, store: MaintenanceHistoryStore
) -> None:
    await read(store, 0)
    await read(store, 2, -20)
    await plant.take(*(deviation(hours) for hours in (23, 25, 27)))
    candidate, shipped = repaired_candidate(), Catalogue.published().find("rotating-equipment", "1.1.0")
    past = await run_backtest(plant.engine, Question(candidate, shipped), lambda _, __: None)
    changed = [(decision.before.rung, decision.after.rule) for decision in past.decisions]
    assert changed == [("watch", "shifted"), ("watch", "just-repaired")]
    traced = await trace(plant.engine, Question(candidate, shipped), past.until, past.decisions)
    assert [each.after.values["maintenance.since_work_hours"] for each in traced] == ["never", "23"]
