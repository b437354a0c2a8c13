"""Drafts that the past speaks for, sought on one part of it and shown on another."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from millwright.backtesting.suggesting import Effect, Search, best, suggest, write_drafts
from policies.checks.reachability import Reachability
from policies.engine.catalogue import Catalogue
from policies.engine.judging import compile_policy
from policies.evaluation.proposals import proposals
from policies.language.text import read_text
from tests.support.drafts import row, table, text
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, PUMP, START, code, deviation

OLD = Catalogue.published().find("rotating-equipment", "1.0.0")
GAP = 120
"""Hours between two faults."""
FAULTS = 20


async def past(engine: AsyncEngine, tmp_path: Path) -> Path:
    """Every second shift is followed by its code and a failure; the others come to nothing."""
    plant = Plant(engine)
    plant.clock.time = START + timedelta(days=400)
    await plant.prepare()
    failed = ["datetime,machineID,failure"]
    for number in range(FAULTS):
        begins = GAP * (number + 1.0)
        asset = MOTOR if number % 4 < 2 else PUMP
        await plant.take(*(deviation(begins + hour, asset=asset) for hour in range(3)))
        if number % 2 == 0:
            names = ("error2", "error3") if asset == MOTOR else ("error1",)
            await plant.take(*(code(begins + 3, name, asset=asset) for name in names))
            await plant.take(deviation(begins + 4, asset=asset))
            at = START + timedelta(hours=begins + 30)
            failed.append(f"{at:%Y-%m-%d %H:%M},1,{asset[-5:]}")
    file = tmp_path / "failures.csv"
    file.write_text("\n".join(failed))
    return file


async def test_the_matching_error_is_found_on_one_part_and_shown_on_the_other(
    storage_engine: AsyncEngine, tmp_path: Path
) -> None:
    failures = await past(storage_engine, tmp_path)
    found = await suggest(storage_engine, Search(OLD, failures=failures), lambda _, __: None)
    best = found.suggestions[0]
    assert best.words == "require the matching error"
    assert best.found.false_after == best.shown.false_after == 0 < best.shown.false_before < best.found.false_before
    assert best.found.hits_after == best.found.hits_before > 0
    assert best.shown.words.startswith("−100 % false orders")
    assert (best.backtest.since, best.backtest.until) == (found.split_at, found.until)
    assert [suggestion.digest for suggestion in found.suggestions] == [
        compile_policy(suggestion.text, "d").digest for suggestion in found.suggestions
    ]
    drafts = write_drafts(found, tmp_path / "drafts")
    assert compile_policy(drafts[0].read_text(), "draft").digest == best.digest
    assert (tmp_path / "drafts" / "draft-1.backtest.json").exists()


async def test_nothing_after_the_split_reaches_the_search(storage_engine: AsyncEngine, tmp_path: Path) -> None:
    failures = await past(storage_engine, tmp_path)
    whole = await suggest(storage_engine, Search(OLD, failures=failures), lambda _, __: None)
    rows = failures.read_text().splitlines()
    kept = [row for row in rows[1:] if row.split(",")[0] <= f"{whole.split_at:%Y-%m-%d %H:%M}"]
    failures.write_text("\n".join([rows[0], *kept]))
    blind = await suggest(storage_engine, Search(OLD, failures=failures), lambda _, __: None)
    assert len(kept) < len(rows) - 1
    assert [(suggestion.words, suggestion.found) for suggestion in blind.suggestions] == [
        (suggestion.words, suggestion.found) for suggestion in whole.suggestions
    ]


@pytest.mark.parametrize(
    ("effect", "worthwhile"),
    [
        (Effect(false_before=20, false_after=5, hits_before=25, hits_after=24), True),
        (Effect(false_before=20, false_after=5, hits_before=25, hits_after=20), False),
        (Effect(false_before=20, false_after=19, hits_before=25, hits_after=25), False),
        (Effect(false_before=20, false_after=20, hits_before=25, hits_after=27), True),
        (Effect(false_before=20, false_after=30, hits_before=25, hits_after=27), False),
        (Effect(false_before=0, false_after=0, hits_before=0, hits_after=0), False),
    ],
)
def test_false_orders_may_not_be_bought_with_hits(effect: Effect, worthwhile: bool) -> None:
    assert effect.worthwhile is worthwhile


def test_no_draft_is_proposed_that_the_check_refuses() -> None:
    halves = table(
        "halves",
        "first",
        row("high", "{ anomaly.score: '>= 4.0' }", "draft"),
        row("low", "{ anomaly.score: '< 4.0' }"),
        complete=True,
        when="anomaly.kind == 'deviation'",
    )
    tried = [
        proposal
        for proposal in proposals(text(halves), [], [])
        if "becomes 6.0" in proposal.words or "becomes 3.0" in proposal.words
    ]
    effect = Effect(false_before=20, false_after=5, hits_before=25, hits_after=25)
    chosen, refused = best([(proposal, effect) for proposal in tried])
    assert {proposal.words for proposal, _ in chosen} == {
        "in high, anomaly.score >= 4.0 becomes 3.0",
        "in low, anomaly.score < 4.0 becomes 6.0",
    }
    assert [proposal.words for proposal in refused] == ["in low, anomaly.score < 4.0 becomes 3.0"]
    for proposal, _ in chosen:
        findings = Reachability(compile_policy(proposal.text, "draft"), read_text(proposal.text, "draft")).findings()
        assert not any(finding.blocks for finding in findings)
