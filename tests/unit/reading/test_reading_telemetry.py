"""Detector rows, error codes and plain telemetry, as twins' routes bring them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from domain.anomaly import AnomalyKind, Fate, Received, Risk

Read = Callable[..., Received]
MACHINE_MODEL = "dtmi:manufacturing:Machine;1"
ROW = {"DeviceId": "PDM-001", "Timestamp": "2015-05-30T07:00:00Z", "volt": 190.5, "score": 4.5, "baseline": 170.5}
AT = datetime(2015, 5, 30, 7, tzinfo=UTC)


def test_a_detectors_row_is_a_deviation_of_the_component_that_the_signal_tells_of(from_bus: Read) -> None:
    received = from_bus(ROW, dataschema=MACHINE_MODEL)
    anomaly = received.anomaly
    assert anomaly is not None
    assert (received.fate, received.reason, received.line, received.at) == (None, None, "LINE-1", AT)
    assert (anomaly.kind, anomaly.asset, anomaly.failure_mode) == (AnomalyKind.DEVIATION, "machine-001-comp1", "ELP")
    assert (anomaly.value, anomaly.score, anomaly.baseline, anomaly.unit) == (190.5, 4.5, 170.5, "V")
    assert anomaly.confidence is None


def test_the_same_row_of_a_later_run_has_the_same_natural_key(from_bus: Read) -> None:
    first, again = from_bus(ROW, id="run-1"), from_bus(ROW | {"score": 4.6}, id="run-2")
    assert first.natural_key == again.natural_key == "deviation|machine-001|volt|2015-05-30T07:00:00.000000Z"
    assert first.external_id != again.external_id


def test_an_error_as_telemetry_and_as_a_patch_is_one_observation(from_bus: Read) -> None:
    at = "2015-05-30T07:00:00Z"
    patch = [
        {"op": "add", "path": "/lastErrorCode", "value": "error-comp2"},
        {"op": "add", "path": "/lastErrorAt", "value": at},
    ]
    telemetry = from_bus({"errorCode": "error-comp2", "timestamp": at})
    change = from_bus(
        {"modelId": MACHINE_MODEL, "patch": patch},
        type="Microsoft.DigitalTwins.Twin.Update",
        source="host",
        subject="machine-001",
    )
    assert telemetry.natural_key == change.natural_key
    assert telemetry.anomaly == change.anomaly
    assert telemetry.anomaly is not None
    assert (telemetry.anomaly.code, telemetry.anomaly.asset) == ("error-comp2", "machine-001-comp2")


def test_a_stated_risk_is_of_the_machine_and_keeps_every_level(from_bus: Read) -> None:
    for level in Risk:
        received = from_bus({"DeviceId": "PDM-001", "Timestamp": "2015-05-30T07:00:00Z", "MaintenanceRisk": level})
        assert received.anomaly is not None
        assert (received.anomaly.kind, received.anomaly.asset) == (AnomalyKind.RISK, "machine-001")
        assert received.anomaly.risk is level


def test_plain_telemetry_is_not_an_anomaly_and_its_undeclared_fields_are_noted(from_bus: Read) -> None:
    received = from_bus({"volt": 170.0, "motorTemperature": 71.5}, dataschema=MACHINE_MODEL)
    assert received.fate is Fate.NOT_AN_ANOMALY
    assert received.reason is not None
    assert received.reason.endswith(f"not declared by {MACHINE_MODEL}: motorTemperature")


def test_an_undeclared_field_beside_an_anomaly_is_noted_and_does_not_stop_it(from_bus: Read) -> None:
    received = from_bus(ROW | {"motorTemperature": 71.5}, dataschema=MACHINE_MODEL)
    assert received.anomaly is not None
    assert received.reason == f"not declared by {MACHINE_MODEL}: motorTemperature"


def test_a_cleared_error_code_is_not_an_anomaly(from_bus: Read) -> None:
    assert from_bus({"errorCode": None, "timestamp": "2015-05-30T07:00:00Z"}).fate is Fate.NOT_AN_ANOMALY


def test_a_device_without_a_twin_is_known_by_what_iot_hub_says(from_bus: Read) -> None:
    body = {"errorCode": "error-comp1", "timestamp": "2015-05-30T07:00:00Z"}
    received = from_bus(body, source="iothub/x", iothubdeviceid="PDM-002")
    assert received.anomaly is not None
    assert received.anomaly.asset == "machine-002-comp1"


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ({"DeviceId": "PDM-999"}, "data.DeviceId", "PDM-999"),
        ({"volt": None}, "data.volt", "must be a number"),
        ({"DeviceId": "TWICE"}, "data.DeviceId", "TWICE"),
        ({"hum": 3.0, "volt": ...}, "data.hum", "signal hum"),
    ],
)
def test_what_the_register_does_not_know_is_unmapped_or_refused_and_never_guessed(
    from_bus: Read, row: dict[str, object], field: str, words: str
) -> None:
    merged = {name: value for name, value in (ROW | row).items() if value is not ...}
    received = from_bus(merged, source="host/digitaltwins/elsewhere")
    assert received.anomaly is None
    assert received.field == field
    assert received.reason is not None
    assert words in received.reason


def test_an_unmapped_row_keeps_its_observations_name(from_bus: Read) -> None:
    received = from_bus(ROW | {"DeviceId": "PDM-999"}, source="host/elsewhere")
    assert received.fate is Fate.UNMAPPED
    assert received.natural_key == "deviation|device PDM-999|volt|2015-05-30T07:00:00.000000Z"


def test_a_name_means_what_it_meant_when_the_event_happened(from_bus: Read) -> None:
    def of(month: int) -> str | None:
        row = ROW | {"DeviceId": "SPARE", "Timestamp": f"2015-{month:02}-01T00:00:00Z"}
        received = from_bus(row, source="host/elsewhere")
        return received.anomaly.asset if received.anomaly else None

    assert [of(2), of(3)] == ["machine-001-comp1", "machine-002-comp1"]


def test_a_machine_on_no_line_is_unmapped(from_bus: Read) -> None:
    body = {"MaintenanceRisk": "High", "Timestamp": "2015-05-30T07:00:00Z"}
    received = from_bus(body, source="host/machine-009")
    assert (received.fate, received.field) == (Fate.UNMAPPED, "data.MaintenanceRisk")


@pytest.mark.parametrize("source", ["host/machine-001", "host/digitaltwins/machine-001", "//host/x/machine-001/"])
def test_the_twin_is_the_last_segment_of_a_telemetry_source(from_bus: Read, source: str) -> None:
    received = from_bus({"errorCode": "error-comp1", "timestamp": "2015-05-30T07:00:00Z"}, source=source)
    assert received.anomaly is not None


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ({"score": -4.5}, "data.score", "negative"),
        ({"score": "very high"}, "data.score", "must be a number, not a text"),
        ({"score": True}, "data.score", "must be a number, not a boolean"),
        ({"score": ...}, "data.score", "missing"),
        ({"baseline": ...}, "data.baseline", "missing"),
        ({"Timestamp": ...}, "data.Timestamp", "missing"),
        ({"DeviceId": ...}, "data.DeviceId", "missing"),
        ({"DeviceId": {"id": 1}}, "data.DeviceId", "must be a text"),
        ({"DeviceId": "PDM-001\0"}, "data.DeviceId", "NUL"),
        ({"DeviceId": " "}, "data.DeviceId", "empty"),
        ({"DeviceId": "x" * 300}, "data.DeviceId", "longer than 256"),
        ({"DeviceId": "PDM-002"}, "data.DeviceId", "came from machine-001"),
        ({"Timestamp": [2015, 1, 1]}, "data.Timestamp", "must be an instant"),
        ({"Timestamp": "2099-01-01T00:00:00Z"}, "data.Timestamp", "future"),
        ({"Timestamp": "1970-01-01T00:00:00Z"}, "data.Timestamp", "2000"),
        ({"Timestamp": "2015-05-30T07:00:00"}, "data.Timestamp", "zone"),
        ({"Timestamp": "2015-W22-6T07:00:00Z"}, "data.Timestamp", "instant"),
        ({"Timestamp": "2015-05-32T07:00:00Z"}, "data.Timestamp", "instant"),
        ({"Timestamp": "0001-01-01T00:00:00+23:00"}, "data.Timestamp", "instant"),
        ({"confidence": 1.2}, "data.confidence", "from 0 to 1"),
        ({"confidence": -0.1}, "data.confidence", "from 0 to 1"),
        ({"quality": "so-so"}, "data.quality", "good, uncertain or bad"),
        ({"rotate": 400.0}, "data.rotate", "several signals"),
        ({"volt": ...}, "data", "names no signal"),
        ({"MaintenanceRisk": "Huge"}, "data.MaintenanceRisk", "Low, Medium or High"),
        ({"volt": "\ud800"}, "data.volt", "half a character"),
    ],
)
def test_a_bad_row_is_quarantined_with_the_field_and_the_reason(
    from_bus: Read, row: dict[str, object], field: str, words: str
) -> None:
    merged = {name: value for name, value in (ROW | row).items() if value is not ...}
    received = from_bus(_written(merged))
    assert (received.fate, received.field) == (Fate.QUARANTINED, field)
    assert received.reason is not None
    assert words in received.reason


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_quarantined_by_its_field(from_bus: Read, written: str) -> None:
    body = _written(ROW).replace(b'"score": 4.5', b'"score": ' + written.encode())
    received = from_bus(body)
    assert (received.fate, received.field) == (Fate.QUARANTINED, "data.score")


def test_an_unknown_model_is_quarantined_by_name(from_bus: Read) -> None:
    received = from_bus(ROW, dataschema="dtmi:unknown:Thing;4")
    assert (received.fate, received.field) == (Fate.QUARANTINED, "dataschema")
    assert "dtmi:unknown:Thing;4" in str(received.reason)


def test_a_clock_a_little_ahead_is_tolerated(from_bus: Read, soon: datetime) -> None:
    assert from_bus(ROW | {"Timestamp": soon.isoformat()}).anomaly is not None


def _written(value: object) -> bytes:
    return json.dumps(value).encode()
