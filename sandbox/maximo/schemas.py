"""What `jsonschemas/<name>` answers: types, lengths and required attributes of an object structure."""

from sandbox.maximo.mbo import Json
from sandbox.maximo.select import Selection, everything, parse_select
from sandbox.maximo.structures import MboStructure, ObjectStructure


def schema_of(structure: ObjectStructure, select: str | None, base: str) -> dict[str, Json]:
    """The root object's JSON schema; `select` chooses its parts and brings children inline, else they are links."""
    href = f"{base}/jsonschemas/{structure.name}"
    if select is None:
        selection = Selection(tuple(structure.root.attributes))
        links: dict[str, Json] = {name: {"type": "array", "$ref": f"{href}/{name}"} for name in structure.children}
    else:
        selection = everything(structure) if select.strip() == "*" else parse_select(select, structure)
        links = {}
    schema = _object(structure.root, selection.attributes)
    properties = schema["properties"]
    if isinstance(properties, dict):
        properties.update(links)
        for name, attributes in selection.children.items():
            properties[name] = {"type": "array", "items": _object(structure.children[name], attributes)}
    return {"resource": structure.name.upper(), **schema}


def _object(structure: MboStructure, names: tuple[str, ...]) -> dict[str, Json]:
    schema = structure.schema()
    schema["properties"] = {name: structure.attributes[name].schema() for name in names}
    schema["required"] = [name for name in names if structure.attributes[name].required]
    return schema
