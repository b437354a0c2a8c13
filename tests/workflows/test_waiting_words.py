"""A case that waits says what for and until when: on the command line, by the API, and in the engine's search."""

import asyncio
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from domain.errors import Unavailable
from domain.keys import case_workflow_id
from millwright.api.app import create_app
from tests.support.local_mode import AS_LOCAL, LOCAL_TOKEN_HASH
from tests.support.plant import code, deviation
from tests.workflows.fake_plant import FakePlant
from workflows.maintenance_case import WAITING

REASON = "fake to answer: 429 Too Many Requests (attempt 1)"


@pytest.fixture
async def waiting(plant: FakePlant) -> tuple[FakePlant, str, str]:
    """A plant with a case whose CMMS asked to be left alone for half an hour; its id, and until when it waits."""
    busy = Unavailable(
        "429 Too Many Requests", system="fake", operation="create-work-order", retry_after=timedelta(minutes=30)
    )
    plant.cmms.failing.before.append(busy)
    await plant.take(code(1), deviation(2))
    return plant, (await plant.case()).id, f"{plant.clock.now() + timedelta(minutes=30):%Y-%m-%d %H:%M} UTC"


async def test_the_command_line_says_it(waiting: tuple[FakePlant, str, str], database_url: str, tmp_path: Path) -> None:
    _, case, until = waiting
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MILLWRIGHT_")}
    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "millwright", "--home", str(tmp_path), "case", "show", case),
        env={**environment, "MILLWRIGHT_DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await asked.communicate()
    assert f"waits for {REASON}, until {until}" in said.decode()


async def test_the_api_says_it(waiting: tuple[FakePlant, str, str]) -> None:
    plant, case, _ = waiting
    transport = httpx.ASGITransport(create_app(plant.storage, plant.settings, None, LOCAL_TOKEN_HASH))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=AS_LOCAL) as api:
        seen = (await api.get(f"/cases/{case}")).json()["case"]
    assert seen["waiting_for"] == REASON
    assert datetime.fromisoformat(seen["waiting_until"]) == plant.clock.now() + timedelta(minutes=30)


async def test_the_engine_is_searched_by_it(waiting: tuple[FakePlant, str, str]) -> None:
    plant, case, until = waiting
    await searched(plant, case, f"{REASON}, until {until}")
    await plant.pass_time(timedelta(minutes=31))
    order = (await plant.case()).order
    assert order is not None
    await searched(plant, case, f"the technician to do {order.ref.id}")


async def searched(plant: FakePlant, case: str, words: str) -> None:
    """Waits until the engine says so of a case: its workflow tells it a moment after storage does."""
    handle = plant.client.get_workflow_handle(case_workflow_id(case))
    async with asyncio.timeout(30):
        while True:
            if (await handle.describe()).typed_search_attributes.get(WAITING) == words:
                return
            await asyncio.sleep(0.05)
