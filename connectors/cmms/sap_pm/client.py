"""The wire of SAP Plant Maintenance: OData V2, services API_MAINTNOTIFICATION and API_MAINTENANCEORDER version 2."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final, Literal

import httpx

from connectors.call import Call
from connectors.cmms.sap_pm.faults import STALE, read_fault
from connectors.cmms.sap_pm.models import SapPmEntity, SapPmList, SapPmNotification, SapPmOrder, SapPmUnreadableRow
from connectors.cmms.sap_pm.odata import entity, query, text_literal
from connectors.cmms.sap_pm.rows import RowT, SapPmPage, SapPmReading
from connectors.cmms.sap_pm.session import SapSession, asks_for_token, basic
from connectors.cmms.sap_pm.settings import SapPmSettings
from connectors.http import JsonSystem
from domain.canonical import Json
from domain.clock import Clock
from domain.errors import ActionRequired, Unavailable
from domain.unreadable import UnreadableRecord

Method = Literal["POST", "PATCH"]

_FUTURE: Final = timedelta(days=1)
"""How far the clocks of SAP and the plant may differ."""
_NOTIFICATIONS: Final = "/sap/opu/odata/sap/API_MAINTNOTIFICATION"
_ORDERS: Final = "/sap/opu/odata/sap/API_MAINTENANCEORDER;v=2"
_NOTIFICATION: Final = "MaintenanceNotification"
_ORDER: Final = "MaintenanceOrder"
_REQUEST_REFUSED: Final = (
    httpx.codes.BAD_REQUEST,
    httpx.codes.FORBIDDEN,
    httpx.codes.NOT_FOUND,
    httpx.codes.UNPROCESSABLE_ENTITY,
)
"""SAP refuses the request, and not the sign-in."""
_FINDINGS: Final = "to_Item,to_Item/to_ItemCause,to_Item/to_ItemActivity"
_SERVICES: Final[Mapping[type, tuple[str, str]]] = {
    SapPmNotification: (_NOTIFICATIONS, _NOTIFICATION),
    SapPmOrder: (_ORDERS, _ORDER),
}


class SapPmClient:
    """Requests to one client of an SAP system, in the name of the user of the settings."""

    def __init__(self, settings: SapPmSettings, http: httpx.AsyncClient, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._json = JsonSystem(
            http,
            timeout=settings.timeout,
            concurrency=settings.concurrency,
            read_fault=read_fault,
            secrets=(settings.password,),
            sign=self._sign,
        )
        self._headers = {"accept": "application/json"}
        self._always = {
            name: value
            for name, value in (("sap-client", settings.sap_client), ("sap-language", settings.language))
            if value
        }
        self._session = SapSession(self._url(f"{_NOTIFICATIONS}/", {}), self._headers, self._json)

    def _sign(self) -> Mapping[str, str]:
        pair = basic(self._settings)
        self._json.mask(pair)
        return {"authorization": f"Basic {pair}"}

    def unreadable(self, call: Call, report: UnreadableRecord) -> ActionRequired:
        """A record that a call needs and that cannot be read."""
        return self._json.unreadable(call, report)

    async def find(
        self, call: Call, model: type[RowT], where: str, *, order_by: str, top: int, skip: int = 0
    ) -> SapPmPage[RowT]:
        """A page of records for a filter. Links to further pages are not followed: the next page is asked for."""
        service, name = _SERVICES[model]
        params = {"$filter": where} if where else {}
        params |= {"$orderby": order_by, "$top": str(top)}
        if skip:
            params["$skip"] = str(skip)
        if model is SapPmNotification:
            params["$expand"] = _FINDINGS
        reply = await self._get(call, self._url(f"{service}/{name}", params))
        listed = self._json.read(call, reply, SapPmList).d
        more = listed.next_page is not None or len(listed.results) >= top
        return self._reading(call).page(listed.results, model, more=more)

    async def read(self, call: Call, model: type[RowT], number: str) -> RowT | None:
        """One record by its number; None where nothing is there.

        Raises:
            ActionRequired: it cannot be read.
            Refused: the answer is about another record.
        """
        service, name = _SERVICES[model]
        params: dict[str, str] = {"$expand": _FINDINGS} if model is SapPmNotification else {}
        url = self._url(f"{service}/{entity(name, number)}", params)
        reply = await self._get(call, url, also=(httpx.codes.NOT_FOUND,))
        if reply.status_code == httpx.codes.NOT_FOUND:
            return None
        row = self._reading(call).row(self._json.read(call, reply, SapPmEntity).d, model)
        if isinstance(row, SapPmUnreadableRow):
            raise self.unreadable(call, row.report)
        if row.number != number:
            raise self._json.refused(call, f"unreadable reply: asked for {number}, it answered about {row.number}")
        return row

    async def create(self, call: Call, model: type[RowT], body: Mapping[str, Json]) -> None:
        """Creates a record. The answer is not read: the record itself is."""
        service, name = _SERVICES[model]
        await self._change(call, "POST", self._url(f"{service}/{name}", {}), body=body)

    async def change(self, call: Call, row: SapPmNotification, body: Mapping[str, Json]) -> bool:
        """Changes fields of a notification as it was read; False if somebody has changed it since."""
        url = self._url(f"{_NOTIFICATIONS}/{entity(_NOTIFICATION, row.number)}", {})
        reply = await self._change(call, "PATCH", url, etag=self._etag(call, row), body=body, also=STALE)
        return reply.status_code not in STALE

    async def act(
        self, call: Call, row: SapPmNotification | SapPmOrder, function: str, params: Mapping[str, str] | None = None
    ) -> bool:
        """Carries out a function on a record as it was read; False if somebody has changed it since.

        Args:
            params: literals of OData.
        """
        service, name = _SERVICES[type(row)]
        asked = {name: text_literal(row.number), **(params or {})}
        url = self._url(f"{service}/{function}", asked)
        reply = await self._change(call, "POST", url, etag=self._etag(call, row), also=STALE)
        return reply.status_code not in STALE

    async def _change(
        self,
        call: Call,
        method: Method,
        url: str,
        *,
        etag: str | None = None,
        body: Mapping[str, Json] | None = None,
        also: Collection[int] = (),
    ) -> httpx.Response:
        """One change; if SAP asks for another token, once more with another session. What was refused did nothing."""
        proof = await self._session.proof(call)
        for renewed in (False, True):
            headers = {**self._headers, **proof.headers} | ({"if-match": etag} if etag else {})
            allowed = (*also, httpx.codes.FORBIDDEN)
            reply = await self._send(call, method, url, headers, proof.cookie, allowed, body)
            if reply.status_code != httpx.codes.FORBIDDEN:
                return reply
            if not asks_for_token(reply):
                raise self._json.error(call, reply)
            if not renewed:
                proof = await self._session.proof(call, refused=proof)
        self._session.end()
        raise call.error(Unavailable, "it does not accept the CSRF token that it gave a moment ago")

    async def _get(self, call: Call, url: str, also: Collection[int] = ()) -> httpx.Response:
        return await self._send(call, "GET", url, self._headers, self._session.cookie, also)

    async def _send(
        self,
        call: Call,
        method: str,
        url: str,
        headers: Mapping[str, str],
        cookie: str | None,
        also: Collection[int],
        body: Mapping[str, Json] | None = None,
    ) -> httpx.Response:
        try:
            reply = await self._json.send(
                call, method, url, headers=headers, body=body, cookie=cookie, also=(*also, *_REQUEST_REFUSED)
            )
        except ActionRequired:
            # It may be the session that is not accepted. The next request signs in by the password.
            self._session.end()
            raise
        if reply.status_code in _REQUEST_REFUSED and reply.status_code not in also:
            raise self._json.error(call, reply)
        return reply

    def _etag(self, call: Call, row: SapPmNotification | SapPmOrder) -> str:
        if row.metadata.etag is None:
            problem = f"unreadable reply: {row.number} came without its ETag, so it cannot be changed"
            raise self._json.refused(call, problem)
        return row.metadata.etag

    def _reading(self, call: Call) -> SapPmReading:
        return SapPmReading(call.system, self._clock.now() + _FUTURE, self._json.without_secrets)

    def _url(self, path: str, params: Mapping[str, str]) -> str:
        asked = query({**params, **self._always})
        return f"{self._settings.url}{path}" + (f"?{asked}" if asked else "")
