"""The headers that sign a request in. A token that is fetched is used until it is refused."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Final

import httpx
from pydantic import SecretStr

from connectors.call import Call
from connectors.cmms.rest.models import RestBody, RestOAuthToken
from connectors.cmms.rest.settings import RestSettings
from connectors.http import JsonSystem
from domain.errors import ActionRequired

_FETCHED: Final = ("session", "client_credentials")


def secrets_of(settings: RestSettings) -> tuple[SecretStr, ...]:
    """Everything that must never be told, in each form in which it is sent."""
    given = [secret for secret in (settings.token, settings.password) if secret is not None]
    return (*given, SecretStr(_pair(settings)))


class RestSignIn:
    """How requests to one system are signed in."""

    def __init__(self, settings: RestSettings, json: JsonSystem) -> None:
        self._settings = settings
        self._auth = settings.description.description.auth
        self._json = json
        self._fetching = asyncio.Lock()
        self._token: str | None = None

    @property
    def fetches(self) -> bool:
        """Whether a token is fetched, so that another one may be fetched if it is refused."""
        return self._auth.kind in _FETCHED

    async def headers(self, call: Call, refused: Mapping[str, str] | None = None) -> dict[str, str]:
        """The headers of a request.

        Args:
            refused: those with which a request was answered 401. If another call has fetched a token since, it is used.

        Raises:
            ActionRequired: the system does not accept the credentials.
        """
        if not self.fetches:
            return self._with(_plain(self._settings.token))
        async with self._fetching:
            if self._token is None or self._with(self._token) == refused:
                self._token = None
                self._token = await self._fetch(call)
                self._json.mask(self._token)
            return self._with(self._token)

    def _with(self, token: str) -> dict[str, str]:
        match self._auth.kind:
            case "basic":
                return {"authorization": f"Basic {_pair(self._settings)}"}
            case "header" | "session":
                return {(self._auth.header or "").lower(): token}
            case _:
                return {"authorization": f"Bearer {token}"}

    async def _fetch(self, call: Call) -> str:
        user, password = self._settings.user or "", _plain(self._settings.password)
        headers = {"accept": "application/json"}
        if self._auth.kind == "client_credentials":
            form = {"grant_type": "client_credentials", "client_id": user, "client_secret": password}
            if self._auth.scope is not None:
                form["scope"] = self._auth.scope
            url = self._settings.token_url or ""
            reply = await self._json.send(call, "POST", url, headers=headers, form=form)
            return self._json.read(call, reply, RestOAuthToken).access_token
        body = {self._auth.user_field or "": user, self._auth.password_field or "": password}
        url = f"{self._settings.url}{self._auth.path}"
        reply = await self._json.send(call, "POST", url, headers=headers, body=dict(body), also=(400, 403))
        if reply.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN):
            raise call.error(
                ActionRequired, f"it does not accept our credentials (HTTP {reply.status_code})", field="password"
            )
        found = self._json.read(call, reply, RestBody).root
        for name in (self._auth.token_field or "").split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, str) or not found:
            raise call.error(
                ActionRequired, f"its answer to the sign-in has no text at {self._auth.token_field}", field="auth"
            )
        return found


def _pair(settings: RestSettings) -> str:
    return base64.b64encode(f"{settings.user or ''}:{_plain(settings.password)}".encode()).decode()


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
