"""Passes on messages that the client cannot decode, with the rest of their bytes, so that they do not break the
connection.

azure-servicebus 7.15 cannot decode AMQP's char, decimal32 and decimal64, nor values that are nested deeper than 64.
With such a message reading the frame fails: the connection ends, everything that was fetched is delivered again, and
all of it is dead-lettered after some rounds. The client's public interface has no hook before that point.
"""

from collections.abc import Callable
from typing import Any, Final

from azure.servicebus._pyamqp import _decode
from azure.servicebus._pyamqp.aio import _receiver_async
from azure.servicebus._pyamqp.message import Header, Message, Properties

UNDECODED: Final = "millwright:undecoded"
"""The key in a message's footer for the decoding error; the message's data is then the bytes from there on."""

_DECODERS: Final = _decode._DECODE_BY_CONSTRUCTOR  # noqa: SLF001 - see above
_FIELDS: Final[dict[int, tuple[str, Callable[[Any], Any]]]] = {
    112: ("header", lambda value: Header(*value)),
    113: ("delivery_annotations", lambda value: value),
    114: ("message_annotations", lambda value: value),
    115: ("properties", lambda value: Properties(*value)),
    116: ("application_properties", lambda value: value),
}
"""The sections before the body, by their descriptors."""


def install() -> None:
    """Patches the client to pass on messages that it cannot decode."""
    _receiver_async.decode_payload = decoded


def decoded(payload: memoryview) -> Any:
    """The message in a payload, complete or as far as it can be decoded."""
    try:
        return _decode.decode_payload(payload)
    except Exception as error:  # noqa: BLE001 - not swallowed: it is handed on in the message
        return _as_far_as_it_goes(payload, error)


def _as_far_as_it_goes(payload: memoryview, error: Exception) -> Any:
    fields: dict[str, Any] = {}
    rest = payload
    try:
        while rest and rest[2] in _FIELDS:
            name, made = _FIELDS[rest[2]]
            behind, value = _DECODERS[rest[3]](rest[4:])
            fields[name] = made(value)
            rest = behind
    except Exception as inner:  # noqa: BLE001 - not swallowed: it is handed on in the message
        error = inner
    problem = f"it holds what the bus's client does not know ({type(error).__name__}: {error})"
    return Message(**fields, data=[bytes(rest)], footer={UNDECODED: problem})
