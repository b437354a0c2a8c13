"""How every connector over HTTP speaks: one table from status to error, bounded waits, no retries, no cookies.

A retry is a due row of the case that asked, so nothing is repeated here. Redirects are not followed and cookies not
sent back: a session that the vendor opens on its own would outrank the key we sign in with. A connector whose vendor
requires a session sends its cookie itself.
"""

import asyncio
import html
import math
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from connectors.call import Call
from connectors.json_reading import first_fault, parsed_json
from connectors.library_errors import PLAIN_ERRORS
from connectors.pace import Pace
from connectors.tls_faults import tls_fault, was_reset
from domain.canonical import Json
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.unreadable import UnreadableRecord

LONGEST_RETRY_AFTER: Final = timedelta(days=1)
"""A vendor that asks for more is asked again after this all the same: a mistyped header must not park a plant."""

_QUOTED_LENGTH: Final = 300
_VISIBLE: Final = re.compile(r"[\s\x00-\x1f\x7f]+")
_TITLE: Final = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_PASSWORD_FIELD: Final = re.compile(rb"type\s*=\s*[\"']?password", re.IGNORECASE)

_CERTIFICATE_PAGE: Final = re.compile(r"\bSSL certificate\b", re.IGNORECASE)
"""By the titles of the pages with which nginx refuses a client: no certificate, or one that it does not take."""

_PROXY_STATUSES: Final = (502, 503, 504)
"""A proxy in between says so, or a server that is not ready: the body counts for nothing."""

_CLIENT_ERRORS: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError)
"""The roots of the client's exceptions."""
_ILLEGAL_HEADER: Final = "Illegal header"
_UNSENDABLE: Final = (
    "the request has a character that HTTP does not allow, often a line end or an umlaut in the key of the settings"
)

_MOST_MASKED: Final = 32

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True)
class VendorFault:
    """What a vendor's error says: its words, the field it names, what its code means where that is known, and the wait
    that it asks for where that is not in `Retry-After`."""

    problem: str = ""
    field: str | None = None
    meaning: type[ConnectorError] | None = None
    wait: timedelta | None = None


@dataclass(frozen=True)
class StatusMeaning:
    """What a status means where the vendor's body does not say more; `naming_a_field` where it blames one."""

    error: type[ConnectorError]
    words: str
    naming_a_field: type[ConnectorError] | None = None


STATUS_MEANINGS: Final[Mapping[int, StatusMeaning]] = {
    400: StatusMeaning(Refused, "it does not accept the request", naming_a_field=ActionRequired),
    401: StatusMeaning(ActionRequired, "it does not accept our credentials"),
    402: StatusMeaning(ActionRequired, "the licence or plan there does not include this"),
    403: StatusMeaning(ActionRequired, "our user may not do this, or its password has expired"),
    407: StatusMeaning(ActionRequired, "a proxy in between asks for credentials"),
    408: StatusMeaning(Unavailable, "it waited too long for our request"),
    409: StatusMeaning(Unavailable, "somebody else is changing the record"),
    412: StatusMeaning(Unavailable, "the record changed while we worked on it"),
    421: StatusMeaning(Unavailable, "it was the wrong server for this connection"),
    422: StatusMeaning(Refused, "it cannot process the content", naming_a_field=ActionRequired),
    423: StatusMeaning(Unavailable, "the record is locked by somebody"),
    425: StatusMeaning(Unavailable, "it was too early for it"),
    429: StatusMeaning(Unavailable, "it asks us to slow down"),
    501: StatusMeaning(Refused, "it does not know this kind of request"),
    505: StatusMeaning(Refused, "it does not speak this version of HTTP"),
}
FAMILY_MEANINGS: Final[Mapping[int, StatusMeaning]] = {
    1: StatusMeaning(Refused, "it gave an answer that HTTP does not allow here"),
    2: StatusMeaning(Refused, "it gave an unexpected kind of success"),
    3: StatusMeaning(ActionRequired, "it sends us elsewhere: a sign-in page stands in front, or the address is wrong"),
    4: StatusMeaning(Refused, "it does not accept the request"),
    5: StatusMeaning(Unavailable, "it failed inside"),
}


def meaning_of(status: int) -> StatusMeaning:
    """The row of the table for a status."""
    return STATUS_MEANINGS.get(status) or FAMILY_MEANINGS.get(status // 100, FAMILY_MEANINGS[1])


def retry_after(reply: httpx.Response) -> timedelta | None:
    """The wait that `Retry-After` asks for, as seconds or as a date (RFC 9110 §10.2.3); None where it does not.

    A date is measured against the reply's own `Date`, because the vendor's clock need not be ours.
    """
    text = reply.headers.get("retry-after", "").strip()
    if not text:
        return None
    with suppress(ValueError):
        seconds = float(text)
        if not math.isfinite(seconds):
            return None
        return min(max(timedelta(), timedelta(seconds=min(seconds, 1e9))), LONGEST_RETRY_AFTER)
    until = _http_date(text)
    if until is None:
        return None
    now = _http_date(reply.headers.get("date", "")) or datetime.now(UTC)
    return min(max(timedelta(), until - now), LONGEST_RETRY_AFTER)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_html(reply: httpx.Response) -> bool:
    """Whether a reply is a page for people, by its type or its first words."""
    return "html" in reply.headers.get("content-type", "").lower() or reply.content.lstrip()[:14].lower().startswith(
        (b"<!doctype html", b"<html")
    )


def _page(reply: httpx.Response) -> str:
    found = _TITLE.search(reply.content)
    title = html.unescape(found.group(1).decode(errors="replace")).strip() if found else ""
    return f"an HTML page titled {title!r}" if title else "an HTML page"


class JsonSystem:
    """One other system behind an HTTP client that is given, not made.

    Args:
        http: the client; its pool, proxies and certificates are its maker's business.
        timeout: the longest that one exchange may take, from sending to the last byte.
        concurrency: how many exchanges may be under way at once; more wait their turn.
        a_minute: how many the vendor takes in a minute; more wait their turn. None if it states no such limit.
        read_fault: reads a vendor's error body; it is asked about every refusal and may know nothing.
        secrets: what must never stand in a message, even where the vendor echoes it.
        sign: gives the headers that sign a request in. It is asked at each request, because a secret may change.
        pages: what an HTML page means in the place of an answer where the vendor's page with this status says more than
            the status.
        as_json: makes a reply of a system that does not speak JSON into one that does.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        timeout: timedelta,
        concurrency: int,
        a_minute: int | None = None,
        read_fault: Callable[[httpx.Response], VendorFault],
        secrets: Collection[SecretStr] = (),
        sign: Callable[[], Mapping[str, str]] | None = None,
        pages: Mapping[int, StatusMeaning] | None = None,
        as_json: Callable[[httpx.Response], httpx.Response] | None = None,
    ) -> None:
        self._http = http
        self._seconds = timeout.total_seconds()
        self._slots = asyncio.Semaphore(concurrency)
        self._pace = Pace(a_minute)
        self._read_fault = read_fault
        self._pages = pages or {}
        self._as_json = as_json
        self._sign = sign
        self._secrets = tuple(secrets)
        self._masked: dict[str, None] = {}

    async def send(
        self,
        call: Call,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | None = None,
        form: Mapping[str, str] | None = None,
        content: Callable[[], bytes] | None = None,
        cookie: str | None = None,
        signed: bool = True,
        also: Collection[int] = (),
    ) -> httpx.Response:
        """One exchange; gives replies of 200, 201 and 204 and of the statuses in `also`, unread, but never a page.

        If it is refused by 401 and the sign-in has changed meanwhile, it is made once more: what was refused did
        nothing, and a person has replaced the secret in its file.

        Args:
            body: sent as JSON.
            form: sent as a form, in the place of a body.
            content: writes what is sent as it is, in the place of a body. It is asked at each request, because a secret
                may be in it.
            cookie: the cookies of a session that the connector opened; no other cookie is sent.
            signed: whether `sign` is asked.

        Raises:
            Unavailable: no connection, no answer in time, the connection was cut, or the table says so.
            ActionRequired: the table or the vendor's code says so.
            Refused: likewise.

        A page for people in the place of an answer is ActionRequired where it asks for a password (a sign-in page
        stands in front), else Unavailable (a maintenance page or a proxy's, which passes).
        """
        sign = self._sign if signed and self._sign is not None else _nothing
        write = content if content is not None else _no_content
        sent = {"json": body, "data": form}
        async with self._slots:
            for again in (False, True):
                await self._pace.turn()
                signing, written = sign(), write()
                self._mask_present()
                told = {**(headers or {}), **signing}
                request = self._request(call, method, url, params, cookie, headers=told, content=written, **sent)
                reply = await self._exchange(call, request)
                reply = reply if self._as_json is None else self._as_json(reply)
                if again or reply.status_code != httpx.codes.UNAUTHORIZED or (sign(), write()) == (signing, written):
                    break
        page = is_html(reply)
        if reply.status_code in (200, 201, 204):
            if page:
                raise self._page_instead(call, reply)
            return reply
        if reply.status_code in also and not page:
            return reply
        raise self.error(call, reply)

    def _request(
        self, call: Call, method: str, url: str, params: Mapping[str, str] | None, cookie: str | None, **content: Any
    ) -> httpx.Request:
        try:
            # The client would parse the address once without the parameters and once with them.
            address = httpx.URL(url) if params is None else httpx.URL(url, params=params)
            # `_exchange` bounds the whole. The client's own bounds would cost a timer for each reading and writing.
            request = self._http.build_request(method, address, timeout=None, **content)
            request.headers.pop("cookie", None)
            if cookie is not None:
                request.headers["cookie"] = cookie
        except httpx.InvalidURL as error:
            raise call.error(
                ActionRequired, f"no such address can be called: {self.clean(str(error))}", field="url"
            ) from None
        except UnicodeError:
            raise call.error(ActionRequired, _UNSENDABLE) from None
        except PLAIN_ERRORS as error:
            raise self.refused(call, f"the request cannot be written ({type(error).__name__})") from None
        return request

    async def _exchange(self, call: Call, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._http.send(request, auth=None, follow_redirects=False)
        except (TimeoutError, httpx.TimeoutException):
            words = f"no answer from {request.url.host} within {self._seconds:g} s"
        except httpx.ConnectError as error:
            self._raise_tls_fault(call, request, error)
            words = f"nothing answers at {request.url.host}:{request.url.port or ''} ({self.clean(str(error))})"
        except httpx.UnsupportedProtocol:
            raise call.error(ActionRequired, "the address in the settings is not an http(s) URL", field="url") from None
        except httpx.DecodingError as error:
            raise self.refused(call, f"unreadable reply: its encoding is broken ({self.clean(str(error))})") from None
        except httpx.LocalProtocolError as error:
            if str(error).startswith(_ILLEGAL_HEADER):
                raise call.error(ActionRequired, _UNSENDABLE) from None
            words = f"the connection was cut before an answer came ({type(error).__name__})"
        except (httpx.TransportError, EOFError, OSError) as error:
            self._raise_tls_fault(call, request, error)
            words = f"the connection was cut before an answer came ({type(error).__name__})"
            if request.url.scheme == "https" and was_reset(error):
                words = f"{words}; a server that refuses our certificate, or asks for one, may do that"
        except (*_CLIENT_ERRORS, *PLAIN_ERRORS) as error:
            raise self.refused(call, f"the client failed ({type(error).__name__}: {self.clean(str(error))})") from None
        raise call.error(Unavailable, words)

    def _raise_tls_fault(self, call: Call, request: httpx.Request, error: BaseException) -> None:
        fault = tls_fault(error)
        if fault is not None:
            words = self.clean(f"no connection to {request.url.host}: {fault.problem}")
            raise call.error(ActionRequired, words, field=fault.field) from None

    def error(self, call: Call, reply: httpx.Response) -> ConnectorError:
        """The error that a refusal means: the vendor's code first, then the status table."""
        page = is_html(reply)
        row = (self._pages.get(reply.status_code) if page else None) or meaning_of(reply.status_code)
        fault = VendorFault() if page else self._read_fault(reply)
        meaning = row.error
        if reply.status_code not in _PROXY_STATUSES:
            meaning = fault.meaning or (row.naming_a_field if fault.field and row.naming_a_field else row.error)
        said = _page(reply) if page else fault.problem
        if page and reply.status_code == httpx.codes.BAD_REQUEST and _CERTIFICATE_PAGE.search(said):
            fault, meaning = VendorFault(field="client_certificate"), ActionRequired
            row = StatusMeaning(meaning, "a proxy in front asks for a certificate of ours; see client_certificate")
        words = f"{row.words} (HTTP {reply.status_code}{': ' + self.clean(said) if said else ''})"
        if issubclass(meaning, Unavailable):
            wait = retry_after(reply) if fault.wait is None else fault.wait
            return call.error(Unavailable, words, retry_after=wait)
        if issubclass(meaning, ActionRequired):
            return call.error(ActionRequired, words, field=fault.field)
        return self.refused(call, words)

    def read(self, call: Call, reply: httpx.Response, model: type[ModelT]) -> ModelT:
        """The JSON of a reply in the shape expected.

        Raises:
            Refused: it is not JSON, or not of this shape.
        """
        try:
            return model.model_validate(parsed_json(reply.content))
        except ValidationError as error:
            place, problem = first_fault(error)
            raise self.refused(call, f"unreadable reply: {place + ': ' if place else ''}{problem}") from None
        except ValueError as error:
            raise self.refused(call, f"unreadable reply: {error}") from None

    def _page_instead(self, call: Call, reply: httpx.Response) -> ConnectorError:
        words = f"it answered with {self.clean(_page(reply))} instead of JSON"
        if _PASSWORD_FIELD.search(reply.content):
            return call.error(ActionRequired, f"{words}: a sign-in page stands in front of it")
        return call.error(Unavailable, f"{words}: a maintenance page or a proxy's", retry_after=retry_after(reply))

    def refused(self, call: Call, problem: str) -> Refused:
        """A fault of ours, or a reply that nobody can read."""
        return call.error(Refused, self.clean(problem))

    def unreadable(self, call: Call, report: UnreadableRecord) -> ActionRequired:
        """A record that a call needs and that cannot be read: a person corrects it there."""
        return call.error(ActionRequired, self.clean(report.words), field=report.field)

    def clean(self, text: str) -> str:
        """A vendor's words fit for a message: one line, short, without our secrets."""
        text = _VISIBLE.sub(" ", self.without_secrets(text)).strip()
        return text if len(text) <= _QUOTED_LENGTH else text[: _QUOTED_LENGTH - 1] + "…"

    def without_secrets(self, text: str) -> str:
        """The text with our secrets masked: a vendor may echo them."""
        self._mask_present()
        for secret in sorted(self._masked, key=len, reverse=True):
            text = text.replace(secret, "[secret]")
        return text

    def mask(self, *secrets: str) -> None:
        """Masks what signs us in besides the secrets of the settings, such as a token. Of all such texts and of secrets
        that have changed, the newest are remembered."""
        for secret in secrets:
            if secret:
                self._masked.pop(secret, None)
                self._masked[secret] = None
        while len(self._masked) > _MOST_MASKED:
            del self._masked[next(iter(self._masked))]

    def _mask_present(self) -> None:
        self.mask(*(secret.get_secret_value() for secret in self._secrets))


def _nothing() -> Mapping[str, str]:
    return {}


def _no_content() -> None:
    return None
