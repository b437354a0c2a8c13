"""What a call of the workflow engine's client raises, as our own errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from temporalio.client import RPCTimeoutOrCancelledError
from temporalio.exceptions import TemporalError
from temporalio.service import RPCError, RPCStatusCode

from connectors.library_errors import PLAIN_ERRORS
from domain.errors import ActionRequired, Refused, Unavailable

_SYSTEM: Final = "temporal"
_PASSES: Final = frozenset(
    {
        RPCStatusCode.ABORTED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.DATA_LOSS,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.OUT_OF_RANGE,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.UNKNOWN,
    }
)
"""The codes that the SDK itself tries again, and those of a call that was given up."""
_REFUSED: Final = re.compile(r'code: "?(?:PermissionDenied|Unauthenticated)"?, message: "([^"]*)"')
"""A refusal while the client connects. The SDK has it as the text of a RuntimeError only."""


@contextmanager
def engine_errors(operation: str) -> Iterator[None]:
    """Translates whatever the client raises within the block.

    Args:
        operation: what the engine is asked, for the error's text.

    Raises:
        Unavailable: the engine does not answer, or not now.
        ActionRequired: it answers, and refuses: a right, a namespace or a key is missing, or a limit was reached.
        Refused: the client cannot ask this, or cannot read the answer.
    """
    try:
        yield
    except RPCError as error:
        kind = Unavailable if error.status in _PASSES else ActionRequired
        raise kind(error.message, system=_SYSTEM, operation=operation) from error
    except (OSError, RuntimeError, RPCTimeoutOrCancelledError) as error:
        refused = _REFUSED.search(str(error))
        if refused is not None:
            raise ActionRequired(
                f"the engine refuses our API key or certificate: {refused[1]}", system=_SYSTEM, operation=operation
            ) from error
        # A client that was never connected connects at its first call, and raises a RuntimeError where nothing answers.
        raise Unavailable(_words(error), system=_SYSTEM, operation=operation) from error
    except (TemporalError, *PLAIN_ERRORS) as error:
        raise Refused(_words(error), system=_SYSTEM, operation=operation) from error


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
