"""What is asked of an installation that was played by several workers."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.keys import case_workflow_id
from millwright.settings import Settings
from millwright.workflow_engine.temporal import engine_client

_TWICE = text(
    "SELECT count(*) FROM (SELECT FROM verdicts WHERE role = 'active' AND revision = 0 "
    "GROUP BY event_id HAVING count(*) > 1) t"
)


async def verdicts_twice(engine: AsyncEngine) -> int:
    """Events that the active version has judged for the first time more than once."""
    async with engine.connect() as connection:
        return int(await connection.scalar(_TWICE) or 0)


async def workers_of_cases(settings: Settings) -> dict[str, set[int]]:
    """The process ids of the workers that carried each case on, by case."""
    found: dict[str, set[int]] = {}
    async with engine_client(settings, settings.temporal_address or "") as client:
        async for execution in client.list_workflows("WorkflowType IN ('MaintenanceCase', 'maintenance-case')"):
            async for event in client.get_workflow_handle(execution.id, run_id=execution.run_id).fetch_history_events():
                identity = event.workflow_task_completed_event_attributes.identity
                if identity:
                    found.setdefault(execution.id.removeprefix(case_workflow_id("")), set()).add(
                        int(identity.split("@")[0])
                    )
    return found
