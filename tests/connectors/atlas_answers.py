"""Answers of Atlas for tests: an order as recorded on d4ce8ef9, and what other answers look like."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from connectors.cmms.atlas import AtlasCmms, AtlasSettings, connect
from domain.clock import WallClock
from domain.work_orders import RecordKind, WorkOrderRef

BASE = "https://atlas.test/api"
KEY = "MWABCDEFGH"
PASSWORD = "swordfish-99"
SETTINGS = AtlasSettings.model_validate(
    {
        "url": BASE,
        "email": "millwright@plant.test",
        "password": PASSWORD,
        "finding_fields": {"cause": "Cause", "problem": "Problem"},
    }
)


def key_of(number: int) -> str:
    """A key of ours for a number: no key has the digits 0, 1, 8 and 9."""
    return f"MW{number:08d}".translate(str.maketrans("0189", "AHIJ"))


def order(**changes: Any) -> dict[str, Any]:
    """An order without what we do not read, as recorded but for our key."""
    return {
        "id": 1,
        "createdBy": 2,
        "updatedBy": 2,
        "createdAt": "2026-11-21T06:50:10.399Z",
        "updatedAt": "2026-11-21T06:50:12.194Z",
        "dueDate": "2026-11-23T06:50:10.000+00:00",
        "priority": "HIGH",
        "estimatedDuration": 1.5,
        "estimatedStartDate": None,
        "description": f"Vibration RMS 9.1 mm/s.\n\nMillwright key: {KEY}",
        "title": f"Bearing wear on Press 7 [{KEY}]",
        "requiredSignature": False,
        "category": {"id": 3, "name": "Predictive"},
        "location": {"id": 4, "name": "Hall A", "address": "Paint shop", "customId": "L000001", "parentId": None},
        "team": None,
        "primaryUser": {"id": 2, "firstName": "Line", "lastName": "Robot", "image": None, "phone": "000"},
        "assignedTo": [],
        "customers": [],
        "asset": {"id": 5, "name": "Press 7", "customId": "A000001", "parentId": None, "locationId": 4},
        "files": [],
        "image": None,
        "customFieldValues": [],
        "completedBy": None,
        "completedOn": None,
        "archived": False,
        "parentRequest": None,
        "status": "OPEN",
        "feedback": None,
        "customId": "WO000001",
        **changes,
    }


def request(**changes: Any) -> dict[str, Any]:
    """A request that waits."""
    row = order(id=9, customId="R000001", cancelled=False, cancellationReason=None, workOrder=None, **changes)
    for name in ("status", "archived", "parentRequest", "completedOn", "completedBy", "feedback"):
        del row[name]
    return row


ASSET = {"id": 5, "name": "Press 7", "customId": "A000001", "barCode": "EQ-7", "location": {"id": 4}}


def page(*rows: Any, last: bool = True) -> httpx.Response:
    """A page of a search."""
    return httpx.Response(200, json={"content": list(rows), "last": last, "totalElements": len(rows)})


REQUEST = WorkOrderRef(system="atlas", kind=RecordKind.REQUEST, id="R000001", locator="9", key=KEY)
APPROVED = REQUEST.model_copy(update={"locator": "9/1"})
ORDER = WorkOrderRef(system="atlas", id="WO000001", locator="1", key=KEY)
PARENT = {"id": 9, "title": f"Bearing wear on Press 7 [{KEY}]", "customId": "R000001"}
MADE = {"id": 1, "title": "Bearing", "customId": "WO000001"}
GONE = httpx.Response(404, json={"success": False, "message": "Work Order not found"})
NO_ADDRESS = httpx.Response(404, json={"status": 404, "error": "Not Found", "path": "/comments/search/1"})


def ok(row: dict[str, Any]) -> httpx.Response:
    """A record."""
    return httpx.Response(200, json=row)


def sent(asked: httpx.Request) -> Any:
    """What was asked, as JSON."""
    return json.loads(asked.content)


Answer = httpx.Response | Callable[[httpx.Request], httpx.Response]


class AtlasWire:
    """Answers by address, each in turn and the last one for good, and what was asked. Signing in always works.

    Args:
        answers: by method and path below the address of the API.
    """

    def __init__(self, **answers: Answer | list[Answer]) -> None:
        self.asked: list[httpx.Request] = []
        self.signed_in = 0
        self._answers: dict[str, list[Answer]] = {}
        self.answer(answers)

    def answer(self, answers: dict[str, Any]) -> None:
        """Answers to come."""
        for asked, given in answers.items():
            self._answers[asked] = list(given) if isinstance(given, list) else [given]

    def __call__(self, asked: httpx.Request) -> httpx.Response:
        path = asked.url.path.removeprefix("/api")
        if path == "/auth/signin" and "POST /auth/signin" not in self._answers:
            self.signed_in += 1
            return httpx.Response(200, json={"accessToken": f"token-{self.signed_in}"})
        self.asked.append(asked)
        if path == "/auth/me":
            return httpx.Response(200, json={"id": 2})
        left = self._answers.get(f"{asked.method} {path}")
        if not left:
            empty = page() if path.endswith("/search") else httpx.Response(200, json=[])
            return httpx.Response(200, json=ASSET) if path.startswith("/assets/") and asked.method == "GET" else empty
        given = left.pop(0) if len(left) > 1 else left[0]
        return given(asked) if callable(given) else given

    def of(self, method: str, path: str) -> list[httpx.Request]:
        """The requests to one address."""
        return [each for each in self.asked if (each.method, each.url.path) == (method, f"/api{path}")]


def connected(wire: AtlasWire, settings: AtlasSettings = SETTINGS) -> AtlasCmms:
    """A connector over these answers."""
    client = httpx.AsyncClient(transport=httpx.MockTransport(wire))
    return connect(settings, client, system="atlas", clock=WallClock())
