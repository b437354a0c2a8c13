"""The wire of SAP Digital Manufacturing: SFC v1 and v2, Resource v2 and v3."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import httpx

from connectors.call import Call
from connectors.http import JsonSystem
from connectors.mes.sap_dm.faults import read_fault
from connectors.mes.sap_dm.models import (
    HeldSfcs,
    ListedSfc,
    ListPage,
    RawList,
    Resource,
    RowT,
    Sfc,
    SfcInWork,
    read_rows,
)
from connectors.mes.sap_dm.settings import SapDmSettings
from connectors.oauth import ClientCredentials, OAuthClient
from connectors.rows import Rows
from domain.canonical import Json
from domain.errors import Refused

_SFC: Final = "/sfc/v1"
_SFC_READING: Final = "/sfc/v2"
_RESOURCE: Final = "/resource/v3"
_STATUS: Final = "/resource/v2/changestatus"
_IN_WORK_AT_ONCE: Final = 1000
"""The largest page of `sfcsInWork`."""
_LISTED_AT_ONCE: Final = 100
_LISTED_PAGES: Final = 5
"""How many pages of the work list are read. Only the first SFC counts, unless it cannot be read."""


class SapDmClient:
    """Requests to one plant, in the name of the client of the settings."""

    def __init__(self, settings: SapDmSettings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._json = JsonSystem(
            http,
            timeout=settings.timeout,
            concurrency=settings.concurrency,
            read_fault=read_fault,
            secrets=(settings.client_secret,),
        )
        self._sign_in = ClientCredentials(
            OAuthClient(
                settings.token_url,
                settings.client_id,
                settings.client_secret,
                setting="client_secret",
                sends_it_in="header",
            ),
            self._json,
        )

    async def count_resources(self, call: Call) -> int | None:
        """How many resources the plant has; None if the answer does not say it."""
        reply = await self._get(call, f"{_RESOURCE}/resources", {"size": "1", "page": "0"})
        return self._json.read(call, reply, ListPage).total_elements

    async def resource(self, call: Call, name: str) -> Resource | None:
        """A resource by its name; None if the plant has none of this name.

        Raises:
            Refused: the answer is about another resource.
        """
        found = await self._one(call, f"{_RESOURCE}/resource", {"resource": name}, Resource)
        if found is None or found.resource is None:
            return None
        if found.resource != name or found.plant not in (None, self._settings.plant):
            raise self.refused(call, f"asked for resource {name}, it answered about {found.plant} {found.resource}")
        return found

    async def sfcs_in_work(self, call: Call, resource: str) -> Rows[SfcInWork]:
        """The SFCs that are in work at a resource, each once."""
        rows: dict[str, SfcInWork] = {}
        unreadable: list[str] = []
        offset = 0
        while True:
            asked = {"resource": resource, "page.offset": str(offset), "page.size": str(_IN_WORK_AT_ONCE)}
            reply = await self._get(call, f"{_SFC}/sfcsInWork", asked)
            contents = [] if not reply.content else self._json.read(call, reply, RawList).root
            found = read_rows(contents, SfcInWork, offset + 1)
            unreadable += found.unreadable
            rows |= {row.sfc: row for row in found.rows}
            offset += len(contents)
            if len(contents) < _IN_WORK_AT_ONCE:
                return Rows(tuple(rows[name] for name in sorted(rows)), tuple(unreadable))

    async def sfc(self, call: Call, name: str) -> Sfc | None:
        """An SFC by its name; None if there is none.

        Raises:
            Refused: it cannot be read.
        """
        found = await self._one(call, f"{_SFC_READING}/sfcdetail", {"sfc": name, "includeSfcSteps": "true"}, Sfc)
        if found is not None and found.sfc != name:
            raise self.refused(call, f"asked for SFC {name}, it answered about {found.sfc}")
        return found

    async def listed_sfcs(self, call: Call, resource: str) -> Rows[ListedSfc]:
        """The SFCs of the work list that are scheduled on a resource."""
        rows: list[ListedSfc] = []
        unreadable: list[str] = []
        for number in range(_LISTED_PAGES):
            asked = {"resources": resource, "page": str(number), "size": str(_LISTED_AT_ONCE)}
            reply = await self._get(call, f"{_SFC_READING}/worklist/sfcs", asked)
            if not reply.content:
                break
            page = self._json.read(call, reply, ListPage)
            found = read_rows(page.content, ListedSfc, number * _LISTED_AT_ONCE + 1)
            rows += found.rows
            unreadable += found.unreadable
            if number + 1 >= page.total_pages:
                break
        return Rows(tuple(rows), tuple(unreadable))

    async def change_status(self, call: Call, resource: str, status: str, comment: str) -> None:
        """Gives a resource a status, at once: else SAP would wait until its last SFC is completed."""
        body: dict[str, Json] = {
            "plant": self._settings.plant,
            "resource": resource,
            "status": status,
            "user": self._settings.user,
            "comments": comment,
            "immediate": True,
        }
        await self._send(call, "POST", _STATUS, body=body)

    async def hold(self, call: Call, sfc: str, comment: str) -> HeldSfcs:
        """Puts an SFC on hold."""
        body: dict[str, Json] = {"plant": self._settings.plant, "sfcs": [sfc], "comments": comment}
        return self._json.read(call, await self._send(call, "POST", f"{_SFC}/sfcs/hold", body=body), HeldSfcs)

    async def release(self, call: Call, sfc: str, comment: str) -> None:
        """Ends every hold of an SFC, whoever placed it. The answer is not read: the SFC itself is."""
        body: dict[str, Json] = {"plant": self._settings.plant, "sfcs": [sfc], "releaseComments": comment}
        await self._send(call, "POST", f"{_SFC}/sfcs/release", body=body)

    def refused(self, call: Call, problem: str) -> Refused:
        """An answer that nobody can use."""
        return self._json.refused(call, problem)

    def clean(self, text: str) -> str:
        """Words of SAP fit for a message."""
        return self._json.clean(text)

    async def _one(self, call: Call, path: str, asked: Mapping[str, str], model: type[RowT]) -> RowT | None:
        reply = await self._get(call, path, asked, also=(httpx.codes.NOT_FOUND,))
        if reply.status_code in (httpx.codes.NOT_FOUND, httpx.codes.NO_CONTENT) or not reply.content.strip():
            return None
        return self._json.read(call, reply, model)

    async def _get(
        self, call: Call, path: str, asked: Mapping[str, str], *, also: tuple[int, ...] = ()
    ) -> httpx.Response:
        query = urlencode({"plant": self._settings.plant, **asked})
        return await self._send(call, "GET", f"{path}?{query}", also=also)

    async def _send(
        self,
        call: Call,
        method: str,
        path: str,
        *,
        body: Mapping[str, Json] | None = None,
        also: tuple[int, ...] = (),
    ) -> httpx.Response:
        """One request; if its token is refused, once more with another one. A request that was refused did nothing."""
        token = await self._sign_in.token(call)
        reply = await self._with(call, token, method, path, body, also)
        if reply.status_code == httpx.codes.UNAUTHORIZED:
            reply = await self._with(call, await self._sign_in.token(call, refused=token), method, path, body, also)
        if reply.status_code == httpx.codes.UNAUTHORIZED:
            raise self._json.error(call, reply)
        return reply

    async def _with(
        self, call: Call, token: str, method: str, path: str, body: Mapping[str, Json] | None, also: tuple[int, ...]
    ) -> httpx.Response:
        return await self._json.send(
            call,
            method,
            f"{self._settings.url}{path}",
            headers={"authorization": f"Bearer {token}", "accept": "application/json"},
            body=body,
            also=(httpx.codes.UNAUTHORIZED, *also),
        )
