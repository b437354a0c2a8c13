"""The engine keeps the calls to each system apart, and gives the most urgent first."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import Priority
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from domain.anomaly import Received
from domain.assets import Criticality
from domain.cases import CaseView
from domain.loops import wait_until
from millwright.settings import Settings
from millwright.worker import running
from millwright.workflow_engine.temporal import engine_client
from tests.support.engine_process import answering, engine_process
from tests.support.plant import MOTOR, PUMP, code, deviation
from tests.workflows.fake_plant import FakePlant

_WAITING = 30
_PATIENCE = timedelta(seconds=60)
_KEYS = [key for key in (5, 4, 3, 2, 1) for _ in range(_WAITING // 5)]
"""The least urgent come first."""


@workflow.defn(sandboxed=False)
class Caller:
    """Has a call made by each of many."""

    @workflow.run
    async def run(self, keys: list[int]) -> None:
        await asyncio.gather(
            *(
                workflow.execute_activity(
                    "call",
                    key,
                    task_queue="one-slot",
                    start_to_close_timeout=_PATIENCE,
                    priority=Priority(priority_key=key),
                )
                for key in keys
            )
        )


async def _order_of_calls(client: Client, keys: Sequence[int]) -> list[int]:
    """The keys in the order in which one slot took what had waited for it."""
    called: list[int] = []

    @activity.defn(name="call")
    async def call(key: int) -> None:
        called.append(key)

    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue="callers", workflows=[Caller], workflow_runner=runner):
        handle = await client.start_workflow(Caller.run, list(keys), id="caller", task_queue="callers")
        while len((await handle.describe()).raw_description.pending_activities) < len(keys):  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.05)
        async with Worker(client, task_queue="one-slot", activities=[call], max_concurrent_activities=1):
            await handle.result()
    return called


async def _order_in(home: Path, *without: str) -> list[int]:
    """The same, on an engine of its own that has some settings off."""
    with engine_process(home, *without) as (_, address):
        async with engine_client(Settings(), await answering(address)) as client:
            return await _order_of_calls(client, _KEYS)


async def test_of_thirty_calls_that_wait_for_one_slot_the_most_urgent_go_first(tmp_path: Path) -> None:
    called = await _order_in(tmp_path)
    # What the slot took before all had come is the server's own.
    assert called[1:] == sorted(called[1:])


async def test_without_its_settings_the_engine_gives_them_as_they_came(tmp_path: Path) -> None:
    called = await _order_in(tmp_path, "matching.useNewMatcher", "matching.enableFairness")
    assert called[1:] != sorted(called[1:])


async def test_a_cmms_that_does_not_answer_keeps_no_line_and_no_machine_waiting(
    engine: Client, storage_engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every slot of the CMMS is taken; events are judged and the MES is asked as before."""
    monkeypatch.setattr(running, "CMMS_CALLS", 1)
    async with FakePlant(engine, storage_engine, "test-silent-cmms") as plant:
        await plant.use(Criticality.A)
        plant.cmms.answers.clear()
        async with asyncio.timeout(30):
            await _judged(plant, code(1), deviation(2))
            await _until(plant, lambda cases: [case.asset.id for case in cases if case.hold is not None] == [PUMP])
            codes = [code(1, name, asset=MOTOR) for name in ("error2", "error3")]
            await _judged(plant, *codes, deviation(2, asset=MOTOR))
            await _until(plant, lambda cases: [case.urgency is not None for case in cases] == [True, True])
        assert plant.cmms.orders == {}
        plant.cmms.answers.set()
        await plant.at_rest()
        assert len(plant.cmms.orders) == 2


async def _judged(plant: FakePlant, *items: Received) -> None:
    """Receives events and waits until they are judged."""
    await plant.storage.inbox.store(items, plant.clock.now())
    await wait_until(plant.storage.inbox.counts, lambda counts: not counts.get("undecided"), every=0.02)


async def _until(plant: FakePlant, hold: Callable[[Sequence[CaseView]], bool]) -> None:
    await wait_until(plant.cases, hold, every=0.02)
