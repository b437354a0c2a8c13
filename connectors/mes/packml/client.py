"""The client of a PackML server: finds its machines, and reads what they do. It calls no method."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import ua

from connectors.call import Call
from connectors.mes.packml.models import LEVELS, NAMESPACE, MachineReading, machine_reading, told
from connectors.mes.packml.settings import PackMlSettings
from connectors.opcua.security import Endpoint
from connectors.opcua.sessions import Sessions
from domain.errors import ActionRequired

_PACKML_OBJECTS: Final = 72
"""The folder with every object of PackMLBaseObjectType (OPC 30050, 6.2)."""
_TAG: Final = "tag"
_OF_PACKML: Final[Mapping[str, Sequence[str]]] = {
    "mode": ("Status", "UnitModeCurrent"),
    "speed": ("Status", "CurMachSpeed"),
    _TAG: ("TagID",),
}
_MOST_MACHINES: Final = 1000
_AT_ONCE: Final = 8


@dataclass(frozen=True)
class _Machine:
    names: frozenset[str]
    nodes: Mapping[str, Any]


@dataclass(frozen=True)
class _Session:
    client: Any
    index: int
    machines: tuple[_Machine, ...]


class PackMlClient:
    """Requests to one PackML server."""

    def __init__(self, settings: PackMlSettings) -> None:
        self._sessions: Sessions[_Session] = Sessions(settings, _prepared)

    async def close(self) -> None:
        """Ends the session; the next request opens another."""
        await self._sessions.close()

    async def machines(self, call: Call) -> int:
        """How many machines the server has."""
        return len((await self._sessions.connected(call)).machines)

    async def read(self, call: Call, equipment: str) -> MachineReading:
        """What a machine does, in one request.

        Raises:
            ActionRequired: the server has no machine of this name, or more than one.
        """

        async def ask(session: _Session) -> MachineReading:
            machine = _named(session, call, equipment)
            names = [name for name in machine.nodes if name != _TAG]
            values = await _values(session.client, [machine.nodes[name] for name in names])
            return machine_reading(dict(zip(names, values, strict=True)), session.index)

        return await self._sessions.ask(call, "state of the machine", ask)


def _named(session: _Session, call: Call, equipment: str) -> _Machine:
    found = [machine for machine in session.machines if equipment in machine.names]
    if len(found) == 1:
        return found[0]
    problem = (
        f"{len(found)} machines below PackMLObjects have the name or the TagID {equipment}"
        if found
        else f"the server does not know equipment {equipment}: nothing below PackMLObjects has it as its name or TagID"
    )
    raise call.error(ActionRequired, problem, field="equipment")


async def _prepared(client: Any, endpoint: Endpoint, call: Call) -> _Session:
    """The machines of the server.

    Raises:
        ActionRequired: it does not support PackML, or has no machine that we can see.
    """
    del endpoint
    namespaces = await client.get_namespace_array()
    if NAMESPACE not in namespaces:
        raise call.error(ActionRequired, "the server does not offer PackML (OPC 30050)", field="url")
    index = namespaces.index(NAMESPACE)
    folder = client.get_node(ua.NodeId(_PACKML_OBJECTS, index))
    objects = await folder.get_children(nodeclassmask=ua.NodeClass.Object)
    if len(objects) > _MOST_MACHINES:
        problem = f"it has {len(objects)} objects below PackMLObjects, which are too many"
        raise call.error(ActionRequired, problem, field="url")
    slots = asyncio.Semaphore(_AT_ONCE)
    machines = await asyncio.gather(*(_machine(client, node, index, slots) for node in objects))
    usable = tuple(machine for machine in machines if machine is not None)
    if not usable:
        raise call.error(ActionRequired, "the server has no machine below PackMLObjects that we can see", field="url")
    return _Session(client, index, usable)


async def _machine(client: Any, node: Any, index: int, slots: asyncio.Semaphore) -> _Machine | None:
    """A machine; None for an object without the state machine of PackML."""
    paths = {name: [(index, part) for part in path] for name, path in _OF_PACKML.items()}
    for level in LEVELS:
        state = [*((index, part) for part in level), (0, "CurrentState")]
        paths["/".join(level)] = state
        paths["/".join((*level, "Id"))] = [*state, (0, "Id")]
    async with slots:
        name = await node.read_browse_name()
        found = await client.uaclient.session.translate_browsepaths_to_nodeids(
            [_browse_path(node.nodeid, path) for path in paths.values()]
        )
        nodes = {
            name: result.Targets[0].TargetId
            for name, result in zip(paths, found, strict=True)
            if result.StatusCode.is_good() and result.Targets
        }
        if "/".join(LEVELS[0]) not in nodes:
            return None
        tag = (await _values(client, [nodes[_TAG]]))[0].value if _TAG in nodes else None
    names = {name.Name, tag} if isinstance(tag, str) and tag else {name.Name}
    return _Machine(frozenset(names), nodes)


def _browse_path(node: Any, path: Sequence[tuple[int, str]]) -> Any:
    wanted = ua.BrowsePath()
    wanted.StartingNode = node
    wanted.RelativePath.Elements = [
        ua.RelativePathElement(
            ReferenceTypeId=ua.NodeId(ua.ObjectIds.HierarchicalReferences),
            IsInverse=False,
            IncludeSubtypes=True,
            TargetName=ua.QualifiedName(name, index),
        )
        for index, name in path
    ]
    return wanted


async def _values(client: Any, nodes: Sequence[Any]) -> list[Any]:
    read = await client.uaclient.session.read_attributes(nodes, ua.AttributeIds.Value)
    return [
        told(each, each.StatusCode.name, is_bad=each.StatusCode.is_bad(), is_good=each.StatusCode.is_good())
        for each in read
    ]
