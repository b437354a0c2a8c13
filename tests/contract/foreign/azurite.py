"""Azurite, the emulator of Azure Storage: what `make test-foreign` installs from npm, on loopback and in memory."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Final

import httpx

from domain.loops import block_until
from tests.contract.foreign.odoo_server import free_port

_PROGRAM: Final = Path(__file__).parent / "node_modules" / ".bin" / "azurite-blob"
_ACCOUNT: Final = "tests"
_KEY: Final = "dGVzdHM="
_LONGEST_START_SECONDS: Final = 60
_LONGEST_END_SECONDS: Final = 15


@contextmanager
def running_azurite() -> Iterator[str]:
    """A server with one account and nothing in it; gives the connection string.

    Raises:
        RuntimeError: it is not installed, or does not start.
    """
    if which("node") is None or not _PROGRAM.exists():
        raise RuntimeError("Azurite cannot start, it is not installed: run `make test-foreign`")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    # The client is newer than the emulator: without the flag its API version is refused.
    command = [
        *(str(_PROGRAM), "--blobHost", "127.0.0.1", "--blobPort", str(port)),
        *("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"),
    ]
    accounts = {"AZURITE_ACCOUNTS": f"{_ACCOUNT}:{_KEY}", "PATH": str(Path(str(which("node"))).parent)}
    server = subprocess.Popen(command, env=accounts, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not block_until(lambda: _answers(address), every=0.1, timeout=_LONGEST_START_SECONDS):
            raise RuntimeError("Azurite does not answer")
        yield (
            f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};BlobEndpoint={address}/{_ACCOUNT};"
        )
    finally:
        server.terminate()
        server.wait(_LONGEST_END_SECONDS)


def _answers(address: str) -> bool:
    try:
        httpx.get(address, timeout=1)
    except httpx.TransportError:
        return False
    return True
