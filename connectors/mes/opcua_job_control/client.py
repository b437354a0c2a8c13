"""The client of a Job Control server. asyncua reads the structures' definitions from the server, so no nodeset file is
needed."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeVar

from asyncua import ua
from asyncua.ua.uaerrors import UaStatusCodeError

from connectors.call import Call
from connectors.mes.opcua_job_control.discovery import Browser, Receiver, StateNodes, find_receivers
from connectors.mes.opcua_job_control.list_reading import ReadList, read_list
from connectors.mes.opcua_job_control.models import (
    JobOrderRow,
    JobOrders,
    Made,
    Served,
    actual_equipment,
    made_by,
)
from connectors.mes.opcua_job_control.operating import ITEM_STATES, MODES, NOT_SHOWN, ShownMachine
from connectors.mes.opcua_job_control.settings import JobControlSettings
from connectors.opcua.security import Endpoint
from connectors.opcua.sessions import Sessions
from domain.errors import ActionRequired, NotProved, Unavailable
from domain.production import HoldTarget

logger = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")

# Each list has a request of its own: all of them in one answer may be more than a server puts into a message.
_READS_AT_ONCE: Final = 16


class Answer(NamedTuple):
    """A method's ReturnStatus, and whether the call's own status was Good; else it was Uncertain."""

    status: int
    good: bool


@dataclass(frozen=True)
class _Session:
    client: Any
    endpoint: Endpoint
    receivers: Mapping[str, Receiver]
    machines: Sequence[StateNodes]
    browser: Browser
    lists: dict[str, ReadList] = field(default_factory=dict)
    """What was read last, by the receiver's name."""
    decoding: asyncio.Lock = field(default_factory=asyncio.Lock)


class JobControlClient:
    """Requests to one Job Control server."""

    def __init__(self, settings: JobControlSettings) -> None:
        self._sessions: Sessions[_Session] = Sessions(settings, _prepared)

    async def close(self) -> None:
        """Ends the session; the next request opens another."""
        await self._sessions.close()

    async def receivers(self, call: Call) -> int:
        """How many job order receivers the server has."""
        session = await self._sessions.connected(call)
        return len(session.receivers)

    async def endpoint(self, call: Call) -> Endpoint:
        """The endpoint that we are connected to."""
        session = await self._sessions.connected(call)
        return session.endpoint

    async def job_orders(self, call: Call) -> JobOrders:
        """Every job order in every receiver's list. Unreadable ones are set aside, and lists whose status is bad."""

        async def read(session: _Session) -> JobOrders:
            slots = asyncio.Semaphore(_READS_AT_ONCE)
            lists = await asyncio.gather(*(_read_list(session, slots, *each) for each in session.receivers.items()))
            found = JobOrders(
                rows=tuple(row for each in lists for row in each.rows),
                unreadable=tuple(job for each in lists for job in each.unreadable),
            )
            for job in found.unreadable:
                logger.warning("%s: %s", call.system, job.words)
            return found

        return await self._sessions.ask(call, "JobOrderList", read)

    async def served(self, call: Call) -> dict[str, Served]:
        """The ids that each receiver serves, by the receiver's name."""
        session = await self._sessions.connected(call)
        return {name: receiver.served for name, receiver in session.receivers.items()}

    async def shown_machines(self, call: Call) -> list[ShownMachine]:
        """The machines that show their state, with what they show now."""

        async def read(session: _Session) -> list[ShownMachine]:
            machines = session.machines
            nodes = [node for each in machines for node in (each.item_state, each.mode) if node is not None]
            values = dict(zip(nodes, await session.browser.values(nodes), strict=True))
            return [
                ShownMachine(
                    ids=each.ids,
                    item_state=_word(values.get(each.item_state), each.namespace, ITEM_STATES),
                    mode=_word(values.get(each.mode), each.namespace, MODES) if each.has_mode else NOT_SHOWN,
                )
                for each in machines
            ]

        return await self._sessions.ask(call, "MachineryItemState", read)

    async def actuals(self, call: Call, job: JobOrderRow) -> frozenset[str]:
        """The equipment in a job's response; empty if the receiver has no response provider beside it."""
        nothing: frozenset[str] = frozenset()
        return await self._sessions.ask(call, "JobResponse", lambda own: _response(own, job, actual_equipment, nothing))

    async def made(self, call: Call, job: JobOrderRow) -> Made | None:
        """What a job made by its response; None if the receiver has no response provider beside it."""
        return await self._sessions.ask(call, "JobResponse", lambda own: _response(own, job, made_by, None))

    async def missing(self, call: Call, receiver: str, methods: Sequence[str]) -> list[str]:
        """Those of the methods that a receiver has not; every one is optional (OPC 10031-4, 6.2.1)."""
        found = (await self._sessions.connected(call)).receivers.get(receiver)
        return [method for method in methods if found is None or method not in found.methods]

    async def target(self, call: Call, receiver: str) -> HoldTarget:
        """What a hold through a receiver goes through.

        Raises:
            Unavailable: the server has no such receiver now.
        """
        return _target(call, await self._sessions.connected(call), receiver)

    async def command(
        self, call: Call, method: str, job: JobOrderRow, comments: Sequence[str], target: HoldTarget | None = None
    ) -> Answer:
        """Calls a method of the job's receiver.

        Args:
            target: what the receiver must be; None takes any.

        Raises:
            NotProved: over the connection of this call the receiver has another target.
            ConnectorError: its status was bad.
        """

        async def run(session: _Session) -> Answer:
            receiver = session.receivers.get(job.receiver)
            if receiver is None:
                raise call.error(Unavailable, f"it has no job order receiver {job.receiver} now")
            if target is not None and (changes := target.changes(_target(call, session, job.receiver))):
                problem = f"receiver {job.receiver} is served by another server than planned: {changes}"
                raise call.error(NotProved, problem, field="target")
            node = receiver.methods.get(method)
            if node is None:
                raise call.error(ActionRequired, f"receiver {job.receiver} has no method {method}")
            texts = ua.Variant(
                [ua.LocalizedText(comment) for comment in comments], ua.VariantType.LocalizedText, is_array=True
            )
            outputs, good = await _call(session, receiver.node, node, [_text(job.id), texts])
            return Answer(int(outputs[0]) if outputs else 0, good)

        return await self._sessions.ask(call, f"answer to {method}", run)


async def _prepared(client: Any, endpoint: Endpoint, call: Call) -> _Session:
    _, found = await asyncio.gather(client.load_data_type_definitions(), find_receivers(client, call))
    return _Session(client, endpoint, found.receivers, found.machines, found.browser)


def _target(call: Call, session: _Session, receiver: str) -> HoldTarget:
    found = session.receivers.get(receiver)
    if found is None:
        raise call.error(Unavailable, f"it has no job order receiver {receiver} now")
    return HoldTarget(
        receiver=receiver,
        application_uri=session.endpoint.application_uri,
        namespace=found.namespace,
        certificate=session.endpoint.thumbprint or None,
    )


async def _response(
    session: _Session, job: JobOrderRow, read: Callable[[Any, str], ResultT], without: ResultT
) -> ResultT:
    """What is read from a job's response.

    Args:
        without: the result if the receiver has no response provider beside it.
    """
    receiver = session.receivers.get(job.receiver)
    if receiver is None or receiver.provider is None:
        return without
    outputs, _ = await _call(session, receiver.provider.node, receiver.provider.method, [_text(job.id)])
    return read(outputs[0] if outputs else None, job.id)


async def _read_list(session: _Session, slots: asyncio.Semaphore, name: str, receiver: Receiver) -> JobOrders:
    async with slots:
        last = session.lists.get(name)
        read = session.lists[name] = await read_list(session.client, name, receiver, last, session.decoding)
    return read.orders


async def _call(session: _Session, node: Any, method: Any, arguments: list[Any]) -> tuple[list[Any], bool]:
    """The outputs of a method, and whether its status is Good. A bad status raises, an uncertain one does not."""
    request = ua.CallMethodRequest()
    request.ObjectId = node
    request.MethodId = method
    request.InputArguments = arguments
    (result,) = await session.client.uaclient.session.call([request])
    if result.StatusCode.is_bad():
        raise UaStatusCodeError(result.StatusCode.value)
    return [output.Value for output in result.OutputArguments or ()], result.StatusCode.is_good()


def _word(value: object, namespace: int, words: Mapping[int, str]) -> str | None:
    """The word of a present state by the id of its node; None for an id that the standard does not have."""
    if not isinstance(value, ua.NodeId) or value.NamespaceIndex != namespace:
        return None
    return words.get(value.Identifier) if isinstance(value.Identifier, int) else None


def _text(value: str) -> Any:
    return ua.Variant(value, ua.VariantType.String)
