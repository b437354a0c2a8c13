"""A PackML server on the OPC Foundation's own nodeset (`packml.mjs`), and the machine's side of it for a test."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from shutil import which
from typing import Final

_FOLDER: Final = Path(__file__).parent
_LONGEST_START_SECONDS: Final = 60
_LONGEST_ANSWER_SECONDS: Final = 10


class PackMlServer:
    """A running server; a client connects to `endpoint`."""

    def __init__(self, process: Process, endpoint: str) -> None:
        self.endpoint = endpoint
        self._process = process

    @classmethod
    async def start(cls, directory: Path) -> "PackMlServer":
        """Starts a server; `directory` takes its files and its log.

        Raises:
            RuntimeError: what it needs is missing, or it did not start; the message says what to do, or has its log.
        """
        node = which("node")
        if node is None or not (_FOLDER / "node_modules").is_dir():
            missing = "Node.js is not on the PATH" if node is None else "its packages are not installed"
            raise RuntimeError(f"the PackML server cannot start, {missing}: run `make test-foreign`")
        log = directory / "packml.log"
        with log.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                node, _FOLDER / "packml.mjs", stdin=PIPE, stdout=PIPE, stderr=stderr,
                env={"TMPDIR": str(directory), "HOME": str(directory)},
            )  # fmt: skip
        server = cls(process, "")
        try:
            line = await asyncio.wait_for(server._line(), _LONGEST_START_SECONDS)
            server.endpoint = json.loads(line)["endpoint"]
        except (TimeoutError, ValueError):
            await server.end()
            raise RuntimeError(f"the PackML server did not start:\n{log.read_text('utf-8')[-3000:]}") from None
        return server

    async def tell(self, machine: str, **what: object) -> None:
        """Sets what a machine tells, as `packml.mjs` explains it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps({'id': 1, 'machine': machine, **what})}\n".encode())
        await self._process.stdin.drain()
        answer = json.loads(await asyncio.wait_for(self._line(), _LONGEST_ANSWER_SECONDS))
        assert answer == {"id": 1, "result": "told"}

    async def end(self) -> None:
        """Ends the server."""
        if self._process.returncode is None:
            self._process.terminate()
        await self._process.wait()

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        return await self._process.stdout.readline()
