"""The webhooks that the API takes because the CMMS has signed them."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from millwright.runtime.connector_settings import cmms_webhook_check, with_signed_webhooks
from millwright.settings import Settings

log = logging.getLogger(__name__)

MOST_REMEMBERED: Final = 1024
"""Deliveries. If an older one comes again within its tolerance, its poll is made due once more."""


class SignedWebhooks:
    """The CMMS whose signed webhooks are taken, and the deliveries that have come.

    Args:
        settings: have the secrets of each CMMS.

    Raises:
        Rejected: there are secrets for a CMMS that does not sign its webhooks.
    """

    def __init__(self, settings: Settings) -> None:
        self._of = with_signed_webhooks(settings.all_cmms())
        self._checks = {system: cmms_webhook_check(named.connector) for system, named in self._of.items()}
        self._taken: dict[tuple[str, bytes], None] = {}
        self._told: set[str] = set()

    def __contains__(self, system: str) -> bool:
        return system in self._of

    def check(
        self, system: str, headers: Sequence[tuple[bytes, bytes]], body: bytes, now: datetime
    ) -> tuple[str, bytes] | None:
        """What a delivery is known by; None if nothing proves that the system sent it.

        The log has one line for the refusals of a system until the next delivery that is proved.
        """
        signature = self._checks[system](headers, body, self._of[system].present_webhook_secrets(), now)
        if signature is not None:
            self._told.discard(system)
            return system, signature
        if system not in self._told:
            self._told.add(system)
            log.warning(
                "a webhook to %s was refused: no secret of the settings proves it, or its time is not near ours", system
            )
        return None

    def has_taken(self, delivery: tuple[str, bytes]) -> bool:
        """Whether a delivery has come before, to this process."""
        return delivery in self._taken

    def take(self, delivery: tuple[str, bytes]) -> None:
        """Remembers a delivery, and forgets the oldest one if there are too many."""
        self._taken[delivery] = None
        if len(self._taken) > MOST_REMEMBERED:
            del self._taken[next(iter(self._taken))]
