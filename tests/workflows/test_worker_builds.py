"""Workers of two builds side by side: the engine gives work to the one made current, also over cases begun before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.keys import case_workflow_id
from domain.loops import wait_until
from millwright.worker.running import run_worker
from millwright.workflow_engine.payload_codec import encrypting
from millwright.workflow_engine.temporal import make_current_where_none_is
from tests.support.plant import code, deviation
from tests.support.plant_zone import PlantZone, write_keys
from tests.workflows.fake_plant import FakePlant

OLD, NEW = "build-1", "build-2"


@asynccontextmanager
async def build(plant: FakePlant, name: str) -> AsyncIterator[None]:
    """A worker of a build beside the plant's own."""
    stop = asyncio.Event()
    settings = plant.settings.model_copy(update={"worker_build": name})
    worker = asyncio.create_task(run_worker(settings, plant.storage, plant.systems, plant.client, stop))
    try:
        yield
    finally:
        stop.set()
        await worker


async def current(client: Client, deployment: str) -> str:
    asked = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=deployment)
    try:
        described = await client.workflow_service.describe_worker_deployment(asked)
    except RPCError as error:
        if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.RESOURCE_EXHAUSTED):
            return ""
        raise
    return described.worker_deployment_info.routing_config.current_deployment_version.build_id


async def become_current(client: Client, deployment: str, name: str) -> None:
    """As `temporal worker deployment set-current-version` does; the engine must have met the build."""
    wanted = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=deployment, build_id=name
    )
    not_yet = (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.RESOURCE_EXHAUSTED)

    async def asked() -> str:
        try:
            await client.workflow_service.set_worker_deployment_current_version(wanted)
        except RPCError as error:
            if error.status not in not_yet:
                raise
        return await current(client, deployment)

    # The engine answers both from one workflow for each deployment, which takes a few questions at a time.
    assert await wait_until(asked, lambda build: build == name, every=0.2, timeout=60) == name


async def last_build(client: Client, case: str) -> str:
    described = await client.get_workflow_handle(case_workflow_id(case)).describe()
    info = described.raw_description.workflow_execution_info
    return info.versioning_info.deployment_version.build_id


async def test_the_first_build_becomes_current_by_itself_and_a_second_only_when_it_is_made_so(
    unmanned: FakePlant,
) -> None:
    plant, deployment = unmanned, unmanned.settings.task_queue
    async with build(plant, OLD):
        await plant.take(code(1), deviation(2))
        case = await plant.case()
        assert await current(plant.client, deployment) == OLD
        assert await last_build(plant.client, case.id) == OLD
        async with build(plant, NEW):
            await make_current_where_none_is(plant.client, deployment, NEW)
            assert await current(plant.client, deployment) == OLD


async def test_a_case_that_one_build_opened_is_finished_by_the_next_with_one_order(unmanned: FakePlant) -> None:
    plant, deployment = unmanned, unmanned.settings.task_queue
    async with build(plant, OLD):
        await plant.take(code(1), deviation(2))
        case = await plant.case()
        async with build(plant, NEW):
            await become_current(plant.client, deployment, NEW)
            plant.cmms.people_close(case.id, "REPAIRED")
            await plant.hint()
            assert (await plant.case()).closed_as is not None
            assert len(plant.cmms.drafts) == 1
            assert await last_build(plant.client, case.id) == NEW


async def test_the_worker_of_a_plant_zone_gets_the_calls_of_every_build_and_needs_none_of_its_own(
    unmanned: FakePlant, tmp_path: Path
) -> None:
    plant = unmanned
    keys = encrypting(write_keys(tmp_path), "payload_keys")
    client = Client(plant.client.service_client, namespace=plant.client.namespace, data_converter=keys)
    zone = PlantZone(client, plant.settings.task_queue)
    mes = zone.apart(plant.mes, plant.clock)
    try:
        for name in (OLD, NEW):
            async with build(plant, name):
                await become_current(plant.client, plant.settings.task_queue, name)
                assert (await mes.read_production("EQ-001")).running
    finally:
        await zone.leave()
