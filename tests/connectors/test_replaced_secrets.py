"""A secret that is replaced in its file: each connector uses the new one at its next request, and at once if it is
refused with the old one."""

import logging
from pathlib import Path

import httpx
import pytest

from connectors.manifest import connector_folders
from domain.errors import ActionRequired, Unavailable
from millwright.runtime.connector_settings import CMMS_CONNECTORS, MES_CONNECTORS
from millwright.runtime.setting_files import SecretInFile
from tests.support.http_connectors import RIGHT, WAYS_IN, Vendor, WayIn

NEXT = "Birch-Signal-8830"
EACH_WAY = pytest.mark.parametrize("way", WAYS_IN, ids=lambda way: way.name)
OVER_OPC_UA = {"opcua_job_control", "packml"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(f"{RIGHT}\n")
    return file


def written(file: Path, text: str) -> None:
    file.write_text(text)


def test_every_connector_over_http_is_here() -> None:
    assert {way.connector for way in WAYS_IN} == {*CMMS_CONNECTORS, *MES_CONNECTORS} - OVER_OPC_UA
    assert len(list(connector_folders())) >= len(CMMS_CONNECTORS) + len(MES_CONNECTORS)


@EACH_WAY
async def test_the_next_request_has_the_secret_that_the_file_has_then(way: WayIn, file: Path) -> None:
    vendor = Vendor(ended=way.ended)
    made = way.connected(vendor.client(), SecretInFile(file, "THE_SECRET_FILE"))
    with pytest.raises(Unavailable):
        await made.check()
    written(file, NEXT)
    vendor.right, vendor.tokens = NEXT, []
    with pytest.raises(Unavailable):
        await made.check()
    # A token that was got with the old secret is tried once, and refused. A secret is never sent again after its time.
    assert [status for _, status in vendor.asked].count(way.ended) == (1 if way.fetches else 0)


@EACH_WAY
async def test_a_request_that_is_refused_while_the_secret_is_replaced_is_made_once_more(way: WayIn, file: Path) -> None:
    def replaced() -> None:
        file.write_text(NEXT)
        vendor.right = NEXT

    vendor = Vendor(meanwhile=replaced)
    with pytest.raises(Unavailable):
        await way.connected(vendor.client(), SecretInFile(file, "THE_SECRET_FILE")).check()
    assert [status for _, status in vendor.asked] == ([401, 200, 503] if way.fetches or way.asks_who else [401, 503])


async def test_a_call_by_xml_rpc_that_is_refused_while_the_key_is_replaced_is_made_once_more(file: Path) -> None:
    (way,) = (way for way in WAYS_IN if way.asks_who)
    vendor = Vendor()
    made = way.connected(vendor.client(), SecretInFile(file, "THE_SECRET_FILE"))
    with pytest.raises(Unavailable):
        await made.check()

    def replaced() -> None:
        file.write_text(NEXT)
        vendor.right = NEXT

    vendor.asked.clear()
    vendor.meanwhile = replaced
    with pytest.raises(Unavailable):
        await made.check()
    assert vendor.asked == [("/xmlrpc/2/object", 401), ("/xmlrpc/2/object", 503)]
    vendor.right = "another-one"
    vendor.asked.clear()
    with pytest.raises(ActionRequired):
        await made.check()
    assert vendor.asked == [("/xmlrpc/2/object", 401)]


@EACH_WAY
async def test_a_secret_that_is_wrong_and_stays_is_asked_for_once_and_told_nowhere(
    way: WayIn, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    vendor = Vendor(right="another-one")
    made = way.connected(vendor.client(), SecretInFile(file, "THE_SECRET_FILE"))
    with pytest.raises(ActionRequired) as refused:
        await made.check()
    assert [status for _, status in vendor.asked] == [401]
    written(file, NEXT)
    with pytest.raises(ActionRequired) as again:
        await made.check()
    for secret in (RIGHT, NEXT):
        assert (
            secret not in f"{refused.value!r} {vars(refused.value)} {again.value!r} {vars(again.value)} {caplog.text}"
        )


@EACH_WAY
async def test_the_old_secret_is_masked_though_the_vendor_repeats_it_after_it_was_replaced(
    way: WayIn, file: Path
) -> None:
    def refused(request: httpx.Request) -> httpx.Response:
        if request.url.path in ("/web/version", "/health"):
            return vendor(request)
        return httpx.Response(403, json={"message": f"not {RIGHT} nor {NEXT}", "error": f"not {RIGHT} nor {NEXT}"})

    vendor = Vendor()
    made = way.connected(
        httpx.AsyncClient(transport=httpx.MockTransport(refused)), SecretInFile(file, "THE_SECRET_FILE")
    )
    for secret in (RIGHT, NEXT):
        written(file, secret)
        with pytest.raises(ActionRequired) as told:
            await made.check()
        assert RIGHT not in f"{told.value} {vars(told.value)}"
