"""What is read by its numbers alone comes out as if it had been read in full."""

import itertools
import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.anomaly import Anomaly, Received
from domain.assets import Asset, Level, Observable, ObservableKind, PlantRegister
from millwright.intake.message import Delivery
from millwright.intake.parse_cache import LONGEST, MOST_BYTES, ParseCache
from millwright.intake.reading import read_items
from millwright.intake.register import Register

NOW = datetime(2015, 6, 1, 12, tzinfo=UTC)
JSON = "application/cloudevents-batch+json"

words = st.sampled_from(["comp1", "comp2", "volt", "ELP", "", " ", None, "nobody", 1, True, "é", {"id": "x"}, ["volt"]])
numbers: st.SearchStrategy[object] = st.sampled_from(
    [None, 0, 1, -1, 0.5, -0.0, 1e308, 10**30, True, "1", float("nan"), float("inf"), 2**63, []]
)
moments = st.sampled_from(
    ["2015-05-30T08:00:00Z", "2015-05-30T08:00:00.25+02:00", "2115-01-01T00:00:00Z", "1999-01-01T00:00:00Z", "2015", 7]
)


def plant() -> Register:
    line = {"line": "LINE-1", "machine": "M"}
    assets = [
        Asset.model_validate({"id": "M", "level": Level.MACHINE, "name": "M", **line}),
        *(
            Asset.model_validate({"id": name, "level": Level.COMPONENT, "name": name, "parent": "M", **line})
            for name in ("comp1", "comp2")
        ),
    ]
    seen = Observable(machine="M", kind=ObservableKind.SIGNAL, name="volt", asset="comp1", failure_mode="ELP")
    return Register.of(PlantRegister(assets=tuple(assets), aliases=(), observables=(seen,)))


def said(number: int = 0, **data: object) -> dict[str, Any]:
    words = {"asset": "comp1", "failure_mode": "ELP", "signal": "volt", "detector": "adx", "score": 4.5, "value": 1.0}
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "detector",
        "type": "millwright.anomaly.v1",
        "time": "2015-05-30T08:00:00Z",
        "data": words | data,
    }


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """One that is much like the others, with some of its fields of another kind, left out or added."""
    event = said(draw(st.integers(0, 3)))
    kinds = {
        "asset": words,
        "failure_mode": words,
        "signal": words,
        "unit": words,
        "quality": st.sampled_from(["good", "bad", "Good", None]),
        "value": numbers,
        "score": numbers,
        "confidence": numbers,
        "at": moments,
        "lead": st.just({"low": "PT1H", "high": "PT2H"}),
        "colour": words,
    }
    for name in draw(st.lists(st.sampled_from(sorted(kinds)), max_size=2, unique=True)):
        event["data"][name] = draw(kinds[name])
    outer = {
        "id": words,
        "source": words,
        "subject": words,
        "specversion": st.sampled_from(["1.0", "0.3", 1.0]),
        "time": moments,
        "traceparent": st.sampled_from(["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "no", 1]),
        "dataschema": words,
        "iothubdeviceid": words,
    }
    for name in draw(st.lists(st.sampled_from(sorted(outer)), max_size=2, unique=True)):
        event[name] = draw(outer[name])
    for name in draw(st.lists(st.sampled_from(sorted(event)), max_size=1)):
        del event[name]
    return event


def read(batch: list[dict[str, Any]], register: Register) -> list[Received]:
    body = json.dumps(batch).encode()
    return read_items(body, JSON, {}, ingress="http", sequences=itertools.count(), now=NOW, register=register)


@given(batch=st.lists(events(), min_size=1, max_size=6))
@settings(max_examples=400, deadline=None)
def test_what_was_said_before_changes_nothing_of_what_is_read(batch: list[dict[str, Any]]) -> None:
    register = plant()
    in_full = [read([event], plant())[0] for event in batch]
    for _ in range(2):
        for again, once in zip([read([event], register)[0] for event in batch], in_full, strict=True):
            assert again.model_dump() == once.model_dump()
            assert type(again.anomaly) is type(once.anomaly)


@given(batch=st.lists(events(), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_the_models_would_take_what_reading_builds_unasked(batch: list[dict[str, Any]]) -> None:
    register = plant()
    for received in [*read(batch, register), *read(batch, register)]:
        assert Received.model_validate(received.__dict__) == received
        if received.anomaly is not None:
            assert Anomaly(**received.anomaly.__dict__) == received.anomaly


def test_the_second_of_two_alike_is_read_by_its_numbers() -> None:
    phrases, register = ParseCache(), plant()
    first = read([said(confidence=0.5)], register)[0]
    event = json.loads(json.dumps(said(1, score=9, confidence=0.25)))
    assert phrases.read(event, b"{}", Delivery("http", 1, NOW)) is None
    phrases.learn(said(confidence=0.5), first)
    second = phrases.read(event, b"{}", Delivery("http", 1, NOW))
    assert second is not None
    assert second.anomaly is not None
    assert (second.external_id, second.anomaly.score, second.anomaly.confidence) == ("e-1", 9.0, 0.25)


def test_no_phrase_outlives_its_register() -> None:
    known, unknown = plant(), Register.of(PlantRegister(assets=(), aliases=(), observables=()))
    assert read([said(), said(1)], known)[1].anomaly is not None
    assert read([said(2)], unknown)[0].field == "data.asset"


def read_padded(register: Register, number: int, size: int) -> None:
    """Reads an event of its own words, with spaces up to a size."""
    body = json.dumps(said(number, detector=f"detector {number}")).encode().ljust(size)
    form = "application/cloudevents+json"
    read_items(body, form, {}, ingress="t", sequences=itertools.count(), now=NOW, register=register)


def test_the_cache_is_bounded_by_the_bytes_of_messages_and_holds_none_of_them() -> None:
    register = plant()
    for number in range(MOST_BYTES // LONGEST + 10):
        read_padded(register, number, LONGEST)
    phrases = register.phrases._phrases.values()
    assert len(phrases) == 10
    assert {phrase.received["raw"] for phrase in phrases} == {b""}


def test_a_very_long_message_is_read_and_not_cached() -> None:
    register = plant()
    read_padded(register, 1, LONGEST + 1)
    assert not register.phrases._phrases
