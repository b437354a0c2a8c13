"""A worker: workflows, activities and the dispatcher, until it is asked to end."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from enum import StrEnum

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Interceptor, UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from activities.line_judging import LinesJudgedHere
from millwright.bootstrap import Storage, Systems, worker_activities
from millwright.settings import Settings
from millwright.temporal import (
    TemporalEngine,
    case_queue,
    make_current_where_none_is,
    register_search_attributes,
)
from millwright.worker.attempts import Attempts
from millwright.worker.dispatcher import Dispatcher
from millwright.worker.policy_watch import PolicyWatch
from millwright.worker.precedence import Precedence
from millwright.worker.suppression_watch import SuppressionWatch
from workflows.connector_poll import ConnectorPoll
from workflows.line_watch import LineWatch
from workflows.maintenance_case import MaintenanceCase

log = logging.getLogger(__name__)

WORKFLOWS: Sequence[type] = (LineWatch, MaintenanceCase, ConnectorPoll)
_GRACE = timedelta(seconds=10)
_BEAT = timedelta(seconds=1)
_SLOTS = 1000
"""Activities at once: more than there are lines, each of which has one while events come. Their transactions share the
connections of the pool."""
_LOOK_AT_ENGINE = 2.0


class Work(StrEnum):
    """What a worker may be kept to."""

    JUDGING = "judging"
    CASES = "cases"


async def run_worker(
    settings: Settings,
    storage: Storage,
    systems: Systems,
    client: Client,
    stop: asyncio.Event,
    only: Work | None = None,
) -> None:
    """Works until `stop` is set; then lets running activities end within a grace.

    Cases have a queue of their own, and with it a share of the slots of their own: however many open at once, and
    however slow the systems that they speak with, the lines are judged. Only who judges dispatches.

    Args:
        storage: where what was decided is kept.
        systems: the CMMS, MES and twins that activities act on.
        client: the engine.
        stop: set to end.
        only: what this worker is kept to; both where it is not given.
    """
    engine = TemporalEngine(client, settings.task_queue, settings.poll_interval, settings.workflow_task_timeout)
    here = LinesJudgedHere()
    precedence = Precedence(lambda: here.busy)
    if systems.http is not None:
        systems.http.event_hooks = {"request": [precedence.before_request]}
    activities = worker_activities(
        storage,
        systems,
        engine,
        settings.hold_interval,
        here,
        engine.answers,
        precedence.turn,
    )
    attempts = Attempts()

    def worker(queue: str, workflows: Sequence[type], interceptors: Sequence[Interceptor]) -> Worker:
        return Worker(
            client,
            task_queue=queue,
            workflows=workflows,
            activities=activities,
            graceful_shutdown_timeout=_GRACE,
            sticky_queue_schedule_to_start_timeout=settings.sticky_timeout,
            interceptors=interceptors,
            # The sandbox looks for what is not deterministic; the tests of replay do that, once and not in each case.
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_heartbeat_throttle_interval=_BEAT,
            max_concurrent_activities=_SLOTS,
            deployment_config=_deployment(settings),
            # A pass goes to whoever is free, not to who ran the task: the line stays where it was judged.
            disable_eager_activity_execution=queue == settings.task_queue,
        )

    async with AsyncExitStack() as stack:
        running = {asyncio.create_task(keep_search_attributes(client))}
        if only is not Work.CASES:
            # Cases begun before they had a queue of their own go on here.
            await stack.enter_async_context(worker(settings.task_queue, WORKFLOWS, [attempts]))
            running.add(asyncio.create_task(Dispatcher(storage.engine, engine, storage.clock, here).run()))
            running.add(asyncio.create_task(PolicyWatch(storage).run()))
            running.add(asyncio.create_task(SuppressionWatch(storage.returning).run()))
        if only is not Work.JUDGING:
            await stack.enter_async_context(worker(case_queue(settings.task_queue), (MaintenanceCase,), [attempts]))
        log.info("working on %s", settings.task_queue)
        stopping = asyncio.create_task(stop.wait())
        if settings.worker_build is not None:
            running.add(asyncio.create_task(keep_current_build(client, settings.task_queue, settings.worker_build)))
        done, _ = await asyncio.wait({*running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (*running, stopping):
            task.cancel()
        for task in running & done:
            await task


def _deployment(settings: Settings) -> WorkerDeploymentConfig | None:
    """The build by which the engine tells workers apart, where one is named.

    Any build may go on with any case: one lives for weeks, and replay of its history is tested before a build is made.
    """
    if settings.worker_build is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=settings.task_queue, build_id=settings.worker_build),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


async def keep_current_build(client: Client, deployment: str, build: str) -> None:
    """Makes this build the current one wherever none is: else an engine that has lost its database would give no work
    to any build. Until cancelled."""
    while True:
        try:
            await make_current_where_none_is(client, deployment, build)
        except RPCError as error:
            log.debug("the engine's current build cannot be looked at: %s", error)
        await asyncio.sleep(_LOOK_AT_ENGINE)


async def keep_search_attributes(client: Client) -> None:
    """Makes the engine know our search attributes again, should it have lost its database: without them no case's
    workflow gets on. Until cancelled."""
    while True:
        await asyncio.sleep(_LOOK_AT_ENGINE)
        try:
            await register_search_attributes(client)
        except RPCError as error:
            log.debug("the engine's search attributes cannot be looked at: %s", error)
