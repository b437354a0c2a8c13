"""Reads a receiver's job list without keeping the event loop busy.

Decoding a list of 300 jobs takes asyncua 30 to 60 ms. So the answer is decoded in a thread, and not at all if it is the
same, byte for byte, as the last one.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from asyncua import ua
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary

from connectors.mes.opcua_job_control.discovery import Receiver
from connectors.mes.opcua_job_control.models import JobOrders, UnreadableJob, read_entries


@dataclass(frozen=True)
class ReadList:
    """A job list as it was read: the bytes of the answer after its header, and what they say."""

    answer: bytes
    orders: JobOrders


async def read_list(client: Any, name: str, receiver: Receiver, last: ReadList | None) -> ReadList:
    """Reads a receiver's list.

    Args:
        client: the client of asyncua, with an open session.
        name: the receiver's name.
        last: what was read before; None the first time.

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
    whole = data.copy()
    nodeid_from_binary(data)
    struct_from_binary(ua.ResponseHeader, data).ServiceResult.check()
    answer = bytes(data)
    if last is not None and last.answer == answer:
        return last
    return ReadList(answer, await asyncio.to_thread(_decoded, whole, name, receiver))


def _decoded(response: Any, name: str, receiver: Receiver) -> JobOrders:
    (value,) = struct_from_binary(ua.ReadResponse, response).Results
    status = ua.StatusCode() if value.StatusCode is None else value.StatusCode
    if not status.is_bad():
        doubt = None if status.is_good() else status.name
        return read_entries(None if value.Value is None else value.Value.Value, name, receiver.served, doubt)
    reason = f"its status is {status.name}"
    return JobOrders(
        unreadable=(UnreadableJob(receiver=name, reason=reason, served=receiver.served, status=status.name),)
    )
