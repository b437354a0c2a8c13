"""Every page of a list is read, and a link to one is followed only if it is an address of the same host."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from connectors.cmms.rest.reading import needed
from domain.errors import ActionRequired, Refused
from tests.connectors.rest_answers import CALL, SMALL, Recorder, client_of, reply, settings_of

PAGES: Mapping[str, tuple[str, tuple[Any, ...], list[str]]] = {
    "page": (
        "{ by: page, parameter: page, first: 0 }",
        (reply({"rows": [1, 2]}), reply({"rows": [3]}), reply({"rows": []})),
        ["page=0", "page=1", "page=2"],
    ),
    "offset": (
        "{ by: offset, parameter: offset }",
        (reply({"rows": [1, 2]}), reply({"rows": [3]}), reply({"rows": []})),
        ["", "offset=2", "offset=3"],
    ),
    "cursor": (
        "{ by: cursor, parameter: after, next: 'has(body.more) ? body.more : null' }",
        (reply({"rows": [1, 2], "more": "c 1"}), reply({"rows": [3]})),
        ["", "after=c+1"],
    ),
    "next_link": (
        "{ by: next_link, next: 'has(body.more) ? body.more : null' }",
        (reply({"rows": [1, 2], "more": "/api/orders?skip=2"}), reply({"rows": [3]})),
        ["", "skip=2"],
    ),
    "link_header": (
        "{ by: link_header }",
        (
            reply({"rows": [1, 2]}, headers={"Link": '<https://acme.example/api/orders?page=2>; rel="next"'}),
            reply({"rows": [3]}, headers={"Link": '<https://acme.example/api/orders?page=1>; rel="first"'}),
        ),
        ["", "page=2"],
    ),
    "none": ("{ by: none }", (reply({"rows": [1, 2, 3]}),), [""]),
}


@pytest.mark.parametrize("by", PAGES)
async def test_every_page_of_a_list_is_read(by: str) -> None:
    paging, answers, asked = PAGES[by]
    settings = settings_of(SMALL.replace("{ by: none }", paging))
    wire = Recorder(*answers)
    rows = await client_of(wire, settings).rows(CALL, needed(settings.description.description.changes), {"since": None})
    assert rows == [1, 2, 3]
    assert [request.url.query.decode().replace("sort=changed", "").strip("&") for request in wire.asked] == asked


@pytest.mark.parametrize(
    "link", ["https://evil.example/api/orders", "http://acme.example/api/orders", "//evil.example/"]
)
async def test_a_link_to_another_host_is_not_followed(link: str) -> None:
    settings = settings_of(SMALL.replace("{ by: none }", "{ by: link_header }"))
    wire = Recorder(reply({"rows": [1]}, headers={"Link": f'<{link}>; rel="next"'}))
    with pytest.raises(ActionRequired, match="another host") as refused:
        await client_of(wire, settings).rows(CALL, needed(settings.description.description.changes), {"since": None})
    assert (refused.value.field, len(wire.asked)) == ("url", 1)


BY_LINK = ("next_link, next: body.more", "link_header")
NO_ADDRESSES = ("//[::1", "////[", "//xn--/", "https://acme.example:port/", "/a\tb", "/" + "a" * 70_000)


@pytest.mark.parametrize(
    ("by", "link"),
    [
        *((by, link) for by in BY_LINK for link in NO_ADDRESSES),
        ("cursor, parameter: after, next: body.more", NO_ADDRESSES[-1]),
    ],
    ids=lambda value: value[:30],
)
async def test_a_link_that_is_no_address_is_an_answer_that_nobody_can_read(by: str, link: str) -> None:
    settings = settings_of(SMALL.replace("{ by: none }", f"{{ by: {by} }}"))
    wire = Recorder(reply({"rows": [1], "more": link}, headers={"Link": f'<{link}>; rel="next"'}))
    with pytest.raises(Refused, match="unreadable reply: the address of the next page"):
        await client_of(wire, settings).rows(CALL, needed(settings.description.description.changes), {"since": None})


async def test_pages_that_lead_in_a_circle_end() -> None:
    settings = settings_of(SMALL.replace("{ by: none }", "{ by: next_link, next: body.more }"))

    def answer(request: httpx.Request) -> httpx.Response:
        return reply({"rows": [1], "more": "/api/orders?skip=1"})

    with pytest.raises(Refused, match="do not end"):
        await client_of(answer, settings).rows(CALL, needed(settings.description.description.changes), {"since": None})
