"""Webhooks: a system tells us that something has changed there. What has changed is then polled."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pydantic import SecretStr


class WebhookCheck(Protocol):
    """Checks that a vendor's system sent a webhook."""

    def __call__(
        self, headers: Sequence[tuple[bytes, bytes]], body: bytes, secrets: Sequence[SecretStr], now: datetime
    ) -> bytes | None:
        """The signature that proves a webhook; None if nothing proves it. It never raises.

        Two deliveries have the same signature only if the same was signed at the same time.

        Args:
            headers: of the request, with names in lower case.
            body: the bytes as they came.
            secrets: with which it may be signed. All are tried, so that the duration does not tell which one it was.
            now: from which the time of signing may differ a little.
        """
