"""The faults the MES server can be told to show, in terms of `sandbox.faults`.

**Faults** (target `jobcontrol`; operations: the method's browse name, or `read` for a read of JobOrderList):

| kind              | shown as                                                                              |
|-------------------|---------------------------------------------------------------------------------------|
| commit_then_drop  | a method does its work, then the caller's connection is cut (`read`: just cut)        |
| drop_then_nothing | the caller's connection is cut, nothing done                                          |
| timeout           | silence for `delay` seconds, then cut, nothing done                                   |
| slow              | `seconds` later, as usual                                                             |
| late              | methods: answered at once, the list shows the new state `seconds` later; not on `read` |
| status_500        | methods: nothing done, status Uncertain and ReturnStatus 0; no effect on `read`       |
| refuse_field      | methods: nothing done, ReturnStatus is the number in `code`, else 16; not on `read`     |
| status_429        | nothing done, BadTooManyOperations                                                    |
| session_expired   | nothing done, BadSessionIdInvalid                                                     |
| duplicate_answer  | `read`: the first job order stands in the list twice                                  |
| reorder_answers   | `read`: the list is in the wrong order                                                |
| down              | every connection is cut and new ones are refused until cleared                        |
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final

from asyncua import ua
from asyncua.common.callback import CallbackType
from asyncua.common.utils import ServiceError

from sandbox.faults import Fault, Faults
from sandbox.jobcontrol.answers import method_refusal, method_result
from sandbox.jobcontrol.job import ReturnStatus

TARGET: Final = "jobcontrol"
KINDS: Final = frozenset(
    {
        "commit_then_drop",
        "drop_then_nothing",
        "timeout",
        "slow",
        "late",
        "status_429",
        "status_500",
        "refuse_field",
        "session_expired",
        "duplicate_answer",
        "reorder_answers",
        "down",
    }
)
_FAULT_CODES: Final = {
    "session_expired": ua.StatusCodes.BadSessionIdInvalid,
    # OPC UA names no time to come back.
    "status_429": ua.StatusCodes.BadTooManyOperations,
}
_DOWN_CHECK_SECONDS: Final = 0.05


class Misbehaviour:
    """Shows faults to the clients of the server that it is attached to.

    Raises:
        ValueError: the list already holds a fault for 'jobcontrol' of a kind not in `KINDS`.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._faults.declare(TARGET, KINDS)
        self._answered_wrongly: dict[int, str] = {}
        self._server: Any = None
        self._list_node: Any = None

    def attach(self, server: Any, list_node: Any) -> None:
        """Show faults of reading at asyncua's server from now on, on reads of the list."""
        self._server = server
        self._list_node = list_node
        server.subscribe_server_callback(CallbackType.PreRead, self._before_read)
        server.subscribe_server_callback(CallbackType.PostRead, self._after_read)

    def take(self, operation: str) -> Fault | None:
        """The fault that this operation has to meet now."""
        return self._faults.take(TARGET, operation)

    def drop_connections(self) -> None:
        """Cut every client's connection, once."""
        for transport in tuple(self._server.iserver.asyncio_transports):
            transport.abort()

    async def _before_read(self, event: Any, _service: object) -> None:
        if not event.is_external or not self._reads_list(event.request_params):
            return
        fault = self._faults.take(TARGET, "read")
        if fault is None:
            return
        refusal = await self.before_work(fault, "read")
        if fault.kind in _FAULT_CODES:
            raise ServiceError(refusal.StatusCode.value)
        if fault.kind == "commit_then_drop":
            self.cut_caller()
        if fault.kind in ("duplicate_answer", "reorder_answers"):
            self._answered_wrongly[id(event.request_params)] = fault.kind

    async def _after_read(self, event: Any, _service: object) -> None:
        kind = self._answered_wrongly.pop(id(event.request_params), None)
        if kind is None:
            return
        for place, answer in enumerate(event.response_params):
            rows = answer.Value.Value
            if isinstance(rows, list):
                wrong = [*rows, *rows[:1]] if kind == "duplicate_answer" else rows[::-1]
                event.response_params[place] = replace(answer, Value=ua.Variant(wrong, answer.Value.VariantType))

    def _reads_list(self, parameters: Any) -> bool:
        return any(
            item.NodeId == self._list_node.nodeid and item.AttributeId == ua.AttributeIds.Value
            for item in parameters.NodesToRead
        )

    async def before_work(self, fault: Fault, operation: str) -> Any:
        """Show the faults before the work; a result if a fault replaces the work."""
        match fault.kind:
            case "slow":
                await asyncio.sleep(fault.seconds)
            case "timeout":
                await asyncio.sleep(fault.seconds)
                return self.cut_caller()
            case "drop_then_nothing":
                return self.cut_caller()
            case "down":
                self._server.iserver.max_connections = 0
                self.drop_connections()
                return method_result()
            case "status_500":
                result = method_refusal(operation, 0)
                result.StatusCode = ua.StatusCode(ua.StatusCodes.Uncertain)
                return result
            case "status_429" | "session_expired":
                # asyncua lets a method answer for itself alone; a reading of the list fails as a service.
                result = ua.CallMethodResult()
                result.StatusCode = ua.StatusCode(_FAULT_CODES[fault.kind])
                return result
            case "refuse_field":
                code = fault.text("code")
                return method_refusal(operation, int(code) if code.isdecimal() else ReturnStatus.UNABLE_TO_ACCEPT)
        return None

    def cut_caller(self) -> Any:
        """Cut the connection whose request is being served; asyncua serves each in a task of the connection's own."""
        serving = asyncio.current_task()
        for connection in tuple(self._server.bserver.clients):
            if connection._task is serving:  # noqa: SLF001 - asyncua tells a callback in no other way who calls
                connection.transport.abort()
        return method_result()

    async def watch_down(self, server: Any) -> None:
        """Refuse new connections while a `down` is in force: asyncua asks nobody about those."""
        usual = server.iserver.max_connections
        while True:
            down = any(fault.target == TARGET and fault.kind == "down" for fault in self._faults.list())
            server.iserver.max_connections = 0 if down else usual
            if down:
                self.drop_connections()
            await asyncio.sleep(_DOWN_CHECK_SECONDS)
