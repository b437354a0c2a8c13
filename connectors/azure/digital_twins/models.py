"""The contents that DTDL models declare (versions 2 and 3), by name and kind.

Sources: DTDL v2 and v3 language descriptions. An interface has its own contents and those of all interfaces that it
extends. A content's `@type` is a kind, or a kind with semantic types.
"""

from collections.abc import Iterator, Mapping
from typing import Final

_KINDS: Final = {
    "Property": "property",
    "Telemetry": "telemetry",
    "Command": "command",
    "Relationship": "relationship",
    "Component": "component",
}


def declared_contents(definitions: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, str]]:
    """The declared names for each model id, with inherited ones, each with its kind in lower case.

    Args:
        definitions: the DTDL document of each interface by its id.
    """
    interfaces: dict[str, Mapping[str, object]] = {}
    for model, definition in definitions.items():
        interfaces[model] = definition
        for nested in _inline_parents(definition):
            interfaces.setdefault(str(nested.get("@id")), nested)
    return {model: _contents(model, interfaces) for model in interfaces}


def _contents(model: str, interfaces: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    found: dict[str, str] = {}
    seen: set[str] = set()
    waiting = [model]
    while waiting:
        current = waiting.pop()
        definition = interfaces.get(current)
        if current in seen or definition is None:
            continue
        seen.add(current)
        found = dict(_own(definition)) | found
        waiting.extend(_parents(definition))
    return found


def _own(definition: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for content in _listed(definition.get("contents")):
        if not isinstance(content, Mapping):
            continue
        kind = next((_KINDS[name] for name in _types(content) if name in _KINDS), None)
        name = content.get("name")
        if kind is not None and isinstance(name, str):
            yield name, kind


def _types(content: Mapping[str, object]) -> list[str]:
    return [name for name in _listed(content.get("@type")) if isinstance(name, str)]


def _parents(definition: Mapping[str, object]) -> Iterator[str]:
    for parent in _listed(definition.get("extends")):
        if isinstance(parent, str):
            yield parent
        elif isinstance(parent, Mapping):
            yield str(parent.get("@id"))


def _inline_parents(definition: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for parent in _listed(definition.get("extends")):
        if isinstance(parent, Mapping):
            yield parent
            yield from _inline_parents(parent)


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
