"""Reads changes of twins: error codes and risks in their properties, notifications of our own patches, and others.

Shapes: Azure Digital Twins "Event notifications". A `Twin.Update` carries `{modelId, patch: [{op, path, value}]}` and
nothing else, so the other properties of the twin are not known here.
"""

from collections.abc import Mapping
from datetime import datetime

from domain.anomaly import OWN_WRITE_BACK, Fate
from domain.errors import EventRejected
from domain.keys import ORDER_TWIN_ID, TWIN_AUTHOR
from millwright.intake.cloudevents import CloudEvent
from millwright.intake.fields import bounded_moment, mapping, name_of, text
from millwright.intake.json_text import joined
from millwright.intake.message_content import MessageContent, not_an_anomaly
from millwright.intake.register import Register
from millwright.intake.subject import Observed, machine_of_twin
from millwright.intake.telemetry import code_content, refuse_unknown_model, risk_content, risk_level

WRITTEN_BY_US = frozenset(
    {
        "healthState",
        "maintenanceStatus",
        "lastOutcome",
        "lastOutcomeAt",
        "lastCaseId",
        "holdState",
        "holdStateAt",
        "holdNotice",
        "updatedBy",
    }
)
_MADE_BY_US = ("Twin.Create", "Relationship.Create")
"""Of what is named by the id of a twin of a work order."""
_OPERATIONS = ("add", "replace", "remove")
_ERROR_CODE, _ERROR_TIME, _RISK, _RISK_TIME, _AUTHOR = (
    "lastErrorCode",
    "lastErrorAt",
    "maintenanceRisk",
    "maintenanceRiskAt",
    "updatedBy",
)


def read_update(event: CloudEvent, now: datetime, register: Register) -> MessageContent:
    """Reads a change of a twin's properties.

    Raises:
        EventRejected: its model is not known, or the patch is invalid or incomplete.
        Unmapped: the twin or the code is not known.
    """
    data = mapping(event.data, event.path)
    changed = _changed(data, event.path)
    if changed.get(_AUTHOR) == TWIN_AUTHOR or (changed and changed.keys() <= WRITTEN_BY_US):
        return not_an_anomaly(OWN_WRITE_BACK)
    refuse_unknown_model(text(data, "modelId", event.path), joined(event.path, "modelId"), register)
    field = joined(event.path, "patch")
    if _ERROR_CODE in changed or _ERROR_TIME in changed:
        return _code(event, changed, now, register, field)
    if changed.get(_RISK) is not None:
        risk = risk_level(changed[_RISK], joined(field, _RISK))
        observed = Observed("risk", risk.value, _observed_at(_RISK_TIME, changed, event, now, field))
        machine = machine_of_twin(event.twin, observed, register, "subject")
        return risk_content(machine, risk, observed, joined(field, _RISK))
    names = ", ".join(joined("", name) for name in list(changed)[:8])
    return not_an_anomaly(f"a change of {names} says nothing unusual" if names else "a patch that changes nothing")


def read_lifecycle(event: CloudEvent) -> MessageContent:
    """A twin or relationship was created, deleted or changed. This is no anomaly, but the register may be stale now."""
    what = event.type.removeprefix("Microsoft.DigitalTwins.")
    name = (event.subject or "").rpartition("/")[2]
    if what in _MADE_BY_US and ORDER_TWIN_ID.fullmatch(name):
        return not_an_anomaly(OWN_WRITE_BACK)
    return MessageContent(
        fate=Fate.NOT_AN_ANOMALY,
        reason=f"{what}: the graph changed; import the register again with `millwright assets import`",
    )


def _code(
    event: CloudEvent, changed: Mapping[str, object], now: datetime, register: Register, field: str
) -> MessageContent:
    if _ERROR_CODE not in changed:
        raise EventRejected(f"sets {_ERROR_TIME} without {_ERROR_CODE}", field=field, fix="write both in one patch")
    if changed[_ERROR_CODE] in (None, ""):
        return not_an_anomaly("the error code was cleared")
    code = name_of(changed[_ERROR_CODE], joined(field, _ERROR_CODE))
    observed = Observed("code", code, _observed_at(_ERROR_TIME, changed, event, now, field))
    machine = machine_of_twin(event.twin, observed, register, "subject")
    return code_content(machine, code, observed, joined(field, _ERROR_CODE), register)


def _observed_at(name: str, changed: Mapping[str, object], event: CloudEvent, now: datetime, field: str) -> datetime:
    """The time in the patch, else the event's own."""
    if changed.get(name) is not None:
        return bounded_moment(changed[name], joined(field, name), now)
    if event.time is None:
        raise EventRejected("is missing", field="time", fix="send when it was observed")
    return bounded_moment(event.time, "time", now)


def _changed(data: Mapping[str, object], path: str) -> dict[str, object]:
    """The top-level properties that a patch changes, with their new values; None for a removed one."""
    if "patch" not in data:
        raise EventRejected("is missing", field=joined(path, "patch"))
    patch, field = data["patch"], joined(path, "patch")
    if not isinstance(patch, list):
        raise EventRejected("must be a list of operations (RFC 6902)", field=field)
    changed: dict[str, object] = {}
    for number, item in enumerate(patch):
        place = joined(field, str(number))
        operation = mapping(item, place)
        pointer = text(operation, "path", place)
        if operation.get("op") not in _OPERATIONS:
            raise EventRejected("must be add, replace or remove", field=joined(place, "op"))
        if not pointer.startswith("/"):
            raise EventRejected("must begin with a slash", field=joined(place, "path"))
        if operation["op"] != "remove" and "value" not in operation:
            raise EventRejected("is missing", field=joined(place, "value"))
        name, _, inner = pointer[1:].partition("/")
        name = name.replace("~1", "/").replace("~0", "~")
        # A pointer into a property changes it, but the patch does not have its whole new value.
        changed[name] = operation.get("value") if not inner else changed.get(name, {})
    return changed
