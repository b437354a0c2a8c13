"""An engine update never loses or changes a verdict: the audit agrees, or names the difference and both engines."""

from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.judging import Judging
from domain.anomaly import Anomaly
from domain.engines import EngineMark
from domain.verdict import Context, Memory, Verdict
from millwright.audit.questions.answer import Asked
from millwright.audit.questions.asking import ask
from millwright.audit.verifying import verify
from millwright.bootstrap import StoredVersions
from millwright.storage.judging.lines import LineStore
from policies.engine.catalogue import Catalogue
from policies.engine.engine_mark import engine_mark
from tests.support.judged_plant import Plant
from tests.support.plant import code, deviation

OLD = EngineMark(digest="a" * 64, build="0.0.9", python="3.11.0")


class OlderEngine(Catalogue):
    """An engine that counted priorities from another end."""

    def judge(self, version: str, memory: Memory, anomaly: Anomaly, context: Context) -> tuple[Verdict, Memory]:
        verdict, after = super().judge(version, memory, anomaly, context)
        return verdict.model_copy(update={"priority": verdict.priority + 10}), after


def judged_by(plant: Plant, judge: Catalogue, mark: EngineMark) -> None:
    """From here on, another engine gives the verdicts."""
    lines = LineStore(plant.engine, plant.clock, StoredVersions(plant.catalogue), lambda: mark)
    # The store compiles into the plant's own catalogue, so a judge of another class shares what is compiled there.
    judge._versions = plant.catalogue._versions
    plant.judging = Judging(lines, judge)


@pytest.fixture
async def plant(storage_engine: AsyncEngine) -> Plant:
    plant = Plant(storage_engine)
    await plant.prepare()
    return plant


async def test_an_engine_that_took_over_and_judges_alike_is_told_beside_the_one_before(plant: Plant) -> None:
    judged_by(plant, Catalogue(), OLD)
    await plant.take(deviation(1))
    await plant.take(deviation(2))
    judged_by(plant, Catalogue(), engine_mark())
    await plant.take(deviation(3), code(3.5))
    report = await verify(plant.engine)
    assert report.verified
    assert [(judged.engine, judged.stored, judged.reproduced) for judged in report.made_by] == [
        (OLD.digest, 4, 4),
        (engine_mark().digest, 4, 4),
    ]


async def test_one_act_tells_of_each_engine_and_nothing_more_is_written(plant: Plant) -> None:
    for _ in range(3):
        judged_by(plant, Catalogue(), OLD)
        await plant.take(deviation(1))
    rows = await plant.rows("SELECT kind, subject, actor FROM acts WHERE kind = 'engine-took-over'")
    assert rows == [("engine-took-over", f"engine/{OLD.digest}", "worker")]


async def test_a_verdict_of_a_different_engine_stays_and_the_difference_is_named_with_both_engines(
    plant: Plant,
) -> None:
    judged_by(plant, OlderEngine(), OLD)
    await plant.take(deviation(1, external_id="old"))
    stored = await plant.rows("SELECT body, digest FROM verdicts ORDER BY id")
    judged_by(plant, Catalogue(), engine_mark())
    await plant.take(deviation(2, external_id="new"))
    report = await verify(plant.engine)
    differing = [finding for finding in report.findings if finding.kind == "verdict-differs"]
    assert [finding.where.rsplit(" ", 1)[1] for finding in differing] == ["tests|old", "tests|old"]
    both = f"(made by engine {OLD.digest[:12]}, made again by engine {engine_mark().digest[:12]})"
    assert all("priority" in finding.what and finding.what.endswith(both) for finding in differing)
    assert len(differing) == report.found
    assert [(judged.stored, judged.reproduced) for judged in report.made_by] == [(2, 0), (2, 2)]
    assert (await plant.rows("SELECT body, digest FROM verdicts ORDER BY id"))[: len(stored)] == stored


async def test_one_decision_of_a_different_engine_made_again_says_so(plant: Plant) -> None:
    judged_by(plant, OlderEngine(), OLD)
    await plant.take(deviation(1, external_id="old"))
    answer = await ask(
        plant.engine, Catalogue(), "remade", Asked(now=plant.clock.now(), ref="tests|old"), ZoneInfo("UTC")
    )
    told = answer.rows[0].model_dump()
    assert (told["made_by"], told["remade_by"], told["same"]) == (OLD.digest, engine_mark().digest, False)
    assert told["again"] != told["digest"]
    assert "priority" in told["why"]


async def test_verdicts_older_than_the_record_of_engines_are_counted_apart(plant: Plant) -> None:
    await plant.take(deviation(1))
    [count] = (await verify(plant.engine)).made_by
    assert (count.engine, count.stored, count.reproduced) == (None, 2, 2)
    assert count.name == "an engine of before engines were recorded"
