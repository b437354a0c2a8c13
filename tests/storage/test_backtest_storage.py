"""The stored past judged again: alike to what was judged, however the events came."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.anomaly import Received
from domain.assets import Criticality
from domain.errors import Rejected
from domain.verdict import Rung
from millwright.backtesting.backtest import Backtest, Question, decision_of, run_backtest, trace
from millwright.backtesting.failures import read_failures
from millwright.backtesting.page import write_page
from millwright.backtesting.rendering import unattended
from millwright.backtesting.versions import active_version, named_version
from millwright.storage.events.register import RegisterStore
from millwright.storage.policies.versions import VersionStore
from millwright.storage.reporting.figures import read_figures
from millwright.storage.reporting.history import Component, read_history
from policies.engine.catalogue import Catalogue
from policies.engine.judging import compile_policy
from tests.support.judged_plant import Plant
from tests.support.plant import MOTOR, START, code, deviation, register

CATALOGUE = Catalogue.published()
NEW, OLD = (CATALOGUE.find("rotating-equipment", number) for number in ("1.1.0", "1.0.0"))


def quiet(_: int, __: int) -> None:
    """Progress that nobody watches."""


async def backtest(engine: AsyncEngine, processes: int | None = None, failures: Path | None = None) -> Backtest:
    return await run_backtest(engine, Question(NEW, OLD, processes=processes, failures=failures), quiet)


def fault(begins: float, asset: str) -> list[Received]:
    """A shift, and then its codes."""
    names = ("error2", "error3") if asset == MOTOR else ("error1",)
    return [
        *(deviation(begins + hours, asset=asset) for hours in range(6)),
        *(code(begins + 3, name, asset=asset) for name in names),
    ]


async def stored_rungs(plant: Plant) -> dict[str, dict[str, int]]:
    figures = await read_figures(plant.engine)
    return {v: {Rung(rung).word: n for rung, n in counts.items()} for v, counts in figures.rungs.items()}


async def assert_as_stored(plant: Plant, found: Backtest) -> None:
    stored = await stored_rungs(plant)
    assert {found.candidate.version: found.candidate.rungs, found.against.version: found.against.rungs} == stored


@pytest.mark.parametrize("order", [1, -1])
async def test_a_backtest_decides_what_was_decided_in_whatever_order_it_came(plant: Plant, order: int) -> None:
    events: Sequence[Received] = [*fault(1, "machine-001-comp1"), *fault(2, MOTOR), *fault(60, "machine-001-comp1")]
    for event in sorted(events, key=lambda stored: stored.sequence)[::order]:
        await plant.take(event)
    await assert_as_stored(plant, await backtest(plant.engine))


async def test_what_came_too_late_is_judged_aside_again(plant: Plant) -> None:
    await plant.take(deviation(1), code(20), deviation(20))
    await plant.take(code(2), deviation(3))
    assert await plant.rows("SELECT count(*) FROM verdicts WHERE memory = ''") == [(4,)]
    await assert_as_stored(plant, await backtest(plant.engine))


async def test_each_event_is_judged_with_what_was_known_of_its_asset_then(plant: Plant) -> None:
    await plant.take(*fault(1, MOTOR))
    plant.clock.time += timedelta(hours=1)
    await RegisterStore(plant.engine, plant.clock).keep(register(Criticality.A), "tests")
    await plant.take(*fault(80, MOTOR))
    found = await backtest(plant.engine)
    assert found.candidate.rungs["work_order"] == found.candidate.rungs["work_order_and_hold"] > 0
    await assert_as_stored(plant, found)


async def test_several_processes_say_what_one_says(plant: Plant) -> None:
    await plant.take(*fault(1, "machine-001-comp1"), *fault(2, MOTOR))
    assert await backtest(plant.engine, processes=2) == await backtest(plant.engine, processes=1)


async def test_orders_take_their_worth_from_a_register_of_failures(plant: Plant, tmp_path: Path) -> None:
    await plant.take(*fault(1, "machine-001-comp1"), *fault(2, MOTOR), *fault(90, MOTOR))
    file = tmp_path / "failures.csv"
    file.write_text("datetime,machineID,failure\n2015-01-14 04:00:00,1,comp2\n2015-01-14 04:00:00,7,comp2\n")
    found = await backtest(plant.engine, failures=file)
    assert found.basis == "failures"
    assert (found.scores["1.0.0"].orders, found.scores["1.0.0"].failures) == (3, 1)
    assert found.candidate.measures.failures == 1
    assert set(found.scores["1.1.0"].by_class) == {"pump"}


async def test_only_decisions_of_the_period_count_and_memory_comes_from_before_it(plant: Plant) -> None:
    await plant.take(*fault(1, "machine-001-comp1"))
    whole = await backtest(plant.engine)
    part = await run_backtest(plant.engine, Question(NEW, OLD, since=START + timedelta(hours=5)), quiet)
    assert (whole.events, part.events) == (7, 2)
    assert part.candidate.rungs == {"work_order": 2}
    assert (part.candidate.cases, whole.candidate.cases) == (0, 1)


async def test_a_changed_decision_is_shown_with_both_ways_to_it(plant: Plant) -> None:
    await plant.take(*fault(1, "machine-001-comp1"))
    found = await backtest(plant.engine)
    assert (found.changed.assets, found.changed.decisions) == (1, len(found.decisions))
    assert found.changed.max_rung_change == 3
    decision = decision_of(found, 1)
    (traced,) = await trace(plant.engine, Question(NEW, OLD), found.until, [decision])
    assert (traced.before.verdict.version, traced.after.verdict.version) == ("1.0.0", "1.1.0")
    assert (traced.before.verdict.rule, traced.after.verdict.rule) == (decision.before.rule, decision.after.rule)
    with pytest.raises(Rejected, match="no changed decision has the number"):
        decision_of(found, len(found.decisions) + 1)


async def test_a_backtest_counts_the_machines_added_to_those_released_without_a_person(plant: Plant) -> None:
    await plant.take(*fault(1, "machine-001-comp1"))
    named = [
        compile_policy(f"{NEW.text}holds: {{ release_unattended: [{machines}] }}\n", "draft.yaml")
        for machines in ("machine-001", "machine-007, machine-001, machine-012")
    ]
    pairs = ((named[1], NEW), (named[1], named[0]), (NEW, named[1]))
    found = [await run_backtest(plant.engine, Question(*pair), quiet) for pair in pairs]
    assert [result.changed.unattended for result in found] == [3, 2, 0]
    assert [unattended(result.changed) for result in found][1:] == [
        "Machines added to those whose hold is released without a person: 2. `millwright policy diff` names them.",
        "",
    ]
    assert unattended(found[0].changed) in write_page(found[0], ())


async def test_a_version_is_named_by_number_digest_or_file_and_the_active_one_is_known(
    plant: Plant, tmp_path: Path
) -> None:
    stored = await VersionStore(plant.engine).versions()
    async with read_history(plant.engine) as history:
        assert (await active_version(history, stored, START)).document.version == "1.1.0"
    digest = next(row.digest for row in stored if row.version == "1.0.0")
    assert named_version("1.0.0", stored).digest == named_version(digest[:12], stored).digest == digest
    draft = tmp_path / "draft.yaml"
    draft.write_text(NEW.text.replace("version: 1.1.0", "version: 1.2.0"))
    assert named_version(str(draft), stored).document.version == "1.2.0"
    with pytest.raises(Rejected, match=r"there are 1\.0\.0, 1\.1\.0"):
        named_version("7.0.0", stored)


async def test_a_plant_without_events_has_no_past_to_test_against(plant: Plant) -> None:
    with pytest.raises(Rejected, match="no event has been judged"):
        await backtest(plant.engine)


COMPONENTS = [Component("machine-001-comp1", "machine-001", "pump"), Component("P-7", "press", "cnc")]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("datetime,machine\n", "row 1: column machineid is missing"),
        ("datetime,machineID,failure\nyesterday,1,comp1\n", "row 2: 'yesterday' is no time"),
        ("datetime,machineID,failure\n2015-01-01,1,comp1\n2015-01-01,1,comp9\n", "row 3: machine 1 has no component"),
        ("datetime,machineID,failure\n2015-01-01,1\n", "row 2: has too few columns"),
    ],
)
def test_a_failure_register_that_cannot_be_read_is_refused_by_row(tmp_path: Path, text: str, where: str) -> None:
    file = tmp_path / "failures.csv"
    file.write_text(text)
    with pytest.raises(Rejected, match=where):
        read_failures(file, COMPONENTS)


def test_a_failure_register_may_use_our_names_and_any_order_of_columns(tmp_path: Path) -> None:
    file = tmp_path / "failures.csv"
    file.write_text("Failure,MachineID,Datetime\nP-7,press,2015-01-02T08:00+02:00\ncomp1,machine-001,2015-01-01\n\n")
    found = read_failures(file, COMPONENTS)
    assert [(anomaly.asset, f"{anomaly.at:%d %H:%M}") for anomaly in found] == [
        ("machine-001-comp1", "01 00:00"),
        ("P-7", "02 06:00"),
    ]
