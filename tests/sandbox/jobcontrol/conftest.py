"""A small plant with its MES listening, and a real OPC UA client that knows only the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncua import Client, Node, ua

from sandbox.faults import Faults
from sandbox.jobcontrol import JobControlServer
from sandbox.naming import equipment_id

ISA95 = "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/"
JOBS = "http://opcfoundation.org/UA/Machinery/Jobs/"
START = datetime(2015, 1, 1, 6, tzinfo=UTC)


@dataclass
class TestClock:
    __test__ = False
    time: datetime = START

    def now(self) -> datetime:
        return self.time


def machines(count: int) -> list[tuple[int, str, str]]:
    return [(number, equipment_id(number), f"LINE-{number % 3 + 1}") for number in range(1, count + 1)]


@dataclass
class Mes:
    """The server under test and a client connected to it."""

    server: JobControlServer
    clock: TestClock
    faults: Faults
    client: Client
    isa: int = 0
    jobs: int = 0
    used: set[str] = field(default_factory=set)

    async def connect(self) -> None:
        self.client = Client(self.server.url, timeout=5)
        await self.client.connect()
        await self.client.load_data_type_definitions()
        self.isa = await self.client.get_namespace_index(ISA95)
        self.jobs = await self.client.get_namespace_index(JOBS)

    async def node(self, name: str) -> Node:
        path = [f"{self.jobs}:JobManagement", f"{self.jobs}:{name}"]
        return await self.client.nodes.objects.get_child(path)

    async def call(self, method: str, subject: object, comment: str | None = None) -> int:
        comments = [] if comment is None else [ua.LocalizedText(comment, "en")]
        receiver = await self.node("JobOrderControl")
        answer = await receiver.call_method(
            f"{self.isa}:{method}", subject, ua.Variant(comments, ua.VariantType.LocalizedText, is_array=True)
        )
        return int(answer)

    async def rows(self) -> list[Any]:
        receiver = await self.node("JobOrderControl")
        listed = await (await receiver.get_child(f"{self.isa}:JobOrderList")).read_value()
        return list(listed)

    async def row(self, job: str) -> Any:
        return next(row for row in await self.rows() if row.JobOrder.JobOrderID == job)

    async def state(self, job: str) -> int:
        return int((await self.row(job)).State[0].StateNumber)

    async def pass_time(self, **hours: float) -> None:
        self.clock.time += timedelta(**hours)
        await self.server.advance(self.clock.time)

    async def job_in(self, state: int) -> str:
        """A planned job in that state, on equipment no test has had yet."""
        for _ in range(48):
            for row in await self.rows():
                equipment = row.JobOrder.EquipmentRequirements[0].ID
                planned = row.JobOrder.JobOrderID.startswith("JO-")
                if planned and equipment not in self.used and row.State[0].StateNumber == state:
                    self.used.add(equipment)
                    return str(row.JobOrder.JobOrderID)
            await self.pass_time(minutes=15)
        raise AssertionError(f"no unused job in state {state}")

    def order(self, job: str, *equipment: str) -> Any:
        required = [ua.ISA95EquipmentDataType(ID=name) for name in equipment]
        return ua.ISA95JobOrderDataType(JobOrderID=job, EquipmentRequirements=required)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def plant() -> Callable[[int], list[tuple[int, str, str]]]:
    return machines


@pytest.fixture(scope="module")
async def mes() -> AsyncIterator[Mes]:
    clock, faults = TestClock(), Faults()
    server = JobControlServer(None, clock, machines(60), faults=faults)
    await server.start()
    running = Mes(server, clock, faults, Client(server.url))
    await running.connect()
    yield running
    await running.client.disconnect()
    await server.stop()


@pytest.fixture
def mes_class() -> type[Mes]:
    return Mes
