"""How each connector over HTTP notices that its session has ended, and what it takes for no answer at all."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from millwright.runtime.connector_settings import CMMS_CONNECTORS, MES_CONNECTORS
from tests.support.http_connectors import WAYS_IN, Vendor, WayIn

ROOT = Path(__file__).parents[2]
EACH_WAY = pytest.mark.parametrize("way", WAYS_IN, ids=lambda way: way.name)
FETCHING = pytest.mark.parametrize("way", [way for way in WAYS_IN if way.fetches], ids=lambda way: way.name)
TABLE = re.compile(r"^\| (`[a-z_, `]+`) \|.*\| `(test_\w+)` \|$", re.MULTILINE)


def test_the_page_has_a_row_with_a_test_for_each_connector() -> None:
    page = (ROOT / "docs" / "sign-in.md").read_text(encoding="utf-8")
    rows = TABLE.findall(page.split("## How an ended session is noticed")[1].split("\n## ")[0])
    named = {connector for row, _ in rows for connector in re.findall(r"`(\w+)`", row)}
    assert named == {*CMMS_CONNECTORS, *MES_CONNECTORS}
    tests = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    assert [test for _, test in rows if f"def {test}(" not in tests] == []


@FETCHING
async def test_a_token_that_has_ended_is_replaced_and_the_request_is_made_once_more(way: WayIn) -> None:
    vendor = Vendor(ended=way.ended)
    made = way.connected(vendor.client())
    with pytest.raises(Unavailable):
        await made.check()
    vendor.tokens.clear()
    vendor.asked.clear()
    with pytest.raises(Unavailable):
        await made.check()
    assert [status for _, status in vendor.asked] == [way.ended, 200, 503]


@FETCHING
async def test_a_token_that_is_refused_right_after_the_sign_in_is_for_a_person(way: WayIn) -> None:
    def forgetful(request: httpx.Request) -> httpx.Response:
        vendor.tokens.clear()
        return vendor(request)

    vendor = Vendor(ended=way.ended)
    with pytest.raises(ActionRequired):
        await way.connected(httpx.AsyncClient(transport=httpx.MockTransport(forgetful))).check()
    assert [status for _, status in vendor.asked] == [200, way.ended, 200, way.ended]


def answering(way: WayIn, answer: httpx.Response) -> Callable[[httpx.Request], httpx.Response]:
    """A vendor that gives tokens as ever, and the answer to all else."""
    vendor = Vendor(ended=way.ended)

    def reply(request: httpx.Request) -> httpx.Response:
        usual = vendor(request)
        return answer if usual.status_code == httpx.codes.SERVICE_UNAVAILABLE else usual

    return reply


@EACH_WAY
@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (
            httpx.Response(200, html="<html><title>Log on</title><form><input type='password'></form></html>"),
            ActionRequired,
            "a sign-in page stands in front",
        ),
        (
            httpx.Response(200, text="<!DOCTYPE html><title>Log on</title><INPUT TYPE=password>"),
            ActionRequired,
            "a sign-in page stands in front",
        ),
        (
            httpx.Response(302, headers={"location": "https://login.example/"}),
            ActionRequired,
            "a sign-in page stands in",
        ),
        (httpx.Response(200, html="<html><title>Back at noon</title></html>"), Unavailable, "maintenance page"),
    ],
    ids=["sign-in page", "sign-in page as text", "redirect", "maintenance page"],
)
async def test_a_page_in_the_place_of_an_answer_is_no_success(
    way: WayIn, answer: httpx.Response, error: type[ConnectorError], words: str
) -> None:
    with pytest.raises(error, match=words):
        await way.connected(httpx.AsyncClient(transport=httpx.MockTransport(answering(way, answer)))).check()


@EACH_WAY
async def test_an_empty_answer_is_no_success(way: WayIn) -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answering(way, httpx.Response(200))))
    with pytest.raises((ActionRequired, Refused)):
        await way.connected(http).check()


@EACH_WAY
async def test_a_refusal_without_a_word_is_for_a_person(way: WayIn) -> None:
    http = httpx.AsyncClient(transport=httpx.MockTransport(answering(way, httpx.Response(403))))
    with pytest.raises(ActionRequired):
        await way.connected(http).check()
