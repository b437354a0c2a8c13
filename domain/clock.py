"""The clock as a port: the wall clock in production, a simulated clock in the sandbox."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Gives plant time, in which every business wait is measured."""

    def now(self) -> datetime:
        """The current plant time, in UTC."""
        ...


class WallClock:
    """The clock of the computer."""

    def now(self) -> datetime:
        return datetime.now(UTC)
