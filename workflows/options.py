"""How long activities may take and how they are tried again, named once.

Retrying for ever is the choice everywhere: an activity fails only when our own storage or the engine is away, or a
policy version is altered, and then waiting is right. What a vendor refuses comes back as an undone step instead.
"""

from datetime import timedelta

from temporalio.common import RetryPolicy

FOR_EVER = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=10),
    maximum_attempts=0,
)

LINE_STAY = timedelta(minutes=10)
"""An activity that judges a line for as long as events come. It ends by itself after five minutes at most."""

LINE_HEARTBEAT = timedelta(seconds=15)
"""How long the engine waits for a sign of life of that activity before it gives the line to another worker. One comes
after each transaction; the activity ends after ten seconds without an event."""

VENDOR_STEP = timedelta(seconds=90)
"""A step that speaks with another system: its own timeouts are shorter, and every step is safe to repeat."""

HEARTBEAT = timedelta(seconds=5)
"""How long the engine waits for a sign of life of a vendor step before it takes its worker for dead."""

STORAGE_STEP = timedelta(seconds=20)
"""A step that speaks with our own storage only."""

PASSES_BEFORE_NEW_HISTORY = 200
"""How many passes a workflow makes before it continues as new, where the engine does not ask sooner."""
