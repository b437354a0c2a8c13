"""The twin service without its HTTP layer: models, twins, relationships, routes and queries over one journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sandbox.twins.cloud_event import CloudEvent
from sandbox.twins.document import JsonObject, JsonValue, timestamp
from sandbox.twins.dtdl import read_interface
from sandbox.twins.event_route import Router, read_route
from sandbox.twins.graph_store import GraphStore
from sandbox.twins.journal import Journal
from sandbox.twins.model_catalogue import Model, ModelCatalogue
from sandbox.twins.notifier import Notifier
from sandbox.twins.query_page import QueryPage
from sandbox.twins.relationships import Relationships
from sandbox.twins.twins import Twins

HOST: Final = "sandbox.api.local.digitaltwins.azure.net"
"""The instance's name, the `source` of its events; it is not where it listens."""


class DataPlane:
    """All operations, each stored before it returns.

    Args:
        directory: where the journal lies; None keeps it in memory.
        emit: receives an event for each route that lets it through, before the operation returns.
        now: the wall clock, aware UTC.
        query_lag: how far queries are behind point reads.
    """

    def __init__(
        self,
        directory: Path | None,
        emit: Callable[[CloudEvent], None],
        now: Callable[[], datetime],
        query_lag: timedelta,
    ) -> None:
        self._journal = Journal(directory)
        self._now = now
        self.catalogue = ModelCatalogue()
        for _, stored in self._journal.read("models"):
            interface = read_interface(stored["model"])
            self.catalogue.put(Model(interface, str(stored["uploadTime"]), stored["decommissioned"] is True))
        self.router = Router(HOST, emit)
        for route_id, stored in self._journal.read("routes"):
            self.router.put(read_route(route_id, stored))
        self._store = GraphStore(self._journal, query_lag, now)
        notifier = Notifier(self.router, now)
        self.twins = Twins(self._store, self.catalogue, notifier, now)
        self.relationships = Relationships(self._store, self.twins, self.catalogue, notifier)

    def close(self) -> None:
        self._journal.close()

    def add_models(self, documents: Sequence[JsonValue]) -> list[Model]:
        """All or none; raises as `ModelCatalogue.add`."""
        added = self.catalogue.add(documents, timestamp(self._now()))
        for model in added:
            self._keep(model)
        return added

    def decommission_model(self, model_id: str) -> None:
        """Raises as `ModelCatalogue.decommission`."""
        self._keep(self.catalogue.decommission(model_id))

    def delete_model(self, model_id: str) -> None:
        """Raises as `ModelCatalogue.delete`."""
        self.catalogue.delete(model_id)
        self._journal.remove("models", model_id)

    def put_route(self, route_id: str, body: JsonObject) -> None:
        """Raises as `read_route`."""
        route = read_route(route_id, body)
        self.router.put(route)
        self._journal.put("routes", route_id, route.body())

    def delete_route(self, route_id: str) -> None:
        """Raises ServiceError EventRouteNotFound."""
        self.router.remove(route_id)
        self._journal.remove("routes", route_id)

    def query(self, page: QueryPage, size: int) -> JsonObject:
        """`{value, continuationToken?}`; raises ServiceError SqlQueryError."""
        return page.answer(self._store.queried(), self.catalogue.is_a, size)

    def _keep(self, model: Model) -> None:
        self._journal.put("models", model.interface.id, model.body(with_definition=True))
