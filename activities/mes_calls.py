"""The calls to an MES that stands apart. They run in the plant's zone, and hold nothing but the connector."""

import asyncio
from datetime import timedelta
from typing import Final

from pydantic_core import to_json
from temporalio import activity

from domain.clock import Clock
from domain.errors import ConnectorError
from domain.mes_calls import CallError, MesAnswer, MesRequest
from domain.ports import Mes

CALL_TAKES: Final = timedelta(seconds=25)
"""The maximum duration of a call. One that has not ended by then is ended here, so that nothing happens after its
caller has given up. It is longer than what a connector takes for its requests."""


class MesCalls:
    """Calls one MES instance.

    Args:
        mes: its connector.
        system: its id.
        clock: the plant's time, by which the connector reads.
        wall: the wall clock, by which calls are late.
    """

    def __init__(self, mes: Mes, system: str, clock: Clock, wall: Clock) -> None:
        self._mes = mes
        self._system = system
        self._clock = clock
        self._wall = wall

    @activity.defn(name="call-mes")
    async def call_mes(self, request: MesRequest) -> MesAnswer:
        """Makes one call, unless it is late or was copied; an error of the connector is an answer too."""
        info, began_at = activity.info(), self._wall.now()
        answer = MesAnswer(
            run=info.workflow_run_id or "",
            method=request.asked.method,
            began_at=began_at,
            enforcement=self._mes.enforcement,
        )
        refusal = _copied(request, self._system, info.workflow_id) or request.untimely(began_at)
        if refusal is not None:
            activity.logger.warning("a call %s is not made: %s", request.asked.method, refusal.problem)
            return answer.model_copy(update={"error": refusal})
        reads_from = self._clock.now()
        try:
            # A process that was stopped for a while goes on here, and must not call any more.
            async with asyncio.timeout(min(CALL_TAKES, request.until - began_at).total_seconds()) as limit:
                result = await request.asked.carry_out(self._mes)
        except ConnectorError as error:
            return answer.model_copy(update={"error": CallError.of(error)})
        except TimeoutError:
            if not limit.expired():
                raise
            problem = "the MES did not answer in time; it is not known whether the call had an effect"
            return answer.model_copy(update={"error": CallError(kind="Unavailable", problem=problem)})
        return answer.model_copy(update={"result": to_json(request.in_callers_time(result, reads_from)).decode()})


def _copied(request: MesRequest, system: str, workflow: str | None) -> CallError | None:
    """The error of a call that somebody took from another workflow or for another instance."""
    if (request.system, request.workflow) == (system, workflow):
        return None
    return CallError(kind="Refused", problem="the call was made for another workflow or another instance")
