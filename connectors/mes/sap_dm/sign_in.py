"""Tokens by client credentials (RFC 6749, 4.4): one is fetched at a time, and all requests use it until it expires."""

import asyncio
import base64
from typing import Final
from urllib.parse import quote

from connectors.call import Call
from connectors.http import JsonSystem
from connectors.mes.sap_dm.models import Token
from connectors.mes.sap_dm.settings import SapDmSettings

_EARLY: Final = 60.0
"""How many seconds before its end a token is not used any more, but never more than a tenth of its life."""


class SignIn:
    """The token of one client."""

    def __init__(self, settings: SapDmSettings, json: JsonSystem) -> None:
        self._url = settings.token_url
        self._json = json
        # RFC 6749, 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote(settings.client_id, safe='')}:{quote(settings.client_secret.get_secret_value(), safe='')}"
        self._authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
        self._fetching = asyncio.Lock()
        self._token: str | None = None
        self._good_until = 0.0

    async def token(self, call: Call, refused: str | None = None) -> str:
        """A token that was not refused.

        Args:
            refused: the token with which a request was answered 401. If another call has fetched one since, that is
                used.

        Raises:
            Unavailable: the token address does not answer.
            ActionRequired: it does not accept the client id or the secret.
        """
        async with self._fetching:
            now = asyncio.get_running_loop().time()
            if self._token is None or self._token == refused or now >= self._good_until:
                self._token = None
                fresh = await self._fetch(call)
                life = fresh.expires_in
                self._good_until = float("inf") if life is None else now + life - min(_EARLY, life / 10)
                self._token = fresh.access_token
                self._json.mask(fresh.access_token)
            return self._token

    async def _fetch(self, call: Call) -> Token:
        reply = await self._json.send(
            call,
            "POST",
            self._url,
            headers={"authorization": self._authorization, "accept": "application/json"},
            form={"grant_type": "client_credentials"},
        )
        return self._json.read(call, reply, Token)
