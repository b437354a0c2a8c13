"""The workflow engine's development server, as a separate process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from temporalio.client import Client

from domain.loops import wait_until
from millwright.runtime.embedded import temporal_server
from millwright.runtime.embedded.processes import Process, quiet_port


@contextmanager
def engine_process(home: Path, *without: str) -> Iterator[tuple[Process, str]]:
    """The process and its address; see `answering`.

    Args:
        home: the folder of its database.
        without: the settings of our dynamic configuration that are off.
    """
    port = quiet_port()
    command = temporal_server.command(temporal_server.find(_silent), home / "temporal.db", port)
    for name in without:
        command[command.index(f"{name}=true")] = f"{name}=false"
    process = Process("engine", command, {}, home)
    process.start()
    try:
        yield process, f"127.0.0.1:{port}"
    finally:
        process.stop()


async def answering(address: str) -> str:
    """The address, after the engine answers there.

    Raises:
        TimeoutError: it does not within thirty seconds.
    """

    async def answers() -> bool:
        try:
            await Client.connect(address)
        except RuntimeError:
            # Nobody listens yet, or its frontend is not healthy yet.
            return False
        return True

    if not await wait_until(answers, bool, every=0.1, timeout=30):
        raise TimeoutError(f"the workflow engine does not answer at {address}")
    return address


def _silent(words: str) -> None:
    del words
