"""Storage held against the engine, and commands that open the engine and end at once."""

import asyncio
import os
import sys

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from domain.keys import case_workflow_id
from millwright.workflow_engine.engine_condition import cases_without_workflow, missing_search_attributes
from tests.support.ingress import until
from tests.support.plant import code, deviation
from tests.workflows.fake_plant import FakePlant

PATIENCE = 60


async def test_a_case_at_work_has_its_workflow_and_one_whose_workflow_is_gone_is_named(plant: FakePlant) -> None:
    await plant.take(code(1), deviation(2))
    case = (await plant.case()).id
    assert await cases_without_workflow(plant.client, [case]) == []
    await plant.client.get_workflow_handle(case_workflow_id(case)).terminate()

    async def named() -> bool:
        return await cases_without_workflow(plant.client, [case]) == [case]

    # The engine's list of running workflows is behind its own state for a moment.
    await until(named)


async def test_the_engine_knows_our_search_attributes(engine: Client) -> None:
    assert await missing_search_attributes(engine) == []


@pytest.mark.parametrize("_again", range(2))
async def test_a_command_that_opened_the_engine_ends_with_its_own_exit_code(
    engine: Client, engine_address: str, storage_engine: AsyncEngine, _again: int
) -> None:
    url = storage_engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    settings = {"MILLWRIGHT_DATABASE_URL": url, "MILLWRIGHT_TEMPORAL_ADDRESS": engine_address}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "millwright",
        "doctor",
        "--json",
        env={**{name: text for name, text in os.environ.items() if not name.startswith("MILLWRIGHT_")}, **settings},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        written, _ = await process.communicate()
    # No bus is named here, so the doctor says 1; a process that crashes at its end says 134 or 139.
    assert process.returncode == 1
    assert {check["part"]: check["ok"] for check in orjson.loads(written)}["engine"] is True
