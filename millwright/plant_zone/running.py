"""The worker in the plant's zone, until it is asked to end."""

import asyncio
import logging
from datetime import timedelta
from typing import Final

from temporalio.client import Client
from temporalio.worker import Worker

from activities.mes_calls import MesCalls
from domain.clock import Clock, WallClock
from domain.ports import Mes
from millwright.workflow_engine.engine_errors import engine_errors
from workflows.queues import plant_zone_queue

log = logging.getLogger(__name__)

_GRACE: Final = timedelta(seconds=10)
_CALLS: Final = 32
"""Maximum number of concurrent calls of one worker to the MES, as for one that does not stand apart."""


async def run_plant_zone(
    client: Client, task_queue: str, system: str, mes: Mes, clock: Clock, stop: asyncio.Event
) -> None:
    """Makes the calls to one MES until `stop` is set; then lets running ones end within a grace period.

    Several workers may run for one instance.

    Args:
        client: a client of the engine that encrypts.
        task_queue: the queue of the installation's settings.
        system: the id of the MES instance.
        mes: its connector.
        clock: the plant's time.
        stop: set to end.

    Raises:
        ConnectorError: the engine does not let it work.
    """
    queue = plant_zone_queue(task_queue, system)
    with engine_errors("work"):
        async with Worker(
            client,
            task_queue=queue,
            activities=[MesCalls(mes, system, clock, WallClock()).call_mes],
            graceful_shutdown_timeout=_GRACE,
            max_concurrent_activities=_CALLS,
        ):
            log.info("making the calls to MES %s, from queue %s", system, queue)
            await stop.wait()
