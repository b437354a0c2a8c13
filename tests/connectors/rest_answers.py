"""A small description of a CMMS that does not exist, and a connector whose requests a function answers."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from connectors.call import Call
from connectors.cmms import rest
from connectors.cmms.rest.client import RestClient
from connectors.cmms.rest.loading import RestDescriptionFile, parse_description
from connectors.cmms.rest.settings import RestSettings
from domain.work_orders import WorkOrderDraft, WorkOrderRef
from sandbox.clock import PlantClock
from tests.connectors.atlas_answers import key_of
from tests.contract.cmms_plant import draft_of

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
KEY = key_of(1)
SMALL = """\
format: 1
vendor: Acme
title: Acme Maintenance
contract: API 3
source: https://acme.example/docs
values: { plant: The plant. }
auth: { kind: bearer }
limits: { summary: 60, description: 400, note: 120 }
priorities: { 1: urgent, 2: high, 3: low, 4: low }
answers:
  rows: body.rows
  record: body
  paging: { by: none }
  problem: body.message
  problem_field: "has(body.field) ? body.field : null"
check:
  request: { method: GET, path: /me }
  user: body.name
find: { method: GET, path: "/plants/{site.plant}/orders", query: { key: =wanted.key, size: =limit } }
find_by_asset: { method: GET, path: /orders, query: { asset: =wanted.asset, from: =wanted.since } }
read:
  request: { method: GET, path: "/orders/{order.locator}" }
  gone: { statuses: [404], proof: { method: GET, path: /me } }
create:
  request:
    method: POST
    path: /orders
    body: { key: =draft.key, title: =draft.summary, due: =draft.due_at, tags: [millwright, =draft.priority] }
  locator: headers.location.split("/")[2]
note:
  among: notes
  text: row.text
  add: { method: POST, path: "/orders/{order.locator}/notes", body: { text: =note } }
  remove: { method: DELETE, path: "/notes/{row.id}" }
changes: { method: GET, path: /orders, query: { since: =since, sort: changed } }
beside:
  notes: { method: GET, path: "/orders/{order.locator}/notes" }
order:
  id: row.number
  locator: row.id
  key: { field: row.key }
  status:
    word: row.status
    words: { open: approved, done: completed }
  changed_at: row.changed
  created_at: row.created
  asset: row.asset
  priority: row.priority
  touched: row.by != us
  report: { downtime: 'duration(row.stopped + "s")', codes: { cause: row.causes } }
"""
GITLAB = {"id": 9, "iid": 4, "title": f"Voltage [{KEY}]", "description": f"It hums.\n\nMillwright key: {KEY}"} | {
    "state": "opened",
    "labels": ["asset: PUMP-1", "millwright", "priority: 2"],
    "author": {"username": "bot"},
    "created_at": "2026-11-30T07:00:00.000Z",
    "updated_at": "2026-11-30T07:30:00.000Z",
    "closed_at": None,
    "moved_to_id": None,
    "_links": {"closed_as_duplicate_of": None},
}
"""An issue of GitLab with our key."""

CALL = Call("rest", "test", KEY)
REF = WorkOrderRef(system="rest", id="W-1", locator="a1", key=KEY)
"""What `order` is known by."""

Answer = Callable[[httpx.Request], httpx.Response]


class Recorder:
    """Answers requests, and keeps them."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._answers.pop(0)


def order(**changes: Any) -> dict[str, Any]:
    """An order of Acme with our key."""
    return {
        "id": "a1",
        "number": "W-1",
        "key": KEY,
        "status": "open",
        "changed": "2026-11-30T07:30:00Z",
        "created": "2026-11-30T07:00:00Z",
        "asset": "PUMP-1",
        "priority": "high",
        "by": "bot",
        **changes,
    }


def settings_of(text: str = SMALL, **own: Any) -> RestSettings:
    """Settings for a description."""
    file = RestDescriptionFile(file="acme.yaml", digest="0" * 64, description=parse_description(text, "acme.yaml"))
    given = {"description": file, "url": "https://acme.example/api", "token": "the-token", "values": {"plant": "N/1"}}
    return RestSettings.model_validate({**given, **own})


def gitlab_settings(**own: Any) -> RestSettings:
    """Settings for the description of GitLab issues that is shipped."""
    given = {"url": "https://gitlab.example/api/v4", "token": "the-token", "values": {"project": "plant/maintenance"}}
    return RestSettings.model_validate({"description": "gitlab_issues", **given, **own})


def connected(answer: Answer, settings: RestSettings | None = None) -> rest.RestCmms:
    """A connector whose requests a function answers."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return rest.connect(settings or settings_of(), http, system="rest", clock=PlantClock(NOW))


def reply(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """An answer in JSON."""
    return httpx.Response(status, json=content, headers=headers)


def client_of(answer: Answer, settings: RestSettings) -> RestClient:
    """The requests of a connector, without the port."""
    return RestClient(settings, httpx.AsyncClient(transport=httpx.MockTransport(answer)))


def acme(*orders: Mapping[str, Any], notes: Sequence[Mapping[str, Any]] = ()) -> Answer:
    """An Acme that has these orders, and takes no others."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api")
        if path == "/me":
            return reply({"name": "bot"})
        if path.endswith("/notes"):
            return reply({"rows": [*notes]})
        if path.startswith("/orders/"):
            found = [each for each in orders if path == f"/orders/{each['id']}"]
            return reply(found[0]) if found else reply({"message": "no such order"}, 404)
        return reply({"rows": list(orders)})

    return answer


def draft(**changes: Any) -> WorkOrderDraft:
    """A draft for the pump."""
    return draft_of(KEY, "PUMP-1", NOW, released=True).model_copy(update=changes)


def sent(request: httpx.Request) -> Any:
    """What a request has in its body."""
    return json.loads(request.content)


def written(folder: Path, text: str) -> str:
    """The path of a description that was written to a file."""
    file = folder / "acme.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)
