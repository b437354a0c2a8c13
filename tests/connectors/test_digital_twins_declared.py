"""What a model takes of what is written: DTDL 2 and 3, inheritance, components, schemas."""

import pytest

from connectors.azure.digital_twins.declared import TwinModel
from connectors.azure.digital_twins.models import Definition

TIME = "2015-05-30T07:00:00.000000Z"
ENUM = {
    "@type": "Enum",
    "valueSchema": "string",
    "enumValues": [{"name": "done", "enumValue": "completed"}, {"name": "off", "enumValue": "cancelled"}],
}
NUMBERS = {"@type": "Enum", "valueSchema": "integer", "enumValues": [{"name": "one", "enumValue": 1}]}
NAMED = {**ENUM, "@id": "dtmi:x:Status;1"}


def _property(name: str, schema: object, **more: object) -> dict[str, object]:
    return {"@type": "Property", "name": name, "schema": schema, **more}


DEFINITIONS: dict[str, Definition] = {
    "dtmi:x:Part;1": {
        "@id": "dtmi:x:Part;1",
        "extends": ["dtmi:x:Base;1"],
        "contents": [
            _property("text", "string"),
            _property("time", "dateTime"),
            _property("number", "integer"),
            _property("status", ENUM),
            _property("code", NUMBERS),
            _property("list", {"@type": "Array", "elementSchema": "string"}),
            _property("fixed", "string", writable=False),
            _property("open", "string", writable=True),
            _property("typed", "string", **{"@type": ["Property", "Label"]}),
            {"@type": "Telemetry", "name": "heat", "schema": "string"},
            {"@type": "Component", "name": "work", "schema": "dtmi:x:Work;1"},
            {"@type": "Relationship", "name": "any"},
            {"@type": "Relationship", "name": "orders", "target": "dtmi:x:Order;1"},
        ],
    },
    "dtmi:x:Base;1": {
        "@id": "dtmi:x:Base;1",
        "schemas": NAMED,
        "contents": _property("inherited", "dtmi:x:Status;1"),
    },
    "dtmi:x:Work;1": {"@id": "dtmi:x:Work;1", "contents": [_property("result", "string")]},
    "dtmi:x:Order;2": {"@id": "dtmi:x:Order;2", "extends": "dtmi:x:Order;1"},
    "dtmi:x:Order;1": {"@id": "dtmi:x:Order;1", "contents": []},
}
PART = TwinModel("dtmi:x:Part;1", DEFINITIONS)


@pytest.mark.parametrize(
    ("theirs", "value"),
    [
        ("text", "confirmed"),
        ("text", TIME),
        ("time", TIME),
        ("status", "completed"),
        ("inherited", "cancelled"),
        ("open", "confirmed"),
        ("typed", "confirmed"),
        ("work.result", "confirmed"),
    ],
)
def test_a_declared_property_takes_a_value_of_its_schema(theirs: str, value: str) -> None:
    assert PART.refusal(theirs, value) is None


@pytest.mark.parametrize(
    ("theirs", "why"),
    [
        ("absent", "its model does not declare it"),
        ("heat", "its model declares it as telemetry"),
        ("any", "its model declares it as relationship"),
        ("work", "its model declares it as component"),
        ("time", "its model has the schema dateTime for it"),
        ("number", "its model has the schema integer for it"),
        ("list", "its model has the schema Array for it"),
        ("status", "its model takes only completed, cancelled, and not confirmed"),
        ("inherited", "its model takes only completed, cancelled, and not confirmed"),
        ("code", "its model takes only 1, and not confirmed"),
        ("fixed", "its model says that it is not writable"),
        ("work.absent", "its model does not declare it"),
        ("text.result", "its model has no component text"),
        ("absent.result", "its model has no component absent"),
    ],
)
def test_what_a_model_does_not_take_is_said_with_the_reason(theirs: str, why: str) -> None:
    assert PART.refusal(theirs, "confirmed") == why


def test_a_model_that_is_not_in_the_graph_takes_nothing() -> None:
    gone = TwinModel("dtmi:x:Gone;1", {})
    assert gone.refusal("text", "confirmed") == "its model dtmi:x:Gone;1 is not in the graph"
    assert not gone.ancestry


def test_a_relationship_leads_to_its_target_or_what_extends_it() -> None:
    order, work = TwinModel("dtmi:x:Order;2", DEFINITIONS), TwinModel("dtmi:x:Work;1", DEFINITIONS)
    assert PART.relationship_refusal("orders", order) is None
    assert PART.relationship_refusal("any", work) is None
    assert PART.relationship_refusal("orders", work) == (
        "the relationship orders of model dtmi:x:Part;1 leads to dtmi:x:Order;1, and not to dtmi:x:Work;1"
    )
    assert PART.relationship_refusal("text", order) == "model dtmi:x:Part;1 declares no relationship text"


def test_a_new_twin_needs_each_component_of_its_model() -> None:
    assert PART.components == ["work"]
