"""The foreign Job Control server itself, met with asyncua alone: it keeps the standard, and does as a test asks."""

import asyncio
import signal
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from asyncua import Client, Node, ua

from tests.contract.foreign.job_control import ForeignJobControl, ReceivedCall, Serve

pytestmark = pytest.mark.foreign

URIS = {
    "di": "http://opcfoundation.org/UA/DI/",
    "machinery": "http://opcfoundation.org/UA/Machinery/",
    "jobs": "http://opcfoundation.org/UA/Machinery/Jobs/",
    "isa95": "http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/",
}
STATES = {"NotAllowedToStart": 1, "AllowedToStart": 2, "Running": 3, "Interrupted": 4, "Ended": 5, "Aborted": 6}


class Visitor(AbstractAsyncContextManager["Visitor"]):
    """An OPC UA client that knows the standards and nothing else."""

    def __init__(self, server: ForeignJobControl) -> None:
        self.client = Client(server.endpoint, timeout=10)
        self.index: dict[str, int] = {}

    async def __aenter__(self) -> "Visitor":
        await self.client.connect()
        await self.client.load_data_type_definitions()
        self.index = {name: await self.client.get_namespace_index(uri) for name, uri in URIS.items()}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.disconnect()

    def path(self, words: str) -> list[str]:
        """`machinery:Machines jobs:JobManagement` as a browse path."""
        parts = (word.split(":") for word in words.split())
        return [f"{self.index.get(space, space)}:{name}" for space, name in parts]

    async def management(self, machine: str, folder: str = "machinery:MachineryBuildingBlocks") -> Node:
        """The server's own namespace, in which machines are, is always the one after OPC UA's."""
        words = f"machinery:Machines 1:{machine} {folder} jobs:JobManagement"
        return await self.client.nodes.objects.get_child(self.path(words))

    async def variable(self, machine: str, name: str) -> Any:
        management = await self.management(machine)
        node = await management.get_child(self.path(f"jobs:JobOrderControl isa95:{name}"))
        return await node.read_value()

    async def job_states(self, machine: str) -> dict[str, int]:
        rows = await self.variable(machine, "JobOrderList")
        return {row.JobOrder.JobOrderID: row.State[0].StateNumber for row in rows}

    async def until_job_state(self, machine: str, job: str, state: int) -> None:
        for _ in range(500):
            if (await self.job_states(machine))[job] == state:
                return
            await asyncio.sleep(0.02)
        raise TimeoutError(f"job {job} of {machine} does not come to state {state}")

    async def call(self, machine: str, method: str, job: str, comment: str = "why") -> tuple[int, bool]:
        """ReturnStatus, and whether the call was Good; asyncua's own `call_method` drops the first where it was not."""
        comments = ua.Variant([ua.LocalizedText(comment)], ua.VariantType.LocalizedText, is_array=True)
        result = await self._call(machine, "JobOrderControl", method, job, comments)
        return result.OutputArguments[0].Value, result.StatusCode.is_good()

    async def response(self, machine: str, job: str) -> tuple[Any, int]:
        result = await self._call(machine, "JobOrderResults", "RequestJobResponseByJobOrderID", job)
        response, status = result.OutputArguments
        return response.Value, status.Value

    async def _call(self, machine: str, owner: str, method: str, job: str, *rest: Any) -> Any:
        management = await self.management(machine)
        request = ua.CallMethodRequest()
        request.ObjectId = (await management.get_child(self.path(f"jobs:{owner}"))).nodeid
        request.MethodId = (await management.get_child(self.path(f"jobs:{owner} isa95:{method}"))).nodeid
        request.InputArguments = [ua.Variant(job, ua.VariantType.String), *rest]
        (result,) = await self.client.uaclient.session.call([request])
        return result


def names_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


async def test_each_machine_has_its_job_management_where_the_standards_place_it(serve: Serve) -> None:
    async with Visitor(await serve("same-job-id")) as visitor:
        for machine in ("Press1", "Press2"):
            management = await visitor.management(machine)
            kind = visitor.client.get_node(await management.read_type_definition())
            assert (await kind.read_browse_name()).Name == "JobManagementType"
            (blocks,) = await management.get_referenced_nodes(ua.ObjectIds.HasAddIn, ua.BrowseDirection.Inverse)
            assert (await blocks.read_browse_name()).to_string() == visitor.path("machinery:MachineryBuildingBlocks")[0]
            owner = await blocks.get_parent()
            assert await owner.get_child(visitor.path("di:Identification di:SerialNumber"))
    async with Visitor(await serve("same-job-id-without-folder")) as visitor:
        management = await visitor.management("Press1", folder="")
        (owner,) = await management.get_referenced_nodes(ua.ObjectIds.HasAddIn, ua.BrowseDirection.Inverse)
        assert (await owner.read_browse_name()).Name == "Press1"


async def test_nothing_is_missing_that_the_nodesets_call_mandatory(serve: Serve) -> None:
    async with Visitor(await serve("same-job-id")) as visitor:
        for part in ("JobOrderControl", "JobOrderResults"):
            node = await (await visitor.management("Press2")).get_child(visitor.path(f"jobs:{part}"))
            kind = visitor.client.get_node(await node.read_type_definition())
            there = {child.BrowseName.to_string() for child in await node.get_children_descriptions()}
            mandatory = {
                (await child.read_browse_name()).to_string()
                for child in await kind.get_children()
                for rule in await child.get_referenced_nodes(ua.ObjectIds.HasModellingRule)
                if rule.nodeid == ua.NodeId(ua.ObjectIds.ModellingRule_Mandatory)
            }
            assert mandatory
            assert mandatory - there == set()


async def test_a_method_does_what_the_state_machine_allows(serve: Serve) -> None:
    server = await serve("next-job")
    allowed: dict[str, dict[str, int | None]] = {
        "Start": {"NotAllowedToStart": 2},
        "RevokeStart": {"AllowedToStart": 1},
        "Pause": {"Running": 4},
        "Resume": {"Interrupted": 3},
        "Stop": {"Running": 5, "Interrupted": 5},
        "Abort": {"NotAllowedToStart": 6, "AllowedToStart": 6, "Running": 6, "Interrupted": 6},
        "Cancel": {"NotAllowedToStart": None, "AllowedToStart": None},
        "Clear": {"Ended": None, "Aborted": None},
    }
    async with Visitor(server) as visitor:
        for method, outcomes in allowed.items():
            for state, number in STATES.items():
                job = f"{method}-{state}"
                await server.add_job("Press1", job, state)
                expected = (1, True) if state in outcomes else (8, False)
                assert await visitor.call("Press1", method, job) == expected, job
                assert (await visitor.job_states("Press1")).get(job) == outcomes.get(state, number), job
        assert await visitor.call("Press1", "Pause", "JO-9", "bearing") == (2, False)
    assert (await server.machine("Press1")).calls[-1] == ReceivedCall("Pause", "JO-9", ("bearing",), 2)


async def test_two_receivers_know_the_same_job_id_and_each_acts_on_its_own_job(serve: Serve) -> None:
    async with Visitor(await serve("same-job-id")) as visitor:
        for machine, equipment in (("Press1", "EQ-10"), ("Press2", "EQ-20")):
            (row,) = await visitor.variable(machine, "JobOrderList")
            assert row.JobOrder.JobOrderID == "JO-1"
            assert [needed.ID for needed in row.JobOrder.EquipmentRequirements] == [equipment]
            assert await visitor.variable(machine, "EquipmentID") == [equipment]
        assert await visitor.call("Press2", "Pause", "JO-1") == (1, True)
        assert await visitor.job_states("Press1") == {"JO-1": STATES["Running"]}
        assert await visitor.job_states("Press2") == {"JO-1": STATES["Interrupted"]}


async def test_job_responses_name_the_equipment_in_use_only_where_the_variant_says_so(serve: Serve) -> None:
    async with Visitor(await serve("class-with-actuals")) as visitor:
        first, _ = await visitor.response("Press1", "JO-1")
        second, status = await visitor.response("Press2", "JO-1")
        assert [asset.ID for asset in first.PhysicalAssetActuals] == ["EQ-10"]
        assert [equipment.ID for equipment in second.EquipmentActuals] == ["EQ-20"]
        assert (second.JobOrderID, second.JobState[0].StateNumber, status) == ("JO-1", STATES["Running"], 1)
        assert (await visitor.response("Press2", "JO-9"))[1] == 2
        assert not await visitor.variable("Press2", "EquipmentID")
    async with Visitor(await serve("class-only")) as visitor:
        response, status = await visitor.response("Press2", "JO-1")
        assert (response.EquipmentActuals, response.PhysicalAssetActuals, status) == (None, None, 1)
        assert not await visitor.variable("Press2", "EquipmentID")


async def test_a_state_may_follow_its_success_late(serve: Serve) -> None:
    server = await serve("same-job-id")
    async with Visitor(server) as visitor:
        await server.settle_after("Press2", 1)
        assert await visitor.call("Press2", "Pause", "JO-1") == (1, True)
        assert await visitor.job_states("Press2") == {"JO-1": STATES["Running"]}
        await visitor.until_job_state("Press2", "JO-1", STATES["Interrupted"])


async def test_a_call_is_refused_as_long_as_a_test_asks_for_it(serve: Serve) -> None:
    server = await serve("same-job-id")
    async with Visitor(server) as visitor:
        await server.refuse("Press2", "Pause", 16)
        assert await visitor.call("Press2", "Pause", "JO-1") == (16, False)
        assert await visitor.job_states("Press2") == {"JO-1": STATES["Running"]}
        await server.accept("Press2", "Pause")
        assert await visitor.call("Press2", "Pause", "JO-1") == (1, True)


async def test_people_hold_start_and_end_jobs_without_a_call_and_the_next_then_runs(serve: Serve) -> None:
    server = await serve("next-job")
    async with Visitor(server) as visitor:
        await server.hold_by_person("Press1", "JO-1")
        assert await visitor.job_states("Press1") == {"JO-1": 4, "JO-2": 2, "JO-3": 2}
        await server.start_by_person("Press1", "JO-1")
        assert await visitor.job_states("Press1") == {"JO-1": 3, "JO-2": 2, "JO-3": 2}
        await server.hold_by_person("Press1", "JO-1")
        await server.end_job("Press1", "JO-1")
        await server.add_job("Press1", "JO-4", equipment=["EQ-10"], assets=["PRESS-SN-1"])
        assert await visitor.job_states("Press1") == {"JO-1": 5, "JO-2": 3, "JO-3": 2, "JO-4": 2}
        await server.name_equipment("Press1", ["PRESS-CLASS", "EQ-10"])
        assert await visitor.variable("Press1", "EquipmentID") == ["PRESS-CLASS", "EQ-10"]
        assert (await server.machine("Press1")).calls == ()


async def test_it_ends_with_its_standard_input_or_at_sigterm_and_leaves_nothing(serve: Serve, tmp_path: Path) -> None:
    first, second = await serve("same-job-id"), await serve("class-only")
    assert len(names_in(tmp_path)) == 4
    second.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert (await first.end(), await second.process.wait()) == (0, 0)
    assert names_in(tmp_path) == {"same-job-id.log", "class-only.log"}
