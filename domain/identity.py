"""When two messages are one event, and when one corrects another.

Senders number and name their messages, and repeat both: a queue that was made anew numbers from 1 again, and a device's
message id may be a counter. So a label alone never says that an event is known. What was said has to be the same too.
"""

import hashlib
import json
from collections.abc import Mapping

import orjson

from domain.anomaly import Received

_TRACE = frozenset({"traceparent", "tracestate"})
"""Names of an attempt to send, made anew with each."""
_BESIDE = _TRACE | {"data", "data_base64", "datacontenttype"}
"""What an event says, and how; all else in it says of what, from whom and when."""
_TIMES = ("time", "eventTime")
_DIGITS = 32


def label_key(source: str, external_id: str) -> str:
    """The natural key of a message that names no observation: it is known by its label alone."""
    return f"event|{part_of_key(source)}|{external_id}"


def part_of_key(name: str) -> str:
    """A name within a natural key, in which `|` separates: two names never make the key of two others."""
    return name.replace("%", "%25").replace("|", "%7C") if "|" in name or "%" in name else name


def content(raw: bytes) -> bytes:
    """What a message says, the same however its JSON is spaced and ordered, and whatever trace it travelled under."""
    said = _parsed(raw)
    if said is None:
        return raw
    try:
        return json.dumps(_without(said, _TRACE), sort_keys=True).encode()
    except RecursionError:
        return raw


def own_id(label: str, raw: bytes) -> str:
    """An id for a message whose label others may bear too: the label, and the digest of what the message says."""
    return f"{label}~{hashlib.sha256(content(raw)).hexdigest()[:_DIGITS]}"


def renamed(item: Received, source: str, external_id: str) -> Received:
    """The message under the id by which it is stored."""
    changed: dict[str, object] = {"source": source, "external_id": external_id}
    if item.natural_key == label_key(item.source, item.external_id):
        changed["natural_key"] = label_key(source, external_id)
    return item.model_copy(update=changed)


def corrects(quarantined: bytes, field: str | None, again: bytes) -> bool:
    """Whether a message is the corrected form of one that was quarantined and bears the same label.

    Both must come from the same sender and be of the same type. Then it is the same occurrence where both give the same
    time, whatever their data says; without a time, only where they differ in nothing but the field that was refused.

    Args:
        quarantined: what was sent before.
        field: the field for which it was quarantined, dotted; None where the whole was unreadable.
        again: what is sent now.
    """
    before, after = _parsed(quarantined), _parsed(again)
    if before is None or after is None:
        return False
    if _without(before, _BESIDE) == _without(after, _BESIDE) and any(before.get(time) for time in _TIMES):
        return True
    return field is not None and _apart_from(before, field) == _apart_from(after, field)


def _parsed(raw: bytes) -> Mapping[str, object] | None:
    """The event in a message, alone in a list or not; None where there is none."""
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
    """The event without one field; data that could not be read stands under another name."""
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
