"""The fakes of the CMMS keep what the connectors keep, as far as it does not depend on a wire."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import httpx
import pytest

from domain.cmms import CmmsCapabilities, OrderQuery
from domain.open_work import OpenWork, OpenWorkQuery
from domain.ports import Cmms
from domain.work_orders import (
    ChangePage,
    CompletionReport,
    Escalation,
    FindingRole,
    OrderRejection,
    ReportedCode,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)
from millwright.connector_trial.behaviour import Behaviour
from millwright.connector_trial.behaviours import BEHAVIOURS
from tests.contract import test_cmms_contract as suite
from tests.contract.cmms_plant import EVERYTHING, CmmsPlant
from tests.contract.trial_of_plant import trial_of
from tests.support.fault_injected_cmms import FaultInjectedCmms
from tests.support.fault_injection import CallOutcome, Played
from tests.support.order_book import OrderBook
from tests.support.plant import TestClock
from tests.workflows.fake_plant import FakeCmms

T = TypeVar("T")
PLAYED: Sequence[Callable[[CmmsPlant], Awaitable[None]]] = (
    suite.test_opening_again_days_later_opens_once,
    suite.test_all_orders_of_an_asset_since_a_time_are_found_peoples_too,
    suite.test_an_order_that_people_deleted_is_deleted_and_not_merely_silent,
    suite.test_an_order_whose_key_people_took_off_is_followed_by_its_place,
    suite.test_an_order_that_carries_another_key_now_is_not_taken_for_the_cases,
    suite.test_an_order_that_waits_for_a_part_is_on_hold,
    suite.test_until_when_people_put_an_order_off_comes_back,
    suite.test_a_touched_order_is_not_withdrawn,
    suite.test_an_order_that_a_planner_cancelled_is_not_released,
    suite.test_why_people_rejected_an_order_comes_back,
    suite.test_a_note_is_added_once_and_never_taken_for_the_technicians,
    suite.test_a_note_added_from_several_processes_at_once_is_added_once,
    suite.test_what_the_technician_found_comes_back,
    suite.test_changes_come_oldest_first_with_none_left_out_and_then_an_empty_page,
    suite.test_a_change_in_the_moment_of_a_poll_is_in_the_next,
)
TRIED = frozenset(
    {
        "capabilities_agree_with_each_other",
        "an_order_is_read_back_as_created",
        "an_order_is_found_by_its_key",
        "an_order_is_found_by_its_asset_and_time",
        "creating_twice_makes_one_order",
        "two_drafts_make_two_orders",
        "eight_workers_make_one_order",
        "an_unknown_asset_needs_a_person",
        "a_title_of_300_characters_is_taken",
        "texts_beyond_every_limit_are_shortened",
        "a_released_draft_does_not_wait",
        "a_worse_fault_raises_its_order_in_place",
        "releasing_twice_releases_once",
        "an_untouched_order_is_withdrawn",
        "an_order_that_we_released_is_withdrawn",
        "a_withdrawn_order_is_not_released",
        "changes_leave_none_out",
        "a_change_after_a_poll_is_in_the_next",
    }
)
"""The behaviours of a trial that do not depend on a wire."""


class Uninterrupted:
    """A fault-injected CMMS of which every call succeeds."""

    def __init__(self, cmms: FaultInjectedCmms) -> None:
        self._cmms = cmms

    @property
    def capabilities(self) -> CmmsCapabilities:
        return self._cmms.capabilities

    async def check(self) -> str:
        return await self._cmms.check()

    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        return done(self._cmms.find_work_orders(query))

    async def find_open_work(self, query: OpenWorkQuery) -> OpenWork:
        return done(self._cmms.find_open_work(query))

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        return done(self._cmms.create_work_order(draft))

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        return done(self._cmms.read_work_order(ref))

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return done(self._cmms.release_work_order(ref, memo))

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return done(self._cmms.withdraw_work_order(ref, memo))

    async def escalate_work_order(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        return done(self._cmms.escalate_work_order(ref, escalation))

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        Played(self._cmms.add_note(ref, note_key, text)).play()

    async def changed_since(self, cursor: str | None) -> ChangePage:
        return done(self._cmms.changed_since(cursor))


def done(story: Coroutine[bool, CallOutcome, T]) -> T:
    played = Played(story)
    while not played.ended:
        played.play()
    if played.result is None:
        raise AssertionError("a call gave nothing")
    return played.result


class FakeCmmsPlant:
    """A fake with its people."""

    secrets: Sequence[str] = ()
    told = EVERYTHING
    names_fields = True
    host = "127.0.0.1"
    not_applicable: Mapping[str, str] = {}

    def __init__(self, fake: Callable[[TestClock, OrderBook], Cmms]) -> None:
        self._clock = TestClock()
        self._book = OrderBook(self._clock, assets=("M001-COMP1", "M002-COMP1"))
        self._cmms = fake(self._clock, self._book)
        self._numbers = 0
        self._clients: list[httpx.AsyncClient] = []

    def client(self) -> httpx.AsyncClient:
        self._clients.append(httpx.AsyncClient())
        return self._clients[-1]

    async def leave(self) -> None:
        for client in self._clients:
            await client.aclose()

    def connector(self, *, secret: str | None = None, http: httpx.AsyncClient | None = None) -> Cmms:
        del secret, http
        return self._cmms

    def draft(self, *, released: bool = False, asset: str = "M001-COMP1") -> WorkOrderDraft:
        self._numbers += 1
        return WorkOrderDraft(
            key=f"MW{self._numbers:08d}",
            asset="machine-1/comp1",
            asset_attributes={},
            asset_external_id=asset,
            summary="Voltage above its baseline",
            paragraphs=("Look at it.",),
            failure_mode="ELF",
            priority=2,
            released=released,
            reported_at=self._clock.now(),
        )

    def wait(self, time: timedelta) -> None:
        self._clock.time += time

    def misbehave(self, operation: str, kind: str, times: int = 1, **params: str | float) -> None:
        raise AssertionError(f"no behaviour here needs {kind} of {operation} {times} times, {params}")

    def orders_of(self, key: str) -> int:
        return len(self._book.find(OrderQuery(key=key)))

    async def notes(self, ref: WorkOrderRef) -> list[str]:
        return list(self._book.notes_on(ref))

    def approve(self, ref: WorkOrderRef) -> None:
        self._book.people_change(ref, WorkOrderStatus.APPROVED)

    def cancel(self, ref: WorkOrderRef) -> None:
        self._book.people_change(ref, WorkOrderStatus.CANCELLED)

    def reject(self, ref: WorkOrderRef, reason: str) -> str | None:
        self._book.people_change(ref, WorkOrderStatus.CANCELLED, rejection=OrderRejection(reason=reason, by="PLANNER"))
        return "PLANNER"

    def set_aside(self, ref: WorkOrderRef) -> None:
        self._book.people_change(ref, WorkOrderStatus.ON_HOLD)

    def put_off(self, ref: WorkOrderRef, day: str) -> timedelta:
        until = datetime.fromisoformat(day).replace(tzinfo=UTC)
        self._book.people_change(ref, WorkOrderStatus.ON_HOLD, put_off_until=until)
        return timedelta()

    def delete(self, ref: WorkOrderRef) -> None:
        self._book.people_delete(ref)

    def put_key(self, ref: WorkOrderRef, key: str | None) -> None:
        self._book.people_write_key(ref, key)

    async def people_open(self, asset: str) -> str:
        return self._book.people_open(asset).ref.id

    def complete(self, ref: WorkOrderRef, note: str) -> None:
        now = self._clock.now()
        codes = {FindingRole.PROBLEM: "OVERVOLT", FindingRole.CAUSE: "REGULATR", FindingRole.REMEDY: "REPLACE"}
        report = CompletionReport(
            codes=tuple(ReportedCode(role=role, group="ELEC", code=code) for role, code in codes.items()),
            started_at=now - timedelta(hours=2),
            finished_at=now,
            downtime=timedelta(hours=3),
            notes=(note,),
        )
        self._book.people_change(ref, WorkOrderStatus.COMPLETED, report)


def fault_injected(clock: TestClock, book: OrderBook) -> Cmms:
    return Uninterrupted(FaultInjectedCmms(clock, book))


@pytest.mark.parametrize("fake", [FakeCmms, fault_injected])
@pytest.mark.parametrize("behaviour", PLAYED, ids=lambda behaviour: behaviour.__name__.removeprefix("test_"))
async def test_a_fake_behaves_as_the_connectors_do(
    behaviour: Callable[[CmmsPlant], Awaitable[None]], fake: Callable[[TestClock, OrderBook], Cmms]
) -> None:
    await behaviour(FakeCmmsPlant(fake))


@pytest.mark.parametrize("fake", [FakeCmms, fault_injected])
@pytest.mark.parametrize("behaviour", [each for each in BEHAVIOURS if each.id in TRIED], ids=lambda each: each.id)
async def test_a_fake_keeps_the_behaviours_of_a_trial(
    behaviour: Behaviour, fake: Callable[[TestClock, OrderBook], Cmms]
) -> None:
    plant = FakeCmmsPlant(fake)
    trial = trial_of(plant)
    await behaviour.run(trial)
    assert await trial.clean_up(last=True) == ()
    await trial.close()
    await plant.leave()
