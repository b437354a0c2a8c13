"""Passes a person's decision to the workflow of its case."""

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
    """Sends a decision to the workflow of its case, and waits until it is recorded.

    Args:
        engine: the workflow engine, if it is connected.
        decision: the person's decision.
        wake: makes the case due, so that its workflow is started if it does not run.

    Raises:
        Problem: 409 if the workflow refuses it; 503 if the engine, the workers or the workflow do not answer.
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
        raise unavailable("the workflow engine does not answer; nothing was decided") from error


def _refused(error: WorkflowUpdateFailedError) -> Problem:
    cause: BaseException | None = error.cause
    # An activity's refusal is wrapped once more; the message is in the innermost error.
    while cause is not None and cause.__cause__ is not None:
        cause = cause.__cause__
    words = cause.message if isinstance(cause, ApplicationError) else str(cause or error)
    return Problem(HTTPStatus.CONFLICT, "refused", words)
