"""The wire of MaintainX: JSON over its REST API, version 1."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from connectors.call import Call
from connectors.cmms.maintainx.faults import read_fault
from connectors.cmms.maintainx.models import (
    MaintainXAnyJson,
    MaintainXAssetPage,
    MaintainXCreated,
    MaintainXPage,
    MaintainXSingle,
)
from connectors.cmms.maintainx.settings import MaintainXSettings
from connectors.http import JsonSystem
from domain.canonical import Json
from domain.errors import ActionRequired, ConnectorError, Refused
from domain.unreadable import UnreadableRecord

_LARGEST_PAGE: Final = 200
_EXPAND: Final = ("assignees", "parts", "times", "time_items", "expenditures", "extra_fields")
_ORGANIZATION: Final = "x-organization-id"
_REFUSED_BESIDE: Final = (400, 403)
"""By what MaintainX refuses one order. A refused key (401) and the rate limit (429) are about all of them. What may
pass (500 and the like) is asked again: a poll that went on would never see the change."""


class MaintainXClient:
    """Requests to one MaintainX, in the name of the user of the API key."""

    def __init__(self, settings: MaintainXSettings, http: httpx.AsyncClient) -> None:
        self._url = settings.url
        self._headers = {"accept": "application/json"}
        if settings.organization is not None:
            self._headers[_ORGANIZATION] = settings.organization
        self._json = JsonSystem(
            http,
            timeout=settings.timeout,
            concurrency=settings.concurrency,
            a_minute=settings.requests_a_minute,
            read_fault=read_fault,
            secrets=(settings.api_key,),
            sign=lambda: {"authorization": f"Bearer {settings.api_key.get_secret_value()}"},
        )

    def unreadable(self, call: Call, report: UnreadableRecord) -> ActionRequired:
        """An order that a call needs and that cannot be read."""
        return self._json.unreadable(call, report)

    def without_secrets(self, text: str) -> str:
        """A text with our secrets masked."""
        return self._json.without_secrets(text)

    async def page(
        self,
        call: Call,
        filters: Mapping[str, str | Sequence[str]],
        limit: int = _LARGEST_PAGE,
        cursor: str | None = None,
        expand: str = "assignees",
    ) -> MaintainXPage:
        """A page of the orders that match all filters.

        MaintainX leaves out the orders with a future start date unless it is asked for them. One that a planner puts
        off would look deleted.

        Args:
            filters: several values of one are alternatives.
            cursor: of the page, as the page before it gave it; None for the first.
            expand: what each order is to have besides.
        """
        query = {"show_upcoming": "true", **filters, "limit": str(limit), "expand": expand}
        if cursor is not None:
            query["cursor"] = cursor
        reply = await self._send(call, "GET", f"/workorders?{urlencode(query, doseq=True)}")
        return self._json.read(call, reply, MaintainXPage)

    async def order(self, call: Call, number: int) -> dict[str, Any] | ConnectorError | None:
        """An order as it came; None if it is gone. An error that is of this order alone is given back and not raised:
        it must not hide the others of a poll.

        Raises:
            Refused: the answer is no JSON, as when it was cut off.
        """
        path = f"/workorders/{number}?{urlencode({'expand': _EXPAND}, doseq=True)}"
        reply = await self._send(call, "GET", path, also=(404, *_REFUSED_BESIDE))
        if reply.status_code == httpx.codes.NOT_FOUND:
            return None
        if reply.status_code in _REFUSED_BESIDE:
            return self._json.error(call, reply)
        self._json.read(call, reply, MaintainXAnyJson)
        try:
            return self._json.read(call, reply, MaintainXSingle).workOrder
        except Refused as error:
            return error

    async def has_asset(self, call: Call, number: int) -> bool:
        """Whether our user sees an asset."""
        reply = await self._send(call, "GET", f"/assets/{number}", also=(404,))
        return reply.status_code != httpx.codes.NOT_FOUND

    async def asset_ids(self, call: Call) -> AsyncIterator[int]:
        """The ids of all assets that our user sees.

        Raises:
            Refused: the pages do not end.
        """
        query, cursors = {"limit": str(_LARGEST_PAGE)}, set[str]()
        while True:
            reply = await self._send(call, "GET", f"/assets?{urlencode(query)}")
            page = self._json.read(call, reply, MaintainXAssetPage)
            for asset in page.assets:
                yield asset.id
            if page.nextCursor is None:
                return
            if page.nextCursor in cursors:
                raise call.error(Refused, "its list of assets does not end: it gives one cursor twice")
            cursors.add(page.nextCursor)
            query["cursor"] = page.nextCursor

    async def check_gone(self, call: Call, order: str, organization: str) -> None:
        """Checks that an order which was not found is gone: at a wrong address, or for another organisation, every
        order looks so.

        Args:
            organization: that the order is known to be of; empty if that is not known.

        Raises:
            ActionRequired: the settings name another organisation now, or no list of orders is found either.
        """
        if organization not in ("", self._headers.get(_ORGANIZATION)):
            raise call.error(
                ActionRequired,
                f"{order} is an order of the organisation {organization}, and is not found with the organisation in "
                "the settings: put that back. For another organisation every order looks deleted",
                field="organization",
            )
        reply = await self._send(call, "GET", "/workorders?limit=1", also=(404,))
        if reply.status_code == httpx.codes.NOT_FOUND:
            raise call.error(
                ActionRequired,
                f"it shows neither the order {order} nor a list of orders (HTTP 404): the address in the settings is "
                "wrong, or our user may see no orders",
                field="url",
            )
        self._json.read(call, reply, MaintainXPage)

    async def create(self, call: Call, body: Mapping[str, Json]) -> int:
        """Creates an order, and gives its id.

        Raises:
            ActionRequired: MaintainX does not know something that the order names.
        """
        reply = await self._send(call, "POST", "/workorders", body=body, also=(404,))
        if reply.status_code == httpx.codes.NOT_FOUND:
            said = read_fault(reply).problem
            raise call.error(
                ActionRequired,
                self._json.clean(
                    f"it does not know the asset {body.get('assetId')}, or the address in the settings is wrong "
                    f"(HTTP 404{f': {said}' if said else ''})"
                ),
                field="assetId",
            )
        return self._json.read(call, reply, MaintainXCreated).id

    async def change(self, call: Call, number: int, changes: Mapping[str, Json]) -> None:
        """Changes fields of an order. MaintainX has no way to refuse a change of what somebody else has changed."""
        await self._send(call, "PATCH", f"/workorders/{number}", body=changes)

    async def change_status(self, call: Call, number: int, status: str) -> None:
        """Moves an order to a state."""
        await self._send(call, "PATCH", f"/workorders/{number}/status", body={"status": status})

    async def check_subscriptions(self, call: Call, numbers: Sequence[int]) -> None:
        """Checks that webhook subscriptions are there. The answers have their secrets, which are not looked at.

        Raises:
            ActionRequired: one is gone.
        """
        for number in numbers:
            reply = await self._send(call, "GET", f"/subscriptions/{number}/secret", also=(404,))
            if reply.status_code == httpx.codes.NOT_FOUND:
                raise call.error(
                    ActionRequired,
                    f"the webhook subscription {number} is gone, so nothing tells of its changes before the next poll: "
                    "create it again, and set its new id in this setting and its new secret for the API",
                    field="subscriptions",
                )

    async def _send(
        self, call: Call, method: str, path: str, *, body: Mapping[str, Json] | None = None, also: Collection[int] = ()
    ) -> httpx.Response:
        return await self._json.send(call, method, f"{self._url}{path}", headers=self._headers, body=body, also=also)
