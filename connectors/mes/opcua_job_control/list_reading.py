"""Reads a receiver's job list without keeping the event loop busy.

Decoding a list of 300 jobs takes asyncua 30 to 60 ms. So it is decoded half a millisecond at a time, and not at all if
the answer is the same, byte for byte, as the last one. It is not decoded in a thread: after each of its system calls
the loop would wait until the thread gives the interpreter back, a millisecond each time.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import (
    Primitives,
    extensionobject_from_binary,
    nodeid_from_binary,
    struct_from_binary,
    variant_from_binary,
)

from connectors.mes.opcua_job_control.discovery import Receiver
from connectors.mes.opcua_job_control.models import JobOrders, UnreadableJob, each_entry

ItemT = TypeVar("ItemT")

_TURN: Final = 0.0005
"""Seconds of work before the other tasks of the loop run."""
_HAS_VALUE: Final = 0b0000_0001
"""Of the first byte of a DataValue (OPC 10000-6, 5.2.2.17)."""
_LIST_OF_STRUCTURES: Final = 0b1000_0000 | ua.VariantType.ExtensionObject.value
"""The first byte of a Variant that is a list of structures with one dimension (OPC 10000-6, 5.2.2.16)."""


@dataclass(frozen=True)
class ReadList:
    """A job list as it was read: the bytes of the answer after its header, and what they say."""

    answer: bytes
    orders: JobOrders


async def read_list(
    client: Any, name: str, receiver: Receiver, last: ReadList | None, decoding: asyncio.Lock
) -> ReadList:
    """Reads a receiver's list.

    Args:
        client: the client of asyncua, with an open session.
        name: the receiver's name.
        last: what was read before; None the first time.
        decoding: held while a list is decoded: several at once would take a turn of the loop each.

    Raises:
        UaStatusCodeError: the server refused the request.
        Exception: one of `connection.LIBRARY_ERRORS`, because the answer cannot be decoded.
    """
    wanted, request = ua.ReadValueId(), ua.ReadRequest()
    wanted.NodeId, wanted.AttributeId = receiver.job_list, ua.AttributeIds.Value
    request.Parameters.NodesToRead.append(wanted)
    # Without times, a list that did not change has the same answer.
    request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Neither
    data = await client.uaclient.protocol.send_request(request)
    nodeid_from_binary(data)
    struct_from_binary(ua.ResponseHeader, data).ServiceResult.check()
    answer = bytes(data)
    if last is not None and last.answer == answer:
        return last
    async with decoding:
        return ReadList(answer, await _decoded(data, name, receiver))


async def _decoded(results: Buffer, name: str, receiver: Receiver) -> JobOrders:
    """What the results of a ReadResponse say."""
    number = Primitives.Int32.unpack(results)
    if number != 1:
        raise ValueError(f"{number} results for one value")
    parts = Primitives.Byte.unpack(results)
    entries = _value(results) if parts & _HAS_VALUE else None
    # The status is behind the value. Each structure is freed before the next one is decoded.
    orders = JobOrders.of(await in_turns(each_entry(entries, name, receiver.served)))
    without_value = Buffer(bytes([parts & ~_HAS_VALUE]) + bytes(results))
    status = struct_from_binary(ua.DataValue, without_value).StatusCode or ua.StatusCode()
    if not status.is_bad():
        return orders if status.is_good() else orders.doubted(status.name)
    reason = f"its status is {status.name}"
    return JobOrders(
        unreadable=(UnreadableJob(receiver=name, reason=reason, served=receiver.served, status=status.name),)
    )


def _value(data: Buffer) -> Any:
    """The value of a Variant; a list of structures as an iterator that decodes one after the other."""
    if data.copy(1).read(1)[0] != _LIST_OF_STRUCTURES:
        return variant_from_binary(data).Value
    data.skip(1)
    length = Primitives.Int32.unpack(data)
    return (extensionobject_from_binary(data) for _ in range(length))


async def in_turns(work: Iterable[ItemT]) -> list[ItemT]:
    """The items of some work. After each half a millisecond of it, the other tasks of the loop run."""
    items = []
    ends = time.perf_counter() + _TURN
    for item in work:
        items.append(item)
        if time.perf_counter() >= ends:
            await asyncio.sleep(0)
            ends = time.perf_counter() + _TURN
    return items
