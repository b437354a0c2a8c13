"""Before an order is sent, it is compared with the record: what somebody altered in the database is not sent."""

import pytest
from sqlalchemy import text

from domain.errors import ActionRequired
from domain.work_orders import WorkOrderDraft
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.case_store import CaseStore
from tests.support.judged_plant import Plant
from tests.support.plant import PUMP, START, code, deviation


@pytest.fixture
async def case(plant: Plant) -> str:
    """A case that asks for an order."""
    await plant.take(code(1), deviation(2))
    ((opened,),) = await plant.rows("SELECT id FROM cases")
    return str(opened)


async def draft(plant: Plant, case: str) -> WorkOrderDraft:
    """The order as the case has it now."""
    view, _ = await store(plant).view(case)
    return WorkOrderDraft(
        key=case,
        asset=view.asset.id,
        asset_attributes=view.cmms_attributes,
        asset_external_id=view.cmms_asset or "",
        summary="It shifts.",
        paragraphs=(),
        failure_mode=view.failure_mode,
        priority=view.verdict.priority,
        released=True,
        reported_at=START,
    )


def store(plant: Plant) -> CaseStore:
    return CaseStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))


async def alter(plant: Plant, statement: str) -> None:
    """What somebody with all rights does."""
    async with plant.engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text(statement))


@pytest.mark.parametrize(
    ("alteration", "words"),
    [
        ("UPDATE cases SET verdict = jsonb_set(verdict, '{priority}', '1')", "the verdict in the case is not the one"),
        ("UPDATE crosswalk SET external_id = 'M001-COMP2X' WHERE external_id = 'M001-COMP1'", "another name"),
        ('UPDATE crosswalk SET attributes = \'{"siteid": "LUTON"}\'', "other attributes"),
        ("DELETE FROM verdicts", "is gone or was altered"),
        ("UPDATE verdicts SET body = replace(body, '\"priority\":2', '\"priority\":1')", "is gone or was altered"),
    ],
)
async def test_what_was_altered_in_the_database_is_not_ordered(
    plant: Plant, case: str, alteration: str, words: str
) -> None:
    await alter(plant, alteration)
    with pytest.raises(ActionRequired, match=words):
        await store(plant).intend_order(case, "maximo", await draft(plant, case))
    assert await plant.rows("SELECT FROM work_orders") == []
    assert await plant.rows("SELECT FROM acts WHERE kind = 'order-intended'") == []


async def test_a_draft_that_was_altered_after_it_was_kept_is_not_sent(plant: Plant, case: str) -> None:
    kept = await store(plant).intend_order(case, "maximo", await draft(plant, case))
    assert await store(plant).intend_order(case, "maximo", kept) == kept
    await alter(plant, "UPDATE work_orders SET draft = jsonb_set(draft, '{priority}', '1')")
    with pytest.raises(ActionRequired, match="the draft is not the one in the record"):
        await store(plant).intend_order(case, "maximo", kept)


async def test_a_deleted_memory_is_read_from_the_last_verdict(plant: Plant) -> None:
    await plant.take(deviation(1), deviation(2))
    await alter(plant, "DELETE FROM memories")
    await plant.take(deviation(3))
    ((memory,),) = await plant.rows(
        "SELECT body FROM memories WHERE asset = :asset AND version = :version",
        asset=PUMP,
        version=plant.digests["1.1.0"],
    )
    assert '"seen":3' in str(memory)
