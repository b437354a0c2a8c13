"""A worker: workflows, activities and the dispatcher, until it is asked to end."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from millwright.bootstrap import Storage, Systems, worker_activities
from millwright.settings import Settings
from millwright.temporal import TemporalEngine, register_search_attributes
from millwright.worker.attempts import Attempts
from millwright.worker.dispatcher import Dispatcher
from workflows.connector_poll import ConnectorPoll
from workflows.line_watch import LineWatch
from workflows.maintenance_case import MaintenanceCase

log = logging.getLogger(__name__)

WORKFLOWS: Sequence[type] = (LineWatch, MaintenanceCase, ConnectorPoll)
_GRACE = timedelta(seconds=10)
_BEAT = timedelta(seconds=1)
_LOOK_AT_ENGINE = 2.0


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
    engine = TemporalEngine(client, settings.task_queue, settings.poll_interval, settings.workflow_task_timeout)
    worker = Worker(
        client,
        task_queue=settings.task_queue,
        workflows=WORKFLOWS,
        activities=worker_activities(storage, systems, engine),
        graceful_shutdown_timeout=_GRACE,
        sticky_queue_schedule_to_start_timeout=settings.sticky_timeout,
        interceptors=[Attempts()],
        max_heartbeat_throttle_interval=_BEAT,
    )
    dispatcher = Dispatcher(storage.engine, engine, storage.clock)
    async with worker:
        log.info("working on %s", settings.task_queue)
        dispatching = asyncio.create_task(dispatcher.run())
        teaching = asyncio.create_task(keep_search_attributes(client))
        stopping = asyncio.create_task(stop.wait())
        running = {dispatching, teaching}
        done, _ = await asyncio.wait({*running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (*running, stopping):
            task.cancel()
        for task in running & done:
            await task


async def keep_search_attributes(client: Client) -> None:
    """Makes the engine know our search attributes again, should it have lost its database: without them no case's
    workflow gets on. Until cancelled."""
    while True:
        await asyncio.sleep(_LOOK_AT_ENGINE)
        try:
            await register_search_attributes(client)
        except RPCError as error:
            log.debug("the engine's search attributes cannot be looked at: %s", error)
