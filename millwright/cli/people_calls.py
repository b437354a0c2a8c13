"""The calls of the `people` commands to the API: each act is signed here, with the caller's own key."""

import ipaddress
import json
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.canonical import canonical
from domain.errors import Rejected, Unavailable
from domain.people import PersonAct, enrolment_text
from millwright.cli.credentials import asked_passphrase
from millwright.people.persons import api_key_hash, key_file, public_key, signing_key
from millwright.runtime.embedded.occupancy import ADDRESS_FILE
from millwright.runtime.plant_clock import clock_of
from millwright.settings import Settings

_PATIENCE = 30.0


class PeopleCalls:
    """The API as one signed-in person calls it.

    Args:
        settings: name the home and the clock.
        api: the API's address; None for that of the home.
        key: the caller's API key.
        file: the caller's signing key; None for the one in the home.
    """

    def __init__(self, settings: Settings, api: str | None, key: str, file: Path | None) -> None:
        self._settings = settings
        self._http = _client(settings, api, key)
        self._file = file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def waiting(self, person: str) -> str:
        """The text that waits for a second administrator."""
        return str(_answer(self._http, "GET", f"/{quote(person, safe='')}/waiting", None)["text"])

    def sign(
        self,
        act: str,
        person: str,
        path: str,
        body: dict[str, object],
        *,
        roles: tuple[str, ...] | None = None,
        sources: tuple[str, ...] | None = None,
        types: tuple[str, ...] | None = None,
        name_digest: str | None = None,
        verified_by: str | None = None,
        code_hash: str | None = None,
        valid_for: timedelta | None = None,
        confirms: str | None = None,
    ) -> dict[str, Any]:
        """Signs an act on a person, and sends it.

        Args:
            path: the route below `/people`.
            body: fields of the request that are not signed as they are.

        Raises:
            Rejected: the key cannot be read, or the act is refused.
            Unavailable: the API does not answer.
        """
        by = str(_answer(self._http, "GET", "", None)["you"])
        key = signing_key(self._file or key_file(self._settings.home / "people", by), asked_passphrase)
        at = clock_of(self._settings.clock).now()
        signed = PersonAct(
            act=act,
            person=person,
            by=by,
            at=at,
            roles=roles,
            sources=sources,
            types=types,
            name_digest=name_digest,
            verified_by=verified_by,
            code_hash=code_hash,
            valid_for=valid_for,
            confirms=confirms,
        )
        terms = {
            "roles": roles,
            "sources": sources,
            "types": types,
            "verified_by": verified_by,
            "code_hash": code_hash,
            "valid_for": valid_for,
        }
        given = {name: value for name, value in terms.items() if value is not None}
        signature = key.sign(signed.text.encode()).hex()
        return _answer(self._http, "POST", path, {**body, **given, "at": at, "signature": signature})


def listed(settings: Settings, api: str | None, key: str) -> dict[str, Any]:
    """Everybody, and who asks.

    Raises:
        Rejected: the caller may not see it.
        Unavailable: the API does not answer.
    """
    with _client(settings, api, key) as http:
        return _answer(http, "GET", "", None)


def enrol(settings: Settings, api: str | None, person: str, code: str, key: Ed25519PrivateKey) -> str:
    """Registers a person's new key; gives their API key.

    Raises:
        Rejected: the code is refused.
        Unavailable: no answer came; enrolling again with the same key is safe.
    """
    at: datetime = clock_of(settings.clock).now()
    proof = key.sign(enrolment_text(person, api_key_hash(code), public_key(key), at).encode()).hex()
    body = {"code": code, "public_key": public_key(key), "at": at, "proof": proof}
    with _client(settings, api, None) as http:
        return str(_answer(http, "POST", f"/{quote(person, safe='')}/enrol", body)["api_key"])


def _client(settings: Settings, api: str | None, key: str | None) -> httpx.Client:
    address = api or _address(settings.home)
    url = httpx.URL(address)
    if url.scheme != "https" and not _is_loopback(url.host):
        raise Rejected(f"{url.host} is called without TLS", field="api", fix="write https://; keys are never sent open")
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=address, headers=headers, timeout=_PATIENCE, trust_env=False)


def _address(home: Path) -> str:
    try:
        return str(json.loads((home / ADDRESS_FILE).read_text())["url"])
    except (OSError, ValueError, KeyError) as error:
        raise Rejected(
            f"no API runs under {home}", field="api", fix="name its address: --api or MILLWRIGHT_API_URL"
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _answer(http: httpx.Client, method: str, path: str, body: dict[str, object] | None) -> dict[str, Any]:
    content = None if body is None else canonical(body)
    headers = {"Content-Type": "application/json"}
    try:
        reply = http.request(method, f"/people{path}", content=content, headers=headers)
        answer: dict[str, Any] = reply.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(f"no answer: {error}", system="API", operation="people") from error
    if reply.is_success:
        return answer
    if reply.is_server_error:
        raise Unavailable(str(answer.get("detail")), system="API", operation="people")
    raise Rejected(str(answer.get("detail")), field=answer.get("field"), fix=answer.get("fix"))
