"""An outside system that keeps each published head of the ledger, so that nobody here can replace it."""

from datetime import datetime
from typing import Final

import httpx
import orjson

from domain.canonical import timestamp
from domain.errors import Unavailable

_PATIENCE: Final = 10.0
"""Seconds."""


class HeadAnchor:
    """Sends heads to a URL by POST.

    Args:
        url: gets a JSON object with `head` (`SEQ:HASH`) and `at` (ISO 8601, UTC), and answers with any 2xx.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def keep(self, head: str, at: datetime) -> None:
        """Sends one head.

        Raises:
            Unavailable: it does not answer, or not with 2xx.
        """
        body = orjson.dumps({"head": head, "at": timestamp(at)})
        try:
            async with httpx.AsyncClient(timeout=_PATIENCE) as client:
                answer = await client.post(self._url, content=body, headers={"content-type": "application/json"})
        except httpx.HTTPError as error:
            raise Unavailable(type(error).__name__, system="head-anchor", operation="keep-head", key=head) from error
        if not answer.is_success:
            problem = f"it answered {answer.status_code}"
            raise Unavailable(problem, system="head-anchor", operation="keep-head", key=head)
