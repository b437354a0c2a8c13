"""Before the MES is called for a hold it is compared with the record: the release, the work, the machine, the job."""

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.holds import Holds
from activities.progress import CaseRef
from domain.assets import Criticality
from domain.cases import CaseView, Lane
from domain.errors import ActionRequired, ActRejected
from domain.holds import HoldStatus, Release
from domain.production import JobState
from domain.verdict import Urgency, UrgencyDecision
from millwright.bootstrap import Storage, StoredVersions, stores
from millwright.settings import CmmsSettings, MesSettings, Settings
from millwright.storage.database.engine import raw, transaction
from millwright.storage.events.register import RegisterStore
from millwright.storage.ledger import ledger
from policies.engine.catalogue import Catalogue
from tests.support.completed_work import ended, opened_case
from tests.support.held_machine import EQUIPMENT, held_machine
from tests.support.ingress import NOW
from tests.support.people import signed_release
from tests.support.plant import TestClock, register
from tests.support.walk_downs import prove
from tests.workflows.fake_mes import FakeMes
from tests.workflows.fake_plant import FakeTwins

_FORGED = (
    '{"by": "petra", "meaning": "people clear, locks and tags removed, ready to run", "reason": "ok", '
    '"at": "2026-01-01T00:00:00Z", "version": null, "signature": "00"}'
)


class Bench:
    """A machine of one case, with the step that holds and releases it."""

    def __init__(self, engine: AsyncEngine, database_url: str) -> None:
        self.engine = engine
        self.url = database_url
        self.clock = TestClock(NOW)
        settings = Settings(_env_file=None, cmms=CmmsSettings(connector="fake"), mes=MesSettings(connector="fake"))
        self.catalogue = Catalogue()
        self.storage: Storage = stores(engine, self.clock, StoredVersions(self.catalogue), settings)
        self.mes = FakeMes(self.clock, state=JobState.INTERRUPTED)
        self.twins = FakeTwins()
        self.case = ""
        cases, holds, mes = self.storage.cases, self.storage.holds, {"fake": self.mes}
        self.steps = Holds(cases, holds, mes, self.twins, self.catalogue, self.clock, timedelta(minutes=5))

    async def prepare(self) -> None:
        await RegisterStore(self.engine, self.clock).keep(register(Criticality.A), "tests")

    async def held(self, *, done: bool = True) -> None:
        """Holds the machine; where `done`, its work is done and its case waits for the release."""
        await self.prepare()
        self.case = await held_machine(self.storage, "fake")
        if done:
            await self.proposed()
            await ended(self.storage.cases, self.case)
            await self.storage.holds.mark_ready(self.case)

    async def proposed(self) -> None:
        urgency = UrgencyDecision(urgency=Urgency.NOW, rule="set", because="It is.", hold_at=NOW, work_at=NOW)
        await self.storage.cases.record_proposal(self.case, urgency, None)

    def alter(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.url, autocommit=True) as somebody:
            assert somebody.execute(statement.encode(), values).rowcount > 0

    async def release(self) -> CaseView:
        await self.steps.release_hold(CaseRef(case=self.case))
        return (await self.storage.cases.view(self.case))[0]

    async def chained(self, release: Release) -> None:
        """Records an approval as somebody does who writes to the database, with its row in the ledger."""
        now = self.clock.now()
        entry = ledger.Entry(now)
        detail: dict[str, object] = {"hold": self.case, "equipment": EQUIPMENT, "release": release}
        entry.add(ledger.act("hold-releasing", f"case/{self.case}", "millwright", now, detail))
        async with transaction(self.engine) as connection, (await raw(connection)).cursor() as cursor:
            await ledger.append_by(cursor, entry)
        self.alter("UPDATE holds SET state = 'releasing', release = %s", release.model_dump_json())


@pytest.fixture
def bench(storage_engine: AsyncEngine, database_url: str) -> Bench:
    return Bench(storage_engine, database_url)


def stopped(bench: Bench, view: CaseView, words: str) -> None:
    """The MES was told nothing, and the planner reads why."""
    assert (bench.mes.acts, bench.mes.state) == ([], JobState.INTERRUPTED)
    assert view.lane is Lane.PLANNER
    assert words in (view.waiting_for or "")


def by_nobody(bench: Bench) -> None:
    bench.alter(
        "UPDATE holds SET state = 'releasing', release = %s", _FORGED.replace("2026-01-01T00:00:00Z", NOW.isoformat())
    )


def work_undone(bench: Bench) -> None:
    by_nobody(bench)
    bench.alter("UPDATE cases SET closed_as = 'done', phase = 'awaiting_release'")
    bench.alter("UPDATE hold_claims SET ready_at = %s", NOW)


@pytest.mark.parametrize(("change", "done"), [(by_nobody, True), (work_undone, False)])
async def test_no_machine_runs_by_a_release_that_is_not_in_the_record(
    bench: Bench, change: Callable[[Bench], None], done: bool
) -> None:
    await bench.held(done=done)
    change(bench)
    stopped(bench, await bench.release(), f"nobody has released {EQUIPMENT} in the record")
    # Nobody is left with a release that nobody gave: it lapses, and production is asked.
    bench.clock.time += timedelta(minutes=16)
    await bench.release()
    assert bench.mes.acts == []
    hold = await bench.storage.holds.read(bench.case)
    assert hold is not None
    assert hold.state is HoldStatus.ASKED


async def test_a_release_that_was_altered_after_it_was_signed_is_not_carried_out(bench: Bench) -> None:
    await bench.held()
    await bench.storage.holds.approve_release(bench.case, signed_release(bench.case, EQUIPMENT, NOW))
    bench.alter("""UPDATE holds SET release = jsonb_set(release, '{reason}', '"another"')""")
    stopped(bench, await bench.release(), "is not the one in the record")


async def test_a_release_in_the_record_that_nobody_signed_is_not_carried_out(bench: Bench) -> None:
    await bench.held()
    forged = signed_release(bench.case, EQUIPMENT, NOW).model_copy(update={"signature": "00" * 64})
    await bench.chained(forged)
    stopped(bench, await bench.release(), "bears no signature of petra")


async def test_a_release_without_a_person_that_no_version_allows_is_not_carried_out(bench: Bench) -> None:
    await bench.held()
    view, _ = await bench.storage.cases.view(bench.case)
    by = f"policy {view.verdict.policy} {view.verdict.version}"
    await bench.chained(Release(by=by, meaning=None, reason="allowed", at=NOW, version=view.version))
    stopped(bench, await bench.release(), "no version allows the release of EQ-001 without a person")


async def test_a_release_that_an_earlier_build_left_unsigned_lapses(bench: Bench) -> None:
    await bench.held()
    await bench.chained(signed_release(bench.case, EQUIPMENT, NOW).model_copy(update={"signature": None}))
    view = await bench.release()
    assert (bench.mes.acts, view.lane) == ([], Lane.PRODUCTION)


async def test_a_release_is_refused_where_work_is_said_to_be_done_and_was_not(bench: Bench) -> None:
    await bench.held(done=False)
    bench.alter("UPDATE hold_claims SET ready_at = %s", NOW)
    with pytest.raises(ActRejected, match="whether their work is done, are not as recorded"):
        await bench.storage.holds.approve_release(bench.case, signed_release(bench.case, EQUIPMENT, NOW))


async def test_a_release_is_refused_where_a_case_is_said_to_be_closed_and_was_not(bench: Bench) -> None:
    await bench.held(done=False)
    bench.alter("UPDATE cases SET closed_as = 'done', phase = 'awaiting_release'")
    # The step believes the row, and records that the work is done.
    await bench.release()
    with pytest.raises(ActRejected, match=f"case {bench.case} is at work in the record"):
        await bench.storage.holds.approve_release(bench.case, signed_release(bench.case, EQUIPMENT, NOW))


async def test_a_signed_release_is_carried_out(bench: Bench) -> None:
    await bench.held()
    await bench.storage.holds.approve_release(bench.case, signed_release(bench.case, EQUIPMENT, NOW))
    await bench.release()
    assert bench.mes.acts == [f"release {bench.case}"]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE hold_placements SET plan = jsonb_set(plan, '{job}', '\"J-9\"')", "placement 1 of the hold on EQ-001"),
        ("UPDATE hold_placements SET plan = jsonb_set(plan, '{receiver}', '\"Press2\"')", "placement 1 of the hold on"),
        ("UPDATE holds SET equipment = 'EQ-OTHER'", "on another machine in the record than EQ-OTHER"),
        ("UPDATE holds SET system = 'other'", "on another machine in the record than EQ-001"),
    ],
)
async def test_no_job_is_read_or_released_by_an_altered_plan(bench: Bench, statement: str, words: str) -> None:
    await bench.held()
    await bench.storage.holds.approve_release(bench.case, signed_release(bench.case, EQUIPMENT, NOW))
    bench.alter(statement)
    stopped(bench, await bench.release(), words)
    with pytest.raises(ActionRequired, match="the MES is told nothing"):
        await bench.storage.holds.read(bench.case)


@pytest.mark.parametrize(
    ("statement", "back"),
    [
        ("UPDATE crosswalk SET external_id = 'EQ-OTHER' WHERE system = 'mes'",
         "UPDATE crosswalk SET external_id = 'EQ-001' WHERE system = 'mes'"),
        ("UPDATE crosswalk SET system = 'mes:other' WHERE system = 'mes'",
         "UPDATE crosswalk SET system = 'mes' WHERE system = 'mes:other'"),
        ("UPDATE cases SET machine = 'LINE-1'", "UPDATE cases SET machine = 'machine-001'"),
        ("UPDATE assets SET name = 'Machine 9' WHERE id = 'machine-001-comp1'",
         "UPDATE assets SET name = 'Machine 1 component 1' WHERE id = 'machine-001-comp1'"),
        ("UPDATE crosswalk SET external_id = 'machine-009' WHERE asset = 'machine-001' AND system = 'twin'",
         "UPDATE crosswalk SET external_id = 'machine-001' WHERE asset = 'machine-001' AND system = 'twin'"),
    ],
    ids=["name", "system", "machine", "asset", "twin"],
)  # fmt: skip
async def test_no_machine_is_held_by_an_altered_name(bench: Bench, statement: str, back: str) -> None:
    await bench.prepare()
    bench.mes.state = JobState.RUNNING
    bench.case = await opened_case(bench.storage)
    await prove(bench.storage.walk_downs, bench.clock.now(), "fake", bench.mes.target)
    bench.alter("UPDATE cases SET rung = 5")
    await bench.proposed()
    bench.alter(statement)
    await bench.steps.ensure_hold(CaseRef(case=bench.case))
    view, _ = await bench.storage.cases.view(bench.case)
    assert (bench.mes.acts, bench.twins.told, view.hold) == ([], {}, None)
    assert view.lane is Lane.PLANNER
    assert "in the record" in (view.waiting_for or "")
    bench.alter(back)
    bench.clock.time += timedelta(hours=2)
    await bench.steps.ensure_hold(CaseRef(case=bench.case))
    assert bench.mes.acts == [f"hold {bench.case}"]
    assert list(bench.twins.told) == ["machine-001"]


async def test_no_twin_is_told_of_a_hold_under_an_altered_name(bench: Bench) -> None:
    await bench.held(done=False)
    await bench.proposed()
    bench.alter("UPDATE crosswalk SET external_id = 'machine-009' WHERE asset = 'machine-001' AND system = 'twin'")
    await bench.steps.ensure_hold(CaseRef(case=bench.case))
    view, _ = await bench.storage.cases.view(bench.case)
    assert bench.twins.told == {}
    assert "is told of machine-009, and in the record the name there is machine-001" in (view.waiting_for or "")
