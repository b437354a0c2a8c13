"""Answers of SAP Plant Maintenance, and a connector that gets them one after another."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import httpx

from connectors.cmms.sap_pm import SapPmCmms, SapPmSettings, connect
from connectors.cmms.sap_pm.models import SapPmNotification, SapPmOrder
from domain.clock import WallClock
from domain.work_orders import RecordKind, WorkOrderDraft, WorkOrderRef

BASE = "https://s4.test"
PASSWORD = "swordfish-77"
SETTINGS = SapPmSettings.model_validate({"url": BASE, "user": "MILLWRIGHT", "password": PASSWORD})
KEY = "MWABCDEFGH"
REF = WorkOrderRef(system="sap_pm", kind=RecordKind.REQUEST, id="10000001", key=KEY)
MADE = "/Date(1420444800000+0000)/"
"""2015-01-05 08:00 UTC."""
LATER = "/Date(1420448400000+0000)/"
DRAFT = WorkOrderDraft(
    key=KEY,
    asset="m1/comp1",
    asset_attributes={},
    asset_external_id="10004711",
    summary="P-07 drive end bearing: outer race frequency 6 times its baseline",
    paragraphs=("Seen.",),
    failure_mode="VIB",
    priority=2,
    released=False,
    reported_at=datetime(2015, 1, 5, 8, 5, 9, tzinfo=UTC),
)

Answer = httpx.Response | Callable[[httpx.Request], httpx.Response]


def notification(**changes: Any) -> dict[str, Any]:
    return {
        "__metadata": {"etag": "W/\"'1'\""},
        "MaintenanceNotification": "10000001",
        "MaintNotifExtReferenceNumber": KEY,
        "NotificationText": "P-07 drive end bearing",
        "MaintNotifLongTextForEdit": f"Seen.\n\nMillwright key: {KEY}",
        "ConcatenatedActiveSystStsName": "OSNO",
        "MaintPriority": "2",
        "TechnicalObject": "10004711",
        "TechObjIsEquipOrFuncnlLoc": "EAMS_EQUI",
        "MaintenanceOrder": "",
        "CreatedByUser": "MILLWRIGHT",
        "CreationDateTime": MADE,
        "LastChangeDateTime": MADE,
        **changes,
    }


def order(**changes: Any) -> dict[str, Any]:
    return {
        "__metadata": {"etag": "W/\"'7'\""},
        "MaintenanceOrder": "4000001",
        "MaintenanceNotification": "10000001",
        "SystemStatusText": "REL  PRC",
        "UserStatusText": "",
        "CreatedByUser": "MILLWRIGHT",
        "LastChangeByUser": "MILLWRIGHT",
        "LastChangeDateTime": MADE,
        "TechnicalObject": "10004711",
        **changes,
    }


def notification_row(**changes: Any) -> SapPmNotification:
    return SapPmNotification.model_validate(notification(**changes))


def order_row(**changes: Any) -> SapPmOrder:
    return SapPmOrder.model_validate(order(**changes))


def listed(*rows: Any, **more: Any) -> httpx.Response:
    # JSON's escapes hold characters that no text in UTF-8 has.
    content = json.dumps({"d": {"results": list(rows), **more}})
    return httpx.Response(200, content=content, headers={"content-type": "application/json"})


def one(row: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"d": row})


def refused(status: int, code: str = "IM/203", words: str = "no", field: str = "", **headers: str) -> httpx.Response:
    detail = {"code": code, "message": words, "target": field}
    error = {"code": code, "message": {"lang": "en", "value": words}, "innererror": {"errordetails": [detail]}}
    return httpx.Response(status, json={"error": error}, headers=headers)


class Wire:
    """Answers one after another. Sessions are opened on the side, each with another token and cookie."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[httpx.Request] = []
        self.sessions = 0
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("x-csrf-token") == "Fetch":
            self.sessions += 1
            cookies = [("set-cookie", f"SAP_SESSIONID_S4H_100=session{self.sessions}; path=/; HttpOnly")]
            token = ("x-csrf-token", f"token{self.sessions}")
            return httpx.Response(
                200, json={"d": {}}, headers=[token, *cookies, ("set-cookie", "sap-usercontext=c; path=/")]
            )
        self.asked.append(request)
        answer = self._answers.pop(0)
        return answer if isinstance(answer, httpx.Response) else answer(request)

    def connector(self, **more: Any) -> SapPmCmms:
        settings = SapPmSettings.model_validate({"url": BASE, "user": "MILLWRIGHT", "password": PASSWORD, **more})
        client = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return connect(settings, client, system="sap_pm", clock=WallClock())

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.asked]


def filter_of(request: httpx.Request) -> str:
    """The filter of a request, as SAP reads it."""
    found = re.search(r"[?&]\$filter=([^&]*)", str(request.url))
    return unquote(found.group(1)) if found else ""
