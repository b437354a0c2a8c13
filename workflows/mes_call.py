"""A call to an MES that stands apart."""

from temporalio import workflow
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from domain.keys import system_of_mes_call
    from workflows.options import CALL_QUEUED, CALL_RUNS, ONCE
    from workflows.queues import plant_zone_queue


@workflow.defn(name="MesCall")
class MesCall:
    """Passes an encrypted call to the worker in the plant's zone, and its encrypted answer back. It can read neither.

    The engine ends a call that no worker takes. A call is never repeated here: who asked for it looks first what was
    done.
    """

    @workflow.run
    async def run(self, call: RawValue) -> RawValue:
        answer: RawValue = await workflow.execute_activity(
            "call-mes",
            call,
            result_type=RawValue,
            task_queue=plant_zone_queue(workflow.info().task_queue, system_of_mes_call(workflow.info().workflow_id)),
            schedule_to_start_timeout=CALL_QUEUED,
            start_to_close_timeout=CALL_RUNS,
            retry_policy=ONCE,
        )
        return answer
