"""A Job Control server that shares none of our code (`server.mjs`), and the machine's side of it for a test.

`make test-foreign` installs what the server stands on; nothing is installed here.
"""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any, Final, Protocol

_FOLDER: Final = Path(__file__).parent
_LONGEST_START_SECONDS: Final = 60
_LONGEST_ANSWER_SECONDS: Final = 10
_LONGEST_LINE: Final = 2**20


@dataclass(frozen=True)
class ReceivedCall:
    """A method call as a receiver got it, and the ReturnStatus it gave."""

    method: str
    job: str
    comments: tuple[str, ...]
    status: int


@dataclass(frozen=True)
class SeenMachine:
    """A machine as a person in front of it sees it: the state of each job by id, and the calls its receiver got."""

    jobs: Mapping[str, str]
    calls: tuple[ReceivedCall, ...]


@dataclass(frozen=True)
class SignIn:
    """An attempt to sign in: the id of its user token policy, and whether the password could be read on the channel."""

    policy: str
    clear: bool


class ForeignJobControl:
    """A running server. Its methods are what people and machines do there; a client connects to `endpoint`.

    `thumbprint` is the SHA-256 thumbprint of its certificate, as the server itself shows it.
    """

    def __init__(self, process: Process, endpoint: str, thumbprint: str) -> None:
        self.process = process
        self.endpoint = endpoint
        self.thumbprint = thumbprint
        self._asking = asyncio.Lock()
        self._asked = 0

    @classmethod
    async def start(
        cls, variant: str, directory: Path, port: int = 0, security: Mapping[str, object] | None = None
    ) -> "ForeignJobControl":
        """Starts a server as one of the variants of `variants.mjs`; `directory` takes its files and its log.

        Args:
            port: 0 for any free one.
            security: as `security.mjs` explains it; none means no security, and anonymous users only.

        Raises:
            RuntimeError: what it needs is missing, or it did not start; the message says what to do, or has its log.
        """
        node = which("node")
        if node is None or not (_FOLDER / "node_modules").is_dir():
            missing = "Node.js is not on the PATH" if node is None else "its packages are not installed"
            raise RuntimeError(f"the foreign Job Control server cannot start, {missing}: run `make test-foreign`")
        log = directory / f"{variant}.log"
        with log.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                node,
                _FOLDER / "server.mjs",
                variant,
                str(port),
                json.dumps(security or {}),
                stdin=PIPE,
                stdout=PIPE,
                stderr=stderr,
                env={"TMPDIR": str(directory), "HOME": str(directory)},
                limit=_LONGEST_LINE,
            )
        try:
            async with asyncio.timeout(_LONGEST_START_SECONDS):
                line = await _stdout(process).readline()
        except TimeoutError:
            process.kill()
            line = b""
        if not line:
            await process.wait()
            raise RuntimeError(f"the foreign Job Control server did not start:\n{log.read_text('utf-8')}")
        said = json.loads(line)
        return cls(process, said["endpoint"], said["thumbprint"])

    async def end(self) -> int:
        """Ends the server by closing its standard input; gives its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        async with asyncio.timeout(_LONGEST_ANSWER_SECONDS):
            return await self.process.wait()

    async def machine(self, name: str) -> SeenMachine:
        found = next(machine for machine in await self._ask("state") if machine["name"] == name)
        return SeenMachine(
            {job["id"]: job["state"] for job in found["jobs"]},
            tuple(
                ReceivedCall(call["method"], call["job"], tuple(call["comments"]), call["status"])
                for call in found["calls"]
            ),
        )

    async def sign_ins(self) -> tuple[SignIn, ...]:
        """With which tokens users signed in or tried to, the oldest first."""
        return tuple(SignIn(each["policy"], each["clear"]) for each in await self._ask("sign_ins"))

    async def until(self, machine: str, job: str, state: str) -> None:
        """Returns once a job has come to a state.

        Raises:
            TimeoutError: it has not within ten seconds.
        """
        async with asyncio.timeout(_LONGEST_ANSWER_SECONDS):
            while (await self.machine(machine)).jobs[job] != state:  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.1)

    async def hold_by_person(self, machine: str, job: str) -> None:
        await self._ask("move", machine=machine, job=job, to="Interrupted", substate="Suspended")

    async def hold_by_itself(self, machine: str, job: str) -> None:
        """The machine stops a job, because it lacks material or another machine."""
        await self._ask("move", machine=machine, job=job, to="Interrupted", substate="Held")

    async def list_status(self, machine: str, status: str) -> None:
        """The quality of the receiver's job list, by its symbolic name."""
        await self._ask("list_status", machine=machine, status=status)

    async def show(self, machine: str, state: str | None, mode: str | None) -> None:
        """What the machine shows of itself; None is a value that the standard does not have."""
        await self._ask("show", machine=machine, state=state, mode=mode)

    async def start_by_person(self, machine: str, job: str) -> None:
        """A person lets a job run that waited or was held."""
        await self._ask("move", machine=machine, job=job, to="Running")

    async def end_job(self, machine: str, job: str) -> None:
        """The job is done; the next that is allowed to start runs."""
        await self._ask("move", machine=machine, job=job, to="Ended")

    async def add_job(
        self,
        machine: str,
        job: str,
        state: str | None = "AllowedToStart",
        *,
        equipment: Sequence[str] = (),
        assets: Sequence[str] = (),
    ) -> None:
        row = {"id": job, "state": state, "equipment": [*equipment], "assets": [*assets]}
        await self._ask("add_job", machine=machine, job=row)

    async def refuse(self, machine: str, method: str, status: int) -> None:
        """From now on the method is answered with this ReturnStatus and changes nothing."""
        await self._ask("refuse", machine=machine, method=method, status=status)

    async def accept(self, machine: str, method: str) -> None:
        """The method works again."""
        await self._ask("refuse", machine=machine, method=method, status=None)

    async def settle_after(self, machine: str, seconds: float) -> None:
        """From now on a call is answered with success at once, and the job's state follows so much later."""
        await self._ask("settle_after", machine=machine, seconds=seconds)

    async def name_equipment(self, machine: str, ids: Sequence[str] | None) -> None:
        """What the receiver's EquipmentID says from now on."""
        await self._ask("equipment_id", machine=machine, ids=None if ids is None else [*ids])

    async def _ask(self, what: str, **details: Any) -> Any:
        async with self._asking:
            self._asked += 1
            request = {"id": self._asked, "do": what, **details}
            assert self.process.stdin is not None
            self.process.stdin.write(f"{json.dumps(request)}\n".encode())
            async with asyncio.timeout(_LONGEST_ANSWER_SECONDS):
                answer = json.loads(await _stdout(self.process).readline())
        assert answer["id"] == request["id"], answer
        assert "error" not in answer, answer["error"]
        return answer["result"]


class Serve(Protocol):
    """Starts a server as the variant named; it ends with the test."""

    async def __call__(
        self, variant: str, *, port: int = 0, security: Mapping[str, object] | None = None
    ) -> ForeignJobControl: ...


def _stdout(process: Process) -> asyncio.StreamReader:
    assert process.stdout is not None
    return process.stdout
