"""A sign-in by a secret that somebody may replace at the same moment."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import SecretStr

from domain.errors import ActionRequired

SignedInT = TypeVar("SignedInT")


async def signed_in_by(secret: SecretStr, attempt: Callable[[str], Awaitable[SignedInT]]) -> SignedInT:
    """What a sign-in gives. If it is refused and the secret is another one by then, it is made once more.

    Args:
        secret: asked at each attempt, because its file may have changed.
        attempt: signs in with the secret that it is given.

    Raises:
        ActionRequired: the present secret is refused.
        ConnectorError: as `attempt` does.
    """
    sent = secret.get_secret_value()
    try:
        return await attempt(sent)
    except ActionRequired:
        present = secret.get_secret_value()
        if present == sent:
            raise
    return await attempt(present)
