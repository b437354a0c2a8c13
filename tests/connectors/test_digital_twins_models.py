"""What DTDL documents declare, in versions 2 and 3."""

from connectors.azure.digital_twins.connector import patch_operations
from connectors.azure.digital_twins.models import declared_contents
from domain.canonical import Json


def test_kinds_are_found_among_semantic_types_and_unknown_ones_are_left_out() -> None:
    contents = [
        {"@type": ["Telemetry", "Temperature"], "name": "heat", "schema": "double"},
        {"@type": "Property", "name": "label", "schema": "string"},
        {"@type": "Command", "name": "stop"},
        {"@type": "Relationship", "name": "contains"},
        {"@type": "Component", "name": "drive", "schema": "dtmi:x:Drive;1"},
        {"@type": "Prophecy", "name": "doom"},
        {"@type": "Property"},
    ]
    found = declared_contents({"dtmi:x:A;1": {"@id": "dtmi:x:A;1", "contents": contents}})
    assert found["dtmi:x:A;1"] == {
        "heat": "telemetry",
        "label": "property",
        "stop": "command",
        "contains": "relationship",
        "drive": "component",
    }


def test_contents_are_inherited_through_every_form_of_extends() -> None:
    def own(name: str) -> dict[str, object]:
        return {"@type": "Property", "name": name}

    inline = {"@id": "dtmi:x:Inline;1", "contents": [own("c")], "extends": "dtmi:x:Base;1"}
    definitions: dict[str, dict[str, object]] = {
        "dtmi:x:Base;1": {"contents": own("a")},
        "dtmi:x:One;1": {"extends": "dtmi:x:Base;1", "contents": [own("b")]},
        "dtmi:x:Many;1": {"extends": ["dtmi:x:One;1", inline, "dtmi:x:Missing;1"]},
    }
    found = declared_contents(definitions)
    assert sorted(found["dtmi:x:One;1"]) == ["a", "b"]
    assert sorted(found["dtmi:x:Many;1"]) == ["a", "b", "c"]
    assert sorted(found["dtmi:x:Inline;1"]) == ["a", "c"]


def test_models_that_extend_each_other_in_a_ring_end() -> None:
    ring: dict[str, dict[str, object]] = {
        "dtmi:x:A;1": {"extends": "dtmi:x:B;1"},
        "dtmi:x:B;1": {"extends": ["dtmi:x:A;1"]},
    }
    assert declared_contents(ring) == {"dtmi:x:A;1": {}, "dtmi:x:B;1": {}}


def test_a_patch_says_only_what_changes() -> None:
    current: dict[str, Json] = {"a": 1, "b": True, "c": "x", "d": {"e": 1}}
    wanted: dict[str, Json] = {"a": 2, "b": True, "c": None, "d": {"e": 1}, "f/g": "new", "h": None}
    assert patch_operations(current, wanted) == [
        {"op": "replace", "path": "/a", "value": 2},
        {"op": "remove", "path": "/c"},
        {"op": "add", "path": "/f~1g", "value": "new"},
    ]
    assert patch_operations({"a": 1}, {"a": True}) == [{"op": "replace", "path": "/a", "value": True}]
