"""A CMMS as small as one can be, and a connector to it that keeps every behaviour of a trial."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import RootModel, SecretStr

from connectors.call import Call
from connectors.http import JsonSystem, VendorFault
from domain.cmms import (
    ChangeFeed,
    CmmsCapabilities,
    Idempotency,
    OrderApproval,
    OrderCancellation,
    OrderQuery,
    TextLimits,
)
from domain.errors import ActionRequired
from domain.open_work import OpenOrder, OpenWork, OpenWorkQuery
from domain.work_orders import (
    ChangePage,
    Escalation,
    Touched,
    WorkOrderDraft,
    WorkOrderRecord,
    WorkOrderRef,
    WorkOrderStatus,
)

TOKEN = "small-secret-token"
ASSET = "PUMP-1"
_STATUSES = {
    "WAITING": WorkOrderStatus.WAITING_APPROVAL,
    "READY": WorkOrderStatus.APPROVED,
    "CANCELLED": WorkOrderStatus.CANCELLED,
}
_START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


class Rows(RootModel[list[dict[str, Any]]]):
    """The rows of an answer."""


class SmallServer:
    """The server. Each change has a later second.

    Args:
        throttles: how many requests it answers 429 first.
        throttles_each: every how many requests it answers 429 besides; 0 for never.
    """

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.throttles = 0
        self.throttles_each = 0
        self._requests = 0
        self._changes = 0

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def open_orders(self) -> list[str]:
        return [order["key"] for order in self.orders if order["status"] != "CANCELLED"]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self._requests += 1
        if self.throttles or (self.throttles_each and self._requests % self.throttles_each == 0):
            self.throttles -= self.throttles > 0
            return httpx.Response(429)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return httpx.Response(401, json={})
        body = json.loads(request.content or b"{}")
        match request.method, request.url.path.strip("/").split("/"):
            case "POST", ["orders"]:
                return self._create(body)
            case "POST", ["orders", number, "notes"]:
                self._order(number)["notes"].setdefault(body["key"], body["text"])
                return httpx.Response(200, json=[])
            case "POST", ["orders", number, "priority"]:
                self._order(number).update(body, changed=self._stamp())
                return httpx.Response(200, json=[])
            case "POST", ["orders", number, step]:
                return self._move(number, step)
            case _:
                params = request.url.params
                rows = [row for row in self.orders if all(str(row[name]) == value for name, value in params.items())]
                return httpx.Response(200, json=sorted(rows, key=lambda row: row["changed"]))

    def _create(self, body: dict[str, Any]) -> httpx.Response:
        if body["asset"] != ASSET:
            return httpx.Response(422, json={"field": "asset"})
        if not any(order["key"] == body["key"] for order in self.orders):
            self.orders.append({"id": str(len(self.orders) + 1), "notes": {}, **body, "changed": self._stamp()})
        return httpx.Response(201, json=[])

    def _move(self, number: str, step: str) -> httpx.Response:
        order = self._order(number)
        order |= {"status": {"release": "READY", "cancel": "CANCELLED"}[step], "changed": self._stamp()}
        return httpx.Response(200, json=[])

    def _order(self, number: str) -> dict[str, Any]:
        return next(order for order in self.orders if order["id"] == number)

    def _stamp(self) -> str:
        self._changes += 1
        return (_START + timedelta(seconds=self._changes)).isoformat()


class SmallCmms:
    """The connector. A test breaks it by overriding a method."""

    def __init__(self, http: httpx.AsyncClient, token: str = TOKEN) -> None:
        self.token = token
        self.json = JsonSystem(
            http,
            timeout=timedelta(seconds=5),
            concurrency=4,
            read_fault=lambda reply: VendorFault(reply.text, field="asset" if reply.status_code == 422 else None),
            secrets=self.secrets(),
        )

    def secrets(self) -> Sequence[SecretStr]:
        """What its errors never say."""
        return (SecretStr(self.token),)

    @property
    def capabilities(self) -> CmmsCapabilities:
        return CmmsCapabilities(
            idempotency=Idempotency.ATOMIC,
            approval=OrderApproval.STATE,
            cancellation=OrderCancellation.STATE,
            search_by_key=True,
            changes=ChangeFeed.POLL,
            tombstones=False,
            priorities={1: "A", 2: "B", 3: "C", 4: "D"},
            limits=TextLimits(summary=100),
            raises_priority=True,
        )

    async def check(self) -> str:
        await self.rows(Call("small", "check"), {})
        return "Small CMMS at small.example answers; signed in as millwright"

    async def find_work_orders(self, query: OrderQuery) -> Sequence[WorkOrderRecord]:
        named = {"key": query.key, "asset": query.asset_external_id}
        call = Call("small", "find-work-orders", query.key)
        return await self.records(call, {name: value for name, value in named.items() if value is not None})

    async def find_open_work(self, query: OpenWorkQuery) -> OpenWork:
        records = await self.records(Call("small", "find-open-work"), {"asset": query.asset_external_id})
        is_open = [record for record in records if not record.status.finished]
        orders = [
            OpenOrder(ref=record.ref, status=record.status, vendor_status=record.vendor_status) for record in is_open
        ]
        return OpenWork(orders=tuple(orders[::-1]))

    async def create_work_order(self, draft: WorkOrderDraft) -> WorkOrderRecord:
        call = Call("small", "create-work-order", draft.key)
        found = await self.records(call, {"key": draft.key})
        if not found:
            status = "READY" if draft.released else "WAITING"
            body = {"key": draft.key, "title": draft.summary[:100], "asset": draft.asset_external_id, "status": status}
            await self.send(call, "POST", "/orders", {**body, "priority": self.capabilities.priorities[draft.priority]})
            found = await self.records(call, {"key": draft.key})
        return found[0]

    async def read_work_order(self, ref: WorkOrderRef) -> WorkOrderRecord:
        return (await self.records(Call("small", "read-work-order", ref.key), {"key": ref.key}))[0]

    async def release_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return await self.moved(ref, "release", WorkOrderStatus.WAITING_APPROVAL)

    async def withdraw_work_order(self, ref: WorkOrderRef, memo: str) -> WorkOrderRecord:
        return await self.moved(ref, "cancel", WorkOrderStatus.WAITING_APPROVAL, WorkOrderStatus.APPROVED)

    async def escalate_work_order(self, ref: WorkOrderRef, escalation: Escalation) -> WorkOrderRecord:
        call = Call("small", "escalate-work-order", ref.key)
        (row,) = await self.rows(call, {"key": ref.key})
        raised = escalation.raised(row["priority"], self.capabilities.priorities)
        if raised is not None:
            await self.send(call, "POST", f"/orders/{ref.id}/priority", {"priority": raised})
        return await self.read_work_order(ref)

    async def add_note(self, ref: WorkOrderRef, note_key: str, text: str) -> None:
        call = Call("small", "add-note", ref.key)
        (row,) = await self.rows(call, {"key": ref.key})
        if note_key not in row["notes"]:
            await self.send(call, "POST", f"/orders/{ref.id}/notes", {"key": note_key, "text": text})

    async def changed_since(self, cursor: str | None) -> ChangePage:
        found = await self.records(Call("small", "changed-since"), {})
        fresh = [record for record in found if cursor is None or record.changed_at.isoformat() > cursor]
        return ChangePage(
            records=tuple(fresh), cursor=fresh[-1].changed_at.isoformat() if fresh else cursor or _START.isoformat()
        )

    async def moved(self, ref: WorkOrderRef, step: str, *states: WorkOrderStatus) -> WorkOrderRecord:
        call = Call("small", f"{step}-work-order", ref.key)
        if (await self.read_work_order(ref)).status in states:
            await self.send(call, "POST", f"/orders/{ref.id}/{step}", {})
        return await self.read_work_order(ref)

    async def records(self, call: Call, wanted: Mapping[str, str]) -> list[WorkOrderRecord]:
        return [self.record(call, row) for row in {row["id"]: row for row in await self.rows(call, wanted)}.values()]

    async def rows(self, call: Call, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
        reply = await self.send(call, "GET", "/orders", None, wanted)
        return self.json.read(call, reply, Rows).root

    async def send(
        self,
        call: Call,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        params: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"}
        return await self.json.send(
            call, method, f"https://small.example{path}", headers=headers, params=params, body=body
        )

    def record(self, call: Call, row: dict[str, Any]) -> WorkOrderRecord:
        status = _STATUSES.get(row["status"])
        if row["asset"] != ASSET:
            raise call.error(ActionRequired, "it is for another asset", field="asset")
        return WorkOrderRecord(
            ref=WorkOrderRef(system="small", id=row["id"], key=row["key"]),
            status=status or WorkOrderStatus.IN_PROGRESS,
            vendor_status=row["status"],
            status_guessed=status is None,
            changed_at=datetime.fromisoformat(row["changed"]),
            touched=Touched.NO,
            asset_external_id=row["asset"],
            priority=self.capabilities.own_priority(row["priority"]),
        )
