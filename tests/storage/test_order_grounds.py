"""Before an order is sent it is compared with the record: the verdict, the asset, and the draft that was kept."""

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assets import Criticality
from domain.errors import ActionRequired
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from tests.audit.conftest import place
from tests.support.judged_plant import Plant
from tests.support.plant import PUMP, code, deviation

_ALTERED = {
    "the verdict's copy in the case": (
        "UPDATE cases SET verdict = jsonb_set(verdict, '{priority}', '4')",
        "the verdict in the case is not the one in the record",
    ),
    "the case's asset": (
        "UPDATE cases SET asset = 'machine-001-comp2'",
        "the record has no case of this key on machine-001-comp2 for PDE",
    ),
    "the case's rung": ("UPDATE cases SET rung = 4", "the case is at rung 4, and in the record at work_order_and_hold"),
    "the case's version": (
        "UPDATE cases SET version = repeat('0', 64)",
        "the verdict in the case is not the one in the record",
    ),
    "a withdrawal": (
        "UPDATE cases SET withdraw = 'its asset was retired'",
        "why the case is to be withdrawn is not as in the record",
    ),
    "the verdict": ("DELETE FROM evidence", "the verdict that this case rests on is gone or was altered"),
}


@pytest.mark.parametrize(("statement", "words"), _ALTERED.values(), ids=_ALTERED)
async def test_an_order_waits_where_its_grounds_differ_from_the_record(
    storage_engine: AsyncEngine, database_url: str, statement: str, words: str
) -> None:
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.A)
    await plant.take(deviation(1), deviation(2), code(3), deviation(3))
    cases = CaseStore(storage_engine, plant.clock, StoredVersions(plant.catalogue))
    with psycopg.connect(database_url, autocommit=True) as somebody:
        (case,) = somebody.execute("SELECT id FROM cases").fetchone() or ("",)
        somebody.execute(statement.encode())
    with pytest.raises(ActionRequired, match=words):
        await place(cases, case, PUMP, "1001")
    with psycopg.connect(database_url) as somebody:
        assert somebody.execute("SELECT count(*) FROM work_orders").fetchone() == (0,)


async def test_a_draft_that_was_altered_after_it_was_kept_is_not_sent(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.A)
    await plant.take(deviation(1), deviation(2), code(3), deviation(3))
    cases = CaseStore(storage_engine, plant.clock, StoredVersions(plant.catalogue))
    with psycopg.connect(database_url, autocommit=True) as somebody:
        (case,) = somebody.execute("SELECT id FROM cases").fetchone() or ("",)
        await place(cases, case, PUMP, "1001")
        somebody.execute("UPDATE work_orders SET draft = jsonb_set(draft, '{priority}', '4')")
    with pytest.raises(ActionRequired, match="the draft is not the one in the record"):
        await place(cases, case, PUMP, "1001")


async def test_an_order_is_not_sent_under_another_name_of_the_asset(storage_engine: AsyncEngine) -> None:
    plant = Plant(storage_engine)
    await plant.prepare(Criticality.A)
    await plant.take(deviation(1), deviation(2), code(3), deviation(3))
    cases = CaseStore(storage_engine, plant.clock, StoredVersions(plant.catalogue))
    [[case]] = await plant.rows("SELECT id FROM cases")
    with pytest.raises(ActionRequired, match="has another name or other attributes"):
        # The case is on the pump, and somebody made the crosswalk say the motor's name.
        await place(cases, str(case), PUMP, "1001", name="M001-COMP2")


async def test_a_deleted_memory_is_read_from_the_last_verdict(storage_engine: AsyncEngine, database_url: str) -> None:
    plant = Plant(storage_engine)
    await plant.prepare()
    await plant.take(deviation(1), deviation(2))
    with psycopg.connect(database_url, autocommit=True) as somebody:
        somebody.execute("DELETE FROM memories")
    await plant.take(deviation(3))
    [[memory]] = await plant.rows(
        "SELECT body FROM memories WHERE asset = :asset AND version = :version",
        asset=PUMP,
        version=plant.digests["1.1.0"],
    )
    assert '"seen":3' in str(memory)
