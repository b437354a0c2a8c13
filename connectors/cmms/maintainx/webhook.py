"""Whether MaintainX sent a webhook, by the signature of its body: `t=<time>,v1=<HMAC-SHA256 of time, dot and body>`.

The signature of the address is not looked at. Each subscription has one address and a secret of its own, so that no
webhook can be passed on to another address.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import SecretStr

HEADER: Final = b"x-maintainx-webhook-body-signature"
TOLERANCE: Final = timedelta(minutes=5)
_LONGEST: Final = 1024
_TIME: Final = re.compile(rb"[0-9]{1,15}")
_UNITS: Final = (1, 1000)
"""In a second. MaintainX does not say in which unit the time is; both are never near the same moment."""


def check_webhook(
    headers: Sequence[tuple[bytes, bytes]], body: bytes, secrets: Sequence[SecretStr], now: datetime
) -> bytes | None:
    """See `domain.webhooks.WebhookCheck`. A version other than `v1` is passed over."""
    written = [value for name, value in headers if name == HEADER]
    if len(written) != 1 or len(written[0]) > _LONGEST:
        return None
    parts = [part.strip().partition(b"=") for part in written[0].split(b",")]
    times = [value for name, _, value in parts if name == b"t"]
    given = [value.lower() for name, _, value in parts if name == b"v1"]
    if len(times) != 1 or not _is_near(times[0], now):
        return None
    proved = None
    for secret in secrets:
        made = hmac.new(secret.get_secret_value().encode(), times[0] + b"." + body, hashlib.sha256)
        signature = made.hexdigest().encode()
        for each in given:
            if hmac.compare_digest(signature, each):
                proved = signature
    return proved


def _is_near(time: bytes, now: datetime) -> bool:
    if _TIME.fullmatch(time) is None:
        return False
    return any(abs(now.timestamp() - int(time) / unit) <= TOLERANCE.total_seconds() for unit in _UNITS)
