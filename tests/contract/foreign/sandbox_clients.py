"""Clients on libraries of others at the sandbox's servers.

At its Job Control server: `client.mjs` on node-opcua, `gopcua`, `milo`. At its bus: `bus.mjs` on Azure's client for
JavaScript, `azservicebus` on the one for Go.

`make test-foreign` installs and builds what they stand on; nothing is installed here.
"""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import which
from typing import Any, Final

from sandbox.bus.server import ServiceBus
from sandbox.jobcontrol import JobControlServer

_FOLDER: Final = Path(__file__).parent
_LONGEST_RUN_SECONDS: Final = 60


class _PlantClock:
    def now(self) -> datetime:
        return datetime(2015, 1, 1, 12, tzinfo=UTC)


@asynccontextmanager
async def running_sandbox() -> AsyncIterator[JobControlServer]:
    """The sandbox's server with twelve machines on three lines, at a time when some of their jobs run."""
    machines = [(number, f"EQ-{number:03d}", f"LINE-{number % 3 + 1}") for number in range(1, 13)]
    server = JobControlServer(None, _PlantClock(), machines)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def running_bus() -> AsyncIterator[ServiceBus]:
    """The sandbox's bus, with nothing in it yet."""
    bus = ServiceBus(None)
    bus.add_queue("q")
    bus.add_queue("drained")
    bus.add_queue("by-twin", sessions=True)
    bus.add_topic("t", ["all"])
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


async def answers_of_node_opcua(url: str, directory: Path) -> dict[str, Any]:
    """What node-opcua's client read and was answered at the server.

    Args:
        directory: takes the client's files.

    Raises:
        RuntimeError: the client is not there or ended with an error; the message says what to do, or what it wrote.
    """
    return await _run_node("client.mjs", url, directory)


async def answers_of_azure_for_node(connection_string: str, directory: Path) -> dict[str, Any]:
    """What Azure's client for JavaScript received and was answered.

    Args, Raises: as above.
    """
    return await _run_node("bus.mjs", connection_string, directory)


async def answers_of_gopcua(url: str, directory: Path) -> dict[str, Any]:
    """What gopcua's client read and was answered.

    Args, Raises: as above.
    """
    return await _run_go("gopcua", url, directory)


async def answers_of_azure_for_go(connection_string: str, directory: Path) -> dict[str, Any]:
    """What Azure's client for Go received and was answered.

    Args, Raises: as above.
    """
    return await _run_go("azservicebus", connection_string, directory)


async def answers_of_milo(url: str, directory: Path) -> dict[str, Any]:
    """What Eclipse Milo's client read and was answered.

    Args, Raises: as above.
    """
    java, build = which("java"), _FOLDER / "milo" / "build"
    if java is None or not (build / "Client.class").is_file():
        raise RuntimeError("the Java client cannot start without Java and is built first: run `make test-foreign`")
    return await _run(directory, java, "-Xmx128m", "-cp", f"{build}:{build / 'lib'}/*", "Client", url)


async def _run_node(script: str, address: str, directory: Path) -> dict[str, Any]:
    node = which("node")
    if node is None or not (_FOLDER / "node_modules").is_dir():
        raise RuntimeError("the client cannot start without Node.js and its packages: run `make test-foreign`")
    return await _run(directory, node, str(_FOLDER / script), address)


async def _run_go(folder: str, address: str, directory: Path) -> dict[str, Any]:
    client = _FOLDER / folder / "client"
    if not client.is_file():
        raise RuntimeError("the Go client is not built: run `make test-foreign`")
    return await _run(directory, str(client), address)


async def _run(directory: Path, *command: str) -> dict[str, Any]:
    """The line of JSON that a client prints."""
    environment = {"TMPDIR": str(directory), "HOME": str(directory)}
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=environment)
    try:
        async with asyncio.timeout(_LONGEST_RUN_SECONDS):
            output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    if process.returncode:
        raise RuntimeError(f"the client ended with {process.returncode}:\n{errors.decode()}")
    answers: dict[str, Any] = json.loads(output)
    return answers
