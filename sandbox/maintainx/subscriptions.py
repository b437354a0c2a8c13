"""Webhooks: a POST for each event, signed, and the end of a subscription whose receiver fails again and again."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import httpx

from sandbox.maintainx.answers import event_status, progress, single, zulu
from sandbox.maintainx.errors import Problem
from sandbox.maintainx.store import Store, WorkOrder

STATUS_CHANGE: Final = "WORK_ORDER_STATUS_CHANGE"
BODY_SIGNATURE: Final = "x-maintainx-webhook-body-signature"
URI_SIGNATURE: Final = "x-maintainx-webhook-uri-signature"
_TIMEOUT: Final = 10.0
_MOST_FAILURES: Final = 3
"""How many deliveries in a row may fail. MaintainX says only "over long periods"."""


@dataclass
class Subscription:
    """Who is told of one type of event."""

    id: int
    organization: int
    type: str
    url: str
    filters: Mapping[str, object]
    whole_orders: bool
    secret: str = field(default_factory=lambda: secrets.token_hex(32))
    failures: int = 0

    def wants(self, status: str) -> bool:
        """Whether it is told of a change to a status."""
        wanted = self.filters.get("oneOfStatuses")
        return not isinstance(wanted, list) or status in wanted


class Subscriptions:
    """The subscriptions of all organisations.

    Args:
        now: by which deliveries are stamped and signed.
    """

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._rows: dict[int, Subscription] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def add(self, organization: int, body: Mapping[str, object]) -> Subscription:
        """Keeps a subscription whose body was checked."""
        filters, options = body.get("filters"), body.get("options")
        row = Subscription(
            self._store.next_id(),
            organization,
            str(body["type"]),
            str(body["url"]),
            filters if isinstance(filters, dict) else {},
            isinstance(options, dict) and options.get("serializeEntity") is True,
        )
        self._rows[row.id] = row
        return row

    def of(self, organization: int) -> list[Subscription]:
        """Those of an organisation."""
        return [row for row in self._rows.values() if row.organization == organization]

    def one(self, number: int, organization: int) -> Subscription:
        """One of them.

        Raises:
            Problem: there is none.
        """
        row = self._rows.get(number)
        if row is None or row.organization != organization:
            raise Problem(404, "Subscription not found")
        return row

    def remove(self, row: Subscription) -> None:
        """Ends a subscription."""
        self._rows.pop(row.id, None)

    def tell(self, order: WorkOrder, before: str, user: int) -> None:
        """Sends a change of status to all who want it. `delivered` waits for the deliveries."""
        status, sub_status = event_status(order.status)
        old_status, old_sub_status = event_status(before)
        for row in self.of(order.organization):
            if row.type != STATUS_CHANGE or not row.wants(status):
                continue
            event: dict[str, object] = {
                "workOrderId": order.id,
                "orgId": order.organization,
                "oldStatus": old_status,
                "newStatus": status,
                "progress": progress(order),
                "occurredAt": zulu(self._store.now()),
                "userId": user,
            }
            event |= {} if old_sub_status is None else {"oldSubStatus": old_sub_status}
            event |= {} if sub_status is None else {"newSubStatus": sub_status}
            event |= {"newWorkOrder": single(order, self._store, ())} if row.whole_orders else {}
            task = asyncio.create_task(self._deliver(row, json.dumps(event, indent=1).encode()))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def delivered(self) -> None:
        """Waits until all deliveries under way have ended."""
        await asyncio.gather(*self._under_way)

    async def _deliver(self, row: Subscription, body: bytes) -> None:
        stamp = str(int(self._now().timestamp()))
        headers = {
            "content-type": "application/json",
            BODY_SIGNATURE: _signature(row.secret, stamp, body),
            URI_SIGNATURE: _signature(row.secret, stamp, row.url.encode()),
        }
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
                reply = await client.post(row.url, content=body, headers=headers)
            failed = not reply.is_success
        except httpx.HTTPError:
            failed = True
        row.failures = row.failures + 1 if failed else 0
        if row.failures >= _MOST_FAILURES:
            self.remove(row)


def _signature(secret: str, stamp: str, signed: bytes) -> str:
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + signed, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"
