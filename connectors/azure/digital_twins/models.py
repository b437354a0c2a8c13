"""The contents that DTDL models declare (versions 2 and 3), by name and kind.

Sources: DTDL v2 and v3 language descriptions. An interface has its own contents and those of all interfaces that it
extends. A content's `@type` is a kind, or a kind with semantic types.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

Definition: TypeAlias = Mapping[str, object]

_KINDS: Final = {
    "Property": "property",
    "Telemetry": "telemetry",
    "Command": "command",
    "Relationship": "relationship",
    "Component": "component",
}


def declared_contents(definitions: Mapping[str, Definition]) -> dict[str, dict[str, str]]:
    """The declared names for each model id, with inherited ones, each with its kind in lower case.

    Args:
        definitions: the DTDL document of each interface by its id.
    """
    interfaces = interfaces_in(definitions)
    return {
        model: {name: kind_of(content) for name, content in contents_of(lineage(model, interfaces)).items()}
        for model in interfaces
    }


def interfaces_in(definitions: Mapping[str, Definition]) -> dict[str, Definition]:
    """All interfaces by their ids, with those that others define inline as their parents."""
    interfaces: dict[str, Definition] = {}
    for model, definition in definitions.items():
        interfaces[model] = definition
        for nested in _inline_parents(definition):
            interfaces.setdefault(str(nested.get("@id")), nested)
    return interfaces


def lineage(model: str, interfaces: Mapping[str, Definition]) -> dict[str, Definition]:
    """An interface and all that it extends, as far as they are known."""
    seen: dict[str, Definition] = {}
    waiting = [model]
    while waiting:
        current = waiting.pop()
        definition = interfaces.get(current)
        if current in seen or definition is None:
            continue
        seen[current] = definition
        waiting.extend(_parents(definition))
    return seen


def contents_of(line: Mapping[str, Definition]) -> dict[str, Definition]:
    """The contents of an interface by their names, with inherited ones. Those of unknown kinds are left out.

    Args:
        line: the interface and all that it extends.
    """
    found: dict[str, Definition] = {}
    for definition in line.values():
        found = dict(_own(definition)) | found
    return found


def kind_of(content: Definition) -> str:
    """The kind of a content in lower case; empty if it is none of the language's."""
    return next((_KINDS[name] for name in types_of(content) if name in _KINDS), "")


def _own(definition: Definition) -> Iterator[tuple[str, Definition]]:
    for content in listed(definition.get("contents")):
        if not isinstance(content, Mapping):
            continue
        name = content.get("name")
        if kind_of(content) and isinstance(name, str):
            yield name, content


def types_of(content: Definition) -> list[str]:
    """The types that a DTDL element names."""
    return [name for name in listed(content.get("@type")) if isinstance(name, str)]


def _parents(definition: Definition) -> Iterator[str]:
    for parent in listed(definition.get("extends")):
        if isinstance(parent, str):
            yield parent
        elif isinstance(parent, Mapping):
            yield str(parent.get("@id"))


def _inline_parents(definition: Definition) -> Iterator[Definition]:
    for parent in listed(definition.get("extends")):
        if isinstance(parent, Mapping):
            yield parent
            yield from _inline_parents(parent)


def listed(value: object) -> list[object]:
    """JSON-LD writes a list of one as its element, and an empty one as nothing."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
