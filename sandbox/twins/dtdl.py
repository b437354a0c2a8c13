"""Reading one DTDL interface, version 2 or 3, with the refusals of the language's parser.

Source: github.com/Azure/opendigitaltwins-dtdl, DTDL v2 and v3; and what Azure Digital Twins adds (top-level elements
are interfaces, none is defined inside another; commands are read and never run).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from sandbox.twins.document import JsonObject, JsonValue
from sandbox.twins.errors import ServiceError
from sandbox.twins.schema import GEOSPATIAL, PRIMITIVES, Array, Enum, Geospatial, Map, Object, Primitive, Schema

_CONTEXT: Final = re.compile(r"dtmi:dtdl:context;(\d+)")
_SEGMENT: Final = r"[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?"
_NAME: Final = re.compile(_SEGMENT, re.ASCII)
_PATH: Final = rf"dtmi:(?:_+[A-Za-z0-9]|[A-Za-z])(?:[A-Za-z0-9_]*[A-Za-z0-9])?(?::_*{_SEGMENT})*"
_DTMI: Final = {
    2: re.compile(rf"{_PATH};[1-9]\d{{0,8}}", re.ASCII),
    3: re.compile(rf"{_PATH}(?:;[1-9]\d{{0,8}}(?:\.[1-9]\d{{0,5}})?)?", re.ASCII),
}


@dataclass(frozen=True)
class _Limits:
    name: int
    parents: int
    contents: int
    depth: int


_MAX_ID: Final = 128
_LIMITS: Final = {2: _Limits(64, 2, 300, 5), 3: _Limits(512, 1024, 100_000, 8)}
_DESCRIBED: Final = frozenset({"@id", "@type", "comment", "description", "displayName"})
_INTERFACE_KEYS: Final = _DESCRIBED | {"@context", "contents", "extends", "schemas"}
_CONTENT_KEYS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "Property": _DESCRIBED | {"name", "schema", "unit", "writable"},
        "Telemetry": _DESCRIBED | {"name", "schema", "unit"},
        "Component": _DESCRIBED | {"name", "schema"},
        "Relationship": _DESCRIBED | {"name", "target", "properties", "minMultiplicity", "maxMultiplicity", "writable"},
        "Command": _DESCRIBED | {"name", "commandType", "request", "response"},
    }
)


@dataclass(frozen=True)
class RelationshipDefinition:
    """A relationship of an interface: the model its target must be of (None: any), and its properties."""

    target: str | None
    properties: dict[str, Schema]


@dataclass(frozen=True)
class Interface:
    """One model, read; `document` is what was uploaded."""

    id: str
    version: int
    document: JsonObject
    extends: tuple[str, ...]
    properties: dict[str, Schema] = field(default_factory=dict)
    components: dict[str, str] = field(default_factory=dict)
    relationships: dict[str, RelationshipDefinition] = field(default_factory=dict)
    telemetry: dict[str, Schema] = field(default_factory=dict)
    commands: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """The names of all contents."""
        return self.commands.union(self.properties, self.components, self.relationships, self.telemetry)

    @property
    def references(self) -> frozenset[str]:
        """The models that must exist for this one to: parents and components, not relationship targets."""
        return frozenset(self.extends) | frozenset(self.components.values())


def read_interface(document: JsonValue) -> Interface:
    """One uploaded model.

    Raises:
        ServiceError: DTDLParserError, or ModelVersionNotSupported for a context that is neither version 2 nor 3.
    """
    if not isinstance(document, dict):
        raise ServiceError("DTDLParserError", "A model must be a JSON object.")
    return _InterfaceReader(document).read()


class _InterfaceReader:
    def __init__(self, document: JsonObject) -> None:
        self._document = document
        model_id = document.get("@id")
        self._id = model_id if isinstance(model_id, str) else "(a model without @id)"
        self._version, self._extended = self._context()
        self._limits = _LIMITS[self._version]
        self._named: dict[str, Schema] = {}

    def read(self) -> Interface:
        document = self._document
        if document.get("@type") != "Interface":
            raise self._refusal("'@type' must be 'Interface'; no other element may stand at the top")
        self._dtmi(document.get("@id"), "@id")
        self._only_known(document, _INTERFACE_KEYS, "the interface")
        for schema in _elements(document.get("schemas")):
            self._named_schema(schema)
        extends = tuple(self._reference(each, "extends") for each in _elements(document.get("extends")))
        if len(extends) > self._limits.parents:
            raise self._refusal(f"'extends' has more than {self._limits.parents} values")
        if self._id in extends:
            raise self._refusal("'extends' refers to the interface itself")
        return self._with_contents(extends)

    def _with_contents(self, extends: tuple[str, ...]) -> Interface:
        properties: dict[str, Schema] = {}
        components: dict[str, str] = {}
        relationships: dict[str, RelationshipDefinition] = {}
        telemetry: dict[str, Schema] = {}
        commands: set[str] = set()
        seen: set[str] = set()
        contents = list(_elements(self._document.get("contents")))
        if len(contents) > self._limits.contents:
            raise self._refusal(f"'contents' has more than {self._limits.contents} elements")
        for element in contents:
            content = self._object(element, "an element of 'contents'")
            kind = self._kind(content)
            name = self._name(content, f"a {kind}")
            if name in seen:
                raise self._refusal(f"'contents' has more than one element named {name!r}")
            seen.add(name)
            self._only_known(content, _CONTENT_KEYS[kind], f"{kind} {name!r}")
            match kind:
                case "Property":
                    properties[name] = self._property(content, name)
                case "Telemetry":
                    telemetry[name] = self._schema(content.get("schema"), name)
                case "Component":
                    components[name] = self._reference(content.get("schema"), f"{name}.schema")
                case "Relationship":
                    relationships[name] = self._relationship(content, name)
                case _:
                    self._command(content, name)
                    commands.add(name)
        return Interface(
            self._id,
            self._version,
            self._document,
            extends,
            properties,
            components,
            relationships,
            telemetry,
            frozenset(commands),
        )

    def _context(self) -> tuple[int, bool]:
        contexts = [each for each in _elements(self._document.get("@context")) if isinstance(each, str)]
        versions = [match[1] for each in contexts if (match := _CONTEXT.fullmatch(each))]
        if not versions:
            raise self._refusal("'@context' must be or begin with 'dtmi:dtdl:context;2' or ';3'")
        if versions[0] not in {"2", "3"}:
            raise ServiceError("ModelVersionNotSupported", f"{self._id} is written in DTDL {versions[0]}.")
        return int(versions[0]), len(contexts) > 1

    def _kind(self, content: JsonObject) -> str:
        types = [each for each in _elements(content.get("@type")) if isinstance(each, str)]
        kinds = [each for each in types if each in _CONTENT_KEYS]
        if len(kinds) != 1:
            raise self._refusal(f"'@type' {content.get('@type')!r} names no single kind of content")
        semantic = len(types) > 1 or "unit" in content
        if semantic and self._version == 3 and not self._extended:
            raise self._refusal("semantic types and units need an extension's context in DTDL 3")
        return kinds[0]

    def _property(self, content: JsonObject, name: str) -> Schema:
        schema = self._schema(content.get("schema"), name)
        if self._version == 2 and _holds_array(schema):
            raise self._refusal(f"Property {name!r} has a schema with an Array, which DTDL 2 does not allow")
        if not isinstance(content.get("writable", False), bool):
            raise self._refusal(f"'writable' of {name!r} must be a boolean")
        return schema

    def _relationship(self, content: JsonObject, name: str) -> RelationshipDefinition:
        target = content.get("target")
        properties: dict[str, Schema] = {}
        for element in _elements(content.get("properties")):
            declared = self._object(element, f"a property of relationship {name!r}")
            if self._kind(declared) != "Property":
                raise self._refusal(f"'properties' of relationship {name!r} may hold properties only")
            label = self._name(declared, f"a property of {name!r}")
            if label in properties:
                raise self._refusal(f"relationship {name!r} has more than one property named {label!r}")
            self._only_known(declared, _CONTENT_KEYS["Property"], f"property {label!r} of {name!r}")
            properties[label] = self._property(declared, label)
        checked = None if target is None else self._reference(target, f"{name}.target")
        return RelationshipDefinition(checked, properties)

    def _command(self, content: JsonObject, name: str) -> None:
        for part in ("request", "response"):
            if part in content:
                payload = self._object(content[part], f"{part!r} of command {name!r}")
                self._name(payload, f"{part!r} of command {name!r}")
                self._schema(payload.get("schema"), f"{name}.{part}")

    def _named_schema(self, element: JsonValue) -> None:
        schema = self._object(element, "an element of 'schemas'")
        self._named[self._dtmi(schema.get("@id"), "schemas.@id")] = self._schema(element, "schemas")

    def _schema(self, schema: JsonValue, where: str, depth: int = 1) -> Schema:
        if depth > self._limits.depth:
            raise self._refusal(f"the schema of {where!r} is nested more than {self._limits.depth} levels")
        if isinstance(schema, str):
            if schema in PRIMITIVES:
                return Primitive(schema)
            if schema in GEOSPATIAL:
                return Geospatial(schema)
            if schema in self._named:
                return self._named[schema]
            raise self._refusal(f"the schema {schema!r} of {where!r} is not defined")
        if not isinstance(schema, dict):
            raise self._refusal(f"{where!r} must have a schema")
        match schema.get("@type"):
            case "Enum":
                return self._enum(schema, where)
            case "Map":
                key = self._object(schema.get("mapKey"), f"'mapKey' of {where!r}")
                self._name(key, f"'mapKey' of {where!r}")
                if key.get("schema") != "string":
                    raise self._refusal(f"'mapKey' of {where!r} must have the schema string")
                value = self._object(schema.get("mapValue"), f"'mapValue' of {where!r}")
                self._name(value, f"'mapValue' of {where!r}")
                return Map(self._schema(value.get("schema"), where, depth + 1))
            case "Object":
                return self._object_schema(schema, where, depth)
            case "Array":
                return Array(self._schema(schema.get("elementSchema"), where, depth + 1))
            case other:
                raise self._refusal(f"the schema of {where!r} is of the unknown type {other!r}")

    def _object_schema(self, schema: JsonObject, where: str, depth: int) -> Object:
        fields: dict[str, Schema] = {}
        for element in _elements(schema.get("fields")):
            declared = self._object(element, f"a field of {where!r}")
            name = self._name(declared, f"a field of {where!r}")
            if name in fields:
                raise self._refusal(f"{where!r} has more than one field named {name!r}")
            fields[name] = self._schema(declared.get("schema"), f"{where}.{name}", depth + 1)
        return Object(fields)

    def _enum(self, schema: JsonObject, where: str) -> Enum:
        kind = {"string": str, "integer": int}.get(str(schema.get("valueSchema")))
        if kind is None:
            raise self._refusal(f"'valueSchema' of {where!r} must be string or integer")
        values: list[str | int] = []
        names: set[str] = set()
        for element in _elements(schema.get("enumValues")):
            declared = self._object(element, f"an enum value of {where!r}")
            name = self._name(declared, f"an enum value of {where!r}")
            value = declared.get("enumValue")
            if not isinstance(value, str | int) or isinstance(value, bool) or not isinstance(value, kind):
                raise self._refusal(f"enum value {name!r} of {where!r} must be of 'valueSchema'")
            if name in names or value in values:
                raise self._refusal(f"{where!r} has the enum value {name!r} more than once")
            names.add(name)
            values.append(value)
        return Enum(tuple(values))

    def _name(self, element: JsonObject, what: str) -> str:
        name = element.get("name")
        if not isinstance(name, str) or len(name) > self._limits.name or not _NAME.fullmatch(name):
            raise self._refusal(f"{what} has the name {name!r}, which is missing or not a DTDL name")
        return name

    def _dtmi(self, value: JsonValue, where: str) -> str:
        if not isinstance(value, str) or len(value) > _MAX_ID or not _DTMI[self._version].fullmatch(value):
            raise self._refusal(f"{where!r} is {value!r}, which is not a valid DTMI")
        return value

    def _reference(self, value: JsonValue, where: str) -> str:
        if isinstance(value, dict) and set(value) != {"@id"}:
            raise self._refusal(f"{where!r} defines an interface inline; refer to it by its @id")
        return self._dtmi(value["@id"] if isinstance(value, dict) else value, where)

    def _object(self, value: JsonValue, what: str) -> JsonObject:
        if not isinstance(value, dict):
            raise self._refusal(f"{what} must be an object")
        return value

    def _only_known(self, element: JsonObject, known: frozenset[str], what: str) -> None:
        unknown = sorted(set(element) - known)
        if unknown and not self._extended:
            raise self._refusal(f"{what} has {unknown[0]!r}, which DTDL {self._version} does not define")

    def _refusal(self, text: str) -> ServiceError:
        return ServiceError("DTDLParserError", f"{self._id}: {text}.")


def _elements(value: JsonValue) -> Iterator[JsonValue]:
    """JSON-LD writes a set of one as its element."""
    if value is None:
        return
    yield from value if isinstance(value, list) else [value]


def _holds_array(schema: Schema) -> bool:
    match schema:
        case Array():
            return True
        case Map(value=value):
            return _holds_array(value)
        case Object(fields=fields):
            return any(_holds_array(each) for each in fields.values())
        case _:
            return False
