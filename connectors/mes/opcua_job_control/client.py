"""The client of a Job Control server: one connection, kept open and opened again when needed.

asyncua reads the structures' definitions from the server, so no nodeset file is needed. Requests of several
callers share the session; one of them opens it. Nothing is retried: a request on a lost connection fails, and the next
request opens another connection.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

from asyncua import ua
from asyncua.ua.uaerrors import UaStatusCodeError

from connectors.call import Call
from connectors.mes.opcua_job_control.connection import LIBRARY_ERRORS, cut, signed_in
from connectors.mes.opcua_job_control.faults import meaning_of
from connectors.mes.opcua_job_control.models import (
    FIRST_NAMESPACE,
    NAMESPACE,
    JobOrderRow,
    JobOrders,
    Served,
    UnreadableJob,
    actual_equipment,
    read_entries,
)
from connectors.mes.opcua_job_control.security import Endpoint
from connectors.mes.opcua_job_control.settings import JobControlSettings
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable

logger = logging.getLogger(__name__)

_METHODS: Final = ("Pause", "Resume", "Start", "RevokeStart")
_RESPONSE: Final = "RequestJobResponseByJobOrderID"
_DEPTH: Final = 7
_MOST_OBJECTS: Final = 2000
"""How far below Objects receivers are looked for. A machine has its own at Machines/NAME/MachineryBuildingBlocks/
JobManagement/JobOrderControl (OPC 40001-1, 6; OPC 40001-3, 6.3)."""

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class _Provider:
    """A job response provider: its node and the id of its method that answers by job order."""

    node: Any
    method: Any


@dataclass(frozen=True)
class _Receiver:
    """A job order receiver: its node, its list, its methods, the ids that it serves, and the response provider beside
    it."""

    node: Any
    job_list: Any
    methods: dict[str, Any]
    served: Served
    provider: _Provider | None


@dataclass(frozen=True)
class _Session:
    client: Any
    endpoint: Endpoint
    receivers: dict[str, _Receiver]


class JobControlClient:
    """Requests to one Job Control server."""

    def __init__(self, settings: JobControlSettings) -> None:
        self._settings = settings
        self._session: _Session | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Ends the session; the next request opens another."""
        session, self._session = self._session, None
        if session is not None:
            await session.client.disconnect()

    async def endpoint(self, call: Call) -> Endpoint:
        """The endpoint that we are connected to."""
        session = await self._connected(call)
        return session.endpoint

    async def receivers(self, call: Call) -> int:
        """How many job order receivers the server has."""
        session = await self._connected(call)
        return len(session.receivers)

    async def job_orders(self, call: Call) -> JobOrders:
        """Every job order in every receiver's list. What cannot be read is set aside, a whole list if its status is not
        Good."""

        async def read(session: _Session) -> JobOrders:
            lists = [await _read_list(name, receiver) for name, receiver in session.receivers.items()]
            found = JobOrders(
                rows=tuple(row for each in lists for row in each.rows),
                unreadable=tuple(job for each in lists for job in each.unreadable),
            )
            for job in found.unreadable:
                logger.warning("%s: %s", call.system, job.words)
            return found

        return await self._ask(call, "JobOrderList", read)

    async def served(self, call: Call) -> dict[str, Served]:
        """The ids that each receiver serves, by the receiver's name."""
        session = await self._connected(call)
        return {name: receiver.served for name, receiver in session.receivers.items()}

    async def actuals(self, call: Call, job: JobOrderRow) -> frozenset[str]:
        """The equipment in a job's response; empty if the receiver has no response provider beside it."""

        async def ask(session: _Session) -> frozenset[str]:
            receiver = session.receivers.get(job.receiver)
            if receiver is None or receiver.provider is None:
                return frozenset()
            outputs = await _call(session, receiver.provider.node, receiver.provider.method, [_text(job.id)])
            return actual_equipment(outputs[0] if outputs else None, job.id)

        return await self._ask(call, "JobResponse", ask)

    async def command(self, call: Call, method: str, job: JobOrderRow, comments: Sequence[str]) -> int:
        """Calls a method of the job's receiver; returns ReturnStatus, for a call that was Good or Uncertain."""

        async def run(session: _Session) -> int:
            receiver = session.receivers.get(job.receiver)
            if receiver is None:
                raise call.error(Unavailable, f"it has no job order receiver {job.receiver} now")
            node = receiver.methods.get(method)
            if node is None:
                raise call.error(ActionRequired, f"receiver {job.receiver} has no method {method}")
            texts = ua.Variant(
                [ua.LocalizedText(comment) for comment in comments], ua.VariantType.LocalizedText, is_array=True
            )
            outputs = await _call(session, receiver.node, node, [_text(job.id), texts])
            return int(outputs[0]) if outputs else 0

        return await self._ask(call, f"answer to {method}", run)

    async def _ask(self, call: Call, what: str, request: Callable[[_Session], Awaitable[ResultT]]) -> ResultT:
        session = await self._connected(call)
        try:
            return await self._bounded(call, self._settings.timeout, request(session), what)
        except Unavailable:
            await self._drop(session)
            raise

    async def _connected(self, call: Call) -> _Session:
        return await self._bounded(call, self._settings.connect_timeout, self._connect(call))

    async def _connect(self, call: Call) -> _Session:
        """The open session, or a new one. A caller that waits for another's attempt waits within its own timeout."""
        async with self._opening:
            session = self._session
            if session is not None and session.client.state.value == "connected":
                return session
            if session is not None:
                await self._drop(session)
            self._session = await self._open(call)
            return self._session

    async def _open(self, call: Call) -> _Session:
        client, choice = await signed_in(self._settings, call)
        try:
            await client.load_data_type_definitions()
            return _Session(client, choice.endpoint, await _find_receivers(client, call))
        except BaseException:
            await cut(client)
            raise

    async def _drop(self, session: _Session) -> None:
        if self._session is session:
            self._session = None
        await cut(session.client)

    async def _bounded(self, call: Call, limit: timedelta, work: Awaitable[ResultT], what: str = "reply") -> ResultT:
        """The result of some work, with its errors translated.

        Args:
            what: what is read from the server, for the error.
        """
        address = self._settings.url
        try:
            async with asyncio.timeout(limit.total_seconds()):
                return await work
        except TimeoutError:
            error: ConnectorError = call.error(
                Unavailable, f"no answer from {address} within {limit.total_seconds():g} s"
            )
        except UaStatusCodeError as failure:
            error = call.error(*meaning_of(ua.StatusCode(failure.code).name))
        except ConnectionRefusedError:
            error = call.error(Unavailable, f"nothing answers at {address}")
        except OSError as failure:
            error = call.error(Unavailable, f"the connection to {address} was lost ({type(failure).__name__})")
        except EOFError:
            error = call.error(Unavailable, f"the connection to {address} was lost")
        except LIBRARY_ERRORS as failure:
            error = call.error(Refused, f"unreadable {what}: {failure or type(failure).__name__}")
        raise error


async def _read_list(name: str, receiver: _Receiver) -> JobOrders:
    value = await receiver.job_list.read_data_value(raise_on_bad_status=False)
    status = ua.StatusCode() if value.StatusCode is None else value.StatusCode
    if status.is_good():
        return read_entries(None if value.Value is None else value.Value.Value, name, receiver.served)
    reason = f"its status is {status.name}"
    return JobOrders(
        unreadable=(UnreadableJob(receiver=name, reason=reason, served=receiver.served, status=status.name),)
    )


async def _call(session: _Session, node: Any, method: Any, arguments: list[Any]) -> list[Any]:
    """The outputs of a method. A bad status raises, an uncertain one does not."""
    request = ua.CallMethodRequest()
    request.ObjectId = node.nodeid
    request.MethodId = method
    request.InputArguments = arguments
    (result,) = await session.client.uaclient.session.call([request])
    if result.StatusCode.is_bad():
        raise UaStatusCodeError(result.StatusCode.value)
    return [output.Value for output in result.OutputArguments or ()]


def _text(value: str) -> Any:
    return ua.Variant(value, ua.VariantType.String)


@dataclass(frozen=True)
class _Found:
    """An object below Objects, by its path of browse names."""

    node: Any
    path: str
    parent: str


async def _find_receivers(client: Any, call: Call) -> dict[str, _Receiver]:
    """Every object below Objects that has a JobOrderList, by its path of browse names; if two share a path, also by
    their node ids.

    Raises:
        ActionRequired: the server does not support Job Control v2, or has no receiver.
    """
    namespaces = await client.get_namespace_array()
    if NAMESPACE not in namespaces:
        known = "only version 1 of it, which has other methods" if FIRST_NAMESPACE in namespaces else "nothing of it"
        raise call.error(ActionRequired, f"the server does not offer ISA-95 Job Control v2 ({known})", field="url")
    index = namespaces.index(NAMESPACE)
    receivers: list[tuple[_Found, dict[str, Any]]] = []
    providers: dict[str, _Provider] = {}
    level, visited = [_Found(client.nodes.objects, "", "")], {client.nodes.server.nodeid}
    for _ in range(_DEPTH):
        below: list[_Found] = []
        for found in level:
            children = await found.node.get_children_descriptions(refs=ua.ObjectIds.HierarchicalReferences)
            named = {child.BrowseName.Name: child for child in children if child.BrowseName.NamespaceIndex == index}
            if "JobOrderList" in named:
                receivers.append((found, named))
                continue
            if _RESPONSE in named:
                providers[found.parent] = _Provider(found.node, named[_RESPONSE].NodeId)
                continue
            fresh = [
                child for child in children if child.NodeClass == ua.NodeClass.Object and child.NodeId not in visited
            ]
            visited.update(child.NodeId for child in fresh)
            below += [
                _Found(client.get_node(child.NodeId), f"{found.path}/{child.BrowseName.Name}".lstrip("/"), found.path)
                for child in fresh
            ]
        level = below
        if len(visited) > _MOST_OBJECTS:
            break
    if not receivers:
        raise call.error(ActionRequired, "the server has no job order receiver that we can see", field="url")
    paths = Counter(found.path for found, _ in receivers)
    return {
        found.path if paths[found.path] == 1 else f"{found.path} ({found.node.nodeid.to_string()})": await _receiver(
            client, found.node, named, providers.get(found.parent)
        )
        for found, named in receivers
    }


async def _receiver(client: Any, node: Any, named: dict[str, Any], provider: _Provider | None) -> _Receiver:
    return _Receiver(
        node=node,
        job_list=client.get_node(named["JobOrderList"].NodeId),
        methods={name: named[name].NodeId for name in _METHODS if name in named},
        served=Served(
            equipment=await _ids(client, named.get("EquipmentID")),
            assets=await _ids(client, named.get("PhysicalAssetID")),
        ),
        provider=provider,
    )


async def _ids(client: Any, named: Any | None) -> frozenset[str]:
    """The texts in a property of ids; none if it is absent, null or has another type."""
    if named is None:
        return frozenset()
    value = await client.get_node(named.NodeId).read_value()
    texts = value if isinstance(value, list) else [value]
    return frozenset(text for text in texts if isinstance(text, str) and text)
