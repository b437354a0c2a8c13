"""The way from a connector to its system, on which requests are seen and faults are made."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus

import httpx

from millwright.connector_trial.wire_faults import WireFault, disturbed, doubled, with_content, without_the_system

_OF_ONE_RECORD: Final = re.compile(r"(?<=/)(?:_[^/]*|[^/]*\d[^/]*)")
"""A part of a path that names a record: it has a digit, or begins with an underline as those of Maximo do."""
_XML_RPC_CALL: Final = re.compile(
    r"<string>([a-z.]+\.[a-z.]+)</string></value>\s*</param>\s*<param>\s*<value><string>(\w+)</string>"
)
"""The model and the method of a call, which are parameters that follow each other."""


@dataclass(frozen=True)
class SeenRequest:
    """A request of a connector.

    Args:
        method: its HTTP method.
        path: its path without the parts that name a record, so that the same call for two orders has one path. XML-RPC
            calls every method at one address, so there it goes on with the names of model and method.
        words: its query and content in plain text, without what the encodings of URL and JSON add.
    """

    method: str
    path: str
    words: str

    @classmethod
    def of(cls, request: httpx.Request) -> "SeenRequest":
        """What is seen of a request."""
        body = request.content.decode(errors="replace")
        try:
            # JSON writes other characters than ASCII as escapes.
            body = json.dumps(json.loads(body), ensure_ascii=False)
        except ValueError:
            body = unquote_plus(body)
        words = unquote_plus(request.url.query.decode(errors="replace")) + "\n" + body
        called = _XML_RPC_CALL.search(body) if "xml" in request.headers.get("content-type", "") else None
        path = request.url.path if called is None else f"{request.url.path}/{called[1]}/{called[2]}"
        return cls(request.method, _OF_ONE_RECORD.sub("#", path), words)

    @property
    def kind(self) -> tuple[str, str]:
        """What the requests of one operation have in common."""
        return self.method, self.path


Matching = Callable[[SeenRequest], bool]


def every_request(request: SeenRequest) -> bool:
    """Matches all requests."""
    del request
    return True


def carrying(words: str) -> Matching:
    """Matches the requests that send these words, such as the one that creates an order with this title."""
    return lambda request: words in request.words


@dataclass
class Disturbance:
    """A fault that waits for the requests that it is for."""

    fault: WireFault
    matching: Matching
    times: int
    met: int = 0
    """How many requests it has disturbed."""
    after: int = 0
    """How many requests of any kind began after the first was disturbed."""


@dataclass
class Rewriting:
    """A word in the answers that is replaced by another one, wherever a JSON text is that word alone."""

    word: str
    other: str
    met: int = 0


@dataclass
class TrialWire(httpx.AsyncBaseTransport):
    """Sends requests by the client that production would use, and disturbs those that a fault is for.

    Args:
        client: the client that sends.
        requests: how many requests the system got.
        throttled: how many of the system's own answers were 429.
        given_up: whether the system asked us to slow down for so long that no call waits any more.
        seen: every request, also those that the system did not get, since the list was last emptied.
        delivered: the requests that the system answered with success, since the list was last emptied.
        credentials: what the requests had in `Authorization` after the scheme.
    """

    client: httpx.AsyncClient
    requests: int = 0
    throttled: int = 0
    given_up: bool = False
    seen: list[SeenRequest] = field(default_factory=list)
    delivered: list[SeenRequest] = field(default_factory=list)
    credentials: set[str] = field(default_factory=set)
    _disturbances: list[Disturbance] = field(default_factory=list)
    _rewritings: list[Rewriting] = field(default_factory=list)

    def disturb(self, fault: WireFault, matching: Matching, times: int = 1) -> Disturbance:
        """Makes a fault of the next requests that match."""
        made = Disturbance(fault, matching, times)
        self._disturbances.append(made)
        return made

    def rewrite(self, word: str, other: str) -> Rewriting:
        """Replaces a word in every answer."""
        made = Rewriting(word, other)
        self._rewritings.append(made)
        return made

    def clear(self) -> None:
        """From now on nothing is disturbed, and nothing was seen."""
        self._disturbances.clear()
        self._rewritings.clear()
        self.seen.clear()
        self.delivered.clear()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        seen = SeenRequest.of(request)
        self.seen.append(seen)
        self.credentials.add(request.headers.get("authorization", "").rpartition(" ")[2])
        for made in self._disturbances:
            made.after += made.met > 0
        met = next((made for made in self._disturbances if made.met < made.times and made.matching(seen)), None)
        if met is None:
            return self._rewritten(await self._answer(request, seen), request)
        # Counted at once, so that a request that is under way at the same time is not disturbed too.
        met.met += 1
        if not met.fault.done:
            return without_the_system(met.fault, request)
        answer = await self._answer(request, seen)
        twice = doubled(answer.content)
        without_effect = met.fault is WireFault.ROWS_DOUBLED and twice == answer.content
        if without_effect or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            # The system did not do it, or there is nothing to disturb: the fault waits for the next request.
            met.met -= 1
            return answer
        if met.fault is WireFault.ROWS_DOUBLED:
            return with_content(answer, twice, request)
        if met.fault is WireFault.SENT_TWICE:
            answer = await self._answer(request, seen)
        return disturbed(met.fault, answer, request)

    async def _answer(self, request: httpx.Request, seen: SeenRequest) -> httpx.Response:
        self.requests += 1
        # A copy, because the client that sends it changes a request's state.
        copy = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.content, extensions=request.extensions
        )
        answer = await self.client.send(copy, auth=None, follow_redirects=False)
        self.throttled += answer.status_code == httpx.codes.TOO_MANY_REQUESTS
        if answer.is_success:
            self.delivered.append(seen)
        return with_content(answer, answer.content, request)

    def _rewritten(self, answer: httpx.Response, request: httpx.Request) -> httpx.Response:
        content = answer.content
        for made in self._rewritings:
            word = json.dumps(made.word).encode()
            if word in content:
                made.met += 1
                content = content.replace(word, json.dumps(made.other).encode())
        return answer if content is answer.content else with_content(answer, content, request)
