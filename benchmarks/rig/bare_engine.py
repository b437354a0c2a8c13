"""The bare engine: a workflow of three activities that do nothing, on the same server as the plant."""

import asyncio
import time
import uuid
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import Worker

_QUEUE = "bare"
_PATIENCE = timedelta(seconds=30)


@activity.defn(name="bare-nothing")
async def do_nothing() -> None:
    """Does nothing."""


@workflow.defn(name="bare-three", sandboxed=False)
class BareThree:
    """Three activities, one after another."""

    @workflow.run
    async def run(self) -> None:
        for _ in range(3):
            await workflow.execute_activity(do_nothing, start_to_close_timeout=_PATIENCE)


async def bare_workflows(address: str, count: int) -> tuple[float, list[float]]:
    """Workflows a second if all are started at once, and the seconds of each of 20 workflows that run alone."""
    client = await Client.connect(address)
    async with Worker(client, task_queue=_QUEUE, workflows=[BareThree], activities=[do_nothing]):
        await _one(client)
        began = time.monotonic()
        await asyncio.gather(*(_one(client) for _ in range(count)))
        rate = count / (time.monotonic() - began)
        alone = [await _one(client) for _ in range(20)]
    del client
    await asyncio.sleep(0.1)
    return rate, alone


async def _one(client: Client) -> float:
    began = time.monotonic()
    await client.execute_workflow(BareThree.run, id=f"bare-{uuid.uuid4()}", task_queue=_QUEUE)
    return time.monotonic() - began


async def line_history(address: str) -> dict[str, int]:
    """History events of the line watches so far, over all their runs, by workflow id."""
    client = await Client.connect(address)
    found: dict[str, int] = {}
    async for execution in client.list_workflows("WorkflowType = 'LineWatch'"):
        length = execution.history_length
        if execution.status is WorkflowExecutionStatus.RUNNING:
            # The engine's list has no history length of running workflows.
            length = (await client.get_workflow_handle(execution.id, run_id=execution.run_id).describe()).history_length
        found[execution.id] = found.get(execution.id, 0) + length
    del client
    await asyncio.sleep(0.1)
    return found
