"""The operations of an entity's `$management` node (Service Bus AMQP request-response operations).

Requests and answers are maps. Rules, transactions and scheduling through a transfer queue are not among them.
"""

from collections.abc import Callable
from typing import Final, NamedTuple
from uuid import UUID

from sandbox.bus.amqp_types import Array, Int, Timestamp
from sandbox.bus.codec import CodecError, encode
from sandbox.bus.entity import Entity
from sandbox.bus.message import Message
from sandbox.bus.refusal import Refusal, invalid_field, not_allowed, not_implemented
from sandbox.bus.sessions import SessionEntity
from sandbox.bus.settlement import Fate, Settlement

_LONG, _TIMESTAMP = 0x81, 0x83
_PREFIX: Final = "com.microsoft:"
_FATES: Final[dict[object, Fate]] = {
    "completed": "complete",
    "abandoned": "abandon",
    "defered": "defer",  # so spelt in the protocol
    "suspended": "dead_letter",
}


class Answer(NamedTuple):
    """What the management node replies: an HTTP-like status, a body, and the error where it refuses."""

    status: int
    body: object = None
    refusal: Refusal | None = None


class _Request:
    """The body of a request, its fields checked as they are asked for."""

    def __init__(self, body: dict[object, object]) -> None:
        self._body = body

    def get(self, name: str) -> object:
        return self._body.get(name)

    def number(self, name: str, default: int | None = None) -> int:
        value = self._body.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid_field(f"{name}: a number is needed")
        return int(value)

    def text(self, name: str) -> str:
        value = self._body.get(name)
        if not isinstance(value, str):
            raise invalid_field(f"{name}: a string is needed")
        return value

    def maybe_text(self, name: str) -> str | None:
        value = self._body.get(name)
        return value if isinstance(value, str) else None

    def mapping(self, name: str) -> dict[object, object]:
        value = self._body.get(name)
        return value if isinstance(value, dict) else {}

    def items(self, name: str) -> list[object]:
        value = self._body.get(name)
        if isinstance(value, Array):
            return list(value.items)
        if not isinstance(value, list):
            raise invalid_field(f"{name}: a list is needed")
        return value

    def sequences(self) -> list[int]:
        return [int(item) for item in self.items("sequence-numbers") if isinstance(item, int)]

    def tokens(self) -> list[bytes]:
        return [item.bytes_le for item in self.items("lock-tokens") if isinstance(item, UUID)]


def operation_name(operation: object) -> str:
    """`renew-lock` of `com.microsoft:renew-lock`."""
    return str(operation).removeprefix(_PREFIX)


def manage(entity: Entity, operation: str, body: object) -> Answer:
    """Perform one operation, by its name without prefix; what is refused is in the answer."""
    perform = _OPERATIONS.get(operation)
    try:
        if perform is None:
            raise not_implemented(operation)
        return perform(entity, _Request(body if isinstance(body, dict) else {}))
    except Refusal as refusal:
        return Answer(refusal.status, None, refusal)
    except CodecError as error:
        malformed = invalid_field(str(error))
        return Answer(malformed.status, None, malformed)


def _renew_lock(entity: Entity, request: _Request) -> Answer:
    ends = entity.renew(request.tokens())
    return Answer(200, {"expirations": Array(_TIMESTAMP, tuple(ends))})


def _update_disposition(entity: Entity, request: _Request) -> Answer:
    fate = _FATES.get(request.get("disposition-status"))
    if fate is None:
        raise invalid_field("disposition-status: completed, abandoned, defered or suspended")
    settlement = Settlement(
        fate,
        request.maybe_text("deadletter-reason"),
        request.maybe_text("deadletter-description"),
        request.mapping("properties-to-modify"),
    )
    for token in request.tokens():
        entity.settle(token, settlement)
    return Answer(200)


def _peek(entity: Entity, request: _Request) -> Answer:
    found = entity.peek(
        request.number("from-sequence-number"), request.number("message-count"), request.maybe_text("session-id")
    )
    if not found:
        return Answer(204)
    return Answer(200, {"messages": [{"message": message.delivered()} for message in found]})


def _receive_deferred(entity: Entity, request: _Request) -> Answer:
    delete = request.number("receiver-settle-mode", 1) == 0
    received = []
    for message in entity.receive_deferred(request.sequences(), delete=delete):
        entry: dict[object, object] = {"message": message.delivered(with_token=True)}
        if message.token is not None:
            entry["lock-token"] = UUID(bytes_le=message.token)
        received.append(entry)
    return Answer(200, {"messages": received})


def _schedule(entity: Entity, request: _Request) -> Answer:
    messages = []
    for entry in request.items("messages"):
        content = entry.get("message") if isinstance(entry, dict) else None
        if not isinstance(content, bytes):
            raise invalid_field("messages: each needs a message")
        messages.append(Message.received(content))
    sequences = tuple(entity.accept(message) for message in messages)
    return Answer(200, {"sequence-numbers": Array(_LONG, sequences)})


def _cancel_scheduled(entity: Entity, request: _Request) -> Answer:
    entity.cancel_scheduled(request.sequences())
    return Answer(200)


def _with_sessions(entity: Entity) -> SessionEntity:
    if not isinstance(entity, SessionEntity):
        raise not_allowed(f"'{entity.path}' has no sessions.")
    return entity


def _renew_session_lock(entity: Entity, request: _Request) -> Answer:
    end = _with_sessions(entity).renew_session(request.text("session-id"))
    return Answer(200, {"expiration": Timestamp(end)})


def _get_session_state(entity: Entity, request: _Request) -> Answer:
    return Answer(200, {"session-state": _with_sessions(entity).session_state(request.text("session-id"))})


def _set_session_state(entity: Entity, request: _Request) -> Answer:
    state = request.get("session-state")
    if not isinstance(state, bytes | str | None):
        raise invalid_field("session-state: bytes are needed")
    data = state.encode() if isinstance(state, str) else state
    _with_sessions(entity).set_session_state(request.text("session-id"), data)
    return Answer(200)


def _get_sessions(entity: Entity, request: _Request) -> Answer:
    skip, top = request.number("skip", 0), request.number("top", 100)
    found = _with_sessions(entity).session_ids()[skip : skip + top]
    if not found:
        return Answer(204)
    return Answer(200, {"skip": Int(skip + len(found)), "sessions-ids": list(found)})


_OPERATIONS: Final[dict[str, Callable[[Entity, _Request], Answer]]] = {
    "renew-lock": _renew_lock,
    "update-disposition": _update_disposition,
    "peek-message": _peek,
    "receive-by-sequence-number": _receive_deferred,
    "schedule-message": _schedule,
    "cancel-scheduled-message": _cancel_scheduled,
    "renew-session-lock": _renew_session_lock,
    "get-session-state": _get_session_state,
    "set-session-state": _set_session_state,
    "get-message-sessions": _get_sessions,
}


def encode_reply(correlation_id: object, application_properties: dict[object, object], body: object) -> bytes:
    """A reply message with an AMQP value for its body.

    Raises:
        CodecError: a value has no AMQP type.
    """
    properties = [None, None, None, None, None, correlation_id]
    return (
        b"\x00\x53\x73"
        + encode(properties)
        + b"\x00\x53\x74"
        + encode(application_properties)
        + b"\x00\x53\x77"
        + encode(body)
    )
