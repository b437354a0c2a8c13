"""The wire of FactorySemantics MES: JSON over HTTP, with a token that a sign-in gives."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel

from connectors.call import Call
from connectors.http import JsonSystem
from connectors.mes.factorysemantics.faults import NO_ROUTE, PAGES, detail_of, read_fault
from connectors.mes.factorysemantics.models import (
    Account,
    AuditRow,
    AuditTrail,
    Board,
    Health,
    IssuedToken,
    ListAnswer,
    Machine,
    Oee,
    OpenOperation,
    OrderRow,
    Page,
    PlantCalendar,
    may_be_on,
    read_rows,
)
from connectors.mes.factorysemantics.settings import FactorySemanticsSettings
from connectors.replaced_secret import signed_in_by
from connectors.rows import Rows
from domain.canonical import Json
from domain.errors import ActionRequired

_HOURS_AHEAD: Final = 24 * 31
"""For how long planned stops are looked for."""
_PAGES_READ: Final = 20

ModelT = TypeVar("ModelT", bound=BaseModel)


class FactorySemanticsClient:
    """Requests to the server of one plant, in the name of the account of the settings."""

    def __init__(self, settings: FactorySemanticsSettings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._json = JsonSystem(
            http,
            timeout=settings.timeout,
            concurrency=settings.concurrency,
            read_fault=read_fault,
            secrets=(settings.password,),
            pages=PAGES,
        )
        self._session: IssuedToken | None = None
        self._signing_in = asyncio.Lock()

    async def health(self, call: Call) -> Health:
        """Which plant answers. No sign-in is needed for it."""
        reply = await self._json.send(call, "GET", f"{self._settings.url}/health")
        return self._json.read(call, reply, Health)

    async def account(self, call: Call) -> Account:
        """Our account, and what it may do.

        Raises:
            ActionRequired: the account or its password is not accepted.
        """
        return await self._ask(call, "/auth/me", Account)

    async def account_code(self, call: Call) -> str:
        """The name of our account in the audit trail."""
        return (await self._signed_in(call, None)).code

    async def machine(self, call: Call, equipment: str) -> Machine | None:
        """A machine; None if the server does not know it."""
        return await self._find(call, f"/equipment/{_part(equipment)}", Machine)

    async def open_operations(self, call: Call, equipment: str) -> Rows[OpenOperation]:
        """The operations of a machine that run or may be started."""
        reply = await self._send(call, "GET", "/workorders/dispatch", params={"equipment": equipment})
        return read_rows(self._json.read(call, reply, ListAnswer).root, OpenOperation)

    async def held_orders(self, call: Call, equipment: str) -> Rows[OrderRow]:
        """The work orders on hold that have an operation on a machine.

        Raises:
            ActionRequired: there are too many to read.
        """
        found: list[Any] = []
        for _ in range(_PAGES_READ):
            params = {"status": "on_hold", "offset": str(len(found))}
            page = await self._ask(call, "/workorders", Page, params)
            found += page.items
            if not page.has_more or not page.items:
                return read_rows([each for each in found if may_be_on(each, equipment)], OrderRow)
        raise call.error(
            ActionRequired, f"it has more than {len(found)} work orders on hold, which are too many to read"
        )

    async def order(self, call: Call, code: str) -> OrderRow | None:
        """A work order; None if there is none of this code."""
        return await self._find(call, f"/workorders/{_part(code)}", OrderRow)

    async def trail(self, call: Call, order: str, length: int, actor: str | None = None) -> Sequence[AuditRow]:
        """The newest audit rows of a work order, newest first; those of one account only, if it is named."""
        params = {"entity_type": "workorder", "entity_id": order, "limit": str(length)}
        return (await self._ask(call, "/audit", AuditTrail, params | ({"actor": actor} if actor else {}))).root

    async def hold(self, call: Call, order: str, reason: str) -> bool:
        """Puts a work order on hold; False if its status does not allow it now."""
        path = f"/workorders/{_part(order)}/hold"
        reply = await self._send(call, "POST", path, body={"reason": reason}, also=(httpx.codes.CONFLICT,))
        return reply.status_code != httpx.codes.CONFLICT

    async def resume(self, call: Call, order: str) -> bool:
        """Lets a work order on hold go on; False if it is not on hold now. The server takes no reason."""
        path = f"/workorders/{_part(order)}/resume"
        reply = await self._send(call, "POST", path, also=(httpx.codes.CONFLICT,))
        return reply.status_code != httpx.codes.CONFLICT

    async def board(self, call: Call, equipment: str) -> Board | None:
        """What is planned on a machine; None if the plant has no scheduling."""
        params = {"equipment": equipment, "hours": str(_HOURS_AHEAD)}
        return await self._find(call, "/scheduling/board", Board, params, optional=True)

    async def calendar(self, call: Call) -> PlantCalendar | None:
        """The plant's calendar; None if the plant has no scheduling."""
        return await self._find(call, "/scheduling/calendar", PlantCalendar, optional=True)

    async def oee(self, call: Call, equipment: str) -> Oee | None:
        """The OEE of a machine, over the plant's own reporting window."""
        return await self._find(call, f"/equipment/{_part(equipment)}/oee", Oee)

    def insist_on_readable(self, call: Call, unreadable: Sequence[str], field: str) -> None:
        """Refuses an answer with rows that cannot be read where each of them counts.

        Raises:
            ActionRequired: there are some.
        """
        if unreadable:
            raise call.error(ActionRequired, self._json.clean("; ".join(unreadable)), field=field)

    def clean(self, text: str) -> str:
        """A vendor's words fit for a message."""
        return self._json.clean(text)

    async def _ask(self, call: Call, path: str, model: type[ModelT], params: Mapping[str, str] | None = None) -> ModelT:
        return self._json.read(call, await self._send(call, "GET", path, params=params), model)

    async def _find(
        self,
        call: Call,
        path: str,
        model: type[ModelT],
        params: Mapping[str, str] | None = None,
        *,
        optional: bool = False,
    ) -> ModelT | None:
        """A record; None if there is none.

        Args:
            optional: whether a plant may be without this part of the API.

        Raises:
            ActionRequired: the server does not serve the path at all.
        """
        reply = await self._send(call, "GET", path, params=params, also=(httpx.codes.NOT_FOUND,))
        if reply.status_code != httpx.codes.NOT_FOUND:
            return self._json.read(call, reply, model)
        if detail_of(reply) == NO_ROUTE and not optional:
            problem = f"it does not serve {path}: the address is wrong, or that module of the plant is off"
            raise call.error(ActionRequired, self._json.clean(problem), field="url")
        return None

    async def _send(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | None = None,
        also: Sequence[int] = (),
    ) -> httpx.Response:
        """One request with our token. A token that has expired is replaced once: the server did nothing for it."""
        url, session = self._settings.url + path, await self._signed_in(call, None)
        content: dict[str, Any] = {"params": params, "body": body}
        reply = await self._json.send(
            call, method, url, headers=_headers(session), also=(*also, httpx.codes.UNAUTHORIZED), **content
        )
        if reply.status_code != httpx.codes.UNAUTHORIZED:
            return reply
        session = await self._signed_in(call, session)
        return await self._json.send(call, method, url, headers=_headers(session), also=also, **content)

    async def _signed_in(self, call: Call, expired: IssuedToken | None) -> IssuedToken:
        """The present session, or a new one in the place of an expired one. Of callers at once one signs in."""
        async with self._signing_in:
            if self._session is None or self._session is expired:
                self._session = await signed_in_by(
                    self._settings.password, lambda password: self._log_in(call, password)
                )
                self._json.mask(self._session.token)
            return self._session

    async def _log_in(self, call: Call, password: str) -> IssuedToken:
        credentials = {"code": self._settings.user, "password": password}
        reply = await self._json.send(call, "POST", f"{self._settings.url}/auth/login", body=credentials)
        return self._json.read(call, reply, IssuedToken)


def _headers(session: IssuedToken) -> Mapping[str, str]:
    return {"authorization": f"Bearer {session.token}", "accept": "application/json"}


def _part(name: str) -> str:
    return quote(name, safe="")
