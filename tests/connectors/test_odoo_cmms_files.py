"""How the connector to Odoo Maintenance attaches a file, with answers as a real server gives them."""

import base64
import hashlib
from typing import Any

import httpx
import pytest

from domain.errors import ActionRequired, Unavailable
from domain.order_files import FileKeeper, OrderFile
from tests.connectors.test_odoo_cmms_requests import KEY, LOST, REF, Site, Turns

FILE = OrderFile(key=f"{KEY}-evidence", name=f"{KEY}.csv", media_type="text/csv", content=b"at,value\r\n")
SHA1 = hashlib.sha1(FILE.content, usedforsecurity=False).hexdigest()


def row(checksum: str | bool = SHA1) -> dict[str, Any]:
    return {"id": 90, "res_id": 7, "checksum": checksum}


def site(*found: list[dict[str, Any]], load: object = None) -> Site:
    """A site that shows these files, one list after another."""
    made = Site()
    made.answers["ir.attachment/search_read"] = Turns(*found)
    made.answers["ir.attachment/load"] = load or {"ids": [90], "messages": []}
    made.answers["ir.attachment/get_external_id"] = {"90": external_id()}
    return made


def external_id() -> str:
    from connectors.cmms.odoo.mapping import file_external_id

    return file_external_id(KEY, FILE.key)


async def test_a_file_is_looked_for_then_loaded_under_its_external_id_and_read_back() -> None:
    made = site([], [row()])
    cmms = made.cmms()
    assert isinstance(cmms, FileKeeper)
    await cmms.attach_file(REF, FILE)
    (loaded,) = made.bodies("ir.attachment/load")
    values = dict(zip(loaded["fields"], loaded["data"][0], strict=True))
    assert values == {
        "id": external_id(),
        "name": f"{KEY}.csv",
        "res_model": "maintenance.request",
        "res_id": "7",
        "mimetype": "text/csv",
        "datas": base64.b64encode(FILE.content).decode(),
    }
    assert loaded["context"] == {"mode": "update", "noupdate": True}
    assert len(made.bodies("ir.attachment/search_read")) == 2


async def test_a_file_that_is_there_is_not_loaded_again() -> None:
    made = site([row("other")])
    await made.cmms().attach_file(REF, FILE)
    assert made.bodies("ir.attachment/load") == []


@pytest.mark.parametrize("after", [[], [row("other")], [row(checksum=False)]], ids=["gone", "other", "empty"])
async def test_a_file_that_is_not_there_as_it_was_sent_needs_a_person(after: list[dict[str, Any]]) -> None:
    with pytest.raises(ActionRequired, match="is not there as it was sent"):
        await site([], after).cmms().attach_file(REF, FILE)


async def test_a_race_that_was_lost_is_fine_if_the_file_is_there_and_is_tried_again_otherwise() -> None:
    await site([], [row("other")], load=LOST).cmms().attach_file(REF, FILE)
    with pytest.raises(Unavailable):
        await site([], [], load=LOST).cmms().attach_file(REF, FILE)


async def test_an_answer_that_is_lost_is_told_as_such() -> None:
    with pytest.raises(Unavailable):
        await site([], load=httpx.Response(503)).cmms().attach_file(REF, FILE)
