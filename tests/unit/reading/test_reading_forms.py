"""The forms in which events travel, and what of a message is kept."""

import base64
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from domain.anomaly import Fate, Received
from domain.identity import own_id
from millwright.intake.message import Delivery
from millwright.intake.reading import LARGEST_BATCH, LARGEST_EVENT, MOST_EVENTS, read_again, read_items, read_message
from millwright.intake.register import Register

Post = Callable[..., list[Received]]
Read = Callable[..., Received]
NOW = datetime(2015, 6, 1, 12, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "models/rul",
    "type": "millwright.anomaly.v1",
    "time": "2015-05-30T08:00:00Z",
    "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
    "data": {"asset": "machine-001-comp1"},
}
ROW = {"DeviceId": "PDM-001", "Timestamp": "2015-05-30T07:00:00Z", "volt": 190.5, "score": 4.5, "baseline": 170.5}


@dataclass(frozen=True)
class Letter:
    body: bytes
    application_properties: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = "application/json"
    message_id: str | None = "m-1"
    entity: str = "twin-events/millwright"
    sequence_number: int = 41
    origin: str = "twin-events/millwright"
    enqueued_at: datetime | None = None
    problem: str | None = None


def test_binary_mode_over_http_and_over_the_bus_read_alike(post: Post, register: Register) -> None:
    attributes = {name: value for name, value in EVENT.items() if name != "data"}
    body = orjson.dumps(EVENT["data"])
    (web,) = post(body, **{f"ce_{name}": value for name, value in attributes.items()})
    for prefix in ("cloudEvents:", "cloudEvents_"):
        properties = {prefix + name: value for name, value in attributes.items()}
        bus = read_message(Letter(body, properties), NOW, register)
        assert (bus.source, bus.external_id, bus.anomaly) == (web.source, web.external_id, web.anomaly)
        assert bus.traceparent == web.traceparent == EVENT["traceparent"]
        assert bus.anomaly is not None


def test_structured_mode_is_known_by_content_type_or_by_its_specversion(post: Post, register: Register) -> None:
    (single,) = post(EVENT, "application/cloudevents+json; charset=utf-8")
    (plain,) = post(EVENT)
    bus = read_message(Letter(orjson.dumps(EVENT), content_type="application/cloudevents+json"), NOW, register)
    assert single.anomaly == plain.anomaly == bus.anomaly
    assert single.anomaly is not None


def test_a_batch_is_read_item_by_item_and_each_takes_its_own_number(post: Post) -> None:
    events = [EVENT | {"id": f"e-{number}"} for number in range(3)]
    received = post(events, "application/cloudevents-batch+json")
    assert [(message.sequence, message.external_id) for message in received] == [(7, "e-0"), (8, "e-1"), (9, "e-2")]
    assert post([]) == []


def test_one_sick_item_does_not_take_its_batch_along(post: Post) -> None:
    sick = EVENT | {"id": "e-2", "data": {"asset": "machine-001-comp1", "score": "NOT-A-NUMBER"}}
    body = orjson.dumps([EVENT, sick, 5]).replace(b'"NOT-A-NUMBER"', b"NaN")
    well, ill, odd = post(body)
    assert well.anomaly is not None
    assert (ill.fate, ill.field, ill.external_id) == (Fate.QUARANTINED, "data.score", "e-2")
    assert (odd.fate, odd.source, odd.external_id) == (Fate.QUARANTINED, "http", "#9")


def test_what_is_no_json_is_one_quarantined_event_under_its_ingress_and_number(post: Post, register: Register) -> None:
    (web,) = post(b'{"specversion": "1.0", ')
    bus = read_message(Letter(b"\xff\xfe"), NOW, register)
    assert (web.fate, web.source, web.external_id, web.natural_key) == (Fate.QUARANTINED, "http", "#7", None)
    named = own_id("#41", bus.raw)
    assert (bus.fate, bus.source, bus.external_id) == (Fate.QUARANTINED, "twin-events/millwright", named)
    assert bus.raw == b"\xff\xfe"


@pytest.mark.parametrize(
    ("change", "field_name"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": 1.0}, "specversion"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"id": "x" * 300}, "id"),
        ({"source": "\0"}, "source"),
        ({"source": None}, "source"),
        ({"type": None}, "type"),
        ({"type": ["a"]}, "type"),
        ({"subject": 5}, "subject"),
        ({"time": "soon"}, "time"),
        ({"data_base64": "%%%"}, "data_base64"),
        ({"data": 5}, "data"),
    ],
)
def test_a_bad_attribute_is_named(post: Post, change: dict[str, object], field_name: str) -> None:
    (received,) = post(EVENT | change)
    assert (received.fate, received.field) == (Fate.QUARANTINED, field_name)


def test_an_identity_that_can_be_read_is_kept_and_one_that_cannot_is_replaced(post: Post) -> None:
    (kept,) = post(EVENT | {"type": None})
    (replaced,) = post(EVENT | {"id": None})
    assert (kept.source, kept.external_id) == ("models/rul", "e-1")
    assert (replaced.source, replaced.external_id) == ("http", "#7")


def test_too_large_is_quarantined_alone_and_as_a_whole(post: Post, from_bus: Read) -> None:
    large = EVENT | {"id": "e-2", "padding": "x" * LARGEST_EVENT}
    small, too_large = post([EVENT, large])
    assert small.anomaly is not None
    assert (too_large.fate, too_large.external_id) == (Fate.QUARANTINED, "e-2")
    (whole,) = post(b"[" + b" " * LARGEST_BATCH + b"]")
    assert (whole.fate, whole.source) == (Fate.QUARANTINED, "http")
    message = from_bus(b'{"a": "' + b"x" * LARGEST_EVENT + b'"}')
    assert (message.fate, message.external_id) == (Fate.QUARANTINED, "e-1")
    assert "too large" in str(message.reason)


def test_a_message_without_any_envelope_is_telemetry_under_the_buses_own_id(register: Register) -> None:
    received = read_message(Letter(orjson.dumps(ROW)), NOW, register)
    assert (received.source, received.external_id) == ("twin-events/millwright", own_id("m-1", received.raw))
    assert received.anomaly is not None
    properties = {"iothub-connection-device-id": "PDM-002"}
    body = orjson.dumps({"errorCode": "error-comp1", "timestamp": "2015-05-30T07:00:00Z"})
    of_device = read_message(Letter(body, properties, message_id=None), NOW, register)
    assert of_device.external_id == own_id("#41", of_device.raw)
    assert of_device.anomaly is not None
    assert of_device.anomaly.asset == "machine-002-comp1"


def test_several_events_in_one_message_are_refused_but_a_list_of_one_is_read(register: Register) -> None:
    message = read_message(Letter(orjson.dumps([EVENT])), NOW, register)
    two = read_message(Letter(orjson.dumps([EVENT, EVENT])), NOW, register)
    assert message.anomaly is not None
    assert two.fate is Fate.QUARANTINED


def test_an_amqp_timestamp_is_a_time_too(from_bus: Read) -> None:
    received = from_bus({"asset": "machine-001-comp1"}, type="millwright.anomaly.v1", time="1432972800000")
    assert received.at == datetime(2015, 5, 30, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        orjson.dumps(ROW),
        orjson.dumps(ROW | {"DeviceId": "PDM-999"}),
        orjson.dumps(ROW | {"score": -1}),
        orjson.dumps(ROW).replace(b"4.5", b"NaN"),
        orjson.dumps(ROW)[:-3],
        orjson.dumps(ROW | {"DeviceId": "\0"}),
        b"\xef\xbb\xbf" + orjson.dumps(ROW),
        json.dumps(ROW).encode("utf-16"),
        b"",
    ],
)
def test_what_is_kept_of_a_binary_message_reads_again_as_it_read_first(
    from_bus: Read, register: Register, body: bytes
) -> None:
    first = from_bus(body)
    again = read_again(first.raw, Delivery(first.ingress, first.sequence, NOW), register)
    assert again.model_copy(update={"raw": b""}) == first.model_copy(update={"raw": b""})


def test_a_mended_register_reads_what_was_unmapped(from_bus: Read, register: Register) -> None:
    first = from_bus(ROW, source="host/machine-001", register=Register([], [], [], {}))
    again = read_again(first.raw, Delivery(first.ingress, first.sequence, NOW), register)
    assert first.fate is Fate.UNMAPPED
    assert again.anomaly is not None
    assert (again.source, again.external_id) == (first.source, first.external_id)


def test_data_in_base64_is_read(post: Post) -> None:
    event = {name: value for name, value in EVENT.items() if name != "data"}
    encoded = base64.b64encode(orjson.dumps(EVENT["data"])).decode()
    (received,) = post(event | {"data_base64": encoded})
    assert received.anomaly is not None


def test_depth_and_size_of_nesting_are_the_senders_problem(post: Post, register: Register) -> None:
    for depth in (200, 300, 900, 5000, 200_000):
        body = b'[{"a":' + b"[" * depth + b"]" * depth + b"}]"
        received = read_items(body, None, {}, ingress="http", sequences=itertools.count(), now=NOW, register=register)
        assert [message.fate for message in received] == [Fate.QUARANTINED]


@pytest.mark.parametrize(("number", "taken"), [(MOST_EVENTS, MOST_EVENTS), (MOST_EVENTS + 1, 1)])
def test_a_request_of_too_many_events_is_one_quarantined_event(number: int, taken: int, register: Register) -> None:
    body = b"[" + b",".join([b"1"] * number) + b"]"
    received = read_items(body, None, {}, ingress="http", sequences=itertools.count(), now=NOW, register=register)
    assert (len(received), {message.fate for message in received}) == (taken, {Fate.QUARANTINED})
    assert ("at most 5000 are taken at once" in str(received[0].reason)) == (taken == 1)
