"""The sign-in by email and password, and the token that it gives.

A token lives for 30 minutes (14 days in 1.3). Atlas answers a missing, wrong or expired token with 403 and an empty
body, and every other refusal with 403 and words. So an empty body means that we have to sign in again. If a token ends
while Atlas works on a request, the answer is 500 with "JWT expired": Atlas reads the token a second time, before it
does anything. The refresh token is not used: it is replaced at each use, and a lost answer would lose it.
"""

import asyncio
from typing import Final

import httpx

from connectors.call import Call
from connectors.cmms.atlas.models import AtlasAccount, AtlasToken
from connectors.cmms.atlas.settings import AtlasSettings
from connectors.http import JsonSystem
from connectors.replaced_secret import signed_in_by
from domain.errors import ActionRequired

_SIGN_IN_WORDS: Final = "it does not accept our credentials (email or password)"
_EXPIRED: Final = b"JWT expired"

MAY_BE_OF_THE_TOKEN: Final = (httpx.codes.FORBIDDEN, httpx.codes.INTERNAL_SERVER_ERROR)
"""The refusals that may mean that the token has ended; `is_of_the_token` tells."""


def is_of_the_token(reply: httpx.Response) -> bool:
    """Whether a reply says that the token does not count (any more)."""
    if reply.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
        return _EXPIRED in reply.content
    return reply.status_code == httpx.codes.FORBIDDEN and not reply.content.strip()


class AtlasSignIn:
    """The token of our user. One is fetched at a time, and all requests use it."""

    def __init__(self, settings: AtlasSettings, json: JsonSystem) -> None:
        self._settings = settings
        self._json = json
        self._fetching = asyncio.Lock()
        self._token: str | None = None
        self._user: int | None = None

    async def token(self, call: Call, refused: str | None = None) -> str:
        """A token that was not refused.

        Args:
            refused: the token that a request had in vain. If another call has fetched one since, that is used.

        Raises:
            ActionRequired: Atlas does not accept the email or the password.
        """
        async with self._fetching:
            if self._token is None or self._token == refused:
                self._token = None
                self._token = await signed_in_by(self._settings.password, lambda password: self._fetch(call, password))
                self._json.mask(self._token)
            return self._token

    async def user(self, call: Call) -> int:
        """The id of our user, by which Atlas says who changed a record."""
        if self._user is None:
            self._user = (await self.account(call)).id
        return self._user

    async def account(self, call: Call) -> AtlasAccount:
        """Our user as it is now."""
        token = await self.token(call)
        reply = await self._me(call, token)
        if is_of_the_token(reply):
            reply = await self._me(call, await self.token(call, refused=token))
        if reply.status_code in MAY_BE_OF_THE_TOKEN:
            raise self._json.error(call, reply)
        return self._json.read(call, reply, AtlasAccount)

    async def _me(self, call: Call, token: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        return await self._json.send(
            call, "GET", f"{self._settings.url}/auth/me", headers=headers, also=MAY_BE_OF_THE_TOKEN
        )

    async def _fetch(self, call: Call, password: str) -> str:
        body = {"email": self._settings.email, "password": password, "type": "CLIENT"}
        headers = {"accept": "application/json"}
        url = f"{self._settings.url}/auth/signin"
        reply = await self._json.send(call, "POST", url, headers=headers, body=body, also=(401, 403))
        if reply.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise call.error(ActionRequired, f"{_SIGN_IN_WORDS} (HTTP {reply.status_code})", field="password")
        return self._json.read(call, reply, AtlasToken).accessToken
