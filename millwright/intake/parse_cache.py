"""What detectors say again and again: the words of an anomaly repeat, and only its id, time and numbers are new.

Checking the same words, and looking up the same names, is most of what reading costs. So an event whose every word
stood in one that was read in full is read by its numbers alone. It comes out the same in every field, or it is left
to be read in full; nothing is ever refused here.
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

_MOST = 8192
"""Phrases held at once; beyond that all are forgotten, and learnt anew."""

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
    """What came of the words: every field of the event, and of the anomaly in it."""

    received: dict[str, object]
    anomaly: dict[str, object]


class ParseCache:
    """Parsed messages of one register: the same words are read once."""

    def __init__(self) -> None:
        self._phrases: dict[_Key, _Phrase] = {}

    def read(self, event: Mapping[str, object], raw: bytes, delivery: Delivery) -> Received | None:
        """A structured event that holds nothing but JSON that can be kept; None where it must be read in full."""
        data = event.get("data")
        if not isinstance(data, dict):
            return None
        try:
            phrase = self._phrases.get(_key(event, data))
        except TypeError:
            return None  # An object or a list where a word belongs.
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
                "door": delivery.door,
                "sequence": delivery.sequence,
                "enqueued_at": delivery.enqueued_at,
                "external_id": event_id,
                "received_at": delivery.received_at,
                "raw": raw,
                "natural_key": label_key(str(event["source"]), event_id),
                "at": at,
                "traceparent": traceparent(event.get("traceparent")),
                "anomaly": Anomaly.of_whole(said),
            }
        )

    def learn(self, event: Mapping[str, object], read: Received) -> None:
        """Remembers what came of an event that was read in full, where its words alone made it so."""
        data = event.get("data")
        if (
            read.anomaly is None
            or not isinstance(data, dict)
            or not isinstance(data.get("asset"), str)
            or not data.keys() <= _OF_AN_ANOMALY
            or not event.keys() <= _OF_AN_EVENT
        ):
            return
        if len(self._phrases) >= _MOST:
            self._phrases.clear()
        self._phrases[_key(event, data)] = _Phrase(dict(read.__dict__), dict(read.anomaly.__dict__))


def _key(event: Mapping[str, object], data: Mapping[str, object]) -> _Key:
    """All that decides what an event means beside its id, time and numbers; which fields it has, too."""
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
