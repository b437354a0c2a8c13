"""The contract of order leases, kept by the ones in PostgreSQL and by the ones that tests play cases with."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import cast

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.casework import LEASE_LASTS, OrderLeases
from domain.errors import Unavailable
from domain.work_orders import Touched, WorkOrderRecord, WorkOrderRef, WorkOrderStatus
from millwright.storage.cases.order_leases import OrderLeaseStore
from millwright.storage.database.engine import open_engine
from tests.support.hold_stores import FIRST, AtOnce, Bench, on
from tests.support.memory_leases import MemoryLeases
from tests.support.plant import START, TestClock


@dataclass
class Leases:
    """Leases, and the clock by which they end."""

    clock: TestClock
    store: OrderLeases


@pytest.fixture(params=["stored", "in memory"])
async def leases(request: pytest.FixtureRequest) -> AsyncIterator[Leases]:
    clock = TestClock(START)
    if request.param == "in memory":
        yield Leases(clock, cast(OrderLeases, AtOnce(MemoryLeases(clock))))
        return
    engine = open_engine(request.getfixturevalue("database_url"))
    yield Leases(clock, OrderLeaseStore(engine, clock))
    await engine.dispose()


async def test_while_a_lease_lasts_nobody_else_has_its_scope_not_even_its_own_owner(leases: Leases) -> None:
    first = await leases.store.acquire("odoo", "MW1", "MW1")
    assert first is not None
    assert await leases.store.acquire("odoo", "MW1", "MW1") is None
    assert await leases.store.acquire("odoo", "MW2", "MW2") is not None
    assert await leases.store.acquire("atlas", "MW1", "MW1") is not None


async def test_a_lease_that_ended_is_acquired_again_under_a_larger_number(leases: Leases) -> None:
    first = await leases.store.acquire("odoo", "MW1", "MW1")
    leases.clock.time += LEASE_LASTS
    second = await leases.store.acquire("odoo", "MW1", "MW1")
    assert first is not None
    assert second is not None
    assert second.number > first.number


async def test_a_lease_that_ends_later_than_any_that_we_give_keeps_nobody_out(database_url: str) -> None:
    engine = open_engine(database_url)
    store = OrderLeaseStore(engine, TestClock(START))
    assert await store.acquire("odoo", "MW1", "MW1") is not None
    async with engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE order_leases SET lease_until = '9999-01-01'")
    assert await store.acquire("odoo", "MW1", "MW1") is not None
    assert await store.acquire("odoo", "MW1", "MW1") is None
    await engine.dispose()


async def test_a_lease_that_was_given_back_is_free_at_once(leases: Leases) -> None:
    first = await leases.store.acquire("odoo", "MW1", "MW1")
    assert first is not None
    await leases.store.give_back(first)
    assert await leases.store.acquire("odoo", "MW1", "MW2") is not None


async def test_who_comes_too_late_gives_nothing_back(leases: Leases) -> None:
    first = await leases.store.acquire("odoo", "MW1", "MW1")
    assert first is not None
    leases.clock.time += LEASE_LASTS
    assert await leases.store.acquire("odoo", "MW1", "MW2") is not None
    await leases.store.give_back(first)
    assert await leases.store.acquire("odoo", "MW1", "MW3") is None


async def test_of_many_steps_at_once_one_has_the_lease(database_url: str) -> None:
    engine = open_engine(database_url)
    store = OrderLeaseStore(engine, TestClock(START))
    taken = await asyncio.gather(*(store.acquire("odoo", "MW1", f"MW{number}") for number in range(8)))
    await engine.dispose()
    assert sum(lease is not None for lease in taken) == 1


@pytest.fixture
async def bench(database_url: str) -> AsyncIterator[tuple[Bench, AsyncEngine]]:
    engine = open_engine(database_url)
    made = await on(engine)
    await made.open(FIRST, 1)
    yield made, engine
    await engine.dispose()


async def test_an_order_that_was_made_under_a_lease_of_others_by_now_is_not_recorded(
    bench: tuple[Bench, AsyncEngine],
) -> None:
    plant, engine = bench
    store = OrderLeaseStore(engine, plant.clock)
    first = await store.acquire("odoo", FIRST, FIRST)
    plant.clock.time += LEASE_LASTS
    second = await store.acquire("odoo", FIRST, FIRST)
    await plant.intended(FIRST)
    record = WorkOrderRecord(
        ref=WorkOrderRef(system="odoo", id="7", key=FIRST),
        status=WorkOrderStatus.APPROVED,
        vendor_status="new",
        changed_at=START,
        touched=Touched.NO,
    )
    with pytest.raises(Unavailable, match="ended before the order was recorded"):
        await plant.cases.record_order(FIRST, record, START, first)
    assert (await plant.cases.view(FIRST))[0].order is None
    await plant.cases.record_order(FIRST, record, START, second)
    assert (await plant.cases.view(FIRST))[0].order == record
