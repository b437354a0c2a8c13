"""The lots that a machine made are listed once for a case, and reviewed once by a person of quality."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import ActRejected
from domain.lots import MadeLot
from domain.suspect_lots import LotReview, LotsUntil, SuspectLots
from millwright.audit.verifying import verify
from millwright.storage.reporting.lot_lists import lot_page, lots_of
from tests.support.holding_case import HoldingCase
from tests.support.ingress import NOW


def listed(lot: str = "LOT-1") -> SuspectLots:
    return SuspectLots(
        system="fake",
        equipment="EQ-001",
        from_at=NOW - timedelta(hours=4),
        until_at=NOW,
        until=LotsUntil.HELD,
        lots=(MadeLot(lot=lot, job="J1", from_at=NOW - timedelta(hours=3)),),
        not_known=None,
        listed_at=NOW,
    )


@pytest.fixture
async def bench(storage_engine: AsyncEngine, database_url: str) -> HoldingCase:
    made = HoldingCase(storage_engine, database_url)
    await made.prepare()
    return made


async def test_the_first_list_stays(bench: HoldingCase) -> None:
    await bench.storage.suspect_lots.keep(bench.case, listed())
    await bench.storage.suspect_lots.keep(bench.case, listed("LOT-2"))
    view, _ = await bench.storage.cases.view(bench.case)
    assert view.suspect_lots == listed()
    [seen] = await lot_page(bench.engine)
    assert (seen.case, seen.machine, seen.lots) == (bench.case, "machine-001", listed())
    assert (await verify(bench.engine)).findings == ()


async def test_the_first_review_stays_and_the_same_words_change_nothing(bench: HoldingCase) -> None:
    store = bench.storage.suspect_lots
    await store.keep(bench.case, listed())
    said = await store.review(bench.case, "quinn", "LOT-1 blocked")
    assert said.review == LotReview(by="quinn", note="LOT-1 blocked", at=bench.clock.now())
    bench.clock.time += timedelta(hours=1)
    assert await store.review(bench.case, "quinn", "LOT-1 blocked") == said
    with pytest.raises(ActRejected, match="were reviewed by quinn"):
        await store.review(bench.case, "quinn", "LOT-1 is good")
    assert await lot_page(bench.engine) == []
    [seen] = await lot_page(bench.engine, reviewed=True)
    assert seen.lots == said
    assert (await verify(bench.engine)).findings == ()


async def test_who_has_not_the_role_reviews_nothing(bench: HoldingCase) -> None:
    await bench.storage.suspect_lots.keep(bench.case, listed())
    with pytest.raises(ActRejected):
        await bench.storage.suspect_lots.review(bench.case, "petra", "LOT-1 is good")
    assert (await lots_of(bench.engine, bench.case)).lots.review is None


async def test_nothing_is_reviewed_that_was_not_listed(bench: HoldingCase) -> None:
    with pytest.raises(ActRejected, match="no suspect lots are listed"):
        await bench.storage.suspect_lots.review(bench.case, "quinn", "fine")
    with pytest.raises(ActRejected, match="no suspect lots are listed"):
        await lots_of(bench.engine, bench.case)
    with pytest.raises(ActRejected, match="there is no case"):
        await lots_of(bench.engine, "MWNOSUCH")


@pytest.mark.parametrize("column", ["suspect_lots -> 'lots'", "suspect_lots -> 'review'"])
async def test_a_list_that_was_altered_is_named(bench: HoldingCase, column: str) -> None:
    store = bench.storage.suspect_lots
    await store.keep(bench.case, listed())
    await store.review(bench.case, "quinn", "LOT-1 blocked")
    name = column.rpartition("'")[0].rpartition("'")[2]
    bench.alter(f"UPDATE cases SET suspect_lots = jsonb_set(suspect_lots, '{{{name}}}', 'null')")
    findings = (await verify(bench.engine)).findings
    assert any("suspect_lots" in str(finding) for finding in findings)
