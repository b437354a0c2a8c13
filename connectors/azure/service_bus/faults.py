"""Translates the vendor's exceptions to our three errors."""

from collections.abc import Mapping
from typing import Final

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.servicebus._pyamqp._transport import UnexpectedFrame
from azure.servicebus._pyamqp.error import AMQPException, AuthenticationException
from azure.servicebus.exceptions import (
    MessageAlreadySettled,
    MessageLockLostError,
    MessageNotFoundError,
    MessageSizeExceededError,
    MessagingEntityAlreadyExistsError,
    MessagingEntityDisabledError,
    MessagingEntityNotFoundError,
    OperationTimeoutError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
    ServiceBusCommunicationError,
    ServiceBusConnectionError,
    ServiceBusQuotaExceededError,
    ServiceBusServerBusyError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable

SYSTEM: Final = "service_bus"
LIBRARY_ERRORS: Final = (AzureError, AMQPException, UnexpectedFrame, MessageAlreadySettled)
"""The roots of the client's own exceptions. Those of its AMQP part have no public name, and reach its caller too."""

MEANINGS: Final[Mapping[type[Exception], tuple[type[ConnectorError], str]]] = {
    ServiceBusAuthenticationError: (ActionRequired, "it does not accept our credentials"),
    ServiceBusAuthorizationError: (ActionRequired, "it does not let us listen there"),
    ClientAuthenticationError: (ActionRequired, "no identity of this machine could sign in"),
    MessagingEntityNotFoundError: (ActionRequired, "there is no such entity"),
    MessagingEntityDisabledError: (ActionRequired, "the entity is disabled"),
    ServiceBusConnectionError: (Unavailable, "nothing answers"),
    ServiceBusCommunicationError: (Unavailable, "nothing answers"),
    OperationTimeoutError: (Unavailable, "it did not answer in time"),
    ServiceBusServerBusyError: (Unavailable, "it is busy"),
    ServiceBusQuotaExceededError: (Unavailable, "its quota of connections or space is used up"),
    SessionCannotBeLockedError: (Unavailable, "the session is with another receiver"),
    SessionLockLostError: (Unavailable, "the lock on the session was lost"),
    MessageLockLostError: (Unavailable, "the lock on the message was lost"),
    MessageNotFoundError: (Refused, "there is no such message"),
    MessageSizeExceededError: (Refused, "the message is too large"),
    MessagingEntityAlreadyExistsError: (Refused, "the entity exists already"),
    MessageAlreadySettled: (Refused, "the message is settled already"),
    AuthenticationException: (ActionRequired, "it does not accept our credentials"),
    AMQPException: (Unavailable, "the connection failed"),
    UnexpectedFrame: (Unavailable, "the connection failed"),
    EOFError: (Unavailable, "the connection was cut"),
}
"""The vendor's exception types, each with our error and message."""


def translated(error: Exception, address: str, entity: str, operation: str) -> ConnectorError:
    """Our error for one of the vendor's. The message is ours, then the vendor's, then the address."""
    meaning, words = _meaning(error)
    where = f"{words}: {entity} at {address}"
    detail = str(error).strip().splitlines()[0][:300] if str(error).strip() else ""
    problem = f"{where} ({detail})" if detail else where
    if meaning is ActionRequired:
        return ActionRequired(problem, system=SYSTEM, operation=operation, field=entity)
    return meaning(problem, system=SYSTEM, operation=operation)


def _meaning(error: Exception) -> tuple[type[ConnectorError], str]:
    for kind in type(error).__mro__:
        if kind in MEANINGS:
            return MEANINGS[kind]
    # The client reports a refused connection, an unknown host or a broken pipe as its most general error.
    cause: BaseException | None = getattr(error, "inner_exception", None) or error.__cause__
    if isinstance(error, OSError) or isinstance(cause, OSError) or "Handler failed" in str(error):
        return Unavailable, "nothing answers"
    return (Unavailable, "it failed") if isinstance(error, AzureError) else (Refused, "the client refused the call")
