"""The client of the workflow engine, and the wake signals."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeWorkerDeploymentRequest,
    DescribeWorkflowExecutionResponse,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter
from temporalio.service import RPCError, RPCStatusCode

from activities.progress import CaseRef
from activities.walk_downs import WalkDownRef
from domain.errors import ConnectorError
from domain.keys import mes_in
from domain.model import Model
from millwright.settings import Settings
from millwright.workflow_engine.encryption import tls_of
from millwright.workflow_engine.engine_errors import engine_errors
from workflows.connector_poll import Poll
from workflows.line_watch import Line
from workflows.maintenance_case import SEARCH_ATTRIBUTES
from workflows.queues import case_queue

log = logging.getLogger(__name__)

_RPC_TIMEOUT = timedelta(seconds=10)


@asynccontextmanager
async def engine_client(
    settings: Settings, address: str, *, lazy: bool = False, converter: DataConverter = pydantic_data_converter
) -> AsyncIterator[Client]:
    """A client of the workflow engine, within the block.

    Args:
        converter: converts what crosses the engine.
        lazy: connects at the first call, for processes that can also work without the engine.

    Raises:
        Rejected: the settings of its encryption are wrong.
        ConnectorError: nothing answers there, or it refuses us, or has no such namespace.
    """
    tls = tls_of(settings)
    with engine_errors(f"connect to {address}"):
        client = await Client.connect(
            address,
            namespace=settings.temporal_namespace,
            api_key=settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None,
            tls=tls,
            lazy=lazy,
            data_converter=converter,
        )
        if not lazy:
            # A server greets a client without a key too, and refuses each call after that.
            namespace = DescribeNamespaceRequest(namespace=client.namespace)
            await client.workflow_service.describe_namespace(namespace, timeout=_RPC_TIMEOUT)
    try:
        yield client
    finally:
        del client
        # A process whose loop ends right after its client died crashed in one of three runs (temporalio 1.20-1.35):
        # the SDK's own threads still hold the loop. A breath lets them go.
        await asyncio.sleep(0.1)


async def register_search_attributes(client: Client) -> None:
    """Registers the search attributes of cases; existing ones are kept.

    Raises:
        ConnectorError: the engine does not answer, or refuses.
    """
    with engine_errors("register-search-attributes"):
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
        missing = {
            key.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
            for key in SEARCH_ATTRIBUTES
            if key.name not in known.custom_attributes
        }
        if not missing:
            return
        try:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                raise


async def make_current_where_none_is(client: Client, deployment: str, build: str) -> None:
    """Makes a build the current one of its deployment, unless another one is.

    Raises:
        ConnectorError: the engine does not answer, or does not know the build yet.
    """
    with engine_errors("make-build-current"):
        described = await client.workflow_service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=deployment)
        )
        if not described.worker_deployment_info.routing_config.current_deployment_version.build_id:
            await client.workflow_service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace=client.namespace,
                    deployment_name=deployment,
                    build_id=build,
                    # If two builds do this at once, the engine refuses one.
                    conflict_token=described.conflict_token,
                    identity=client.identity,
                )
            )


_HEALTH_TIMEOUT = timedelta(seconds=2)
_EARLIER = {
    "LineWatch": ("line-watch",),
    "MaintenanceCase": ("maintenance-case",),
    "ConnectorPoll": ("connector-poll",),
    "WalkDown": (),
}
"""The workflow types of earlier builds, which workers of this build end."""


def cannot_go_on(found: DescribeWorkflowExecutionResponse) -> bool:
    """Whether a run of ours that several signals did not move gets no further by itself: its task fails, it is pinned
    to workers that may not be there, or one of its activities is paused. To end it is harmless: storage has all that a
    new run needs."""
    return (
        # The engine counts the attempts anew after each signal, so there are never many.
        found.pending_workflow_task.attempt > 1
        or found.workflow_execution_info.versioning_info.HasField("versioning_override")
        or any(activity.paused for activity in found.pending_activities)
    )


async def engine_answers(client: Client) -> bool:
    """Whether the engine answers within two seconds."""
    try:
        with engine_errors("check-health"):
            return await client.service_client.check_health(timeout=_HEALTH_TIMEOUT)
    except ConnectorError:
        return False


class TemporalEngine:
    """See `domain.ports.WorkflowEngine`.

    Args:
        client: the engine's client.
        task_queue: the queue of workers for lines; cases have a separate queue.
        poll_interval: the interval of the polls of a CMMS.
        operating_interval: the interval of the polls of an MES.
        task_timeout: the workflow task timeout, after which the engine gives the task to another worker.
    """

    def __init__(
        self,
        client: Client,
        task_queue: str,
        poll_interval: timedelta,
        operating_interval: timedelta,
        task_timeout: timedelta,
    ) -> None:
        self._client = client
        self._queue = task_queue
        self._poll_interval = poll_interval
        self._operating_interval = operating_interval
        self._task_timeout = task_timeout

    async def wake(self, subjects: Sequence[str], unanswered: Collection[str] = ()) -> None:
        waking = [self._wake(subject, look=subject in unanswered) for subject in subjects]
        results = await asyncio.gather(*waking, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _wake(self, subject: str, *, look: bool) -> None:
        workflow, argument, queue = self._workflow_of(subject)
        conflict = WorkflowIDConflictPolicy.USE_EXISTING
        with engine_errors("wake"):
            if look and await self._runs_something_else(subject):
                conflict = WorkflowIDConflictPolicy.TERMINATE_EXISTING
            await self._client.start_workflow(
                workflow,
                argument,
                id=subject,
                task_queue=queue,
                task_timeout=self._task_timeout,
                start_signal="wake",
                rpc_timeout=_RPC_TIMEOUT,
                id_conflict_policy=conflict,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            )

    async def _runs_something_else(self, subject: str) -> bool:
        """Whether a workflow runs under the subject's id that no worker of ours works on, or that cannot go on."""
        try:
            found = await self._client.get_workflow_handle(subject).describe(rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        own, _, queue = self._workflow_of(subject)
        ours = {(own, queue), *((earlier, each) for earlier in _EARLIER[own] for each in (self._queue, queue))}
        if found.status is not WorkflowExecutionStatus.RUNNING:
            return False
        if (found.workflow_type, found.task_queue) in ours and not cannot_go_on(found.raw_description):
            return False
        log.warning(
            "%s stays due, and a workflow %r on task queue %r that does not go on runs under its id: it is ended, and "
            "%s is started",
            subject,
            found.workflow_type,
            found.task_queue,
            own,
        )
        return True

    async def answers(self) -> bool:
        """Whether the engine answers within two seconds."""
        return await engine_answers(self._client)

    def _workflow_of(self, subject: str) -> tuple[str, Model, str]:
        """The wire name, input and queue of a subject's workflow; its id is the subject."""
        kind, _, name = subject.partition("/")
        if kind == "line":
            return "LineWatch", Line(line=name), self._queue
        if kind == "case":
            return "MaintenanceCase", CaseRef(case=name), case_queue(self._queue)
        if kind == "poll":
            interval = self._poll_interval if mes_in(name) is None else self._operating_interval
            return "ConnectorPoll", Poll(system=name, interval=interval), self._queue
        if kind == "walk-down":
            return "WalkDown", WalkDownRef(walk_down=name), case_queue(self._queue)
        raise ValueError(f"{subject!r} names no workflow: line/…, case/…, poll/… or walk-down/…")
