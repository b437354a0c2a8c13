"""The MES server: how a client finds things and what it is told. Its faults are in `sandbox.jobcontrol.misbehaviour`.

**Finding things.** Endpoint `opc.tcp://127.0.0.1:PORT`, security None, anonymous (or `users`); with `identity`
Basic256Sha256, SignAndEncrypt. With `isa` the index of `http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/` and `jobs` of
`http://opcfoundation.org/UA/Machinery/Jobs/`:

    Objects / jobs:JobManagement              (JobManagementType)
      / jobs:JobOrderControl                  (ISA95JobOrderReceiverSubStatesType, isa i=1008)
          / isa:JobOrderList                  ISA95JobOrderAndStateDataType[]
          / isa:WorkMaster                    ISA95WorkMasterDataType[], those of the planned jobs
          / isa:MaxDownloadableJobOrders      UInt16
          / isa:EquipmentID                   String[], every equipment here
          / isa:Store StoreAndStart Update    (JobOrder, Comment[]) -> ReturnStatus
          / isa:Start Stop Pause Resume Abort Cancel Clear RevokeStart
                                              (JobOrderID, Comment[]) -> ReturnStatus
      / jobs:JobOrderResults                  (ISA95JobResponseProviderObjectType, isa i=1003)
          / isa:RequestJobResponseByJobOrderID     (JobOrderID) -> JobResponse, ReturnStatus
          / isa:RequestJobResponseByJobOrderState  (JobOrderState[]) -> JobResponses[], ReturnStatus

The receiver's other mandatory components are there and empty. CurrentState is null, and so is that of the substates:
the state machines only describe the values in JobOrderList (OPC 10031-4, 6.2.1.2).

**JobOrderList.** Per equipment the last job it ended, the current one and the next two, with planned (once begun,
actual) StartTime and EndTime. Exactly one planned job per equipment is AllowedToStart, Running or held; the later
ones are NotAllowedToStart and `Start` on them answers 16. While a job is held its times stand still; on release its
end, and all jobs after it, move by the time lost. JobOrderParameters: PlannedQuantity, RemainingQuantity (as of
RemainingQuantityAsOf: the equipment's last change or the server's start), QuantityPerHour. A line's planned stop, on
or next, is always listed as one order `STOP-<line>-<week>` with WorkMasterID `PLANNED-STOP` and the line's whole
equipment: an entry of the calendar, NotAllowedToStart for ever; during it the next production job is AllowedToStart
and can be revoked. A job that a hold has pushed across a stop stands still through it. Orders stored by clients are
listed too and never run.

**Answers** are Good, with ReturnStatus 1, 2, 8, 16 or bit 32 for an order or id that says nothing; 4 is not used, as a
command is valid or unknown to OPC UA itself. Update of a planned job answers 16. What the Call service itself refuses
is in `sandbox.jobcontrol.calls`.

**Events** of a subtype of ISA95JobOrderStatusEventType come from JobOrderResults and the Server object when a listed
job has another state, and when it was updated. If the plant's clock passes several changes of a job at once, there is
one event with the last state. Events and CurrentTime have the time of day; jobs have plant time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.crypto.permission_rules import User, UserRole

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.jobcontrol import address_space, datatypes
from sandbox.jobcontrol.answers import method_result, status_variant
from sandbox.jobcontrol.calls import CheckedCalls
from sandbox.jobcontrol.events import StatusEvents
from sandbox.jobcontrol.floor import MAX_DOWNLOADABLE, Floor
from sandbox.jobcontrol.holds import HoldRecord, HoldRow
from sandbox.jobcontrol.job import JobRow, JobState, Method, ReturnStatus
from sandbox.jobcontrol.journal import Journal
from sandbox.jobcontrol.misbehaviour import Misbehaviour
from sandbox.jobcontrol.schedule import WORK_MASTERS
from sandbox.jobcontrol.structures import Structures
from sandbox.jobcontrol.time_of_day import show_time


class _Users:
    """asyncua's user manager: a table of names and passwords."""

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = users

    def get_user(
        self, _server: object, username: str | None = None, password: str | None = None, **_rest: object
    ) -> Any:
        known = username is not None and self._users.get(username) == password
        return User(role=UserRole.User, name=username) if known else None


class JobControlServer:
    """The sandbox's MES; see the module.

    Args:
        directory: where `jobcontrol.sqlite` is kept; None keeps nothing.
        clock: plant time.
        equipment: (machine id, equipment id, line id) of every machine.
        port: 0 for any free one.
        faults: what to misbehave with.
        seed: of the schedule.
        users: names and passwords; none means anonymous clients only.
        identity: the files of its certificate and key, in PEM; with them it takes encrypted connections only.

    Raises:
        ValueError: what is under `directory` was made with another seed, or `faults` holds a kind it cannot show.
    """

    def __init__(
        self,
        directory: Path | None,
        clock: Clock,
        equipment: Sequence[tuple[int, str, str]],
        port: int = 0,
        faults: Faults | None = None,
        seed: int = 0,
        users: Mapping[str, str] | None = None,
        identity: tuple[Path, Path] | None = None,
    ) -> None:
        self._clock = clock
        self._equipment = tuple(equipment)
        self._port = port
        self._users = users
        self._identity = identity
        self._misbehaviour = Misbehaviour(faults or Faults())
        self._open_journal = partial(Journal, directory, seed)
        self._journal: Journal | None = self._open_journal()
        self._holds = HoldRecord(self._journal.holds())
        self._floor = Floor(self._equipment, seed, self._holds)
        self._floor.take_up(clock.now(), self._journal.progress(), self._journal.downloaded())
        self._server: Any = None
        self._structures: Structures | None = None
        self._list_node: Any = None
        self._publishing = asyncio.Lock()
        self._events: StatusEvents | None = None
        self._watches: tuple[asyncio.Task[None], ...] = ()
        self._later: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port listened on, once started."""
        return self._port

    @property
    def url(self) -> str:
        """`opc.tcp://127.0.0.1:PORT`."""
        return f"opc.tcp://127.0.0.1:{self._port}"

    @property
    def name(self) -> str:
        """The name of the connector to it."""
        return "opcua_job_control"

    @property
    def access(self) -> Mapping[str, str]:
        """Its address is enough for a client of the plant, which is anonymous."""
        return {}

    def holds(self) -> list[HoldRow]:
        """Every hold a client placed with a Comment, oldest first."""
        return self._holds.rows()

    async def start(self) -> None:
        """Advance the plan to the clock's time and listen. May be called again after `stop`."""
        if self._journal is None:
            self._journal = self._open_journal()
        self._floor.advance(self._clock.now())
        self._save()
        server = Server(user_manager=_Users(self._users) if self._users is not None else None)
        await server.init()
        server.disable_clock()
        server.set_server_name("Sandbox MES")
        server.set_endpoint(self.url)
        if self._identity is None:
            server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        else:
            certificate, key = self._identity
            await server.load_certificate(certificate)
            await server.load_private_key(key)
            server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
        identity = ua.AnonymousIdentityToken if self._users is None else ua.UserNameIdentityToken
        server.set_identity_tokens([identity])
        namespaces = await address_space.register_namespaces(server)
        self._structures = Structures(namespaces.isa95, await datatypes.load(server, namespaces.isa95))
        nodes = await address_space.build(
            server, namespaces, [name for _, name, _ in self._equipment], MAX_DOWNLOADABLE, self._answer
        )
        await nodes.work_masters.write_value(self._structures.work_masters(WORK_MASTERS))
        self._list_node = nodes.job_order_list
        self._events = StatusEvents(server, namespaces.isa95, nodes.provider, nodes.event, self._structures)
        self._events.attach()
        server.iserver.method_service = CheckedCalls(server)
        self._misbehaviour.attach(server, self._list_node)
        self._server = server
        await self._publish()
        await server.start()
        self._port = int(server.bserver.port)
        self._watches = (
            asyncio.create_task(self._misbehaviour.watch_down(server), name="jobcontrol-down"),
            asyncio.create_task(show_time(server), name="jobcontrol-time"),
        )

    async def stop(self) -> None:
        """Cut every connection and stop listening; what is on disk stays."""
        if self._server is None:
            return
        for task in tuple(self._later):
            task.cancel()
        for watch in self._watches:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
        await self._server.stop()
        self._server = None
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    async def advance(self, now: datetime) -> None:
        """Advance the plan to `now`, so that clients read the jobs at that time."""
        if self._floor.advance(now):
            self._save()
            await self._publish()

    async def release_by_hand(self, hold: HoldRow) -> None:
        """Lift a hold at the machine's own panel, as a shift lead does; one that is lifted already is left alone."""
        now = self._clock.now()
        method = Method.RESUME if hold.method == Method.PAUSE.value else Method.START
        if self._floor.command(method, hold.job, "", now) is ReturnStatus.NO_ERROR:
            self._save()
            await self._publish()

    def drop_connections(self) -> None:
        """Cut every client's connection, once."""
        self._misbehaviour.drop_connections()

    async def _answer(self, method: str, arguments: Sequence[Any]) -> Any:
        fault = self._misbehaviour.take(method)
        if fault is not None:
            refusal = await self._misbehaviour.before_work(fault, method)
            if refusal is not None:
                return refusal
        await self.advance(self._clock.now())
        values = [argument.Value for argument in arguments]
        if method == address_space.BY_ID:
            return self._response_of(*values)
        if method == address_space.BY_STATE:
            return self._responses_in(*values)
        status = self._execute(Method(method), *values)
        if status is ReturnStatus.NO_ERROR:
            self._save()
            updated = values[0].JobOrderID if method == Method.UPDATE.value else None
            if fault is not None and fault.kind == "late":
                self._publish_later(fault.seconds, updated)
            else:
                await self._publish(updated)
        if fault is not None and fault.kind == "commit_then_drop":
            self._misbehaviour.cut_caller()
        return method_result(status_variant(status))

    def _execute(self, method: Method, subject: Any, comment: Any) -> ReturnStatus:
        now = self._clock.now()
        if method in (Method.STORE, Method.STORE_AND_START, Method.UPDATE):
            order = self._wire.read_order(subject)
            if order is None:
                return ReturnStatus.INVALID_REQUEST
            if method is Method.UPDATE:
                return self._floor.update(order, now)
            stored = method is Method.STORE
            state = JobState.NOT_ALLOWED_TO_START if stored else JobState.ALLOWED_TO_START
            return self._floor.store(order, state, now)
        if not subject:
            return ReturnStatus.INVALID_REQUEST
        return self._floor.command(method, subject, _text(comment), now)

    def _response_of(self, job_id: Any) -> Any:
        row = next((row for row in self._started() if row.job_id == job_id), None)
        status = ReturnStatus.UNKNOWN_JOB_ORDER if row is None else ReturnStatus.NO_ERROR
        response = ua.Variant(self._wire.response(row), ua.VariantType.ExtensionObject)
        return method_result(response, status_variant(status))

    def _responses_in(self, states: Any) -> Any:
        wanted = frozenset(state.StateNumber for state in states or ())
        responses = [self._wire.response(row) for row in self._started() if row.state in wanted]
        return method_result(
            ua.Variant(responses, ua.VariantType.ExtensionObject, is_array=True),
            status_variant(ReturnStatus.NO_ERROR if wanted else ReturnStatus.INVALID_REQUEST),
        )

    def _started(self) -> list[JobRow]:
        """The jobs that have responses: from their start on (OPC 40001-3, 6.2)."""
        waiting = (JobState.NOT_ALLOWED_TO_START, JobState.ALLOWED_TO_START)
        return [row for row in self._floor.rows(self._clock.now()) if row.state not in waiting]

    async def _publish(self, updated: str | None = None) -> None:
        if self._list_node is None or self._events is None:
            return
        async with self._publishing:
            rows = self._floor.rows(self._clock.now())
            await self._list_node.write_value(self._wire.job_order_list(rows))
            await self._events.tell(rows, updated)

    def _publish_later(self, seconds: float, updated: str | None) -> None:
        """Delay the visibility of the present jobs for clients."""

        async def publish() -> None:
            await asyncio.sleep(seconds)
            if self._server is not None:
                await self._publish(updated)

        task = asyncio.create_task(publish(), name="jobcontrol-late")
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _save(self) -> None:
        changes = self._floor.changes
        if self._journal is None:
            return
        self._journal.write(
            [(name, self._floor.workstations[name].progress) for name in sorted(changes.equipment)],
            [(job, self._floor.downloaded.get(job)) for job in sorted(changes.downloaded)],
            self._holds.unsaved(),
        )
        changes.equipment.clear()
        changes.downloaded.clear()

    @property
    def _wire(self) -> Structures:
        if self._structures is None:
            raise RuntimeError("the job control server has not been started")
        return self._structures


def _text(comments: Any) -> str:
    """The first Comment's text, as received; '' where there is none."""
    texts = [comment.Text for comment in comments or () if comment.Text]
    return str(texts[0]) if texts else ""
