"""The nodes that a client finds: the job management object, its receiver with methods and list, its response
provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Node, Server, ua

from sandbox.jobcontrol import datatypes
from sandbox.jobcontrol.datatypes import DataType
from sandbox.jobcontrol.job import Method

JOBS_NAMESPACE: Final = "http://opcfoundation.org/UA/Machinery/Jobs/"
BY_ID: Final = "RequestJobResponseByJobOrderID"
BY_STATE: Final = "RequestJobResponseByJobOrderState"

Call = Callable[[str, Sequence[Any]], Awaitable[Any]]
"""Answers a call of the method named, given its input Variants, with an asyncua CallMethodResult."""

_METHOD_IDS: Final[Mapping[Method, int]] = {
    Method.STORE: 7001,
    Method.STORE_AND_START: 7004,
    Method.START: 7005,
    Method.STOP: 7006,
    Method.PAUSE: 7007,
    Method.RESUME: 7008,
    Method.UPDATE: 7009,
    Method.ABORT: 7010,
    Method.CANCEL: 7011,
    Method.CLEAR: 7012,
    Method.REVOKE_START: 7013,
}
_TAKES_AN_ORDER: Final = frozenset({Method.STORE, Method.STORE_AND_START, Method.UPDATE})


@dataclass(frozen=True)
class Namespaces:
    """Indexes of the two namespaces in one server's NamespaceArray."""

    isa95: int
    jobs: int


async def register_namespaces(server: Server) -> Namespaces:
    """Register both, always in the same order, so that node ids are the same at every start."""
    isa95 = await server.register_namespace(datatypes.NAMESPACE)
    return Namespaces(int(isa95), int(await server.register_namespace(JOBS_NAMESPACE)))


async def build(
    server: Server,
    namespaces: Namespaces,
    types: Mapping[str, DataType],
    equipment: Sequence[str],
    max_downloadable: int,
    call: Call,
) -> Node:
    """Make all nodes and return JobOrderList. Instances share the method nodes of their types.

    The methods come last: asyncua numbers their arguments onwards from the highest id there is, which must be above
    every standard one.
    """
    base = server.nodes.base_object_type
    receiver_type = await _add_type(base, 1002, namespaces.isa95, "ISA95JobOrderReceiverObjectType")
    provider_type = await _add_type(base, 1003, namespaces.isa95, "ISA95JobResponseProviderObjectType")
    management_type = await _add_type(base, 1003, namespaces.jobs, "JobManagementType")
    management = await _add_object(server.nodes.objects, 10001, namespaces.jobs, "JobManagement", management_type)
    receiver = await _add_object(management, 10002, namespaces.jobs, "JobOrderControl", receiver_type)
    provider = await _add_object(management, 10003, namespaces.jobs, "JobOrderResults", provider_type)

    await receiver.add_property(
        ua.NodeId(10012, namespaces.isa95),
        ua.QualifiedName("MaxDownloadableJobOrders", namespaces.isa95),
        ua.Variant(max_downloadable, ua.VariantType.UInt16),
    )
    await receiver.add_property(
        ua.NodeId(10013, namespaces.isa95),
        ua.QualifiedName("EquipmentID", namespaces.isa95),
        ua.Variant(list(equipment), ua.VariantType.String, is_array=True),
    )
    job_order_list = await receiver.add_variable(
        ua.NodeId(10011, namespaces.isa95),
        ua.QualifiedName("JobOrderList", namespaces.isa95),
        ua.Variant([], ua.VariantType.ExtensionObject, is_array=True),
        datatype=types[datatypes.JOB_ORDER_AND_STATE].node,
    )

    status = _argument("ReturnStatus", ua.ObjectIds.UInt64)
    comment = _argument("Comment", ua.ObjectIds.LocalizedText, array=True)
    order = _argument("JobOrder", types[datatypes.JOB_ORDER].node)
    order_id = _argument("JobOrderID", ua.ObjectIds.String)
    for method, number in _METHOD_IDS.items():
        subject = order if method in _TAKES_AN_ORDER else order_id
        node = await _add_method(
            receiver_type, number, namespaces.isa95, method.value, call, [subject, comment], [status]
        )
        await receiver.add_reference(node, ua.ObjectIds.HasComponent)
    response = types[datatypes.JOB_RESPONSE].node
    states = _argument("JobOrderState", types[datatypes.STATE].node, array=True)
    for name, number, inputs, output in (
        (BY_ID, 7002, order_id, _argument("JobResponse", response)),
        (BY_STATE, 7014, states, _argument("JobResponses", response, array=True)),
    ):
        node = await _add_method(provider_type, number, namespaces.isa95, name, call, [inputs], [output, status])
        await provider.add_reference(node, ua.ObjectIds.HasComponent)

    return job_order_list


async def _add_type(parent: Node, number: int, namespace: int, name: str) -> Node:
    return await parent.add_object_type(ua.NodeId(number, namespace), ua.QualifiedName(name, namespace))


async def _add_object(parent: Node, number: int, namespace: int, name: str, of_type: Node) -> Node:
    return await parent.add_object(
        ua.NodeId(number, namespace),
        ua.QualifiedName(name, namespace),
        objecttype=of_type.nodeid,
    )


async def _add_method(
    parent: Node,
    number: int,
    namespace: int,
    name: str,
    call: Call,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
) -> Node:
    async def answer(_parent: object, *arguments: Any) -> Any:
        return await call(name, arguments)

    return await parent.add_method(
        ua.NodeId(number, namespace), ua.QualifiedName(name, namespace), answer, list(inputs), list(outputs)
    )


def _argument(name: str, data_type: Any, *, array: bool = False) -> Any:
    argument = ua.Argument()
    argument.Name = name
    argument.DataType = data_type if isinstance(data_type, ua.NodeId) else ua.NodeId(data_type)
    argument.ValueRank = ua.ValueRank.OneDimension if array else ua.ValueRank.Scalar
    argument.ArrayDimensions = [0] if array else []
    argument.Description = ua.LocalizedText(name)
    return argument
