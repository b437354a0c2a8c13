"""A process that is killed at one of its calls to storage or to another system."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from tests.support.fault_injection import Crash

T = TypeVar("T")


class Killed:
    """Counts the calls of what it watches, and kills the process at one of them.

    Args:
        at: the number of the call, from 0; None kills never.
        after: whether the call took effect before.
    """

    def __init__(self, at: int | None, *, after: bool) -> None:
        self._at = at
        self._after = after
        self.calls: list[str] = []

    def watch(self, target: T) -> T:
        """The same, with its calls counted."""
        return cast("T", _Watched(target, self))

    async def call(self, name: str, method: Callable[..., Awaitable[Any]], *arguments: Any, **named: Any) -> Any:
        number = len(self.calls)
        self.calls.append(name)
        if number == self._at and not self._after:
            raise Crash
        result = await method(*arguments, **named)
        if number == self._at:
            raise Crash
        return result


class _Watched:
    def __init__(self, target: object, killed: Killed) -> None:
        self._target = target
        self._killed = killed

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)
        if not callable(method):
            # A property asks nothing of anybody.
            return method

        async def call(*arguments: object, **named: object) -> object:
            return await self._killed.call(name, method, *arguments, **named)

        return call
