"""The wire of Atlas: JSON over its REST API, as versions 1.3.0 and 1.8+ have it."""

import itertools
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel

from connectors.call import Call
from connectors.cmms.atlas.faults import read_fault
from connectors.cmms.atlas.models import (
    AtlasAccount,
    AtlasAsset,
    AtlasComment,
    AtlasContent,
    AtlasErrorReply,
    AtlasLabor,
    AtlasList,
    AtlasListedAsset,
    AtlasPage,
    AtlasPartUse,
)
from connectors.cmms.atlas.settings import AtlasSettings
from connectors.cmms.atlas.sign_in import MAY_BE_OF_THE_TOKEN, AtlasSignIn, is_of_the_token
from connectors.completed_work import id_of
from connectors.http import JsonSystem
from connectors.rows import Rows, name_in, read_each
from connectors.text import moment_text
from domain.canonical import Json
from domain.errors import ActionRequired, ConnectorError, Refused, Unavailable
from domain.unreadable import UnreadableRecord

logger = logging.getLogger(__name__)

_LARGE_PAGE: Final = 100
"""Rows of a list beside which nothing is asked."""

ModelT = TypeVar("ModelT", bound=BaseModel)

AtlasKind = Literal["requests", "work-orders"]
"""The two kinds of record, as they stand in addresses."""

REQUESTS: Final[AtlasKind] = "requests"
ORDERS: Final[AtlasKind] = "work-orders"

_WHOLE: Final = (
    "dueDate",
    "priority",
    "estimatedDuration",
    "estimatedStartDate",
    "description",
    "title",
    "requiredSignature",
)
_LINKS: Final = ("image", "category", "location", "team", "primaryUser", "asset")
_LINK_LISTS: Final = ("assignedTo", "customers", "files")
_ONLY_ORDERS: Final = ("completedOn", "archived")
"""What a record is changed with: Atlas empties each field that a change leaves out."""
_REFUSED_BESIDE: Final = (400, 403, 404, 500)
"""By what Atlas refuses something beside one record. The others, and 403 without a body, are about all records."""


@dataclass(frozen=True)
class AtlasFilter:
    """One condition of a search, as Atlas writes it.

    Args:
        value: empty beside `values`. Atlas 1.3 fails without it.
        values: any of these, with the operation `in`.
        kind: the type of the value, which Atlas must be told of a date (with milliseconds and a Z) and of a status.
    """

    field: str
    operation: str
    value: Json
    values: tuple[str | int, ...] = ()
    kind: Literal["JS_DATE", "STATUS"] | None = None

    @property
    def body(self) -> dict[str, Json]:
        """Its JSON."""
        given: dict[str, Json] = {"field": self.field, "operation": self.operation, "value": self.value}
        given |= {"values": [*self.values]} if self.values else {}
        return given | ({"enumName": self.kind} if self.kind is not None else {})


def at_or_after(field: str, moment: datetime) -> AtlasFilter:
    """A record whose date is not before a moment."""
    return AtlasFilter(field, "ge", moment_text(moment), kind="JS_DATE")


def at_or_before(field: str, moment: datetime) -> AtlasFilter:
    """A record whose date is not after a moment."""
    return AtlasFilter(field, "le", moment_text(moment), kind="JS_DATE")


class AtlasClient:
    """Requests to one Atlas, in the name of the user of the settings.

    What is asked beside a record (its asset, comments, labour and parts) may be refused for that record alone. Such an
    error is given back and not raised, so that a poll reports this record and gives out the others.
    """

    def __init__(self, settings: AtlasSettings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._json = JsonSystem(
            http,
            timeout=settings.timeout,
            concurrency=settings.concurrency,
            a_minute=settings.requests_a_minute,
            read_fault=read_fault,
            secrets=(settings.password,),
        )
        self._sign_in = AtlasSignIn(settings, self._json)

    def unreadable(self, call: Call, report: UnreadableRecord) -> ActionRequired:
        """A record that a call needs and that cannot be read."""
        return self._json.unreadable(call, report)

    def without_secrets(self, text: str) -> str:
        """A text with our secrets masked."""
        return self._json.without_secrets(text)

    async def user(self, call: Call) -> int:
        """The id of our user."""
        return await self._sign_in.user(call)

    async def account(self, call: Call) -> AtlasAccount:
        """Our user as it is now."""
        return await self._sign_in.account(call)

    async def search(
        self,
        call: Call,
        kind: AtlasKind | Literal["assets"],
        filters: Sequence[AtlasFilter],
        sort: str,
        number: int = 0,
        direction: Literal["ASC", "DESC"] = "ASC",
        size: int | None = None,
    ) -> AtlasPage:
        """A page of the records that match all filters, by `sort`. Without a size it is that of the settings."""
        body: dict[str, Json] = {
            "filterFields": [each.body for each in filters],
            "pageSize": self._settings.page_size if size is None else size,
            "pageNum": number,
            "direction": direction,
            "sortField": sort,
        }
        return self._json.read(call, await self._send(call, "POST", f"/{kind}/search", body=body), AtlasPage)

    async def assets_named(self, call: Call, name: str) -> tuple[AtlasAsset, ...]:
        """The assets whose field of the settings has this value."""
        page = await self.search(call, "assets", (AtlasFilter(self._settings.asset_field, "eq", name),), "id")
        found = read_each(page.content, AtlasAsset.model_validate, lambda _, place: f"asset {place} of {name}")
        for words in found.unreadable:
            raise call.error(ActionRequired, self._json.clean(words), field=self._settings.asset_field)
        return found.rows

    async def some_assets(self, call: Call) -> tuple[AtlasAsset, ...]:
        """The first page of assets. One that cannot be read is left out."""
        page = await self.search(call, "assets", (), "id")
        return read_each(page.content, AtlasAsset.model_validate, lambda _, place: f"asset {place}").rows

    async def all_assets(self, call: Call) -> tuple[tuple[AtlasListedAsset, ...], int]:
        """All assets, by their ids, and how many of them cannot be read."""
        found: list[AtlasListedAsset] = []
        left_out = 0
        for number in itertools.count():
            page = await self.search(call, "assets", (), "id", number, size=_LARGE_PAGE)
            rows = read_each(page.content, AtlasListedAsset.model_validate, _asset_name)
            for words in rows.unreadable:
                logger.warning("an asset is left out of the list: %s", self._json.clean(words))
            found.extend(rows.rows)
            left_out += len(rows.unreadable)
            if page.last or not page.content:
                break
        return tuple(found), left_out

    async def assets_among(self, call: Call, names: Sequence[str]) -> tuple[AtlasAsset, ...]:
        """The assets whose field of the settings has one of these values.

        Raises:
            ActionRequired: one cannot be read, and may have any of them.
        """
        field = self._settings.asset_field
        contents = await self.whole(call, "assets", (AtlasFilter(field, "in", "", tuple(names)),))
        found = read_each(contents, AtlasAsset.model_validate, lambda *each: f"asset {_asset_name(*each)}")
        for words in found.unreadable:
            raise call.error(ActionRequired, self._json.clean(words), field=field)
        return found.rows

    async def whole(
        self, call: Call, kind: AtlasKind | Literal["assets"], filters: Sequence[AtlasFilter]
    ) -> Collection[object]:
        """All records that match all filters, each once, as they came.

        Raises:
            Unavailable: a record came or went while they were read, so that others may be on no page.
        """
        found: dict[object, object] = {}
        for number in itertools.count():
            page = await self.search(call, kind, filters, "id", number, size=_LARGE_PAGE)
            found |= {id_of(content): content for content in page.content}
            if page.last or not page.content:
                break
        if page.totalElements not in (None, len(found)):
            raise call.error(Unavailable, f"its list of {kind} changed while it was read")
        return found.values()

    async def asset(self, call: Call, number: int) -> AtlasAsset | ConnectorError | None:
        """An asset by its id; None if it is gone, or cannot be read: that must not hide the orders of others."""
        reply = await self._beside(call, "GET", f"/assets/{number}")
        if reply.status_code == httpx.codes.NOT_FOUND:
            return None
        if reply.status_code in _REFUSED_BESIDE:
            return self._json.error(call, reply)
        read = self._read(call, reply, AtlasContent)
        if isinstance(read, ConnectorError):
            return read
        found = read_each([read.root], AtlasAsset.model_validate, lambda *_: f"asset {number}")
        for words in found.unreadable:
            logger.warning("%s: the name of an asset is left out: %s", call.system, self._json.clean(words))
        return next(iter(found.rows), None)

    async def content(self, call: Call, kind: AtlasKind, number: int) -> dict[str, Any] | None:
        """A request or an order as it came; None if it is gone."""
        reply = await self._send(call, "GET", f"/{kind}/{number}", also=(404,))
        return None if reply.status_code == httpx.codes.NOT_FOUND else self._json.read(call, reply, AtlasContent).root

    async def create(self, call: Call, kind: AtlasKind, body: Mapping[str, Json]) -> None:
        """Creates a request or an order. An answer that cannot be read is an error, though nothing of it is needed."""
        self._json.read(call, await self._send(call, "POST", f"/{kind}", body=body), AtlasContent)

    async def change(
        self, call: Call, kind: AtlasKind, number: int, now: Mapping[str, Any], changes: Mapping[str, Json]
    ) -> bool:
        """Changes a record that was read just before. False if a request is approved by now, and so fixed.

        Everything that is not changed is sent as it was read. Atlas has no way to refuse a change of what somebody
        else changed in between.
        """
        body: dict[str, Json] = {name: now.get(name) for name in _WHOLE}
        body |= {name: _link(now.get(name)) for name in _LINKS}
        body |= {name: [_link(each) for each in now.get(name) or ()] for name in _LINK_LISTS}
        if kind == ORDERS:
            body |= {name: now.get(name) for name in _ONLY_ORDERS}
            body["completedBy"] = _link(now.get("completedBy"))
        else:
            # Without it, a request that was rejected would wait again.
            body |= {"cancelled": now.get("cancelled"), "audioDescription": _link(now.get("audioDescription"))}
        reply = await self._send(call, "PATCH", f"/{kind}/{number}", body={**body, **changes}, also=(406,))
        return reply.status_code != httpx.codes.NOT_ACCEPTABLE

    async def approve(self, call: Call, number: int) -> None:
        """Makes a work order of a request. If it is approved already (406), nothing changes."""
        await self._send(call, "PATCH", f"/{REQUESTS}/{number}/approve", body={}, also=(406,))

    async def cancel(self, call: Call, number: int, reason: str) -> None:
        """Rejects a request. If it is approved already (406), nothing changes."""
        query = urlencode({"reason": reason})
        await self._send(call, "PATCH", f"/{REQUESTS}/{number}/cancel?{query}", also=(406,))

    async def comments(self, call: Call, order: int) -> Rows[AtlasComment] | ConnectorError | None:
        """The comments on an order that exists; None if this version of Atlas has no comments."""
        reply = await self._beside(call, "POST", f"/comments/search/{order}")
        if reply.status_code == httpx.codes.NOT_FOUND:
            said = self._read(call, reply, AtlasErrorReply)
            if not isinstance(said, ConnectorError) and said.path is not None:
                return None
        return self._listed(call, reply, AtlasComment)

    async def comment(self, call: Call, order: int, content: str) -> None:
        """Adds a comment to an order."""
        await self._send(call, "POST", "/comments", body={"content": content, "workOrder": {"id": order}})

    async def labor(self, call: Call, order: int) -> Rows[AtlasLabor] | ConnectorError:
        """The labour of an order."""
        return self._listed(call, await self._beside(call, "GET", f"/labors/work-order/{order}"), AtlasLabor)

    async def parts(self, call: Call, order: int) -> Rows[AtlasPartUse] | ConnectorError:
        """The parts of an order."""
        reply = await self._beside(call, "GET", f"/part-quantities/work-order/{order}")
        return self._listed(call, reply, AtlasPartUse)

    async def _beside(self, call: Call, method: str, path: str) -> httpx.Response:
        """The answer to what is asked beside one record. One of `_REFUSED_BESIDE` is not raised."""
        return await self._send(call, method, path, also=_REFUSED_BESIDE)

    def _read(self, call: Call, reply: httpx.Response, model: type[ModelT]) -> ModelT | Refused:
        try:
            return self._json.read(call, reply, model)
        except Refused as error:
            return error

    def _listed(self, call: Call, reply: httpx.Response, model: type[ModelT]) -> Rows[ModelT] | ConnectorError:
        if reply.status_code in _REFUSED_BESIDE:
            return self._json.error(call, reply)
        read = self._read(call, reply, AtlasList)
        if isinstance(read, ConnectorError):
            return read
        found = read_each(read.root, model.model_validate, lambda _, place: f"{model.__name__} {place}")
        for words in found.unreadable:
            logger.warning("%s: left out of an order: %s", call.system, self._json.clean(words))
        return found

    async def _send(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        body: Mapping[str, Json] | None = None,
        also: Collection[int] = (),
    ) -> httpx.Response:
        """One request; if its token is refused, once more with another one. A request that was refused did nothing."""
        token = await self._sign_in.token(call)
        reply = await self._with(call, token, method, path, body, also)
        if is_of_the_token(reply):
            reply = await self._with(call, await self._sign_in.token(call, refused=token), method, path, body, also)
        if is_of_the_token(reply):
            raise call.error(
                ActionRequired,
                "it refuses our session (an HTTP 403 without a word, or an expired token) right after it accepted our "
                "credentials",
            )
        if reply.status_code in MAY_BE_OF_THE_TOKEN and reply.status_code not in also:
            raise self._json.error(call, reply)
        return reply

    async def _with(
        self, call: Call, token: str, method: str, path: str, body: Mapping[str, Json] | None, also: Collection[int]
    ) -> httpx.Response:
        return await self._json.send(
            call,
            method,
            f"{self._settings.url}{path}",
            headers={"authorization": f"Bearer {token}", "accept": "application/json"},
            body=body,
            also=(*MAY_BE_OF_THE_TOKEN, *also),
        )


def _asset_name(content: object, place: int) -> str:
    return name_in(content, ("id",), place)


def _link(record: object) -> Json:
    """A record that another one refers to, as Atlas takes it."""
    return {"id": record["id"]} if isinstance(record, dict) and "id" in record else None
