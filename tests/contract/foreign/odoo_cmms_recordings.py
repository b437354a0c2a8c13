"""What the connector to Odoo Maintenance asks of a real Odoo, and what Odoo answers: recorded for other tests.

`python -m tests.contract.foreign.odoo_cmms_recordings` records it again, into
`tests/connectors/odoo_cmms_recordings.json`. `test_foreign_odoo_recordings.py` says when that is needed.
"""

import asyncio
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
from tests.contract.foreign.odoo_cmms_plant import ASSETS, OdooCmmsPlant
from tests.contract.foreign.odoo_recordings import Recorder, Recording
from tests.contract.foreign.odoo_server import OdooDatabase, OdooServer
from tests.support.plant import TestClock

FILE: Final = Path(__file__).parents[2] / "connectors" / "odoo_cmms_recordings.json"
PLAYED_AT: Final = datetime(2027, 1, 1, tzinfo=UTC)
"""Later than each stamp in the recordings, which are of the day on which they were made."""
DRAFT: Final = WorkOrderDraft(
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
NO_ASSET: Final = DRAFT.model_copy(update={"key": "MWNOASSET0", "asset_external_id": "NOSUCH"})
ALL_OF_ASSET: Final = OrderQuery(asset_external_id=ASSETS[0])


async def record(database: OdooDatabase) -> Recording:
    """Each scene with its exchanges, on a database in which nothing was done yet."""
    plant = OdooCmmsPlant(database, approved_stage="Approved")
    plant.start()
    scenes: Recording = {}

    async def play(name: str, act: Callable[[OdooCmms], Awaitable[Any]], **settings: str) -> Any:
        recorder = Recorder()
        async with httpx.AsyncClient(transport=recorder) as client:
            own = {
                "url": database.url,
                "database": database.name,
                "api_key": database.keys["cmms"],
                "approved_stage": "Approved",
            }
            made = OdooMaintenanceSettings.model_validate(own | settings)
            done = None
            with suppress(ConnectorError):
                done = await act(connect(made, client, system="odoo", clock=TestClock(PLAYED_AT)))
        scenes[name] = recorder.exchanges
        return done

    await play("check", lambda cmms: cmms.check())
    await play("wrong-key", lambda cmms: cmms.check(), api_key="wrong")
    await play("unknown-asset", lambda cmms: cmms.create_work_order(NO_ASSET))
    created = await play("create", lambda cmms: cmms.create_work_order(DRAFT))
    await play("create-again", lambda cmms: cmms.create_work_order(DRAFT))
    await play("note", lambda cmms: cmms.add_note(created.ref, "note-1", "Seen again."))
    await play("note-again", lambda cmms: cmms.add_note(created.ref, "note-1", "Seen again."))
    await play("release", lambda cmms: cmms.release_work_order(created.ref, "accepted by pat"))
    plant.complete(created.ref, "Regulator burnt.")
    await play("read-completed", lambda cmms: cmms.read_work_order(created.ref))
    await play("find", lambda cmms: cmms.find_work_orders(ALL_OF_ASSET))
    await play("changes", lambda cmms: cmms.changed_since(None))
    plant.delete(created.ref)
    await play("read-deleted", lambda cmms: cmms.read_work_order(created.ref))
    again = await play("create-after", lambda cmms: cmms.create_work_order(DRAFT))
    await play("withdraw", lambda cmms: cmms.withdraw_work_order(again.ref, "revised"))
    return scenes


async def _main() -> None:
    server = OdooServer.start()
    try:
        scenes = await record(server.copy())
    finally:
        server.end()
    FILE.write_text(json.dumps(scenes, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_main())
