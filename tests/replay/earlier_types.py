"""The types that end runs of earlier builds, without what has the engine end the run: the replayer is told instead."""

from temporalio import workflow
from temporalio.common import RawValue

from workflows import earlier_builds


@workflow.defn(name="line-watch")
class LineWatch:
    @workflow.run
    async def run(self, argument: RawValue) -> None:
        await earlier_builds.EarlierLineWatch().run(argument)


@workflow.defn(name="maintenance-case")
class MaintenanceCase:
    @workflow.run
    async def run(self, argument: RawValue) -> None:
        await earlier_builds.EarlierMaintenanceCase().run(argument)


@workflow.defn(name="connector-poll")
class ConnectorPoll:
    @workflow.run
    async def run(self, argument: RawValue) -> None:
        await earlier_builds.EarlierConnectorPoll().run(argument)
