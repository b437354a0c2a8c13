#!/usr/bin/env bash
# temporalio 1.35.0 with Temporal CLI 1.5.1: a run that is to end as it does not fit its history must not return.
#
# With NondeterminismError among failure_exception_types a run whose history does not fit the workflow is failed. This
# serves to end the runs of an older shape of a workflow. The obvious new shape is one that does nothing.
# Expected: the run is failed, whatever its history holds.
# Happens: so it is where the history holds an activity. Where it begins with the marker of a patch, a shape that returns
# at once gives a completion, the SDK adds the failure, and its own check refuses the two together ("command
# CompleteWorkflowExecution must be the last command"). The task is tried again for as long as the run lives. A shape
# that waits until replay is over is failed as it should be.
#
# Seen, for a run that waits, carried on by a worker of the new shape for 15 s:
#   activity, returns at once            FAILED
#   patch and activity, returns at once  RUNNING
#   patch and activity, waits in replay  FAILED
set -euo pipefail
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true; rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install -q --disable-pip-version-check temporalio==1.35.0
GOBIN="$dir" GOFLAGS=-mod=mod go install github.com/temporalio/cli/cmd/temporal@v1.5.1

cat > "$dir/shapes.py" <<'END'
import asyncio
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

ENDS = [workflow.NondeterminismError]


@activity.defn
async def work() -> None:
    pass


class Woken:
    @workflow.signal
    def wake(self) -> None:
        pass


@workflow.defn(name="story")
class Older(Woken):
    @workflow.run
    async def run(self, patched: bool) -> None:
        if patched:
            workflow.patched("a-change")
        await workflow.execute_activity(work, start_to_close_timeout=timedelta(seconds=10))
        await workflow.wait_condition(lambda: False)


@workflow.defn(name="story", failure_exception_types=ENDS)
class Returns(Woken):
    @workflow.run
    async def run(self, patched: bool) -> None:
        pass


@workflow.defn(name="story", failure_exception_types=ENDS)
class Waits(Woken):
    @workflow.run
    async def run(self, patched: bool) -> None:
        await workflow.wait_condition(lambda: not workflow.unsafe.is_replaying())


async def carried_on_by(client: Client, shape: type, patched: bool) -> str:
    queue = f"{shape.__name__} {patched}"
    common = {"task_queue": queue, "workflow_runner": UnsandboxedWorkflowRunner(), "max_cached_workflows": 0}
    async with Worker(client, workflows=[Older], activities=[work], **common):
        handle = await client.start_workflow("story", patched, id=queue, task_queue=queue)
        while (await handle.describe()).history_length < 10:
            await asyncio.sleep(0.1)
    async with Worker(client, workflows=[shape], **common):
        await handle.signal("wake")
        for _ in range(150):
            status = (await handle.describe()).status
            if status is not WorkflowExecutionStatus.RUNNING:
                break
            await asyncio.sleep(0.1)
    return status.name


async def main() -> None:
    while True:
        try:
            client = await Client.connect(sys.argv[1])
            break
        except RuntimeError:
            await asyncio.sleep(0.2)
    print("activity, returns at once           ", await carried_on_by(client, Returns, False))
    print("patch and activity, returns at once ", await carried_on_by(client, Returns, True))
    print("patch and activity, waits in replay ", await carried_on_by(client, Waits, True))


asyncio.run(main())
END
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$dir/temporal" server start-dev --headless --ip 127.0.0.1 --port "$port" --log-level error > "$dir/server.log" 2>&1 &
server=$!
seen=$("$dir/venv/bin/python" "$dir/shapes.py" "127.0.0.1:$port" 2> "$dir/words.log")
echo "$seen"
if [ "$(grep -o '[A-Z]*$' <<< "$seen" | paste -sd ' ')" = "FAILED RUNNING FAILED" ]; then
  echo "as found"
else
  echo "changed"
  exit 1
fi
