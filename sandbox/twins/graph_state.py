"""Twins and relationships as documents, with the indexes that graph walks need."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sandbox.twins.document import JsonObject


class GraphState:
    """The graph at one moment: what is current, or what the query index has seen so far."""

    def __init__(self) -> None:
        self.twins: dict[str, JsonObject] = {}
        self._outgoing: dict[str, dict[str, JsonObject]] = {}
        self._incoming: dict[str, dict[tuple[str, str], JsonObject]] = {}

    def relationships(self) -> Iterator[JsonObject]:
        """All relationships, by source."""
        for of_source in self._outgoing.values():
            yield from of_source.values()

    def outgoing(self, twin_id: str) -> dict[str, JsonObject]:
        """The relationships of a twin by their ids; not to be changed."""
        return self._outgoing.get(twin_id, {})

    def incoming(self, twin_id: str) -> Iterator[JsonObject]:
        """The relationships whose target is the twin."""
        yield from self._incoming.get(twin_id, {}).values()

    def put_twin(self, twin_id: str, twin: JsonObject) -> None:
        self.twins[twin_id] = twin

    def remove_twin(self, twin_id: str) -> None:
        self.twins.pop(twin_id, None)

    def put_relationship(self, source: str, relationship_id: str, relationship: JsonObject) -> None:
        self.remove_relationship(source, relationship_id)
        target = str(relationship["$targetId"])
        self._outgoing.setdefault(source, {})[relationship_id] = relationship
        self._incoming.setdefault(target, {})[source, relationship_id] = relationship

    def remove_relationship(self, source: str, relationship_id: str) -> None:
        gone = self._outgoing.get(source, {}).pop(relationship_id, None)
        if gone is not None:
            del self._incoming[str(gone["$targetId"])][source, relationship_id]


Write = Callable[[GraphState], None]
"""One change, ready to be done to any state of the graph."""
