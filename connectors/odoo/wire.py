"""Requests to one Odoo by the JSON-2 API of Odoo 19, or by XML-RPC: one call and one transaction for each request."""

import asyncio
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeVar

import httpx
from pydantic import BaseModel

from connectors.call import Call
from connectors.http import JsonSystem
from connectors.odoo import xml_rpc
from connectors.odoo.faults import PAGES, XML_RPC_PAGES, load_fault, read_fault
from connectors.odoo.models import (
    AuthenticatedUser,
    ExternalIds,
    LoadAnswer,
    Metadata,
    OdooUser,
    RawRows,
    Reference,
    RowT,
    Session,
    SystemParameter,
    Version,
    XmlRpcVersion,
    read_rows,
)
from connectors.odoo.settings import OdooConnection
from connectors.replaced_secret import signed_in_by
from connectors.rows import Rows
from domain.canonical import Json
from domain.errors import ActionRequired, Refused, Unavailable
from domain.unreadable import UnreadableRecord

ModelT = TypeVar("ModelT", bound=BaseModel)

CREATE_ONLY: Final[Mapping[str, Json]] = {"mode": "update", "noupdate": True}
"""The context with which `load` creates a record that is not there, and writes nothing on one that is."""


class OdooRaceLost(Unavailable):
    """Another transaction wrote the same record first. What it wrote is there by now."""


class OdooWire:
    """Requests to one Odoo, in the name of the user of the API key.

    Args:
        xml_rpc_login: the login of the user, by which XML-RPC is spoken; None speaks JSON-2.
    """

    def __init__(self, settings: OdooConnection, http: httpx.AsyncClient, xml_rpc_login: str | None = None) -> None:
        self._url = settings.url
        self._database = settings.database
        self._key = settings.api_key
        self._login = xml_rpc_login
        self._user: int | None = None
        self._signing_in = asyncio.Lock()
        self._json = JsonSystem(
            http,
            timeout=settings.timeout,
            concurrency=settings.concurrency,
            read_fault=read_fault,
            secrets=(settings.api_key,),
            sign=None if xml_rpc_login is not None else self._signing,
            pages=PAGES if xml_rpc_login is None else XML_RPC_PAGES,
            as_json=None if xml_rpc_login is None else xml_rpc.as_json,
        )
        self._headers = {
            "x-odoo-database": settings.database,
            "accept": "application/json",
        }

    def _signing(self) -> Mapping[str, str]:
        return {"authorization": f"bearer {self._key.get_secret_value()}"}

    async def version(self, call: Call) -> Version:
        """The version of the server. No sign-in is needed for it, and the key is not sent."""
        if self._login is not None:
            told = self._json.read(call, await self._post(call, xml_rpc.COMMON, xml_rpc.version_body), XmlRpcVersion)
            return Version(version=told.server_version, version_info=told.server_version_info)
        reply = await self._json.send(call, "GET", f"{self._url}/web/version", signed=False)
        return self._json.read(call, reply, Version)

    async def user(self, call: Call) -> OdooUser:
        """The user of the key.

        Raises:
            ActionRequired: the key is not accepted.
        """
        session = await self.ask(call, "res.users", "context_get", Session)
        users = await self.rows(call, "res.users", [["id", "=", session.uid]], OdooUser)
        return next(iter(users.rows), OdooUser(id=session.uid, login=f"user {session.uid}"))

    async def database_uuid(self, call: Call) -> str | None:
        """The uuid of the database; None if our user may not read the system parameters, which few may."""
        body: dict[str, Json] = {"key": "database.uuid"}
        reply = await self.send(call, "ir.config_parameter", "get_param", body, also=(httpx.codes.FORBIDDEN,))
        if reply.status_code == httpx.codes.FORBIDDEN:
            return None
        return self._json.read(call, reply, SystemParameter).root

    async def external_ids(self, call: Call, model: str, numbers: Sequence[int]) -> Mapping[str, str]:
        """The external ids of records, by their ids as text; empty for a record without one."""
        if not numbers:
            return {}
        if self._login is not None:
            # The keys of the answer of `get_external_id` are numbers, which XML-RPC cannot write.
            contents = (await self.ask(call, model, "get_metadata", RawRows, {"ids": [*numbers]})).root
            found = read_rows(contents, Metadata)
            self.insist_on_readable(call, found.unreadable, "xmlid")
            return {str(row.id): row.xmlid or "" for row in found.rows}
        return (await self.ask(call, model, "get_external_id", ExternalIds, {"ids": [*numbers]})).root

    async def load(
        self, call: Call, model: str, values: Mapping[str, str], lost: str, context: Mapping[str, Json] | None = None
    ) -> int:
        """Stores one record under its external id, the value of `id`, and gives its id.

        Args:
            lost: what is looked up if the answer cannot be read.

        Raises:
            OdooRaceLost: another transaction came first.
            Unavailable: also if the answer cannot be read. The next look finds the record if it was stored.
        """
        row: list[Json] = [*values.values()]
        body: dict[str, Json] = {"fields": [*values], "data": [row]}
        if context is not None:
            body["context"] = {**context}
        reply = await self.send(call, model, "load", body)
        try:
            answer = self._json.read(call, reply, LoadAnswer)
        except Refused as error:
            raise call.error(Unavailable, f"{error.problem}; {lost} is looked up") from None
        if answer.ids:
            return answer.ids[0]
        kind, words, field = load_fault(answer.messages)
        words = self.clean(words)
        if issubclass(kind, ActionRequired):
            raise call.error(ActionRequired, words, field=field)
        raise call.error(OdooRaceLost, words)

    async def reference(self, call: Call, external_id: str) -> int | None:
        """The id of the record with an external id; 0 if our user may not see it, None if there is none.

        Odoo answers with an error if there is none, and logs it. So it is asked only where that is rare.
        """
        module, _, name = external_id.partition(".")
        body: dict[str, Json] = {"module": module, "xml_id": name}
        reply = await self.send(call, "ir.model.data", "check_object_reference", body, also=(500,))
        if reply.status_code == httpx.codes.OK:
            return self.read(call, reply, Reference).root[1] or 0
        fault = read_fault(reply)
        if fault.meaning is Refused and fault.problem.endswith(f": {external_id}"):
            return None
        raise self._json.error(call, reply)

    async def rows(
        self,
        call: Call,
        model: str,
        domain: list[Json],
        row: type[RowT],
        *,
        limit: int | None = None,
        order: str | None = None,
    ) -> Rows[RowT]:
        """The records that match a domain, each once."""
        return read_rows(await self.contents(call, model, domain, row, limit=limit, order=order), row)

    async def contents(
        self,
        call: Call,
        model: str,
        domain: list[Json],
        row: type[BaseModel],
        *,
        limit: int | None = None,
        order: str | None = None,
        offset: int = 0,
    ) -> list[object]:
        """The records that match a domain as they came, with the fields of a model of ours."""
        body: dict[str, Json] = {"domain": domain, "fields": fields_of(row)}
        body |= {"limit": limit} if limit is not None else {}
        body |= {"order": order} if order is not None else {}
        body |= {"offset": offset} if offset else {}
        return (await self.ask(call, model, "search_read", RawRows, body)).root

    async def with_ids(self, call: Call, model: str, numbers: Collection[int], row: type[RowT]) -> Rows[RowT]:
        """Records by their ids."""
        known: list[Json] = [*sorted(numbers)]
        return await self.rows(call, model, [["id", "in", known]], row) if known else Rows((), ())

    async def ask(
        self, call: Call, model: str, method: str, answer: type[ModelT], body: Mapping[str, Json] | None = None
    ) -> ModelT:
        """The result of a method, read."""
        return self.read(call, await self.send(call, model, method, body or {}), answer)

    async def send(
        self, call: Call, model: str, method: str, body: Mapping[str, Json], also: Sequence[int] = ()
    ) -> httpx.Response:
        """Calls a method of a model; gives its reply unread."""
        if self._login is not None:
            return await self._execute(call, model, method, body, also)
        url = f"{self._url}/json/2/{model}/{method}"
        return await self._json.send(call, "POST", url, headers=self._headers, body=body, also=also)

    async def _execute(
        self, call: Call, model: str, method: str, body: Mapping[str, Json], also: Sequence[int]
    ) -> httpx.Response:
        user = await self._signed_in(call)

        def content() -> bytes:
            key = self._key.get_secret_value()
            try:
                return xml_rpc.call_body(self._database, user, key, model, method, body)
            except (OverflowError, TypeError) as error:
                raise self._json.refused(call, f"the request cannot be written in XML-RPC: {error}") from None

        return await self._post(call, xml_rpc.OBJECT, content, also)

    async def _signed_in(self, call: Call) -> int:
        """The id of our user, asked for once: a login is of one user for as long as it lasts.

        Raises:
            ActionRequired: login and key are not accepted.
        """
        async with self._signing_in:
            if self._user is None:
                self._user = await signed_in_by(self._key, lambda key: self._authenticate(call, key))
            return self._user

    async def _authenticate(self, call: Call, key: str) -> int:
        content = xml_rpc.sign_in_body(self._database, self._login or "", key)
        reply = await self._post(call, xml_rpc.COMMON, lambda: content)
        user = self._json.read(call, reply, AuthenticatedUser).root
        if user is None:
            raise call.error(ActionRequired, "it does not accept our credentials, login and API key", field="login")
        return user

    async def _post(
        self, call: Call, path: str, content: Callable[[], bytes], also: Sequence[int] = ()
    ) -> httpx.Response:
        headers = {"content-type": "text/xml", "accept": "text/xml"}
        return await self._json.send(call, "POST", f"{self._url}{path}", headers=headers, content=content, also=also)

    def read(self, call: Call, reply: httpx.Response, answer: type[ModelT]) -> ModelT:
        """The JSON of a reply in the shape expected."""
        return self._json.read(call, reply, answer)

    def insist_on_readable(self, call: Call, unreadable: Sequence[str], field: str) -> None:
        """Refuses an answer with records that cannot be read where each of them counts.

        Raises:
            ActionRequired: there are some.
        """
        if unreadable:
            raise call.error(ActionRequired, self.clean("; ".join(unreadable)), field=field)

    def unreadable(self, call: Call, report: UnreadableRecord) -> ActionRequired:
        """A record that a call needs and that cannot be read."""
        return self._json.unreadable(call, report)

    def clean(self, text: str) -> str:
        """A vendor's words fit for a message."""
        return self._json.clean(text)

    def without_secrets(self, text: str) -> str:
        """A text with our key masked."""
        return self._json.without_secrets(text)


def fields_of(row: type[BaseModel]) -> list[Json]:
    """The names of the fields that are asked for."""
    return [name for name in row.model_fields if name != "left_out"]


def like(text: str) -> str:
    """A text as a pattern of `ilike` or `=like` means it."""
    return re.sub(r"([\\%_])", r"\\\1", text)
