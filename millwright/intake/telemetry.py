"""Reads telemetry and the rows of detectors.

`DetectAnomalies()` gives `DeviceId, Timestamp, <signal>, score, baseline` and `PredictMaintenance()` gives `DeviceId,
Timestamp, MaintenanceRisk`; a device's error is `errorCode, timestamp`. All other telemetry is a measurement
and no anomaly. Fields that the model does not declare are accepted and noted, because devices send them.
"""

from collections.abc import Mapping
from datetime import datetime

from domain.anomaly import UNKNOWN_MODE, Anomaly, AnomalyKind, Quality, Risk
from domain.assets import Asset, ObservableKind
from domain.errors import EventRejected
from millwright.intake.cloudevents import CloudEvent
from millwright.intake.fields import bounded_moment, mapping, name_of, number, optional_share, score, text
from millwright.intake.json_text import joined
from millwright.intake.message_content import MessageContent, Unmapped, not_an_anomaly
from millwright.intake.register import Register
from millwright.intake.sensor_checks import check_reading
from millwright.intake.subject import Observed, line_of, machine_of_device, machine_of_twin, refuse_retired

DEVIATION_DETECTOR = "DetectAnomalies"
RISK_DETECTOR = "PredictMaintenance"
DEVICE_DETECTOR = "device"

_RISKS = frozenset(risk.value for risk in Risk)
_QUALITIES = frozenset(quality.value for quality in Quality)
_ROW_COLUMNS = frozenset(
    {"DeviceId", "Timestamp", "score", "baseline", "confidence", "quality", "unit", "modelVersion"}
)
_FORM_FIELDS = _ROW_COLUMNS | {"MaintenanceRisk", "errorCode", "timestamp"}


def read_telemetry(event: CloudEvent, now: datetime, register: Register) -> MessageContent:
    """Reads a telemetry message.

    Raises:
        EventRejected: its model is not known, or a field is missing or wrong.
        Unmapped: its device, signal or code is not in the register.
    """
    data = mapping(event.data, event.path)
    refuse_unknown_model(event.dataschema, "dataschema", register)
    if "MaintenanceRisk" in data:
        found = _risk(event, data, now, register)
    elif "score" in data or "baseline" in data:
        found = _deviation(event, data, now, register)
    elif data.get("errorCode") not in (None, ""):
        found = _code(event, data, now, register)
    else:
        found = _measurement(event, data, now)
    if event.dataschema is None:
        return found
    undeclared = register.undeclared(event.dataschema, [name for name in data if name not in _FORM_FIELDS])
    if not undeclared:
        return found
    note = f"not declared by {event.dataschema}: {', '.join(joined('', name) for name in undeclared[:8])}"
    return found._replace(reason=f"{found.reason}; {note}" if found.reason else note)


def refuse_unknown_model(model: str | None, field: str, register: Register) -> None:
    """Accepts a message if its model was imported, or if no models were.

    Raises:
        EventRejected: models were imported, and this is none of them.
    """
    if model is not None and register.unknown_model(model):
        raise EventRejected(
            f"the model {model} is not known here",
            field=field,
            fix="import the register again with `millwright assets import`, then re-drive the event",
        )


def code_content(machine: Asset, code: str, observed: Observed, field: str, register: Register) -> MessageContent:
    """The anomaly of an error code, with the same natural key for each way of arrival.

    Raises:
        Unmapped: no component of the machine is known by this code, or it was retired.
    """
    key = observed.key(machine.id)
    observable = register.observable(machine.id, ObservableKind.CODE, code)
    if observable is None:
        problem = f"no component of {machine.id} is known by the error code {code}"
        raise Unmapped(problem, field=field, natural_key=key, at=observed.at)
    refuse_retired(observable.asset, register, field=field, at=observed.at, natural_key=key)
    anomaly = Anomaly.trusted(
        kind=AnomalyKind.CODE,
        asset=observable.asset,
        failure_mode=observable.failure_mode,
        at=observed.at,
        detector=DEVICE_DETECTOR,
        code=code,
    )
    return MessageContent(key, observed.at, anomaly, line_of(machine, field, observed.at, key))


def risk_level(value: object, field: str) -> Risk:
    """The level of a risk. It is part of the natural key: another level at the same time is another observation.

    Raises:
        EventRejected: the value is none of the three levels.
    """
    name = name_of(value, field)
    if name not in _RISKS:
        raise EventRejected("is no level of risk", field=field, fix="send Low, Medium or High")
    return Risk(name)


def risk_content(machine: Asset, risk: Risk, observed: Observed, field: str) -> MessageContent:
    """The anomaly of a risk. It belongs to the machine, because no component is named."""
    anomaly = Anomaly.trusted(
        kind=AnomalyKind.RISK,
        asset=machine.id,
        failure_mode=UNKNOWN_MODE,
        at=observed.at,
        detector=RISK_DETECTOR,
        risk=risk,
    )
    key = observed.key(machine.id)
    return MessageContent(key, observed.at, anomaly, line_of(machine, field, observed.at, key))


def _risk(event: CloudEvent, data: Mapping[str, object], now: datetime, register: Register) -> MessageContent:
    at = bounded_moment(_present(data, "Timestamp", event.path), joined(event.path, "Timestamp"), now)
    field = joined(event.path, "MaintenanceRisk")
    risk = risk_level(data["MaintenanceRisk"], field)
    observed = Observed("risk", risk.value, at)
    return risk_content(_machine(event, data, observed, register), risk, observed, field)


def _code(event: CloudEvent, data: Mapping[str, object], now: datetime, register: Register) -> MessageContent:
    code = text(data, "errorCode", event.path)
    name = "Timestamp" if "Timestamp" in data else "timestamp"
    at = bounded_moment(_present(data, name, event.path), joined(event.path, name), now)
    observed = Observed("code", code, at)
    machine = _machine(event, data, observed, register)
    return code_content(machine, code, observed, joined(event.path, "errorCode"), register)


def _measurement(event: CloudEvent, data: Mapping[str, object], now: datetime) -> MessageContent:
    for name in ("timestamp", "Timestamp"):
        if name in data:
            bounded_moment(data[name], joined(event.path, name), now)
    return not_an_anomaly("telemetry that says nothing unusual")


def _deviation(event: CloudEvent, data: Mapping[str, object], now: datetime, register: Register) -> MessageContent:
    path = event.path
    text(data, "DeviceId", path)
    at = bounded_moment(_present(data, "Timestamp", path), joined(path, "Timestamp"), now)
    how_far, baseline = score(data, "score", path), number(data, "baseline", path)
    names = [name for name in data if name not in _ROW_COLUMNS]
    if not names:
        raise EventRejected("names no signal", field=path or None, fix="send the column of the signal with its value")
    machine = _machine(event, data, Observed("deviation", names[0], at), register)
    seen = [
        observable for name in names if (observable := register.observable(machine.id, ObservableKind.SIGNAL, name))
    ]
    known = [observable.name for observable in seen if register.retired_at(observable.asset) is None]
    if len(known) > 1:
        raise EventRejected(
            f"is one of several signals ({', '.join(known)})", field=joined(path, known[1]), fix="send one row for each"
        )
    # The signal of a retired component says what is refused, where there is no other.
    name = [*known, *(observable.name for observable in seen), *names][0]
    value = number(data, name, path)
    key = Observed("deviation", name, at).key(machine.id)
    observable = register.observable(machine.id, ObservableKind.SIGNAL, name)
    if observable is None:
        raise Unmapped(
            f"no component of {machine.id} is known by the signal {name}",
            field=joined(path, name),
            natural_key=key,
            at=at,
        )
    refuse_retired(observable.asset, register, field=joined(path, name), at=at, natural_key=key)
    anomaly = Anomaly.trusted(
        kind=AnomalyKind.DEVIATION,
        asset=observable.asset,
        failure_mode=observable.failure_mode,
        at=at,
        detector=DEVIATION_DETECTOR,
        signal=name,
        value=value,
        unit=observable.unit,
        score=how_far,
        baseline=baseline,
        confidence=optional_share(data, "confidence", path),
        quality=_quality(data, path),
        model_version=text(data, "modelVersion", path) if "modelVersion" in data else None,
    )
    unit = text(data, "unit", path) if "unit" in data else None
    checked = check_reading(anomaly, observable, unit)
    return MessageContent(key, at, checked, line_of(machine, joined(path, "DeviceId"), at, key))


def _machine(event: CloudEvent, data: Mapping[str, object], observed: Observed, register: Register) -> Asset:
    if "DeviceId" in data:
        device, field = text(data, "DeviceId", event.path), joined(event.path, "DeviceId")
        return machine_of_device(device, event.twin, observed, register, field)
    if event.device is not None:
        return machine_of_device(event.device, event.twin, observed, register, "device")
    return machine_of_twin(event.twin, observed, register, "source")


def _quality(data: Mapping[str, object], path: str) -> Quality:
    if "quality" not in data:
        return Quality.GOOD
    name = text(data, "quality", path)
    if name not in _QUALITIES:
        raise EventRejected("is no quality", field=joined(path, "quality"), fix="send good, uncertain or bad")
    return Quality(name)


def _present(data: Mapping[str, object], name: str, path: str) -> object:
    if name not in data:
        raise EventRejected("is missing", field=joined(path, name), fix="send when it was observed")
    return data[name]
