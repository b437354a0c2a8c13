"""Calls the API of an installation, for the commands that act.

The API checks who acts and whether they may. Such a command opens no database.
"""

import ipaddress
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import SplitResult, quote, urlsplit

import typer
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from domain.addresses import is_loopback
from domain.errors import ActRejected, Refused, Rejected, StorageFault, Unavailable
from millwright.cli.connections import settings_of
from millwright.cli.output import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from millwright.settings import Settings

_T = TypeVar("_T")

LARGEST_ANSWER: Final = 4 << 20
_LONGEST_TEXT: Final = 2000
_CONNECT: Final = 5.0
_ANSWER: Final = timedelta(minutes=2)
"""The maximum time for the beginning of an answer; a submission is checked and proved before it is answered."""
_WHOLE: Final = timedelta(minutes=4)
"""The maximum time for a whole answer, so that one that comes byte by byte ends too."""

_KEY: Final = re.compile(r"[!-~]{1,512}")
_START: Final = "start it with `millwright api`, or everything with `millwright up`"
_SCHEMES: Final = ("http", "https")
_ACTING_FIX: Final = "give your API key: --key or MILLWRIGHT_API_KEY"


class Answer(BaseModel):
    """The part of an answer that a command reads."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True)
class _Address:
    """Where the API is. `own` means that the home's own API wrote it, and that it is on this machine."""

    url: str
    own: bool

    @property
    def parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def loopback(self) -> bool:
        return is_loopback(self.parts.hostname or "")


class Api:
    """The API, called in the name of one person.

    Args:
        url: its address, without a path.
        http: the connection, which has the person's authorization.
    """

    def __init__(self, url: str, http: "httpx.Client") -> None:
        self._url = url
        self._http = http

    def read(
        self, path: tuple[str, ...], answer: type[_T], *, limit: int = LARGEST_ANSWER, **query: str | int | float | None
    ) -> _T:
        """The answer to a GET.

        Args:
            path: its parts.
            answer: the type of the answer.
            limit: the maximum size of the answer in bytes.
            query: parameters; None is left out.

        Raises:
            Rejected: the API refuses it. `ActRejected` if it cannot be done now, or not by this person.
            ConnectorError: the API does not answer, or its answer cannot be read.
            StorageFault: the API has a fault.
        """
        given = {name: value for name, value in query.items() if value is not None}
        return self._call("GET", path, answer, limit, params=given)

    def act(self, path: tuple[str, ...], answer: type[_T], body: object) -> _T:
        """The answer to a POST; `body` is sent as JSON, or as it is if it is bytes. Raises the errors of `read`."""
        from domain.canonical import canonical

        content = body if isinstance(body, bytes) else canonical(body)
        headers = {"Content-Type": "application/json"}
        return self._call("POST", path, answer, LARGEST_ANSWER, content=content, headers=headers)

    def _call(self, method: str, path: tuple[str, ...], answer: type[_T], limit: int, **request: Any) -> _T:
        import httpx

        where = "/" + "/".join(quote(part, safe="") for part in path)
        operation = f"{method} {where}"
        begun = time.monotonic()
        try:
            with self._http.stream(method, f"{self._url}{where}", **request) as reply:
                body = self._body(reply, operation, limit, begun)
        except httpx.InvalidURL as error:
            raise Rejected(
                "is no address of an API", field="api", fix="write it as https://millwright.example"
            ) from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            reason = _line(str(error)) or "it is too slow"
            problem = f"the API does not answer at {self._url} ({reason}), so nothing was done; {_START}"
            raise Unavailable(problem, system="api", operation=operation) from error
        except httpx.HTTPError as error:
            problem = f"the connection to {self._url} ended before the answer came; {_after(method)}"
            raise Unavailable(problem, system="api", operation=operation) from error
        if not reply.is_success:
            raise _error(reply.status_code, body, operation, self._url)
        try:
            return TypeAdapter(answer).validate_json(body)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            problem = f"its answer cannot be read: {shown(place)}: {first['msg']}; {_after(method)}"
            raise Refused(problem, system="api", operation=operation) from error

    def _body(self, reply: "httpx.Response", operation: str, limit: int, begun: float) -> bytes:
        """The body as it came. A compressed one was not asked for, and is not unpacked."""
        body = bytearray()
        for piece in reply.iter_raw():
            body += piece
            if len(body) > limit:
                problem = f"its answer is larger than {limit} bytes and was not read; is this the API of Millwright?"
                raise Refused(problem, system="api", operation=operation)
            if time.monotonic() - begun > _WHOLE.total_seconds():
                problem = f"its answer was not whole after {_WHOLE.total_seconds():g} seconds"
                raise Unavailable(problem, system="api", operation=operation)
        return bytes(body)


@contextmanager
def api_of(context: typer.Context, key: str | None) -> Iterator[Api]:
    """The API that the command line names, or else the home's own.

    Args:
        key: the API key of the person who acts. Without one they act as `local`, if the home's API is in local mode.

    Raises:
        Rejected: no API is known, its address is wrong, or a secret would be sent in the clear.
        ActRejected: nothing says who acts.
    """
    settings = settings_of(context)
    address = _address(settings, context.obj.api)
    with _connected(address, {"Authorization": _authorization(settings, address, key)}) as api:
        yield api


@contextmanager
def api_without_key(context: typer.Context) -> Iterator[Api]:
    """The API for a person who has no API key yet, and sends an enrolment code.

    Raises:
        Rejected: no API is known, its address is wrong, or the code would be sent in the clear.
    """
    address = _address(settings_of(context), context.obj.api)
    _check_encrypted(address, "an enrolment code")
    with _connected(address, {}) as api:
        yield api


@contextmanager
def _connected(address: _Address, headers: dict[str, str]) -> Iterator[Api]:
    import httpx

    timeout = httpx.Timeout(_ANSWER.total_seconds(), connect=_CONNECT)
    # A proxy of the environment would see what is sent over plain http.
    trust = address.parts.scheme == "https"
    given = {**headers, "Accept-Encoding": "identity"}
    with httpx.Client(headers=given, timeout=timeout, follow_redirects=False, trust_env=trust) as http:
        yield Api(address.url, http)


def _address(settings: "Settings", named: str | None) -> _Address:
    if named is not None:
        return _Address(_checked(named, "api"), own=False)
    from millwright.runtime.embedded.occupancy import ADDRESS_FILE

    file = settings.home / ADDRESS_FILE
    try:
        written = json.loads(file.read_text(encoding="utf-8"))["url"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Rejected(
            f"no API is known in {settings.home}", field="api", fix=f"{_START}; or give its address: --api URL"
        ) from error
    url = _checked(str(written), ADDRESS_FILE)
    return _Address(url, own=_Address(url, own=True).loopback)


def _checked(url: str, field: str) -> str:
    """An address without its path. It is not repeated in errors, because it may have a password."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError:
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in _SCHEMES or not host or not re.fullmatch(r"[0-9A-Za-z.:_-]+", host):
        raise Rejected("is no address of an API", field=field, fix="write it as https://millwright.example")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise Rejected(
            "has more than a host and a port", field=field, fix="write it as https://millwright.example; use --key"
        )
    named = _reachable(host)
    shown = f"[{named}]" if ":" in named else named
    return f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"


def _reachable(host: str) -> str:
    """An API that listens on every address of this machine is called on loopback."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not found.is_unspecified:
        return host
    return "127.0.0.1" if found.version == 4 else "::1"


def _authorization(settings: "Settings", address: _Address, key: str | None) -> str:
    if key is not None:
        if not _KEY.fullmatch(key):
            raise ActRejected("is no API key", field="key", fix="`millwright people enrol` prints one, once")
        _check_encrypted(address, "an API key")
        return f"Bearer {key}"
    from millwright.runtime.embedded.occupancy import LOCAL_HEADER_FILE
    from millwright.runtime.local_mode import local_authorization

    if not address.own:
        raise ActRejected("no API key is given", field="key", fix=_ACTING_FIX)
    if not os.path.lexists(settings.home / LOCAL_HEADER_FILE):
        raise ActRejected("no API key is given, and the API is not in local mode", field="key", fix=_ACTING_FIX)
    return local_authorization(settings.home)


def _check_encrypted(address: _Address, secret: str) -> None:
    if address.parts.scheme != "https" and not address.loopback:
        raise Rejected(
            f"{secret} is not sent over plain http to {address.parts.hostname}",
            field="api",
            fix="give an address that begins with https://",
        )


def _error(status: int, body: bytes, operation: str, url: str) -> Exception:
    """An error answer as an error of ours."""
    if 300 <= status < 400:
        problem = f"{url} answers with a redirect ({status}), which is not followed: your key is for {url} only"
        return Refused(problem, system="api", operation=operation)
    details = _details(body)
    detail, field, fix = (_line(details.get(name)) for name in ("detail", "field", "fix"))
    if detail is None:
        return Refused(
            f"{url} answers {status} without a reason; is this the API of Millwright?",
            system="api",
            operation=operation,
        )
    if status in (401, 403):
        return ActRejected(detail, field=field or "key", fix=fix)
    if status in (404, 409):
        return ActRejected(detail, field=field, fix=fix)
    if status in (429, 502, 503, 504):
        return Unavailable(f"{detail}{f' ({fix})' if fix else ''}", system="api", operation=operation)
    if status >= 500:
        return StorageFault(f"{operation}: {detail}{f' ({fix})' if fix else ''}")
    return Rejected(detail, field=field, fix=fix)


def _details(body: bytes) -> "Mapping[str, object]":
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _line(text: object) -> str | None:
    """A text of the answer as one line of bounded length, in which nothing controls a terminal."""
    if not isinstance(text, str) or not text.strip():
        return None
    line = shown(" ".join(text.split()))
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}…"


def _after(method: str) -> str:
    return "nothing was done" if method == "GET" else "look whether it was done before you do it again"
