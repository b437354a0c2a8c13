"""What an auditor is told of shelves and of what they held back."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.suppression import shelving_limits
from millwright.audit.questions.answer import Asked
from millwright.audit.questions.asking import ask
from millwright.storage.suppression.suppressions import SuppressionStore
from policies.engine.catalogue import Catalogue
from tests.support.judged_plant import Plant
from tests.support.plant import PUMP, START, code, deviation


async def test_what_was_shelved_and_what_that_held_back_is_told_with_the_person(storage_engine: AsyncEngine) -> None:
    plant = Plant(storage_engine)
    await plant.prepare()
    plant.clock.time = START
    limits = shelving_limits("A=P1D,B=P1D,C=P1D,D=P1D")
    store = SuppressionStore(storage_engine, plant.clock, limits, timedelta(days=1))
    shelf = await store.shelve(PUMP, None, timedelta(hours=8), "ines", "sensor is being moved")
    await plant.take(code(1), deviation(2, external_id="held"))
    await store.end(shelf.id, "olaf", "it is moved")
    asked = Asked(now=plant.clock.now())
    rows = [
        answered.model_dump()
        for answered in (await ask(storage_engine, Catalogue(), "suppressed", asked, ZoneInfo("UTC"))).rows
    ]
    told = [(row["what"].split(" until ")[0], row["subject"], row["by"], row["why"]) for row in rows]
    assert told == [
        ("shelved", PUMP, "ines", "sensor is being moved"),
        ("work_order held back", "event tests|held", "ines", "sensor is being moved"),
        ("unshelved", f"suppression {shelf.id}", "olaf", "it is moved"),
    ]
    assert all(row["ledger"] for row in rows)
    changes = (await ask(storage_engine, Catalogue(), "changed", asked, ZoneInfo("UTC"))).rows
    assert not any(row.model_dump()["subject"].startswith("suppression") for row in changes)
