"""A cache for the repeated parts of detectors' messages: the texts repeat, only id, time and numbers are new.

Checking the same texts, and looking up the same names, is most of the cost of reading. So if all texts of an event
occurred in a fully parsed event, only its numbers are parsed. The result is the same in every field; otherwise the
event is parsed fully. Nothing is refused here.
"""

import sys
from collections.abc import Mapping
from typing import NamedTuple

from domain.anomaly import Anomaly, Received
from domain.errors import EventRejected
from domain.identity import label_key
from millwright.intake.cloudevents import attribute, event_time, traceparent
from millwright.intake.fields import bounded_moment
from millwright.intake.message import Delivery

MOST_PHRASES = 8192
MOST_BYTES = 16 * 1024 * 1024
"""Of the messages whose phrases are cached. Beyond either bound the cache is cleared."""
LONGEST = 16 * 1024
"""Bytes; a longer message is not cached, because few of them would displace all others."""

_OF_AN_EVENT = frozenset(
    {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "traceparent", "data"}
)
_LARGEST = sys.float_info.max
_NUMBERS = (
    ("value", -_LARGEST, _LARGEST),
    ("baseline", -_LARGEST, _LARGEST),
    ("score", 0.0, _LARGEST),
    ("confidence", 0.0, 1.0),
)
_WORDS = frozenset({"asset", "failure_mode", "signal", "unit", "detector", "model_version", "quality"})
_OF_AN_ANOMALY = _WORDS | {name for name, _, _ in _NUMBERS}

_Key = tuple[object, ...]


class _Phrase(NamedTuple):
    """The result for some texts: all fields of the event, and of its anomaly.

    `label` is the natural key of such an event without its id.
    """

    received: dict[str, object]
    anomaly: dict[str, object]
    label: str


class ParseCache:
    """Parsed messages of one register: the same texts are parsed once."""

    def __init__(self) -> None:
        self._phrases: dict[_Key, _Phrase] = {}
        self._bytes = 0

    def read(self, event: Mapping[str, object], raw: bytes, delivery: Delivery) -> Received | None:
        """A structured event that has only storable JSON; None if it must be parsed fully."""
        data = event.get("data")
        if not isinstance(data, dict):
            return None
        try:
            phrase = self._phrases.get(_key(event, data))
        except TypeError:
            return None  # An object or a list in the place of a text.
        if phrase is None:
            return None
        said = phrase.anomaly.copy()
        for name, least, most in _NUMBERS:
            number = data.get(name)
            if number is not None:
                if type(number) is int:
                    number = float(number)
                if type(number) is not float or not least <= number <= most:
                    return None
            said[name] = number
        try:
            event_id = attribute(event, "id")
            at = event_time(event.get("time"))
            if at is None:
                return None
            bounded_moment(at, "time", delivery.received_at)
        except EventRejected:
            return None
        said["at"] = at
        return Received.of_whole(
            {
                **phrase.received,
                "ingress": delivery.ingress,
                "sequence": delivery.sequence,
                "enqueued_at": delivery.enqueued_at,
                "external_id": event_id,
                "received_at": delivery.received_at,
                "raw": raw,
                "natural_key": f"{phrase.label}{event_id}",
                "at": at,
                "traceparent": traceparent(event.get("traceparent")),
                "anomaly": Anomaly.of_whole(said),
            }
        )

    def learn(self, event: Mapping[str, object], read: Received) -> None:
        """Caches the result of a fully parsed event, if it depends only on its texts."""
        data = event.get("data")
        if (
            read.anomaly is None
            # Its numbers decide which checks it fails, and so which asset it tells of.
            or read.anomaly.reading is not None
            or len(read.raw) > LONGEST
            or not isinstance(data, dict)
            or not isinstance(data.get("asset"), str)
            or not data.keys() <= _OF_AN_ANOMALY
            or not event.keys() <= _OF_AN_EVENT
        ):
            return
        if len(self._phrases) >= MOST_PHRASES or self._bytes + len(read.raw) > MOST_BYTES:
            self._phrases.clear()
            self._bytes = 0
        self._bytes += len(read.raw)
        # Not the message itself: each has its own.
        received = {**read.__dict__, "raw": b""}
        self._phrases[_key(event, data)] = _Phrase(
            received, dict(read.anomaly.__dict__), label_key(str(event["source"]), "")
        )


def _key(event: Mapping[str, object], data: Mapping[str, object]) -> _Key:
    """Everything that determines the meaning of an event except id, time and numbers; also its set of fields."""
    word = data.get
    return (
        tuple(event),
        tuple(data),
        event.get("specversion"),
        event.get("type"),
        event.get("source"),
        event.get("subject"),
        word("asset"),
        word("failure_mode"),
        word("signal"),
        word("unit"),
        word("detector"),
        word("model_version"),
        word("quality"),
    )
