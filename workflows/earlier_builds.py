"""Workflow types of earlier builds. Their runs end and are started again from storage.

The engine replays such a run on one of these types at its next wake. The history does not fit, and the run is failed.
Its subject stays due in storage, so the dispatcher starts the workflow of now under the same id. Nothing is lost by
that: every step looks for what was done before.
"""

from temporalio import workflow
from temporalio.common import RawValue

_ENDS_RUN = (workflow.NondeterminismError,)


async def _end() -> None:
    """Completes a run that has no history yet. A run with a history is failed by the engine before it gets here, and
    the engine would refuse a completion after that."""
    await workflow.wait_condition(lambda: not workflow.unsafe.is_replaying())


@workflow.defn(name="line-watch", failure_exception_types=_ENDS_RUN)
class EarlierLineWatch:
    """Ends the watch of a line."""

    @workflow.run
    async def run(self, _argument: RawValue) -> None:
        await _end()


@workflow.defn(name="maintenance-case", failure_exception_types=_ENDS_RUN)
class EarlierMaintenanceCase:
    """Ends the workflow of a case; the case itself stays open."""

    @workflow.run
    async def run(self, _argument: RawValue) -> None:
        await _end()


@workflow.defn(name="connector-poll", failure_exception_types=_ENDS_RUN)
class EarlierConnectorPoll:
    """Ends the polling of a system."""

    @workflow.run
    async def run(self, _argument: RawValue) -> None:
        await _end()
