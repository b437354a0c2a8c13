"""However events come - twice, late, in any batches - the final verdicts are the same, and so are the cases."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.judging import Judging
from domain.anomaly import Anomaly, Received
from domain.assets import Criticality, PlantRegister
from domain.judging import Assignment
from domain.verdict import Context, Rung
from millwright.bootstrap import StoredVersions
from millwright.storage.events.register import RegisterStore
from millwright.storage.judging.lines import LineStore
from policies.engine.catalogue import Catalogue
from policies.engine.judging import CompiledPolicy
from policies.evaluation.episodes import Ordering, episodes
from tests.support.arrivals import LATENESS, arrivals, messages, seen_events
from tests.support.judged_plant import Plant, judge_to_rest
from tests.support.memory_lines import MemoryLines
from tests.support.plant import LINE, PUMP, register
from tests.support.reversing_judge import ReversingJudge

CATALOGUE = Catalogue.published()
VERSIONS = [CATALOGUE.find("rotating-equipment", number) for number in ("1.0.0", "1.1.0")]
REARM = timedelta(hours=24)
LAWS = settings(
    max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
ON_THE_DATABASE = settings(LAWS, max_examples=20)
PARTS = 200


def lines() -> MemoryLines:
    context = Context(
        asset=PUMP, asset_class="pump", criticality=Criticality.B, machine="machine-001", line=LINE, codes=1
    )
    roles = [Assignment(v.digest, "active" if at else "shadow", LATENESS, REARM) for at, v in enumerate(VERSIONS)]
    return MemoryLines(roles, context)


async def judged(batches: Sequence[Sequence[Received]]) -> list[list[tuple[str, Rung, bytes]]]:
    """The final verdicts of both versions with the memories after them, in event order."""
    store = lines()
    judging = Judging(store, CATALOGUE)
    for batch in batches:
        store.take(batch)
        await judge_to_rest(judging)
    return [
        [
            (place, entry.verdict.rung, entry.memory_text)
            for place, entry in sorted(store.newest(version.digest).items())
        ]
        for version in VERSIONS
    ]


@LAWS
@given(data=st.data(), seen=seen_events())
async def test_no_order_of_arrival_within_lateness_changes_a_final_verdict(
    data: st.DataObject, seen: list[Anomaly]
) -> None:
    events = messages(seen)
    assert await judged(data.draw(arrivals(events))) == await judged([events])


@LAWS
@given(seen=seen_events(), again=st.lists(st.integers(0, 9), max_size=6))
async def test_whatever_comes_again_changes_no_verdict(seen: list[Anomaly], again: list[int]) -> None:
    events = messages(seen)
    store = lines()
    judging = Judging(store, CATALOGUE)
    for at, event in enumerate(events):
        store.take([event, *(events[back] for back in again if back < at)])
        await judge_to_rest(judging)
    assert all(entry.revision == 0 for entry in store.given)
    assert len(store.given) == len(VERSIONS) * len(events)


class Parts:
    """A plant with a fresh component for every drawn day, on one database."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self._next = 0
        judge = ReversingJudge()
        store = LineStore(plant.engine, plant.clock, StoredVersions(plant.catalogue))
        plant.judging = Judging(store, judge)

    def fresh(self) -> str:
        self._next += 1
        return f"part-{self._next:04d}"

    async def played(self, part: str, batches: Sequence[Sequence[Received]], *, closing: bool = False) -> None:
        """Takes the batches in turn; `closing` ends each case as soon as it is there."""
        for batch in batches:
            await self.plant.take(*batch)
            if closing:
                async with self.plant.engine.begin() as connection:
                    await connection.execute(
                        text("UPDATE cases SET closed_at = :now, closed_as = 'done' WHERE closed_at IS NULL"),
                        {"now": self.plant.clock.now()},
                    )
            self.plant.clock.time += timedelta(seconds=1)

    async def verdicts(self, part: str) -> list[tuple[object, ...]]:
        """The final verdicts of the active version that count: instant and rung."""
        return await self.plant.rows(
            "SELECT at, rung FROM (SELECT DISTINCT ON (event_id) event_id, at, rung FROM verdicts "
            "WHERE role = 'active' AND asset = :part AND memory <> '' ORDER BY event_id, revision DESC) v "
            "ORDER BY at, rung",
            part=part,
        )

    async def cases(self, part: str) -> list[tuple[object, ...]]:
        return await self.plant.rows(
            "SELECT rung, fed, withdraw IS NOT NULL FROM cases WHERE asset = :part ORDER BY event_at", part=part
        )


@pytest.fixture
async def parts(storage_engine: AsyncEngine) -> Parts:
    plant = Plant(storage_engine)
    await plant.prepare(more="")
    plain = register()
    pump = next(asset for asset in plain.assets if asset.id == PUMP)
    more = tuple(pump.model_copy(update={"id": f"part-{n:04d}"}) for n in range(1, PARTS))
    whole = PlantRegister(assets=(*plain.assets, *more), aliases=plain.aliases, observables=plain.observables)
    await RegisterStore(storage_engine, plant.clock).keep(whole, "tests")
    return Parts(plant)


@ON_THE_DATABASE
@given(data=st.data(), seen=seen_events())
async def test_a_case_stands_exactly_where_final_verdicts_ask_for_one(
    parts: Parts, data: st.DataObject, seen: list[Anomaly]
) -> None:
    """While a case is open it holds what the final verdicts say, whatever was said on the way."""
    part = parts.fresh()
    await parts.played(part, data.draw(arrivals(messages(seen, part))))
    asking = [Rung(int(str(rung))) for _, rung in await parts.verdicts(part) if int(str(rung)) >= Rung.INSPECT]
    standing = [(rung, fed) for rung, fed, withdrawn in await parts.cases(part) if not withdrawn]
    assert len(standing) == bool(asking)
    assert all(int(str(rung)) >= max(asking) and fed == len(asking) for rung, fed in standing)


@ON_THE_DATABASE
@given(seen=seen_events())
async def test_the_cases_that_were_opened_are_the_episodes_of_the_fold(parts: Parts, seen: list[Anomaly]) -> None:
    """However quickly cases are closed, each episode of ordering verdicts opens one, and no more."""
    part = parts.fresh()
    await parts.played(part, [[event] for event in messages(seen, part)], closing=True)
    orderings = [
        Ordering(version="", asset=part, failure_mode="PDE", at=at)
        for at, rung in await parts.verdicts(part)
        if int(str(rung)) >= Rung.DRAFT
    ]
    opened = [rung for rung, _, _ in await parts.cases(part) if int(str(rung)) >= Rung.DRAFT]
    assert len(opened) == len(episodes(orderings, REARM))


@ON_THE_DATABASE
@given(data=st.data(), seen=seen_events())
async def test_both_stores_give_the_same_verdicts(parts: Parts, data: st.DataObject, seen: list[Anomaly]) -> None:
    part = parts.fresh()
    batches = data.draw(arrivals(messages(seen, part)))
    await parts.played(part, batches)
    store = lines()
    judging = Judging(store, ReversingJudge())
    for batch in batches:
        store.take(batch)
        await judge_to_rest(judging)
    active = _active(VERSIONS)
    kept = [(entry.event.at, int(entry.verdict.rung)) for _, entry in sorted(store.newest(active.digest).items())]
    assert sorted(kept) == await parts.verdicts(part)


def _active(versions: Sequence[CompiledPolicy]) -> CompiledPolicy:
    return next(version for version in versions if version.document.version == "1.1.0")
