"""What a preview shows is what creating the order sends, for every connector."""

import json
import xmlrpc.client
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from domain.cmms import PreviewedRecord
from domain.cmms_offers import OrderPreviewer
from tests.contract.cmms_plant import CmmsPlant

NOT_SHOWN = {"lean", "sap-client"}
"""Parameters of every request to a system, which say nothing of an order."""


class Recorder:
    """A client of a plant that keeps the JSON bodies of its requests."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.bodies: list[dict[str, str]] = []
        self.client = client
        client.event_hooks = {"request": [self._keep]}

    async def _keep(self, request: httpx.Request) -> None:
        query = {name: value for name, value in request.url.params.items() if request.method == "POST"}
        self.bodies.append({**query, **dict(_flat(_body(request), ""))})


def _body(request: httpx.Request) -> dict[str, Any]:
    """What a request says, whatever it is written in; of Odoo's `load` the row that it stores."""
    if not request.content:
        return {}
    if request.headers.get("content-type") == "text/xml":
        parameters, _ = xmlrpc.client.loads(request.content)
        body = parameters[-1] if isinstance(parameters[-1], dict) else {}
    else:
        body = json.loads(request.content)
    return dict(zip(body["fields"], body["data"][0], strict=True)) if "data" in body else body


def _flat(body: Any, above: str) -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value if isinstance(value, str) else json.dumps(value)


def shown(record: PreviewedRecord) -> dict[str, str]:
    return {field.field: field.value for field in record.fields}


@pytest.mark.parametrize("released", [False, True])
async def test_a_preview_creates_nothing_and_shows_what_creating_sends(cmms_plant: CmmsPlant, released: bool) -> None:
    recorder = Recorder(cmms_plant.client())
    cmms = cmms_plant.connector(http=recorder.client)
    assert isinstance(cmms, OrderPreviewer)
    draft = cmms_plant.draft(released=released)
    records = await cmms.preview_order(draft)
    assert cmms_plant.orders_of(draft.key) == 0
    recorder.bodies.clear()
    created = await cmms.create_work_order(draft)
    first = shown(records[0])
    sent = [body for body in recorder.bodies if first.items() <= body.items()]
    assert len(sent) == 1, (first, recorder.bodies)
    assert sent[0].keys() - first.keys() <= NOT_SHOWN
    for record in records[1:]:
        assert [body for body in recorder.bodies if shown(record).items() <= body.items()] != []
    assert all(record.status for record in records)
    assert created.ref.key == draft.key
