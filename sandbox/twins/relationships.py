"""Operations on the relationships between twins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sandbox.twins.cloud_event import RELATIONSHIP_CREATE, RELATIONSHIP_DELETE, RELATIONSHIP_UPDATE
from sandbox.twins.conformity import check_id, check_relationship
from sandbox.twins.document import JsonObject, model_of
from sandbox.twins.errors import ServiceError
from sandbox.twins.graph_store import GraphStore
from sandbox.twins.json_patch import Operation, apply_patch, difference
from sandbox.twins.model_catalogue import ModelCatalogue
from sandbox.twins.notifier import NO_CAUSE, Cause, Notifier, update_body
from sandbox.twins.precondition import UNCONDITIONAL, Precondition, new_etag
from sandbox.twins.twins import Twins

_SYSTEM: Final = ("$relationshipId", "$etag", "$sourceId")


class Relationships:
    """Relationships belong to their source twin; each has an ETag of its own."""

    def __init__(self, store: GraphStore, twins: Twins, catalogue: ModelCatalogue, notifier: Notifier) -> None:
        self._store = store
        self._twins = twins
        self._catalogue = catalogue
        self._notifier = notifier

    def get(self, source: str, relationship_id: str) -> JsonObject:
        """Raises ServiceError DigitalTwinNotFound, RelationshipNotFound."""
        self._twins.get(source)
        relationship = self._store.current.outgoing(source).get(relationship_id)
        if relationship is None:
            raise ServiceError("RelationshipNotFound", f"The twin {source} has no relationship {relationship_id}.")
        return relationship

    def of(self, source: str, name: str | None = None) -> list[JsonObject]:
        """A twin's outgoing relationships, all or those of one name; raises as `Twins.get`."""
        self._twins.get(source)
        found = self._store.current.outgoing(source).values()
        return [each for each in found if name is None or each["$relationshipName"] == name]

    def incoming(self, target: str) -> Iterator[JsonObject]:
        """What points at a twin, in the service's short form; raises as `Twins.get`."""
        self._twins.get(target)
        for each in self._store.current.incoming(target):
            source, relationship_id = each["$sourceId"], each["$relationshipId"]
            yield {
                "$relationshipId": relationship_id,
                "$sourceId": source,
                "$relationshipName": each["$relationshipName"],
                "$relationshipLink": f"/digitaltwins/{source}/relationships/{relationship_id}",
            }

    def put(
        self,
        source: str,
        relationship_id: str,
        body: JsonObject,
        precondition: Precondition = UNCONDITIONAL,
        cause: Cause = NO_CAUSE,
    ) -> JsonObject:
        """Create or replace; `body` holds `$targetId`, `$relationshipName` and the properties.

        Raises:
            ServiceError: DigitalTwinNotFound, TargetTwinNotFound, InvalidArgument, InvalidRelationship,
                OperationNotAllowed (source is target), ValidationFailed, PreconditionFailed.
        """
        check_id("relationship", relationship_id)
        twin = self._twins.get(source)
        before = self._store.current.outgoing(source).get(relationship_id)
        precondition.check(before)
        target = self._target(source, body)
        relationship: JsonObject = {
            "$relationshipId": relationship_id,
            "$etag": new_etag(),
            "$sourceId": source,
            **{name: value for name, value in body.items() if name not in _SYSTEM},
        }
        check_relationship(self._catalogue, twin, relationship, target)
        self._store.put_relationship(source, relationship_id, relationship)
        subject = f"{source}/relationships/{relationship_id}"
        if before is None:
            self._notifier.changed(RELATIONSHIP_CREATE, subject, relationship, cause)
        else:
            changes = update_body(model_of(twin), difference(before, relationship))
            self._notifier.changed(RELATIONSHIP_UPDATE, subject, changes, cause)
        return relationship

    def patch(
        self,
        source: str,
        relationship_id: str,
        patch: list[Operation],
        precondition: Precondition = UNCONDITIONAL,
        cause: Cause = NO_CAUSE,
    ) -> JsonObject:
        """Change properties.

        Raises:
            ServiceError: as `get` and `put`; JsonPatchInvalid, for `$` names too.
        """
        before = self.get(source, relationship_id)
        precondition.check(before)
        for operation in patch:
            if operation.path[0].startswith("$"):
                raise ServiceError("JsonPatchInvalid", f"The path {operation.pointer} cannot be patched.")
        relationship = {**apply_patch(before, patch), "$etag": new_etag()}
        twin, target = self._twins.get(source), self._target(source, relationship)
        check_relationship(self._catalogue, twin, relationship, target)
        self._store.put_relationship(source, relationship_id, relationship)
        subject = f"{source}/relationships/{relationship_id}"
        self._notifier.changed(RELATIONSHIP_UPDATE, subject, update_body(model_of(twin), patch), cause)
        return relationship

    def delete(
        self,
        source: str,
        relationship_id: str,
        precondition: Precondition = UNCONDITIONAL,
        cause: Cause = NO_CAUSE,
    ) -> None:
        """Raises ServiceError as `get`, and PreconditionFailed."""
        before = self.get(source, relationship_id)
        precondition.check(before)
        self._store.remove_relationship(source, relationship_id)
        self._notifier.changed(RELATIONSHIP_DELETE, f"{source}/relationships/{relationship_id}", before, cause)

    def _target(self, source: str, body: JsonObject) -> JsonObject:
        target_id = body.get("$targetId")
        if not isinstance(target_id, str) or not isinstance(body.get("$relationshipName"), str):
            raise ServiceError("InvalidArgument", "A relationship needs $targetId and $relationshipName.")
        if target_id == source:
            raise ServiceError("OperationNotAllowed", "A relationship cannot connect a digital twin to itself.")
        target = self._store.current.twins.get(target_id)
        if target is None:
            raise ServiceError("TargetTwinNotFound", f"The target twin {target_id} does not exist.")
        return target
