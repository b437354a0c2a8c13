"""The requests of a description, over HTTP with JSON."""

from collections.abc import Collection, Mapping
from typing import Final, TypeVar

import httpx

from connectors.call import Call
from connectors.cmms.rest.description import RestDescription, RestPaging
from connectors.cmms.rest.expressions import RestExpressionFailed, cel_value
from connectors.cmms.rest.models import RestBody, RestPage
from connectors.cmms.rest.requests import RestListing, RestRequest
from connectors.cmms.rest.scopes import RestScope
from connectors.cmms.rest.settings import RestSettings
from connectors.cmms.rest.sign_in import RestSignIn, secrets_of
from connectors.http import JsonSystem, VendorFault
from connectors.json_reading import parsed_json
from domain.canonical import Json
from domain.errors import ActionRequired, ConnectorError, Refused
from domain.unreadable import UnreadableRecord

ReadT = TypeVar("ReadT")

_MOST_PAGES: Final = 1000
_REFUSED_BESIDE: Final = (400, 404, 410, 422)
"""By what a system refuses something beside one order. Other statuses pass, or are about all orders."""


class RestClient:
    """Requests to one system.

    Every address begins with the one of the settings. A link to another page is followed only on the same host, so that
    our credentials go nowhere else.
    """

    def __init__(self, settings: RestSettings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._description: RestDescription = settings.description.description
        self._site: dict[str, object] = {f"site.{name}": cel_value(value) for name, value in settings.values.items()}
        self._site["limit"] = settings.page_size
        self._json = JsonSystem(
            http,
            timeout=settings.timeout,
            concurrency=settings.concurrency,
            read_fault=self._read_fault,
            secrets=secrets_of(settings),
            sign=lambda: self._sign_in.present(),
        )
        self._sign_in = RestSignIn(settings, self._json)
        self._user: str | None = None
        """Our user by the last answer."""

    def unreadable(self, call: Call, report: UnreadableRecord) -> ActionRequired:
        """A record that a call needs and that cannot be read."""
        return self._json.unreadable(call, report)

    def without_secrets(self, text: str) -> str:
        """A text with our secrets masked."""
        return self._json.without_secrets(text)

    def failed(self, call: Call, error: RestExpressionFailed, record: str | None = None) -> ActionRequired:
        """An expression that failed: the description, or what it reads, must be corrected."""
        whose = f"{record}: " if record else ""
        return call.error(ActionRequired, self._json.clean(f"{whose}{error}"), field=error.place)

    def known(self, given: Mapping[str, object]) -> dict[str, object]:
        """What an expression may see, with what every place sees: the values of the site, and the size of a page."""
        return {**given, **self._site}

    async def user(self, call: Call) -> str:
        """The name of our user there, asked for once."""
        return self._user if self._user is not None else await self.asked_user(call)

    async def asked_user(self, call: Call) -> str:
        """The same, asked for now: whether the system answers, and takes our sign-in."""
        check = self._description.check
        if check is None:
            raise call.error(Refused, "the description has no `check`")
        body = await self.body(call, await self.send(call, check.request, {}))
        try:
            user = check.user.name_of(self.known({"body": body}))
        except RestExpressionFailed as error:
            raise self.failed(call, error) from None
        if user is None:
            raise call.error(ActionRequired, "its answer names no user", field=check.user.place)
        self._user = user
        return user

    async def send(
        self, call: Call, request: RestRequest, given: Mapping[str, object], also: Collection[int] = ()
    ) -> httpx.Response:
        """One request of the description.

        Args:
            given: the values that its expressions see.
            also: statuses that are no error here.

        Raises:
            ActionRequired: an expression of it failed.
        """
        url, params, body = self._filled(call, request, given)
        return await self._signed(call, request.method, url, params, body, also)

    def previewed(self, call: Call, request: RestRequest, given: Mapping[str, object]) -> tuple[str, dict[str, Json]]:
        """A request as it would be sent: the method and the path, and its parameters and body.

        Raises:
            ActionRequired: an expression of it failed.
        """
        url, params, body = self._filled(call, request, given)
        return f"{request.method} {url.removeprefix(self._settings.url)}", {**params, **(body or {})}

    async def body(self, call: Call, reply: httpx.Response) -> object:
        """The body of an answer in the form that expressions see; None if it is empty."""
        return cel_value(self._json.read(call, reply, RestBody).root) if reply.content.strip() else None

    async def record(self, call: Call, body: object) -> object:
        """The single record in a body."""
        try:
            return self._description.answers.record.value(self.known({"body": body}))
        except RestExpressionFailed as error:
            raise self.failed(call, error) from None

    async def page(self, call: Call, listing: RestListing, given: Mapping[str, object]) -> RestPage:
        """The first page of a list."""
        return _raised(await self._first(call, listing, given))

    async def next_page(self, call: Call, listing: RestListing, page: RestPage) -> RestPage:
        """The page after another one."""
        return _raised(await self._next(call, listing, page))

    async def rows(self, call: Call, listing: RestListing, given: Mapping[str, object]) -> list[object]:
        """All rows of a list."""
        return _raised(await self.rows_beside(call, listing, given))

    async def rows_beside(
        self, call: Call, listing: RestListing, given: Mapping[str, object]
    ) -> list[object] | ConnectorError:
        """All rows of a list, or why the system refuses it, if it is beside one order and refused for this order."""
        page = await self._first(call, listing, given)
        found, followed = list[object](), set[str]()
        while not isinstance(page, ConnectorError):
            found += page.rows
            if page.onward is None:
                return found
            if page.onward in followed or len(followed) >= _MOST_PAGES:
                raise call.error(Refused, "unreadable reply: the pages of a list do not end")
            followed.add(page.onward)
            page = await self._next(call, listing, page)
        return page

    async def _first(self, call: Call, listing: RestListing, given: Mapping[str, object]) -> RestPage | ConnectorError:
        url, params, body = self._filled(call, listing, given)
        paging = self._description.answers.paging
        if paging.by == "page" and paging.parameter is not None:
            params[paging.parameter] = str(paging.first)
        return await self._paged(call, listing, url, params, body)

    async def _next(self, call: Call, listing: RestListing, page: RestPage) -> RestPage | ConnectorError:
        return await self._paged(call, listing, page.onward or "", None, page.body)

    async def _paged(
        self,
        call: Call,
        listing: RestListing,
        url: str,
        params: dict[str, str] | None,
        body: dict[str, Json] | None,
    ) -> RestPage | ConnectorError:
        beside = _REFUSED_BESIDE if listing.scope is RestScope.BESIDE else ()
        reply = await self._signed(call, listing.method, url, params, body, (*listing.none, *beside))
        if reply.status_code in listing.none:
            return RestPage((), None)
        if reply.status_code in beside:
            return self._json.error(call, reply)
        content = await self.body(call, reply)
        try:
            known = self.known({"body": content})
            rows = (listing.rows or self._description.answers.rows).items_of(known)
            paging = self._description.answers.paging
            following = paging.next.text_of(known) if paging.next is not None else None
        except RestExpressionFailed as error:
            raise self.failed(call, error) from None
        try:
            onward = self._onward(call, reply, paging, len(rows), following)
        except (httpx.InvalidURL, ValueError) as error:
            words = f"unreadable reply: the address of the next page cannot be read ({error})"
            raise self._json.refused(call, words) from None
        return RestPage(tuple(rows), onward, body)

    def _onward(
        self, call: Call, reply: httpx.Response, paging: RestPaging, rows: int, following: str | None
    ) -> str | None:
        url, parameter = reply.request.url, paging.parameter or ""
        match paging.by:
            case "none":
                return None
            case "link_header":
                following = reply.links.get("next", {}).get("url")
                return None if following is None else self._same_host(call, url.join(following))
            case "next_link":
                return None if following is None else self._same_host(call, url.join(following))
            case "cursor":
                return None if following is None else str(url.copy_set_param(parameter, following))
        if not rows:
            return None
        step = 1 if paging.by == "page" else rows
        return str(url.copy_set_param(parameter, int(url.params.get(parameter, "0")) + step))

    def _same_host(self, call: Call, url: httpx.URL) -> str:
        ours = httpx.URL(self._settings.url)
        if (url.scheme, url.host, url.port) != (ours.scheme, ours.host, ours.port):
            raise call.error(
                ActionRequired,
                f"the next page of a list is at {url.scheme}://{url.host}, another host than that of the settings, to "
                "which our credentials are not sent; set `url` to the address that the system calls its own",
                field="url",
            )
        return str(url)

    def _filled(
        self, call: Call, request: RestRequest, given: Mapping[str, object]
    ) -> tuple[str, dict[str, str], dict[str, Json] | None]:
        known = self.known(given)
        try:
            path, query = request.path.filled(known), request.query.filled(known)
            body = None if request.body is None else request.body.filled(known)
        except RestExpressionFailed as error:
            raise self.failed(call, error) from None
        params: dict[str, str] = {}
        for name, value in query.items() if isinstance(query, dict) else ():
            if isinstance(value, dict | list):
                raise call.error(ActionRequired, f"the parameter {name} has several values; join them", field="query")
            params[name] = str(value).lower() if isinstance(value, bool) else str(value)
        return f"{self._settings.url}{path}", params, body if isinstance(body, dict) else None

    async def _signed(
        self,
        call: Call,
        method: str,
        url: str,
        params: dict[str, str] | None,
        body: dict[str, Json] | None,
        also: Collection[int],
    ) -> httpx.Response:
        """One request; if a token that was fetched is refused, once more with another one."""
        headers = await self._sign_in.fetched(call)
        fixed = {"accept": "application/json", **self._description.headers}
        refused = (httpx.codes.UNAUTHORIZED,) if self._sign_in.fetches else ()
        reply = await self._json.send(
            call, method, url, headers={**fixed, **headers}, params=params, body=body, also=(*also, *refused)
        )
        if reply.status_code not in refused or reply.status_code in also:
            return reply
        headers = await self._sign_in.fetched(call, refused=headers)
        return await self._json.send(
            call, method, url, headers={**fixed, **headers}, params=params, body=body, also=also
        )

    def _read_fault(self, reply: httpx.Response) -> VendorFault:
        answers = self._description.answers
        try:
            known = self.known({"body": cel_value(parsed_json(reply.content))})
        except ValueError:
            return VendorFault()
        told: list[str | None] = []
        for source in (answers.problem, answers.problem_field):
            try:
                told.append(source.text_of(known) if source is not None else None)
            except RestExpressionFailed:
                told.append(None)
        return VendorFault(told[0] or "", field=told[1])


def _raised(read: ReadT | ConnectorError) -> ReadT:
    if isinstance(read, ConnectorError):
        raise read
    return read
