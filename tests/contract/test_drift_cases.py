"""A case on its storage and the sandbox's Maximo, altered behind our back in each way, and the nightly reconcile."""

from collections.abc import AsyncIterator
from datetime import time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.reconciling import ReconcileTerms, Reconciling
from domain.cases import ClosedAs
from domain.errors import ActionRequired, Unavailable
from domain.instances import SiteInstances
from domain.outcomes import Outcome, OutcomeClass, told_outcome
from domain.ports import Cmms
from domain.reconcile import ComparedPage, ReconcileRun
from domain.work_orders import ChangePage, CompletionReport, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from millwright.audit.verifying import verify
from millwright.storage.cases.changes import ChangeStore
from millwright.storage.cases.drift import DriftStore
from tests.contract.conftest import MaximoPlant
from tests.contract.ordered_case import MINUTES, OrderedCase, ordered_case, plant_on
from tests.support.plant import PUMP, TestClock
from tests.support.twin_writes import whole_write
from tests.workflows.fake_plant import FakeTwin, FakeTwins

DAY = timedelta(days=1)
TERMS = ReconcileTerms(time(2), ZoneInfo("UTC"), SiteInstances(otherwise="maximo"), timedelta(days=30), MINUTES, DAY)


class Reconciled:
    """A case with its order in Maximo, and a reconcile that goes on with each poll."""

    def __init__(self, case: OrderedCase[MaximoPlant]) -> None:
        self.case, self.site, self.plant = case, case.site, case.plant
        self.twins: FakeTwins = FakeTwins()
        self.store: DriftStore = DriftStore(case.plant.engine, case.plant.clock)
        self.requests = 0
        self.number = ""

    def connect(self) -> Cmms:
        """A connector whose requests are counted."""

        async def count(_request: httpx.Request) -> None:
            self.requests += 1

        client = self.site.client()
        client.event_hooks["request"].append(count)
        return self.site.connector(http=client)

    async def go_on(self, system: str = "maximo") -> timedelta | None:
        """What another worker does with a reconcile after a poll."""
        cases, clock = self.case.storage.cases, self.plant.clock
        return await Reconciling(self.store, cases, {"maximo": self.connect()}, self.twins, clock, TERMS).go_on(system)

    async def night(self) -> list[tuple[object, ...]]:
        """Polls and reconciles through the next night; gives the drift that is open after it, by kind and order."""
        self.pass_time(DAY)
        await self.case.polled()
        while await self.go_on() is not None:
            self.pass_time(timedelta(minutes=1))
        return await self.open()

    async def open(self) -> list[tuple[object, ...]]:
        return await self.plant.rows("SELECT kind, subject FROM drifts WHERE ended_at IS NULL ORDER BY id")

    async def ended(self) -> list[tuple[object, ...]]:
        return await self.plant.rows("SELECT kind, ours, theirs FROM drifts WHERE ended_at IS NOT NULL ORDER BY id")

    def pass_time(self, by: timedelta) -> None:
        self.plant.clock.time += by
        self.site.wait(by)

    async def missed(self) -> None:
        """A poll passes what changed, but the answers of the CMMS left it out."""
        [[cursor]] = await self.plant.rows("SELECT cursor FROM cursors WHERE system = 'maximo'")
        last, cmms = str(cursor), self.site.connector()
        while (page := await cmms.changed_since(last)).cursor != last:
            last = page.cursor
        await self.case.storage.changes.store_page("maximo", [], last)

    async def alter(self, statement: str, **values: object) -> None:
        async with self.plant.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def ours(self) -> WorkOrderRecord:
        return await self.case.order()

    async def copy(self, key: str) -> str:
        """Somebody copies an order with its key, or our own program of another installation makes one."""
        number = await self.site.people_open("M001-COMP1")
        self.site._server.edit(number, {"externalrefid": key, "description_longdescription": key}, by="PLANNER")
        return number


@pytest.fixture
async def reconciled(storage_engine: AsyncEngine, tmp_path: Path) -> AsyncIterator[Reconciled]:
    plant = await plant_on(storage_engine)
    maximo = MaximoPlant(tmp_path)
    maximo.clock.set(plant.clock.now())
    await maximo.start()
    case = await ordered_case(plant, maximo, "maximo", maximo.connector)
    made = Reconciled(case)
    view = await case.ensure()
    assert view.order is not None
    made.number = view.order.ref.id
    assert await made.night() == []
    yield made
    await maximo.stop()


async def test_where_all_agree_a_night_lists_nothing_and_changes_nothing(reconciled: Reconciled) -> None:
    before = await reconciled.plant.rows("SELECT count(*) FROM acts")
    assert await reconciled.night() == []
    assert await reconciled.ended() == []
    assert await reconciled.plant.rows("SELECT count(*) FROM acts") == before
    assert await reconciled.plant.rows("SELECT count(*), count(finished_at) FROM reconcile_runs") == [(2, 2)]


async def test_a_completion_that_a_poll_missed_is_read_again_listed_as_ended_and_wakes_its_case(
    reconciled: Reconciled,
) -> None:
    await complete(reconciled)
    await reconciled.missed()
    await reconciled.alter("UPDATE due SET due_at = NULL")
    assert await reconciled.night() == []
    assert await reconciled.ended() == [("status_differs", "waiting_approval", "completed")]
    found = await reconciled.ours()
    assert found.status is WorkOrderStatus.COMPLETED
    assert found.report is not None
    due = "SELECT due_at IS NOT NULL FROM due WHERE subject = 'case/' || :case"
    assert await reconciled.plant.rows(due, case=reconciled.case.case) == [(True,)]
    assert (await verify(reconciled.plant.engine, catalogue=reconciled.plant.catalogue)).findings == ()


async def test_an_order_that_people_deleted_is_found_once_its_reading_is_overdue(reconciled: Reconciled) -> None:
    reconciled.site.delete((await reconciled.ours()).ref)
    assert await reconciled.night() == []
    assert await reconciled.ended() == [("status_differs", "waiting_approval", "deleted")]
    assert (await reconciled.ours()).status is WorkOrderStatus.DELETED


async def test_a_second_order_with_the_key_is_listed_until_somebody_cancels_it(reconciled: Reconciled) -> None:
    copy = await reconciled.copy(reconciled.case.case)
    assert await reconciled.night() == [("double_order", copy)]
    assert await reconciled.night() == [("double_order", copy)]
    reconciled.site._server.change_status(copy, "CAN", "a copy", by="PLANNER")
    assert await reconciled.night() == []
    theirs = f"order {copy} with key {reconciled.case.case} is waiting_approval too"
    assert await reconciled.ended() == [("double_order", f"order {reconciled.number} of maximo", theirs)]


async def test_a_second_order_is_one_no_more_once_the_key_is_taken_off_it(reconciled: Reconciled) -> None:
    copy = await reconciled.copy(reconciled.case.case)
    assert await reconciled.night() == [("double_order", copy)]
    reconciled.site._server.edit(copy, {"externalrefid": None, "description_longdescription": ""}, by="PLANNER")
    assert await reconciled.night() == []


async def test_an_order_of_no_case_is_listed(reconciled: Reconciled) -> None:
    stranger = await reconciled.copy("MW22222222")
    assert await reconciled.night() == [("unknown_order", stranger)]
    reconciled.site._server.delete(stranger)
    assert await reconciled.night() == []


async def test_an_order_that_bears_another_key_now_is_listed_until_its_own_is_back(reconciled: Reconciled) -> None:
    order = await reconciled.ours()
    reconciled.site.put_key(order.ref, "MW33333333")
    assert set(await reconciled.night()) == {("key_differs", order.ref.id), ("not_read", order.ref.id)}
    reconciled.site.put_key(order.ref, reconciled.case.case)
    assert await reconciled.night() == []


async def test_an_order_that_was_moved_to_another_asset_is_listed_with_both(reconciled: Reconciled) -> None:
    order = await reconciled.ours()
    reconciled.site._server.edit(order.ref.id, {"assetnum": "M002-COMP1"}, by="PLANNER")
    reconciled.site.approve(order.ref)
    assert await reconciled.night() == [("asset_differs", reconciled.number)]
    listed = await reconciled.plant.rows("SELECT ours, theirs, case_id FROM drifts WHERE ended_at IS NULL")
    assert listed == [("M001-COMP1", "M002-COMP1", reconciled.case.case)]
    reconciled.site._server.edit(order.ref.id, {"assetnum": "M001-COMP1"}, by="PLANNER")
    assert await reconciled.night() == []


async def complete(reconciled: Reconciled) -> None:
    """The planner approves the order, and the technician completes it."""
    order = await reconciled.ours()
    reconciled.site.approve(order.ref)
    reconciled.site.complete(order.ref, "Regulator burnt.")


async def finish(reconciled: Reconciled) -> None:
    """The work was completed, the twin was told, and the case is closed."""
    await complete(reconciled)
    view = await reconciled.case.polled()
    assert view.order is not None
    cases, case = reconciled.case.storage.cases, reconciled.case.case
    now, report = reconciled.plant.clock.now(), CompletionReport()
    found = OutcomeClass.CONFIRMED
    await cases.record_outcome(Outcome(case=case, outcome=found, cancelled=False, found_at=now, report=report))
    etag = await reconciled.twins.patch_twin(PUMP, said := told_outcome(case, found, cancelled=False))
    await cases.record_twin_update(case, whole_write(etag, PUMP, **said), found)
    await cases.close(case, ClosedAs.DONE)


async def test_a_twin_that_says_something_else_than_the_last_outcome_is_listed_until_it_agrees(
    reconciled: Reconciled,
) -> None:
    await finish(reconciled)
    assert await reconciled.night() == []
    told = reconciled.twins.told[PUMP]
    reconciled.twins.told[PUMP] = {**told, "lastOutcome": "nothing_found"}
    assert await reconciled.night() == [("twin_differs", PUMP)]
    reconciled.twins.told[PUMP] = told
    assert await reconciled.night() == []
    assert await reconciled.ended() == [("twin_differs", "lastOutcome=confirmed", "lastOutcome=nothing_found")]


class SilentTwins(FakeTwins):
    """Twins that do not answer."""

    async def read_twin(self, twin: str) -> FakeTwin:
        raise Unavailable("503", system="digital_twins", operation="read-twin", key=twin)


async def test_twins_that_do_not_answer_keep_a_reconcile_from_its_end_and_it_goes_on(reconciled: Reconciled) -> None:
    await finish(reconciled)
    twins, reconciled.twins = reconciled.twins, SilentTwins()
    reconciled.pass_time(DAY)
    await reconciled.case.polled()
    assert await reconciled.go_on() == timedelta(minutes=5)
    problem = "SELECT stage, problem, finished_at FROM reconcile_runs ORDER BY started_at DESC LIMIT 1"
    [(stage, words, finished)] = await reconciled.plant.rows(problem)
    assert (stage, finished) == ("twins", None)
    assert words
    reconciled.twins = twins
    reconciled.pass_time(timedelta(minutes=4))
    assert await reconciled.go_on() == timedelta(minutes=1)
    reconciled.pass_time(timedelta(minutes=1))
    assert await reconciled.go_on() is None
    [(_, words, finished)] = await reconciled.plant.rows(problem)
    assert words is None
    assert finished


class Killed(BaseException):
    """The process was killed."""


class CutStore(DriftStore):
    """A store whose process is killed after so many pages."""

    pages = 0

    async def keep(self, run: ReconcileRun, compared: ComparedPage) -> None:
        await super().keep(run, compared)
        self.pages -= 1
        if self.pages == 0:
            raise Killed


@pytest.mark.parametrize("pages", range(1, 8))
async def test_a_reconcile_that_is_cut_after_any_page_goes_on_there(reconciled: Reconciled, pages: int) -> None:
    strangers = [await reconciled.copy(f"MW2222222{letter}") for letter in "ABCDEFGHIJ"]
    await complete(reconciled)
    await reconciled.missed()
    reconciled.pass_time(DAY)
    reconciled.store = cut = CutStore(reconciled.plant.engine, reconciled.plant.clock)
    cut.pages = pages
    with pytest.raises(Killed):
        await reconciled.go_on()
    while await reconciled.go_on() is not None:
        reconciled.pass_time(timedelta(minutes=1))
    assert sorted(await reconciled.open()) == sorted(("unknown_order", number) for number in strangers)
    assert await reconciled.ended() == [("status_differs", "waiting_approval", "completed")]
    assert await reconciled.plant.rows("SELECT count(*), count(finished_at) FROM reconcile_runs") == [(2, 2)]


async def test_hints_that_stop_while_polls_find_changes_are_listed(reconciled: Reconciled) -> None:
    await reconciled.case.storage.changes.hinted("maximo")
    reconciled.pass_time(3 * DAY)
    for letter in "ABC":
        reconciled.site._server.delete(await reconciled.copy(f"MW2222222{letter}"))
    for letter in "ABC":
        await reconciled.copy(f"MW2222222{letter}")
    kinds = {kind for kind, _ in await reconciled.night()}
    assert kinds == {"hints_stopped", "unknown_order"}
    await reconciled.case.storage.changes.hinted("maximo")
    assert "hints_stopped" not in {kind for kind, _ in await reconciled.night()}


async def test_a_reconcile_that_is_asked_for_begins_at_once_and_once(reconciled: Reconciled) -> None:
    assert await reconciled.go_on() is None
    assert not await reconciled.store.run_now("maximo", TERMS.window)
    reconciled.pass_time(timedelta(minutes=1))
    assert await reconciled.store.run_now("maximo", TERMS.window)
    assert not await reconciled.store.run_now("maximo", TERMS.window)
    due = "SELECT due_at <= :now FROM due WHERE subject = 'poll/maximo'"
    assert await reconciled.plant.rows(due, now=reconciled.plant.clock.now()) == [(True,)]
    assert await reconciled.go_on() is None
    assert await reconciled.plant.rows("SELECT count(*), count(finished_at) FROM reconcile_runs") == [(2, 2)]


_MANY = 5_000
_PAGE = 200
_MORE_CASES = """
WITH many AS (INSERT INTO cases SELECT (jsonb_populate_record(c, jsonb_build_object('id', 'MW' || lpad(n::text, 8, '0'),
    'asset', 'a' || n))).* FROM cases c, generate_series(1, :many) n RETURNING id)
INSERT INTO work_orders SELECT (jsonb_populate_record(w, jsonb_build_object('case_id', m.id, 'external_id', m.id,
    'status', 'approved', 'record', jsonb_set(jsonb_set(jsonb_set(w.record, '{ref,key}', to_jsonb(m.id)),
        '{ref,id}', to_jsonb(m.id)), '{ref,locator}', to_jsonb(m.id))))).* FROM work_orders w, many m
"""


class ManyOrders:
    """A CMMS with many orders, all as they are known, that counts what it is asked."""

    def __init__(self, records: list[WorkOrderRecord]) -> None:
        self.records = records
        self.asked = 0

    async def changed_since(self, cursor: str | None) -> ChangePage:
        self.asked += 1
        start = 0 if cursor is None else int(cursor)
        page = self.records[start : start + _PAGE]
        return ChangePage(records=tuple(page), cursor=str(start + len(page)))

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        raise NotImplementedError(ref)


async def test_five_thousand_orders_take_a_request_for_each_page_two_a_minute_at_most(
    reconciled: Reconciled,
) -> None:
    await reconciled.alter(_MORE_CASES, many=_MANY)
    await reconciled.alter("UPDATE reconcile_runs SET poll_cursor = NULL")
    rows = await reconciled.plant.rows("SELECT record FROM work_orders ORDER BY case_id")
    records = [WorkOrderRecord.model_validate(record) for [record] in rows]
    odd = records[7].model_copy(update={"ref": records[7].ref.model_copy(update={"id": "X", "locator": "X"})})
    cmms = ManyOrders([*records, odd])
    reconciled.pass_time(timedelta(hours=22))
    await reconciled.alter("UPDATE work_orders SET read_at = :now", now=reconciled.plant.clock.now())
    cases, clock = reconciled.case.storage.cases, reconciled.plant.clock
    named = {"maximo": cast(Cmms, cmms)}
    reconciling = Reconciling(reconciled.store, cases, named, reconciled.twins, clock, TERMS)
    passes = [0]
    while await reconciling.go_on("maximo") is not None:
        passes.append(cmms.asked)
        # A hint makes the poll come again at once.
        assert await reconciling.go_on("maximo") == timedelta(minutes=1)
        assert cmms.asked == passes[-1]
        reconciled.pass_time(timedelta(minutes=1))
    pages = -(-len(cmms.records) // _PAGE) + 1
    assert cmms.asked == pages
    assert max(after - before for before, after in pairwise(passes)) <= 2
    assert await reconciled.open() == [("double_order", "X")]
    run = "SELECT orders FROM reconcile_runs ORDER BY started_at DESC LIMIT 1"
    assert await reconciled.plant.rows(run) == [(len(cmms.records),)]


class Unsubscribed:
    """A CMMS without orders that has deleted a subscription of ours."""

    async def changed_since(self, cursor: str | None) -> ChangePage:
        return ChangePage(records=(), cursor=cursor or "")

    async def check_webhooks(self) -> str:
        raise ActionRequired("subscription 7 is gone", system="maximo", operation="check-webhooks")


async def test_a_subscription_that_is_gone_is_listed(reconciled: Reconciled) -> None:
    reconciled.pass_time(DAY)
    await reconciled.alter("UPDATE work_orders SET read_at = :now", now=reconciled.plant.clock.now())
    named = {"maximo": cast(Cmms, Unsubscribed())}
    cases, clock = reconciled.case.storage.cases, reconciled.plant.clock
    reconciling = Reconciling(reconciled.store, cases, named, reconciled.twins, clock, TERMS)
    assert await reconciling.go_on("maximo") is None
    assert await reconciled.open() == [("webhooks_stopped", "maximo")]
    assert await reconciled.night() == []


async def test_a_reconcile_begins_where_the_poll_stood_a_window_ago_or_at_the_first_one(
    storage_engine: AsyncEngine,
) -> None:
    clock, window = TestClock(), timedelta(days=2)
    store, began = DriftStore(storage_engine, clock), []
    for night in range(5):
        await ChangeStore(storage_engine, clock).store_page("odoo", [], f"cursor {night}")
        run = await store.current_run("odoo", clock.now(), window)
        assert run is not None
        began.append(run.position)
        await store.keep(run.model_copy(update={"finished_at": clock.now()}), ComparedPage())
        clock.time += DAY
    assert began == [None, "cursor 0", "cursor 0", "cursor 1", "cursor 2"]
