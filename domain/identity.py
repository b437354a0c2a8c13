"""When two messages are the same event, and when one message corrects another.

A label is the source and the external id of a message. Senders reuse labels: a recreated queue numbers from 1 again,
and a device's message id may be a counter. So two messages are the same event only if their content is the same too.
"""

import hashlib
import json
from collections.abc import Mapping

import orjson

from domain.anomaly import Received

_TRACE = frozenset({"traceparent", "tracestate"})
"""The fields that differ in each attempt to send the same message."""
_BESIDE = _TRACE | {"data", "data_base64", "datacontenttype"}
"""The data of an event with its format, and the trace. The other fields give its subject, sender, type and time."""
_TIMES = ("time", "eventTime")
_DIGITS = 32


def label_key(source: str, external_id: str) -> str:
    """The natural key of a message that names no observation: its label."""
    return f"event|{part_of_key(source)}|{external_id}"


def part_of_key(name: str) -> str:
    """A name with `|` escaped, because `|` separates the parts of a natural key."""
    return name.replace("%", "%25").replace("|", "%7C") if "|" in name or "%" in name else name


def content(raw: bytes) -> bytes:
    """The content of a message, without its trace. Spaces and the order of fields in its JSON make no difference."""
    said = _parsed(raw)
    if said is None:
        return raw
    try:
        return json.dumps(_without(said, _TRACE), sort_keys=True).encode()
    except RecursionError:
        return raw


def own_id(label: str, raw: bytes) -> str:
    """An id for a message whose label others may have too: the label, and the digest of the message's content."""
    return f"{label}~{hashlib.sha256(content(raw)).hexdigest()[:_DIGITS]}"


def renamed(item: Received, source: str, external_id: str) -> Received:
    """The message with the id under which it is stored."""
    changed: dict[str, object] = {"source": source, "external_id": external_id}
    if item.natural_key == label_key(item.source, item.external_id):
        changed["natural_key"] = label_key(source, external_id)
    return item.model_copy(update=changed)


def corrects(quarantined: bytes, field: str | None, again: bytes) -> bool:
    """Whether a message is the corrected form of a quarantined message with the same label.

    It is if both have a time, and differ only in their data. Otherwise it is only if they differ in nothing but the
    field that was refused.

    Args:
        quarantined: the message that was sent before.
        field: the dotted path of the refused field; None if the message could not be read at all.
        again: the message that is sent now.
    """
    before, after = _parsed(quarantined), _parsed(again)
    if before is None or after is None:
        return False
    if _without(before, _BESIDE) == _without(after, _BESIDE) and any(before.get(time) for time in _TIMES):
        return True
    return field is not None and _apart_from(before, field) == _apart_from(after, field)


def _parsed(raw: bytes) -> Mapping[str, object] | None:
    """The event in a message, or in a list of one; None if there is no event."""
    try:
        said = orjson.loads(raw)
    except orjson.JSONDecodeError:
        try:
            said = json.loads(raw)
        except (ValueError, RecursionError):
            return None
    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    return said if isinstance(said, dict) else None


def _without(said: Mapping[str, object], names: frozenset[str]) -> dict[str, object]:
    return {name: value for name, value in said.items() if name not in names}


def _apart_from(said: Mapping[str, object], field: str) -> object:
    """The event without one field. Without `data` it is also without `data_base64`, the other name of the data."""
    left = _without(said, _TRACE | {"data_base64"} if field == "data" else _TRACE)
    return _cut(left, field.split("."))


def _cut(value: object, path: list[str]) -> object:
    name, *rest = path
    if isinstance(value, dict):
        if not rest:
            return {key: inner for key, inner in value.items() if key != name}
        return {key: _cut(inner, rest) if key == name else inner for key, inner in value.items()}
    if isinstance(value, list) and name.isdecimal():
        return [_cut(inner, rest) if rest and str(place) == name else inner for place, inner in enumerate(value)]
    return value
