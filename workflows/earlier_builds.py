"""Workflow types of earlier builds. Their runs end and are started again from storage.

The engine replays such a run on one of these types at its next wake. The history does not fit, and the run fails; see
`workflows.options.ENDS_RUN`.
"""

from temporalio import workflow
from temporalio.common import RawValue


async def _end() -> None:
    """Completes a run that has no history yet. A run with a history is failed by the engine before it gets here, and
    the engine would refuse a completion after that."""
    await workflow.wait_condition(lambda: not workflow.unsafe.is_replaying())


@workflow.defn(name="line-watch")
class EarlierLineWatch:
    """Ends the watch of a line."""

    @workflow.run
    async def run(self, _argument: RawValue) -> None:
        await _end()


@workflow.defn(name="maintenance-case")
class EarlierMaintenanceCase:
    """Ends the workflow of a case; the case itself stays open."""

    @workflow.run
    async def run(self, _argument: RawValue) -> None:
        await _end()


@workflow.defn(name="connector-poll")
class EarlierConnectorPoll:
    """Ends the polling of a system."""

    @workflow.run
    async def run(self, _argument: RawValue) -> None:
        await _end()
