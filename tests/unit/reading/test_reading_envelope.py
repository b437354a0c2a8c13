"""Our own envelopes: detectors that speak to us directly, and people."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.anomaly import AnomalyKind, Fate, Quality, Received

Post = Callable[..., list[Received]]
NOW = datetime(2015, 6, 1, 12, tzinfo=UTC)
SAID: dict[str, Any] = {
    "asset": "machine-001",
    "signal": "rotate",
    "score": 5.5,
    "confidence": 0.93,
    "baseline": 446.6,
    "model_version": "3.1.0",
    "lead": {"low": "PT24H", "high": "PT72H"},
    "quality": "uncertain",
    "recommended_action": "Inspect the drive end.",
}
ALARM: dict[str, Any] = {
    "asset": "machine-001",
    "component": "comp1",
    "text": "It hums.",
    "raised_by": "operator/ines",
}


def _event(data: object, kind: str = "millwright.anomaly.v1", **attributes: object) -> dict[str, object]:
    event = {"specversion": "1.0", "id": "a-1", "source": "models/rul", "type": kind, "time": "2015-05-30T08:00:00Z"}
    return event | {"data": data} | attributes


def test_an_envelope_says_all_that_policies_may_ask(post: Post) -> None:
    (received,) = post(_event(SAID), "application/cloudevents+json")
    anomaly = received.anomaly
    assert anomaly is not None
    assert (anomaly.asset, anomaly.failure_mode, anomaly.detector) == ("machine-001-comp2", "VIB", "models/rul")
    assert (anomaly.score, anomaly.confidence, anomaly.model_version) == (5.5, 0.93, "3.1.0")
    assert (anomaly.lead_low, anomaly.lead_high) == (timedelta(hours=24), timedelta(hours=72))
    assert anomaly.quality is Quality.UNCERTAIN
    assert (received.line, received.natural_key) == ("LINE-1", "event|models/rul|a-1")


def test_a_confidence_left_out_is_none_and_not_certain(post: Post) -> None:
    (received,) = post(_event({"asset": "machine-001-comp1"}))
    assert received.anomaly is not None
    assert received.anomaly.confidence is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"asset": "machine-001-comp1"}, ("machine-001-comp1", "ELP")),
        ({"asset": "machine-001-comp1", "failure_mode": "LOO"}, ("machine-001-comp1", "LOO")),
        ({"asset": "machine-001", "signal": "volt"}, ("machine-001-comp1", "ELP")),
        ({"asset": "machine-001", "signal": "volt", "failure_mode": "LOO"}, ("machine-001-comp1", "LOO")),
        ({"asset": "machine-001", "failure_mode": "BRD"}, ("machine-001", "BRD")),
        ({"asset": {"system": "cmms", "id": "M002"}, "signal": "rotate"}, ("machine-002-comp2", "VIB")),
        ({"asset": {"system": "device", "id": "PDM-002"}, "signal": "volt"}, ("machine-002-comp1", "ELP")),
    ],
)
def test_asset_and_failure_mode_are_as_exact_as_the_register_lets_them_be(
    post: Post, said: object, expected: tuple[str, str]
) -> None:
    (received,) = post(_event(said))
    assert received.anomaly is not None
    assert (received.anomaly.asset, received.anomaly.failure_mode) == expected


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"asset": "machine-777", "failure_mode": "BRD"}, "data.asset"),
        ({"asset": {"system": "cmms", "id": "M777"}, "failure_mode": "BRD"}, "data.asset.id"),
        ({"asset": "machine-001", "signal": "hum"}, "data.signal"),
        ({"asset": "machine-009", "failure_mode": "BRD"}, "data.asset"),
    ],
)
def test_unknown_names_are_unmapped_by_their_field(post: Post, said: object, field: str) -> None:
    (received,) = post(_event(said))
    assert (received.fate, received.field) == (Fate.UNMAPPED, field)
    assert received.natural_key == "event|models/rul|a-1"


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"asset": ...}, "data.asset", "missing"),
        ({"asset": 5}, "data.asset", "must be a text"),
        ({"asset": {"system": "cmms"}}, "data.asset.id", "missing"),
        ({"asset": {"system": "cmms", "id": 5}}, "data.asset.id", "must be a text"),
        ({"score": -1}, "data.score", "greater than or equal to 0"),
        ({"score": "5"}, "data.score", "must be a number"),
        ({"score": 10**400}, "data.score", ""),
        ({"confidence": 1.01}, "data.confidence", "less than or equal to 1"),
        ({"confidence": -0.5}, "data.confidence", "greater than or equal to 0"),
        ({"confidence": True}, "data.confidence", "must be a number"),
        ({"lead": {"low": "PT3H", "high": "PT1H"}}, "data.lead", "longer"),
        ({"lead": {"low": 3600, "high": "PT1H"}}, "data.lead.low", "ISO 8601"),
        ({"lead": {"low": "05:00", "high": "PT9H"}}, "data.lead.low", "such as PT8H"),
        ({"lead": {"low": "PT1H", "high": "3600"}}, "data.lead.high", "such as PT8H"),
        ({"lead": {"low": "-PT1H", "high": "PT1H"}}, "data.lead.low", "greater"),
        ({"quality": "poor"}, "data.quality", "good"),
        ({"at": "2099-01-01T00:00:00Z"}, "data.at", "future"),
        ({"at": "yesterday"}, "data.at", "instant"),
        ({"asset": "machine-001", "signal": ...}, "data.failure_mode", "missing"),
        ({"konfidence": 0.5}, "data.konfidence", "no field of this envelope"),
        ({"model_version": ""}, "data.model_version", "empty"),
    ],
)
def test_a_bad_envelope_is_quarantined_by_its_field(
    post: Post, change: dict[str, object], field: str, words: str
) -> None:
    said = {name: value for name, value in (SAID | change).items() if value is not ...}
    (received,) = post(json.dumps(_event(said)).encode())
    assert (received.fate, received.field) == (Fate.QUARANTINED, field)
    assert words in str(received.reason)


def test_an_envelope_without_any_time_is_quarantined(post: Post) -> None:
    (received,) = post(_event(SAID, time=None))
    assert (received.fate, received.field) == (Fate.QUARANTINED, "time")


def test_a_person_raises_an_alarm_by_hand_now(post: Post) -> None:
    (received,) = post(_event(ALARM, "millwright.alarm.v1", time=None))
    anomaly = received.anomaly
    assert anomaly is not None
    assert (anomaly.kind, anomaly.asset, anomaly.failure_mode) == (AnomalyKind.MANUAL, "machine-001-comp1", "ELP")
    assert (anomaly.text, anomaly.raised_by, anomaly.at) == ("It hums.", "operator/ines", NOW)


@pytest.mark.parametrize(
    ("change", "fate", "field"),
    [
        ({"component": "comp9"}, Fate.UNMAPPED, "data.component"),
        ({"component": "machine-002-comp1"}, Fate.UNMAPPED, "data.component"),
        ({"component": ...}, Fate.QUARANTINED, "data"),
        ({"text": " "}, Fate.QUARANTINED, "data.text"),
        ({"raised_by": ...}, Fate.QUARANTINED, "data.raised_by"),
    ],
)
def test_a_bad_alarm_says_what_is_wrong(post: Post, change: dict[str, object], fate: Fate, field: str) -> None:
    said = {name: value for name, value in (ALARM | change).items() if value is not ...}
    (received,) = post(_event(said, "millwright.alarm.v1"))
    assert (received.fate, received.field) == (fate, field)


def test_an_unknown_type_of_ours_is_refused_and_one_of_others_is_no_anomaly(post: Post) -> None:
    (ours,) = post(_event(SAID, "millwright.anomaly.v9"))
    (other,) = post(_event({}, "com.example.lunch"))
    assert (ours.fate, ours.field) == (Fate.QUARANTINED, "type")
    assert other.fate is Fate.NOT_AN_ANOMALY
