"""What the engine costs by the shape of a workflow: local activities alone, or a case's two calls on other queues.

Run as `python -m benchmarks.shapes`. The activities do nothing, so the difference is the price of ordinary activities:
of their tasks, of two more workflow tasks, and of the transactions that store these. The engine is the production
engine with a PostgreSQL of its own. The shapes take turns.
"""

import argparse
import asyncio
import os
import uuid
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

from benchmarks.rig.gauges import Gauges
from benchmarks.rig.machine import describe, spread
from benchmarks.rig.plant import RunningPlant, Size, running_plant

_QUEUE = "shapes"
_CALLS = ("shapes-mes", "shapes-cmms")
_LOCAL_STEPS = 5
_PATIENCE = timedelta(seconds=30)
_AT_ONCE = 25
_WARM = 20


@activity.defn(name="shape-nothing")
async def do_nothing() -> None:
    """Nothing."""


@workflow.defn(name="shape-local", sandboxed=False)
class LocalSteps:
    """Five local activities in one workflow task."""

    @workflow.run
    async def run(self) -> None:
        for _ in range(_LOCAL_STEPS):
            await workflow.execute_local_activity(do_nothing, start_to_close_timeout=_PATIENCE)


@workflow.defn(name="shape-two-calls", sandboxed=False)
class TwoCalls:
    """One local activity, and one ordinary activity on each of two other queues."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_local_activity(do_nothing, start_to_close_timeout=_PATIENCE)
        for queue in _CALLS:
            await workflow.execute_activity(do_nothing, task_queue=queue, start_to_close_timeout=_PATIENCE)


async def measure(options: argparse.Namespace) -> None:
    """Both shapes in turns on one engine."""
    found: dict[str, list[dict[str, float]]] = {LocalSteps.__name__: [], TwoCalls.__name__: []}
    async with running_plant(Size(100, 10, engine="production")) as plant:
        for line in describe(plant.database_url):
            print(line)
        client = await Client.connect(plant.engine)
        workflows = [LocalSteps, TwoCalls]
        async with (
            Worker(client, task_queue=_QUEUE, workflows=workflows, activities=[do_nothing]),
            Worker(client, task_queue=_CALLS[0], activities=[do_nothing]),
            Worker(client, task_queue=_CALLS[1], activities=[do_nothing]),
        ):
            for _ in range(options.runs):
                found[LocalSteps.__name__].append(await _cost(plant, client, LocalSteps, options.count))
                found[TwoCalls.__name__].append(await _cost(plant, client, TwoCalls, options.count))
    for shape, runs in found.items():
        for process in runs[0]:
            print(f"{shape}: {process} {spread([run[process] for run in runs], '{:.1f}')} ms of CPU a workflow")


async def _cost(
    plant: RunningPlant, client: Client, shape: type[LocalSteps] | type[TwoCalls], count: int
) -> dict[str, float]:
    """CPU milliseconds a workflow, by process; `worker` starts the workflows too."""
    await _run(client, shape, _WARM)
    gauges = Gauges({name: pid for name, pid in plant.pids.items() if "engine" in name} | {"worker": os.getpid()})
    gauges.begin()
    for done in range(0, count, _AT_ONCE):
        await _run(client, shape, min(_AT_ONCE, count - done))
    gauges.end()
    return {name: spent / count * 1000 for name, spent in gauges.cpu.items()}


async def _run(client: Client, shape: type[LocalSteps] | type[TwoCalls], count: int) -> None:
    started = (client.execute_workflow(shape.run, id=f"shape-{uuid.uuid4()}", task_queue=_QUEUE) for _ in range(count))
    await asyncio.gather(*started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each shape")
    parser.add_argument("--count", type=int, default=200, help="workflows in each run")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
