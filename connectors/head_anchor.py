"""An outside system that keeps each published head of the ledger, so that nobody here can replace it."""

from datetime import datetime, timedelta
from typing import Final

import httpx
from pydantic import SecretStr

from connectors.call import Call
from connectors.http import JsonSystem, VendorFault
from domain.canonical import timestamp

_PATIENCE: Final = timedelta(seconds=10)
_KEPT: Final = range(200, 300)


class HeadAnchor:
    """Sends heads to a URL by POST.

    Args:
        url: gets a JSON object with `head` (`SEQ:HASH`) and `at` (ISO 8601, UTC), and answers with any 2xx. An HTML
            page is no such answer: a sign-in page may stand in front.
    """

    def __init__(self, url: SecretStr) -> None:
        self._url = url

    async def keep(self, head: str, at: datetime) -> None:
        """Sends one head.

        Raises:
            ConnectorError: it does not answer, or not with 2xx.
        """
        call = Call("head-anchor", "keep-head", head)
        async with httpx.AsyncClient() as client:
            system = JsonSystem(
                client, timeout=_PATIENCE, concurrency=1, read_fault=lambda _: VendorFault(), secrets=[self._url]
            )
            await system.send(
                call, "POST", self._url.get_secret_value(), body={"head": head, "at": timestamp(at)}, also=_KEPT
            )
