"""Finds the job order receivers of a server by their type definitions, in batched requests.

A machine has its receiver at Machines/NAME/MachineryBuildingBlocks/JobManagement/JobOrderControl (OPC 40001-1, 6; OPC
40001-3, 6.3). Other servers have it anywhere below Objects (OPC 10031-4, 6.2.1).
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from asyncua import ua

from connectors.call import Call
from connectors.mes.opcua_job_control.models import FIRST_NAMESPACE, NAMESPACE, Served
from domain.errors import ActionRequired

logger = logging.getLogger(__name__)

_RECEIVER_TYPES: Final = (1002, 1008)
"""ISA95JobOrderReceiverObjectType and its subtype with substates, in the namespace of Job Control."""
_PROVIDER_TYPES: Final = (1003,)
"""ISA95JobResponseProviderObjectType."""
_MACHINERY: Final = "http://opcfoundation.org/UA/Machinery/"
_MACHINES: Final = 1001
"""The object Machines of OPC 40001-1."""
_ITEM_STATE_TYPE: Final = 1002
_MODE_TYPE: Final = 1008
"""MachineryItemState_StateMachineType and MachineryOperationModeStateMachineType, in the namespace of Machinery."""
_PLACES_OF_STATES: Final = ((), ("MachineryBuildingBlocks",), ("Monitoring", "Status"))
"""Where the state machines of a machine itself are, below it. Those of its components are elsewhere."""
_IDENTIFICATION: Final = "Identification"
_IDENTITIES: Final = ("AssetId", "ProductInstanceUri", "SerialNumber")
"""The properties of a machine's identification that name this one machine (OPC 40001-1, 8.2; OPC 10000-100, 4.5)."""
_METHODS: Final = ("Pause", "Resume", "Start", "RevokeStart")
_RESPONSE: Final = "RequestJobResponseByJobOrderID"

_DEPTH: Final = 8
"""How far below Machines and below Objects receivers are looked for."""
_MOST_OBJECTS: Final = 20_000
_NODES_PER_REQUEST: Final = 250
_REQUESTS_AT_ONCE: Final = 4
_LIMITS: Final = tuple(
    ua.NodeId(number)
    for number in (
        ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse,
        ua.ObjectIds.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
    )
)


@dataclass(frozen=True)
class Provider:
    """A job response provider: its node and the id of its method that answers by job order."""

    node: Any
    method: Any


@dataclass(frozen=True)
class Receiver:
    """A job order receiver: the ids of its node, of its list and of its methods, the machines that it serves, and the
    response provider beside it. `namespace` is the one that its node is in; empty if the server does not name it."""

    node: Any
    namespace: str
    job_list: Any
    methods: Mapping[str, Any]
    served: Served
    provider: Provider | None


@dataclass(frozen=True)
class StateNodes:
    """A machine that shows its state.

    Args:
        ids: what names it.
        item_state: the variable with the id of its present state; None if there is none.
        mode: likewise of its operation mode.
        has_mode: whether it has an operation mode at all.
        namespace: the index of the namespace of Machinery.
    """

    ids: frozenset[str]
    item_state: Any | None
    mode: Any | None
    has_mode: bool
    namespace: int


@dataclass(frozen=True)
class Discovered:
    """What was found on a server."""

    receivers: Mapping[str, Receiver]
    machines: Sequence[StateNodes]
    browser: "Browser"


@dataclass(frozen=True)
class _Found:
    """An object of the server.

    Args:
        path: its browse names, from Objects or Machines on.
        parent: the id of the object that it was found below.
        machine: the id of the object directly below Machines that it belongs to.
    """

    node: Any
    path: str
    parent: Any
    machine: Any | None


@dataclass
class _Walk:
    """The types that are looked for, and what was found so far."""

    receiver_types: frozenset[Any]
    provider_types: frozenset[Any]
    receivers: list[_Found] = field(default_factory=list)
    providers: dict[Any, Any] = field(default_factory=dict)
    identifications: dict[Any, Any] = field(default_factory=dict)
    identities: dict[Any, frozenset[str]] = field(default_factory=dict)
    """The ids in the identification of each machine."""
    state_types: Mapping[Any, int] = field(default_factory=dict)
    state_machines: dict[Any, dict[int, Any]] = field(default_factory=dict)
    """By the machine: its state machines by the numbers of their types."""
    visited: set[Any] = field(default_factory=set)


async def find_receivers(client: Any, call: Call) -> Discovered:
    """Every job order receiver below Machines and Objects, by its path of browse names; if two share a path, also by
    their node ids. And every machine that shows its state.

    Raises:
        ActionRequired: the server does not support Job Control v2, or has no receiver.
    """
    namespaces = await client.get_namespace_array()
    if NAMESPACE not in namespaces:
        known = "only version 1 of it, which has other methods" if FIRST_NAMESPACE in namespaces else "nothing of it"
        raise call.error(ActionRequired, f"the server does not offer ISA-95 Job Control v2 ({known})", field="url")
    browser = await Browser.of(client)
    index = namespaces.index(NAMESPACE)
    walk = _Walk(
        receiver_types=await _with_subtypes(browser, [ua.NodeId(number, index) for number in _RECEIVER_TYPES]),
        provider_types=await _with_subtypes(browser, [ua.NodeId(number, index) for number in _PROVIDER_TYPES]),
        visited={client.nodes.server.nodeid},
    )
    if _MACHINERY in namespaces:
        of_machinery = namespaces.index(_MACHINERY)
        walk.state_types = {ua.NodeId(number, of_machinery): number for number in (_ITEM_STATE_TYPE, _MODE_TYPE)}
        machines = ua.NodeId(_MACHINES, namespaces.index(_MACHINERY))
        await _below(browser, _Found(machines, "Machines", None, None), walk, of_machines=True)
    await _below(browser, _Found(client.nodes.objects.nodeid, "", None, None), walk)
    if not walk.receivers:
        raise call.error(ActionRequired, "the server has no job order receiver that we can see", field="url")
    paths = Counter(found.path for found in walk.receivers)
    receivers = await _receivers(browser, namespaces, walk)
    named = {
        found.path if paths[found.path] == 1 else f"{found.path} ({found.node.to_string()})": receiver
        for found, receiver in receivers
    }
    return Discovered(named, await _machines(browser, namespaces, walk, receivers), browser)


class Browser:
    """Browses and reads many nodes with few requests.

    Args:
        client: a connected client.
        browsed: maximum number of nodes in a request to browse.
        read: maximum number of nodes in a request to read.
    """

    def __init__(self, client: Any, browsed: int, read: int) -> None:
        self._session = client.uaclient.session
        self._browsed = browsed
        self._read = read
        self._slots = asyncio.Semaphore(_REQUESTS_AT_ONCE)

    @classmethod
    async def of(cls, client: Any) -> "Browser":
        """A browser within the server's OperationLimits, which are 0 or absent if it has none (OPC 10000-5, 6.3.11)."""
        read = await client.uaclient.session.read_attributes(_LIMITS, ua.AttributeIds.Value)
        told = [None if each.Value is None else each.Value.Value for each in read]
        browsed, of_read = (limit if isinstance(limit, int) and limit else _NODES_PER_REQUEST for limit in told)
        return cls(client, min(browsed, _NODES_PER_REQUEST), min(of_read, _NODES_PER_REQUEST))

    async def children(self, nodes: Sequence[Any], classes: int, reference: int) -> list[list[Any]]:
        """The forward references of each node; none for one that cannot be browsed.

        Args:
            classes: a mask of node classes; 0 for all.
            reference: the reference type, whose subtypes count too.
        """
        pieces = [nodes[at : at + self._browsed] for at in range(0, len(nodes), self._browsed)]
        found = await asyncio.gather(*(self._browse(piece, classes, reference) for piece in pieces))
        return [references for piece in found for references in piece]

    async def values(self, nodes: Sequence[Any]) -> list[Any]:
        """The value of each variable; None for one that cannot be read."""
        values: list[Any] = []
        for at in range(0, len(nodes), self._read):
            read = await self._session.read_attributes(nodes[at : at + self._read], ua.AttributeIds.Value)
            values += [None if each.StatusCode.is_bad() or each.Value is None else each.Value.Value for each in read]
        return values

    async def _browse(self, nodes: Sequence[Any], classes: int, reference: int) -> list[list[Any]]:
        parameters = ua.BrowseParameters()
        parameters.NodesToBrowse = [_description(node, classes, reference) for node in nodes]
        async with self._slots:
            results = await self._session.browse(parameters)
            found = [list(result.References or ()) for result in results]
            unfinished = {place: result.ContinuationPoint for place, result in enumerate(results)}
            while unfinished := {place: point for place, point in unfinished.items() if point}:
                following = ua.BrowseNextParameters()
                following.ReleaseContinuationPoints = False
                following.ContinuationPoints = list(unfinished.values())
                more = await self._session.browse_next(following)
                for place, result in zip(unfinished, more, strict=True):
                    found[place] += result.References or ()
                    unfinished[place] = result.ContinuationPoint
        return found


def _description(node: Any, classes: int, reference: int) -> Any:
    description = ua.BrowseDescription()
    description.NodeId = node
    description.BrowseDirection = ua.BrowseDirection.Forward
    description.ReferenceTypeId = ua.NodeId(reference)
    description.IncludeSubtypes = True
    description.NodeClassMask = classes
    description.ResultMask = ua.BrowseResultMask.All
    return description


async def _with_subtypes(browser: Browser, types: Sequence[Any]) -> frozenset[Any]:
    """These types and all their subtypes."""
    found, level = set(types), list(types)
    while level:
        below = await browser.children(level, ua.NodeClass.ObjectType, ua.ObjectIds.HasSubtype)
        level = [each.NodeId for references in below for each in references if each.NodeId not in found]
        found.update(level)
    return frozenset(found)


async def _below(browser: Browser, root: _Found, walk: _Walk, *, of_machines: bool = False) -> None:
    """Walks down from an object, level by level. What is below a receiver or a provider is of no interest."""
    level = [root]
    walk.visited.add(root.node)
    for depth in range(_DEPTH):
        references = await browser.children(
            [each.node for each in level], ua.NodeClass.Object, ua.ObjectIds.HierarchicalReferences
        )
        following: list[_Found] = []
        for above, children in zip(level, references, strict=True):
            for child in children:
                if child.NodeId in walk.visited:
                    continue
                walk.visited.add(child.NodeId)
                path = f"{above.path}/{child.BrowseName.Name}".lstrip("/")
                machine = child.NodeId if of_machines and depth == 0 else above.machine
                found = _Found(child.NodeId, path, above.node, machine)
                if child.TypeDefinition in walk.receiver_types:
                    walk.receivers.append(found)
                elif child.TypeDefinition in walk.provider_types:
                    walk.providers[above.node] = child.NodeId
                elif child.TypeDefinition in walk.state_types:
                    if tuple(path.split("/")[2:-1]) in _PLACES_OF_STATES:
                        shown = walk.state_machines.setdefault(machine, {})
                        shown[walk.state_types[child.TypeDefinition]] = child.NodeId
                else:
                    if child.BrowseName.Name == _IDENTIFICATION and above.node == above.machine:
                        walk.identifications[above.machine] = child.NodeId
                    following.append(found)
        level = following
        if len(walk.visited) > _MOST_OBJECTS:
            logger.warning(
                "the server has more than %s objects: those below %s are not looked at", _MOST_OBJECTS, depth
            )
            return


async def _receivers(browser: Browser, namespaces: Sequence[str], walk: _Walk) -> list[tuple[_Found, Receiver]]:
    """Each receiver that has a list of jobs, with its parts."""
    index = namespaces.index(NAMESPACE)
    beside = [walk.providers.get(found.parent) for found in walk.receivers]
    identifications = list(walk.identifications.items())
    nodes = [
        *(found.node for found in walk.receivers),
        *(provider for provider in beside if provider is not None),
        *(node for _, node in identifications),
    ]
    named = dict(zip(nodes, await browser.children(nodes, 0, ua.ObjectIds.HierarchicalReferences), strict=True))
    parts = [_by_name(named[found.node], index) for found in walk.receivers]
    identities = {
        machine: [each.NodeId for each in named[node] if each.BrowseName.Name in _IDENTITIES]
        for machine, node in identifications
    }
    wanted = [node for part in parts for name in ("EquipmentID", "PhysicalAssetID") if (node := part.get(name))]
    wanted += [node for properties in identities.values() for node in properties]
    values = dict(zip(wanted, await browser.values(wanted), strict=True))
    for machine, properties in identities.items():
        walk.identities[machine] = _texts(values[node] for node in properties)
    made: list[tuple[_Found, Receiver]] = []
    for found, part, provider in zip(walk.receivers, parts, beside, strict=True):
        if "JobOrderList" not in part:
            continue
        answering = _by_name(named[provider], index).get(_RESPONSE) if provider is not None else None
        served = Served(
            equipment=_texts([values.get(part.get("EquipmentID"))]),
            assets=_texts([values.get(part.get("PhysicalAssetID"))]),
            machine=walk.identities.get(found.machine, frozenset()),
        )
        receiver = Receiver(
            node=found.node,
            namespace=_namespace(namespaces, found.node.NamespaceIndex),
            job_list=part["JobOrderList"],
            methods={name: part[name] for name in _METHODS if name in part},
            served=served,
            provider=None if answering is None else Provider(provider, answering),
        )
        made.append((found, receiver))
    return made


async def _machines(
    browser: Browser, namespaces: Sequence[str], walk: _Walk, receivers: Sequence[tuple[_Found, Receiver]]
) -> list[StateNodes]:
    """Each machine that shows its state, by the ids of its identification, and by that of a receiver of its own."""
    if not walk.state_machines:
        return []
    ids = dict(walk.identities)
    for found, receiver in receivers:
        for named in (receiver.served.equipment, receiver.served.assets):
            if len(named) == 1 and found.machine is not None:
                ids[found.machine] = ids.get(found.machine, frozenset()) | named
    nodes = [node for shown in walk.state_machines.values() for node in shown.values()]
    states = await _children_named(browser, nodes, "CurrentState")
    numbers = await _children_named(browser, [state for state in states if state is not None], "Id")
    number_of = dict(zip([state for state in states if state is not None], numbers, strict=True))
    present = {node: number_of.get(state) for node, state in zip(nodes, states, strict=True)}
    return [
        StateNodes(
            ids=ids.get(machine, frozenset()),
            item_state=present.get(shown.get(_ITEM_STATE_TYPE)),
            mode=present.get(shown.get(_MODE_TYPE)),
            has_mode=_MODE_TYPE in shown,
            namespace=namespaces.index(_MACHINERY),
        )
        for machine, shown in walk.state_machines.items()
        if _ITEM_STATE_TYPE in shown
    ]


async def _children_named(browser: Browser, nodes: Sequence[Any], name: str) -> list[Any | None]:
    """The child of each node with a browse name; None for a node without one."""
    found = await browser.children(nodes, ua.NodeClass.Variable, ua.ObjectIds.HierarchicalReferences)
    return [next((each.NodeId for each in own if each.BrowseName.Name == name), None) for own in found]


def _namespace(namespaces: Sequence[str], index: int) -> str:
    return namespaces[index] or "" if index < len(namespaces) else ""


def _by_name(references: Iterable[Any], index: int) -> dict[str, Any]:
    """The node ids of children in the namespace of Job Control, by their browse names."""
    return {each.BrowseName.Name: each.NodeId for each in references if each.BrowseName.NamespaceIndex == index}


def _texts(values: Iterable[Any]) -> frozenset[str]:
    """The texts in values of ids; a value that is null or has another type has none."""
    texts = [text for value in values for text in (value if isinstance(value, list) else [value])]
    return frozenset(text for text in texts if isinstance(text, str) and text)
