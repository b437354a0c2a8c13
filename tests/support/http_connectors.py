"""Every connector over HTTP, by each way in which it signs in, and a vendor that knows whether a secret is right."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote
from xmlrpc.client import Fault, dumps

import httpx

from domain.clock import WallClock
from millwright.runtime.connector_settings import cmms_settings_model, mes_settings_model
from tests.connectors.rest_answers import SMALL, settings_of

USER = "bot@plant"
RIGHT = "Quartz-Harbor-7719"
HOST = "vendor.example"
_BASE = f"https://{HOST}"
_SESSION = (
    "{ kind: session, path: /auth, user_field: email, password_field: word, token_field: token, header: X-Token }"
)


class Checked(Protocol):
    """What every connector has."""

    async def check(self) -> str: ...


@dataclass(frozen=True)
class WayIn:
    """One way in which a connector signs in.

    Args:
        secret: the name of the setting that has the secret.
        own: the other settings that are needed.
        fetches: whether a token is fetched with the secret.
        asks_who: whether the id of the user is asked for before the first request.
        auth: of the description, for `rest`.
        ended: the status by which the vendor refuses a token that has ended.
    """

    name: str
    port: str
    connector: str
    secret: str
    own: Mapping[str, str]
    fetches: bool = False
    auth: str | None = None
    ended: int = 401
    asks_who: bool = False

    def settings(self, secret: object = RIGHT, **more: object) -> Any:
        """The settings of the connector."""
        own: dict[str, Any] = {**self.own, self.secret: secret, **more}
        if self.auth is not None:
            return settings_of(SMALL.replace("{ kind: bearer }", self.auth), **{"token": None, **own})
        model = (cmms_settings_model if self.port == "cmms" else mes_settings_model)(self.connector)
        return model.model_validate(own)

    def at(self, base: str) -> "WayIn":
        """The same at another address."""
        moved = {name: value.replace(_BASE, base) for name, value in self.own.items()}
        return replace(self, own=moved)

    def connected(self, http: httpx.AsyncClient, secret: object = RIGHT, **more: Any) -> Checked:
        """The connector over a client."""
        package = import_module(f"connectors.{self.port}.{self.connector}")
        made: Checked = package.connect(self.settings(secret, **more), http, system=self.connector, clock=WallClock())
        return made


_NAMED = {"url": _BASE, "user": USER}
_REST = {"url": f"{_BASE}/api"}
_OAUTH = {"token_url": f"{_BASE}/oauth/token"}
WAYS_IN = (
    WayIn("maximo", "cmms", "maximo", "api_key", {"url": f"{_BASE}/maximo/api"}),
    WayIn("odoo", "cmms", "odoo", "api_key", {"url": _BASE, "database": "plant"}),
    WayIn(
        "odoo by XML-RPC",
        "cmms",
        "odoo",
        "api_key",
        {"url": _BASE, "database": "plant", "protocol": "xmlrpc", "login": USER},
        asks_who=True,
    ),
    WayIn("sap_pm", "cmms", "sap_pm", "password", _NAMED),
    WayIn("atlas", "cmms", "atlas", "password", {"url": _BASE, "email": "bot@plant.example"}, fetches=True, ended=403),
    WayIn("maintainx", "cmms", "maintainx", "api_key", {"url": f"{_BASE}/v1"}),
    WayIn("rest by bearer", "cmms", "rest", "token", _REST, auth="{ kind: bearer }"),
    WayIn("rest by header", "cmms", "rest", "token", _REST, auth="{ kind: header, header: X-Key }"),
    WayIn("rest by basic", "cmms", "rest", "password", {**_REST, "user": USER}, auth="{ kind: basic }"),
    WayIn("rest by session", "cmms", "rest", "password", {**_REST, "user": USER}, fetches=True, auth=_SESSION),
    WayIn(
        "rest by client credentials",
        "cmms",
        "rest",
        "password",
        {**_REST, **_OAUTH, "user": USER},
        fetches=True,
        auth="{ kind: client_credentials }",
    ),
    WayIn("odoo_mrp", "mes", "odoo_mrp", "api_key", {"url": _BASE, "database": "plant"}),
    WayIn("sap_dm", "mes", "sap_dm", "client_secret", {"url": _BASE, **_OAUTH, "client_id": USER, "plant": "P1"}, True),
    WayIn("factorysemantics", "mes", "factorysemantics", "password", _NAMED, fetches=True),
)
"""Each way in; `test_every_connector_over_http_is_here` compares it with the connectors that there are."""


@dataclass
class Vendor:
    """Answers as if it were every vendor: it refuses a wrong secret or token, and to a right one answers 503.

    Args:
        right: the secret that counts.
        tokens: those that it gave and that count.
        meanwhile: done once, while the first request with a secret or a token is under way.
        ended: as of the way in.
        asked: the path and the status of each such request.
    """

    right: str = RIGHT
    tokens: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] | None = None
    ended: int = 401
    asked: list[tuple[str, int]] = field(default_factory=list)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/web/version":
            return httpx.Response(200, json={"version": "19.0", "version_info": [19, 0, 0, "final", 0, ""]})
        if request.url.path == "/health":
            return httpx.Response(200, json={"plant": "P1"})
        if b"<methodName>version<" in request.content:
            return _xml({"server_version": "18.0", "server_version_info": [18, 0, 0, "final", 0, ""]})
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        reply = self._signed_in(request)
        self.asked.append((request.url.path, reply.status_code))
        return _by_xml_rpc(request, reply) if request.url.path.startswith("/xmlrpc/") else reply

    def _signed_in(self, request: httpx.Request) -> httpx.Response:
        fetching = request.url.path in ("/auth/signin", "/auth/login", "/api/auth", "/oauth/token")
        if not any(word in _sent(request) for word in ([self.right] if fetching else [self.right, *self.tokens])):
            if self.ended == httpx.codes.FORBIDDEN and not fetching:
                return httpx.Response(self.ended)
            return httpx.Response(401, json={"error": "invalid_client", "message": f"wrong: {_sent(request)}"})
        if request.url.path == "/xmlrpc/2/common":
            return httpx.Response(200)
        if not fetching:
            return httpx.Response(503)
        self.tokens.append(f"token-{len(self.tokens)}-of-the-vendor")
        token = self.tokens[-1]
        return httpx.Response(200, json={"accessToken": token, "access_token": token, "token": token, "code": USER})


def _by_xml_rpc(request: httpx.Request, reply: httpx.Response) -> httpx.Response:
    """A reply as Odoo gives it over XML-RPC, in which a refusal has the status 200."""
    match reply.status_code, request.url.path:
        case 200, _:
            return _xml(7)
        case 401, "/xmlrpc/2/common":
            return _xml(False)
        case 401, _:
            return _xml(Fault(3, "Access Denied"))
    return reply


def _xml(value: Any) -> httpx.Response:
    content = dumps(value if isinstance(value, Fault) else (value,), methodresponse=True)
    return httpx.Response(200, text=content, headers={"content-type": "text/xml"})


def _sent(request: httpx.Request) -> str:
    """Everything of a request that can have a secret in it, decoded."""
    words = [value for name, value in request.headers.items() if name != "host"]
    pairs = [value.removeprefix("Basic ") for value in words if value.startswith("Basic ")]
    words += [unquote(base64.b64decode(pair).decode()) for pair in pairs]
    content = request.content.decode()
    return " ".join([*words, content, *(value for values in parse_qs(content).values() for value in values)])
