"""The sandbox's plant clock: a file with one ISO 8601 time, replaced atomically at each move."""

from datetime import UTC, datetime
from pathlib import Path

from domain.clock import Clock, WallClock
from domain.errors import Rejected


class FileClock:
    """Reads the plant's time from a file.

    Args:
        path: the file; it must hold an aware ISO 8601 time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> datetime:
        """The plant's time.

        Raises:
            Rejected: the file is not there, or holds no time.
        """
        try:
            return datetime.fromisoformat(self._path.read_text().strip()).astimezone(UTC)
        except (OSError, ValueError) as error:
            raise Rejected(f"no plant time in {self._path}: {error}", field="clock", fix="start the sandbox") from error


def clock_of(setting: str) -> Clock:
    """The clock that a setting names.

    Raises:
        Rejected: it names none.
    """
    if setting == "wall":
        return WallClock()
    if setting.startswith("file:"):
        return FileClock(Path(setting.removeprefix("file:")))
    raise Rejected(f"no clock {setting!r}", field="clock", fix="write wall or file:PATH")
