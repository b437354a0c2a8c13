"""Answers of MaintainX for tests: orders, lists and errors."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from connectors.cmms.maintainx import MaintainXCmms, MaintainXSettings, connect, mapping
from connectors.cmms.maintainx.models import MaintainXOrder
from domain.clock import WallClock
from domain.work_orders import WorkOrderDraft, WorkOrderRef

BASE = "https://maintainx.test/v1"
KEY = "MWABCDEFGH"
API_KEY = "swordfish-99"
SETTINGS = MaintainXSettings.model_validate(
    {
        "url": BASE,
        "api_key": API_KEY,
        "finding_fields": {"cause": "Cause", "problem": "Problem"},
        "note_fields": ["Remarks"],
    }
)
DRAFT = WorkOrderDraft.model_validate(
    {
        "key": KEY,
        "asset": "m1/comp1",
        "asset_attributes": {},
        "asset_external_id": "5",
        "summary": "Bearing",
        "paragraphs": ("Seen.",),
        "failure_mode": "VIB",
        "priority": 2,
        "released": True,
        "reported_at": "2026-11-21T06:00:00Z",
        "due_at": "2026-11-23T06:50:10Z",
    }
)
REF = WorkOrderRef(system="maintainx", id="7", locator="107", key=KEY)


def key_of(number: int) -> str:
    """A key of ours for a number: no key has the digits 0, 1, 8 and 9."""
    return f"MW{number:08d}".translate(str.maketrans("0189", "AHIJ"))


def order(**changes: Any) -> dict[str, Any]:
    """An order as it is after its creation, with fields that we do not know."""
    body = mapping.draft_body(DRAFT, 5, SETTINGS)
    return {
        **body,
        "id": 107,
        "sequentialId": 7,
        "status": "OPEN",
        "createdAt": "2026-11-21T06:50:10.399Z",
        "updatedAt": "2026-11-21T06:50:10.399Z",
        "completedAt": None,
        "completerId": None,
        "progress": {"openCount": 1, "doneCount": 0},
        "assignees": [],
        "parts": [],
        "times": [],
        "timeItems": [],
        "expenditures": [],
        "extraFields": {},
        "addedLater": {"anything": 1},
        **changes,
    }


def row(**changes: Any) -> MaintainXOrder:
    """The same, read."""
    return MaintainXOrder.model_validate(order(**changes))


def listed(number: int = 107, at: str = "2026-11-21T06:50:10.399Z", **changes: Any) -> dict[str, Any]:
    """An order in a list: without its external data and its asset."""
    return {"id": number, "sequentialId": number - 100, "updatedAt": at, "title": f"Bearing [{KEY}]", **changes}


def page(*rows: Any, cursor: str | None = None) -> httpx.Response:
    """A page of a list."""
    return httpx.Response(200, json={"workOrders": list(rows), "nextCursor": cursor, "nextPageUrl": None})


def single(content: Mapping[str, Any] | None = None) -> httpx.Response:
    """An order by itself."""
    return httpx.Response(200, json={"workOrder": order() if content is None else content})


GONE = httpx.Response(404, json={"error": "Work order not found"})


def sent(asked: httpx.Request) -> Any:
    """What was asked, as JSON."""
    return json.loads(asked.content)


Answer = httpx.Response | Callable[[httpx.Request], httpx.Response]


class MaintainXWire:
    """Answers by method and path below the address of the API, each in turn and the last one for good, and what was
    asked. A list without an answer is empty."""

    def __init__(self, answers: Mapping[str, Answer | list[Answer]] | None = None) -> None:
        self.asked: list[httpx.Request] = []
        self._answers = {
            asked: list(given) if isinstance(given, list) else [given] for asked, given in (answers or {}).items()
        }

    def __call__(self, asked: httpx.Request) -> httpx.Response:
        self.asked.append(asked)
        left = self._answers.get(f"{asked.method} {asked.url.path.removeprefix('/v1')}", [page()])
        given = left.pop(0) if len(left) > 1 else left[0]
        return given(asked) if callable(given) else given

    def of(self, method: str, path: str) -> list[httpx.Request]:
        """The requests to one address."""
        return [each for each in self.asked if (each.method, each.url.path) == (method, f"/v1{path}")]


def connected(wire: MaintainXWire, settings: MaintainXSettings = SETTINGS) -> MaintainXCmms:
    """A connector over these answers."""
    client = httpx.AsyncClient(transport=httpx.MockTransport(wire))
    return connect(settings, client, system="maintainx", clock=WallClock())
