"""Heartbeats: what a detector says that found nothing unusual. They are no anomalies, and never judged."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from domain.anomaly import Fate, Received
from domain.heartbeats import Heartbeat
from millwright.intake.reading import read_message
from millwright.intake.register import Register
from tests.unit.reading.conftest import NOW, Letter

Post = Callable[..., list[Received]]
AT = datetime(2015, 5, 30, 8, tzinfo=UTC)


def _event(data: object, **attributes: object) -> dict[str, object]:
    event = {"specversion": "1.0", "id": "b-1", "source": "models/rul", "type": "millwright.heartbeat.v1"}
    return event | {"time": "2015-05-30T08:00:00Z", "data": data} | attributes


@pytest.mark.parametrize(
    ("said", "asset", "signal"),
    [
        ({}, None, None),
        ({"asset": "machine-001"}, "machine-001", None),
        ({"asset": "machine-001", "signal": "volt"}, "machine-001-comp1", "volt"),
        ({"asset": "machine-001-comp1", "signal": "volt"}, "machine-001-comp1", "volt"),
        ({"asset": {"system": "device", "id": "PDM-002"}, "signal": "rotate"}, "machine-002-comp2", "rotate"),
    ],
)
def test_it_says_what_was_looked_at_and_when(post: Post, said: object, asset: str | None, signal: str | None) -> None:
    (received,) = post(_event(said))
    assert received.heartbeat == Heartbeat(source="models/rul", asset=asset, signal=signal, at=AT)
    assert (received.fate, received.anomaly, received.line) == (Fate.NOT_AN_ANOMALY, None, None)


def test_it_is_read_from_the_bus_as_over_http(register: Register) -> None:
    attributes = {name: str(value) for name, value in _event({}).items() if name != "data"}
    letter = Letter(
        orjson.dumps({"asset": "machine-001", "signal": "volt"}),
        {f"cloudEvents:{name}": value for name, value in attributes.items()},
    )
    received = read_message(letter, NOW, register)
    assert received.heartbeat == Heartbeat(source="models/rul", asset="machine-001-comp1", signal="volt", at=AT)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        pytest.param(_event({"signal": "volt"}), "data", id="a signal of no asset"),
        pytest.param(_event({"asset": "machine-001", "score": 1.0}), "data.score", id="a field of an anomaly"),
        pytest.param(_event({"asset": ""}), "data.asset", id="an empty name"),
        pytest.param(_event({"at": "yesterday"}), "data.at", id="no time"),
        pytest.param(_event({"at": "2016-01-01T00:00:00Z"}), "data.at", id="the future"),
        pytest.param(_event({}, time=None), "time", id="no time at all"),
        pytest.param(_event([]), "data", id="no object"),
    ],
)
def test_a_bad_one_is_quarantined_with_the_field_named(post: Post, event: dict[str, Any], field: str) -> None:
    event = {name: value for name, value in event.items() if value is not None}
    (received,) = post(event)
    assert (received.fate, received.field, received.heartbeat) == (Fate.QUARANTINED, field, None)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"asset": "machine-999"}, "data.asset"),
        ({"asset": "machine-001", "signal": "pressure"}, "data.signal"),
    ],
)
def test_what_the_register_does_not_know_is_unmapped(post: Post, said: object, field: str) -> None:
    (received,) = post(_event(said))
    assert (received.fate, received.field, received.heartbeat) == (Fate.UNMAPPED, field, None)
