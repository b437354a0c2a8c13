"""Which runs of ours the engine's client ends: those that get no further by themselves, and no others."""

import pytest
from temporalio.api.workflow.v1 import (
    PendingActivityInfo,
    PendingWorkflowTaskInfo,
    VersioningOverride,
    WorkflowExecutionInfo,
    WorkflowExecutionVersioningInfo,
)
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse

from millwright.workflow_engine.temporal import cannot_go_on

PINNED = WorkflowExecutionInfo(
    versioning_info=WorkflowExecutionVersioningInfo(
        versioning_override=VersioningOverride(pinned=VersioningOverride.PinnedOverride())
    )
)


@pytest.mark.parametrize(
    "found",
    [
        DescribeWorkflowExecutionResponse(pending_workflow_task=PendingWorkflowTaskInfo(attempt=2)),
        DescribeWorkflowExecutionResponse(workflow_execution_info=PINNED),
        DescribeWorkflowExecutionResponse(pending_activities=[PendingActivityInfo(paused=True)]),
    ],
    ids=["task fails", "pinned", "activity paused"],
)
def test_a_run_that_gets_no_further_is_ended(found: DescribeWorkflowExecutionResponse) -> None:
    assert cannot_go_on(found)


@pytest.mark.parametrize(
    "found",
    [
        DescribeWorkflowExecutionResponse(),
        DescribeWorkflowExecutionResponse(pending_workflow_task=PendingWorkflowTaskInfo(attempt=1)),
        DescribeWorkflowExecutionResponse(pending_activities=[PendingActivityInfo(attempt=500)]),
    ],
    ids=["rests", "its task waits for a worker", "an activity is tried again for days"],
)
def test_a_run_that_goes_on_later_is_left_alone(found: DescribeWorkflowExecutionResponse) -> None:
    assert not cannot_go_on(found)
