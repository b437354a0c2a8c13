"""Which DTDL models the twin service takes, and which values they allow."""

from typing import Any

import pytest

from sandbox.twins.dtdl import read_interface
from sandbox.twins.errors import ServiceError
from sandbox.twins.model_catalogue import ModelCatalogue

NOW = "2026-01-01T00:00:00.0000000Z"


def _model(name: str = "A", version: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "@context": f"dtmi:dtdl:context;{version}",
        "@id": f"dtmi:example:{name};1",
        "@type": "Interface",
        **more,
    }


def _property(schema: Any, **more: Any) -> dict[str, Any]:
    return {"@type": "Property", "name": "p", "schema": schema, **more}


STRINGS = {"@type": "Array", "elementSchema": "string"}
COLOUR: dict[str, Any] = {
    "@type": "Enum",
    "valueSchema": "string",
    "enumValues": [{"name": "red", "enumValue": "RED"}, {"name": "blue", "enumValue": "BLUE"}],
}
LEVEL = {"@type": "Enum", "valueSchema": "integer", "enumValues": [{"name": "low", "enumValue": 1}]}
BY_NAME = {
    "@type": "Map",
    "mapKey": {"name": "key", "schema": "string"},
    "mapValue": {"name": "value", "schema": "double"},
}
POINT: dict[str, Any] = {
    "@type": "Object",
    "fields": [{"name": "x", "schema": "double"}, {"name": "tags", "schema": BY_NAME}],
}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("boolean", True),
        ("integer", 2_147_483_647),
        ("long", 9_223_372_036_854_775_807),
        ("double", 1),
        ("float", 1.5),
        ("string", "x" * 4096),
        ("date", "2015-01-31"),
        ("dateTime", "2015-01-31T08:00:00.123Z"),
        ("dateTime", "2015-01-31T08:00:00+02:00"),
        ("time", "08:00:00"),
        ("duration", "PT1H30M"),
        ("duration", "P1DT0.5S"),
        ("point", {"type": "Point", "coordinates": [1, 2]}),
        (COLOUR, "RED"),
        (LEVEL, 1),
        (BY_NAME, {"any": 1.0}),
        (POINT, {"x": 1, "tags": {"a": 2}}),
        (POINT, {}),
        (STRINGS, []),
        (STRINGS, ["a", "b"]),
    ],
)
def test_a_value_of_the_schema_is_taken(schema: Any, value: Any) -> None:
    interface = read_interface(_model(version=3, contents=[_property(schema)]))
    assert list(interface.properties["p"].problems(value, "p")) == []


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("boolean", 1),
        ("integer", True),
        ("integer", 1.5),
        ("integer", 2_147_483_648),
        ("long", 9_223_372_036_854_775_808),
        ("double", "1"),
        ("double", True),
        ("string", 1),
        ("string", None),
        ("string", "x" * 4097),
        ("string", "é" * 2049),
        ("date", "2015-02-30"),
        ("dateTime", "2015-01-31"),
        ("dateTime", "2015-01-31T08:00:00"),
        ("dateTime", "2015-13-31T08:00:00Z"),
        ("time", "25:00:00"),
        ("duration", "P"),
        ("duration", "1h"),
        ("point", [1, 2]),
        (COLOUR, "GREEN"),
        (LEVEL, True),
        (LEVEL, "1"),
        (BY_NAME, {"any": "x"}),
        (BY_NAME, []),
        (POINT, {"y": 1}),
        (POINT, {"x": "far"}),
        (POINT, "x"),
        (STRINGS, "a"),
        (STRINGS, ["a", 1]),
    ],
)
def test_a_value_of_another_schema_is_named_with_its_place(schema: Any, value: Any) -> None:
    interface = read_interface(_model(version=3, contents=[_property(schema)]))
    (problem,) = interface.properties["p"].problems(value, "p")
    assert problem.startswith("p")


def test_every_kind_of_content_is_read() -> None:
    interface = read_interface(
        _model(
            contents=[
                _property({"@id": "dtmi:example:colour;1", **COLOUR}, writable=True),
                {"@type": ["Telemetry", "Temperature"], "name": "t", "schema": STRINGS, "unit": "kelvin"},
                {"@type": "Component", "name": "c", "schema": "dtmi:example:Part;1"},
                {"@type": "Relationship", "name": "r", "target": "dtmi:example:B;1", "maxMultiplicity": 3},
                {"@type": "Command", "name": "stop", "request": {"name": "why", "schema": "string"}},
            ]
        )
    )
    assert interface.names == {"p", "t", "c", "r", "stop"}
    assert interface.references == {"dtmi:example:Part;1"}
    assert interface.relationships["r"].target == "dtmi:example:B;1"


def test_a_schema_may_be_defined_once_and_referred_to() -> None:
    named = [{"@id": "dtmi:example:colour;1", **COLOUR}]
    interface = read_interface(_model(schemas=named, contents=[_property("dtmi:example:colour;1")]))
    assert list(interface.properties["p"].problems("BLUE", "p")) == []


def test_an_extension_s_context_allows_its_words() -> None:
    model = _model(version=3, contents=[_property("double", **{"@type": ["Property", "Historized"]})])
    model["@context"] = ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:historization;1"]
    assert "p" in read_interface(model).properties


TOO_DEEP: Any = "string"
for _ in range(9):
    TOO_DEEP = {"@type": "Array", "elementSchema": TOO_DEEP}


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ("text", "JSON object"),
        (_model() | {"@context": None}, "@context"),
        (_model() | {"@type": "Property"}, "@type"),
        (_model() | {"@id": "dtmi:example:A"}, "not a valid DTMI"),
        (_model() | {"@id": "dtmi:example:1A;1"}, "not a valid DTMI"),
        (_model() | {"@id": "dtmi:" + "a" * 128 + ";1"}, "not a valid DTMI"),
        (_model(colour="red"), "does not define"),
        (_model(extends="dtmi:example:A;1"), "itself"),
        (_model(extends=[f"dtmi:example:P{n};1" for n in range(3)]), "more than 2"),
        (_model(extends=_model("B")), "inline"),
        (_model(contents=["p"]), "must be an object"),
        (_model(contents=[{"@type": "Event", "name": "e"}]), "no single kind"),
        (_model(contents=[_property("string") | {"name": "2p"}]), "not a DTDL name"),
        (_model(contents=[_property("string") | {"name": "p_"}]), "not a DTDL name"),
        (_model(contents=[_property("string") | {"name": "p" * 65}]), "not a DTDL name"),
        (_model(contents=[_property("string"), _property("string")]), "more than one"),
        (_model(contents=[_property("text")]), "not defined"),
        (_model(contents=[_property(None)]), "must have a schema"),
        (_model(contents=[_property({"@type": "Set"})]), "unknown type"),
        (_model(contents=[_property("string", writable="yes")]), "boolean"),
        (_model(contents=[_property("string", colour="red")]), "does not define"),
        (_model(contents=[_property(STRINGS)]), "DTDL 2 does not allow"),
        (_model(contents=[_property(POINT | {"fields": [{"name": "a", "schema": STRINGS}]})]), "DTDL 2"),
        (_model(version=3, contents=[_property("string", unit="metre")]), "extension"),
        (_model(version=3, contents=[_property(TOO_DEEP)]), "nested"),
        (_model(contents=[_property(COLOUR | {"valueSchema": "double"})]), "valueSchema"),
        (_model(contents=[_property(COLOUR | {"valueSchema": "integer"})]), "valueSchema"),
        (_model(contents=[_property(COLOUR | {"enumValues": COLOUR["enumValues"] * 2})]), "more than once"),
        (_model(contents=[_property(BY_NAME | {"mapKey": {"name": "k", "schema": "integer"}})]), "string"),
        (_model(contents=[_property(POINT | {"fields": POINT["fields"] * 2})]), "more than one field"),
        (_model(contents=[{"@type": "Component", "name": "c", "schema": "string"}]), "not a valid DTMI"),
        (
            _model(contents=[{"@type": "Relationship", "name": "r", "properties": [{"@type": "Telemetry"}]}]),
            "properties only",
        ),
        (_model(contents=[{"@type": "Command", "name": "c", "request": "now"}]), "must be an object"),
    ],
)
def test_a_malformed_model_is_refused_with_a_word_on_why(model: Any, complaint: str) -> None:
    with pytest.raises(ServiceError, match=complaint) as refused:
        ModelCatalogue().add([model], NOW)
    assert refused.value.code == "DTDLParserError"


def test_dtdl_4_is_refused_by_its_version() -> None:
    with pytest.raises(ServiceError) as refused:
        read_interface(_model(version=4))
    assert refused.value.code == "ModelVersionNotSupported"


@pytest.mark.parametrize(
    ("batch", "complaint"),
    [
        ([_model("A", extends="dtmi:example:Z;1")], "neither stored nor"),
        (
            [_model("A", contents=[{"@type": "Component", "name": "c", "schema": "dtmi:example:Z;1"}])],
            "neither stored nor",
        ),
        ([_model("A"), _model("A")], "more than once"),
        (
            [_model("A", extends="dtmi:example:B;1"), _model("B", extends="dtmi:example:A;1")],
            "itself",
        ),
        (
            [
                _model("A", contents=[_property("string")]),
                _model("B", extends="dtmi:example:A;1", contents=[_property("string")]),
            ],
            "both from",
        ),
        (
            [
                _model("A", contents=[{"@type": "Component", "name": "c", "schema": "dtmi:example:B;1"}]),
                _model("B", contents=[{"@type": "Component", "name": "c", "schema": "dtmi:example:C;1"}]),
                _model("C"),
            ],
            "has components itself",
        ),
        ([_model("A", extends="dtmi:example:B;1"), _model("B", version=3)], "later version"),
        (
            [_model("M0"), *(_model(f"M{n}", extends=f"dtmi:example:M{n - 1};1") for n in range(1, 12))],
            "more than 10 levels",
        ),
    ],
)
def test_models_that_do_not_fit_together_are_refused_and_none_is_kept(batch: list[Any], complaint: str) -> None:
    catalogue = ModelCatalogue()
    with pytest.raises(ServiceError, match=complaint):
        catalogue.add(batch, NOW)
    assert list(catalogue) == []


def test_a_model_is_what_it_extends_at_any_distance() -> None:
    catalogue = ModelCatalogue()
    catalogue.add(
        [
            _model("A", contents=[_property("string")]),
            _model("B", extends=["dtmi:example:A;1"]),
            _model("C", version=3, extends="dtmi:example:B;1"),
        ],
        NOW,
    )
    assert catalogue.is_a("dtmi:example:C;1", "dtmi:example:A;1")
    assert not catalogue.is_a("dtmi:example:A;1", "dtmi:example:C;1")
    assert not catalogue.is_a("dtmi:example:Z;1", "dtmi:example:Z;1")
    assert set(catalogue.shape("dtmi:example:C;1").properties) == {"p"}


def test_two_ways_to_one_ancestor_are_no_clash() -> None:
    catalogue = ModelCatalogue()
    catalogue.add(
        [
            _model("A", contents=[_property("string")]),
            _model("B", extends="dtmi:example:A;1"),
            _model("C", extends="dtmi:example:A;1"),
            _model("D", extends=["dtmi:example:B;1", "dtmi:example:C;1"]),
        ],
        NOW,
    )
    assert set(catalogue.shape("dtmi:example:D;1").properties) == {"p"}
