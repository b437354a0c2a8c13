"""A twin that cannot be read is reported, and the others are imported."""

from datetime import UTC, datetime

import pytest

from connectors.azure.digital_twins import TwinVocabulary
from connectors.azure.digital_twins.mapping import plant_register

AS_OF = datetime(2015, 1, 1, tzinfo=UTC)


def stands(part: str, whole: str) -> dict[str, object]:
    return {"$sourceId": whole, "$targetId": part, "$relationshipName": "contains"}


def machine(twin: str, **odd: object) -> dict[str, object]:
    return {"$dtId": twin, "deviceId": f"D-{twin}", **odd}


LINE: dict[str, object] = {"$dtId": "line", "lineId": "LINE-1"}
PLACES = [stands("m1", "line"), stands("m2", "line"), stands("c2", "m2")]


@pytest.mark.parametrize(
    ("odd", "field"),
    [
        ({"deviceId": 5}, "deviceId"),
        ({"deviceId": "D\0"}, "deviceId"),
        ({"name": "M\ud800"}, "name"),
        ({"normalMean": float("nan")}, "normalMean"),
        ({"normalSd": "wide"}, "normalSd"),
        ({"criticality": ["A"]}, "criticality"),
    ],
)
def test_an_odd_twin_is_left_out_with_its_parts_and_the_others_are_imported(odd: dict[str, object], field: str) -> None:
    part = {"$dtId": "c2", "failureMode": "VIB"}
    register = plant_register([LINE, machine("m1"), machine("m2", **odd), part], PLACES, {}, TwinVocabulary(), AS_OF)
    assert [asset.id for asset in register.assets] == ["LINE-1", "m1"]
    assert [(report.record, report.field) for report in register.unreadable] == [("c2", "contains"), ("m2", field)]


def test_a_twin_without_an_id_and_a_relationship_without_ends_hide_no_other() -> None:
    twins: list[dict[str, object]] = [LINE, machine("m1"), {"deviceId": "D-3"}]
    register = plant_register(twins, [stands("m1", "line"), {"$sourceId": "line"}], {}, TwinVocabulary(), AS_OF)
    assert [asset.id for asset in register.assets] == ["LINE-1", "m1"]
    assert [report.record for report in register.unreadable] == ["twin 3 of the graph"]
