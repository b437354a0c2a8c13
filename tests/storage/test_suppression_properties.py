"""However shelves, returns and events follow each other, no verdict that would act is lost without a record."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.judging import Judging
from domain.anomaly import Anomaly
from domain.assets import PlantRegister
from domain.errors import ActRejected
from domain.suppression import shelving_limits
from millwright.bootstrap import StoredVersions
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.storage.events.register import RegisterStore
from millwright.storage.judging.lines import LineStore
from millwright.storage.suppression.suppressions import PlannedWindow, SuppressionStore
from tests.support.arrivals import arrivals, messages, seen_events
from tests.support.judged_plant import Plant
from tests.support.plant import PUMP, START, register
from tests.support.reversing_judge import ReversingJudge

PARTS = 200
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["shelve", "shelve mode", "unshelve", "window", "wait", "wait", "return"]),
        st.sampled_from([1, 4, 9, 26, 60]),
    ),
    max_size=3,
)
# Of what was asked for last: held back still, and by which of all that it was held back by it should be.
_STANDING = """
SELECT v.event_id, v.at, v.rung, (SELECT n.how FROM suppressed n WHERE n.event_id = v.event_id
    AND n.version = v.version ORDER BY n.id DESC LIMIT 1) = 'held_back' AS held,
    EXISTS (SELECT FROM suppressed u JOIN suppressions s ON s.id = u.suppression WHERE u.event_id = v.event_id
        AND u.version = v.version AND v.at >= s.from_at AND v.at < s.end_at - interval '24 hours') AS rightly
FROM (SELECT DISTINCT ON (event_id, version) * FROM verdicts WHERE role = 'active' AND asset = :part AND memory <> ''
    ORDER BY event_id, version, revision DESC) v WHERE v.rung >= 2 ORDER BY v.event_id
"""


class Shelved:
    """A plant with a fresh component for every drawn day, each shelved and returned in turn."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        versions = StoredVersions(plant.catalogue)
        store = LineStore(plant.engine, plant.clock, versions)
        plant.judging = Judging(store, ReversingJudge())
        limits = shelving_limits("A=P9D,B=P9D,C=P9D,D=P9D")
        self.store = SuppressionStore(plant.engine, plant.clock, limits, timedelta(days=14))
        self.suppression_end = SuppressionEnd(plant.engine, plant.clock, versions)
        self._next = 0

    def fresh(self) -> str:
        self._next += 1
        self.plant.clock.time = START
        return f"part-{self._next:04d}"

    async def step(self, part: str, what: str, hours: int) -> None:
        """One thing that people or time do; what is refused did not happen."""
        length = timedelta(hours=hours)
        now = self.plant.clock.time
        try:
            match what:
                case "shelve" | "shelve mode":
                    await self.store.shelve(part, "PDE" if what == "shelve mode" else None, length, "ines", "drawn")
                case "window":
                    begin = now - timedelta(hours=5)
                    planned = PlannedWindow(
                        asset=part, from_at=begin, until_at=begin + length, reason="drawn", source=f"{part} {hours}"
                    )
                    await self.store.keep_windows([planned], "mona")
                case "unshelve":
                    await self.store.end(await self.store.live(part), "olaf", "drawn")
                case "return":
                    await self.suppression_end.return_due()
                case _:
                    self.plant.clock.time = now + length
        except ActRejected:
            pass


@pytest.fixture
async def shelved(storage_engine: AsyncEngine) -> Shelved:
    plant = Plant(storage_engine)
    await plant.prepare(more="")
    plain = register()
    pump = next(asset for asset in plain.assets if asset.id == PUMP)
    more = tuple(pump.model_copy(update={"id": f"part-{n:04d}"}) for n in range(1, PARTS))
    whole = PlantRegister(assets=(*plain.assets, *more), aliases=plain.aliases, observables=plain.observables)
    await RegisterStore(storage_engine, plant.clock).keep(whole, "tests")
    return Shelved(plant)


@settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data(), seen=seen_events())
async def test_no_verdict_that_would_act_is_lost_without_a_record(
    shelved: Shelved, data: st.DataObject, seen: list[Anomaly]
) -> None:
    part = shelved.fresh()
    for batch in data.draw(arrivals(messages(seen, part))):
        for what, hours in data.draw(STEPS):
            await shelved.step(part, what, hours)
        await shelved.plant.take(*batch)
    shelved.plant.clock.time += timedelta(days=30)
    await shelved.suppression_end.return_due()

    asking = await shelved.plant.rows(_STANDING, part=part)
    acting = [int(str(rung)) for _, _, rung, held, _ in asking if not held]
    cases = await shelved.plant.rows("SELECT rung, fed FROM cases WHERE asset = :part AND withdraw IS NULL", part=part)
    assert all(rightly for _, _, _, held, rightly in asking if held), "only what is older than rearm stays held back"
    assert len(cases) == bool(acting), "each fault with a recent verdict has one case"
    assert all(int(str(rung)) >= max(acting) and fed == len(acting) for rung, fed in cases)
    acts = await shelved.plant.rows(
        "SELECT count(*) FROM acts a JOIN suppressed u ON a.subject = 'event/' || u.event_id "
        "AND a.body::json -> 'detail' ->> 'suppression' = u.suppression "
        "AND (a.body::json -> 'detail' ->> 'revision')::int = u.revision AND u.how = 'held_back' "
        "WHERE a.kind = 'action-suppressed' AND u.asset = :part",
        part=part,
    )
    assert acts == await shelved.plant.rows(
        "SELECT count(*) FROM suppressed WHERE how = 'held_back' AND asset = :part", part=part
    )
