"""What comes over the wire before the description's expressions read it."""

from dataclasses import dataclass
from typing import Any

from pydantic import RootModel

from connectors.rows import UnreadableRow


class RestBody(RootModel[Any]):
    """The body of an answer as it came."""


@dataclass(frozen=True)
class RestPage:
    """One answer of a list.

    Args:
        rows: as they came.
        onward: the address of the next one; None at the end.
        body: with which the list was asked for.
    """

    rows: tuple[Any, ...]
    onward: str | None
    body: Any = None


@dataclass(frozen=True)
class UnreadableRestOrder(UnreadableRow):
    """An order that cannot be read.

    Args:
        ours: whether it has our key, or a key that cannot be read.
    """

    ours: bool
