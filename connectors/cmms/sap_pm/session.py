"""The session that SAP requires of whoever changes something: a CSRF token and the cookies of the same session.

Both are fetched by one GET and used together: SAP refuses a token that comes with the cookies of another session.
"""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx

from connectors.call import Call
from connectors.cmms.sap_pm.settings import SapPmSettings
from connectors.http import JsonSystem
from domain.errors import ActionRequired

_HEADER: Final = "x-csrf-token"
_SHORTEST_ID: Final = 16
"""Shorter values of cookies are no ids of sessions, such as that of the client."""
_NO_TOKEN: Final = ("", "fetch", "required")


def basic(settings: SapPmSettings) -> str:
    """The user and the password, as HTTP sends them."""
    pair = f"{settings.user}:{settings.password.get_secret_value()}"
    return base64.b64encode(pair.encode()).decode()


def asks_for_token(reply: httpx.Response) -> bool:
    """Whether SAP refused a request because its token is missing, wrong, or of another session."""
    return reply.status_code == httpx.codes.FORBIDDEN and reply.headers.get(_HEADER, "").lower() == "required"


@dataclass(frozen=True)
class SapProof:
    """A token and its cookies."""

    token: str = field(repr=False)
    cookie: str = field(repr=False)

    @property
    def headers(self) -> Mapping[str, str]:
        return {_HEADER: self.token}


class SapSession:
    """The session of one connector. Requests at once share it; it is opened and renewed by one of them."""

    def __init__(self, url: str, headers: Mapping[str, str], json: JsonSystem) -> None:
        self._url = url
        self._headers = headers
        self._json = json
        self._opening = asyncio.Lock()
        self._proof: SapProof | None = None

    @property
    def cookie(self) -> str | None:
        """The cookies of the open session, so that a reading opens no other one."""
        return self._proof.cookie if self._proof else None

    def end(self) -> None:
        """Forgets the session: SAP did not accept our sign-in with it."""
        self._proof = None

    async def proof(self, call: Call, refused: SapProof | None = None) -> SapProof:
        """A token and its cookies.

        Args:
            refused: those that SAP did not accept. If another request has fetched others since, they are used.

        Raises:
            ActionRequired: SAP gives no token.
        """
        async with self._opening:
            if self._proof is None or self._proof == refused:
                self._proof = None
                self._proof = await self._open(call)
            return self._proof

    async def _open(self, call: Call) -> SapProof:
        reply = await self._json.send(call, "GET", self._url, headers={**self._headers, _HEADER: "Fetch"})
        token = reply.headers.get(_HEADER, "")
        pairs = [given.split(";", 1)[0].strip() for given in reply.headers.get_list("set-cookie")]
        if token.lower() in _NO_TOKEN:
            raise call.error(
                ActionRequired,
                "it gives no CSRF token: a proxy in between may remove the header x-csrf-token",
                field=_HEADER,
            )
        values = (pair.partition("=")[2] for pair in pairs)
        self._json.mask(token, *(value for value in values if len(value) >= _SHORTEST_ID))
        return SapProof(token, "; ".join(pairs))
