"""Changes of twins' properties, and of the graph itself."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.anomaly import AnomalyKind, Fate, Received
from domain.keys import order_twin_id

Read = Callable[..., Received]
MODEL = "dtmi:manufacturing:Machine;1"


def _patch(**values: object) -> list[dict[str, object]]:
    return [{"op": "replace", "path": f"/{name}", "value": value} for name, value in values.items()]


def _update(read: Read, patch: object, twin: str = "machine-001", model: str = MODEL, **attributes: str) -> Received:
    kind = "Microsoft.DigitalTwins.Twin.Update"
    return read({"modelId": model, "patch": patch}, type=kind, source="host", subject=twin, **attributes)


@pytest.mark.parametrize(
    "patch",
    [
        _patch(healthState="degraded", updatedBy="millwright"),
        _patch(lastErrorCode="error-comp1", updatedBy="millwright"),
        _patch(maintenanceStatus="ordered"),
    ],
)
def test_our_own_patches_are_known_when_they_come_back(from_bus: Read, patch: object) -> None:
    received = _update(from_bus, patch)
    assert (received.fate, received.reason) == (Fate.NOT_AN_ANOMALY, "our own write-back")


def test_a_code_without_its_time_is_of_the_events_time(from_bus: Read) -> None:
    received = _update(from_bus, _patch(lastErrorCode="error-comp1"))
    assert received.anomaly is not None
    assert f"{received.at:%Y-%m-%dT%H:%M}" == "2015-05-30T08:00"


def test_a_risk_written_to_a_twin_is_a_risk_of_its_machine(from_bus: Read) -> None:
    patch = _patch(maintenanceRisk="High", maintenanceRiskAt="2015-05-30T06:00:00Z")
    received = _update(from_bus, patch, twin="machine-001-comp2")
    assert received.anomaly is not None
    assert (received.anomaly.kind, received.anomaly.asset) == (AnomalyKind.RISK, "machine-001")
    assert received.natural_key == "risk|machine-001|High|2015-05-30T06:00:00.000000Z"


def test_a_removed_code_and_any_other_change_say_nothing_unusual(from_bus: Read) -> None:
    cleared = _update(from_bus, [{"op": "remove", "path": "/lastErrorCode"}])
    other = _update(from_bus, _patch(temperature=71))
    assert (cleared.fate, cleared.reason) == (Fate.NOT_AN_ANOMALY, "the error code was cleared")
    assert (other.fate, other.reason) == (Fate.NOT_AN_ANOMALY, "a change of temperature says nothing unusual")


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        (5, "data.patch"),
        ([7], "data.patch.0"),
        ([{"op": "replace", "value": 1}], "data.patch.0.path"),
        ([{"op": "add", "path": "/a"}], "data.patch.0.value"),
        ([{"op": "shout", "path": "/a", "value": 1}], "data.patch.0.op"),
        ([{"op": "add", "path": "a", "value": 1}], "data.patch.0.path"),
        (_patch(lastErrorAt="2015-05-30T06:00:00Z"), "data.patch"),
        (_patch(lastErrorCode=7), "data.patch.lastErrorCode"),
        (_patch(lastErrorCode="e", lastErrorAt="2099-01-01T00:00:00Z"), "data.patch.lastErrorAt"),
        (_patch(maintenanceRisk="Huge"), "data.patch.maintenanceRisk"),
    ],
)
def test_a_bad_patch_is_quarantined_by_its_field(from_bus: Read, patch: object, field: str) -> None:
    received = _update(from_bus, patch)
    assert (received.fate, received.field) == (Fate.QUARANTINED, field)


def test_an_update_of_an_unknown_model_is_quarantined_and_of_an_unknown_twin_unmapped(from_bus: Read) -> None:
    strange = _update(from_bus, _patch(lastErrorCode="error-comp1"), model="dtmi:x:Y;9")
    missing = _update(from_bus, _patch(lastErrorCode="error-comp1"), twin="machine-777")
    unknown = _update(from_bus, _patch(lastErrorCode="error99"))
    assert (strange.fate, strange.field) == (Fate.QUARANTINED, "data.modelId")
    assert (missing.fate, missing.field) == (Fate.UNMAPPED, "subject")
    assert (unknown.fate, unknown.field) == (Fate.UNMAPPED, "data.patch.lastErrorCode")


@pytest.mark.parametrize(
    "kind", ["Twin.Create", "Twin.Delete", "Relationship.Create", "Relationship.Update", "Relationship.Delete"]
)
def test_a_change_of_the_graph_asks_for_a_new_import(from_bus: Read, kind: str) -> None:
    received = from_bus({"any": "thing"}, type=f"Microsoft.DigitalTwins.{kind}", subject="machine-001")
    assert received.fate is Fate.NOT_AN_ANOMALY
    assert f"{kind}: the graph changed; import the register again" in str(received.reason)


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("Twin.Create", order_twin_id("MWAAAAAAAA", "maximo", "1001")),
        (
            "Relationship.Create",
            f"machine-001/relationships/{order_twin_id('MWAAAAAAAA', 'maximo', '1001')}",
        ),
    ],
)
def test_the_twin_that_we_made_of_a_work_order_asks_for_no_import(from_bus: Read, kind: str, subject: str) -> None:
    received = from_bus({"any": "thing"}, type=f"Microsoft.DigitalTwins.{kind}", subject=subject)
    assert (received.fate, received.reason) == (Fate.NOT_AN_ANOMALY, "our own write-back")


def test_event_grid_nests_the_same_update_once_more(post: Callable[..., list[Received]], from_bus: Read) -> None:
    inner: dict[str, Any] = {
        "modelId": MODEL,
        "patch": _patch(lastErrorCode="error-comp1", lastErrorAt="2015-05-30T06:00:00Z"),
    }
    event = {
        "id": "g-1",
        "topic": "/subscriptions/s/digitalTwinsInstances/plant",
        "subject": "machine-001",
        "eventType": "Microsoft.DigitalTwins.Twin.Update",
        "eventTime": "2015-05-30T06:00:01Z",
        "data": {"data": inner, "contenttype": "application/json"},
        "dataVersion": "1.0",
    }
    (received,) = post([event])
    direct = _update(from_bus, inner["patch"])
    assert received.anomaly == direct.anomaly
    assert received.natural_key == direct.natural_key
    bad = event | {"data": {"data": {"modelId": MODEL, "patch": 5}}}
    assert post([bad])[0].field == "data.data.patch"
