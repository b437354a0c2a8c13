"""The graph as queries see it, which may be some time behind what point reads see.

Source: learn.microsoft.com/azure/digital-twins/how-to-manage-twin: "there may be a latency of up to 10 seconds before
the changes will be reflected in queries"; events are sent at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from sandbox.twins.graph_state import GraphState, Write


class QueryIndex:
    """Shows every write `lag` after it was made; without a lag it shows the current state itself."""

    def __init__(self, current: GraphState, lag: timedelta, now: Callable[[], datetime]) -> None:
        self._current = current
        self._lag = lag
        self._now = now
        self._seen = GraphState()
        self._waiting: deque[tuple[datetime, Write]] = deque()

    def take(self, write: Write) -> None:
        """A write that the current state has just seen."""
        if self._lag:
            self._waiting.append((self._now() + self._lag, write))

    def states(self) -> tuple[GraphState, ...]:
        """All states that what was stored before the start belongs in."""
        return (self._current, self._seen) if self._lag else (self._current,)

    def state(self) -> GraphState:
        """What a query sees now."""
        if not self._lag:
            return self._current
        now = self._now()
        while self._waiting and self._waiting[0][0] <= now:
            _, write = self._waiting.popleft()
            write(self._seen)
        return self._seen
