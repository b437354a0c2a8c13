"""The twin of a machine says that its hold has ended, whoever ended it."""

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.progress import CaseRef
from domain.holds import HoldStatus
from tests.support.completed_work import ended
from tests.support.holding_case import HoldingCase


async def test_a_hold_that_ended_in_another_transaction_is_told_to_the_twin(
    storage_engine: AsyncEngine, database_url: str
) -> None:
    bench = HoldingCase(storage_engine, database_url)
    await bench.prepare()
    await bench.prove()
    view = await bench.hold()
    assert view.machine_twin is not None
    assert bench.twins.told[view.machine_twin]["holdState"] == "held"
    await ended(bench.storage.cases, bench.case)
    await bench.storage.holds.end(bench.case, HoldStatus.RELEASED, "released for good")
    await bench.steps.release_hold(CaseRef(case=bench.case))
    told = bench.twins.told[view.machine_twin]
    assert (told["holdState"], told["holdNotice"]) == ("released", "")
