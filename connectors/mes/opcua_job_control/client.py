"""The wire to a Job Control server: one connection, kept while it lasts and opened again when it is needed.

asyncua reads the structures' definitions from the server, so no nodeset file is needed here. Requests of several
callers share the session; only opening it is one at a time. Nothing is repeated: a request that finds the connection
lost fails, and the next one opens another.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

from asyncua import Client, ua
from asyncua.ua.uaerrors import UaError, UaStatusCodeError

from connectors.call import Call
from connectors.mes.opcua_job_control.faults import meaning_of
from connectors.mes.opcua_job_control.mapping import SYSTEM
from connectors.mes.opcua_job_control.models import FIRST_NAMESPACE, NAMESPACE, JobOrderRow, job_order_row
from connectors.mes.opcua_job_control.settings import JobControlSettings
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable

logger = logging.getLogger(__name__)

# At DEBUG asyncua writes every request into the log, the password of ActivateSession with it.
logging.getLogger("asyncua.client.ua_client.UASocketProtocol").setLevel(logging.INFO)

_METHODS: Final = ("Pause", "Resume", "Start", "RevokeStart")
_DEPTH: Final = 5
_MOST_OBJECTS: Final = 2000
"""How far below Objects receivers are looked for: machines keep them two or three levels down (OPC 40001-3)."""

_WATCHDOG_SECONDS: Final = 5.0
_SESSION_MILLISECONDS: Final = 600_000

ResultT = TypeVar("ResultT")


class _QuietClient(Client):  # type: ignore[misc]  # asyncua is not type-checked here
    """A client whose closing of a lost connection is no event: asyncua logs each with a traceback."""

    async def close_session(self) -> None:
        try:
            await super().close_session()
        except (UaError, OSError, TimeoutError) as error:
            logger.debug("closing the session of a lost connection: %r", error)

    async def close_secure_channel(self) -> None:
        try:
            await super().close_secure_channel()
        except (UaError, OSError, TimeoutError) as error:
            logger.debug("closing the channel of a lost connection: %r", error)


@dataclass(frozen=True)
class _Receiver:
    """A job order receiver: its node, its list, its methods and the equipment that it says it serves."""

    node: Any
    job_list: Any
    methods: dict[str, Any]
    equipment: Any | None


@dataclass(frozen=True)
class _Session:
    client: Any
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

    async def receivers(self, call: Call) -> int:
        """How many job order receivers the server has."""
        session = await self._connected(call)
        return len(session.receivers)

    async def job_orders(self, call: Call) -> tuple[JobOrderRow, ...]:
        """Every job order in every receiver's list."""

        async def read(session: _Session) -> tuple[JobOrderRow, ...]:
            rows: list[JobOrderRow] = []
            for name, receiver in session.receivers.items():
                entries = await receiver.job_list.read_value()
                rows += [job_order_row(entry, name) for entry in entries or ()]
            return tuple(rows)

        try:
            return await self._ask(call, read)
        except (AttributeError, TypeError, ValueError) as error:
            raise _error(Refused, f"unreadable JobOrderList: {error}", call) from None

    async def equipment(self, call: Call) -> frozenset[str] | None:
        """The equipment that the receivers say they serve; None where one of them does not say."""

        async def read(session: _Session) -> frozenset[str] | None:
            served: set[str] = set()
            for receiver in session.receivers.values():
                if receiver.equipment is None:
                    return None
                served.update(await receiver.equipment.read_value() or ())
            return frozenset(served)

        return await self._ask(call, read)

    async def command(self, call: Call, method: str, job: JobOrderRow, comments: Sequence[str]) -> int:
        """Calls a method of the job's receiver; gives ReturnStatus, whether the call was Good or Uncertain."""

        async def run(session: _Session) -> int:
            receiver = session.receivers.get(job.receiver)
            if receiver is None:
                raise _error(Unavailable, "its receivers are not those of a moment ago", call)
            node = receiver.methods.get(method)
            if node is None:
                raise _error(ActionRequired, f"its receiver has no method {method}", call)
            request = ua.CallMethodRequest()
            request.ObjectId = receiver.node.nodeid
            request.MethodId = node
            texts = [ua.LocalizedText(comment) for comment in comments]
            request.InputArguments = [
                ua.Variant(job.id, ua.VariantType.String),
                ua.Variant(texts, ua.VariantType.LocalizedText, is_array=True),
            ]
            (result,) = await session.client.uaclient.session.call([request])
            if result.StatusCode.is_bad():
                raise UaStatusCodeError(result.StatusCode.value)
            outputs = result.OutputArguments or ()
            return int(outputs[0].Value) if outputs else 0

        return await self._ask(call, run)

    async def _ask(self, call: Call, request: Callable[[_Session], Awaitable[ResultT]]) -> ResultT:
        session = await self._connected(call)
        try:
            return await self._bounded(call, self._settings.timeout, request(session))
        except Unavailable:
            await self._drop(session)
            raise

    async def _connected(self, call: Call) -> _Session:
        return await self._bounded(call, self._settings.connect_timeout, self._connect(call))

    async def _connect(self, call: Call) -> _Session:
        """The session there is, or a new one; whoever waits for another's attempt waits within its own time."""
        async with self._opening:
            session = self._session
            if session is not None and session.client.state.value == "connected":
                return session
            if session is not None:
                await self._drop(session)
            self._session = await self._open(call)
            return self._session

    async def _open(self, call: Call) -> _Session:
        client = _QuietClient(
            self._settings.url,
            timeout=self._settings.timeout.total_seconds(),
            watchdog_intervall=_WATCHDOG_SECONDS,
        )
        client.name = "Millwright"
        client.session_timeout = _SESSION_MILLISECONDS
        if self._settings.user is not None and self._settings.password is not None:
            client.set_user(self._settings.user)
            client.set_password(self._settings.password.get_secret_value())
        try:
            await client.connect()
            await client.load_data_type_definitions()
            return _Session(client, await _find_receivers(client, call))
        except BaseException:
            await _cut(client)
            raise

    async def _drop(self, session: _Session) -> None:
        if self._session is session:
            self._session = None
        await _cut(session.client)

    async def _bounded(self, call: Call, limit: timedelta, work: Awaitable[ResultT]) -> ResultT:
        """The result of some work, its failures translated."""
        address = self._settings.url
        try:
            async with asyncio.timeout(limit.total_seconds()):
                return await work
        except TimeoutError:
            error = _error(Unavailable, f"no answer from {address} within {limit.total_seconds():g} s", call)
        except UaStatusCodeError as failure:
            error = _error(*meaning_of(ua.StatusCode(failure.code).name), call)
        except ConnectionRefusedError:
            error = _error(Unavailable, f"nothing answers at {address}", call)
        except OSError as failure:
            error = _error(Unavailable, f"the connection to {address} was lost ({type(failure).__name__})", call)
        except UaError as failure:
            error = _error(Refused, f"unreadable reply: {failure}", call)
        raise error


async def _cut(client: Any) -> None:
    """Closes a connection without waiting for a server that may not answer."""
    client.disconnect_socket()
    await asyncio.sleep(0)
    await client.close_session()


async def _find_receivers(client: Any, call: Call) -> dict[str, _Receiver]:
    """Every object below Objects that has a JobOrderList, by its node id.

    Raises:
        ActionRequired: the server does not speak Job Control v2, or has no receiver.
    """
    namespaces = await client.get_namespace_array()
    if NAMESPACE not in namespaces:
        known = "only version 1 of it, which has other methods" if FIRST_NAMESPACE in namespaces else "nothing of it"
        raise _error(ActionRequired, f"the server does not offer ISA-95 Job Control v2 ({known})", call, field="url")
    index = namespaces.index(NAMESPACE)
    found: dict[str, _Receiver] = {}
    level, visited = [client.nodes.objects], {client.nodes.server.nodeid}
    for _ in range(_DEPTH):
        below: list[Any] = []
        for node in level:
            children = await node.get_children_descriptions(refs=ua.ObjectIds.HierarchicalReferences)
            named = {child.BrowseName.Name: child for child in children if child.BrowseName.NamespaceIndex == index}
            if "JobOrderList" in named:
                found[node.nodeid.to_string()] = _receiver(client, node, named)
                continue
            fresh = [
                child.NodeId
                for child in children
                if child.NodeClass == ua.NodeClass.Object and child.NodeId not in visited
            ]
            visited.update(fresh)
            below += [client.get_node(nodeid) for nodeid in fresh]
        level = below
        if len(visited) > _MOST_OBJECTS:
            break
    if not found:
        raise _error(ActionRequired, "the server has no job order receiver that we can see", call, field="url")
    return found


def _receiver(client: Any, node: Any, named: dict[str, Any]) -> _Receiver:
    equipment = named.get("EquipmentID")
    return _Receiver(
        node=node,
        job_list=client.get_node(named["JobOrderList"].NodeId),
        methods={name: named[name].NodeId for name in _METHODS if name in named},
        equipment=client.get_node(equipment.NodeId) if equipment else None,
    )


def _error(kind: type[ConnectorError], problem: str, call: Call, *, field: str | None = None) -> ConnectorError:
    if kind is ActionRequired:
        return ActionRequired(problem, system=SYSTEM, operation=call.operation, key=call.key, field=field)
    return kind(problem, system=SYSTEM, operation=call.operation, key=call.key)
