"""A person's decision on its way to the workflow of its case."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.proposals import DecideCase
from domain.keys import case_workflow_id
from millwright.api.problems import Problem, unavailable

_PATIENCE = timedelta(seconds=10)
_UPDATE = "decide"


async def decide(engine: Client | None, decision: DecideCase, wake: Callable[[], Awaitable[None]]) -> None:
    """Gives a decision to the workflow of its case, and waits until it is recorded.

    Args:
        engine: the workflow engine, where it is connected.
        decision: what the person said.
        wake: makes the case due, so that a workflow that does not run begins.

    Raises:
        Problem: 409 where the workflow refuses it; 503 where the engine, the workers or the workflow are away.
    """
    if engine is None:
        raise unavailable("the workflow engine is not connected; nothing was decided")
    handle = engine.get_workflow_handle(case_workflow_id(decision.case))
    try:
        await handle.execute_update(_UPDATE, decision, rpc_timeout=_PATIENCE)
    except WorkflowUpdateFailedError as error:
        raise _refused(error) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        raise unavailable("no worker answered in time; look at the case before deciding again") from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            await wake()
            raise unavailable("the case is not at work in the engine yet; nothing was decided: decide again") from error
        raise unavailable("the workflow engine is away for the moment; nothing was decided") from error


def _refused(error: WorkflowUpdateFailedError) -> Problem:
    cause: BaseException | None = error.cause
    # An activity's refusal comes wrapped once more; the words are in the innermost.
    while cause is not None and cause.__cause__ is not None:
        cause = cause.__cause__
    words = cause.message if isinstance(cause, ApplicationError) else str(cause or error)
    return Problem(HTTPStatus.CONFLICT, "refused", words)
