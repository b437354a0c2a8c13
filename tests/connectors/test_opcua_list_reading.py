"""Reading a job list: what an answer says, and how long it is decoded at a time."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_to_binary

from connectors.mes.opcua_job_control.discovery import Receiver
from connectors.mes.opcua_job_control.list_reading import ReadList, in_turns, read_list
from connectors.mes.opcua_job_control.models import Served

THREE = ua.UInt32(3)


@dataclass
class ListedOrder:
    """As much of ISA95JobOrderDataType as is needed."""

    JobOrderID: ua.String


@dataclass
class ListedState:
    """As much of ISA95StateDataType as is needed."""

    BrowsePath: ua.RelativePath = field(default_factory=ua.RelativePath)
    StateNumber: ua.UInt32 = THREE


@dataclass
class Listed:
    """As much of ISA95JobOrderAndStateDataType as is needed."""

    JobOrder: ListedOrder
    State: list[ListedState] = field(default_factory=lambda: [ListedState()])


ua.register_extension_object("Listed", ua.NodeId(1, 77), Listed, ua.NodeId(2, 77))

RECEIVER = Receiver(ua.NodeId(1), "", ua.NodeId(2), {}, Served(), None)
GOOD, UNCERTAIN, BAD = (
    ua.StatusCode(ua.UInt32(code))
    for code in (ua.StatusCodes.Good, ua.StatusCodes.UncertainLastUsableValue, ua.StatusCodes.BadNoCommunication)
)
JOBS = [Listed(ListedOrder(ua.String(f"J{number}"))) for number in range(3)]


class Server:
    """Answers a read with a value and its status."""

    def __init__(self, value: Any, status: Any = GOOD, results: int = 1) -> None:
        answer = ua.ReadResponse()
        answer.Results = [ua.DataValue(value, status)] * results
        self._answer = struct_to_binary(answer)
        self.uaclient = SimpleNamespace(protocol=self)

    async def send_request(self, request: Any) -> Buffer:
        del request
        return Buffer(self._answer)


async def read(server: Server) -> ReadList:
    return await read_list(server, "r", RECEIVER, None, asyncio.Lock())


def variant(value: Any, dimensions: list[int] | None = None) -> Any:
    return ua.Variant(value, ua.VariantType.ExtensionObject, dimensions, is_array=isinstance(value, list))


@pytest.mark.parametrize(
    ("value", "status", "doubts"),
    [
        (variant(JOBS), GOOD, [None] * 3),
        (variant(JOBS), UNCERTAIN, ["UncertainLastUsableValue"] * 3),
        (variant(JOBS, [3]), GOOD, [None] * 3),
        (variant([]), GOOD, []),
        (ua.Variant(), GOOD, []),
    ],
)
async def test_the_jobs_of_a_list_are_read_with_the_doubt_about_the_list(
    value: Any, status: Any, doubts: list[str | None]
) -> None:
    orders = (await read(Server(value, status))).orders
    assert [(row.id, row.state, row.doubt) for row in orders.rows] == [
        (f"J{number}", 3, doubt) for number, doubt in enumerate(doubts)
    ]
    assert orders.unreadable == ()


@pytest.mark.parametrize(
    ("value", "status", "reason"),
    [
        (ua.Variant(), BAD, "its status is BadNoCommunication"),
        (variant(JOBS), BAD, "its status is BadNoCommunication"),
        (ua.Variant(5, ua.VariantType.Int32), GOOD, "it is a int and no list"),
        (variant(JOBS[0]), GOOD, "it is a Listed and no list"),
    ],
)
async def test_a_list_that_is_bad_or_none_is_unreadable_as_a_whole(value: Any, status: Any, reason: str) -> None:
    orders = (await read(Server(value, status))).orders
    assert orders.rows == ()
    assert [(job.id, job.reason) for job in orders.unreadable] == [(None, reason)]


async def test_a_structure_of_another_type_hides_no_job() -> None:
    orders = (await read(Server(variant([JOBS[0], ua.Argument(), JOBS[2]])))).orders
    assert [row.id for row in orders.rows] == ["J0", "J2"]
    assert len(orders.unreadable) == 1


@pytest.mark.parametrize("results", [0, 2])
async def test_an_answer_with_another_number_of_results_is_unreadable(results: int) -> None:
    with pytest.raises(ValueError, match=f"{results} results for one value"):
        await read(Server(variant(JOBS), results=results))


async def test_a_list_that_did_not_change_is_the_last_one_again() -> None:
    server = Server(variant(JOBS))
    first = await read(server)
    assert await read_list(server, "r", RECEIVER, first, asyncio.Lock()) is first


async def test_other_tasks_of_the_loop_run_while_something_long_is_done() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    def work() -> Iterator[int]:
        """What the other task had done at the end of each of five pieces of a millisecond."""
        for _ in range(5):
            ends = time.perf_counter() + 0.001
            while time.perf_counter() < ends:
                pass
            yield turns

    waiting = asyncio.create_task(other())
    await asyncio.sleep(0)
    seen = await in_turns(work())
    waiting.cancel()
    assert seen == sorted(set(seen))
