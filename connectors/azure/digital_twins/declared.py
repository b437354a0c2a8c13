"""What a DTDL model takes of what we write: properties with our values, and the relationship to a work order. Pure.

The service checks a write against the model as a whole, and refuses all of it for one property. So each is checked
here first. The service does not enforce `writable`; a model that says `false` is taken at its word.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from connectors.azure.digital_twins.models import (
    Definition,
    contents_of,
    interfaces_in,
    kind_of,
    lineage,
    listed,
    types_of,
)

_PROPERTY: Final = "property"


class TwinModel:
    """One model with what it inherits and its components.

    Args:
        model: its DTMI.
        definitions: the DTDL documents of the model, of all that it extends, and of its components; empty if the graph
            has no such model.
    """

    def __init__(self, model: str, definitions: Mapping[str, Definition]) -> None:
        self.id = model
        self._interfaces = interfaces_in(definitions)
        self._line = lineage(model, self._interfaces)
        self._contents = contents_of(self._line)

    @property
    def ancestry(self) -> Collection[str]:
        """The ids of the model and of all that it extends; empty if the graph has no such model."""
        return self._line.keys()

    @property
    def components(self) -> list[str]:
        """The names of its components. A new twin must have each."""
        return [name for name, content in self._contents.items() if kind_of(content) == "component"]

    def refusal(self, theirs: str, value: str) -> str | None:
        """Why the model does not take a value for a property; None if it does.

        Args:
            theirs: the property's name; `component.property` for one in a component.
        """
        if not self._line:
            return f"its model {self.id} is not in the graph"
        line, contents = self._line, self._contents
        component, _, name = theirs.rpartition(".")
        if component:
            holder = contents.get(component)
            if holder is None or kind_of(holder) != "component":
                return f"its model has no component {component}"
            schema = holder.get("schema")
            part = schema.get("@id") if isinstance(schema, Mapping) else schema
            line = lineage(str(part), self._interfaces)
            contents = contents_of(line)
        content = contents.get(name)
        if content is None:
            return "its model does not declare it"
        if kind_of(content) != _PROPERTY:
            return f"its model declares it as {kind_of(content)}"
        if content.get("writable") is False:
            return "its model says that it is not writable"
        return _schema_refusal(content.get("schema"), value, line)

    def relationship_refusal(self, name: str, target: "TwinModel") -> str | None:
        """Why a twin of the model cannot be related to one of another model; None if it can."""
        content = self._contents.get(name)
        if content is None or kind_of(content) != "relationship":
            return f"model {self.id} declares no relationship {name}"
        wanted = content.get("target")
        wanted = wanted.get("@id") if isinstance(wanted, Mapping) else wanted
        if wanted is not None and str(wanted) not in target.ancestry:
            return f"the relationship {name} of model {self.id} leads to {wanted}, and not to {target.id}"
        return None


def _schema_refusal(schema: object, value: str, line: Mapping[str, Definition]) -> str | None:
    if isinstance(schema, str):
        schema = _named_schemas(line).get(schema, schema)
    if schema == "string" or (schema == "dateTime" and _is_a_time(value)):
        return None
    if not isinstance(schema, Mapping):
        return f"its model has the schema {schema} for it"
    if "Enum" not in types_of(schema):
        return f"its model has the schema {', '.join(types_of(schema))} for it"
    values = [each.get("enumValue") for each in listed(schema.get("enumValues")) if isinstance(each, Mapping)]
    if value in values:
        return None
    return f"its model takes only {', '.join(str(each) for each in values)}, and not {value}"


def _named_schemas(line: Mapping[str, Definition]) -> dict[str, object]:
    schemas = [each for definition in line.values() for each in listed(definition.get("schemas"))]
    return {str(each.get("@id")): each for each in schemas if isinstance(each, Mapping)}


def _is_a_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
