"""One company on an Atlas, on 127.0.0.1: REST for machines, plain methods for the company's people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Literal

from starlette.types import ASGIApp

from sandbox.atlas.misbehaviour import Misbehaviour
from sandbox.atlas.routes import Routes
from sandbox.atlas.sessions import RateLimit, Sessions
from sandbox.atlas.store import ORDER, Asset, Comment, KeptRecord, PartUse, Store, User, Work
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.http_server import HttpServer

Version = Literal["1.3", "1.8+"]

_LASTS: Final = {"1.3": timedelta(days=14), "1.8+": timedelta(minutes=30)}
_PLANNER: Final = "planner@plant.local"
_TECHNICIAN: Final = "technician@plant.local"
_LOCATION: Final = 900


class AtlasServer:
    """See the module.

    Args:
        clock: plant time.
        email: of the robot that signs in.
        password: of the robot.
        version: as which of the two observed versions it behaves.
        faults: what to misbehave with.
        port: on 127.0.0.1, 0 for any.
        licensed: whether the company has a licence. Without one, version 1.8+ takes no labour, and no more than 30
            orders that are not complete.
        per_minute: how many requests version 1.8+ takes from a user in a minute; None for any number.
    """

    def __init__(
        self,
        clock: Clock,
        email: str,
        password: str,
        version: Version = "1.8+",
        faults: Faults | None = None,
        port: int = 0,
        *,
        licensed: bool = False,
        per_minute: int | None = None,
    ) -> None:
        old = version == "1.3"
        self.store = Store(clock.now)
        self.sessions = Sessions(clock.now, _LASTS[version], rotating=not old)
        routes = Routes(self.store, self.sessions, RateLimit(per_minute), old=old, licensed=licensed)
        app: ASGIApp = Misbehaviour(routes, faults if faults is not None else Faults(), self.sessions, old=old)
        self._http = HttpServer(app, port)
        self.robot = self._add_user(email, password, "Line", "Robot")
        self.planner = self._add_user(_PLANNER, "planner-password", "Pat", "Planner")
        self.technician = self._add_user(_TECHNICIAN, "technician-password", "Toni", "Technician")

    @property
    def port(self) -> int:
        """Where it answers."""
        return self._http.port

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`."""
        return self._http.url

    async def start(self) -> None:
        """Answer."""
        await self._http.start()

    async def stop(self) -> None:
        """Stop answering."""
        await self._http.stop()

    def add_asset(self, barcode: str, *, name: str | None = None) -> Asset:
        """A planner adds an asset. The company's number sequence exists from then on."""
        if not self.store.sequences:
            self.store.sequences.append({})
        number = self.store.next_id()
        custom_id = f"A{len(self.store.assets) + 1:06d}"
        asset = Asset(number, name or f"Machine {barcode}", barcode, f"SN-{barcode}", custom_id, _LOCATION)
        self.store.assets[number] = asset
        return asset

    def records(self, kind: Literal["request", "work_order"]) -> Sequence[KeptRecord]:
        """Every request, or every order."""
        return [*self.store.records[kind].values()]

    def approve(self, request: KeptRecord) -> KeptRecord:
        """The planner approves a request."""
        return self.store.approve(request, self._number(), self.planner.id)

    def reject(self, request: KeptRecord, reason: str) -> None:
        """The planner rejects a request."""
        request.cancelled, request.reason = True, reason
        self.store.changed(request, self.planner.id)

    def archive(self, order: KeptRecord) -> None:
        """The planner archives an order."""
        order.archived = True
        self.store.changed(order, self.planner.id)

    def edit(self, record: KeptRecord, title: str, description: str) -> None:
        """The planner changes a title and a description."""
        record.content = {**record.content, "title": title, "description": description}
        self.store.changed(record, self.planner.id)

    def change_status(self, order: KeptRecord, status: str, feedback: str | None = None) -> None:
        """The technician moves an order on."""
        self.store.change_status(order, status, feedback, self.technician.id)

    def add_comment(self, order: KeptRecord, words: str) -> None:
        """The technician writes a comment."""
        now = self.store.now()
        self.store.comments.append(Comment(self.store.next_id(), order.id, self.technician.id, words, now))

    def log_work(self, order: KeptRecord, time: timedelta) -> None:
        """The technician books time that ends now."""
        started, seconds = self.store.now() - time, int(time.total_seconds())
        self.store.work.append(Work(self.store.next_id(), order.id, self.technician.id, seconds, started))

    def use_part(self, order: KeptRecord, name: str, quantity: float) -> None:
        """The technician uses a part."""
        self.store.parts.append(PartUse(self.store.next_id(), order.id, self.store.next_id(), name, quantity))

    def open_order(self, asset: Asset, title: str) -> KeptRecord:
        """The planner opens an order."""
        content: dict[str, object] = {"title": title, "asset": {"id": asset.id}, "priority": "LOW"}
        return self.store.add_record(ORDER, self._number(), content, self.planner.id)

    def _number(self) -> str:
        """The number of an order that people make; they are never two at once."""
        (row,) = self.store.sequences
        row[ORDER] = row.get(ORDER, 1) + 1
        return f"WO{row[ORDER] - 1:06d}"

    def _add_user(self, email: str, password: str, first: str, last: str) -> User:
        user = User(self.store.next_id(), email, password, first, last)
        self.store.users[user.id] = user
        return user
