"""The headers that sign a request in. A token that is fetched is used until it ends or is refused."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Final

import httpx
from pydantic import SecretStr

from connectors.call import Call
from connectors.cmms.rest.models import RestBody
from connectors.cmms.rest.settings import RestSettings
from connectors.http import JsonSystem
from connectors.oauth import ClientCredentials, OAuthClient
from connectors.replaced_secret import signed_in_by
from domain.errors import ActionRequired

_FETCHED: Final = ("session", "client_credentials")


def secrets_of(settings: RestSettings) -> tuple[SecretStr, ...]:
    """The secrets of the settings."""
    return tuple(secret for secret in (settings.token, settings.password) if secret is not None)


class RestSignIn:
    """How requests to one system are signed in."""

    def __init__(self, settings: RestSettings, json: JsonSystem) -> None:
        self._settings = settings
        self._auth = settings.description.description.auth
        self._json = json
        self._signing_in = asyncio.Lock()
        self._session: str | None = None
        self._oauth = ClientCredentials(
            OAuthClient(
                settings.token_url or "",
                settings.user or "",
                settings.password or SecretStr(""),
                setting="password",
                sends_it_in="form",
                scope=self._auth.scope,
            ),
            json,
        )

    @property
    def fetches(self) -> bool:
        """Whether a token is fetched, so that another one may be fetched if it is refused."""
        return self._auth.kind in _FETCHED

    def present(self) -> Mapping[str, str]:
        """The headers of a request that needs no token to be fetched, by the secret as it is now."""
        match self._auth.kind:
            case "basic":
                pair = base64.b64encode(f"{self._settings.user or ''}:{_plain(self._settings.password)}".encode())
                self._json.mask(pair.decode())
                return {"authorization": f"Basic {pair.decode()}"}
            case "session" | "client_credentials":
                return {}
            case _:
                return self._with(_plain(self._settings.token))

    async def fetched(self, call: Call, refused: Mapping[str, str] | None = None) -> dict[str, str]:
        """The headers of a request by a token that is fetched; none if no token is fetched.

        Args:
            refused: those with which a request was answered 401. If another call has fetched a token since, it is used.

        Raises:
            ActionRequired: the system does not accept the credentials.
        """
        if not self.fetches:
            return {}
        if self._auth.kind == "client_credentials":
            before = (refused or {}).get("authorization", "").removeprefix("Bearer ")
            return self._with(await self._oauth.token(call, refused=before or None))
        async with self._signing_in:
            if self._session is None or self._with(self._session) == refused:
                self._session = None
                password = self._settings.password or SecretStr("")
                self._session = await signed_in_by(password, lambda secret: self._open(call, secret))
                self._json.mask(self._session)
            return self._with(self._session)

    def _with(self, token: str) -> dict[str, str]:
        if self._auth.kind in ("header", "session"):
            return {(self._auth.header or "").lower(): token}
        return {"authorization": f"Bearer {token}"}

    async def _open(self, call: Call, password: str) -> str:
        body = {self._auth.user_field or "": self._settings.user or "", self._auth.password_field or "": password}
        url = f"{self._settings.url}{self._auth.path}"
        reply = await self._json.send(
            call, "POST", url, headers={"accept": "application/json"}, body=dict(body), also=(400, 403)
        )
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


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
