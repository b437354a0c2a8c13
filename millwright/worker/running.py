"""A worker: workflows, activities and the dispatcher, until it is asked to end."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from enum import StrEnum

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from activities.line_judging import LinesJudgedHere
from activities.orphan_holds import OrphanHolds
from domain.errors import ConnectorError
from domain.loops import repeat
from millwright.bootstrap import Activity, Storage, Systems, case_activities, line_activities
from millwright.settings import Settings
from millwright.storage.cases.orphan_holds import OrphanHoldStore
from millwright.worker.activity_interceptor import ActivityInterceptor
from millwright.worker.dispatcher import Dispatcher
from millwright.worker.hold_watch import HoldWatch
from millwright.worker.ledger_watch import LedgerWatch, head_places
from millwright.worker.policy_watch import PolicyWatch
from millwright.worker.suppression_watch import SuppressionWatch
from millwright.workflow_engine.temporal import TemporalEngine, make_current_where_none_is, register_search_attributes
from workflows.connector_poll import ConnectorPoll
from workflows.earlier_builds import EarlierConnectorPoll, EarlierLineWatch, EarlierMaintenanceCase
from workflows.line_watch import LineWatch
from workflows.maintenance_case import MaintenanceCase
from workflows.mes_call import MesCall
from workflows.options import ENDS_RUN
from workflows.queues import case_queue, cmms_queue, mes_queue
from workflows.walk_down import WalkDown

log = logging.getLogger(__name__)

WORKFLOWS: Sequence[type] = (LineWatch, MaintenanceCase, ConnectorPoll, WalkDown, MesCall)
EARLIER: Sequence[type] = (EarlierLineWatch, EarlierMaintenanceCase, EarlierConnectorPoll)
_GRACE = timedelta(seconds=10)
_BEAT = timedelta(seconds=1)
"""The minimum time between two heartbeats of an activity."""
_BEAT_OF_LINES = timedelta(seconds=5)
"""The same for a line, of which there may be many: the engine stores each heartbeat."""
_SLOTS = 1000
"""Maximum number of concurrent activities that use only storage. It must be larger than the number of lines, each of
which has one while events arrive. Their transactions share the connections of the pool."""
_POLLS = 5
"""Number of concurrent polls for activity tasks."""
_POLLS_FOR_LINES = 1
"""The same for lines, whose activities are few and long. A process that hangs still has open polls, and each may get a
line that is then not judged until the heartbeat timeout."""
CMMS_CALLS = 8
"""Maximum number of concurrent calls of one worker to one instance of a CMMS, so that it is not overloaded. The engine
starts the most urgent waiting call next."""
_MES_CALLS = 32
"""The same for an MES. It is larger, because calls that read the state of production share one reading and wait
together if the MES does not answer."""
_LOOK_AT_ENGINE = 2.0


class Work(StrEnum):
    """The work to which a worker may be limited."""

    JUDGING = "judging"
    CASES = "cases"


async def run_worker(
    settings: Settings,
    storage: Storage,
    systems: Systems | None,
    client: Client,
    stop: asyncio.Event,
    only: Work | None = None,
) -> None:
    """Works until `stop` is set; then lets running activities end within a grace period.

    Lines, cases, and each instance of a CMMS or MES have a separate queue and separate slots. So many open cases, or a
    slow system, delay neither the judging of lines nor calls to other systems. Only workers for lines dispatch.

    Args:
        storage: the stores.
        systems: the CMMS, MES and twins that the steps of cases call; None if the worker is limited to judging.
        client: the engine.
        stop: set to end.
        only: the work to which this worker is limited; default both.
    """
    queue = settings.task_queue
    engine = TemporalEngine(
        client, queue, settings.poll_interval, settings.operating_interval, settings.workflow_task_timeout
    )
    here = LinesJudgedHere()
    interceptor = ActivityInterceptor()

    def worker(
        queue: str,
        workflows: Sequence[type],
        activities: Sequence[Activity],
        slots: int = _SLOTS,
        polls: int = _POLLS,
        beat: timedelta = _BEAT,
    ) -> Worker:
        return Worker(
            client,
            task_queue=queue,
            workflows=workflows,
            activities=activities,
            graceful_shutdown_timeout=_GRACE,
            sticky_queue_schedule_to_start_timeout=settings.sticky_timeout,
            interceptors=[interceptor],
            workflow_failure_exception_types=ENDS_RUN,
            # The SDK's sandbox detects nondeterminism. The replay tests do that instead, once and not in each workflow.
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_heartbeat_throttle_interval=beat,
            max_concurrent_activities=slots,
            max_concurrent_activity_task_polls=polls,
            deployment_config=_deployment(settings),
            # Any free worker takes an activity, not the one that ran the workflow task: so a line stays with its
            # worker, and a system's calls are made in the order of their priority.
            disable_eager_activity_execution=True,
        )

    async with AsyncExitStack() as stack:
        running = {asyncio.create_task(keep_search_attributes(client))}
        if only is not Work.CASES:
            lines = line_activities(storage, here, engine.answers)
            watches = (LineWatch, ConnectorPoll, *EARLIER)
            await stack.enter_async_context(worker(queue, watches, lines, polls=_POLLS_FOR_LINES, beat=_BEAT_OF_LINES))
            running.add(asyncio.create_task(Dispatcher(storage.engine, engine, storage.clock, here).run()))
            running.add(asyncio.create_task(PolicyWatch(storage).run()))
            running.add(asyncio.create_task(SuppressionWatch(storage.suppression_end).run()))
        if only is not Work.JUDGING:
            places = head_places(settings, None if systems is None else systems.twins)
            running.add(asyncio.create_task(LedgerWatch(storage, settings.home, places).run()))
        if systems is not None and only is not Work.JUDGING:
            for system in systems.mes:
                await storage.operating.begin(system)
            record = OrphanHoldStore(storage.engine, storage.cases)
            orphans = OrphanHolds(record, systems.mes, storage.clock)
            running.add(asyncio.create_task(HoldWatch(orphans, record).run()))
            activities = case_activities(storage, systems, engine, settings)
            for each in (
                *(worker(cmms_queue(queue, system), (), activities.cmms, CMMS_CALLS) for system in systems.cmms),
                *(worker(mes_queue(queue, system), (), activities.mes, _MES_CALLS) for system in systems.mes),
                worker(
                    case_queue(queue), (MaintenanceCase, WalkDown, MesCall, EarlierMaintenanceCase), activities.cases
                ),
            ):
                await stack.enter_async_context(each)
        log.info("working on %s", queue)
        stopping = asyncio.create_task(stop.wait())
        if settings.worker_build is not None:
            running.add(asyncio.create_task(keep_current_build(client, queue, settings.worker_build)))
        done, _ = await asyncio.wait({*running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (*running, stopping):
            task.cancel()
        for task in running & done:
            await task


def _deployment(settings: Settings) -> WorkerDeploymentConfig | None:
    """The build of this worker for the engine's worker versioning, if the settings name one.

    Any build may continue any case, because a case lives for weeks. A run that does not fit the build fails, and is
    started again from storage.
    """
    if settings.worker_build is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=settings.task_queue, build_id=settings.worker_build),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


async def keep_current_build(client: Client, deployment: str, build: str) -> None:
    """Makes this build the current one if there is none, until cancelled. Otherwise an engine that has lost its
    database would give no work to any build."""

    async def look() -> None:
        try:
            await make_current_where_none_is(client, deployment, build)
        except ConnectorError as error:
            log.debug("the engine's current build cannot be looked at: %s", error)

    await repeat(look, every=_LOOK_AT_ENGINE)


async def keep_search_attributes(client: Client) -> None:
    """Registers our search attributes again if the engine has lost its database, until cancelled. Without them no
    workflow of a case can continue."""

    async def look() -> None:
        try:
            await register_search_attributes(client)
        except ConnectorError as error:
            log.debug("the engine's search attributes cannot be looked at: %s", error)

    await repeat(look, every=_LOOK_AT_ENGINE, delay_first=True)
