"""The current graph, its journal on disk and the queries' view of it, kept in step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sandbox.twins.document import JsonObject
from sandbox.twins.graph_state import GraphState
from sandbox.twins.journal import Journal
from sandbox.twins.query_index import QueryIndex


class GraphStore:
    """All writes: to memory, to disk, and after the lag to the query index."""

    def __init__(self, journal: Journal, lag: timedelta, now: Callable[[], datetime]) -> None:
        self._journal = journal
        self.current = GraphState()
        self._index = QueryIndex(self.current, lag, now)
        for state in self._index.states():
            for twin_id, twin in journal.read("twins"):
                state.put_twin(twin_id, twin)
            for _, relationship in journal.read("relationships"):
                source, name = str(relationship["$sourceId"]), str(relationship["$relationshipId"])
                state.put_relationship(source, name, relationship)

    def queried(self) -> GraphState:
        """The graph as queries see it now."""
        return self._index.state()

    def put_twin(self, twin_id: str, twin: JsonObject) -> None:
        self.current.put_twin(twin_id, twin)
        self._index.take(lambda state: state.put_twin(twin_id, twin))
        self._journal.put("twins", twin_id, twin)

    def remove_twin(self, twin_id: str) -> None:
        self.current.remove_twin(twin_id)
        self._index.take(lambda state: state.remove_twin(twin_id))
        self._journal.remove("twins", twin_id)

    def put_relationship(self, source: str, relationship_id: str, relationship: JsonObject) -> None:
        self.current.put_relationship(source, relationship_id, relationship)
        self._index.take(lambda state: state.put_relationship(source, relationship_id, relationship))
        self._journal.put("relationships", f"{source}/{relationship_id}", relationship)

    def remove_relationship(self, source: str, relationship_id: str) -> None:
        self.current.remove_relationship(source, relationship_id)
        self._index.take(lambda state: state.remove_relationship(source, relationship_id))
        self._journal.remove("relationships", f"{source}/{relationship_id}")
