"""What servers over HTTP share in showing injected faults (`sandbox.faults`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from starlette.types import Message, Receive

PROXY_PAGE: Final = "<html><head><title>Maintenance</title></head><body><h1>We will be back shortly.</h1></body></html>"
"""A page of a proxy in the place of an answer."""


def _twice(rows: list[object]) -> list[object]:
    return rows[:1] + rows


def _reversed(rows: list[object]) -> list[object]:
    return rows[::-1]


ROW_EDITS: Final[Mapping[str, Callable[[list[object]], list[object]]]] = {
    "duplicate_answer": _twice,
    "reorder_answers": _reversed,
}
"""The faults that change the rows of an answer."""


async def unsent(_message: Message) -> None:
    """Takes an answer, and sends it to nobody."""


async def until_gone(receive: Receive, seconds: float) -> None:
    """Wait, but not longer than the client does."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return
