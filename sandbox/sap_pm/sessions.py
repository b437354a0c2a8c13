"""Sign-in by user and password, sessions and their CSRF tokens."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final

from sandbox.sap_pm.errors import not_signed_in

_COOKIE: Final = "SAP_SESSIONID_MWS_100"


class Sessions:
    """The sessions of a system. A token counts with the cookie of its own session only.

    Args:
        users: the password of each user.
    """

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = users
        self._tokens: dict[str, str] = {}
        self.opened = 0

    def user(self, authorization: str) -> str:
        """The user of a request.

        Raises:
            Refusal: the user or the password is not known.
        """
        scheme, _, encoded = authorization.partition(" ")
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            name, password = "", ""
        if scheme.lower() != "basic" or not password or self._users.get(name) != password:
            raise not_signed_in()
        return name.upper()

    def fetch(self, cookies: str) -> tuple[str, str]:
        """The token and the cookie of the session of a request, which is opened if there is none."""
        session = _session_in(cookies)
        if session not in self._tokens:
            session = secrets.token_urlsafe(24)
            self._tokens[session] = secrets.token_urlsafe(18)
            self.opened += 1
        return self._tokens[session], f"{_COOKIE}={session}; path=/; HttpOnly"

    def accepts(self, token: str, cookies: str) -> bool:
        """Whether a change comes with the token of its own session."""
        return bool(token) and self._tokens.get(_session_in(cookies)) == token

    def end(self) -> None:
        """Ends all sessions."""
        self._tokens.clear()


def _session_in(cookies: str) -> str:
    try:
        found = SimpleCookie(cookies).get(_COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
