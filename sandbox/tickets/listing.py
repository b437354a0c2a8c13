"""Which rows a list has, and its pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.tickets.errors import Problem
from sandbox.tickets.store import Issue

_WORD: Final = re.compile(r"\w+")
_MOST: Final = 100
_DEFAULT: Final = 20


def matching(issues: Sequence[Issue], asked: Mapping[str, str]) -> list[Issue]:
    """The issues that match every parameter, in the order that is asked for."""
    found = [each for each in issues if _matches(each, asked)]
    by = asked.get("order_by", "created_at")
    if by not in ("created_at", "updated_at"):
        raise Problem(400, error="order_by does not have a valid value")
    sort = asked.get("sort", "desc")
    if sort not in ("asc", "desc"):
        raise Problem(400, error="sort does not have a valid value")
    return sorted(
        found,
        key=lambda each: (each.updated_at if by == "updated_at" else each.created_at, each.id),
        reverse=sort == "desc",
    )


def paged(request: Request, rows: Sequence[object]) -> JSONResponse:
    """One page of the rows, with links to the others."""
    asked = request.query_params
    number, size = _number(asked.get("page", "1"), "page"), _number(asked.get("per_page", str(_DEFAULT)), "per_page")
    size = min(size, _MOST)
    pages = max(1, -(-len(rows) // size))
    links = {"first": 1, "last": pages}
    if number < pages:
        links["next"] = number + 1
    if 1 < number <= pages:
        links["prev"] = number - 1
    base = f"{request.url.scheme}://{request.url.netloc}{request.scope['raw_path'].decode().partition('?')[0]}"
    kept = [(name, value) for name, value in asked.multi_items() if name not in ("page", "per_page")]
    link = ", ".join(
        f'<{base}?{urlencode([*kept, ("page", page), ("per_page", size)])}>; rel="{rel}"' for rel, page in links.items()
    )
    headers = {
        "Link": link,
        "X-Page": str(number),
        "X-Per-Page": str(size),
        "X-Next-Page": str(links.get("next", "")),
        "X-Total": str(len(rows)),
        "X-Total-Pages": str(pages),
    }
    return JSONResponse([*rows[(number - 1) * size : number * size]], headers=headers)


def _matches(issue: Issue, asked: Mapping[str, str]) -> bool:
    if asked.get("state", "all") not in ("all", issue.state):
        return False
    wanted = [name for name in asked.get("labels", "").split(",") if name]
    if any(name not in issue.labels for name in wanted):
        return False
    bounds = (("created_after", issue.created_at), ("updated_after", issue.updated_at))
    if any(name in asked and at < _moment(asked[name], name) for name, at in bounds):
        return False
    return _has_words(f"{issue.title} {issue.description or ''}", asked.get("search", ""))


def _has_words(text: str, search: str) -> bool:
    """Each word that is searched for begins a word of the text, in upper or lower case."""
    words = [word.lower() for word in _WORD.findall(text)]
    return all(any(word.startswith(part.lower()) for word in words) for part in _WORD.findall(search))


def _moment(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Problem(400, error=f"{name} is invalid") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(text: str, name: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise Problem(400, error=f"{name} does not have a valid value")
    return int(text)
