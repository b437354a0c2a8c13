"""What is on disk is taken up again by the next process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from asyncua import Client

from sandbox.faults import Faults
from sandbox.jobcontrol import JobControlServer

if TYPE_CHECKING:
    from tests.sandbox.jobcontrol.conftest import Mes, TestClock

EQUIPMENT: Sequence[tuple[int, str, str]] = tuple((n, f"EQ-{n:03d}", "LINE-1") for n in range(1, 7))


async def opened(make: type[Mes], directory: Path, clock: TestClock) -> Mes:
    server = JobControlServer(directory, clock, EQUIPMENT)
    await server.start()
    mes = make(server, clock, Faults(), Client(server.url))
    await mes.connect()
    return mes


async def closed(mes: Mes) -> None:
    await mes.client.disconnect()
    await mes.server.stop()


async def seen(mes: Mes) -> list[tuple[object, ...]]:
    """The list but for remaining quantities, which a start counts afresh."""
    rows = [(row.JobOrder, row.State) for row in await mes.rows()]
    return [(order.JobOrderID, order.StartTime, order.EndTime, state) for order, state in rows]


async def test_holds_jobs_and_orders_are_as_they_were(mes_class: type[Mes], tmp_path: Path, clock: TestClock) -> None:
    first = await opened(mes_class, tmp_path, clock)
    held, passing = await first.job_in(3), await first.job_in(3)
    await first.call("Pause", passing, "MW-1")
    await first.pass_time(minutes=30)
    await first.call("Resume", passing)
    await first.call("Pause", held, "MW-2")
    await first.call("Abort", await first.job_in(3))
    await first.call("StoreAndStart", first.order("MINE", "EQ-002"))
    before, holds = await seen(first), first.server.holds()
    await closed(first)

    second = await opened(mes_class, tmp_path, clock)
    assert await seen(second) == before
    assert second.server.holds() == holds
    await second.pass_time(days=2)
    assert await second.state(held) == 4
    assert await second.call("Resume", held) == 1
    assert second.server.holds()[-1].released == clock.now()
    await closed(second)


async def test_time_that_passed_while_it_was_away_is_caught_up(
    mes_class: type[Mes], tmp_path: Path, clock: TestClock
) -> None:
    first = await opened(mes_class, tmp_path, clock)
    job = await first.job_in(3)
    await closed(first)
    clock.time += timedelta(days=20)
    second = await opened(mes_class, tmp_path, clock)
    assert job not in [row.JobOrder.JobOrderID for row in await second.rows()]
    await closed(second)


async def test_the_same_server_listens_again_on_its_port(
    mes_class: type[Mes], tmp_path: Path, clock: TestClock
) -> None:
    mes = await opened(mes_class, tmp_path, clock)
    port, rows = mes.server.port, await seen(mes)
    await closed(mes)
    await mes.server.start()
    assert mes.server.port == port
    await mes.connect()
    assert await seen(mes) == rows
    await closed(mes)


async def test_a_plant_of_another_seed_is_not_taken_up(tmp_path: Path, clock: TestClock) -> None:
    server = JobControlServer(tmp_path, clock, EQUIPMENT, seed=1)
    await server.start()
    await server.stop()
    with pytest.raises(ValueError, match="seed"):
        JobControlServer(tmp_path, clock, EQUIPMENT, seed=2)
