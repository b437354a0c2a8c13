"""The timeouts and retry policies of activities.

All activities are retried for ever. An activity fails only if our own storage or the engine does not answer, or if a
policy version was altered; a later attempt can succeed. A vendor's refusal does not fail the activity: the step returns
that it is not done.
"""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import NondeterminismError

FOR_EVER = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=10),
    maximum_attempts=0,
)

LINE_STAY = timedelta(minutes=10)
"""The timeout of an activity that judges a line for as long as events arrive. It ends by itself after at most five
minutes."""

LINE_HEARTBEAT = timedelta(seconds=15)
"""The heartbeat timeout of that activity, after which the engine gives the line to another worker. The activity
heartbeats after each transaction, and ends after ten seconds without an event."""

VENDOR_STEP = timedelta(seconds=90)
"""The timeout of a step that calls another system. The timeouts of its calls are shorter, and every step is safe to
repeat."""

HEARTBEAT = timedelta(seconds=5)
"""The heartbeat timeout of a step that calls another system, after which the engine considers its worker dead."""

CALL_QUEUED = timedelta(seconds=10)
"""How long a call to an MES that stands apart waits for a worker in the plant's zone. After that no worker gets it."""

CALL_RUNS = timedelta(seconds=30)
"""The timeout of such a call from the moment at which a worker takes it. The worker itself ends it sooner
(`activities.mes_calls.CALL_TAKES`)."""

ONCE = RetryPolicy(maximum_attempts=1)
"""For a call to an MES that stands apart: the step that asks for it repeats it, after it has looked what was done."""

STORAGE_STEP = timedelta(seconds=20)
"""The timeout of a step that uses only our own storage."""

PASSES_BEFORE_NEW_HISTORY = 200
"""How many passes a workflow makes before it continues as new, unless the engine suggests it sooner."""

ENDS_RUN = (NondeterminismError,)
"""The errors that fail a run of a workflow; any other error makes the engine try the workflow task again.

A run that an earlier build began may not fit the workflow of now. It fails, its subject stays due in storage, and the
dispatcher starts the workflow again under the same id. Nothing is lost by that: every step looks for what was done
before.
"""
