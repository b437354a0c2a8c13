"""Status events of job orders: ISA95JobOrderStatusEventType (OPC 10031-4, 6.2.6)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from asyncua import Node, Server, ua
from asyncua.common.callback import CallbackType
from asyncua.common.event_objects import BaseEvent
from asyncua.common.ua_utils import get_node_subtypes

from sandbox.jobcontrol.job import JobRow, JobState
from sandbox.jobcontrol.structures import Structures

_SEVERITY: Final = 100
"""Low, as for information (OPC 10000-5, BaseEventType)."""


class _StatusEvent(BaseEvent):  # type: ignore[misc]  # asyncua's events are untyped
    """One event. asyncua looks fields up by name alone; here the name's namespace must be right too."""

    def __init__(self, namespace: int, fields: Mapping[str, Any]) -> None:
        super().__init__()
        self._namespace = namespace
        self._own = frozenset(fields)
        for name, value in fields.items():
            self.add_property(name, value, ua.VariantType.ExtensionObject)

    def to_event_fields(self, select_clauses: Sequence[Any]) -> list[Any]:
        values = super().to_event_fields(select_clauses)
        return [
            value if self._names_field(clause) else ua.Variant()
            for clause, value in zip(select_clauses, values, strict=True)
        ]

    def _names_field(self, clause: Any) -> bool:
        path = clause.BrowsePath
        return not path or path[0].NamespaceIndex == (self._namespace if path[0].Name in self._own else 0)


class StatusEvents:
    """Tells the subscribers of one server which jobs have changed their state.

    Events come from the provider of job responses, and are found at the Server object too.
    """

    def __init__(
        self, server: Server, namespace: int, provider: Node, event_type: Node, structures: Structures
    ) -> None:
        self._server = server
        self._namespace = namespace
        self._provider = provider
        self._type = event_type
        self._structures = structures
        self._known: dict[str, JobState] = {}

    def attach(self) -> None:
        """Read filters by type as OPC 10000-4, 7.7.3 means them, from now on."""
        self._server.subscribe_server_callback(CallbackType.ItemSubscriptionCreated, self._widen_filters)

    async def tell(self, rows: Sequence[JobRow], updated: str | None = None) -> None:
        """Send an event for each job whose state is not the one told last, and for the job that was updated.

        An order that is new or gone has changed no state: the standard's transitions are those between its states.
        """
        before, self._known = self._known, {row.job_id: row.state for row in rows}
        for row in rows:
            if before.get(row.job_id, row.state) is not row.state or row.job_id == updated:
                await self._send(row)

    async def _send(self, row: JobRow) -> None:
        fields = self._structures.status(row)
        event = _StatusEvent(self._namespace, fields)
        event.EventId = uuid.uuid4().bytes
        event.EventType = self._type.nodeid
        event.SourceNode = self._provider.nodeid
        event.SourceName = (await self._provider.read_browse_name()).Name
        event.Time = event.ReceiveTime = datetime.now(UTC)
        event.Message = ua.LocalizedText(f"{row.job_id}: {fields['JobState'][0].StateText.Text}", "en")
        event.Severity = _SEVERITY
        for node in (self._server.nodes.server, self._provider):
            event.emitting_node = node.nodeid
            await self._server.iserver.subscription_service.trigger_event(event)

    async def _widen_filters(self, event: Any, _service: object) -> None:
        """Let OfType include subtypes: asyncua compares types for equality, and the standard's type is abstract."""
        for item in event.request_params.ItemsToCreate:
            where: Any = getattr(item.RequestedParameters.Filter, "WhereClause", None)
            elements = where.Elements if where is not None else []
            for place, element in enumerate(elements):
                if element.FilterOperator is ua.FilterOperator.OfType:
                    elements[place] = await self._any_of(element)

    async def _any_of(self, of_type: Any) -> Any:
        """The same filter with the subtypes; as it is, if it names no type of this server."""
        wanted = [getattr(getattr(operand, "Value", None), "Value", None) for operand in of_type.FilterOperands]
        if len(wanted) != 1 or wanted[0] not in self._server.iserver.aspace:
            return of_type
        types = await get_node_subtypes(self._server.get_node(wanted[0]))
        event_type = ua.SimpleAttributeOperand(
            TypeDefinitionId=ua.NodeId(ua.ObjectIds.BaseEventType),
            BrowsePath=[ua.QualifiedName("EventType", 0)],
            AttributeId=ua.AttributeIds.Value,
        )
        literals: Iterable[Any] = (ua.LiteralOperand(ua.Variant(each.nodeid, ua.VariantType.NodeId)) for each in types)
        return replace(of_type, FilterOperator=ua.FilterOperator.InList, FilterOperands=[event_type, *literals])
