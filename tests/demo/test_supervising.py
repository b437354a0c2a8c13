"""`make up` notices a part that ends by itself."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from millwright.demo.installation import API, Installation, InstallationFailed
from millwright.demo.supervising import keep_up
from millwright.runtime.embedded.processes import Process, python
from tests.support.ingress import until


@pytest.fixture
async def said() -> list[str]:
    return []


@pytest.fixture
async def installation(tmp_path: Path, said: list[str]) -> AsyncIterator[Installation]:
    made = Installation(tmp_path / "home", timedelta(hours=1), said.append)
    made.occupy()
    yield made
    made.stop()


def begun(installation: Installation, code: str) -> Process:
    """The installation's API, which is this program."""
    process = installation.process(API, python("-c", code), {})
    process.start()
    installation.processes[API] = process
    return process


async def test_an_api_that_was_killed_is_said_and_started_again(installation: Installation, said: list[str]) -> None:
    api = begun(installation, "import time; print('here I am', flush=True); time.sleep(60)")
    first = api.pid
    assert first is not None

    async def has_spoken() -> bool:
        return "here I am" in api.last_words()

    await until(has_spoken)
    keeping = asyncio.create_task(keep_up(installation, said.append))
    os.kill(first, signal.SIGKILL)

    async def runs_again() -> bool:
        return api.pid not in (None, first)

    await until(runs_again)
    keeping.cancel()
    assert said[-1].startswith("api ended with -9 and is started again. The end of ")
    assert said[-1].endswith("here I am")


async def test_a_part_that_always_ends_is_not_started_for_ever(installation: Installation, said: list[str]) -> None:
    begun(installation, "import sys; sys.exit('no port')")
    with pytest.raises(InstallationFailed, match=r"(?s)api ended with 1 and was started again 3 times:.*no port"):
        await asyncio.wait_for(keep_up(installation, said.append), 30)
    assert len(said) == 3
