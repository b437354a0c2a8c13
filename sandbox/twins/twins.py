"""Operations on digital twins and their components."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from sandbox.twins.cloud_event import TELEMETRY, TWIN_CREATE, TWIN_DELETE, TWIN_UPDATE
from sandbox.twins.conformity import check_id, check_twin
from sandbox.twins.document import JsonObject, JsonValue, model_of, sub_object, timestamp
from sandbox.twins.errors import ServiceError
from sandbox.twins.graph_store import GraphStore
from sandbox.twins.json_patch import Operation, apply_patch, difference
from sandbox.twins.model_catalogue import ModelCatalogue
from sandbox.twins.notifier import NO_CAUSE, Cause, Notifier, update_body
from sandbox.twins.precondition import UNCONDITIONAL, Precondition, new_etag

_METADATA: Final = "$metadata"


class Twins:
    """Every change is checked against the model, stored under a new ETag, and announced."""

    def __init__(
        self,
        store: GraphStore,
        catalogue: ModelCatalogue,
        notifier: Notifier,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._notifier = notifier
        self._now = now

    def __iter__(self) -> Iterator[JsonObject]:
        return iter(list(self._store.current.twins.values()))

    def get(self, twin_id: str) -> JsonObject:
        """Raises ServiceError DigitalTwinNotFound."""
        twin = self._store.current.twins.get(twin_id)
        if twin is None:
            raise ServiceError(
                "DigitalTwinNotFound", f"There is no digital twin instance that exists with the ID {twin_id}."
            )
        return twin

    def put(
        self,
        twin_id: str,
        body: JsonObject,
        precondition: Precondition = UNCONDITIONAL,
        cause: Cause = NO_CAUSE,
    ) -> JsonObject:
        """Create or replace; `$dtId` and `$etag` of `body` are ignored.

        Raises:
            ServiceError: InvalidArgument, ValidationFailed, ModelDecommissioned, PreconditionFailed.
        """
        check_id("digital twin", twin_id)
        before = self._store.current.twins.get(twin_id)
        precondition.check(before)
        check_twin(self._catalogue, body)
        model = model_of(body)
        if before is None and self._catalogue.get(model).decommissioned:
            raise ServiceError("ModelDecommissioned", f"The model {model} is decommissioned.")
        twin: JsonObject = {"$dtId": twin_id, "$etag": new_etag()}
        twin.update((name, value) for name, value in body.items() if name not in twin)
        twin = self._stamped(twin, ((name,) for name in twin if not name.startswith("$")))
        self._store.put_twin(twin_id, twin)
        if before is None:
            self._notifier.changed(TWIN_CREATE, twin_id, twin, cause)
        else:
            self._notifier.changed(TWIN_UPDATE, twin_id, update_body(model, difference(before, twin)), cause)
        return twin

    def patch(
        self,
        twin_id: str,
        patch: list[Operation],
        precondition: Precondition = UNCONDITIONAL,
        cause: Cause = NO_CAUSE,
    ) -> JsonObject:
        """The twin after all steps of `patch`.

        Raises:
            ServiceError: DigitalTwinNotFound, JsonPatchInvalid, ValidationFailed, PreconditionFailed.
        """
        before = self.get(twin_id)
        precondition.check(before)
        for operation in patch:
            _check_writable(operation)
        twin = {**apply_patch(before, patch), "$etag": new_etag()}
        check_twin(self._catalogue, twin)
        twin = self._stamped(twin, (operation.path for operation in patch))
        self._store.put_twin(twin_id, twin)
        self._notifier.changed(TWIN_UPDATE, twin_id, update_body(model_of(twin), patch), cause)
        return twin

    def delete(self, twin_id: str, precondition: Precondition = UNCONDITIONAL, cause: Cause = NO_CAUSE) -> None:
        """Raises ServiceError DigitalTwinNotFound, PreconditionFailed, RelationshipsNotDeleted."""
        twin = self.get(twin_id)
        precondition.check(twin)
        state = self._store.current
        if state.outgoing(twin_id) or any(state.incoming(twin_id)):
            raise ServiceError("RelationshipsNotDeleted", f"The digital twin {twin_id} contains relationships.")
        self._store.remove_twin(twin_id)
        self._notifier.changed(TWIN_DELETE, twin_id, twin, cause)

    def touch(self, twin_id: str) -> None:
        """Give the twin a new ETag, as another writer's change would; nothing where there is no such twin."""
        twin = self._store.current.twins.get(twin_id)
        if twin is not None:
            self._store.put_twin(twin_id, {**twin, "$etag": new_etag()})

    def component(self, twin_id: str, name: str) -> JsonObject:
        """Raises ServiceError DigitalTwinNotFound, ComponentNotFound."""
        twin = self.get(twin_id)
        component = twin.get(name)
        model = model_of(twin)
        declared = model in self._catalogue and name in self._catalogue.shape(model).components
        if not declared or not isinstance(component, dict):
            raise ServiceError("ComponentNotFound", f"The digital twin {twin_id} has no component {name}.")
        return component

    def patch_component(
        self,
        twin_id: str,
        name: str,
        patch: list[Operation],
        precondition: Precondition = UNCONDITIONAL,
        cause: Cause = NO_CAUSE,
    ) -> JsonObject:
        """The twin after `patch`, whose paths begin inside the component; raises as `component` and `patch`."""
        self.component(twin_id, name)
        inside = [Operation(each.kind, (name, *each.path), each.value) for each in patch]
        return self.patch(twin_id, inside, precondition, cause)

    def publish(
        self,
        twin_id: str,
        data: JsonValue,
        *,
        component: str | None = None,
        message_id: str | None = None,
        cause: Cause = NO_CAUSE,
    ) -> None:
        """Announce telemetry as it is: it is not checked against the model and not stored.

        Raises:
            ServiceError: DigitalTwinNotFound, ComponentNotFound.
        """
        twin = self.get(twin_id)
        model = model_of(twin)
        if component is not None:
            self.component(twin_id, component)
            model = self._catalogue.shape(model).components[component]
        self._notifier.measured(TELEMETRY, twin_id, component, data, model=model, message_id=message_id, cause=cause)

    def _stamped(self, twin: JsonObject, changed: Iterable[tuple[str, ...]]) -> JsonObject:
        """`$metadata` with the time of change of each changed value, in the twin and in its components."""
        now = timestamp(self._now())
        components = self._catalogue.shape(model_of(twin)).components
        own: set[str] = set()
        inner: dict[str, set[str]] = {}
        for path in changed:
            if path[0] in components:
                component = sub_object(twin, path[0])
                names = {path[1]} if len(path) > 1 else {each for each in component if each != _METADATA}
                inner.setdefault(path[0], set()).update(names)
            else:
                own.add(path[0])
        stamped = {**twin, _METADATA: _times(twin, own, now, components.keys())}
        for name, names in inner.items():
            part = sub_object(twin, name)
            stamped[name] = {**part, _METADATA: _times(part, names, now, ())}
        return stamped


def _times(document: JsonObject, changed: set[str], now: str, apart: Iterable[str]) -> JsonObject:
    old = sub_object(document, _METADATA)
    excluded = set(apart)
    times: JsonObject = {"$model": old["$model"]} if "$model" in old else {}
    for name in document:
        if name.startswith("$") or name in excluded:
            continue
        entry = sub_object(old, name)
        if name in changed or "lastUpdateTime" not in entry:
            entry = {**entry, "lastUpdateTime": now}
        times[name] = entry
    times["$lastUpdateTime"] = now
    return times


def _check_writable(operation: Operation) -> None:
    path = operation.path
    system = [position for position, part in enumerate(path) if part.startswith("$")]
    if not system:
        return
    rest = path[system[0] :]
    model = rest == (_METADATA, "$model") and operation.kind != "remove"
    source_time = len(rest) == 3 and rest[0] == _METADATA and rest[2] == "sourceTime"
    if not (model or source_time):
        raise ServiceError("JsonPatchInvalid", f"The path {operation.pointer} cannot be patched.")
