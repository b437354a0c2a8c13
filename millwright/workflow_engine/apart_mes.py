"""The port `Mes` of an instance that stands apart: each call is a workflow whose only step runs in the plant's zone."""

import asyncio
import logging
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutType, WorkflowAlreadyStartedError
from temporalio.exceptions import TimeoutError as EngineTimeout

from domain.canonical import digest
from domain.clock import Clock
from domain.errors import ConnectorError, Rejected, Unavailable
from domain.keys import mes_call_workflow_id
from domain.loops import Outage, retry
from domain.lots import MadeLot
from domain.mes_calls import (
    AboutPlan,
    Acting,
    Asked,
    CallError,
    Check,
    ErrorKind,
    HoldRelease,
    ListHolds,
    MesAnswer,
    MesRequest,
    PlaceHold,
    PlanHold,
    ReadHold,
    ReadLots,
    ReadMachines,
    ReadProduction,
    ReadTarget,
)
from domain.operating import OperatingState
from domain.production import (
    HoldEnforcement,
    HoldPlan,
    HoldReading,
    HoldState,
    HoldTarget,
    MarkedHold,
    PlaceResult,
    ProductionContext,
)
from millwright.workflow_engine.engine_errors import engine_errors
from workflows.options import CALL_QUEUED, CALL_RUNS
from workflows.queues import case_queue

log = logging.getLogger(__name__)

CALL_LASTS: Final = CALL_QUEUED + CALL_RUNS
"""After this time a call has no effect any more: the worker in the plant's zone does not begin it, and has ended it."""
_ANSWER_ARRIVES: Final = timedelta(seconds=5)
"""How long the answer of a call that has ended may take to arrive."""
_RPC: Final = timedelta(seconds=10)
_LOOK_AGAIN: Final = 1.0
"""Seconds after which an engine that did not answer is asked for the answer again."""
_NOBODY: Final = "no worker of the plant zone takes calls for this MES"
_NO_ANSWER: Final = (
    "the worker of the plant zone took the call and did not answer; it is not known whether the call had an effect"
)
_OTHER_BUILD: Final = "do both zones run the same build?"
_TEXT: Final = TypeAdapter(str)
_CONTEXT: Final = TypeAdapter(ProductionContext)
_STATES: Final[TypeAdapter[dict[str, OperatingState]]] = TypeAdapter(dict[str, OperatingState])
_TARGET: Final = TypeAdapter(HoldTarget)
_PLAN: Final = TypeAdapter(HoldPlan)
_READING: Final = TypeAdapter(HoldReading)
_PLACED: Final = TypeAdapter(PlaceResult)
_STATE: Final = TypeAdapter(HoldState)
_MARKED: Final[TypeAdapter[tuple[MarkedHold, ...] | None]] = TypeAdapter(tuple[MarkedHold, ...] | None)
_LOTS: Final[TypeAdapter[tuple[MadeLot, ...] | None]] = TypeAdapter(tuple[MadeLot, ...] | None)

ResultT = TypeVar("ResultT")


class ApartMes:
    """See `domain.ports.Mes`; its three errors come back as they were raised in the plant's zone.

    An error is raised only after the call can have no effect any more. Until then a repeated call about the same plan
    waits: one that asks the same gets the answer of the call that is under way.

    Args:
        client: a client of the engine that encrypts.
        system: the instance's id.
        task_queue: the queue of the settings.
        clock: the plant's time.
        wall: the wall clock.
    """

    def __init__(self, client: Client, system: str, task_queue: str, clock: Clock, wall: Clock) -> None:
        self._client = client
        self._system = system
        self._queue = case_queue(task_queue)
        self._clock = clock
        self._wall = wall
        self._enforcement = HoldEnforcement.UNKNOWN

    @property
    def enforcement(self) -> HoldEnforcement:
        """What the plant's zone said with its last answer; unknown until there was one."""
        return self._enforcement

    async def check(self) -> str:
        said: str = await self._ask(Check(), _TEXT)
        return f"through the worker of its plant zone: {said}"

    async def read_production(self, equipment: str) -> ProductionContext:
        return await self._ask(ReadProduction(equipment=equipment), _CONTEXT)

    async def read_states(self, equipment: Collection[str]) -> Mapping[str, OperatingState]:
        return await self._ask(ReadMachines(equipment=tuple(sorted(equipment))), _STATES)

    async def hold_target(self, equipment: str) -> HoldTarget:
        return await self._ask(ReadTarget(equipment=equipment), _TARGET)

    async def plan_hold(self, equipment: str, key: str) -> HoldPlan:
        return await self._ask(PlanHold(equipment=equipment, key=key), _PLAN)

    async def place_hold(self, plan: HoldPlan, reason: str) -> PlaceResult:
        return await self._ask(PlaceHold(plan=plan, reason=reason), _PLACED)

    async def read_hold(self, plan: HoldPlan) -> HoldReading:
        return await self._ask(ReadHold(plan=plan), _READING)

    async def release_hold(self, plan: HoldPlan, reason: str) -> HoldState:
        return await self._ask(HoldRelease(plan=plan, reason=reason), _STATE)

    async def marked_holds(self) -> Sequence[MarkedHold] | None:
        return await self._ask(ListHolds(), _MARKED)

    async def lots_made(self, equipment: str, from_at: datetime, until_at: datetime) -> Sequence[MadeLot] | None:
        return await self._ask(ReadLots(equipment=equipment, from_at=from_at, until_at=until_at), _LOTS)

    async def _ask(self, asked: Asked, shape: TypeAdapter[ResultT]) -> ResultT:
        answer = await self._answer(asked)
        self._enforcement = answer.enforcement
        error = answer.error
        if error is not None:
            raise (answer.clock_ahead(self._wall.now()) or error).error(self._system, asked.method)
        try:
            return shape.validate_json(answer.result or "")
        except ValidationError as unreadable:
            problem = f"the answer of the plant zone's worker cannot be read: {_OTHER_BUILD}"
            raise self._error("Refused", problem, asked) from unreadable

    async def _answer(self, asked: Asked) -> MesAnswer:
        """The answer to a call. A call about a plan waits until an earlier one about it has ended. If that one acted as
        this one would, its answer is taken."""
        name = digest(asked.plan) if isinstance(asked, AboutPlan) else uuid.uuid4().hex
        workflow, acts = mes_call_workflow_id(name, self._system), isinstance(asked, Acting)
        while True:
            until = self._wall.now() + CALL_LASTS
            run, own = await self._begin(asked, workflow, until)
            try:
                answer = await self._end(asked, workflow, run, until if acts or not own else None)
            except ConnectorError:
                if own:
                    raise
                continue
            if own or (acts and answer.method == asked.method):
                return answer

    async def _begin(self, asked: Asked, workflow: str, until: datetime) -> tuple[str, bool]:
        """Starts a call; returns its run, or the run of the call that is under way, and whether it is our own."""
        request = MesRequest(
            workflow=workflow,
            system=self._system,
            asked_at=until - CALL_LASTS,
            until=until,
            plant_time=self._clock.now(),
            asked=asked,
        )
        try:
            with engine_errors(asked.method):
                try:
                    begun = await self._client.start_workflow(
                        "MesCall",
                        request,
                        id=workflow,
                        task_queue=self._queue,
                        execution_timeout=CALL_LASTS,
                        rpc_timeout=_RPC,
                    )
                except WorkflowAlreadyStartedError as under_way:
                    return under_way.run_id or "", False
                return begun.result_run_id or "", True
        except ConnectorError:
            if isinstance(asked, Acting):
                # The engine may have taken the call, though it did not say so.
                await self._wait_out(until)
            raise

    async def _end(self, asked: Asked, workflow: str, run: str, acts_until: datetime | None) -> MesAnswer:
        """The answer of a run.

        Args:
            acts_until: until when the run may have an effect; None if it has none. No error is raised before.
        """
        handle: WorkflowHandle[Any, MesAnswer] = self._client.get_workflow_handle(
            workflow, run_id=run, result_type=MesAnswer
        )
        outage = Outage(log, "the answer of a call to an MES cannot be read", "the workflow engine answers again")
        patience = CALL_LASTS + _ANSWER_ARRIVES
        try:
            async with asyncio.timeout(patience.total_seconds()) as limit:
                ended = await retry(lambda: self._result(handle), on=(Unavailable,), outage=outage, first=_LOOK_AGAIN)
        except TimeoutError:
            if not limit.expired():
                raise
            raise self._error("Unavailable", "the workflow engine gave no answer of the plant zone", asked) from None
        if isinstance(ended, MesAnswer):
            if ended.run == run:
                return ended
            ended = CallError(kind="Refused", problem="the workflow engine gave the answer of another call")
        if acts_until is not None and ended.problem != _NOBODY:
            await self._wait_out(acts_until)
        raise ended.error(self._system, asked.method)

    async def _result(self, handle: "WorkflowHandle[Any, MesAnswer]") -> MesAnswer | CallError:
        """How a run ended.

        Raises:
            ConnectorError: the engine does not say it.
        """
        with engine_errors("read-mes-call"):
            try:
                return await handle.result()
            except WorkflowFailureError as failed:
                return _reason(failed)
            except Rejected as unreadable:
                return CallError(kind="ActionRequired", problem=str(unreadable), field=unreadable.field)
            except ValidationError as unreadable:
                return CallError(kind="Refused", problem=f"{type(unreadable).__name__}: {_OTHER_BUILD}")

    async def _wait_out(self, until: datetime) -> None:
        """Waits until a call that may be under way can have no effect any more."""
        await asyncio.sleep(max(0.0, (until - self._wall.now()).total_seconds()))

    def _error(self, kind: ErrorKind, problem: str, asked: Asked) -> ConnectorError:
        return CallError(kind=kind, problem=problem).error(self._system, asked.method)


def _reason(failed: WorkflowFailureError) -> CallError:
    """Why a run gave no answer."""
    cause: BaseException | None = failed.cause
    if isinstance(cause, EngineTimeout):
        return CallError(kind="Unavailable", problem="the call did not end in time; does a worker for cases run?")
    if not isinstance(cause, ActivityError):
        return CallError(kind="Unavailable", problem="somebody ended the call in the workflow engine")
    while (deeper := cause.__cause__) is not None:
        cause = deeper
    if isinstance(cause, EngineTimeout) and cause.type is TimeoutType.SCHEDULE_TO_START:
        return CallError(kind="Unavailable", problem=_NOBODY)
    if isinstance(cause, EngineTimeout):
        return CallError(kind="Unavailable", problem=_NO_ANSWER)
    if isinstance(cause, ApplicationError) and cause.type == Rejected.__name__:
        return CallError(kind="ActionRequired", problem=cause.message, field="payload_keys")
    return CallError(kind="Refused", problem=f"the worker of the plant zone failed: {cause}")
