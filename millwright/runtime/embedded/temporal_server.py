"""The Temporal development server as a child process, with a database file under our home."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from millwright.runtime.embedded import go_programs
from millwright.runtime.embedded.go_programs import GoModule, GoProgram

PROGRAM: Final = GoProgram(
    name="temporal",
    module=GoModule("github.com/temporalio/cli", "1.5.1", "h1:0RZMk14BWxz44Xg6ciDQvpfAMffoG3J7/K03ql80teY="),
    package="cmd/temporal",
    cost="three minutes",
    digests={
        "linux-amd64": "af6cb6db466cf1d0198c7847bc7549c1d2c169e3dc63e346e3704b03ba70e256",
    },
)
"""The development server, which is a part of Temporal's command line: server 1.29.1."""

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


def find(say: Callable[[str], None]) -> Path:
    """The server's checked program, built if it is missing; see `go_programs.find`."""
    return go_programs.find(PROGRAM, say)


def command(program: Path, database: Path, port: int) -> list[str]:
    """The command line that runs the server on a database file and a loopback port."""
    arguments = [
        str(program), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port),
        "--db-filename", str(database), "--log-level", "error",
    ]  # fmt: skip
    for name, value in TUNING.items():
        arguments += ["--dynamic-config-value", f"{name}={json.dumps(value)}"]
    return arguments
