"""One MaintainX on 127.0.0.1: REST for machines, plain methods for the people of a plant."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.http_server import HttpServer
from sandbox.maintainx.limits import RateLimit
from sandbox.maintainx.misbehaviour import Misbehaviour
from sandbox.maintainx.operations import BASE
from sandbox.maintainx.routes import Routes
from sandbox.maintainx.store import Asset, Store, User, WorkOrder
from sandbox.maintainx.subscriptions import Subscriptions

ORGANIZATION: Final = 1
_PLANNER: Final = 11
_TECHNICIAN: Final = 12
_ROBOT: Final = 10
_PER_MINUTE: Final = 100


class MaintainXServer:
    """See the module.

    Args:
        clock: plant time.
        key: the API key of the robot.
        faults: what to misbehave with.
        organizations: what the key counts for. If they are several, each request must name one.
        per_minute: how many requests a user may make in a minute of wall time. None counts to 100 and refuses none.
        seconds: the clock of the rate limit.
    """

    def __init__(
        self,
        clock: Clock,
        key: str,
        faults: Faults | None = None,
        port: int = 0,
        *,
        organizations: tuple[int, ...] = (ORGANIZATION,),
        per_minute: int | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = Store(clock.now)
        self.store.users.append(User(_ROBOT, key, organizations))
        self.subscriptions = Subscriptions(self.store, clock.now)
        limit = RateLimit(per_minute or _PER_MINUTE, seconds, enforced=per_minute is not None)
        routes = Routes(self.store, self.subscriptions, limit)
        self._http = HttpServer(Misbehaviour(routes, faults if faults is not None else Faults()), port)

    @property
    def port(self) -> int:
        """Where it answers."""
        return self._http.port

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT/v1`."""
        return f"{self._http.url}{BASE}"

    async def start(self) -> None:
        """Answer."""
        await self._http.start()

    async def stop(self) -> None:
        """Stop answering."""
        await self.subscriptions.delivered()
        await self._http.stop()

    def add_asset(self, name: str, organization: int = ORGANIZATION) -> Asset:
        """A planner adds an asset."""
        asset = Asset(self.store.next_id(), name, organization)
        self.store.assets[asset.id] = asset
        return asset

    def orders(self) -> Sequence[WorkOrder]:
        """Every work order."""
        return [*self.store.orders.values()]

    def open_order(self, asset: Asset, title: str) -> WorkOrder:
        """The planner opens an order."""
        content: dict[str, object] = {"title": title, "assetId": asset.id, "priority": "LOW"}
        return self.store.add(content, asset.organization)

    def assign(self, order: WorkOrder) -> None:
        """The planner gives an order to the technician."""
        self.edit(order, assignees=[{"type": "USER", "id": _TECHNICIAN}])

    def edit(self, order: WorkOrder, **content: object) -> None:
        """The planner changes fields of an order."""
        order.content |= content
        self.store.changed(order)

    def fill(self, order: WorkOrder, **fields: object) -> None:
        """The technician fills extra fields."""
        order.extra_fields |= fields
        self.store.changed(order)

    def change_status(self, order: WorkOrder, status: str) -> None:
        """The technician, or for SKIPPED MaintainX itself, moves an order on. Subscribers are told."""
        before = order.status
        self.store.change_status(order, status, _TECHNICIAN)
        self.subscriptions.tell(order, before, _TECHNICIAN)

    def cancel(self, order: WorkOrder) -> None:
        """The planner cancels an order. Subscribers are told that it is done, with a sub-status."""
        before = order.status
        self.store.change_status(order, "CANCELED", _PLANNER)
        self.subscriptions.tell(order, before, _PLANNER)

    def delete(self, order: WorkOrder) -> None:
        """The planner deletes an order."""
        del self.store.orders[order.id]
