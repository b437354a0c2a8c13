"""The client of a connector keeps no cookie of the vendor."""

from pathlib import Path

import certifi
import httpx
import pytest
from pydantic import BaseModel

from connectors.tls_files import TlsFiles
from millwright.runtime.connecting import http_client
from millwright.runtime.no_cookies import NoCookies


class OwnSettings(BaseModel):
    """Those of a connector without files for TLS."""


async def test_a_client_without_cookies_keeps_none_and_sends_none() -> None:
    sent: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"set-cookie": "JSESSIONID=1; Path=/"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), cookies=NoCookies()) as client:
        for _ in range(2):
            assert "set-cookie" in (await client.get("http://vendor.test/")).headers
    assert sent == [None, None]
    assert list(client.cookies.jar) == []


@pytest.mark.parametrize("with_files", [False, True])
async def test_every_connector_gets_such_a_client(*, with_files: bool) -> None:
    own: BaseModel = OwnSettings()
    if with_files:
        own = TlsFiles(server_ca=Path(certifi.where()))
    async with http_client(own, str.upper) as client:
        assert isinstance(client.cookies.jar, NoCookies)
