"""The way from our connectors to a real server, which fails as it is told."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from tests.contract.foreign.odoo_server import TRUST


class Network(httpx.AsyncBaseTransport):
    """The way to a server. It does what it is told to the next request whose path has some text."""

    def __init__(self) -> None:
        self._way = httpx.AsyncHTTPTransport(verify=TRUST)
        self._faults: list[tuple[str, str, Mapping[str, str | float]]] = []
        self.is_down = False
        self.asked: list[str] = []
        self.odd: dict[int, Mapping[str, object]] = {}
        """By the id of a record, values that the server itself would never give, in the place of its own."""

    def fail(self, path: str, kind: str, **params: str | float) -> None:
        self._faults.append((path, kind, params))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path.removeprefix("/json/2/"))
        if self.is_down:
            raise httpx.ConnectError("nobody is here")
        fault = next((fault for fault in self._faults if fault[0] in request.url.path), None)
        if fault is not None:
            self._faults.remove(fault)
            return await self._failing(request, fault[1], fault[2])
        reply = await self._way.handle_async_request(request)
        return await self._made_odd(reply) if self.odd and "search_read" in request.url.path else reply

    async def _failing(self, request: httpx.Request, kind: str, params: Mapping[str, str | float]) -> httpx.Response:
        match kind:
            case "drop_then_nothing":
                raise httpx.ReadError("cut")
            case "timeout":
                raise httpx.ReadTimeout("too slow")
            case "commit_then_drop":
                reply = await self._way.handle_async_request(request)
                await reply.aread()
                raise httpx.ReadError("cut")
            case "duplicate_answer" | "reorder_answers":
                reply = await self._way.handle_async_request(request)
                rows = json.loads(await reply.aread())
                turned = [*rows, *rows] if kind == "duplicate_answer" else rows[::-1]
                return httpx.Response(200, json=turned if isinstance(rows, list) else rows)
            case "html":
                return httpx.Response(200, html="<!DOCTYPE html><html><title>Back soon</title></html>")
            case "session_expired":
                # The server itself refuses the key, as it does after the key was removed.
                request.headers["authorization"] = "bearer removed"
                return await self._way.handle_async_request(request)
            case "refuse_field":
                return httpx.Response(200, json=_missing(str(params["field"])))
            case _:
                wait = str(params.get("retry_after", 7))
                return httpx.Response(int(kind.removeprefix("status_")), headers={"retry-after": wait})

    async def _made_odd(self, reply: httpx.Response) -> httpx.Response:
        rows = json.loads(await reply.aread())
        turned = [{**row, **self.odd.get(row["id"], {})} for row in rows] if isinstance(rows, list) else rows
        return httpx.Response(reply.status_code, json=turned)

    async def aclose(self) -> None:
        await self._way.aclose()


def _missing(field: str) -> dict[str, Any]:
    """What `load` of Odoo answers where a field is required that was not given."""
    message = {
        "rows": {"from": 0, "to": 0},
        "record": 0,
        "type": "error",
        "message": f"Missing required value for the field 'GL Account' ({field}).\n- create/update: a mandatory field",
        "field": field,
    }
    return {"ids": False, "messages": [message], "nextrow": 0}
