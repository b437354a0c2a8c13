"""The Temporal development server as a child process, with a database file under our home."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from temporalio.testing import WorkflowEnvironment

from domain.errors import Rejected

GO_PACKAGE = "github.com/temporalio/cli/cmd/temporal@v1.5.1"
"""Newer tags cannot be installed by `go install`, because their go.mod has a replace directive."""

_DOWNLOAD_PATIENCE = 60.0
# Without these every step of a workflow costs 50 ms; the bare engine in our benchmarks has them too.
TUNING: Final[Mapping[str, int | str | bool]] = {
    "history.transferProcessorMaxPollRPS": 2000,
    "history.transferProcessorMaxPollHostRPS": 5000,
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    "history.longPollExpirationInterval": "20s",
    # Without these the server silently ignores the priority of tasks (1.29.1).
    "matching.useNewMatcher": True,
    "matching.enableFairness": True,
}
"""Dynamic configuration of every server that we start."""


def cache_directory() -> Path:
    """The cache of a built or downloaded server."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "millwright" / "bin"


def find(say: Callable[[str], None]) -> Path:
    """The server's program: on the PATH, cached, downloaded by the SDK, or built with Go, in this order.

    Args:
        say: called with a sentence before a long step.

    Raises:
        Rejected: there is none, and it cannot be downloaded or built.
    """
    on_path = shutil.which("temporal")
    if on_path:
        return Path(on_path)
    cached = cache_directory() / "temporal"
    if cached.exists():
        return cached
    cached.parent.mkdir(parents=True, exist_ok=True)
    say("The workflow engine (Temporal) is not here yet: asking the SDK for it.")
    found = _download(cached)
    if found:
        return found
    if shutil.which("go") is None:
        raise Rejected(
            "the workflow engine is not on the PATH, its download is refused, and there is no Go to build it with",
            field="temporal_address",
            fix="install Go 1.23+, or the temporal CLI, or set MILLWRIGHT_TEMPORAL_ADDRESS",
        )
    say("Its download is refused here: building it with Go. Two to three minutes, once; then it is cached.")
    built = subprocess.run(  # noqa: S603 - a fixed command line
        ["go", "install", GO_PACKAGE],  # noqa: S607 - whichever Go the machine has
        env={**os.environ, "GOBIN": str(cached.parent), "GOFLAGS": "-mod=mod"},
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0 or not cached.exists():
        raise Rejected(f"building the workflow engine failed: {built.stderr.strip()[-500:]}")
    return cached


def _download(target: Path) -> Path | None:
    async def fetch() -> None:
        environment = await WorkflowEnvironment.start_local(
            download_dest_dir=str(target.parent), dev_server_log_level="error"
        )
        await environment.shutdown()
        await asyncio.sleep(0.1)

    try:
        asyncio.run(asyncio.wait_for(fetch(), _DOWNLOAD_PATIENCE))
    except (RuntimeError, TimeoutError, OSError):
        return None
    for file in sorted(target.parent.glob("temporal-sdk-python-*")):
        file.rename(target)
        return target
    return None


def command(program: Path, database: Path, port: int) -> list[str]:
    """The command line that runs the server on a database file and a loopback port."""
    arguments = [
        str(program), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port),
        "--db-filename", str(database), "--log-level", "error",
    ]  # fmt: skip
    for name, value in TUNING.items():
        arguments += ["--dynamic-config-value", f"{name}={json.dumps(value)}"]
    return arguments
