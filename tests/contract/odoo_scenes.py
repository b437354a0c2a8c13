"""What our connector asks of Odoo Maintenance, scene by scene, and what is answered: on a real server and on the
sandbox's."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from connectors.cmms.odoo import OdooCmms, OdooMaintenanceSettings, connect
from domain.cmms import OrderQuery
from domain.errors import ConnectorError
from domain.work_orders import WorkOrderDraft
from tests.contract.odoo_people import APPROVED, ASSETS, OdooPeople
from tests.support.plant import TestClock

FILE: Final = Path(__file__).parents[1] / "connectors" / "odoo_cmms_recordings.json"
"""The scenes as they were recorded on a real server."""
Recording = dict[str, list[dict[str, Any]]]
_PLAYED_AT: Final = datetime(2027, 1, 1, tzinfo=UTC)
"""Later than each stamp in the recordings, which are of the day on which they were made."""
_DRAFT: Final = WorkOrderDraft(
    key="MWABCDEFGH",
    asset="machine-1",
    asset_attributes={},
    asset_external_id=ASSETS[0],
    summary="Machine 1: voltage <high> & rising",
    paragraphs=("Look at the regulator.", "Evidence:\n190 V"),
    failure_mode="ELF",
    priority=2,
    released=False,
    reported_at=datetime(2026, 11, 29, 12, 0, tzinfo=UTC),
)
_NO_ASSET: Final = _DRAFT.model_copy(update={"key": "MWNOASSET0", "asset_external_id": "NOSUCH"})
_ALL_OF_ASSET: Final = OrderQuery(asset_external_id=ASSETS[0])


class Recorder(httpx.AsyncBaseTransport):
    """The way to Odoo, and what went over it. Of an error the stack trace is left out."""

    def __init__(self) -> None:
        self.exchanges: list[dict[str, Any]] = []
        self._way = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reply = await self._way.handle_async_request(request)
        content = await reply.aread()
        kind = reply.headers["content-type"]
        answer = json.loads(content) if "json" in kind else content.decode()
        if isinstance(answer, dict):
            answer.pop("debug", None)
        self.exchanges.append(
            {
                "ask": f"{request.method} {request.url.path}",
                "body": json.loads(request.content) if request.content else None,
                "status": reply.status_code,
                "type": kind,
                "answer": answer,
            }
        )
        return httpx.Response(reply.status_code, headers={"content-type": kind}, content=content)

    async def aclose(self) -> None:
        await self._way.aclose()


async def played(people: OdooPeople, url: str, database: str, api_key: str) -> Recording:
    """Each scene with its exchanges, on a database in which nothing was done yet."""
    scenes: Recording = {}

    async def play(name: str, act: Callable[[OdooCmms], Awaitable[Any]], **settings: str) -> Any:
        recorder = Recorder()
        async with httpx.AsyncClient(transport=recorder) as client:
            own = {"url": url, "database": database, "api_key": api_key, "approved_stage": APPROVED}
            made = OdooMaintenanceSettings.model_validate(own | settings)
            done = None
            with suppress(ConnectorError):
                done = await act(connect(made, client, system="odoo", clock=TestClock(_PLAYED_AT)))
        scenes[name] = recorder.exchanges
        return done

    await play("check", lambda cmms: cmms.check())
    await play("wrong-key", lambda cmms: cmms.check(), api_key="wrong")
    await play("unknown-asset", lambda cmms: cmms.create_work_order(_NO_ASSET))
    created = await play("create", lambda cmms: cmms.create_work_order(_DRAFT))
    await play("create-again", lambda cmms: cmms.create_work_order(_DRAFT))
    await play("note", lambda cmms: cmms.add_note(created.ref, "note-1", "Seen again."))
    await play("note-again", lambda cmms: cmms.add_note(created.ref, "note-1", "Seen again."))
    await play("release", lambda cmms: cmms.release_work_order(created.ref, "accepted by pat"))
    people.complete(created.ref, "Regulator burnt.")
    await play("read-completed", lambda cmms: cmms.read_work_order(created.ref))
    await play("find", lambda cmms: cmms.find_work_orders(_ALL_OF_ASSET))
    await play("changes", lambda cmms: cmms.changed_since(None))
    people.delete(created.ref)
    await play("read-deleted", lambda cmms: cmms.read_work_order(created.ref))
    again = await play("create-after", lambda cmms: cmms.create_work_order(_DRAFT))
    await play("withdraw", lambda cmms: cmms.withdraw_work_order(again.ref, "revised"))
    return scenes
