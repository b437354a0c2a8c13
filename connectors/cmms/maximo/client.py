"""Maximo's wire: lean JSON over the API route, IBM Maximo Manage REST API guide."""

import logging
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from connectors.call import Call
from connectors.cmms.maximo.cursor import local_text
from connectors.cmms.maximo.faults import DUPLICATE_KEY, codes_of, read_fault
from connectors.cmms.maximo.models import (
    AssetRow,
    Count,
    ListedAssetRow,
    ObjectSchema,
    OpenOrderRow,
    RawPage,
    RawRow,
    StatusChoice,
    StatusChoices,
    UnreadableOrder,
    WorkOrderRow,
)
from connectors.cmms.maximo.rows import OrderPage, RowReading
from connectors.cmms.maximo.settings import MaximoSettings
from connectors.http import JsonSystem
from connectors.json_reading import first_fault
from connectors.rows import Rows, name_in, read_each
from connectors.text import digest_of
from domain.canonical import Json
from domain.clock import Clock
from domain.errors import ActionRequired
from domain.keys import CASE_PREFIX
from domain.unreadable import UnreadableRecord

logger = logging.getLogger(__name__)

_FUTURE: Final = timedelta(days=1)
"""How far the clocks of the CMMS and the plant, and their time zones, may differ."""

_ORDERS: Final = "os/mxapiwodetail"
_ASSETS: Final = "os/mxapiasset"
_SCHEMA: Final = "jsonschemas/mxapiwodetail"
_LEAN: Final[Mapping[str, str]] = {"lean": "1"}

_FIELDS: Final = (
    "wonum,siteid,status,statusdate,description,description_longdescription,assetnum,wopriority,externalrefid,"
    "actstart,actfinish,failurecode,problemcode,"
    "failurereport{*},labtrans{*},matusetrans{*},worklog{*},wostatus{*}"
)


_OPEN_FIELDS: Final = "wonum,siteid,status,statusdate,description,reportedby,externalrefid"
_CODE_FIELDS: Final = "failurecode,problemcode,failurereport{*}"


def transaction_id(operation: str, key: str) -> str:
    """The transaction id of an effect: the same for every attempt at it, another for any other."""
    return f"mw-{digest_of(f'{operation} {key}', 20).lower()}"


class MaximoClient:
    """Requests to one Maximo.

    Maximo's `href` is opaque and may name a host that only it knows by that name; its path below the API route is
    what counts, so that our key is never sent to another host.
    """

    def __init__(self, settings: MaximoSettings, http: httpx.AsyncClient, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._json = JsonSystem(
            http,
            timeout=settings.timeout,
            concurrency=settings.concurrency,
            read_fault=read_fault,
            secrets=(settings.api_key,),
            sign=lambda: {"apikey": settings.api_key.get_secret_value()},
        )
        self._headers = {
            "x-public-uri": settings.url,
            "accept": "application/json",
        }

    def unreadable(self, call: Call, report: UnreadableRecord) -> ActionRequired:
        """A record that a call needs and that cannot be read."""
        return self._json.unreadable(call, report)

    async def count_orders(self, call: Call) -> int:
        """How many orders report our user."""
        params = {"oslc.where": _where({"reportedby": self._settings.user}), "count": "1"}
        reply = await self._get(call, f"{self._settings.url}/{_ORDERS}", params)
        return self._json.read(call, reply, Count).total

    async def schema(self, call: Call) -> ObjectSchema | None:
        """The attributes of work orders at this site, and their lengths; None where our user may not read them."""
        params = {"oslc.select": "*"}
        reply = await self._get(call, f"{self._settings.url}/{_SCHEMA}", params, also=(403, 404))
        return self._json.read(call, reply, ObjectSchema) if reply.status_code == 200 else None

    async def statuses_of_a_draft(self, call: Call) -> tuple[StatusChoice, ...] | None:
        """The statuses to which some order that waits for approval may be moved; None if no order waits."""
        params = {
            "oslc.select": "wonum,siteid",
            "domaininternalwhere": "status=WAPPR",
            "oslc.orderBy": "-wonum",
            "oslc.pageSize": "1",
        }
        page = self._json.read(call, await self._get(call, f"{self._settings.url}/{_ORDERS}", params), RawPage)
        href = next((row.get("href") for row in page.member if isinstance(row, dict)), None)
        if not isinstance(href, str):
            return None
        reply = await self._get(call, f"{self._ours(call, href)}/getlist~status", {"oslc.select": "*"})
        return self._json.read(call, reply, StatusChoices).member

    async def orders_with(
        self, call: Call, attributes: Mapping[str, str], fields: Collection[str], since: datetime | None = None
    ) -> OrderPage:
        """The first page of the orders whose attributes have these values, reported at `since` or later.

        Where the site's orders have no `reportdate` (it is not among `fields`), `statusdate` counts instead.

        Raises:
            Refused: a value has a quotation mark in it, which Maximo's filters cannot carry.
        """
        _, where = self._reported_since(call, attributes, fields, since)
        size = str(self._settings.page_size)
        params = {"oslc.select": _select(fields), "oslc.where": where, "oslc.pageSize": size}
        return await self._page(call, f"{self._settings.url}/{_ORDERS}", params)

    async def open_orders(
        self,
        call: Call,
        attributes: Mapping[str, str],
        fields: Collection[str],
        since: datetime,
        finished: Collection[str],
    ) -> tuple[Rows[OpenOrderRow], bool]:
        """The newest orders whose attributes have these values, and whether these are all. The dates are as for
        `orders_with`.

        Args:
            finished: the internal statuses that they do not have.

        Raises:
            Refused: a value has a quotation mark in it.
        """
        date, where = self._reported_since(call, attributes, fields, since)
        asked = (_OPEN_FIELDS, *(("reportdate",) if "reportdate" in fields else ()))
        params = {
            "oslc.select": ",".join((*asked, _CODE_FIELDS) if self._settings.failure_modes else asked),
            "oslc.where": where,
            "domaininternalwhere": f"status!={','.join(finished)}",
            "oslc.orderBy": f"-{date},-wonum",
            "oslc.pageSize": str(self._settings.page_size),
        }
        page = self._json.read(call, await self._get(call, f"{self._settings.url}/{_ORDERS}", params), RawPage)
        rows = read_each(page.member, OpenOrderRow.model_validate, lambda row, place: name_in(row, ("wonum",), place))
        return Rows(rows.rows, tuple(map(self._json.clean, rows.unreadable))), page.next_page is None

    async def completed_orders(
        self, call: Call, site: str, assets: Collection[str], since: datetime, completed: Collection[str]
    ) -> AsyncIterator[Sequence[object]]:
        """The pages of the orders of some assets of a site whose status is of a time or later, as they came.

        Args:
            completed: the internal statuses that they have.

        Raises:
            Refused: an asset has a quotation mark in its name.
        """
        self._insist_on_no_quotation_mark(call, {"siteid": site, "assetnum": "".join(assets)})
        listed = ",".join(f'"{asset}"' for asset in sorted(assets))
        asked = f"{_OPEN_FIELDS},assetnum,worktype,actfinish"
        params = {
            "oslc.select": f"{asked},{_CODE_FIELDS}" if self._settings.failure_modes else asked,
            "oslc.where": f'siteid="{site}" and assetnum in [{listed}] '
            f'and statusdate>="{local_text(since, self._settings.zone)}"',
            "domaininternalwhere": f"status={','.join(completed)}",
            "oslc.orderBy": "+statusdate,+wonum",
            "oslc.pageSize": str(self._settings.page_size),
        }
        reply = await self._get(call, f"{self._settings.url}/{_ORDERS}", params)
        while True:
            page = self._json.read(call, reply, RawPage)
            yield page.member
            if page.next_page is None:
                return
            reply = await self._json.send(call, "GET", self._ours(call, page.next_page), headers=self._headers)

    async def orders_changed(self, call: Call, start: datetime | None, fields: Collection[str]) -> OrderPage:
        """A page of orders whose status changed at or after `start`, oldest first.

        Maximo's LIKE is documented only in the form "%x%", so orders may be among them that are not ours.
        """
        clauses = [f'externalrefid="%{CASE_PREFIX}%"']
        if start is not None:
            clauses.append(f'statusdate>="{local_text(start, self._settings.zone)}"')
        params = {
            "oslc.select": _select(fields),
            "oslc.where": " and ".join(clauses),
            "oslc.orderBy": "+statusdate,+wonum",
            "oslc.pageSize": str(self._settings.page_size),
        }
        return await self._page(call, f"{self._settings.url}/{_ORDERS}", params)

    async def next_page(self, call: Call, href: str) -> OrderPage:
        """The page that another page points to."""
        reply = await self._json.send(call, "GET", self._ours(call, href), headers=self._headers)
        return self._rows(call, reply)

    async def order(self, call: Call, href: str, fields: Collection[str]) -> WorkOrderRow | None:
        """One order by its href; None where nothing is there any more.

        Raises:
            ActionRequired: it cannot be read.
        """
        reply = await self._get(call, self._ours(call, href), {"oslc.select": _select(fields)}, also=(404,))
        if reply.status_code == httpx.codes.NOT_FOUND:
            return None
        row = self._reading(call).row(self._json.read(call, reply, RawRow).root)
        if isinstance(row, UnreadableOrder):
            raise self.unreadable(call, row.report)
        return row if row.href else row.model_copy(update={"href": href})

    async def create(self, call: Call, body: Mapping[str, Json], key: str) -> bool:
        """Creates an order; False where Maximo says that it has done so already."""
        headers = {
            **self._headers,
            "properties": "wonum,siteid,status,href",
            "transactionid": transaction_id("create", key),
        }
        reply = await self._json.send(
            call,
            "POST",
            f"{self._settings.url}/{_ORDERS}",
            headers=headers,
            params=_LEAN,
            body=body,
            also=(400, 409),
        )
        if reply.status_code == 409:
            return False
        if reply.status_code == 400:
            if DUPLICATE_KEY in codes_of(reply.text):
                return False
            raise self._json.error(call, reply)
        return True

    async def change_status(self, call: Call, href: str, status: str, memo: str) -> None:
        """Moves an order to a status, by the method that is the only supported way."""
        await self._json.send(
            call,
            "POST",
            self._ours(call, href),
            headers={**self._headers, "x-method-override": "PATCH"},
            params={"action": "wsmethod:changeStatus", **_LEAN},
            body={"status": status, "memo": memo},
        )

    async def merge(self, call: Call, href: str, body: Mapping[str, Json], effect: str) -> None:
        """Adds to an order; without MERGE, Maximo deletes the child rows that a body leaves out.

        A second attempt at the same effect is answered with 409, which is what we want of it.
        """
        headers = {
            **self._headers,
            "x-method-override": "PATCH",
            "patchtype": "MERGE",
            "transactionid": transaction_id("merge", effect),
        }
        await self._json.send(
            call, "POST", self._ours(call, href), headers=headers, params=_LEAN, body=body, also=(409,)
        )

    async def assets_with_downtime(self, call: Call, site: str, assets: Collection[str]) -> tuple[AssetRow, ...] | None:
        """Assets of a site with the periods for which they were reported down; None where we may not read them."""
        listed = ",".join(f'"{asset}"' for asset in sorted(assets) if '"' not in asset)
        params = {
            "oslc.select": "assetnum,siteid,downtimereport{*}",
            "oslc.where": f'siteid="{site}" and assetnum in [{listed}]',
            "oslc.pageSize": str(max(len(assets), 1)),
        }
        reply = await self._get(call, f"{self._settings.url}/{_ASSETS}", params, also=(httpx.codes.FORBIDDEN,))
        if reply.status_code == httpx.codes.FORBIDDEN:
            return None
        return tuple(self._readable_assets(call, reply))

    async def all_assets(self, call: Call) -> tuple[tuple[ListedAssetRow, ...], int]:
        """All assets that our user may read, by site and number, and how many of them cannot be read."""
        params = {
            "oslc.select": "assetnum,siteid,status,description,serialnum,parent",
            "oslc.orderBy": "+siteid,+assetnum",
            "oslc.pageSize": str(self._settings.page_size),
        }
        reply = await self._get(call, f"{self._settings.url}/{_ASSETS}", params)
        found: list[ListedAssetRow] = []
        left_out = 0
        while True:
            page = self._json.read(call, reply, RawPage)
            rows = read_each(
                page.member, ListedAssetRow.model_validate, lambda row, place: name_in(row, ("assetnum",), place)
            )
            for words in rows.unreadable:
                logger.warning("an asset is left out of the list: %s", self._json.clean(words))
            found.extend(rows.rows)
            left_out += len(rows.unreadable)
            if page.next_page is None:
                return tuple(found), left_out
            reply = await self._json.send(call, "GET", self._ours(call, page.next_page), headers=self._headers)

    def _readable_assets(self, call: Call, reply: httpx.Response) -> Iterator[AssetRow]:
        for content in self._json.read(call, reply, RawPage).member:
            try:
                yield AssetRow.model_validate(content)
            except ValidationError as error:
                place, problem = first_fault(error)
                logger.warning("downtime is left out: an asset cannot be read: %s %s", place, self._json.clean(problem))

    async def _page(self, call: Call, url: str, params: Mapping[str, str]) -> OrderPage:
        return self._rows(call, await self._get(call, url, params))

    def _rows(self, call: Call, reply: httpx.Response) -> OrderPage:
        page = self._json.read(call, reply, RawPage)
        return self._reading(call).page(page.member, page.next_page)

    def _reading(self, call: Call) -> RowReading:
        latest = self._clock.now() + _FUTURE
        return RowReading(call.system, latest, self._json.without_secrets, self._settings.zone)

    def _reported_since(
        self, call: Call, attributes: Mapping[str, str], fields: Collection[str], since: datetime | None
    ) -> tuple[str, str]:
        """The attribute that has the date of the report, and the filter."""
        self._insist_on_no_quotation_mark(call, attributes)
        date = "reportdate" if "reportdate" in fields else "statusdate"
        where = _where(attributes)
        return date, where if since is None else f'{where} and {date}>="{local_text(since, self._settings.zone)}"'

    def _insist_on_no_quotation_mark(self, call: Call, attributes: Mapping[str, str]) -> None:
        bad = [name for name, value in attributes.items() if '"' in value]
        if bad:
            raise self._json.refused(call, f"{bad[0]} has a quotation mark in it, which a filter cannot carry")

    async def _get(self, call: Call, url: str, params: Mapping[str, str], also: Collection[int] = ()) -> httpx.Response:
        return await self._json.send(call, "GET", url, headers=self._headers, params={**_LEAN, **params}, also=also)

    def _ours(self, call: Call, href: str) -> str:
        parts = urlsplit(href)
        _, found, below = parts.path.partition("/os/")
        if not found or ".." in below:
            raise self._json.refused(call, f"unreadable reply: {href!r} is not the address of an order")
        return f"{self._settings.url}/os/{below}" + (f"?{parts.query}" if parts.query else "")


def _select(fields: Collection[str]) -> str:
    return ",".join((_FIELDS, *fields))


def _where(attributes: Mapping[str, str]) -> str:
    return " and ".join(f'{name}="{value}"' for name, value in attributes.items())
