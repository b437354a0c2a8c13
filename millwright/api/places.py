"""A bounded number of places for requests that take long."""

from collections.abc import Iterator
from contextlib import contextmanager

from millwright.api.problems import unavailable


class Places:
    """So many requests of a kind run at once. A further one is refused, not queued.

    Args:
        most: the number of places.
        what: the requests in words, for complaints.
    """

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """A place within the block.

        Raises:
            Problem: 503, because all are taken.
        """
        if self._taken >= self._most:
            raise unavailable(f"{self._taken} {self._what} run already, and no more may at once")
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
