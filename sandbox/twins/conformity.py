"""Checks twins and relationships against their models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sandbox.twins.document import JsonObject, model_of
from sandbox.twins.errors import ServiceError
from sandbox.twins.model_catalogue import ModelCatalogue, Shape

_COMPONENT_SYSTEM: Final = frozenset({"$metadata"})
_TWIN_SYSTEM: Final = _COMPONENT_SYSTEM | {"$dtId", "$etag"}
_ID: Final = re.compile(r"[A-Za-z0-9\-.+%_#*?!(),=@$']{1,128}")


def check_id(kind: str, value: str) -> None:
    """Raises ServiceError InvalidArgument for an id of a character or length the service does not take."""
    if not _ID.fullmatch(value):
        raise ServiceError("InvalidArgument", f"The {kind} id {value!r} is not valid.")


def check_twin(catalogue: ModelCatalogue, twin: JsonObject) -> None:
    """Every value of `twin` against its model and those of its components.

    Raises:
        ServiceError: ValidationFailed, with one detail for each thing that is wrong.
    """
    problems = list(_twin_problems(catalogue, twin))
    if problems:
        raise ServiceError("ValidationFailed", "Invalid twin specified", problems)


def check_relationship(
    catalogue: ModelCatalogue, source: JsonObject, relationship: JsonObject, target: JsonObject
) -> None:
    """A relationship against the model of its source.

    Raises:
        ServiceError: InvalidRelationship, the model does not declare it or its target is of another model;
            ValidationFailed, a property is wrong.
    """
    name = relationship.get("$relationshipName")
    model = model_of(source)
    definition = catalogue.shape(model).relationships.get(str(name)) if model in catalogue else None
    if definition is None:
        raise ServiceError("InvalidRelationship", f"The model {model} does not define the relationship {name!r}.")
    if definition.target is not None and not catalogue.is_a(model_of(target), definition.target):
        raise ServiceError(
            "InvalidRelationship",
            f"The target of {name!r} must be of {definition.target}, but is of {model_of(target)}.",
        )
    problems: list[str] = []
    for key, value in relationship.items():
        if key.startswith("$"):
            continue
        if key in definition.properties:
            problems.extend(definition.properties[key].problems(value, key))
        else:
            problems.append(f"{key} is not a property of the relationship {name!r}.")
    if problems:
        raise ServiceError("ValidationFailed", "Invalid relationship specified", problems)


def _twin_problems(catalogue: ModelCatalogue, twin: JsonObject) -> Iterator[str]:
    model = model_of(twin)
    if model not in catalogue:
        yield f"The model {model!r} does not exist."
        return
    shape = catalogue.shape(model)
    yield from _value_problems(shape, twin, "", _TWIN_SYSTEM)
    for name, model_id in shape.components.items():
        if name not in twin:
            yield f"Twin is missing component {name!r}."
            continue
        component = twin[name]
        if not isinstance(component, dict) or not isinstance(component.get("$metadata"), dict):
            yield f"Component {name!r} must be an object with $metadata."
        elif model_id in catalogue:
            yield from _value_problems(catalogue.shape(model_id), component, f"{name}.", _COMPONENT_SYSTEM)


def _value_problems(shape: Shape, document: JsonObject, prefix: str, system: frozenset[str]) -> Iterator[str]:
    for key, value in document.items():
        if key in system or key in shape.components:
            continue
        if key in shape.properties:
            yield from shape.properties[key].problems(value, f"{prefix}{key}")
        elif key in shape.telemetry:
            yield f"{prefix}{key} is telemetry of the model {shape.model}; it cannot be stored."
        else:
            yield f"{prefix}{key} is not a property of the model {shape.model}."
