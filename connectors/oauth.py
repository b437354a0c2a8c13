"""Tokens by OAuth 2.0 client credentials (RFC 6749, 4.4), for every connector whose vendor has them."""

import asyncio
import base64
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from urllib.parse import quote

import httpx
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from connectors.call import Call
from connectors.http import JsonSystem
from connectors.json_reading import parsed_json
from connectors.replaced_secret import signed_in_by
from domain.errors import ActionRequired

_EARLY: Final = 60.0
"""How many seconds before its end a token is not used any more, but never more than a tenth of its life."""
_MEANINGS: Final = {
    "invalid_client": "the client id or the client secret is wrong",
    "unauthorized": "the client id or the client secret is wrong",
    "unauthorized_client": "this client may not get tokens by client credentials",
    "invalid_grant": "the client id or the client secret is wrong",
    "invalid_scope": "this client may not ask for this scope",
}
"""The refusals that a person must correct (RFC 6749, 5.2); `unauthorized` is said by Cloud Foundry's UAA."""


@dataclass(frozen=True)
class OAuthClient:
    """A client of an OAuth 2.0 server.

    Args:
        token_url: the address that gives tokens.
        client_id: its id.
        secret: its secret, asked at each fetch.
        setting: the name of the setting that has the secret, as errors name it.
        sends_it_in: `header` by HTTP Basic, which RFC 6749, 2.3.1 has every server take; `form` beside the grant, for a
            server that wants it there.
        scope: what the token is for, if the server asks for it.
    """

    token_url: str
    client_id: str
    secret: SecretStr
    setting: str
    sends_it_in: Literal["header", "form"]
    scope: str | None = None


def _number(value: object) -> object:
    # Some servers write the seconds as a text.
    return float(value) if isinstance(value, str) and value.strip().isdigit() else value


class OAuthToken(BaseModel):
    """The answer of the token's address (RFC 6749, 5.1).

    Args:
        access_token: the token.
        expires_in: its life in seconds from the moment of the answer; None if the server does not say it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    access_token: Annotated[str, Field(min_length=1, repr=False, pattern=r"^[!-~]+$")]
    expires_in: Annotated[Annotated[float, Field(gt=0, allow_inf_nan=False)] | None, BeforeValidator(_number)] = None


class _OAuthFault(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    error: str
    error_description: str = ""


class ClientCredentials:
    """The token of one client in one process. One is fetched at a time, and all requests use it until shortly before
    its end, or until it is refused.

    Its life is counted by the clock of this process alone, from before it was asked for, so that the clocks of both
    sides may differ. A token whose life is not told is used until it is refused.

    Args:
        client: what gets the tokens.
        json: the system whose requests they sign in.
    """

    def __init__(self, client: OAuthClient, json: JsonSystem) -> None:
        self._client = client
        self._json = json
        self._fetching = asyncio.Lock()
        self._token: str | None = None
        self._good_until = 0.0

    async def token(self, call: Call, refused: str | None = None) -> str:
        """A token that was not refused.

        Args:
            refused: the token with which a request was answered 401. If another call has fetched one since, that is
                used.

        Raises:
            Unavailable: the token's address does not answer.
            ActionRequired: it does not accept the client id or the secret.
            Refused: its answer cannot be read, or it does not know the grant.
        """
        async with self._fetching:
            now = asyncio.get_running_loop().time()
            if self._token is None or self._token == refused or now >= self._good_until:
                self._token = None
                fresh = await signed_in_by(self._client.secret, lambda secret: self._fetch(call, secret))
                life = fresh.expires_in
                self._good_until = float("inf") if life is None else now + life - min(_EARLY, life / 10)
                self._token = fresh.access_token
                self._json.mask(fresh.access_token)
            return self._token

    async def _fetch(self, call: Call, secret: str) -> OAuthToken:
        client, headers, form = self._client, {"accept": "application/json"}, {"grant_type": "client_credentials"}
        if client.sends_it_in == "header":
            # RFC 6749, 2.3.1: both are form-encoded before they are joined.
            pair = base64.b64encode(f"{quote(client.client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()
            headers["authorization"] = f"Basic {pair}"
            self._json.mask(pair)
        else:
            form |= {"client_id": client.client_id, "client_secret": secret}
        if client.scope is not None:
            form["scope"] = client.scope
        reply = await self._json.send(
            call, "POST", client.token_url, headers=headers, form=form, signed=False, also=(400, 401, 403)
        )
        if reply.is_success:
            return self._json.read(call, reply, OAuthToken)
        fault = _fault(reply)
        meaning = _MEANINGS.get(fault.error) if fault is not None else None
        if reply.status_code == httpx.codes.BAD_REQUEST and meaning is None:
            raise self._json.refused(call, self._refusal(reply, fault))
        words = meaning or "the client id or the client secret is wrong, or may not be used from here"
        raise call.error(
            ActionRequired,
            self._json.clean(f"{self._refusal(reply, fault)}; {words}"),
            field=client.setting,
        )

    def _refusal(self, reply: httpx.Response, fault: _OAuthFault | None) -> str:
        said = f": {fault.error} {fault.error_description}".rstrip() if fault is not None else ""
        return f"the address that gives tokens, {reply.request.url.host}, refuses (HTTP {reply.status_code}{said})"


def _fault(reply: httpx.Response) -> _OAuthFault | None:
    try:
        return _OAuthFault.model_validate(parsed_json(reply.content))
    except (ValidationError, ValueError):
        return None
