"""What of a record an answer shows: `oslc.select`, and the `properties` header that has its syntax."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from sandbox.maximo.errors import UNSTATED, MaximoError
from sandbox.maximo.mbo import Json, Mbo
from sandbox.maximo.statuses import StatusDomain
from sandbox.maximo.structures import MboStructure, ObjectStructure

_PART = re.compile(r"\s*(?P<name>\*|[A-Za-z_][\w:]*)\s*(?:\{(?P<inner>[^{}]*)\})?\s*(?:,|$)")
_ALLOWED_ACTIONS = "allowedactions"
_ALWAYS_SHOWN = frozenset({"href", "_rowstamp"})


@dataclass(frozen=True)
class Selection:
    """The attributes of the root object, those of each child object, and whether the allowed actions are asked for."""

    attributes: tuple[str, ...] = ()
    children: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allowed_actions: bool = False


def everything(structure: ObjectStructure) -> Selection:
    """All attributes and all children, as `*` asks for."""
    children = {name: tuple(child.attributes) for name, child in structure.children.items()}
    return Selection(tuple(structure.root.attributes), children)


def parse_select(text: str, structure: ObjectStructure) -> Selection:
    """`a,b,child{c,d},child{*}` or `*`.

    Raises:
        MaximoError: 400 naming what the object structure does not have, or a child named without its braces.
    """
    attributes: dict[str, None] = {}
    children: dict[str, tuple[str, ...]] = {}
    allowed_actions = False
    position = 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise _unknown(text[position:], structure.root)
        position = part.end()
        name = part["name"].removeprefix("spi:")
        if part["inner"] is not None:
            child = structure.children.get(name)
            if child is None:
                raise _unknown(name, structure.root)
            children[name] = _attributes_of(part["inner"], child)
        elif name == "*":
            attributes.update(dict.fromkeys(structure.root.attributes))
            children = {**everything(structure).children, **children}
        elif name in _ALWAYS_SHOWN:
            continue
        elif name == _ALLOWED_ACTIONS:
            allowed_actions = True
        else:
            attributes.update(dict.fromkeys(_attributes_of(name, structure.root)))
    return Selection(tuple(attributes), children, allowed_actions)


def _attributes_of(text: str, structure: MboStructure) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for written in text.split(","):
        name = written.strip().removeprefix("spi:")
        bound = name.removesuffix("_maxvalue").removesuffix("_description")
        attribute = structure.attributes.get(name) or structure.attributes.get(bound)
        if name == "*":
            names.update(dict.fromkeys(structure.attributes))
        elif attribute is None or (name != attribute.name and not attribute.domain):
            raise _unknown(name, structure)
        else:
            names[attribute.name] = None
    return tuple(names)


def _unknown(name: str, structure: MboStructure) -> MaximoError:
    return MaximoError(
        UNSTATED,
        f"{name} is not an attribute of {structure.name}.",
        attribute=name,
        object_name=structure.name,
    )


@dataclass(frozen=True)
class Projection:
    """Shows records as a `Selection` asks: plant-local dates, nulls left out unless they are asked for."""

    structure: ObjectStructure
    selection: Selection
    domain: StatusDomain
    zone: tzinfo
    drop_nulls: bool = True

    def show(self, mbo: Mbo) -> dict[str, Json]:
        """The plain (lean) members of one record, without its href."""
        shown = self._attributes(mbo, self.structure.root, self.selection.attributes)
        for name, attributes in self.selection.children.items():
            child = self.structure.children[name]
            rows = mbo.children.get(name, [])
            if rows or not self.drop_nulls:
                shown[name] = [self._attributes(row, child, attributes) for row in rows]
        if self.selection.allowed_actions and "status" in self.structure.root.attributes:
            shown[_ALLOWED_ACTIONS] = {"wsmethod:changeStatus": {"httpmethod": "POST", "override": "PATCH"}}
        shown["_rowstamp"] = str(mbo.rowstamp)
        return shown

    def _attributes(self, mbo: Mbo, structure: MboStructure, names: tuple[str, ...]) -> dict[str, Json]:
        shown: dict[str, Json] = {"_rowstamp": str(mbo.rowstamp)} if names else {}
        for name in names:
            value = mbo.attributes.get(name)
            if value is None:
                if not self.drop_nulls:
                    shown[name] = None
                continue
            attribute = structure.attributes[name]
            shown[name] = attribute.write(value, self.zone)
            if attribute.domain:
                shown[f"{name}_maxvalue"] = self.domain.internal_or_same(str(value))
                shown[f"{name}_description"] = self.domain.description(str(value))
        return shown
