"""A worker: workflows, activities and the dispatcher, until it is asked to end."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from millwright.bootstrap import Storage, Systems, worker_activities
from millwright.settings import Settings
from millwright.temporal import TemporalEngine
from millwright.worker.dispatcher import Dispatcher
from workflows.connector_poll import ConnectorPoll
from workflows.line_watch import LineWatch
from workflows.maintenance_case import MaintenanceCase

log = logging.getLogger(__name__)

WORKFLOWS: Sequence[type] = (LineWatch, MaintenanceCase, ConnectorPoll)
_GRACE = timedelta(seconds=10)


async def run_worker(
    settings: Settings, storage: Storage, systems: Systems, client: Client, stop: asyncio.Event
) -> None:
    """Works until `stop` is set; then lets running activities end within a grace.

    Args:
        storage: where what was decided is kept.
        systems: the CMMS, MES and twins that activities act on.
        client: the engine.
        stop: set to end.
    """
    engine = TemporalEngine(client, settings.task_queue, settings.poll_interval)
    worker = Worker(
        client,
        task_queue=settings.task_queue,
        workflows=WORKFLOWS,
        activities=worker_activities(storage, systems, engine),
        graceful_shutdown_timeout=_GRACE,
        sticky_queue_schedule_to_start_timeout=settings.sticky_timeout,
    )
    dispatcher = Dispatcher(storage.engine, engine, storage.clock)
    async with worker:
        log.info("working on %s", settings.task_queue)
        dispatching = asyncio.create_task(dispatcher.run())
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait({dispatching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        dispatching.cancel()
        stopping.cancel()
        if dispatching in done:
            await dispatching
