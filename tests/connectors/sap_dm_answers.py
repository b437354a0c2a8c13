"""A SAP Digital Manufacturing without a network: what it answers, by path."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from connectors.mes.sap_dm import SapDmMes, SapDmSettings, connect
from domain.production import HoldMethod, HoldPlan, HoldTarget, JobState
from tests.support.plant import TestClock

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BASE = "https://api.eu10.dmc.test"
SETTINGS = {
    "url": BASE,
    "token_url": "https://plant.authentication.eu10.test/oauth/token",
    "client_id": "client",
    "client_secret": "swordfish",
    "plant": "P1",
}
TARGET = HoldTarget(receiver="resource PRESS", application_uri=BASE, namespace="P1", certificate=None)
PAUSE = HoldPlan(
    key="MWKEY",
    equipment="PRESS",
    receiver="resource PRESS",
    job="SFC1",
    prior_state=JobState.RUNNING,
    method=HoldMethod.PAUSE,
    target=TARGET,
)
BLOCK = PAUSE.model_copy(
    update={
        "job": "all SFCs",
        "prior_state": JobState.ALLOWED_TO_START,
        "method": HoldMethod.BLOCK,
        "prior_status": "PRODUCTIVE",
    }
)
RESOURCE, IN_WORK, DETAIL = "/resource/v3/resource", "/sfc/v1/sfcsInWork", "/sfc/v2/sfcdetail"
LISTED, STATUS = "/sfc/v2/worklist/sfcs", "/resource/v2/changestatus"
HOLD, RELEASE = "/sfc/v1/sfcs/hold", "/sfc/v1/sfcs/release"


def resource(**changes: Any) -> dict[str, Any]:
    return {"plant": "P1", "resource": "PRESS", "status": "PRODUCTIVE", "shifts": [], **changes}


def status(word: str) -> dict[str, Any]:
    return {"code": "403", "description": word}


def sfc(word: str = "ACTIVE", **changes: Any) -> dict[str, Any]:
    step = {
        "resource": "PRESS", "quantityInWork": 40, "quantityInQueue": 10,
        "operationScheduledStartDateTime": "2026-11-29T08:00:00Z",
        "operationScheduledCompleteDateTime": "2026-11-29T16:00:00Z",
    }  # fmt: skip
    order = {
        "order": "1000042", "batchNumber": None,
        "orderPlannedStartDateTime": "2026-11-28T08:00:00.000+00:00",
        "orderPlannedCompleteDateTime": "2026-11-30T08:00:00.000+00:00",
    }  # fmt: skip
    return {
        "sfc": "SFC1", "status": status(word), "order": order, "defaultBatchId": None,
        "steps": [{"resource": "OTHER", "quantityInWork": 0}, step], **changes,
    }  # fmt: skip


class Turns:
    """Answers one after another; the last one stays."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def next(self) -> Any:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


class Sap:
    """Answers by path. An answer is JSON, a reply, `Turns`, or a function of the request."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.tokens: list[str] = []
        self._answers: dict[str, Any] = {
            "/oauth/token": lambda _: self._token(),
            RESOURCE: resource(),
            IN_WORK: [{"sfc": "SFC1", "operation": "OP"}],
            DETAIL: sfc(),
            LISTED: {"content": [], "totalPages": 0},
            HOLD: {"holdIds": ["1"]},
            RELEASE: {"releasedSfcs": ["SFC1"]},
            STATUS: httpx.Response(204),
            **(answers or {}),
        }

    def _token(self) -> dict[str, Any]:
        self.tokens.append(f"token-{len(self.tokens) + 1}")
        return {"access_token": self.tokens[-1], "token_type": "bearer", "expires_in": 43199}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content.startswith(b"{") else dict(request.url.params)
        self.asked.append((request.url.path, body))
        answer: Any = self._answers[request.url.path]
        if isinstance(answer, Turns):
            answer = answer.next()
        if isinstance(answer, Callable):  # type: ignore[arg-type]
            answer = answer(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def mes(self, **settings: Any) -> SapDmMes:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self))
        own = SapDmSettings.model_validate(SETTINGS | settings)
        return connect(own, client, system="sap_dm", clock=TestClock(NOW))

    def written(self) -> list[tuple[str, Any]]:
        return [(path, body) for path, body in self.asked if path in (HOLD, RELEASE, STATUS)]
