"""The nodes that a client finds: the job management object, its receiver with methods and list, its response
provider.

The types are those of the OPC Foundation's nodeset. Of the namespace Machinery/Jobs (OPC 40001-3) only
JobManagementType is here, under its standard ids. Instances are in the server's own namespace.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Node, Server, ua
from asyncua.common.instantiate_util import instantiate

from sandbox.jobcontrol import datatypes
from sandbox.jobcontrol.job import Method

JOBS_NAMESPACE: Final = "http://opcfoundation.org/UA/Machinery/Jobs/"
BY_ID: Final = "RequestJobResponseByJobOrderID"
BY_STATE: Final = "RequestJobResponseByJobOrderState"

Call = Callable[[str, Sequence[Any]], Awaitable[Any]]
"""Answers a call of the method named, given its input Variants, with an asyncua CallMethodResult."""

_OWN: Final = 1
"""The index of the server's own namespace, in every OPC UA server (OPC 10000-5, NamespaceArray)."""

_RECEIVER: Final = 1002
_RECEIVER_WITH_SUBSTATES: Final = 1008
_PROVIDER: Final = 1003
_MANAGEMENT: Final = 1003
_STATUS_EVENT: Final = 1006
# Optional components that the sandbox does not have: the state machine only describes values (OPC 10031-4, 6.2.1.2),
# and the list of responses is left to the provider's methods (6.2.7.1).
_LEFT_OUT: Final = frozenset({"LastTransition", "AvailableStates", "AvailableTransitions", "JobOrderResponseList"})


@dataclass(frozen=True)
class Namespaces:
    """Indexes of the two namespaces in one server's NamespaceArray."""

    isa95: int
    jobs: int


@dataclass(frozen=True)
class Nodes:
    """The nodes that the server writes to or that send events. `event` is the type of its status events."""

    work_masters: Node
    job_order_list: Node
    provider: Node
    event: Node


async def register_namespaces(server: Server) -> Namespaces:
    """Register both, always in the same order, so that node ids are the same at every start."""
    isa95 = await server.register_namespace(datatypes.NAMESPACE)
    return Namespaces(int(isa95), int(await server.register_namespace(JOBS_NAMESPACE)))


async def build(
    server: Server,
    namespaces: Namespaces,
    equipment: Sequence[str],
    max_downloadable: int,
    call: Call,
) -> Nodes:
    """Make all instances of the loaded types; `call` answers their methods."""
    isa95 = namespaces.isa95
    management_type = await _add_management_type(server, namespaces)
    management = await _add_object(
        server, server.nodes.objects, "JobManagement", namespaces.jobs, management_type.nodeid
    )
    # A receiver that lists substates has the type with substates, a subtype of the one JobManagementType names.
    receiver = await _instantiate(
        server, management, _type(server, isa95, _RECEIVER_WITH_SUBSTATES), "JobOrderControl", namespaces.jobs
    )
    provider = await _instantiate(
        server, management, _type(server, isa95, _PROVIDER), "JobOrderResults", namespaces.jobs
    )
    for owner, names in ((receiver, [method.value for method in Method]), (provider, [BY_ID, BY_STATE])):
        for name in names:
            server.link_method(await owner.get_child(f"{isa95}:{name}"), _answer_of(name, call))

    values: Mapping[str, Any] = {
        "MaxDownloadableJobOrders": ua.Variant(max_downloadable, ua.VariantType.UInt16),
        "EquipmentID": _texts(equipment),
        # No job order of this plant names these.
        **{name: _texts([]) for name in ("MaterialClassID", "MaterialDefinitionID", "PersonnelID", "PhysicalAssetID")},
    }
    for name, value in values.items():
        await (await receiver.get_child(f"{isa95}:{name}")).write_value(value)
    return Nodes(
        work_masters=await receiver.get_child(f"{isa95}:WorkMaster"),
        job_order_list=await receiver.get_child(f"{isa95}:JobOrderList"),
        provider=provider,
        event=await _add_event_type(server, isa95, provider),
    )


async def _add_management_type(server: Server, namespaces: Namespaces) -> Node:
    """JobManagementType (OPC 40001-3, 8.1): a receiver and a provider of job responses, both mandatory."""
    name = ua.QualifiedName("JobManagement", namespaces.jobs)
    type_ = await server.nodes.base_object_type.add_object_type(
        ua.NodeId(_MANAGEMENT, namespaces.jobs), ua.QualifiedName("JobManagementType", namespaces.jobs)
    )
    await type_.add_property(
        ua.NodeId(6013, namespaces.jobs),
        ua.QualifiedName("DefaultInstanceBrowseName", 0),
        ua.Variant(name, ua.VariantType.QualifiedName),
    )
    for number, component, of in ((5001, "JobOrderControl", _RECEIVER), (5002, "JobOrderResults", _PROVIDER)):
        added = await _add_node(
            server,
            ua.NodeId(number, namespaces.jobs),
            type_.nodeid,
            ua.ObjectIds.HasComponent,
            ua.QualifiedName(component, namespaces.jobs),
            ua.NodeId(of, namespaces.isa95),
        )
        await added.set_modelling_rule(True)
    return type_


async def _add_event_type(server: Server, isa95: int, provider: Node) -> Node:
    """A type for the status events that are sent: the standard's own is abstract (OPC 10031-4, 6.2.6).

    The provider sends them (6.2.7.1), and they are found at the Server object too (OPC 10000-5, Server).
    """
    type_ = await _type(server, isa95, _STATUS_EVENT).add_object_type(
        ua.NodeId("JobOrderStatusEventType", _OWN), ua.QualifiedName("JobOrderStatusEventType", _OWN)
    )
    await provider.set_event_notifier([ua.EventNotifier.SubscribeToEvents])
    await server.nodes.server.add_reference(provider, ua.ObjectIds.HasNotifier)
    return type_


async def _instantiate(server: Server, parent: Node, of_type: Node, name: str, namespace: int) -> Node:
    """An instance with every component of its type, except those left out."""
    path = f"{parent.nodeid.Identifier}.{name}"
    node, *_ = await instantiate(
        parent,
        of_type,
        nodeid=ua.NodeId(path, _OWN),
        bname=ua.QualifiedName(name, namespace),
        dname=ua.LocalizedText(name),
    )
    children = await node.get_children()
    unwanted = [child for child in children if (await child.read_browse_name()).Name in _LEFT_OUT]
    await server.delete_nodes(unwanted, recursive=True)
    return node


async def _add_object(server: Server, parent: Node, name: str, namespace: int, of_type: Any) -> Node:
    return await _add_node(
        server,
        ua.NodeId(name, _OWN),
        parent.nodeid,
        ua.ObjectIds.Organizes,
        ua.QualifiedName(name, namespace),
        of_type,
    )


async def _add_node(server: Server, number: Any, parent: Any, reference: int, name: Any, of_type: Any) -> Node:
    """An object without components."""
    item = ua.AddNodesItem()
    item.RequestedNewNodeId = number
    item.ParentNodeId = parent
    item.ReferenceTypeId = ua.NodeId(reference)
    item.BrowseName = name
    item.NodeClass = ua.NodeClass.Object
    item.TypeDefinition = of_type
    item.NodeAttributes = ua.ObjectAttributes(DisplayName=ua.LocalizedText(name.Name))
    (result,) = await server.iserver.isession.add_nodes([item])
    result.StatusCode.check()
    return server.get_node(result.AddedNodeId)


def _type(server: Server, isa95: int, number: int) -> Node:
    return server.get_node(ua.NodeId(number, isa95))


def _answer_of(name: str, call: Call) -> Callable[..., Awaitable[Any]]:
    async def answer(_parent: object, *arguments: Any) -> Any:
        return await call(name, arguments)

    return answer


def _texts(texts: Sequence[str]) -> Any:
    return ua.Variant(list(texts), ua.VariantType.String, is_array=True)
