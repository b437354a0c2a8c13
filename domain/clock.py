"""Time as a port: wall time in production, the plant's time in the sandbox."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time by which every business wait is measured."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        ...


class WallClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
