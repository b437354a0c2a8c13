"""A workflow that looks at the clock of its machine, as none may."""

from datetime import UTC, datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.progress import CaseRef


@workflow.defn(name="MaintenanceCase")
class ClockReader:
    """Bears the name of the real one, so that its histories are replayed on it."""

    @workflow.run
    async def run(self, _ref: CaseRef) -> None:
        datetime.now(UTC)
