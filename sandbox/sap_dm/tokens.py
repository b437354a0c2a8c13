"""The token address: client credentials of one client, and tokens that expire (RFC 6749, 4.4)."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from sandbox.sap_dm.errors import Form, Problem

_SCHEME: Final = "Bearer "


class Tokens:
    """Gives tokens to a client, and knows those that are valid.

    Args:
        clients: the secret of each client id.
        seconds: how long a token is valid, in wall time.
    """

    def __init__(self, clients: Mapping[str, str], seconds: float) -> None:
        self._clients = clients
        self._seconds = seconds
        self._until: dict[str, float] = {}
        self.given = 0

    def give(self, authorization: str, form: Mapping[str, str]) -> Mapping[str, object]:
        """The answer to a request for a token.

        Raises:
            Problem: the client or its secret is not known, or it asks in another way.
        """
        client, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        if not secret or self._clients.get(client) != secret:
            raise Problem(401, "Bad credentials", code="unauthorized", form=Form.TOKEN)
        if form.get("grant_type") != "client_credentials":
            words = "Unsupported grant type"
            raise Problem(400, words, code="unsupported_grant_type", form=Form.TOKEN)
        token = secrets.token_urlsafe(32)
        self._until[token] = time.monotonic() + self._seconds
        self.given += 1
        return {"access_token": token, "token_type": "bearer", "expires_in": int(self._seconds), "scope": "", "jti": ""}

    def check(self, authorization: str) -> None:
        """Refuses a request without a valid token."""
        token = authorization.removeprefix(_SCHEME) if authorization.startswith(_SCHEME) else ""
        if self._until.get(token, 0.0) <= time.monotonic():
            raise Problem(401, "The token is not valid", code="unauthorized")

    def expire(self, authorization: str) -> None:
        """Lets a token expire now."""
        self._until.pop(authorization.removeprefix(_SCHEME), None)


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return unquote(client), unquote(secret)
