"""A simulated SAP Plant Maintenance over HTTP, and what its people do on SAP's screens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.http_server import HttpServer
from sandbox.sap_pm.functions import ORDER_FUNCTIONS
from sandbox.sap_pm.misbehaviour import Misbehaviour
from sandbox.sap_pm.odata import day_of, time_of
from sandbox.sap_pm.routes import Routes
from sandbox.sap_pm.sessions import Sessions
from sandbox.sap_pm.store import Entity, Store

USERS: Final[Mapping[str, str]] = {"MILLWRIGHT": "sap-secret-password"}
_PAGE_LIMIT: Final = 100


class SapPmServer:
    """One client of an SAP system. It is kept in memory.

    Args:
        equipment: the technical objects that it knows.
        port: on 127.0.0.1, 0 for any.
        page_limit: how many records an answer has at most; the rest is behind `__next`.
    """

    def __init__(
        self,
        clock: Clock,
        equipment: Iterable[str],
        port: int = 0,
        *,
        faults: Faults | None = None,
        page_limit: int = _PAGE_LIMIT,
    ) -> None:
        self.store = Store(clock, equipment)
        self.sessions = Sessions(USERS)
        self.routes = Routes(self.store, self.sessions, page_limit)
        app: ASGIApp = Misbehaviour(self._app, faults if faults is not None else Faults(), self.sessions)
        self._http = HttpServer(app, port)

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

    def open_notification(self, equipment: str, text: str, *, by: str) -> str:
        """A person reports a malfunction; the number of the notification."""
        given = {"NotificationType": "M2", "NotificationText": text, "TechnicalObject": equipment}
        return self.store.add_notification({**given, "TechObjIsEquipOrFuncnlLoc": "EAMS_EQUI"}, by).number

    def make_order(self, notification: str, *, by: str) -> str:
        """A planner makes an order of a notification; its number."""
        values = self.store.notifications[notification].values
        given = {"MaintenanceOrderType": "PM01", "MaintenanceNotification": notification}
        given |= {"Equipment": str(values["TechnicalObject"]), "MaintPriority": str(values["MaintPriority"] or "")}
        return self.store.add_order(given, by).number

    def open_order(self, equipment: str, *, by: str) -> str:
        """A planner makes an order without a notification; its number."""
        return self.store.add_order({"MaintenanceOrderType": "PM01", "Equipment": equipment}, by).number

    def act(self, order: str, function: str, *, by: str, **params: str) -> None:
        """A planner carries out a function on an order."""
        ORDER_FUNCTIONS[function](self.store, self.store.orders[order], params, by)

    def confirm(self, order: str, *, final: bool, by: str) -> None:
        """A technician confirms work on an order, in part or finally."""
        found = self.store.orders[order]
        found.put("CNF" if final else "PCNF", "PCNF")
        self.store.settle_order(found, by)

    def set_user_status(self, order: str, word: str, *, by: str) -> None:
        """A planner sets a status of the site's own."""
        found = self.store.orders[order]
        found.values["UserStatusText"] = word
        self.store.settle_order(found, by)

    def flag_notification(self, notification: str) -> None:
        """A planner sets the deletion flag of a notification."""
        found = self.store.notifications[notification]
        found.put("DLFL")
        self.store.settle_notification(found)

    def edit(self, notification: str, **values: str | datetime | float | None) -> None:
        """A person changes fields of a notification on a screen, where other checks apply."""
        found = self.store.notifications[notification]
        found.values |= values
        self.store.settle_notification(found)

    def write_below(self, notification: str, text: str) -> None:
        """A person writes below the long text."""
        before = str(self.store.notifications[notification].values["MaintNotifLongTextForEdit"] or "")
        self.edit(notification, MaintNotifLongTextForEdit=f"{before}\n\n{text}")

    def report(
        self,
        notification: str,
        items: Iterable[Mapping[str, object]],
        *,
        started: datetime,
        ended: datetime,
        downtime: timedelta | None,
    ) -> None:
        """A technician reports what was found, when the malfunction was, and how long the machine was down, if so."""
        found = self.store.notifications[notification]
        for which, moment in (("Start", started), ("End", ended)):
            found.values |= {
                f"Malfunction{which}Date": day_of(moment),
                f"Malfunction{which}Time": time_of(moment),
            }
        if downtime is not None:
            found.values["MaintObjectDowntimeDuration"] = downtime / timedelta(hours=1)
        self.store.report(found, items)

    def archive(self, notification: str) -> None:
        """A notification is archived: it can be read no more."""
        del self.store.notifications[notification]

    def order_of(self, notification: str) -> Entity | None:
        """The order that a notification names."""
        return self.store.order_of(self.store.notifications[notification])

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self.routes.answer(Request(scope, receive)))(scope, receive, send)
