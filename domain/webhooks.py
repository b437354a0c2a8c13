"""Webhooks: a system tells us that something has changed there. What has changed is then polled."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

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


@runtime_checkable
class WebhookSubscriber(Protocol):
    """What a connector to a CMMS may offer besides `domain.ports.Cmms`, if its webhooks can stop unnoticed."""

    async def check_webhooks(self) -> str:
        """Says in one line whether webhooks are still sent to us. It is apart from `Cmms.check`, because no order needs
        webhooks: without them a change is seen at the next poll.

        Raises:
            ActionRequired: one that the plant relies on is sent no more.
        """
        ...


def webhook_subscribers(connectors: Mapping[str, object]) -> dict[str, WebhookSubscriber]:
    """Those of some connectors whose webhooks can stop unnoticed, by the id of each instance."""
    return {system: each for system, each in connectors.items() if isinstance(each, WebhookSubscriber)}
