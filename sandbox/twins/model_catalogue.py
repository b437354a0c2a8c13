"""The models a twin service holds: uploaded in batches, extended, decommissioned, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sandbox.twins.document import JsonObject, JsonValue
from sandbox.twins.dtdl import Interface, RelationshipDefinition, read_interface
from sandbox.twins.errors import ServiceError
from sandbox.twins.schema import Schema

_MAX_DEPTH = 10


@dataclass(frozen=True)
class Model:
    """One uploaded model; `uploaded` is the service's timestamp text."""

    interface: Interface
    uploaded: str
    decommissioned: bool = False

    def body(self, *, with_definition: bool) -> JsonObject:
        """The model as the service answers it."""
        document = self.interface.document
        answer: JsonObject = {
            "id": self.interface.id,
            "displayName": _by_language(document.get("displayName")),
            "description": _by_language(document.get("description")),
            "uploadTime": self.uploaded,
            "decommissioned": self.decommissioned,
        }
        if with_definition:
            answer["model"] = document
        return answer


@dataclass(frozen=True)
class Shape:
    """What a twin of a model may hold: the model's own contents and all inherited ones."""

    model: str
    properties: Mapping[str, Schema]
    components: Mapping[str, str]
    relationships: Mapping[str, RelationshipDefinition]
    telemetry: Mapping[str, Schema]


class ModelCatalogue:
    """Models by id, in order of upload."""

    def __init__(self) -> None:
        self._models: dict[str, Model] = {}
        self._shapes: dict[str, Shape] = {}
        self._lineages: dict[str, frozenset[str]] = {}

    def __contains__(self, model_id: str) -> bool:
        return model_id in self._models

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def get(self, model_id: str) -> Model:
        """Raises ServiceError ModelNotFound."""
        model = self._models.get(model_id)
        if model is None:
            raise ServiceError("ModelNotFound", f"There is no model with the id {model_id}.")
        return model

    def add(self, documents: Iterable[JsonValue], uploaded: str) -> list[Model]:
        """All of `documents` or, when one is refused, none.

        Raises:
            ServiceError: DTDLParserError, ModelVersionNotSupported, ModelAlreadyExists.
        """
        batch: dict[str, Interface] = {}
        for document in documents:
            interface = read_interface(document)
            if interface.id in batch:
                raise _refused(interface.id, "is given more than once")
            batch[interface.id] = interface
        if not batch:
            raise ServiceError("InvalidArgument", "At least one model must be given.")
        existing = [model_id for model_id in batch if model_id in self._models]
        if existing:
            raise ServiceError("ModelAlreadyExists", f"The model {existing[0]} exists already.")
        known = {model_id: model.interface for model_id, model in self._models.items()} | batch
        for interface in batch.values():
            _check_references(interface, known)
            _check_inheritance(interface, known)
        added = [Model(interface, uploaded) for interface in batch.values()]
        for model in added:
            self.put(model)
        return added

    def put(self, model: Model) -> None:
        """Take `model` as it is: one of `add`, or one read back from the journal."""
        self._models[model.interface.id] = model
        self._forget_derived()

    def decommission(self, model_id: str) -> Model:
        """No new twins of it; those that are live on.

        Raises:
            ServiceError: ModelNotFound; ModelReferencesNotDecommissioned, another model needs it.
        """
        model = self.get(model_id)
        if any(not user.decommissioned for user in self._users(model_id)):
            raise ServiceError(
                "ModelReferencesNotDecommissioned", f"Models that are not decommissioned use {model_id}."
            )
        retired = replace(model, decommissioned=True)
        self._models[model_id] = retired
        return retired

    def delete(self, model_id: str) -> None:
        """Its twins stay, without a model to be checked against.

        Raises:
            ServiceError: ModelNotFound; ModelReferencesNotDeleted, another model needs it.
        """
        self.get(model_id)
        users = [user.interface.id for user in self._users(model_id)]
        if users:
            raise ServiceError("ModelReferencesNotDeleted", f"The model {model_id} is used by {', '.join(users)}.")
        del self._models[model_id]
        self._forget_derived()

    def needed_by(self, model_ids: Iterable[str]) -> list[Model]:
        """Those models and all they extend or have as components.

        Raises:
            ServiceError: ModelNotFound.
        """
        found: dict[str, Model] = {}
        waiting = list(model_ids)
        while waiting:
            model_id = waiting.pop(0)
            if model_id not in found:
                found[model_id] = self.get(model_id)
                waiting.extend(sorted(found[model_id].interface.references))
        return list(found.values())

    def is_a(self, model_id: str, ancestor: str) -> bool:
        """Whether `model_id` is `ancestor` or extends it, at whatever distance; a deleted model is nothing."""
        lineage = self._lineages.get(model_id)
        if lineage is None:
            interfaces = {each: model.interface for each, model in self._models.items()}
            lineage = frozenset(_lineage(model_id, interfaces))
            self._lineages[model_id] = lineage
        return ancestor in lineage

    def shape(self, model_id: str) -> Shape:
        """What a twin of the model may hold; raises ServiceError ModelNotFound."""
        shape = self._shapes.get(model_id)
        if shape is None:
            self.get(model_id)
            interfaces = {each: model.interface for each, model in self._models.items()}
            chain = [interfaces[each] for each in reversed(_lineage(model_id, interfaces))]
            shape = Shape(
                model_id,
                {name: schema for each in chain for name, schema in each.properties.items()},
                {name: target for each in chain for name, target in each.components.items()},
                {name: kind for each in chain for name, kind in each.relationships.items()},
                {name: schema for each in chain for name, schema in each.telemetry.items()},
            )
            self._shapes[model_id] = shape
        return shape

    def _users(self, model_id: str) -> Iterator[Model]:
        return (model for model in self._models.values() if model_id in model.interface.references)

    def _forget_derived(self) -> None:
        self._shapes.clear()
        self._lineages.clear()


def _check_references(interface: Interface, known: Mapping[str, Interface]) -> None:
    missing = sorted(interface.references - known.keys())
    if missing:
        raise _refused(interface.id, f"refers to {missing[0]}, which is neither stored nor in this request")
    for name, model_id in interface.components.items():
        part = known[model_id]
        if any(known[each].components for each in _lineage(part.id, known) if each in known):
            raise _refused(interface.id, f"has the component {name!r} that has components itself")
    newer = [each for each in interface.references if known[each].version > interface.version]
    if newer:
        raise _refused(interface.id, f"is DTDL {interface.version} and refers to {newer[0]}, a later version")


def _check_inheritance(interface: Interface, known: Mapping[str, Interface]) -> None:
    if _depth(interface.id, known, ()) > _MAX_DEPTH:
        raise _refused(interface.id, f"extends over more than {_MAX_DEPTH} levels")
    owners: dict[str, str] = {}
    for model_id in _lineage(interface.id, known):
        for name in known[model_id].names if model_id in known else ():
            if name in owners:
                raise _refused(interface.id, f"has {name!r} both from {owners[name]} and from {model_id}")
            owners[name] = model_id


def _depth(model_id: str, known: Mapping[str, Interface], path: tuple[str, ...]) -> int:
    if model_id in path:
        raise _refused(model_id, "extends itself by way of other models")
    parents = known[model_id].extends if model_id in known else ()
    return max((1 + _depth(each, known, (*path, model_id)) for each in parents), default=0)


def _lineage(model_id: str, known: Mapping[str, Interface]) -> list[str]:
    """The model and its ancestors, nearest first."""
    found: dict[str, None] = {}
    waiting = [model_id]
    while waiting:
        each = waiting.pop(0)
        if each in known and each not in found:
            found[each] = None
            waiting.extend(known[each].extends)
    return list(found)


def _by_language(text: JsonValue) -> JsonValue:
    if isinstance(text, dict):
        return text
    return {"en": text} if text else {}


def _refused(model_id: str, text: str) -> ServiceError:
    return ServiceError("DTDLParserError", f"{model_id} {text}.")
