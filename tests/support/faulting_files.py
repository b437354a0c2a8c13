"""A file system in memory whose writes fail from one of them on, as of a process that is killed there."""

from itertools import count
from typing import Any

from fsspec.implementations.memory import MemoryFileSystem

from millwright.labels.place import BlobContainer

_numbers = count()


class Killed(BaseException):
    """The process is killed before a write. Nothing catches it."""


class FaultingFiles(MemoryFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Counts writes; before the one with the number `kill_at` the process is killed."""

    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.kill_at: int | None = None

    def put_file(self, *given: Any, **named: Any) -> None:
        self._count()
        super().put_file(*given, **named)

    def pipe_file(self, *given: Any, **named: Any) -> None:
        self._count()
        super().pipe_file(*given, **named)

    def _count(self) -> None:
        self.writes += 1
        if self.writes == self.kill_at:
            raise Killed


def memory_place() -> tuple[BlobContainer, FaultingFiles]:
    """An empty place of its own, in memory."""
    files = FaultingFiles()
    return BlobContainer(files, f"/dataset-{next(_numbers)}"), files
