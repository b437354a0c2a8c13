"""Answers of a real server as they were recorded, for tests without one."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx


class RecordedAnswers:
    """Answers as recorded, and only to what was asked then, in that order."""

    def __init__(self, exchanges: Iterable[Mapping[str, Any]]) -> None:
        self.headers: list[httpx.Headers] = []
        self._left: Iterator[Mapping[str, Any]] = iter(exchanges)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        exchange = next(self._left)
        asked = {
            "ask": f"{request.method} {request.url.path}",
            "body": json.loads(request.content) if request.content else None,
        }
        assert asked == {"ask": exchange["ask"], "body": exchange["body"]}
        self.headers.append(request.headers)
        answer = exchange["answer"]
        content = answer if exchange["type"].startswith("text/html") else json.dumps(answer)
        return httpx.Response(exchange["status"], headers={"content-type": exchange["type"]}, text=content)

    @property
    def is_over(self) -> bool:
        return next(self._left, None) is None
