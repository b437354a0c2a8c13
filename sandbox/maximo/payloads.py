"""What a request asks to write: its JSON read against an object structure, with every value that is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from sandbox.maximo.attributes import Attribute
from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.mbo import Json, Mbo, Value
from sandbox.maximo.structures import MboStructure, ObjectStructure

Values = dict[str, Value | None]
_MARKS = frozenset({"_rowstamp", "_action", "href"})


@dataclass
class Payload:
    """Typed values of the root object and of child rows (None: to be nulled), and what could not be read."""

    attributes: Values = field(default_factory=dict)
    children: dict[str, list[Values]] = field(default_factory=dict)
    errors: list[MaximoError] = field(default_factory=list)


def read_payload(body: Mapping[str, Json], structure: ObjectStructure, zone: tzinfo, current: Mbo | None) -> Payload:
    """Read `body`; an attribute that nobody may write is refused unless it repeats what `current` holds."""
    payload = Payload()
    for name, value in body.items():
        child = structure.children.get(name)
        if child is None:
            _read_attribute(name, value, structure.root, zone, current, payload.attributes, payload.errors)
        elif not child.writable:
            payload.errors.append(_refused(name, structure.root, "is read-only"))
        elif not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            payload.errors.append(_refused(name, structure.root, "is not a list of objects"))
        else:
            payload.children[name] = [
                _read_row(row, child, zone, payload.errors) for row in value if isinstance(row, dict)
            ]
    return payload


def missing(values: Mapping[str, object], structure: MboStructure) -> list[MaximoError]:
    """A refusal for every required attribute that has no value."""
    return [
        _refused(attribute.name, structure, "is required")
        for attribute in structure.attributes.values()
        if attribute.required and values.get(attribute.name) is None
    ]


def check_rowstamp(body: Mapping[str, Json], current: Mbo, object_name: str) -> None:
    """A payload that carries the rowstamp of an older state of the record is stale: 412."""
    stamp = body.get("_rowstamp")
    if stamp is not None and str(stamp) != str(current.rowstamp):
        raise MaximoError(
            UNSTATED,
            "The record has been updated by another user.",
            status=412,
            object_name=object_name,
            value=str(stamp),
        )


def _read_row(row: Mapping[str, Json], structure: MboStructure, zone: tzinfo, errors: list[MaximoError]) -> Values:
    values: Values = {}
    for name, value in row.items():
        _read_attribute(name, value, structure, zone, None, values, errors)
    return values


def _read_attribute(
    name: str,
    value: Json,
    structure: MboStructure,
    zone: tzinfo,
    current: Mbo | None,
    values: Values,
    errors: list[MaximoError],
) -> None:
    if name in _MARKS or _is_derived(name, structure):
        return
    attribute = structure.attributes.get(name)
    if attribute is None:
        errors.append(_refused(name, structure, "is not an attribute"))
        return
    try:
        read = None if value is None else attribute.read(value, structure.name, zone)
    except MaximoError as error:
        errors.append(error)
        return
    if attribute.writable:
        values[name] = read
    elif current is None or not _repeats(attribute, value, current, zone):
        errors.append(_refused(name, structure, "is read-only"))


def _is_derived(name: str, structure: MboStructure) -> bool:
    bound = structure.attributes.get(name.removesuffix("_maxvalue").removesuffix("_description"))
    return name not in structure.attributes and bound is not None and bound.domain


def _repeats(attribute: Attribute, value: Json, current: Mbo, zone: tzinfo) -> bool:
    held = current.attributes.get(attribute.name)
    return value == (None if held is None else attribute.write(held, zone))


def _refused(name: str, structure: MboStructure, why: str) -> MaximoError:
    return MaximoError(UNSTATED, f"{name} of {structure.name} {why}.", attribute=name, object_name=structure.name)
