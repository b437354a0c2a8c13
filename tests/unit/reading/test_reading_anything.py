"""No bytes make the reading raise, and nothing it gives is unfit for storage."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.anomaly import Fate, Received
from millwright.intake.message import Delivery
from millwright.intake.reading import read_again, read_items, read_message
from millwright.intake.register import Register

NOW = datetime(2015, 6, 1, 12, tzinfo=UTC)
TYPES = (
    "microsoft.iot.telemetry",
    "Microsoft.DigitalTwins.Twin.Update",
    "Microsoft.DigitalTwins.Twin.Create",
    "millwright.anomaly.v1",
    "millwright.alarm.v1",
)
PLAUSIBLE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "host/digitaltwins/machine-001",
    "subject": "machine-001",
    "time": "2015-05-30T08:00:00Z",
    "dataschema": "dtmi:manufacturing:Machine;1",
    "data": {
        "modelId": "dtmi:manufacturing:Machine;1",
        "patch": [{"op": "replace", "path": "/lastErrorCode", "value": "error-comp1"}],
        "DeviceId": "PDM-001",
        "Timestamp": "2015-05-30T07:00:00Z",
        "volt": 190.5,
        "score": 4.5,
        "baseline": 170.5,
    },
}
SAID: dict[str, Any] = {
    "asset": {"system": "cmms", "id": "M001"},
    "component": "comp1",
    "failure_mode": "ELP",
    "signal": "volt",
    "score": 4.5,
    "confidence": 0.5,
    "lead": {"low": "PT1H", "high": "PT2H"},
    "quality": "good",
    "text": "It hums.",
    "raised_by": "ines",
    "at": "2015-05-30T07:00:00Z",
}

awkward = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -(10**400), 1e308, float("nan"), float("inf"), -1, 0]),
    st.floats(),
    st.text(st.characters(exclude_categories=[])),
    st.sampled_from(
        ["", " ", "\0", "\ud800", "a" * 3000, "9999-12-31T23:59:59-12:00", "P9999999999D", "-P1D", "é" * 300]
    ),
)
values = st.recursive(
    awkward, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


@dataclass(frozen=True)
class Letter:
    body: bytes
    application_properties: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None
    message_id: str | None = None
    entity: str = "queue"
    sequence_number: int = 3
    origin: str = "queue"
    enqueued_at: datetime | None = None
    problem: str | None = None


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A plausible event with one or more of its fields, at any depth, replaced, removed or added."""
    event: dict[str, Any] = json.loads(json.dumps(PLAUSIBLE)) | {"type": draw(st.sampled_from(TYPES))}
    if event["type"].startswith("millwright"):
        event["data"] = json.loads(json.dumps(SAID))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = event
        while isinstance(place, dict) and place:
            name = draw(st.sampled_from(sorted(place)))
            inner = place[name]
            if isinstance(inner, dict) and inner and draw(st.booleans()):
                place = inner
                continue
            if isinstance(inner, list) and inner and isinstance(inner[0], dict) and draw(st.booleans()):
                place = inner[0]
                continue
            if draw(st.integers(0, 3)) == 0:
                del place[name]
            else:
                place[name] = draw(values)
            break
    return event


def _fit_for_storage(received: Received) -> None:
    texts = [
        received.source,
        received.external_id,
        received.type,
        received.subject,
        received.natural_key,
        received.traceparent,
        received.reason,
        received.field,
    ]
    for text in texts:
        if text is not None:
            assert "\x00" not in text
            assert len(text.encode()) < 2700
    assert received.source
    assert received.external_id
    assert (received.anomaly is None) == (received.fate is not None)
    assert (received.line is None) == (received.anomaly is None)
    assert (received.natural_key is None) == (received.fate is Fate.QUARANTINED)
    assert received.fate is None or received.reason
    received.model_dump_json(exclude={"raw"})


def _read(body: bytes, content_type: str | None, headers: Mapping[str, str], register: Register) -> list[Received]:
    return read_items(
        body, content_type, headers, ingress="http", sequences=itertools.count(), now=NOW, register=register
    )


@given(body=st.binary(max_size=200), content_type=st.none() | st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_bytes_have_a_fate(register: Register, body: bytes, content_type: str | None) -> None:
    properties = {"cloudEvents:id": "1", "cloudEvents:source": "s", "cloudEvents:specversion": "1.0"}
    for received in [
        *_read(body, content_type, {}, register),
        read_message(Letter(body, {}, content_type), NOW, register),
        read_message(Letter(body, properties | {"cloudEvents:type": "microsoft.iot.telemetry"}), NOW, register),
        read_again(body, Delivery("queue", 3, NOW), register),
    ]:
        _fit_for_storage(received)


@given(value=values)
@settings(max_examples=300, deadline=None)
def test_any_json_has_a_fate(register: Register, value: object) -> None:
    body = json.dumps(value).encode()
    for received in [*_read(body, None, {}, register), read_message(Letter(body), NOW, register)]:
        _fit_for_storage(received)


@given(event=mutated())
@settings(max_examples=800, deadline=None)
def test_any_mutated_event_has_a_fate_and_is_read_again_alike(register: Register, event: dict[str, Any]) -> None:
    body = json.dumps(event).encode()
    (web,) = _read(body, "application/cloudevents+json", {}, register)
    (batched,) = _read(b"[" + body + b"]", "application/cloudevents-batch+json", {}, register)
    _fit_for_storage(web)
    assert batched.model_copy(update={"raw": b""}) == web.model_copy(update={"raw": b""})
    again = read_again(batched.raw, Delivery("http", 0, NOW), register)
    assert again.model_copy(update={"raw": b""}) == web.model_copy(update={"raw": b""})


@given(
    attributes=st.dictionaries(
        st.sampled_from(["id", "source", "type", "specversion", "time", "subject", "dataschema", "traceparent"]),
        st.text(max_size=40) | st.sampled_from([*TYPES, "1.0", "host/machine-001", "2015-05-30T08:00:00Z"]),
    ),
    body=st.binary(max_size=60) | st.just(b'{"errorCode":"error-comp1","timestamp":"2015-05-30T07:00:00Z"}'),
)
@settings(max_examples=400, deadline=None)
def test_any_attributes_have_a_fate(register: Register, attributes: dict[str, str], body: bytes) -> None:
    properties = {f"cloudEvents:{name}": value for name, value in attributes.items()}
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    _fit_for_storage(read_message(Letter(body, properties), NOW, register))
    for received in _read(body, None, headers, register):
        _fit_for_storage(received)
