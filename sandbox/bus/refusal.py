"""The refusals of the bus: an AMQP error condition, and the status of an answer of $management.

The conditions are those the client maps to exceptions (Service Bus AMQP protocol guide; AMQP 1.0, part 2, 2.8.15).
"""

from sandbox.bus.amqp_types import Described, Symbol, ULong

_ERROR_DESCRIPTOR = ULong(0x1D)


class Refusal(Exception):
    """A request the bus does not fulfil."""

    def __init__(self, condition: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.condition = condition
        self.description = description
        self.status = status

    def to_amqp(self) -> Described:
        """The error as AMQP's `error` type."""
        return Described(
            _ERROR_DESCRIPTOR, [Symbol(self.condition), self.description, {}]
        )  # the client reads all three


def entity_not_found(path: str) -> Refusal:
    return Refusal("amqp:not-found", f"The messaging entity '{path}' could not be found.", 404)


def message_not_found(sequence: int) -> Refusal:
    return Refusal("com.microsoft:message-not-found", f"There is no such message: {sequence}.", 404)


def message_lock_lost() -> Refusal:
    return Refusal(
        "com.microsoft:message-lock-lost",
        "The lock supplied is invalid. Either the lock expired, or the message has been settled already.",
        410,
    )


def session_lock_lost(session_id: str) -> Refusal:
    return Refusal("com.microsoft:session-lock-lost", f"The lock of session '{session_id}' has expired.", 410)


def session_taken(session_id: str) -> Refusal:
    return Refusal("com.microsoft:session-cannot-be-locked", f"Session '{session_id}' is locked.", 409)


def no_session_in_time() -> Refusal:
    return Refusal("com.microsoft:timeout", "No session became available within the time given.", 408)


def not_allowed(why: str) -> Refusal:
    return Refusal("amqp:not-allowed", why)


def not_implemented(operation: str) -> Refusal:
    return Refusal("amqp:not-implemented", f"The operation '{operation}' is not supported.", 501)


def invalid_field(why: str) -> Refusal:
    return Refusal("amqp:invalid-field", why)


def too_large(size: int, limit: int) -> Refusal:
    return Refusal(
        "amqp:link:message-size-exceeded",
        f"The received message (size {size} bytes) exceeds the limit of {limit} bytes of the link.",
    )


def server_busy(seconds: float) -> Refusal:
    return Refusal("com.microsoft:server-busy", f"The server is busy; try again in {seconds:g} seconds.", 503)


def internal_error() -> Refusal:
    return Refusal("amqp:internal-error", "The service could not process the request.", 500)
