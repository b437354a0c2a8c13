"""Checks the state of the workflow engine: missing search attributes, and missing workflows of open cases."""

from collections.abc import Sequence

from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from domain.keys import case_workflow_id
from millwright.workflow_engine.engine_errors import engine_errors
from workflows.maintenance_case import SEARCH_ATTRIBUTES

_RUNNING = "WorkflowType IN ('MaintenanceCase', 'maintenance-case') AND ExecutionStatus = 'Running'"
"""Workflows of cases, also those of earlier builds, which are restarted at their next wake."""


async def missing_search_attributes(client: Client) -> list[str]:
    """The search attributes that the engine does not have.

    Raises:
        ConnectorError: the engine does not answer, or does not let us ask.
    """
    with engine_errors("list-search-attributes"):
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace)
        )
    return sorted(key.name for key in SEARCH_ATTRIBUTES if key.name not in known.custom_attributes)


async def cases_without_workflow(client: Client, cases: Sequence[str]) -> list[str]:
    """The open cases without a running workflow.

    Raises:
        ConnectorError: the engine does not answer, or does not let us ask.
    """
    if not cases:
        return []
    with engine_errors("list-workflows"):
        running = {found.id async for found in client.list_workflows(_RUNNING)}
        # The engine's list lags behind; missing workflows are read by id.
        return [case for case in cases if case_workflow_id(case) not in running and not await _runs(client, case)]


async def _runs(client: Client, case: str) -> bool:
    try:
        found = await client.get_workflow_handle(case_workflow_id(case)).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return found.status is WorkflowExecutionStatus.RUNNING
